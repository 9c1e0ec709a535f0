"""Several component links for one domain: users by each of them in one room, links that are lost and
come back, users that move, invitations, the end. The hosts are ours, as two members of a cluster
would be, on one network thread and on two; then ejabberd with its own balancing."""

import harness
from fakehost import FakeHost
from harness import ACCOUNTS, MUC_DOMAIN, PASSWORD, SECRET, Ejabberd, RawClient, Skip, Stentor
from rawclient import NS_MUC, await_condition, name

ROOM = f"links@{MUC_DOMAIN}"
QUIET = f"quiet@{MUC_DOMAIN}"
ALICE = "alice@host.example/home"
BOB = "bob@host.example/home"
CAROL = "carol@elsewhere.example"
USERS = 8


class Cluster:
    """Two hosts and stentord between them; `alice` and `bob` are the hosts' ends of the links, by
    which these two come."""

    def __init__(self, args, net_threads, client=False, handover="on"):
        self.hosts = [FakeHost(MUC_DOMAIN, SECRET), FakeHost(MUC_DOMAIN, SECRET)]
        second = f"127.0.0.1:{self.hosts[1].component_port}"
        settings = {"component.links": second, "net_threads": net_threads, "muc.locked": "off",
                    "store.handover": handover}
        if client:
            settings["client.domain"] = "localhost"
        self.stentor = Stentor(args.stentord, host=self.hosts[0], client=client,
                               settings=settings)
        self.alice = self.bob = None

    def __enter__(self):
        self.stentor.__enter__()
        try:
            self.alice = self.hosts[0].link()
            self.bob = self.hosts[1].link()
            for number in (1, 2):
                self.stentor.await_log(f"component link {number}: up")
            self.alice.enter(ALICE, ROOM, "Alice")
            self.bob.enter(BOB, ROOM, "Bob")
            self.alice.until(lambda element: element.get("from") == f"{ROOM}/Bob")
        except BaseException as failure:
            self.__exit__(type(failure), failure, None)
            raise
        return self

    def __exit__(self, kind, value, trace):
        try:
            self.stentor.__exit__(kind, value, trace)
        finally:
            for host in self.hosts:
                host.listener.close()

    def say(self, link, sender, text, hearers):
        """`hearers`: pairs of a link and who hears by it."""
        link.stanza("message", sender, ROOM, f"<body>{text}</body>", type="groupchat")
        for by, who in hearers:
            by.heard_by(who, text)

    def both_talk(self, text):
        everybody = ((self.alice, ALICE), (self.bob, BOB))
        self.say(self.alice, ALICE, f"{text}, says Alice", everybody)
        self.say(self.bob, BOB, f"{text}, says Bob", everybody)

    def lose_bobs(self):
        self.bob.socket.close()
        self.stentor.await_log("component link 2: lost")

    def invite_by(self, client):
        client.send(f"<message to='{ROOM}' id='i'><x xmlns='{NS_MUC}#user'>"
                    f"<invite to='{CAROL}'/></x></message>")

    def invite(self, link, sender):
        link.stanza("message", sender, ROOM,
                    f"<x xmlns='{NS_MUC}#user'><invite to='{CAROL}'/></x>")


def is_put_out(gone, expected):
    codes = {status.get("code") for status in gone.findall(".//{*}status") if status.get("code")}
    return gone.get("type") == "unavailable" and codes == expected


def is_for(who):
    return lambda element: element.get("to") == who


def nothing_for(link, who):
    """Whoever sees this answer has seen everything before it."""
    link.stanza("iq", who, MUC_DOMAIN, "<ping xmlns='urn:xmpp:ping'/>", type="get", id="fence")
    seen = []
    while True:
        element = link.next()
        if element.get("id") == "fence":
            return seen == []
        if element.get("to") == who:
            seen.append(element)


# ---- two hosts of our own ----

def users_of_both_talk(args, net_threads):
    with Cluster(args, net_threads) as cluster:
        cluster.both_talk("hello")
        # Each is told by its own link and by no other.
        assert nothing_for(cluster.alice, BOB)
        assert nothing_for(cluster.bob, ALICE)


def one_is_lost_and_the_other_takes_over(args, net_threads):
    with Cluster(args, net_threads) as cluster:
        cluster.lose_bobs()
        both_by_one = ((cluster.alice, ALICE), (cluster.alice, BOB))
        for number in range(20):
            cluster.say(cluster.alice, ALICE, f"still {number}", both_by_one)
        cluster.alice.stanza("message", ALICE, f"{ROOM}/Bob", "<body>private</body>", type="chat")
        cluster.alice.heard_by(BOB, "private")
        cluster.bob = cluster.hosts[1].link()
        assert await_condition(
            lambda: len(cluster.stentor.log_lines("component link 2: up")) == 2, 10)
        assert not cluster.stentor.log_lines("were dropped meanwhile")
        cluster.say(cluster.bob, BOB, "back", ((cluster.alice, ALICE), (cluster.bob, BOB)))


def who_has_missed_something_is_told_first(args, net_threads):
    """Both links are down, a client of our own goes on talking in one room, and is silent in the
    other: who is in the first is put out before anything else, the second is as it was."""
    with Cluster(args, net_threads, client=True) as cluster:
        cluster.stentor.register_accounts()
        with RawClient(cluster.stentor.port) as local:
            local.login(ACCOUNTS[0], PASSWORD, "desk")
            local.join(ROOM, "Local")
            local.join(QUIET, "Local")
            cluster.alice.enter(ALICE, QUIET, "Alice")
            local.until(lambda element: element.get("from") == f"{QUIET}/Alice")
            for link, number in ((cluster.alice, 1), (cluster.bob, 2)):
                link.socket.close()
                cluster.stentor.await_log(f"component link {number}: lost")
            local.say(ROOM, "missed")
            local.hear("missed")
            cluster.invite_by(local)
            refused = local.until(lambda element: element.get("type") == "error")
            assert refused.find(".//{*}remote-server-timeout") is not None
            # By whichever link is up first, whoever was behind which.
            cluster.bob = cluster.hosts[1].link()
            left = set()
            for _ in (ALICE, BOB):
                gone = cluster.bob.until(lambda element: element.get("to") in (ALICE, BOB) and
                                         element.get("from").startswith(ROOM))
                assert is_put_out(gone, {"110", "333"}), gone.attrib
                left.add(gone.get("to"))
            assert left == {ALICE, BOB}
            for _ in (ALICE, BOB):
                gone = local.until(lambda element: element.get("type") == "unavailable")
                assert is_put_out(gone, {"333"}), gone.attrib
            local.say(QUIET, "nothing missed")
            cluster.bob.heard_by(ALICE, "nothing missed")
            cluster.bob.enter(BOB, ROOM, "Bob")
            local.say(ROOM, "together again")
            cluster.bob.heard_by(BOB, "together again")


def what_lies_unread_at_a_lost_host_is_missed(args, net_threads):
    """It has not read for a while: nobody knows what it has of what was sent, so all rooms that it
    was sent something of are taken for rooms with a gap."""
    with Cluster(args, net_threads) as cluster:
        large = "x" * 100_000
        for number in range(54):
            cluster.say(cluster.alice, ALICE, f"{number} {large}", ((cluster.alice, ALICE),))
        cluster.lose_bobs()
        gone = cluster.alice.until(lambda element: element.get("to") == BOB)
        assert is_put_out(gone, {"110", "333"}), gone.attrib
        gone = cluster.alice.until(lambda element: element.get("from") == f"{ROOM}/Bob" and
                                   element.get("to") == ALICE)
        assert is_put_out(gone, {"333"}), gone.attrib


def a_user_that_moves_is_followed(args, net_threads):
    with Cluster(args, net_threads) as cluster:
        both_by_one = ((cluster.alice, ALICE), (cluster.alice, BOB))
        cluster.say(cluster.alice, BOB, "by the other link", both_by_one)
        cluster.say(cluster.alice, ALICE, "found", both_by_one)
        assert nothing_for(cluster.bob, "nobody@host.example/x")
        cluster.lose_bobs()
        cluster.say(cluster.alice, ALICE, "and not lost with the old one", both_by_one)
        cluster.bob = cluster.hosts[1].link()
        # Presence shows the way too, and somebody else's does not.
        cluster.bob.stanza("presence", BOB, f"{ROOM}/Bob", "<show>away</show>")
        cluster.alice.until(lambda element: element.get("from") == f"{ROOM}/Bob" and
                            element.get("to") == ALICE and name(element) == "presence")
        cluster.both_talk("back at the second")


def invitations_find_a_link_that_is_up(args, net_threads):
    with Cluster(args, net_threads) as cluster:
        for link, sender in ((cluster.alice, ALICE), (cluster.bob, BOB)):
            cluster.invite(link, sender)
            link.until(is_for(CAROL))
        # Alice's host is gone, and a room knows her still: what is for others goes by the second.
        cluster.alice.socket.close()
        cluster.stentor.await_log("component link 1: lost")
        cluster.invite(cluster.bob, BOB)
        cluster.bob.until(is_for(CAROL))
        # Nobody's link is up but Alice's, and Bob's comes back too late.
        cluster.alice = cluster.hosts[0].link()
        cluster.stentor.await_log("component link 1: up")
        cluster.lose_bobs()
        cluster.invite(cluster.alice, ALICE)
        cluster.alice.until(is_for(CAROL))


def one_that_does_not_read_holds_up_itself(args, net_threads):
    """5 MB for Bob wait, more than his link's outbox takes; Alice hears all of it meanwhile."""
    with Cluster(args, net_threads) as cluster:
        large = "x" * 100_000
        for number in range(54):
            cluster.say(cluster.alice, ALICE, f"{number} {large}", ((cluster.alice, ALICE),))
        cluster.bob.socket.settimeout(60)
        for number in range(54):
            cluster.bob.heard_by(BOB, f"{number} {large}", 60)
        cluster.both_talk("no hard feelings")


def all_end_properly(args, net_threads):
    with Cluster(args, net_threads, handover="off") as cluster:
        cluster.stentor.process.terminate()
        for link, who in ((cluster.alice, ALICE), (cluster.bob, BOB)):
            gone = link.until(lambda element, who=who: element.get("to") == who and
                              element.get("type") == "unavailable")
            codes = {status.get("code") for status in gone.findall(".//{*}status")}
            assert {"110", "332"} <= codes, codes
            link.await_close()


CLUSTER_CASES = (
    users_of_both_talk,
    one_is_lost_and_the_other_takes_over,
    who_has_missed_something_is_told_first,
    what_lies_unread_at_a_lost_host_is_missed,
    a_user_that_moves_is_followed,
    invitations_find_a_link_that_is_up,
    one_that_does_not_read_holds_up_itself,
    all_end_properly,
)


# ---- one host for all ----

def one_address_may_be_there_several_times(args):
    with FakeHost(MUC_DOMAIN, SECRET) as host:
        address = f"127.0.0.1:{host.component_port}"
        settings = {"component.links": ",".join([address] * 4), "muc.locked": "off"}
        with Stentor(args.stentord, host=host, settings=settings) as stentor:
            links = [host.link() for _ in range(5)]
            users = [f"user{number}@host.example/x" for number in range(5)]
            for link, user in zip(links, users):
                link.enter(user, ROOM, user.partition("@")[0])
            links[0].stanza("message", users[0], ROOM, "<body>all</body>", type="groupchat")
            for link, user in zip(links, users):
                link.heard_by(user, "all")
            assert len(stentor.log_lines(": up, speaking for")) == 5


def ejabberd_shares_its_users_out(args):
    """By source, as the option's help asks for: each user's stanzas come by one link."""
    with Ejabberd(links=2) as ejabberd:
        settings = {"component.links": f"127.0.0.1:{ejabberd.component_port}",
                    "muc.locked": "off"}
        with Stentor(args.stentord, host=ejabberd, settings=settings) as stentor:
            ejabberd.await_component()
            for number in (1, 2):
                stentor.await_log(f"component link {number}: up")
            people = [RawClient(ejabberd.port).login(ACCOUNTS[number % len(ACCOUNTS)], PASSWORD)
                      for number in range(USERS)]
            for number, client in enumerate(people):
                client.join(ROOM, f"Nick{number % len(ACCOUNTS)}")
            for number, client in enumerate(people):
                for part in range(5):
                    client.say(ROOM, f"{number}.{part}")
                for hearer in people:
                    for part in range(5):
                        hearer.hear(f"{number}.{part}")


def prosody_takes_one_link(args):
    """It refuses the second one; the line says what may be wrong, and the first goes on."""
    with harness.Prosody() as prosody:
        settings = {"component.links": f"127.0.0.1:{prosody.component_port}",
                    "muc.locked": "off"}
        with Stentor(args.stentord, host=prosody, settings=settings) as stentor:
            line = stentor.await_log("another component is connected")
            assert "component.links" in line, line
            prosody.await_component()
            with RawClient(prosody.port) as client:
                client.login(ACCOUNTS[0], PASSWORD).join(ROOM, "Alice")
                client.say(ROOM, "one is enough")
                client.hear("one is enough")
            assert await_condition(lambda: stentor.process.poll() is None, 1)


HOST_CASES = (
    one_address_may_be_there_several_times,
    ejabberd_shares_its_users_out,
    prosody_takes_one_link,
)


def test(args):
    ran = False
    for net_threads in ("1", "2"):
        print(f"-- network threads: {net_threads}")
        try:
            harness.run_cases(CLUSTER_CASES, args.only, args, net_threads)
            ran = True
        except Skip:
            pass  # --only names none of them
    try:
        harness.run_cases(HOST_CASES, args.only, args)
    except Skip:
        if not ran:
            raise


if __name__ == "__main__":
    harness.main(test, __doc__)
