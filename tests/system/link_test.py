"""The component link in good and bad times: a wrong secret, a host that is not there, a domain
that another component holds, a host that vanishes in the middle of a stanza, one that does not
read. Against Prosody and ejabberd where they matter, and against a host of our own where the
bytes do."""

import socket
import struct
import time

import harness
from fakehost import FakeHost
from harness import ACCOUNTS, MUC_DOMAIN, PASSWORD, SECRET, Ejabberd, Prosody, RawClient, Stentor
from rawclient import NS_MUC, NS_STREAMS, await_condition, name

ROOM = f"link@{MUC_DOMAIN}"
ALICE = "alice@host.example/home"
BOB = "bob@host.example/home"


def joined(host, account, nick):
    client = RawClient(host.port).login(account, PASSWORD)
    client.join(ROOM, nick)
    return client


def open_room(client):
    answer = client.request("set", ROOM, f"<query xmlns='{NS_MUC}#owner'><x xmlns='jabber:x:data' "
                                         "type='submit'/></query>")
    assert answer.get("type") == "result"


# ---- real hosts ----

def told_once(stentor, text):
    """One line says it, and no second one follows though the link tries again."""
    line = stentor.await_log(text)
    time.sleep(2)
    assert len(stentor.log_lines(text)) == 1, stentor.log()
    assert stentor.process.poll() is None
    return line


def a_wrong_secret_is_told(args):
    for host_kind in (Prosody, Ejabberd):
        with host_kind() as host, Stentor(args.stentord, host=host, secret="not it") as stentor:
            line = told_once(stentor, "secret")
            assert f"127.0.0.1 port {host.component_port}" in line and MUC_DOMAIN in line, line
            assert "not it" not in stentor.log() and SECRET not in stentor.log()


def a_refusal_is_tried_again(args):
    """The operator corrects the secret on the host's side: nobody has to touch stentord."""
    with FakeHost(MUC_DOMAIN, SECRET, timeout=40) as host, Stentor(args.stentord, host=host):
        host.connected().refuse(MUC_DOMAIN, "not-authorized")
        host.link().enter(ALICE, ROOM, "Alice")


def a_host_that_comes_later_is_found(args):
    prosody = Prosody()
    with Stentor(args.stentord, host=prosody) as stentor:
        line = told_once(stentor, "nothing listens")
        assert f"127.0.0.1 port {prosody.component_port}" in line, line
        with prosody:
            prosody.await_component()


def a_name_nobody_knows_is_told(args):
    with Stentor(args.stentord, settings={"component.host": "no-such-host.invalid",
                                          "component.secret": SECRET}) as stentor:
        assert "no-such-host.invalid" in told_once(stentor, "cannot be found")


def a_taken_domain_is_told_and_taken_over(args):
    with Prosody() as prosody, Stentor(args.stentord, host=prosody) as first:
        prosody.await_component()
        with Stentor(args.stentord, host=prosody) as second:
            assert MUC_DOMAIN in told_once(second, "another component")
            prosody.await_component()
            assert first.stop() == 0
            assert await_condition(lambda: answered_by_prosody(prosody), 40), second.log()


def answered_by_prosody(prosody):
    with RawClient(prosody.port) as client:
        client.login(ACCOUNTS[0], PASSWORD)
        answer = client.request("get", MUC_DOMAIN, "<ping xmlns='urn:xmpp:ping'/>")
        return answer.get("type") == "result"


def a_domain_the_host_does_not_have_is_told(args):
    with Prosody() as prosody, Stentor(args.stentord, host=prosody, settings={
            "muc.domain": "elsewhere.localhost"}) as stentor:
        assert "elsewhere.localhost" in told_once(stentor, "does not know the component")


def rooms_outlive_their_host(args):
    """Prosody dies without a word and comes back: the room and what was said are still there,
    and the sessions that died with it are put out as soon as the host disowns them."""
    with Prosody() as prosody, Stentor(args.stentord, host=prosody):
        prosody.await_component()
        alice = joined(prosody, ACCOUNTS[0], "Alice")
        open_room(alice)
        bob = joined(prosody, ACCOUNTS[1], "Bob")
        alice.say(ROOM, "before")
        bob.hear("before")
        prosody.kill()
        prosody.start()
        prosody.await_component()
        carol = RawClient(prosody.port).login(ACCOUNTS[2], PASSWORD)
        carol.send(f"<presence to='{ROOM}/Carol'><x xmlns='{NS_MUC}'/></presence>")
        carol.hear("before")
        carol.until(lambda element: element.find("{jabber:client}subject") is not None)
        carol.say(ROOM, "after")
        carol.hear("after")
        gone = set()
        while gone != {"Alice", "Bob"}:
            presence = carol.until(lambda element: name(element) == "presence" and
                                   element.get("type") == "unavailable")
            gone.add(presence.get("from").partition("/")[2])
        again = joined(prosody, ACCOUNTS[0], "Alice")
        carol.say(ROOM, "welcome back")
        again.hear("welcome back")


# ---- a host of our own ----

def with_room(host):
    """A link with Alice and Bob in a room."""
    link = host.link()
    link.enter(ALICE, ROOM, "Alice")
    link.open_instantly(ALICE, ROOM)
    link.enter(BOB, ROOM, "Bob")
    return link


def chat_goes_on(link, text):
    link.stanza("message", ALICE, ROOM, f"<body>{text}</body>", type="groupchat")
    link.heard_by(ALICE, text)
    link.heard_by(BOB, text)


def reset(link):
    link.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    link.socket.close()


def the_host_vanishes_in_the_middle_of_a_stanza(args):
    with FakeHost(MUC_DOMAIN, SECRET) as host, Stentor(args.stentord, host=host):
        link = with_room(host)
        chat_goes_on(link, "before")
        for ending in (lambda: link.socket.close(), lambda: reset(link)):
            link.send(f"<message from='{BOB}' to='{ROOM}' type='groupchat'><body>never to be he")
            ending()
            link = host.link()
            chat_goes_on(link, "and on")
        ping = "<ping xmlns='urn:xmpp:ping'/>"
        link.stanza("iq", BOB, f"{ROOM}/Bob", ping, type="get", id="ping")
        answer = link.until(lambda element: element.get("id") == "ping")
        assert answer.get("type") == "result", "Bob is not inside any more"
        link.stanza("presence", BOB, f"{ROOM}/Bob", type="unavailable")
        link.until(lambda element: element.get("to") == BOB and
                   element.get("type") == "unavailable")
        link.enter(BOB, ROOM, "Bob")
        assert "never to be he" not in str(link.waiting)


def bad_bytes_from_the_host_end_the_link_only(args):
    broken = ("<message></presence>", "<!-- x -->", "<!DOCTYPE a>", "&lol;<a/>", "\x01<a/>",
              f"<message from='{ALICE}' to='{ROOM}'><body>{'x' * 1_100_000}")
    with FakeHost(MUC_DOMAIN, SECRET) as host, Stentor(args.stentord, host=host):
        link = with_room(host)
        for bytes_ in broken:
            link.send(bytes_)
            link.await_eof()
            link.socket.close()
            link = host.link()
            chat_goes_on(link, "unharmed")


def a_large_stanza_costs_nobody_the_link(args):
    """What one user of the host sends must not throw out all others."""
    with FakeHost(MUC_DOMAIN, SECRET) as host, Stentor(args.stentord, host=host):
        link = with_room(host)
        body = f"<body>{'x' * 300_000}</body>"
        link.stanza("message", ALICE, ROOM, body, type="groupchat", id="large")
        answer = link.until(lambda element: element.get("id") == "large")
        assert answer.get("type") == "error" and answer.get("to") == ALICE, answer.attrib
        assert answer.find(".//{*}policy-violation") is not None
        chat_goes_on(link, "unharmed")
        wide = "".join(f" a{number}='1'" for number in range(1000))
        for payload in ("<a>" * 70 + "</a>" * 70, f"<a{wide}/>", "<a/>" * 20_000):
            link.stanza("message", ALICE, ROOM, payload, type="groupchat", id="odd")
            answer = link.until(lambda element: element.get("id") == "odd")
            assert answer.find(".//{*}policy-violation") is not None
            chat_goes_on(link, "still unharmed")


def the_host_closes_the_stream(args):
    with FakeHost(MUC_DOMAIN, SECRET) as host, Stentor(args.stentord, host=host):
        link = with_room(host)
        link.send(f"<stream:error><system-shutdown xmlns='{NS_STREAMS}'/></stream:error>"
                  "</stream:stream>")
        link.await_eof()
        link.socket.close()
        chat_goes_on(host.link(), "after the goodbye")


def a_host_that_stalls_before_the_handshake_is_left(args):
    with FakeHost(MUC_DOMAIN, SECRET, timeout=60) as host, Stentor(args.stentord, host=host):
        silent = host.connected()
        began = time.monotonic()
        link = host.link()
        assert time.monotonic() - began < 45
        link.enter(ALICE, ROOM, "Alice")
        silent.socket.close()


def a_host_that_does_not_read_loses_nothing(args):
    """It sends 100,000 messages without reading one answer. Each comes back, to everybody and in
    order, or is refused with resource-constraint; the link stays."""
    count, chunk = 100_000, 500
    with FakeHost(MUC_DOMAIN, SECRET, timeout=60) as host, Stentor(args.stentord, host=host):
        link = with_room(host)
        link.socket.settimeout(None)
        sender = Sender(link, count, chunk)
        sender.send_all()
        told, refused = sender.read_all()
        assert told[ALICE] == told[BOB], "the two heard different things"
        assert told[ALICE] == sorted(told[ALICE]), "out of order"
        assert set(told[ALICE]) | refused == set(range(count)), "some went without an answer"
        print(f"        {len(told[ALICE])} told, {len(refused)} refused")
        chat_goes_on(link, "and still")


class Sender:
    """Writes much and reads only when the peer does not take more, or at the end."""

    def __init__(self, link, count, chunk):
        self.link = link
        self.count = count
        self.chunk = chunk

    def message(self, number):
        return (f"<message from='{ALICE}' to='{ROOM}' type='groupchat' id='n{number}'>"
                f"<body>{'x' * 100}</body></message>")

    def send_all(self):
        self.link.socket.settimeout(0.5)
        for first in range(0, self.count, self.chunk):
            data = "".join(map(self.message, range(first, first + self.chunk))).encode()
            while data:
                try:
                    data = data[self.link.socket.send(data):]
                except TimeoutError:
                    self.link.read_some()
        self.link.socket.settimeout(self.link.timeout)

    def read_all(self):
        told, refused = {ALICE: [], BOB: []}, set()
        while len(told[ALICE]) + len(refused) < self.count or len(told[BOB]) < len(told[ALICE]):
            element = self.link.next()
            number = int((element.get("id") or "n-1")[1:])
            if name(element) != "message" or number < 0:
                continue
            if element.get("type") == "error":
                assert element.find(".//{*}resource-constraint") is not None
                refused.add(number)
            else:
                told[element.get("to")].append(number)
        return told, refused


CASES = (
    a_wrong_secret_is_told,
    a_refusal_is_tried_again,
    a_host_that_comes_later_is_found,
    a_name_nobody_knows_is_told,
    a_taken_domain_is_told_and_taken_over,
    a_domain_the_host_does_not_have_is_told,
    rooms_outlive_their_host,
    the_host_vanishes_in_the_middle_of_a_stanza,
    bad_bytes_from_the_host_end_the_link_only,
    a_large_stanza_costs_nobody_the_link,
    the_host_closes_the_stream,
    a_host_that_stalls_before_the_handshake_is_left,
    a_host_that_does_not_read_loses_nothing,
)


def test(args):
    harness.run_cases(CASES, args.only, args)


if __name__ == "__main__":
    harness.main(test, __doc__)
