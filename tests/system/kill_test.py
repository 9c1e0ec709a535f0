"""Nothing that was acknowledged is lost, however the process dies. Hundreds of users talk, change
subjects, affiliations and names over the component link; stentord is killed at a random instant,
started again on the same store, and asked what it remembers:

  losses       a message that anybody received is in the archive; a change that was answered, and a
               subject that was seen, stand, or a later one that was sent
  inventions   nothing is in the archive or in a list that nobody sent; nothing is there twice
  reorderings  all users of a room receive its messages in one order, without a gap, and it is the
               archive's

    kill_test.py --stentord BINARY [--kills 200] [--seed N]
    kill_test.py --stentord STENTORD_FAULTY --power power|mixed [--kills 50] [--seed N]

With --power, the power fails at the same instant: of its files, what was not synced is gone. Where
`store.durability` is power, that makes no difference; where it is mixed, messages may be lost from
the end, but none that was received before a change was answered, and no change.

A failure names its seed; the instants of the kills are the operating system's, so the same seed
plays the same conversation but need not die at the same place."""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

from fakehost import NS_COMPONENT, FakeHost
from harness import MUC_DOMAIN, SECRET, Stentor
from rawclient import NS_MUC, name

ROOMS = [f"room{number}@{MUC_DOMAIN}" for number in range(4)]
USERS_PER_ROOM = 50
NS_MAM = "urn:xmpp:mam:2"
NS_RSM = "http://jabber.org/protocol/rsm"
NS_SID = "urn:xmpp:sid:0"
NS_CLIENT = "jabber:client"
NS_FORWARD = "urn:xmpp:forward:0"
NS_DATA = "jabber:x:data"
MEMBERS = 40
PLAY_S = (0.01, 0.12)
BURST = 40
WHOLE_EACH = 10  # so often all of the past is read again


def body_of(message, space):
    return message.findtext(f"{{{space}}}body")


def subject_of(message, space):
    return message.findtext(f"{{{space}}}subject")


class Powered(Stentor):
    """tests/support/faulty_start: keeps beside each file of the store what of it was synced."""

    def launch(self, argv, environment=None):
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


class Register:
    """Something that has one value at a time: values in the order they were sent, and the last of
    them that is known to stand."""

    def __init__(self, value):
        self.values = [value]
        self.known = 0

    def sent(self, value):
        self.values.append(value)
        return len(self.values) - 1

    def acknowledged(self, number):
        self.known = max(self.known, number)

    def check(self, value, what):
        possible = self.values[self.known:]
        assert value in possible, f"{what} is {value!r}, must be one of {possible[:5]!r}"
        self.values = [value]
        self.known = 0


class Room:
    def __init__(self, jid):
        self.jid = jid
        self.users = [f"u{number}.{jid.split('@')[0]}@host.example/home"
                      for number in range(USERS_PER_ROOM)]
        self.owner = self.users[0]
        self.sent = set()        # all texts that anybody ever sent
        self.archive = []        # ids, as they were verified last
        self.texts = {}          # id: text, of those
        self.subject = Register("")
        self.title = Register(jid.split("@")[0])
        self.members = {}        # JID: Register of its affiliation
        self.waiting = {}        # id of a request: (register, number)
        self.forget_run()

    def forget_run(self):
        self.order = []          # ids in the order somebody first received them, this run
        self.place = {}
        self.certain = 0         # of them, so many came before something that was answered
        self.last = {}           # user: place of the last one it received
        self.seen = {}           # id: text
        self.inside = set()
        self.waiting.clear()

    def received(self, user, message):
        sid = message.find(f"{{{NS_SID}}}stanza-id")
        if sid is None or message.find("{urn:xmpp:delay}delay") is not None:
            return
        number = sid.get("id")
        text = body_of(message, NS_COMPONENT)
        subject = subject_of(message, NS_COMPONENT)
        said = text if text is not None else f"subject:{subject}"
        assert said in self.sent, f"{self.jid}: nobody sent {said!r}"
        if number not in self.place:
            self.place[number] = len(self.order)
            self.order.append(number)
            self.seen[number] = said
        place = self.place[number]
        before = self.last.get(user)
        assert before is None or place == before + 1, \
            f"{self.jid}: {user} received number {place} after {before}"
        self.last[user] = place
        if text is None:
            self.subject.acknowledged(self.subject.values.index(subject))
            self.certain = len(self.order)

    def answered(self, number):
        register, value = self.waiting.pop(number)
        register.acknowledged(value)
        self.certain = len(self.order)

    def check_archive(self, rows, all_certain):
        """`rows`: (id, text), everything the archive has."""
        ids = [number for number, _ in rows]
        texts = dict(rows)
        assert len(set(ids)) == len(ids), f"{self.jid}: a message is archived twice"
        assert ids[:len(self.archive)] == self.archive, f"{self.jid}: the past has changed"
        for number in self.archive:
            assert texts[number] == self.texts[number], f"{self.jid}: {number} is another text"
        for number, text in rows:
            assert text in self.sent, f"{self.jid}: {text!r} is archived and was never sent"
        assert len(set(texts.values())) == len(texts), f"{self.jid}: a text is archived twice"
        fresh = ids[len(self.archive):]
        certain = self.order if all_certain else self.order[:self.certain]
        lost = [self.seen[number] for number in certain if number not in texts]
        assert not lost, f"{self.jid}: received and not archived: {lost[:5]!r}"
        kept = [number for number in fresh if number in self.place]
        assert kept == self.order[:len(kept)], f"{self.jid}: archived in another order"
        for number in kept:
            assert texts[number] == self.seen[number], f"{self.jid}: archived as another text"
        self.archive = ids
        self.texts = texts
        return len(self.order) - len(kept)


class Driver:
    def __init__(self, args):
        self.random = random.Random(args.seed)
        self.rooms = [Room(jid) for jid in ROOMS]
        self.by_jid = {room.jid: room for room in self.rooms}
        self.folder = tempfile.mkdtemp(prefix="stentor-kill-")
        self.args = args
        self.numbers = 0
        self.lives = 0
        self.entered = False
        self.totals = {"received": 0, "acknowledged": 0, "archived": 0, "lost": 0}

    def number(self):
        self.numbers += 1
        return self.numbers

    # ---- one life of the server ----

    def start(self, host):
        kind = Powered if self.args.power else Stentor
        self.stentor = kind(self.args.stentord, host=host, settings={
            "store.durability": self.args.power or "mixed",
            "store.path": os.path.join(self.folder, "stentor.db"), "muc.locked": "off",
            "muc.defaults.persistent": "on", "muc.defaults.archive": "on",
            "muc.defaults.history": "20"})
        self.stentor.start()
        self.link = host.link()

    def send(self, text):
        self.out.append(text)

    def flush(self):
        self.link.send("".join(self.out))
        self.out = []

    def enter_all(self):
        self.out = []
        for room in self.rooms:
            for number, user in enumerate(room.users):
                self.send(f"<presence from='{user}' to='{room.jid}/n{number}'>"
                          f"<x xmlns='{NS_MUC}'><history maxstanzas='0'/></x></presence>")
        self.flush()
        missing = {user for room in self.rooms for user in room.users}
        while missing:
            element = self.link.next()
            self.look_at(element)
            if name(element) == "message" and \
                    element.find(f"{{{NS_COMPONENT}}}subject") is not None:
                missing.discard(element.get("to"))

    # ---- what is sent ----

    def say(self, room):
        text = f"text {self.number()}"
        room.sent.add(text)
        self.send(f"<message from='{self.random.choice(room.users)}' to='{room.jid}' "
                  f"type='groupchat'><body>{text}</body></message>")

    def set_subject(self, room):
        text = f"topic {self.number()}"
        room.sent.add(f"subject:{text}")
        room.subject.sent(text)
        self.send(f"<message from='{room.owner}' to='{room.jid}' type='groupchat'>"
                  f"<subject>{text}</subject></message>")

    def request(self, room, payload, register, value):
        number = f"r{self.number()}"
        room.waiting[number] = (register, register.sent(value))
        self.send(f"<iq type='set' id='{number}' from='{room.owner}' to='{room.jid}'>"
                  f"{payload}</iq>")

    def set_member(self, room):
        jid = f"m{self.random.randrange(MEMBERS)}@host.example"
        register = room.members.setdefault(jid, Register("none"))
        value = self.random.choice(("member", "admin", "outcast", "none"))
        self.request(room, f"<query xmlns='{NS_MUC}#admin'>"
                           f"<item jid='{jid}' affiliation='{value}'/></query>", register, value)

    def set_title(self, room):
        title = f"title {self.number()}"
        form = f"<field var='FORM_TYPE'><value>{NS_MUC}#roomconfig</value></field>" \
               f"<field var='muc#roomconfig_roomname'><value>{title}</value></field>"
        self.request(room, f"<query xmlns='{NS_MUC}#owner'><x xmlns='{NS_DATA}' type='submit'>"
                           f"{form}</x></query>", room.title, title)

    def burst(self):
        acts = (self.say,) * 12 + (self.set_member,) * 3 + (self.set_subject, self.set_title)
        for _ in range(self.random.randrange(1, BURST)):
            self.random.choice(acts)(self.random.choice(self.rooms))
        self.flush()

    # ---- what is received ----

    def look_at(self, element):
        room = self.by_jid.get((element.get("from") or "").split("/")[0])
        if room is None:
            return
        if name(element) == "message" and element.get("type") == "groupchat":
            room.received(element.get("to"), element)
            self.totals["received"] += 1
        elif name(element) == "iq" and element.get("id") in room.waiting:
            assert element.get("type") == "result", ElementTree.tostring(element)
            room.answered(element.get("id"))
            self.totals["acknowledged"] += 1
        else:
            assert element.get("type") != "error", ElementTree.tostring(element)

    def read_until(self, end):
        while time.monotonic() < end:
            try:
                self.look_at(self.link.next(max(0.001, end - time.monotonic())))
            except TimeoutError:
                return

    def read_rest(self):
        """What the operating system had from it when it died was sent, and so may have been
        seen."""
        try:
            while True:
                self.look_at(self.link.next())
        except (ConnectionError, EOFError, AssertionError) as end:
            if isinstance(end, AssertionError) and not self.link.ended:
                raise

    # ---- what it remembers ----

    def ask(self, room, kind, payload):
        number = f"q{self.number()}"
        self.link.send(f"<iq type='{kind}' id='{number}' from='{room.owner}' to='{room.jid}'>"
                       f"{payload}</iq>")
        before = []
        while True:
            element = self.link.next()
            if element.get("id") == number:
                assert element.get("type") == "result", ElementTree.tostring(element)
                return element, before
            before.append(element)

    def archive_of(self, room, since):
        """What is in it, after this id (None: everything)."""
        rows, after = [], f"<after>{since}</after>" if since else ""
        while True:
            page = f"<set xmlns='{NS_RSM}'><max>50</max>{after}</set>"
            answer, results = self.ask(room, "set", f"<query xmlns='{NS_MAM}'>{page}</query>")
            for element in results:
                result = element.find(f"{{{NS_MAM}}}result")
                if result is None:
                    continue
                message = result.find(f"{{{NS_FORWARD}}}forwarded/{{{NS_CLIENT}}}message")
                text = body_of(message, NS_CLIENT)
                subject = subject_of(message, NS_CLIENT)
                rows.append((result.get("id"), text if text is not None else f"subject:{subject}"))
            fin = answer.find(f"{{{NS_MAM}}}fin")
            if fin.get("complete") == "true":
                return rows
            last = fin.findtext(f"{{{NS_RSM}}}set/{{{NS_RSM}}}last")
            after = f"<after>{last}</after>"

    def affiliations_of(self, room):
        found = {}
        for affiliation in ("member", "admin", "outcast"):
            answer, _ = self.ask(room, "get", f"<query xmlns='{NS_MUC}#admin'>"
                                              f"<item affiliation='{affiliation}'/></query>")
            for item in answer.iter(f"{{{NS_MUC}#admin}}item"):
                found[item.get("jid")] = affiliation
        return found

    def verify(self, room, subject):
        past = room.archive if self.lives % WHOLE_EACH else []
        rows = [(number, room.texts[number]) for number in past]
        rows += self.archive_of(room, past[-1] if past else None)
        self.totals["lost"] += room.check_archive(rows, self.args.power != "mixed")
        found = self.affiliations_of(room)
        invented = set(found) - set(room.members)
        assert not invented, f"{room.jid}: affiliations nobody gave: {invented}"
        for jid, register in room.members.items():
            register.check(found.get(jid, "none"), f"{room.jid}: the affiliation of {jid}")
        answer, _ = self.ask(room, "get", "<query xmlns='http://jabber.org/protocol/disco#info'/>")
        identity = answer.find(".//{http://jabber.org/protocol/disco#info}identity")
        room.title.check(identity.get("name") or "", f"{room.jid}: the title")
        room.subject.check(subject, f"{room.jid}: the subject")

    def subject_for_newcomer(self, room):
        who = "newcomer@host.example/probe"
        self.link.send(f"<presence from='{who}' to='{room.jid}/probe'>"
                       f"<x xmlns='{NS_MUC}'><history maxstanzas='0'/></x></presence>")
        element = self.link.until(
            lambda element: name(element) == "message" and element.get("to") == who and
            element.find(f"{{{NS_COMPONENT}}}subject") is not None)
        self.link.send(f"<presence from='{who}' to='{room.jid}/probe' type='unavailable'/>")
        return subject_of(element, NS_COMPONENT) or ""

    # ---- the whole ----

    def life(self, host):
        self.lives += 1
        self.start(host)
        for room in self.rooms:
            if room.archive or room.order or room.members:
                self.verify(room, self.subject_for_newcomer(room))
                self.totals["archived"] = sum(len(each.archive) for each in self.rooms)
            room.forget_run()
        if not self.entered or self.args.power:
            self.enter_all()  # once: whoever was inside is so after each restart of the process
            self.entered = True
        end = time.monotonic() + self.random.uniform(*PLAY_S)
        while time.monotonic() < end:
            self.burst()
            self.read_until(min(end, time.monotonic() + 0.004))
        self.stentor.kill()
        self.read_rest()
        self.link.socket.close()
        shutil.rmtree(self.stentor.folder)

    def run(self, kills):
        with FakeHost(MUC_DOMAIN, SECRET) as host:
            for kill in range(kills):
                try:
                    self.life(host)
                except BaseException:
                    print(f"in life {kill + 1}, seed {self.args.seed}; its store is left in "
                          f"{self.folder}, its log:")
                    print(self.stentor.log()[-4000:])
                    raise
            shutil.rmtree(self.folder)
            print(f"{kills} kills; {self.totals['received']} messages received, "
                  f"{self.totals['acknowledged']} changes acknowledged, "
                  f"{self.totals['archived']} messages archived; {self.totals['lost']} messages "
                  "lost that may be, no others; nothing invented")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stentord", required=True)
    parser.add_argument("--kills", type=int, default=200)
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
