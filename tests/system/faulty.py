"""A server whose disk fails when it is told to (tests/support/faulty_vfs), and two people there: what
they do, hear, and are refused."""

import mmap
import struct
import time
import xml.etree.ElementTree as ElementTree

import harness
import keeper
from fakehost import NS_COMPONENT, FakeHost
from harness import MUC_DOMAIN, SECRET, Stentor
from keeper import GUEST, OWNER, room_of
from rawclient import NS_MUC, name

FINE, DISK_FULL, WRITE_FAILS, SYNC_FAILS, READ_FAILS, OPEN_FAILS = range(6)
ALL = 0xFFFFFFFF
FULL = ("wait", "resource-constraint")
FAILED = ("wait", "internal-server-error")
SLOW_S = 5
PROMPT_S = 1.0
DEN, LAIR, YARD = room_of("den"), room_of("lair"), room_of("yard")
NS_DATA = "jabber:x:data"


class Disk:
    """tests/support/faulty_vfs.h: struct vfs_faults, shared with the server."""

    def __init__(self, path):
        with open(path, "w+b") as file:
            file.write(bytes(28))
            file.flush()
            self.map = mmap.mmap(file.fileno(), 28)

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
        self.number(6, 0)

    def queries_slow(self, seconds):
        """Each read of the thread that answers queries takes so long."""
        self.number(6, int(seconds * 1000))

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
