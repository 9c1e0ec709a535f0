"""Several service domains in one process: two behind one Prosody as two components, one at the
client door only. Rooms, rules, lists and links are each domain's own, and what belongs to one never
shows in another."""

import os
import subprocess
import tempfile

import harness
from fakehost import FakeHost
from harness import ACCOUNTS, MUC_DOMAIN, PASSWORD, SECRET, Prosody, RawClient, Stentor
from rawclient import NS_DISCO, NS_MUC, NS_MUC_USER, NS_STANZAS, name

LOUNGE = "lounge.localhost"
NEARBY = "rooms.nearby.example"
CLIENTS = "nearby.example"
LOUNGE_SECRET = "another secret of the tests"
FRIAR = "friar@host.example/cell"
OPEN = f"<query xmlns='{NS_MUC}#owner'><x xmlns='jabber:x:data' type='submit'/></query>"


def of(domain, options):
    return {f"muc.domains[{domain}].{option}": value for option, value in options.items()}


def component_of(domain, host, secret):
    return of(domain, {"component.host": "127.0.0.1", "component.secret": secret,
                       "component.port": str(host.component_port)})


def settings_for(prosody):
    """The first domain locks new rooms, the others do not."""
    return {"client.domain": CLIENTS,
            **component_of(LOUNGE, prosody, LOUNGE_SECRET),
            **of(LOUNGE, {"locked": "off", "defaults.name": "By the fire",
                          "admins": f"{ACCOUNTS[2]}@localhost"}),
            **of(NEARBY, {"locked": "off"})}


class World:
    """Prosody with two components, both of them ours, and a client door."""

    def __init__(self, args):
        self.prosody = Prosody(more={LOUNGE: LOUNGE_SECRET})
        self.args = args

    def __enter__(self):
        self.prosody.__enter__()
        self.stentor = Stentor(self.args.stentord, client=True, host=self.prosody,
                               settings=settings_for(self.prosody))
        self.stentor.__enter__()
        self.stentor.await_log(f"up, speaking for {MUC_DOMAIN}")
        self.stentor.await_log(f"up, speaking for {LOUNGE}")
        with RawClient(self.stentor.port, domain=CLIENTS) as client:
            client.register("near", PASSWORD)
        return self

    def __exit__(self, kind, value, trace):
        try:
            self.stentor.__exit__(kind, value, trace)
        finally:
            self.prosody.__exit__(kind, value, trace)

    def far(self, account=ACCOUNTS[0]):
        return RawClient(self.prosody.port).login(account, PASSWORD)

    def near(self):
        return RawClient(self.stentor.port, domain=CLIENTS).login("near", PASSWORD)


def listed(client, domain):
    answer = client.request("get", domain, f"<query xmlns='{NS_DISCO}#items'/>")
    assert answer.get("type") == "result", answer.attrib
    return {item.get("jid") for item in answer.iter() if name(item) == "item"}


def identity(client, room):
    answer = client.request("get", room, f"<query xmlns='{NS_DISCO}#info'/>")
    return answer.find(f".//{{{NS_DISCO}#info}}identity").get("name")


def condition(answer):
    assert answer.get("type") == "error", answer.attrib
    return next(name(child) for child in answer.iter()
                if child.tag.startswith(f"{{{NS_STANZAS}}}") and name(child) != "text")


def own_item(client, room, nick):
    """What a newcomer is told about itself; reads on to the end of the join."""
    client.send(f"<presence to='{room}/{nick}'><x xmlns='{NS_MUC}'/></presence>")
    own = client.until(lambda element: element.get("from") == f"{room}/{nick}")
    assert own.get("type") is None, own.attrib
    client.until(lambda element: name(element) == "message" and element.get("from") == room)
    return own.find(f".//{{{NS_MUC_USER}}}item")


def silent(client):
    """Nothing came before the answer to a question that was asked last."""
    client.send("<iq type='get' id='last'><ping xmlns='urn:xmpp:ping'/></iq>")
    first = client.next()
    assert first.get("id") == "last", first.attrib


# ---- through both doors ----

def rooms_of_the_same_name_are_two(args):
    with World(args) as world, world.far() as alice, world.far(ACCOUNTS[1]) as bob:
        rooms = [f"den@{MUC_DOMAIN}", f"den@{LOUNGE}"]
        alice.join(rooms[0], "Alice")
        assert alice.request("set", rooms[0], OPEN).get("type") == "result"
        alice.join(rooms[1], "Alice")
        bob.join(rooms[0], "Bob")
        alice.say(rooms[0], "in the first")
        assert bob.hear("in the first").get("from") == f"{rooms[0]}/Alice"
        alice.say(rooms[1], "in the second")
        assert alice.hear("in the second").get("from") == f"{rooms[1]}/Alice"
        silent(bob)
        # The history is that of the room, and of no other.
        bob.send(f"<presence to='{rooms[1]}/Bob'><x xmlns='{NS_MUC}'/></presence>")
        texts = []
        bob.until(lambda element: texts.append(element.findtext("{jabber:client}body")) or
                  element.find("{jabber:client}subject") is not None)
        assert "in the second" in texts and "in the first" not in texts, texts


def each_domain_has_its_own_rules(args):
    with World(args) as world, world.far() as alice, world.far(ACCOUNTS[2]) as admin:
        # An instant room there, a locked one here.
        alice.join(f"den@{LOUNGE}", "Alice")
        assert identity(alice, f"den@{LOUNGE}") == "By the fire"
        alice.join(f"den@{MUC_DOMAIN}", "Alice")
        admin.send(f"<presence to='den@{MUC_DOMAIN}/Admin'><x xmlns='{NS_MUC}'/></presence>")
        assert condition(admin.next()) == "item-not-found"
        assert alice.request("set", f"den@{MUC_DOMAIN}", OPEN).get("type") == "result"
        assert identity(alice, f"den@{MUC_DOMAIN}") != "By the fire"
        # The admin of one is nobody in the other.
        assert own_item(admin, f"den@{LOUNGE}", "Admin").get("affiliation") == "owner"
        assert own_item(admin, f"den@{MUC_DOMAIN}", "Admin").get("affiliation") == "none"
        assert listed(alice, LOUNGE) == {f"den@{LOUNGE}"}
        assert listed(alice, MUC_DOMAIN) == {f"den@{MUC_DOMAIN}"}


def clients_of_our_own_are_in_rooms_of_all(args):
    with World(args) as world, world.near() as near, world.far() as far:
        assert listed(near, CLIENTS) == {MUC_DOMAIN, LOUNGE, NEARBY}
        near.join(f"den@{NEARBY}", "Near")
        far.join(f"den@{LOUNGE}", "Far")
        near.join(f"den@{LOUNGE}", "Near")
        far.say(f"den@{LOUNGE}", "from Prosody")
        near.hear("from Prosody")
        near.say(f"den@{LOUNGE}", "from the door")
        far.hear("from the door")
        near.say(f"den@{NEARBY}", "among us")
        assert near.hear("among us").get("from") == f"den@{NEARBY}/Near"
        silent(far)
        # The third domain is not on Prosody's links, in neither direction.
        assert condition(far.request("get", NEARBY, "<ping xmlns='urn:xmpp:ping'/>"))
        near.send(f"<message to='den@{NEARBY}' id='i'><x xmlns='{NS_MUC_USER}'>"
                  f"<invite to='{ACCOUNTS[0]}@localhost'/></x></message>")
        refused = near.until(lambda element: element.get("type") == "error")
        assert condition(refused) == "remote-server-not-found"
        # And a domain that nobody has said is nobody's.
        answer = near.request("get", "unknown.localhost", "<ping xmlns='urn:xmpp:ping'/>")
        assert condition(answer) == "remote-server-not-found"


def an_invitation_goes_by_the_link_of_its_room(args):
    """Prosody would close a link over a stanza from another component's domain."""
    with World(args) as world, world.near() as near, world.far() as far:
        far.send("<presence/>")
        # Answered: Prosody knows by now that there is somebody to deliver an invitation to.
        far.request("get", "localhost", "<ping xmlns='urn:xmpp:ping'/>")
        for domain in (LOUNGE, MUC_DOMAIN):
            near.join(f"club@{domain}", "Near")
            if domain == MUC_DOMAIN:
                assert near.request("set", f"club@{domain}", OPEN).get("type") == "result"
            near.send(f"<message to='club@{domain}'><x xmlns='{NS_MUC_USER}'>"
                      f"<invite to='{ACCOUNTS[0]}@localhost'/></x></message>")
            far.until(lambda element, domain=domain: name(element) == "message" and
                      element.get("from") == f"club@{domain}")
        assert not world.stentor.log_lines("lost"), world.stentor.log()


# ---- links of a host whose every byte is ours ----

def a_link_takes_only_what_is_for_its_domain(args):
    with FakeHost(MUC_DOMAIN, SECRET) as first, FakeHost(LOUNGE, LOUNGE_SECRET) as second:
        settings = {"muc.locked": "off", **of(LOUNGE, {"locked": "off"}),
                    **component_of(LOUNGE, second, LOUNGE_SECRET)}
        with Stentor(args.stentord, host=first, settings=settings):
            main, lounge = first.link(), second.link()
            room = f"den@{LOUNGE}"
            main.stanza("presence", FRIAR, f"{room}/Friar", f"<x xmlns='{NS_MUC}'/>")
            main.stanza("message", FRIAR, room, "<body>lost</body>", type="groupchat")
            main.stanza("iq", FRIAR, room, "<ping xmlns='urn:xmpp:ping'/>", type="get", id="p")
            answer = main.next()
            assert answer.get("id") == "p" and condition(answer) == "service-unavailable"
            lounge.enter(FRIAR, room, "Friar")
            main.enter(FRIAR, f"den@{MUC_DOMAIN}", "Friar")
            lounge.stanza("message", FRIAR, room, "<body>here</body>", type="groupchat")
            lounge.heard_by(FRIAR, "here")


def one_link_may_be_lost_without_the_other(args):
    with FakeHost(MUC_DOMAIN, SECRET) as first, FakeHost(LOUNGE, LOUNGE_SECRET) as second:
        settings = {"muc.locked": "off", **component_of(LOUNGE, second, "not it")}
        with Stentor(args.stentord, host=first, settings=settings) as stentor:
            main = first.link()
            second.connected().refuse(LOUNGE, "not-authorized")
            line = stentor.await_log("does not accept the secret")
            assert f"component link ({LOUNGE}): " in line, line
            assert f"muc.domains[{LOUNGE}].component.secret" in line, line
            assert "not it" not in stentor.log()
            main.enter(FRIAR, f"den@{MUC_DOMAIN}", "Friar")


# ---- what the operator wrote ----

def checked(args, yaml, *options):
    with tempfile.TemporaryDirectory(prefix="stentor-test-") as folder:
        path = os.path.join(folder, "s.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(yaml)
        done = subprocess.run([args.stentord, "--config", path, *options, "--check-config"],
                              capture_output=True, text=True, timeout=10, check=False)
        return done.returncode, (done.stdout + done.stderr).replace(folder + "/", "")


def domains_in(options, door="client: {plaintext: on}\n"):
    return f"{door}muc:\n  domain: a.example\n  domains:\n    b.example: {{{options}}}\n"


def a_good_file_is_good(args):
    for options in ("", "locked: off", "admins: [x@y], defaults: {public: off}",
                    "component: {host: h, secret: s, links: [i, j]}"):
        status, told = checked(args, domains_in(options))
        assert status == 0 and "good" in told, told
    components = "component: {host: h, secret: s}\n"
    status, told = checked(args, domains_in("component: {host: h, secret: t}", components))
    assert status == 0, told


def what_is_wrong_names_file_line_and_option(args):
    lead = "s.yaml:5: muc.domains[b.example]"
    for options, says in (
            ("admins: ['a b']", lead + ".admins: 'a b'"),
            ("defaults: {publik: on}", "s.yaml:5: there is no room option "
             "'muc.domains[b.example].defaults.publik'; did you mean 'public'?"),
            ("defaults: {max_users: many}", lead + ".defaults.max_users: 'many'"),
            ("lokced: on", "s.yaml:5: there is no option 'muc.domains[b.example].lokced'; did you "
             "mean 'muc.domains[b.example].locked'?"),
            ("component: {secret: s}", lead + ".component.host: not set"),
            ("component: {host: h}", lead + ".component.secret: not set"),
            ("component: {host: h, secret: s, secret_file: f}", lead + ".component.secret: "),
            ("component: {host: h, secret_file: /nonexistent}",
             lead + ".component.secret_file: /nonexistent"),
            ("component: {host: h, secret: s, links: ['h:0']}", lead + ".component.links: 'h:0'")):
        status, told = checked(args, domains_in(options))
        assert status == 2 and says in told, f"'{says}' is not in: {told}"


def domains_must_differ_and_have_a_door(args):
    links = ",".join(["h"] * 63)
    for yaml, options, says in (
            (domains_in(""), ("--set", "muc.domains[A.example].locked=on"),
             "muc.domains[A.example]: 'a.example' is there already"),
            (domains_in(""), ("--set", "client.domain=b.example"),
             "client.domain: 'b.example' is also"),
            (domains_in(""), ("--set", "muc.domains[not a domain].locked=on"),
             "muc.domains[not a domain]: 'not a domain' is not a domain"),
            (domains_in("", "component: {host: h, secret: s}\n"), (),
             "s.yaml:5: muc.domains[b.example]: no door leads to b.example"),
            (domains_in("component: {host: h, secret: s}", ""), (),
             "muc.domain: no door leads to a.example"),
            (domains_in("component: {host: h, secret: s}"),
             ("--set", "component.host=h", "--set", "component.secret=s",
              "--set", f"component.links={links}"), "more than 64 links")):
        status, told = checked(args, yaml, *options)
        assert status == 2 and says in told, f"'{says}' is not in: {told}"


CASES = (
    rooms_of_the_same_name_are_two,
    each_domain_has_its_own_rules,
    clients_of_our_own_are_in_rooms_of_all,
    an_invitation_goes_by_the_link_of_its_room,
    a_link_takes_only_what_is_for_its_domain,
    one_link_may_be_lost_without_the_other,
    a_good_file_is_good,
    what_is_wrong_names_file_line_and_option,
    domains_must_differ_and_have_a_door,
)


def test(args):
    harness.run_cases(CASES, args.only, args)


if __name__ == "__main__":
    harness.main(test, __doc__)
