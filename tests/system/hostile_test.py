"""Bad input at the client door of a stand-alone stentord, byte by byte. Each case must earn
exactly the error that RFC 6120 or XEP-0045 names for it, and after each case two people who were
in a room all the time still talk. At the end the server stops cleanly: with a sanitizer, that is
the proof that nothing was overrun or leaked."""

import os
import resource
import socket
import time
import xml.etree.ElementTree as ElementTree

import harness
from harness import ACCOUNTS, MUC_DOMAIN, PASSWORD, RawClient
from rawclient import HEADER, NS_BIND, NS_CLIENT, NS_MUC, NS_SASL, NS_STANZAS, name, space

ROOM = f"hostile@{MUC_DOMAIN}"
HEAD = HEADER.format(harness.DOMAIN)
STANZA_MAX = 256 * 1024
UNAUTHENTICATED_MAX = 16 * 1024
DEPTH_MAX = 64
ATTRIBUTES_MAX = 64
HALF_OPEN = 10_000
HANDSHAKE_S = 30
FLOOD_LINES, FLOOD_LINE = 250, 100_000


class Scene:
    """The server, and Alice and Bob in their room."""

    def __init__(self, stentord):
        self.port = stentord.port
        self.stentord = stentord
        self.lines = 0
        self.alice = self.session(0)
        self.alice.join(ROOM, "Alice")
        answer = self.alice.request("set", ROOM, owner_form())
        assert answer.get("type") == "result", ElementTree.tostring(answer)
        self.bob = self.session(1)
        self.bob.join(ROOM, "Bob")

    def raw(self):
        return RawClient(self.port)

    def session(self, account=2):
        return RawClient(self.port).login(ACCOUNTS[account], PASSWORD)

    def all_is_well(self):
        assert self.stentord.process.poll() is None, "the server is gone"
        for speaker in (self.alice, self.bob):
            self.lines += 1
            text = f"line {self.lines}"
            speaker.say(ROOM, text)
            self.alice.hear(text)
            self.bob.hear(text)


def owner_form(*fields):
    """A submission of the room's configuration; fields are pairs of a name and its values."""
    rows = "".join(f"<field var='{var}'>" + "".join(f"<value>{value}</value>" for value in values) +
                   "</field>" for var, values in fields)
    if rows:
        rows = (f"<field var='FORM_TYPE'><value>{NS_MUC}#roomconfig</value></field>" + rows)
    form = f"<x xmlns='jabber:x:data' type='submit'>{rows}</x>"
    return f"<query xmlns='{NS_MUC}#owner'>{form}</query>"


def admin_item(attributes):
    return f"<query xmlns='{NS_MUC}#admin'><item {attributes}/></query>"


def condition_of(stanza):
    """Condition of a stanza error; None if it is no error."""
    error = stanza.find(f"{{{NS_CLIENT}}}error")
    if stanza.get("type") != "error" or error is None:
        return None
    return next(name(child) for child in error
                if space(child) == NS_STANZAS and name(child) != "text")


def is_leaving(stanza, nick):
    return stanza.get("from") == f"{ROOM}/{nick}" and stanza.get("type") == "unavailable"


def expect(got, wanted, what):
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    assert got in wanted, f"{what}: {got} instead of {' or '.join(map(str, wanted))}"


# ---- before anybody has logged in: the stream ends with its error ----

BODY = HEAD.partition("?>")[2]
UNVERSIONED = BODY.replace(" version='1.0'", "")
MANY = " ".join(f"a{i}='1'" for i in range(ATTRIBUTES_MAX + 1))
MANY_NS = " ".join(f"xmlns:n{i}='u{i}'" for i in range(1000))
DTD = "<!DOCTYPE stream [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]>"
WRONG_NS = HEAD.replace("http://etherx.jabber.org/streams", "http://example.org/streams")
WRONG_DEFAULT = HEAD.replace("jabber:client", "jabber:server")
UNSERVED = HEADER.format("elsewhere.example")

STREAM_ERRORS = (
    ("a web browser", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "not-well-formed"),
    ("all byte values", bytes(range(256)), ("not-well-formed", "unsupported-encoding")),
    ("TLS without asking", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
     "not-well-formed"),
    ("a DTD with entities", "<?xml version='1.0'?>" + DTD + BODY, "restricted-xml"),
    ("a DTD in the stream", HEAD + DTD, ("restricted-xml", "not-well-formed")),
    ("an entity", HEAD + "<iq type='get' id='1'>&lol;</iq>", "restricted-xml"),
    ("an entity in an attribute", HEAD + "<iq type='get' id='&lol;'/>", "restricted-xml"),
    ("a comment", HEAD + "<!-- hello -->", "restricted-xml"),
    ("a comment in a stanza", HEAD + "<iq><!-- hello --></iq>", "restricted-xml"),
    ("a processing instruction", HEAD + "<?php echo 1 ?>", "restricted-xml"),
    ("a wrong stream namespace", WRONG_NS, "invalid-namespace"),
    ("a wrong default namespace", WRONG_DEFAULT, "invalid-namespace"),
    ("another root element", "<flood xmlns='http://etherx.jabber.org/streams'>", "bad-format"),
    ("a domain not served", UNSERVED, "host-unknown"),
    ("a stream of the old kind", UNVERSIONED, "unsupported-version"),
    ("another encoding", "<?xml version='1.0' encoding='ISO-8859-1'?>" + BODY,
     "unsupported-encoding"),
    ("mismatched tags", HEAD + "<iq><query></iq>", "not-well-formed"),
    ("a stream closed inside a stanza", HEAD + "<iq></stream:stream>", "not-well-formed"),
    ("a prefix bound to nothing", HEAD + "<foo:iq/>", "not-well-formed"),
    ("an attribute twice", HEAD + "<iq id='1' id='2'/>", "not-well-formed"),
    ("invalid UTF-8", HEAD.encode() + b"<iq id='\xff\xfe'/>", "not-well-formed"),
    ("overlong UTF-8", HEAD.encode() + b"<iq id='\xc0\xaf'/>", "not-well-formed"),
    ("a surrogate in UTF-8", HEAD.encode() + b"<iq id='\xed\xa0\x80'/>", "not-well-formed"),
    ("a zero byte", HEAD.encode() + b"<iq id='\0'/>", "not-well-formed"),
    ("a control character", HEAD + "<iq id='&#1;'/>", "not-well-formed"),
    ("words between stanzas", HEAD + "hello<iq/>", ("bad-format", "restricted-xml")),
    ("an element nobody knows", HEAD + "<knock xmlns='urn:knock'/>", "unsupported-stanza-type"),
    ("a message before logging in", HEAD + f"<message to='{ROOM}'><body>x</body></message>",
     "not-authorized"),
    ("a presence before logging in",
     HEAD + f"<presence to='{ROOM}/Eve'><x xmlns='{NS_MUC}'/></presence>", "not-authorized"),
    ("binding before logging in", HEAD + f"<iq type='set' id='1'><bind xmlns='{NS_BIND}'/></iq>",
     "not-authorized"),
    ("much before logging in",
     HEAD + f"<iq type='set' id='1'><a>{'x' * UNAUTHENTICATED_MAX}</a></iq>", "policy-violation"),
    ("too deep", HEAD + "<a>" * (DEPTH_MAX + 2), "policy-violation"),
    ("too many attributes", HEAD + f"<iq {MANY}/>", "policy-violation"),
    ("too many namespaces", HEAD + f"<iq {MANY_NS}/>", "policy-violation"),
    ("an endless tag", HEAD + "<" + "a" * (2 * UNAUTHENTICATED_MAX), "policy-violation"),
    ("an endless attribute", HEAD + "<iq id='" + "a" * (2 * UNAUTHENTICATED_MAX),
     "policy-violation"),
)


def streams_before_login(scene):
    for what, data, wanted in STREAM_ERRORS:
        with scene.raw() as client:
            client.send(data)
            try:
                expect(client.stream_error(), wanted, what)
            except (AssertionError, OSError, EOFError) as error:
                raise AssertionError(f"{what}: {error!r}") from error
        scene.all_is_well()


def the_same_in_pieces(scene):
    """Where a segment ends must make no difference: byte by byte."""
    for what, data, wanted in STREAM_ERRORS:
        data = data.encode() if isinstance(data, str) else data
        if len(data) > 1000:
            continue
        with scene.raw() as client:
            try:
                for at in range(len(data)):
                    client.send(data[at:at + 1])
            except OSError:
                pass
            try:
                expect(client.stream_error(), wanted, what + " in pieces")
            except (AssertionError, OSError, EOFError) as error:
                raise AssertionError(f"{what} in pieces: {error!r}") from error
    scene.all_is_well()


def ends_without_a_word(scene):
    for data in (b"", b"<", HEAD.encode(), HEAD.encode() + b"<iq type='get' id='1'>",
                 HEAD.encode() + b"<iq id='\xc3"):
        with scene.raw() as client:
            client.send(data)
        with scene.raw() as client:
            client.send(data)
            client.socket.shutdown(socket.SHUT_WR)
            client.await_eof()
    scene.all_is_well()


def logins_that_fail(scene):
    auth = f"<auth xmlns='{NS_SASL}' " + "mechanism='{}'>{}</auth>"
    for mechanism, text in (("PLAIN", "AHVzZXIAd3Jvbmc="), ("PLAIN", "!!!"), ("PLAIN", ""),
                            ("PLAIN", "AAAA"), ("PLAIN", "A" * 12_000), ("MAGIC", "AHVzZXIA"),
                            ("SCRAM-SHA-1", "bixhPWIsbj14"), ("SCRAM-SHA-256", "biwsbj0scj0=")):
        with scene.raw() as client:
            client.open()
            client.send(auth.format(mechanism, text))
            answer = client.next()
            if name(answer) == "challenge":  # also what PLAIN without its first message gets
                client.send(f"<response xmlns='{NS_SASL}'>Yz1iaXdzLHI9eCxwPXg=</response>")
                answer = client.next()
            assert name(answer) in ("failure", "error"), ElementTree.tostring(answer)
    with scene.raw() as client:
        client.open()
        for _ in range(20):
            client.send(auth.format("PLAIN", "AHVzZXIAd3Jvbmc="))
            if name(client.next()) == "error":
                break
        else:
            raise AssertionError("one may guess passwords for ever on one connection")
    scene.all_is_well()


# ---- in a session: stream errors ----

def streams_in_a_session(scene):
    message = f"<message to='{ROOM}' type='groupchat'>{{}}</message>"
    cases = (
        ("a stanza over the limit", message.format(f"<body>{'x' * STANZA_MAX}</body>"),
         "policy-violation"),
        ("many small elements over the limit", message.format("<a/>" * (STANZA_MAX // 4)),
         "policy-violation"),
        ("too deep", "<message>" + "<a>" * (DEPTH_MAX + 1), "policy-violation"),
        ("too many attributes", f"<message {MANY}/>", "policy-violation"),
        ("a comment", message.format("<!-- -->"), "restricted-xml"),
        ("mismatched tags", message.format("<body></boddy>"), "not-well-formed"),
        ("invalid UTF-8", message.format("<body>\udcff</body>").encode(errors="surrogateescape"),
         "not-well-formed"),
        ("a stanza of another namespace", "<message xmlns='jabber:server'/>",
         ("unsupported-stanza-type", "invalid-namespace")),
        ("no stanza at all", "<knock xmlns='urn:knock'/>", "unsupported-stanza-type"),
        ("logging in again", f"<auth xmlns='{NS_SASL}' mechanism='PLAIN'/>",
         ("unsupported-stanza-type", "policy-violation")),
        ("speaking for somebody else",
         f"<message from='{scene.alice.jid}' to='{ROOM}' type='groupchat'><body>I am Alice</body>"
         "</message>", "invalid-from"),
    )
    for what, data, wanted in cases:
        with scene.session() as client:
            client.send(data)
            try:
                expect(client.stream_error(), wanted, what)
            except (AssertionError, OSError, EOFError) as error:
                raise AssertionError(f"{what}: {error!r}") from error
        scene.all_is_well()


def what_is_just_within_the_limits(scene):
    """The other side of each limit: these must pass."""
    with scene.session() as client:
        client.join(ROOM, "Within")
        big = "x" * (STANZA_MAX - 1000)
        client.say(ROOM, big)
        for listener in (client, scene.alice, scene.bob):
            listener.hear(big)
        deep = "<a xmlns='urn:deep'>" + "<a>" * (DEPTH_MAX - 2) + "</a>" * (DEPTH_MAX - 2) + "</a>"
        many = " ".join(f"a{i}='1'" for i in range(ATTRIBUTES_MAX - 1))
        client.send(f"<message to='{ROOM}' type='groupchat'><body>deep</body>{deep}"
                    f"<a xmlns='urn:wide' {many}/></message>")
        heard = scene.bob.hear("deep")
        assert len(list(heard.iter("{urn:deep}a"))) == DEPTH_MAX - 1
        assert len(heard.find("{urn:wide}a").attrib) == ATTRIBUTES_MAX - 1
        for _ in range(3):
            client.send(" \n" * 4000)
            client.say(ROOM, "blanks between stanzas")
            client.hear("blanks between stanzas")
    scene.all_is_well()


# ---- in a session: stanza errors; the stream goes on ----

def second_bind(scene):
    with scene.session() as client:
        expect(condition_of(client.request("set", "", f"<bind xmlns='{NS_BIND}'/>")), "not-allowed",
               "a second resource")
        client.join(ROOM, "Bound")
    scene.all_is_well()


def bad_addresses(scene):
    long = "x" * 1024
    with scene.session() as client:
        for to in ("@", f"@{MUC_DOMAIN}", "room@", f"{ROOM}/", f"{long}@{MUC_DOMAIN}",
                   f"{ROOM}/{long}", f"a@{long}", f"a b@{MUC_DOMAIN}", f"a&amp;b@{MUC_DOMAIN}",
                   f"a@b@{MUC_DOMAIN}", f"&#xE000;@{MUC_DOMAIN}", f"{ROOM}/&#x7F;", ""):
            client.send(f"<iq type='get' id='addr' to='{to}'><ping xmlns='urn:xmpp:ping'/></iq>")
            answer = client.until(lambda stanza: stanza.get("id") == "addr")
            expect(condition_of(answer), "jid-malformed", f"iq to '{to[:40]}'")
            client.send(f"<presence id='addr' to='{to}'><x xmlns='{NS_MUC}'/></presence>")
            answer = client.until(lambda stanza: stanza.get("id") == "addr")
            expect(condition_of(answer), "jid-malformed", f"presence to '{to[:40]}'")
    scene.all_is_well()


def missing_to_and_id(scene):
    with scene.session() as client:
        answer = client.request("get", "", "<what xmlns='urn:what'/>")
        expect(condition_of(answer), "service-unavailable", "an IQ to nobody")
        client.send("<message><body>to nobody</body></message><message type='groupchat'/>"
                    "<presence type='subscribe'/>")
        for to in (ROOM, f"{ROOM}/Alice", MUC_DOMAIN, harness.DOMAIN):
            for kind in ("get", "set"):
                client.send(f"<iq type='{kind}' to='{to}'><ping xmlns='urn:xmpp:ping'/></iq>")
                answer = client.until(lambda stanza: name(stanza) == "iq")
                expect(condition_of(answer), "bad-request", f"an IQ without id to {to}")
                assert answer.get("id") is None
        client.join(ROOM, "Nameless")
    scene.all_is_well()


def bad_iqs(scene):
    unknown = "<what xmlns='urn:what'/>"
    with scene.session() as client:
        client.join(ROOM, "Asker")
        for to in (ROOM, MUC_DOMAIN, harness.DOMAIN, ""):
            for kind in ("get", "set"):
                expect(condition_of(client.request(kind, to, unknown)), "service-unavailable",
                       f"unknown {kind} to '{to}'")
        for kind, payload in (("get", ""), ("set", ""), ("get", unknown + unknown),
                              ("fetch", unknown)):
            for to in (ROOM, f"{ROOM}/Asker", MUC_DOMAIN, harness.DOMAIN):
                expect(condition_of(client.request(kind, to, payload)), "bad-request",
                       f"a {kind} with '{payload}' to {to}")
        expect(condition_of(client.request("get", f"{ROOM}/Nobody", unknown)), "item-not-found",
               "an IQ to an unknown nick")
        # Answers nobody asked for are not answered.
        for kind in ("result", "error"):
            client.send(f"<iq type='{kind}' id='late' to='{ROOM}'/>"
                        f"<iq type='{kind}' id='late' to='{ROOM}/Alice'/>"
                        f"<iq type='{kind}' id='late' to='{MUC_DOMAIN}'/>")
        client.send(f"<message type='error' id='late' to='{MUC_DOMAIN}'><error type='cancel'/>"
                    "</message>")
        client.say(ROOM, "asked enough")
        while True:
            stanza = client.next()
            assert stanza.get("id") != "late", ElementTree.tostring(stanza)
            if stanza.findtext(f"{{{NS_CLIENT}}}body") == "asked enough":
                break
    scene.all_is_well()


def bad_queries(scene):
    someone = f"{ACCOUNTS[2]}@{harness.DOMAIN}"
    cases = (
        (admin_item(f"jid='{someone}' affiliation='king'"), "bad-request"),
        (admin_item("nick='Bob' role='jester'"), "bad-request"),
        (admin_item("nick='Bob' role='visitor' affiliation='member'"), "bad-request"),
        (admin_item(f"jid='{someone}'"), "bad-request"),
        (admin_item("jid='@' affiliation='member'"), "jid-malformed"),
        (admin_item("affiliation='member'"), "bad-request"),
        (admin_item("nick='Nobody' role='none'"), "item-not-found"),
        (f"<query xmlns='{NS_MUC}#admin'/>", "bad-request"),
        (f"<query xmlns='{NS_MUC}#admin'>" +
         f"<item jid='{someone}' affiliation='member'/>" * 1001 + "</query>", "bad-request"),
        ("<query xmlns='jabber:iq:register'><remove/><username/></query>", "bad-request"),
    )
    for payload, wanted in cases:
        expect(condition_of(scene.alice.request("set", ROOM, payload)), wanted, payload[:120])
    scene.all_is_well()


def bad_forms(scene):
    var = "muc#roomconfig_"
    for field, values in (("maxusers", ["many"]), ("maxusers", ["-1"]), ("maxusers", ["1e9"]),
                          ("maxusers", ["99999999999999999999"]), ("membersonly", ["perhaps"]),
                          ("membersonly", ["0", "1"]), ("whois", ["nobody"]),
                          ("whois", ["anyone", "x"]), ("presencebroadcast", ["king"]),
                          ("roomname", ["x" * 1025]), ("roomadmins", ["@"])):
        answer = scene.alice.request("set", ROOM, owner_form((var + field, values)))
        expect(condition_of(answer), "not-acceptable", f"{field} as {values}"[:80])
        # One bad field: nothing of the form is taken.
        answer = scene.alice.request("set", ROOM, owner_form((var + "roomdesc", ["taken"]),
                                                             (var + field, values)))
        expect(condition_of(answer), "not-acceptable", f"{field} as {values}"[:80])
    form = scene.alice.request("get", ROOM, f"<query xmlns='{NS_MUC}#owner'/>")
    rows = {row.get("var"): row.findtext("{*}value") for row in form.iter("{jabber:x:data}field")}
    assert rows[var + "roomdesc"] != "taken", rows
    wrong_type = owner_form((var + "roomname", ["x"])).replace("#roomconfig<", "#roominfo<")
    no_type = owner_form((var + "roomname", ["x"])).replace("FORM_TYPE", "FORM")
    for payload in (wrong_type, no_type, owner_form().replace("submit", "guess"),
                    f"<query xmlns='{NS_MUC}#owner'><what/></query>",
                    owner_form(*((f"v{i}", ["1"]) for i in range(500)))):
        answer = scene.alice.request("set", ROOM, payload)
        expect(condition_of(answer), "bad-request", payload[:120])
    scene.all_is_well()


def bad_nicks(scene):
    with scene.session() as client:
        for nick, wanted in ((" ", "not-allowed"), ("   ", "not-allowed"),
                             ("&#xA0;&#x2003;", "not-allowed"), (" padded", "jid-malformed"),
                             ("&#x202E;backwards", "jid-malformed"),
                             ("&#x200B;", ("jid-malformed", "not-allowed")),
                             ("&#x1F916;", "jid-malformed"), ("n" * 121, "jid-malformed"),
                             ("Alice", "conflict"), ("ALICE", "conflict")):
            client.send(f"<presence id='nick' to='{ROOM}/{nick}'><x xmlns='{NS_MUC}'/></presence>")
            answer = client.until(lambda stanza: name(stanza) == "presence")
            expect(condition_of(answer), wanted, f"nick '{nick[:20]}'")
            assert answer.get("id") == "nick"
        client.send(f"<presence id='none' to='{ROOM}'><x xmlns='{NS_MUC}'/></presence>")
        answer = client.until(lambda stanza: stanza.get("id") == "none")
        expect(condition_of(answer), "jid-malformed", "no nick at all")
        client.join(ROOM, "n" * 120)
    scene.all_is_well()


def strangers(scene):
    with scene.session() as client:
        for kind, wanted in (("groupchat", "not-acceptable"), ("chat", "bad-request")):
            client.send(f"<message id='s' type='{kind}' to='{ROOM}'><body>psst</body></message>")
            expect(condition_of(client.until(lambda stanza: stanza.get("id") == "s")), wanted, kind)
        client.send(f"<message id='s' type='chat' to='{ROOM}/Alice'><body>psst</body></message>")
        answer = client.until(lambda stanza: stanza.get("id") == "s")
        expect(condition_of(answer), "not-acceptable", "a private message")
        expect(condition_of(client.request("set", ROOM, owner_form())), "forbidden", "configuring")
        ping = "<ping xmlns='urn:xmpp:ping'/>"
        answer = client.request("get", f"{ROOM}/Alice", ping)
        expect(condition_of(answer), "not-acceptable", "a ping")
        answer = client.request("get", "there@elsewhere.example", ping)
        expect(condition_of(answer), "remote-server-not-found", "another server")
    scene.all_is_well()


def vanishes_in_the_middle_of_a_stanza(scene):
    client = scene.session()
    client.join(ROOM, "Eve")
    client.send(f"<message to='{ROOM}' type='groupchat'><body>never to be he")
    client.socket.close()
    gone = scene.bob.until(lambda stanza: is_leaving(stanza, "Eve"))
    codes = {status.get("code") for status in gone.iter(f"{{{NS_MUC}#user}}status")}
    assert codes <= {"333"}, codes
    scene.all_is_well()


# ---- crowds ----

def half_open_crowd(scene):
    """Ten thousand that never finish logging in: some say nothing, some open a stream, some stop
    in the middle of a tag. They are put out after the time for logging in, and disturb nobody
    until then."""
    openings = (b"", HEAD.encode(), HEAD.encode()[:40])
    crowd, began = [], time.monotonic()
    _, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(HALF_OPEN, limit - 500)
    for number in range(count):
        guest = socket.socket()
        guest.bind((f"127.0.0.{2 + number % 4}", 0))
        guest.connect(("127.0.0.1", scene.port))
        guest.sendall(openings[number % 3])
        crowd.append(guest)
        if number % 1000 == 999:
            scene.all_is_well()
    held = f"/proc/{scene.stentord.process.pid}/fd"
    assert harness.await_condition(lambda: len(os.listdir(held)) > count, 10), "they were not taken"
    print(f"        {count} half-open after {time.monotonic() - began:.1f} s", flush=True)
    with scene.session() as client:
        client.join(ROOM, "Latecomer")
    scene.all_is_well()
    end = time.monotonic() + HANDSHAKE_S + 15
    for guest in crowd:
        guest.settimeout(max(end - time.monotonic(), 0.1))
        await_end(guest)
        guest.close()
    scene.all_is_well()


def await_end(guest):
    """The server must close the connection, by itself."""
    try:
        while guest.recv(4096):
            pass
    except ConnectionResetError:
        pass
    except TimeoutError:
        raise AssertionError("a half-open connection is never closed") from None


def never_reads(scene):
    """A client that stops reading costs a bounded buffer and then its session; what the others hear
    comes in time."""
    slow = RawClient(scene.port, receive_buffer=4096).login(ACCOUNTS[2], PASSWORD)
    slow.join(ROOM, "Sleepy")
    gone, slowest = False, 0.0
    for number in range(FLOOD_LINES):
        text = f"{number} " + "x" * FLOOD_LINE
        began = time.monotonic()
        scene.alice.say(ROOM, text)
        scene.alice.hear(text)
        while True:
            stanza = scene.bob.next()
            gone = gone or is_leaving(stanza, "Sleepy")
            if stanza.findtext(f"{{{NS_CLIENT}}}body") == text:
                break
        slowest = max(slowest, time.monotonic() - began)
    if not gone:
        scene.bob.until(lambda stanza: is_leaving(stanza, "Sleepy"), 30)
    print(f"        the slowest line took {slowest * 1000:.0f} ms", flush=True)
    assert slowest < 3, "the others had to wait for one who does not read"
    slow.socket.close()
    scene.all_is_well()


CASES = (
    streams_before_login,
    the_same_in_pieces,
    ends_without_a_word,
    logins_that_fail,
    streams_in_a_session,
    what_is_just_within_the_limits,
    second_bind,
    bad_addresses,
    missing_to_and_id,
    bad_iqs,
    bad_queries,
    bad_forms,
    bad_nicks,
    strangers,
    vanishes_in_the_middle_of_a_stanza,
    never_reads,
    half_open_crowd,
)


def raise_file_limit():
    """For us and, inherited, for the server."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def test(args):
    raise_file_limit()
    with harness.Stentor(args.stentord, client=True) as stentor:
        stentor.register_accounts()
        scene = Scene(stentor)
        harness.run_cases(CASES, args.only, scene)


if __name__ == "__main__":
    harness.main(test, __doc__)
