"""stentord as a program: what it says and returns for each way of calling it, and how it starts and
stops."""

import os
import re
import resource
import signal
import subprocess
import sys
import time

import harness
from harness import ACCOUNTS, MUC_DOMAIN, PASSWORD, RawClient, Stentor, free_port
from rawclient import NS_MUC, name

RUN = os.path.join(os.path.dirname(__file__), "..", "..", "tools", "run.py")
CLEAR = ("--set", "client.plaintext=on")
LINK = ("--set", "component.host=localhost", "--set", "component.secret=x")


def called(args, *options, status, says):
    """Runs to the end; `says` must stand in what it prints."""
    done = subprocess.run([args.stentord, *options], capture_output=True, text=True, timeout=10,
                          check=False)
    told = done.stdout + done.stderr
    assert done.returncode == status, f"{options}: status {done.returncode}: {told}"
    assert says in told, f"{options}: '{says}' is not in: {told}"
    return told


def orders_that_only_print(args):
    called(args, "--help", status=0, says="--net-threads")
    called(args, "--version", status=0, says="stentord ")
    called(args, *CLEAR, "--check-config", status=0, says="good")
    for backend, archive in (("memory", "off"), ("sqlite", "on")):
        called(args, *CLEAR, "--set", f"store.backend={backend}", "--set",
               f"muc.defaults.archive={archive}", "--check-config", status=0, says="good")


def without_a_door_it_leaves(args):
    called(args, status=2, says="component.host")
    called(args, "--set", f"muc.domain={MUC_DOMAIN}", status=2, says="client.listen")


def links_may_be_written_in_these_ways(args):
    for links in ("localhost", "localhost:5347", "[::1]", "[::1]:5347", "192.0.2.1:1,a,a,a:65535",
                  ",".join(["a"] * 63)):
        called(args, *LINK, "--set", f"component.links={links}", "--check-config", status=0,
               says="good")


def wrong_configuration_is_told(args):
    for options, says in (
            (["--set", "client.lissen=1"], "client.listen"),
            (["--set", "client.registration=perhaps"], "client.registration"),
            (["--set", "client.listen"], "client.listen"),
            (["--threads", "0", *CLEAR], "threads"),
            (["--threads", "many", *CLEAR], "threads"),
            (["--dance"], "--help"),
            (["dance"], "dance"),
            (["--config", "/nonexistent/stentor.yml"], "/nonexistent/stentor.yml"),
            (["--set", "component.host=localhost"], "component.secret"),
            (["--set", "component.secret=x"], "component.host"),
            (["--set", "component.links=localhost"], "component.host"),
            *(([*LINK, "--set", f"component.links=a, {wrong}"], "component.links") for wrong in (
                "::1", "[::1", "[::1]5347", "host:", "host:0", "host:65536", "host:port", ":5347",
                "[]:5347", "")),
            ([*LINK, "--set", "component.links=" + ",".join(["a"] * 64)], "63"),
            (["--set", "client.listen=0.0.0.0:5222", *CLEAR], "loopback"),
            (["--set", "client.listen=5222", *CLEAR], "write host:port"),
            (["--set", "client.listen=127.0.0.1:70000", *CLEAR], "write host:port"),
            (["--set", "client.registration=on"], "client.certificate"),
            (["--set", "client.certificate=/nonexistent", "--set", "client.key=/nonexistent"],
             "/nonexistent"),
            (["--set", f"client.domain={MUC_DOMAIN}", *CLEAR], "client.domain"),
            (["--set", "muc.defaults.moderrated=on", *CLEAR], "muc.defaults.moder"),
            (["--set", "muc.defaults.maxusers=many", *CLEAR], "maxusers"),
            (["--set", "store.backend=memory", "--set", "muc.defaults.archive=on", *CLEAR],
             "muc.defaults.archive: archives need a store that lasts"),
            (["--set", "muc.banned=a@", *CLEAR], "muc.banned: 'a@'"),
            (["--set", "muc.create=a@b/c", *CLEAR], "muc.create: 'a@b/c'"),
            (["--set", "muc.persistent=admins,a@b", *CLEAR], "muc.persistent: 'admins'"),
            (["--set", "muc.public=a@b,anyone", *CLEAR], "muc.public: 'anyone'"),
            (["--set", "muc.nick_chars=121", *CLEAR], "1 to 120"),
            (["--set", "muc.nick_padding=keep", *CLEAR], "muc.nick_padding: 'keep'"),
            (["--set", "muc.nick_profile=loose", *CLEAR], "muc.nick_profile: 'loose'"),
            (["--set", "muc.tombstone_days=367", *CLEAR], "0 to 366"),
            (["--set", "muc.domain=not a domain", *CLEAR], "muc.domain")):
        called(args, *options, status=2, says=says)
        called(args, *options, "--check-config", status=2, says=says)


def refused(client, room):
    """The condition of the error that answers a join."""
    client.send(f"<presence to='{room}/Guest'><x xmlns='{NS_MUC}'/></presence>")
    answer = client.until(lambda stanza: (stanza.get("from") or "").startswith(room))
    assert answer.get("type") == "error", dict(answer.items())
    error = next(child for child in answer if name(child) == "error")
    return name(error[0])


def not_everybody_may_do_everything(args):
    """Who may make rooms, and who enters none, by the operator's word."""
    first, _, third = (f"{account}@{harness.DOMAIN}" for account in ACCOUNTS)
    settings = {"muc.locked": "off", "muc.create": f"{first}, far.example", "muc.banned": third,
                "muc.persistent": "admins", "muc.public": "anyone", "muc.tombstone_days": "0"}
    with Stentor(args.stentord, client=True, settings=settings) as stentor:
        stentor.register_accounts()
        maker, guest, banned = (RawClient(stentor.port).login(account, PASSWORD)
                                for account in ACCOUNTS)
        room = f"permits@{MUC_DOMAIN}"
        assert refused(guest, room) == "not-allowed"
        assert refused(banned, room) == "forbidden"
        maker.join(room, "Maker")
        guest.join(room, "Second")
        assert refused(banned, room) == "forbidden"


def three_clients_in_three_rooms(stentor, door, first, second, third):
    """All of one account, which may be in three; what one leaves another may enter elsewhere."""
    rooms = [f"{door}{number}@{MUC_DOMAIN}" for number in range(6)]
    first.join(rooms[0], "First")
    second.join(rooms[1], "Second")
    second.join(rooms[2], "Second")
    for client in (first, second, third):
        assert refused(client, rooms[3]) == "resource-constraint"
    third.join(rooms[0], "First")  # where the account is anyway
    third.send(f"<presence to='{rooms[0]}' type='unavailable'/>")
    first.send(f"<presence to='{rooms[0]}' type='unavailable'/>")
    stentor.await_log(f"room gone: {rooms[0]}")
    third.join(rooms[3], "Third")
    assert refused(first, rooms[4]) == "resource-constraint"
    second.socket.close()  # says nothing to its rooms, its server does
    for room in rooms[1:3]:
        stentor.await_log(f"room gone: {room}")
    for room in rooms[4:]:
        first.join(room, "First")
    assert refused(third, rooms[0]) == "resource-constraint"


def an_account_is_in_so_many_rooms(args):
    """By either door, whichever threads have the rooms."""
    settings = {"client.domain": "direct.example", "muc.locked": "off", "muc.rooms_per_user": "3",
                "threads": "4"}
    with harness.Prosody() as prosody, Stentor(args.stentord, client=True, host=prosody,
                                               settings=settings) as stentor:
        prosody.await_component()
        with RawClient(stentor.port, domain="direct.example") as newcomer:
            newcomer.register("near", PASSWORD)
        near = [RawClient(stentor.port, domain="direct.example").login("near", PASSWORD)
                for _ in range(3)]
        far = [RawClient(prosody.port).login(ACCOUNTS[0], PASSWORD) for _ in range(3)]
        three_clients_in_three_rooms(stentor, "near", *near)
        three_clients_in_three_rooms(stentor, "far", *far)


def is_refusal(element):
    return name(element) == "presence" and element.get("type") == "error"


def refusals_take_no_places(args):
    """A session may be in a thousand rooms. It may be refused by more, and enter the next one; and
    who closes its stream leaves the room it entered, without a technical problem."""
    with Stentor(args.stentord, client=True, settings={"muc.locked": "off"}) as stentor:
        stentor.register_accounts()
        with RawClient(stentor.port) as watcher, RawClient(stentor.port) as client:
            watcher.login(ACCOUNTS[1], PASSWORD).join(f"room@{MUC_DOMAIN}", "Watcher")
            client.login(ACCOUNTS[0], PASSWORD, "phone")
            for number in range(1200):
                client.send(f"<presence to='r{number}@{MUC_DOMAIN}/{'n' * 130}'>"
                            f"<x xmlns='{NS_MUC}'/></presence>")
                assert client.until(is_refusal).find(".//{*}resource-constraint") is None, number
            client.join(f"room@{MUC_DOMAIN}", "Client")
            client.send("</stream:stream>")
            gone = watcher.until(lambda element: element.get("type") == "unavailable")
            assert gone.get("from") == f"room@{MUC_DOMAIN}/Client"
            assert gone.find(".//{*}status") is None


def nicknames_are_by_the_operators_rules(args):
    settings = {"muc.locked": "off", "muc.nick_chars": "3", "muc.nick_padding": "trim",
                "muc.nick_profile": "opaque"}
    with Stentor(args.stentord, client=True, settings=settings) as stentor:
        stentor.register_accounts()
        first, second = (RawClient(stentor.port).login(account, PASSWORD)
                         for account in ACCOUNTS[:2])
        room = f"nicks@{MUC_DOMAIN}"
        first.join(room, "\U0001F916 ")
        assert refused(second, room) == "jid-malformed"  # "Guest" is longer
        second.send(f"<presence to='{room}/ Two'><x xmlns='{NS_MUC}'/></presence>")
        for nick in ("\U0001F916", "Two"):
            second.until(lambda stanza, shown=f"{room}/{nick}": stanza.get("from") == shown)


def the_printed_sample_is_a_configuration(args):
    sample = called(args, "--print-config", status=0, says="listen")
    with harness.tempfile.TemporaryDirectory(prefix="stentor-test-") as folder:
        path = os.path.join(folder, "stentor.yml")
        # As it is printed every option is at its default, so no door is open ...
        with open(path, "w", encoding="utf-8") as file:
            file.write(sample)
        called(args, "--config", path, status=2, says="no door")
        # ... and with one it is complete. --set wins over the file.
        called(args, "--config", path, *CLEAR, "--check-config", status=0, says="good")
        with open(path, "w", encoding="utf-8") as file:
            file.write("client:\n  plaintext: on\n  listne: 127.0.0.1:1\n")
        told = called(args, "--config", path, status=2, says="listen")
        assert re.search(r"stentor\.yml:3\b", told), told


def a_busy_address_is_named(args):
    with Stentor(args.stentord, client=True) as stentor:
        address = f"127.0.0.1:{stentor.port}"
        called(args, *CLEAR, "--set", f"client.listen={address}", status=1, says=address)
        with RawClient(stentor.port) as client:
            client.register("somebody", "x")


def a_secret_may_stand_in_a_file(args):
    with harness.Prosody() as prosody:
        path = prosody.write("secret", harness.SECRET + "\n")
        settings = {"component.host": "127.0.0.1", "component.port": str(prosody.component_port),
                    "component.secret_file": path}
        with Stentor(args.stentord, settings=settings):
            prosody.await_component()


def both_doors_at_once(args):
    """One room, one occupant through each door."""
    room = f"doors@{MUC_DOMAIN}"
    with harness.Prosody() as prosody:
        settings = {"client.domain": "direct.example", "muc.locked": "off"}
        with Stentor(args.stentord, client=True, host=prosody, settings=settings) as stentor:
            prosody.await_component()
            with RawClient(stentor.port, domain="direct.example") as newcomer:
                newcomer.register("near", PASSWORD)
            with RawClient(stentor.port, domain="direct.example") as near, \
                    RawClient(prosody.port) as far:
                near.login("near", PASSWORD).join(room, "Near")
                far.login(ACCOUNTS[0], PASSWORD).join(room, "Far")
                for speaker in (near, far):
                    speaker.say(room, f"from {speaker.domain}")
                    near.hear(f"from {speaker.domain}")
                    far.hear(f"from {speaker.domain}")


def stops_on_signals_with_a_goodbye(args):
    """Occupants see 332, their streams end with system-shutdown, and all is over in two seconds."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with Stentor(args.stentord, client=True, settings={"muc.locked": "off"}) as stentor:
            stentor.register_accounts()
            room = f"goodbye@{MUC_DOMAIN}"
            people = [RawClient(stentor.port).login(account, PASSWORD) for account in ACCOUNTS]
            for at, client in enumerate(people):
                client.join(room, f"Nick{at}")
            idle = RawClient(stentor.port)
            began = time.monotonic()
            stentor.process.send_signal(number)
            for at, client in enumerate(people):
                own = f"{room}/Nick{at}"
                gone = client.until(lambda stanza: stanza.get("from") == own and
                                    stanza.get("type") == "unavailable")
                codes = {status.get("code") for status in gone.findall(".//{*}status")}
                assert {"110", "332"} <= codes, codes
                assert client.stream_error() == "system-shutdown"
            idle.await_eof()
            assert stentor.process.wait(5) == 0, stentor.log()
            assert time.monotonic() - began < Stentor.STOP_LIMIT_S


def thread_names(pid):
    names = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/comm", encoding="ascii") as file:
            names.append(file.read().strip())
    return names


def stentord_log(stentor):
    return [line for line in stentor.log().splitlines() if re.match(r"\d{4}-\d\d-\d\dT", line)]


class Limited(Stentor):
    """One that begins with other limits of open files."""

    def __init__(self, binary, soft, hard):
        super().__init__(binary, client=True)
        self.limits = (soft, hard)

    def launch(self, argv, environment=None):
        soft, hard = self.limits
        super().launch(["prlimit", f"--nofile={soft}:{hard}", *argv], environment)


def as_many_files_as_the_machine_allows(args):
    with Limited(args.stentord, 100, 5000) as stentor:
        soft, hard = resource.prlimit(stentor.process.pid, resource.RLIMIT_NOFILE)
        assert soft == hard == 5000, (soft, hard)
        stentor.await_log("only 5000 files may be open")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < 16384:
        return
    with Limited(args.stentord, 100, most) as stentor:
        soft, hard = resource.prlimit(stentor.process.pid, resource.RLIMIT_NOFILE)
        assert soft == hard == most, (soft, hard)
        assert not stentor.log_lines("files may be open")


def threads_are_as_told(args):
    for shards, nets in ((1, 1), (3, 2)):
        settings = {"threads": str(shards), "net_threads": str(nets), "muc.locked": "off"}
        with Stentor(args.stentord, client=True, settings=settings) as stentor:
            stentor.register_accounts()
            names = thread_names(stentor.process.pid)
            expected = {f"shard{i}" for i in range(shards)} | {f"net{i}" for i in range(nets)}
            assert {thread for thread in names if re.match("shard|net", thread)} == expected, names
            agents = {line.split()[2] for line in stentord_log(stentor)}
            assert agents <= set(names) | {"main"}, agents
            clients = [RawClient(stentor.port).login(account, PASSWORD) for account in ACCOUNTS]
            for number in range(8):
                room = f"room{number}@{MUC_DOMAIN}"
                for client in clients:
                    client.join(room, client.jid.partition("@")[0])
                clients[number % 3].say(room, f"hello {number}")
                for client in clients:
                    client.hear(f"hello {number}")


def service_lists_its_rooms(args):
    settings = {"muc.locked": "off", "threads": "3"}
    with Stentor(args.stentord, client=True, settings=settings) as stentor:
        stentor.register_accounts()
        client = RawClient(stentor.port).login(ACCOUNTS[0], PASSWORD)
        rooms = {f"listed{number}@{MUC_DOMAIN}" for number in range(12)}
        for room in rooms:
            client.join(room, "Keeper")

        def listed():
            answer = client.request("get", MUC_DOMAIN,
                                    "<query xmlns='http://jabber.org/protocol/disco#items'/>")
            return {item.get("jid") for item in answer.iter() if name(item) == "item"}
        assert harness.await_condition(lambda: listed() == rooms, 5), listed()
        services = client.request("get", harness.DOMAIN,
                                  "<query xmlns='http://jabber.org/protocol/disco#items'/>")
        assert MUC_DOMAIN in {item.get("jid") for item in services.iter() if name(item) == "item"}


class TrialRun(Stentor):
    """By tools/run.py, as a newcomer starts it."""

    def start(self):
        before = len(self.log_lines("Ctrl-C stops")) if os.path.exists(self.log_path) else 0
        self.launch([sys.executable, "-B", RUN, self.binary, *self.place()])
        assert harness.await_condition(lambda: len(self.log_lines("Ctrl-C stops")) > before, 10), \
            self.log()

    def place(self):
        return ["--set", f"client.listen=127.0.0.1:{self.port}"]


def a_newcomer_finds_two_accounts_and_a_room(args):
    """What is printed is enough to talk; a second start says why there is none, at once."""
    with TrialRun(args.stentord, client=True) as stentor:
        told = stentor.log()
        accounts = re.findall(r"account +(\w+)@localhost +password +(\S+)", told)
        room = re.search(r"room +(\S+@\S+)", told).group(1)
        assert len(accounts) == 2, told
        people = [RawClient(stentor.port).login(*account) for account in accounts]
        for client, (account, _) in zip(people, accounts):
            client.join(room, account)
        for client, (account, _) in zip(people, accounts):
            client.say(room, f"{account} is here")
            for listener in people:
                listener.hear(f"{account} is here")
        second = subprocess.run([sys.executable, "-B", RUN, args.stentord, *stentor.place()],
                                capture_output=True, text=True, timeout=10, check=False)
        assert second.returncode == 1, second
        assert f"127.0.0.1:{stentor.port}" in second.stderr, second.stderr
        assert "in use" in second.stderr and "Ctrl-C" not in second.stdout, second


def a_newcomer_comes_back(args):
    """Accounts are kept: the next start finds them, and says the same."""
    with TrialRun(args.stentord, client=True) as stentor:
        stentor.again()
        told = stentor.log()
        assert "could not be made" not in told, told
        account = re.findall(r"account +(\w+)@localhost +password +(\S+)", told)[-1]
        with RawClient(stentor.port) as client:
            client.login(*account)


CASES = (
    orders_that_only_print,
    without_a_door_it_leaves,
    links_may_be_written_in_these_ways,
    wrong_configuration_is_told,
    the_printed_sample_is_a_configuration,
    not_everybody_may_do_everything,
    an_account_is_in_so_many_rooms,
    refusals_take_no_places,
    nicknames_are_by_the_operators_rules,
    a_busy_address_is_named,
    a_secret_may_stand_in_a_file,
    both_doors_at_once,
    stops_on_signals_with_a_goodbye,
    as_many_files_as_the_machine_allows,
    threads_are_as_told,
    service_lists_its_rooms,
    a_newcomer_finds_two_accounts_and_a_room,
    a_newcomer_comes_back,
)


def test(args):
    harness.run_cases(CASES, args.only, args)


if __name__ == "__main__":
    harness.main(test, __doc__)
