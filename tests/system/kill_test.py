"""Nothing that was acknowledged is lost, however the process dies. Hundreds of users talk, take back
what they said, come and go, register, change subjects, affiliations, options and pictures, make and
destroy rooms over the component link; stentord is killed at a random instant, just when something was
heard or answered, while it stops, or while it starts; started again on the same store, and asked what
it remembers:

  losses       a message that anybody received is in the archive, and newcomers are shown the last of
               them; a change that was answered, and a subject that was seen, stand, or a later one
               that was sent; what was taken back stays so; who was inside still is
  inventions   nothing is in the archive or in a list that nobody sent; nothing is there twice; a room
               that was destroyed is gone, and the next at its address has nothing of it
  reorderings  all users of a room receive its messages in one order, without a gap, and it is the
               archive's
  quiet        nobody is told of the restart; whose session has ended meanwhile is put out as soon as
               something for him comes back

    kill_test.py --stentord BINARY [--durability process|mixed|power] [--kills 200] [--seed N]
    kill_test.py --stentord STENTORD_FAULTY --power power|mixed [--kills 50] [--seed N]

With --power, the power fails at the same instant: of its files, what was not synced is gone. Where
`store.durability` is power, that makes no difference; where it is mixed, messages may be lost from
the end, but none that was received before a change was answered, and no change.

A failure names its seed; the instants of the kills are the operating system's, so the same seed
plays the same conversation but need not die at the same place. What is known of the rooms, and what
follows from it, is in kill_model.py; what people do, in kill_acts.py."""

import argparse
import os
import random
import shutil
import struct
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

import kill_acts
from fakehost import NS_COMPONENT, FakeHost
from harness import MUC_DOMAIN, SECRET, Stentor
from kill_model import PROBE, Room, Site, said_in
from rawclient import NS_CLIENT, NS_DISCO, NS_MUC, NS_STANZAS, name

ROOMS = [f"room{number}@{MUC_DOMAIN}" for number in range(4)]
SITES = 4
USERS_PER_ROOM = 50
BOSS = "boss@host.example/home"  # an admin of the service: makes rooms where one was destroyed
NEWCOMER = "newcomer@host.example/probe"
NS_MAM = "urn:xmpp:mam:2"
NS_RSM = "http://jabber.org/protocol/rsm"
NS_FORWARD = "urn:xmpp:forward:0"
NS_DATA = "jabber:x:data"
NS_VCARD = "vcard-temp"
LISTS = ("roomadmins", "roomowners")  # fields of the form that are affiliations
PLAY_S = (0.01, 0.12)
BURST = 40
WHOLE_EACH = 10  # so often all of the past is read again
GONE_CHANCE = 0.4
REST_S = 5
SYNC_MS = (0, 0, 5)  # with --power
START_CHANCE = 0.2
START_S = 0.08
STOPPING_S = 0.1


class Powered(Stentor):
    """tests/support/faulty_start: keeps beside each file of the store what of it was synced. Each
    sync takes `slow_ms`, so that an answer which does not wait for it is long before it."""

    slow_ms = 0

    def launch(self, argv, environment=None):
        with open(self.path("faults"), "wb") as faults:
            faults.write(struct.pack("=6I", 0, 0, 0, self.slow_ms, 0, 0))
        super().launch(argv, {"STENTOR_FAULTS": self.path("faults"), "STENTOR_POWER": "1"})

    def kill(self):
        super().kill()
        path = self.settings["store.path"]
        for name_of in (path, path + "-wal", path + "-journal"):
            if os.path.exists(name_of + ".durable"):
                shutil.copyfile(name_of + ".durable", name_of)
            elif os.path.exists(name_of):
                os.unlink(name_of)
        if os.path.exists(path + "-shm"):
            os.unlink(path + "-shm")


class Driver:
    def __init__(self, args):
        self.random = random.Random(args.seed)
        self.rooms = []          # none before their options are known
        self.sites = [Site(number) for number in range(SITES)]
        self.folder = tempfile.mkdtemp(prefix="stentor-kill-")
        self.args = args
        self.boss = BOSS
        self.defaults = None     # the options of a room that is new
        self.out = []
        self.numbers = 0
        self.lives = 0
        self.is_stopping = False
        self.totals = {"received": 0, "acknowledged": 0, "archived": 0, "lost": 0, "gone": 0,
                       "turned away": 0}

    def number(self):
        self.numbers += 1
        return self.numbers

    def all_rooms(self):
        """Those that are there for certain."""
        return self.rooms + [site.room for site in self.sites if site.room is not None]

    def at(self, jid):
        """The room with this address, also if it is not certain that it is there."""
        for site in self.sites:
            if site.jid == jid:
                return next((value for value in reversed(site.state.values)
                             if isinstance(value, Room)), None)
        return next((room for room in self.rooms if room.jid == jid), None)

    def new_room(self, jid, owner, others=()):
        return Room(jid, owner, others, self.defaults, self.args.power == "mixed")

    # ---- one life of the server ----

    def start(self, host):
        self.is_stopping = False
        kind = Powered if self.args.power else Stentor
        self.stentor = kind(self.args.stentord, host=host, settings={
            "store.durability": self.args.power or self.args.durability,
            "store.path": os.path.join(self.folder, "stentor.db"), "muc.locked": "off",
            "muc.admins": BOSS.split("/")[0], "muc.defaults.persistent": "on",
            "muc.defaults.archive": "on", "muc.defaults.allow_register": "on"})
        self.stentor.slow_ms = self.random.choice(SYNC_MS)
        if self.random.random() < START_CHANCE:
            self.stentor.start()
            time.sleep(self.random.uniform(0, START_S))
            self.stentor.kill()  # before it could do much
        self.stentor.start()
        self.link = self.called(host)

    def called(self, host):
        """One that did not live long may have called here too."""
        while True:
            try:
                return host.link()
            except (EOFError, ConnectionError):
                pass

    def send(self, text):
        self.out.append(text)

    def flush(self):
        self.link.send("".join(self.out))
        self.out = []

    def enter_all(self):
        """Whoever is always inside and is not: at the beginning, and where the power has failed."""
        missing = {(room.jid, user) for room in self.all_rooms() for user in room.users
                   if user not in room.wanderers and not room.inside[user].last}
        for room in self.all_rooms():
            for user in room.users:
                if (room.jid, user) in missing:
                    kill_acts.enter(self, room, user)
        self.flush()
        while any(self.at(jid).ways.get(user) for jid, user in missing):
            self.look_at(self.link.next())

    # ---- what is received ----

    def look_at(self, element):
        jid = (element.get("from") or "").split("/")[0]
        room = self.at(jid)
        if element.get("type") == "error" and self.is_stopping:
            self.turned_away(element)
        elif name(element) == "iq" and element.get("id", "").startswith("site"):
            self.site_answered(element)
        elif room is None:
            return
        elif name(element) == "message" and element.get("type") == "groupchat":
            room.received(element.get("to"), element)
            self.totals["received"] += 1
            self.bounce(room, element)
        elif name(element) == "iq" and element.get("id") in room.waiting:
            self.answered(room, element)
        else:
            assert element.get("type") != "error", ElementTree.tostring(element)
            if name(element) == "presence":
                room.presence(element.get("to"), element)

    def turned_away(self, element):
        """What comes while it ends is refused. It is not counted as undone: of several changes of
        the same thing, one before it may have been done."""
        error = element.find(f"{{{NS_COMPONENT}}}error")
        assert error.get("type") == "wait", ElementTree.tostring(element)
        assert error.find(f"{{{NS_STANZAS}}}resource-constraint") is not None, \
            ElementTree.tostring(element)
        self.totals["turned away"] += 1

    def answered(self, room, element):
        """Everything can be done; only so many questions to the archive at a time, which is what a
        message is looked up by that newcomers are not shown any more."""
        number = element.get("id")
        if element.get("type") == "error" and "<moderate" in room.waiting[number].payload:
            error = element.find(f"{{{NS_COMPONENT}}}error")
            assert error.find(f"{{{NS_STANZAS}}}resource-constraint") is not None, \
                ElementTree.tostring(element)
            room.refused(number)
            return
        assert element.get("type") == "result", \
            (room.waiting[number].payload, ElementTree.tostring(element))
        room.answered(number)
        self.totals["acknowledged"] += 1

    def bounce(self, room, message):
        """His host says that there is no such session any more; once is enough."""
        user = message.get("to")
        if user not in room.gone or user in room.ways:
            return
        room.goes(user, False)
        self.totals["gone"] += 1
        number = f" id='{message.get('id')}'" if message.get("id") else ""
        self.send(f"<message from='{user}' to='{room.jid}' type='error'{number}>"
                  f"<error type='cancel'><recipient-unavailable xmlns='{NS_STANZAS}'/></error>"
                  "</message>")

    def site_answered(self, element):
        """`site2-17`: the room was destroyed, number 17 of what has become of site 2."""
        assert element.get("type") == "result", ElementTree.tostring(element)
        site, _, value = element.get("id").removeprefix("site").partition("-")
        self.sites[int(site)].state.acknowledged(int(value))
        self.totals["acknowledged"] += 1

    def site_created(self):
        """Who has made a room is inside: then it is there."""
        for site in self.sites:
            room = site.state.last
            if isinstance(room, Room) and not room.ways.get(BOSS) and not site.is_settled:
                site.state.acknowledged(len(site.state.values) - 1)

    def read_until(self, end):
        while time.monotonic() < end:
            try:
                self.look_at(self.link.next(max(0.001, end - time.monotonic())))
                self.site_created()
            except TimeoutError:
                return

    def until_heard(self):
        """Something is said, and when it is heard the end comes."""
        kill_acts.say(self, self.random.choice(self.rooms))
        self.flush()
        self.until_more("received")

    def until_answered(self):
        """The same with a change. Nothing is said meanwhile: its commit is its own."""
        before = -1
        while before != self.totals["received"]:
            before = self.totals["received"]
            self.read_until(time.monotonic() + 0.02)
        for _ in range(self.random.randrange(1, 4)):
            self.random.choice(kill_acts.CHANGES)(self, self.random.choice(self.rooms))
        self.flush()
        self.until_more("acknowledged")

    def while_stopping(self):
        """It was told to end, and is not done with that; or is."""
        self.is_stopping = True
        self.stentor.process.terminate()
        time.sleep(self.random.uniform(0, STOPPING_S))
        assert self.stentor.process.poll() in (None, 0)

    def until_more(self, what):
        before = self.totals[what]
        while self.totals[what] == before:
            self.look_at(self.link.next())
        self.site_created()

    def read_rest(self):
        """What the operating system had from it when it died was sent, and so may have been
        seen."""
        try:
            while True:
                self.look_at(self.link.next())
                self.site_created()
        except (ConnectionError, EOFError, AssertionError) as end:
            if isinstance(end, AssertionError) and not self.link.ended:
                raise

    # ---- what it remembers ----

    def ask(self, to, who, kind, payload):
        """The answer, and what else came to who asked. Nobody else is told anything."""
        number = f"q{self.number()}"
        self.link.send(f"<iq type='{kind}' id='{number}' from='{who}' to='{to}'>{payload}</iq>")
        before = []
        while True:
            element = self.link.next()
            if element.get("to") != who:
                self.about_newcomer(element)
            elif element.get("id") == number:
                return element, before
            elif not self.is_newcomer(element):
                before.append(element)

    def is_newcomer(self, element):
        return name(element) == "presence" and element.get("from").endswith(f"/{PROBE}")

    def about_newcomer(self, element):
        """Nobody is told anything else while we look around."""
        assert self.is_newcomer(element), ElementTree.tostring(element)

    def asked(self, room, kind, payload):
        answer, before = self.ask(room.jid, room.owner, kind, payload)
        assert answer.get("type") == "result", ElementTree.tostring(answer)
        return answer, before

    def archive_of(self, room, since):
        """What is in it, after this id (None: everything)."""
        rows, after = [], f"<after>{since}</after>" if since else ""
        while True:
            page = f"<set xmlns='{NS_RSM}'><max>50</max>{after}</set>"
            answer, results = self.asked(room, "set", f"<query xmlns='{NS_MAM}'>{page}</query>")
            for element in results:
                result = element.find(f"{{{NS_MAM}}}result")
                message = result.find(f"{{{NS_FORWARD}}}forwarded/{{{NS_CLIENT}}}message")
                rows.append((result.get("id"), said_in(message, NS_CLIENT)))
            fin = answer.find(f"{{{NS_MAM}}}fin")
            if fin.get("complete") == "true":
                return rows
            last = fin.findtext(f"{{{NS_RSM}}}set/{{{NS_RSM}}}last")
            after = f"<after>{last}</after>"

    def affiliations_of(self, room):
        found = {}
        for affiliation in ("member", "admin", "outcast"):
            answer, _ = self.asked(room, "get", f"<query xmlns='{NS_MUC}#admin'>"
                                                f"<item affiliation='{affiliation}'/></query>")
            for item in answer.iter(f"{{{NS_MUC}#admin}}item"):
                reason = item.findtext(f"{{{NS_MUC}#admin}}reason") or ""
                found[item.get("jid")] = (affiliation, item.get("nick", ""), reason)
        return found

    def options_of(self, jid, who):
        answer, _ = self.ask(jid, who, "get", f"<query xmlns='{NS_MUC}#owner'/>")
        fields = {}
        for field in answer.iter(f"{{{NS_DATA}}}field"):
            if not field.get("var").endswith(LISTS):
                fields[field.get("var")] = tuple(value.text or ""
                                                 for value in field.findall(f"{{{NS_DATA}}}value"))
        return tuple(sorted(fields.items()))

    def visit(self, room):
        """What somebody new is shown: presences, messages (with their ids), the subject."""
        self.link.send(f"<presence from='{NEWCOMER}' to='{room.jid}/{PROBE}'>"
                       f"<x xmlns='{NS_MUC}'/></presence>")
        presences, shown = [], []
        while True:
            element = self.link.next()
            if element.get("to") != NEWCOMER:
                self.about_newcomer(element)
            elif name(element) == "presence":
                presences.append(element)
            elif element.find(f"{{{NS_COMPONENT}}}subject") is not None:
                break
            else:
                sid = element.find("{urn:xmpp:sid:0}stanza-id")
                shown.append((sid.get("id"), said_in(element, NS_COMPONENT)))
        self.link.send(f"<presence from='{NEWCOMER}' to='{room.jid}/{PROBE}' type='unavailable'/>")
        self.link.until(lambda leave: leave.get("to") == NEWCOMER and
                        leave.get("type") == "unavailable")
        return presences, shown, element.findtext(f"{{{NS_COMPONENT}}}subject") or ""

    def verify(self, room):
        past = room.archive if self.lives % WHOLE_EACH else []
        rows = [(number, room.texts[number]) for number in past[:-kill_acts.OLDEST]]
        rows += self.archive_of(room, rows[-1][0] if rows else None)
        self.totals["lost"] += room.check_archive(rows)
        room.check_affiliations(self.affiliations_of(room))
        room.check_options(self.options_of(room.jid, room.owner))
        answer, _ = self.asked(room, "get", f"<vCard xmlns='{NS_VCARD}'/>")
        room.check_avatar(answer.findtext(f".//{{{NS_VCARD}}}BINVAL") or "")
        presences, shown, subject = self.visit(room)
        room.check_inside(presences)
        room.check_history(shown)
        room.subject.check(subject, f"{room.jid}: the subject")

    def verify_all(self):
        for room in self.rooms:
            self.verify(room)
        for site in self.sites:
            answer, _ = self.ask(site.jid, BOSS, "get", f"<query xmlns='{NS_DISCO}#info'/>")
            found = site.check(answer)
            if isinstance(found, Room):
                self.verify(found)
        self.totals["archived"] = sum(len(room.archive) for room in self.all_rooms())
        for room in self.all_rooms():
            room.forget_run()

    # ---- the whole ----

    def build(self):
        """The first life: rooms of which nothing is known yet but that they are new."""
        self.link.send(f"<presence from='{BOSS}' to='first@{MUC_DOMAIN}/boss'>"
                       f"<x xmlns='{NS_MUC}'/></presence>")
        self.link.until(lambda element: element.find(f"{{{NS_COMPONENT}}}subject") is not None)
        self.defaults = self.options_of(f"first@{MUC_DOMAIN}", BOSS)
        for jid in ROOMS:
            users = [f"u{number}.{jid.split('@')[0]}@host.example/home"
                     for number in range(USERS_PER_ROOM)]
            self.rooms.append(self.new_room(jid, users[0], users[1:]))

    def some_are_gone(self):
        """While no server runs, some sessions end at their host."""
        for room in self.rooms:
            inside = [user for user in room.wanderers if room.inside[user].values == [True]]
            if inside and self.random.random() < GONE_CHANCE:
                room.gone.add(self.random.choice(inside))

    def life(self, host):
        self.lives += 1
        self.start(host)
        if self.rooms:
            self.verify_all()
        else:
            self.build()
        self.enter_all()
        self.some_are_gone()
        end = time.monotonic() + self.random.uniform(*PLAY_S)
        while time.monotonic() < end:
            kill_acts.burst(self, self.random.randrange(1, BURST))
            self.read_until(min(end, time.monotonic() + 0.004))
        self.random.choice((lambda: None, self.until_heard, self.until_answered,
                            self.while_stopping))()
        self.stentor.kill()
        self.read_rest()
        self.out = []
        self.link.socket.close()
        shutil.rmtree(self.stentor.folder)

    def rest(self, host):
        """The last one is left in peace: what it remembers, and those who are gone are put out."""
        self.lives = 0
        self.start(host)
        self.verify_all()
        self.enter_all()
        for room in self.rooms:
            kill_acts.say(self, room)
        end = time.monotonic() + REST_S
        while any(room.gone and not all(user in room.ways and not room.ways[user]
                                        for user in room.gone) for room in self.rooms):
            assert time.monotonic() < end, "somebody who is gone is still inside"
            self.flush()
            self.read_until(time.monotonic() + 0.05)
        for room in self.rooms:
            kill_acts.set_subject(self, room)  # behind it, all of that is written
        self.flush()
        self.read_until(time.monotonic() + 0.5)
        for room in self.rooms:
            self.verify(room)
            assert not room.gone, f"{room.jid}: still inside: {room.gone}"
        self.stentor.kill()
        self.link.socket.close()
        shutil.rmtree(self.stentor.folder)

    def run(self, kills):
        with FakeHost(MUC_DOMAIN, SECRET) as host:
            for kill in range(kills + 1):
                try:
                    if kill < kills:
                        self.life(host)
                    else:
                        self.rest(host)
                except BaseException:
                    print(f"in life {kill + 1}, seed {self.args.seed}; its store is left in "
                          f"{self.folder}, its log:")
                    print(self.stentor.log()[-4000:])
                    raise
            shutil.rmtree(self.folder)
            print(f"{kills} kills; {self.totals['received']} messages received, "
                  f"{self.totals['acknowledged']} changes acknowledged, "
                  f"{self.totals['archived']} messages archived, "
                  f"{self.totals['gone']} sessions gone; {self.totals['lost']} messages "
                  "lost that may be, no others; nothing invented")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stentord", required=True)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--durability", choices=("process", "mixed", "power"), default="mixed")
    parser.add_argument("--power", choices=("power", "mixed"),
                        help="the power fails, too; what store.durability is")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    args = parser.parse_args()
    driver = Driver(args)
    try:
        driver.run(args.kills)
    finally:
        driver.stentor.kill()
    return 0


if __name__ == "__main__":
    sys.exit(main())
