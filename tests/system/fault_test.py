"""The disk fails under a running server: full, with errors, slow, damaged. Whatever needs it is
refused and undone (nobody has seen it), whatever does not goes on, and when the disk is well again
so is the server, without anybody's help and with two lines in its log."""

import base64
import mmap
import os
import sqlite3
import struct
import time
import xml.etree.ElementTree as ElementTree

import harness
import keeper
from fakehost import NS_COMPONENT, FakeHost
from harness import ACCOUNTS, MUC_DOMAIN, PASSWORD, SECRET, RawClient, Stentor
from keeper import GUEST, OWNER, room_of
from rawclient import NS_CLIENT, NS_MUC, NS_REGISTER, NS_SASL, name

FINE, DISK_FULL, WRITE_FAILS, SYNC_FAILS, READ_FAILS = range(5)
ALL = 0xFFFFFFFF
FULL = ("wait", "resource-constraint")
FAILED = ("wait", "internal-server-error")
SLOW_S = 5
BUSY_S = 5  # STORE_BUSY_MS
PROMPT_S = 1.0
DEN, LAIR, YARD = room_of("den"), room_of("lair"), room_of("yard")
NS_DATA = "jabber:x:data"


class Disk:
    """tests/support/faulty_vfs.h: struct vfs_faults, shared with the server."""

    def __init__(self, path):
        with open(path, "w+b") as file:
            file.write(bytes(24))
            file.flush()
            self.map = mmap.mmap(file.fileno(), 24)

    def number(self, at, value=None):
        if value is not None:
            struct.pack_into("=I", self.map, 4 * at, value)
        return struct.unpack_from("=I", self.map, 4 * at)[0]

    def fails(self, fault, count=ALL):
        self.number(0, FINE)
        self.number(2, count)
        self.number(5, 0)
        self.number(0, fault)

    def recovers(self):
        self.number(0, FINE)
        self.number(3, 0)

    def slow(self, seconds):
        self.number(3, int(seconds * 1000))

    @property
    def syncs(self):
        return self.number(4)

    @property
    def struck(self):
        return self.number(5)


class Faulty(Stentor):
    """A server above such a disk; `more` are its settings."""

    def __init__(self, args, host, client=False, **more):
        settings = dict(keeper.KEPT, **{name.replace("__", "."): value
                                        for name, value in more.items()})
        super().__init__(args.faulty, client=client, host=host, settings=settings)
        self.disk = Disk(self.path("faults"))

    def launch(self, argv, environment=None):
        super().launch(argv, dict(environment or {}, STENTOR_FAULTS=self.path("faults")))


class Scene:
    """Two people in a kept room, and in one that is not."""

    def __init__(self, args, **settings):
        self.host = FakeHost(MUC_DOMAIN, SECRET)
        self.stentor = Faulty(args, self.host, **settings)
        self.disk = self.stentor.disk

    def __enter__(self):
        self.stentor.__enter__()
        try:
            self.link = self.host.link()
            self.settle()
        except BaseException as failure:
            self.stentor.__exit__(type(failure), failure, None)
            raise
        return self

    def settle(self):
        for room in (DEN, YARD):
            self.link.enter(OWNER, room, "Owner")
            self.link.enter(GUEST, room, "Guest")
        fields = "".join(f"<field var='{field}'><value>0</value></field>"
                         for field in ("muc#roomconfig_persistentroom", "{urn:xmpp:mam:2}enabled",
                                       "muc#roomconfig_enablearchiving",
                                       "muc#roomconfig_enablelogging"))
        form = f"<field var='FORM_TYPE'><value>{NS_MUC}#roomconfig</value></field>{fields}"
        answer, _ = keeper.ask(self.link, "set", YARD,
                               f"<query xmlns='{NS_MUC}#owner'><x xmlns='{NS_DATA}' type='submit'>"
                               f"{form}</x></query>")
        assert answer.get("type") == "result", ElementTree.tostring(answer)
        self.says(DEN, "in good times")
        self.subject("calm")

    def __exit__(self, kind, value, trace):
        self.disk.recovers()
        try:
            self.stentor.__exit__(kind, value, trace)
        finally:
            self.host.__exit__(kind, value, trace)

    # ---- what people do ----

    def says(self, room, text, who=OWNER):
        """And both hear it."""
        began = time.monotonic()
        keeper.say(self.link, room, text, who)
        missing = {OWNER, GUEST}
        while missing:
            element = self.link.next()
            assert keeper.condition_of(element) is None, ElementTree.tostring(element)
            if element.findtext(f"{{{NS_COMPONENT}}}body") == text:
                missing.discard(element.get("to"))
        return time.monotonic() - began

    def refused(self, number, who, timeout=None):
        """The condition with which the stanza of this id came back; nothing else has come."""
        element = self.link.next(timeout)
        assert (element.get("id"), element.get("to")) == (number, who), \
            ElementTree.tostring(element)
        return keeper.condition_of(element)

    def stuck(self, text, seconds=SLOW_S):
        """Something is said, and its sync has begun, which takes so long. When that was."""
        syncs = self.disk.syncs
        self.disk.slow(seconds)
        keeper.say(self.link, DEN, text)
        assert harness.await_condition(lambda: self.disk.syncs > syncs, 5)
        return time.monotonic()

    def subject(self, text, number="subject"):
        self.link.stanza("message", OWNER, DEN, f"<subject>{text}</subject>", type="groupchat",
                         id=number)

    def nothing_comes(self, seconds=0.3):
        try:
            element = self.link.next(seconds)
        except TimeoutError:
            return
        raise AssertionError(ElementTree.tostring(element))

    def newcomer_sees(self):
        """What history and subject are, to somebody who enters and leaves."""
        who = f"newcomer{next(keeper.numbers)}@host.example/home"
        shown, condition = keeper.entered(self.link, DEN, who.split("@")[0], who)
        assert condition is None, condition
        self.link.stanza("presence", who, f"{DEN}/{who.split('@')[0]}", type="unavailable")
        self.link.until(lambda element: name(element) == "presence" and
                        element.get("to") == who and element.get("type") == "unavailable")
        self.drain()
        return keeper.bodies(shown), keeper.subject_in(shown)

    def drain(self, seconds=0.2):
        try:
            while True:
                self.link.next(seconds)
        except TimeoutError:
            pass

    def trouble_lines(self, count):
        """What the operator was told; so many lines, which may come a moment later."""
        def lines():
            return [line for line in self.stentor.log().splitlines() if "the store can" in line]
        harness.await_condition(lambda: len(lines()) >= count, 5)
        assert len(lines()) == count, lines()
        return lines()


# ---- the disk takes nothing ----

def everything_that_is_kept_is_refused(scene, fault, condition):
    link = scene.link
    scene.drain()
    scene.disk.fails(fault)
    for number in range(3):
        keeper.say(link, DEN, f"lost {number}", GUEST)
        assert scene.refused(f"lost {number}", GUEST) == condition
    scene.subject("storm", "storm")
    assert scene.refused("storm", OWNER) == condition
    answer = keeper.affiliate(link, DEN, [("friend@host.example", "member")])
    assert keeper.condition_of(answer) == condition, ElementTree.tostring(answer)
    assert keeper.affiliated(link, DEN, "member") == set()
    scene.nothing_comes()
    assert scene.disk.struck > 0
    # whatever needs no disk goes on: a room that is not kept, and who enters this one
    for number in range(20):
        assert scene.says(YARD, f"yard {number}") < PROMPT_S
    assert scene.newcomer_sees() == (["in good times"], "calm")


def everything_goes_on(scene):
    scene.disk.recovers()
    scene.says(DEN, "in better times")
    answer = keeper.affiliate(scene.link, DEN, [("friend@host.example", "member")])
    assert answer.get("type") == "result", ElementTree.tostring(answer)
    assert keeper.affiliated(scene.link, DEN, "member") == {"friend@host.example"}
    scene.subject("clear")
    scene.link.until(lambda element: element.findtext(f"{{{NS_COMPONENT}}}subject") == "clear")
    scene.drain()
    heard = [text for text in keeper.archive_of(scene.link, DEN) if text is not None]
    assert heard == ["in good times", "in better times"], heard
    assert scene.newcomer_sees() == (["in good times", "in better times"], "clear")


def trouble_and_its_end(args, fault, condition, **settings):
    with Scene(args, **settings) as scene:
        everything_that_is_kept_is_refused(scene, fault, condition)
        everything_goes_on(scene)
        lines = scene.trouble_lines(2)
        assert " error " in lines[0] and "refused until" in lines[0], lines
        assert " info " in lines[1] and "again" in lines[1], lines
        # and again: it is not only the first time
        scene.disk.fails(fault)
        keeper.say(scene.link, DEN, "lost again", GUEST)
        assert scene.refused("lost again", GUEST) == condition
        scene.disk.recovers()
        scene.says(DEN, "found again")
        scene.trouble_lines(4)


def a_full_disk(args):
    trouble_and_its_end(args, DISK_FULL, FULL)


def a_disk_with_write_errors(args):
    trouble_and_its_end(args, WRITE_FAILS, FAILED)


def a_disk_that_cannot_sync(args):
    trouble_and_its_end(args, SYNC_FAILS, FAILED, store__durability="power")


def restarted(scene, args):
    """The same store after a crash, in an ordinary server; its archive of the den."""
    path = scene.stentor.path("stentor.db")
    scene.stentor.kill()
    scene.link.socket.close()
    with keeper.keeping(args.stentord, scene.host, settings={"store.path": path}):
        link = scene.host.link()
        texts = [text for text in keeper.archive_of(link, DEN) if text is not None]
        members = keeper.affiliated(link, DEN, "member")
        link.socket.close()
    scene.stentor.start()
    scene.link = scene.host.link()
    return texts, members


def what_was_refused_does_not_come_back(args):
    """Killed in the middle of the trouble: what was refused is not there after that either."""
    for fault in (DISK_FULL, WRITE_FAILS, SYNC_FAILS):
        with Scene(args, store__durability="power") as scene:
            scene.drain()
            scene.disk.fails(fault)
            keeper.say(scene.link, DEN, "lost", GUEST)
            assert scene.refused("lost", GUEST) is not None
            answer = keeper.affiliate(scene.link, DEN, [("friend@host.example", "member")])
            assert keeper.condition_of(answer) is not None
            assert restarted(scene, args) == (["in good times"], set())


def a_crowd_is_refused_one_by_one(args):
    """Hundreds of messages in one failed batch and the next ones: each sender is told of each, and
    what comes once the disk is well is heard in order."""
    with Scene(args) as scene:
        scene.drain()
        scene.disk.fails(DISK_FULL)
        for number in range(300):
            keeper.say(scene.link, DEN, f"lost {number}", OWNER if number % 2 else GUEST)
        for _ in range(300):
            element = scene.link.next()
            assert keeper.condition_of(element) == FULL, ElementTree.tostring(element)
        scene.disk.recovers()
        for number in range(300):
            keeper.say(scene.link, DEN, f"kept {number}")
        heard = {OWNER: [], GUEST: []}
        while len(heard[GUEST]) + len(heard[OWNER]) < 600:
            element = scene.link.next()
            heard[element.get("to")].append(element.findtext(f"{{{NS_COMPONENT}}}body"))
        assert heard[OWNER] == heard[GUEST] == [f"kept {number}" for number in range(300)]
        scene.trouble_lines(2)


def who_enters_meanwhile_does_not_see_it(args):
    """A message is in the room's history and not yet on the disk, somebody enters, the disk fails:
    it was in the list that waited for him, and is not any more."""
    with Scene(args, store__durability="power") as scene:
        link = scene.link
        scene.drain()
        scene.disk.fails(SYNC_FAILS)
        scene.stuck("lost", 1)
        keeper.say(link, DEN, "lost, too", GUEST)
        link.stanza("presence", "third@host.example/home", f"{DEN}/Third", f"<x xmlns='{NS_MUC}'/>")
        shown, refused = [], {}
        while len(refused) < 2 or all(element.find(f"{{{NS_COMPONENT}}}subject") is None
                                      for element in shown):
            element = link.next()
            if element.get("to") == "third@host.example/home":
                shown.append(element)
            elif name(element) == "message":
                refused[element.get("id")] = keeper.condition_of(element)
        assert refused == {"lost": FAILED, "lost, too": FAILED}, refused
        assert keeper.bodies(shown) == ["in good times"], keeper.bodies(shown)
        scene.disk.recovers()
        scene.drain()
        scene.says(DEN, "kept")
        assert [text for text in keeper.archive_of(link, DEN)
                if text is not None] == ["in good times", "kept"]


# ---- the disk is slow ----

def others_do_not_wait_for_a_slow_disk(args):
    with Scene(args, store__durability="power") as scene:
        link = scene.link
        scene.drain()
        began = scene.stuck("slowly")
        scene.disk.slow(0)  # that one sync, not the next
        longest = max(scene.says(YARD, f"yard {number}") for number in range(200))
        assert longest < PROMPT_S, longest
        link.enter("third@host.example/home", YARD, "Third")
        assert time.monotonic() - began < SLOW_S - 1, "there was nothing slow about it"
        # who enters a room whose message waits gets everything in its order: first the message
        link.stanza("presence", "fourth@host.example/home", f"{DEN}/Fourth",
                    f"<x xmlns='{NS_MUC}'/>")
        element = link.next(SLOW_S * 2)
        assert time.monotonic() - began > SLOW_S - 0.5
        assert element.findtext(f"{{{NS_COMPONENT}}}body") == "slowly", \
            ElementTree.tostring(element)
        link.until(lambda element: element.get("to") == "fourth@host.example/home" and
                   element.find(f"{{{NS_COMPONENT}}}subject") is not None)
        scene.trouble_lines(0)


def who_enters_does_not_wait_for_a_slow_disk(args):
    """The disk is busy with another room: whoever enters one that is in memory is inside."""
    with Scene(args, store__durability="power") as scene:
        link = scene.link
        link.enter(OWNER, LAIR, "Owner")
        scene.drain()
        began = scene.stuck("slowly")
        scene.disk.slow(0)
        shown, condition = keeper.entered(link, LAIR, "Third", "third@host.example/home",
                                          PROMPT_S)
        assert condition is None and shown
        assert time.monotonic() - began < SLOW_S - 1
        link.heard_by(OWNER, "slowly", SLOW_S * 2)


def a_stop_does_not_wait_for_a_slow_disk(args):
    with Scene(args, store__durability="power") as scene:
        scene.drain()
        scene.stuck("never heard")
        began = time.monotonic()
        scene.stentor.process.terminate()
        status = scene.stentor.process.wait(SLOW_S * 2)
        took = time.monotonic() - began
        assert took < Stentor.STOP_LIMIT_S, f"it took {took:.1f} s"
        assert status == 1 and scene.stentor.log_lines("before the disk had answered"), status
        try:
            while True:
                element = scene.link.next(1)
                assert "never heard" not in ElementTree.tostring(element, "unicode")
        except (EOFError, ConnectionError):
            pass
        scene.disk.recovers()
        scene.link.socket.close()
        scene.stentor.start()
        scene.link = scene.host.link()
        scene.link.enter(OWNER, DEN, "Owner")
        scene.link.enter(GUEST, DEN, "Guest")
        scene.says(DEN, "heard")


def an_idle_server_stops_at_once_on_a_slow_disk(args):
    """Nothing waits for the disk, so the stop does not, and all is there afterwards."""
    with Scene(args, store__durability="process") as scene:
        scene.drain()  # what it has said is in the log, and nothing has been copied back
        scene.disk.slow(3)
        began = time.monotonic()
        scene.stentor.process.terminate()
        status = scene.stentor.process.wait(SLOW_S * 2)
        took = time.monotonic() - began
        assert took < Stentor.STOP_LIMIT_S, f"it took {took:.1f} s"
        assert status == 0, scene.stentor.log()
        scene.disk.recovers()
        scene.link.socket.close()
        scene.stentor.start()
        scene.link = scene.host.link()
        assert scene.newcomer_sees() == (["in good times"], "calm")


# ---- the disk cannot be read ----

def a_room_that_cannot_be_read(args):
    """Refused while it cannot be; there as ever when it can."""
    with Scene(args, store__handover="off") as scene:
        link = scene.link
        link.enter(OWNER, LAIR, "Owner")
        keeper.say(link, LAIR, "before")
        link.heard_by(OWNER, "before")
        link.socket.close()
        scene.stentor.stop()
        scene.stentor.start()
        link = scene.link = scene.host.link()
        scene.disk.fails(READ_FAILS)
        for _ in range(3):
            _, condition = keeper.entered(link, LAIR, "Owner", OWNER)
            assert condition == FAILED, condition
        assert scene.disk.struck > 0
        scene.stentor.await_log(" error ", 5)
        assert len(scene.stentor.log_lines(" error ")) == 1, scene.stentor.log()
        scene.disk.recovers()
        shown, condition = keeper.entered(link, LAIR, "Owner", OWNER)
        assert condition is None and keeper.bodies(shown) == ["before"], condition
        assert keeper.archive_of(link, LAIR) == ["before"]
        scene.stentor.await_log("the store can be read again", 5)


def an_archive_that_cannot_be_read(args):
    with Scene(args) as scene:
        scene.drain()
        query = f"<query xmlns='{keeper.NS_MAM}'/>"
        scene.disk.fails(READ_FAILS)
        for _ in range(3):
            answer, results = keeper.ask(scene.link, "set", DEN, query)
            assert keeper.condition_of(answer) == FAILED and results == [], \
                ElementTree.tostring(answer)
            scene.says(YARD, "meanwhile")
        scene.stentor.await_log(" error ", 5)
        assert len(scene.stentor.log_lines(" error ")) == 1, scene.stentor.log()
        scene.disk.recovers()
        assert "in good times" in keeper.archive_of(scene.link, DEN)
        scene.stentor.await_log("archives can be read again", 5)


# ---- at the beginning and at the end ----

def does_not_start(stentor, says):
    """One line, and the server ends at once."""
    before = len(stentor.log().splitlines()) if os.path.exists(stentor.log_path) else 0
    try:
        stentor.start()
        assert stentor.process.wait(5) == 1
    except AssertionError:
        assert stentor.process.poll() == 1, stentor.log()  # await_ready() found that it has ended
    lines = stentor.log().splitlines()[before:]
    assert len(lines) == 1 and says in lines[0] and "stentor.db" in lines[0], lines


def a_start_needs_the_disk(args):
    stentor = Faulty(args, None, client=True)
    stentor.disk.fails(DISK_FULL)
    does_not_start(stentor, "disk is full")
    stentor.disk.fails(WRITE_FAILS)
    does_not_start(stentor, "cannot be opened")
    stentor.disk.recovers()
    with stentor:
        stentor.register_accounts()
        stentor.stop()
        stentor.disk.fails(READ_FAILS)
        does_not_start(stentor, "cannot be opened")
        stentor.disk.recovers()
        stentor.start()
        with RawClient(stentor.port) as client:
            client.login(ACCOUNTS[0], PASSWORD)


def a_stop_needs_no_disk(args):
    """It ends in good form while the disk takes nothing; what was kept before is there again."""
    with Scene(args) as scene:
        scene.drain()
        scene.disk.fails(DISK_FULL)
        keeper.say(scene.link, DEN, "lost", GUEST)
        assert scene.refused("lost", GUEST) == FULL
        scene.link.socket.close()
        began = time.monotonic()
        assert scene.stentor.stop() == 0
        assert time.monotonic() - began < Stentor.STOP_LIMIT_S
        scene.disk.recovers()
        scene.stentor.start()
        scene.link = scene.host.link()
        shown, condition = keeper.entered(scene.link, DEN, "Third", "third@host.example/home")
        assert condition is None, condition
        assert keeper.bodies(shown) == ["in good times"] and keeper.subject_in(shown) == "calm"


def somebody_else_writes_for_too_long(args):
    """A tool that does not let go of the file: what waits is refused after a while, and then goes
    on as if nothing had been."""
    with Scene(args) as scene:
        scene.drain()
        other = sqlite3.connect(scene.stentor.path("stentor.db"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        keeper.say(scene.link, DEN, "lost", GUEST)
        while time.monotonic() - began < BUSY_S - 1:
            assert scene.says(YARD, "meanwhile") < PROMPT_S
            time.sleep(0.1)
        assert scene.refused("lost", GUEST, BUSY_S) == FAILED
        other.execute("ROLLBACK")
        other.close()
        scene.says(DEN, "kept")
        assert "another process" in scene.trouble_lines(2)[0]


# ---- accounts ----

def sasl_answer(stentor):
    """What becomes of the right password: names of the answer and of what is in it."""
    secret = base64.b64encode(f"\0{ACCOUNTS[0]}\0{PASSWORD}".encode()).decode()
    with RawClient(stentor.port) as client:
        client.open()
        client.send(f"<auth xmlns='{NS_SASL}' mechanism='PLAIN'>{secret}</auth>")
        return {name(element) for element in client.next().iter()} - {"text"}


def people_who_log_in(args):
    """At the client door: an account is made when it is kept, and nobody is told that his password
    is wrong because the disk cannot be read."""
    with Faulty(args, None, client=True) as stentor:
        stentor.register_accounts()
        stentor.disk.fails(DISK_FULL)
        with RawClient(stentor.port) as client:
            client.open()
            answer = client.request("set", "", f"<query xmlns='{NS_REGISTER}'><username>late"
                                               "</username><password>x</password></query>")
            error = answer.find(f"{{{NS_CLIENT}}}error")
            assert error is not None and error.get("type") == "wait", ElementTree.tostring(answer)
        with RawClient(stentor.port) as client:
            client.login(ACCOUNTS[0], PASSWORD)
        stentor.disk.recovers()
        with RawClient(stentor.port) as client:
            client.register("late", "x")
        assert stentor.stop() == 0
        lines = [line for line in stentor.log().splitlines() if "the store can" in line]
        assert len(lines) == 2, lines
        stentor.start()
        stentor.disk.fails(READ_FAILS)
        assert sasl_answer(stentor) == {"failure", "temporary-auth-failure"}
        stentor.disk.recovers()
        assert sasl_answer(stentor) == {"success"}


CASES = (
    a_full_disk,
    a_disk_with_write_errors,
    a_disk_that_cannot_sync,
    what_was_refused_does_not_come_back,
    a_crowd_is_refused_one_by_one,
    who_enters_meanwhile_does_not_see_it,
    others_do_not_wait_for_a_slow_disk,
    who_enters_does_not_wait_for_a_slow_disk,
    a_stop_does_not_wait_for_a_slow_disk,
    an_idle_server_stops_at_once_on_a_slow_disk,
    a_room_that_cannot_be_read,
    an_archive_that_cannot_be_read,
    a_start_needs_the_disk,
    a_stop_needs_no_disk,
    somebody_else_writes_for_too_long,
    people_who_log_in,
)


def test(args):
    harness.run_cases(CASES, args.only, args)


if __name__ == "__main__":
    harness.main(test, __doc__)
