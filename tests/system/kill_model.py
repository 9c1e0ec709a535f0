"""What people know of their rooms, for kill_test: what was sent, what was answered, what was seen.
From that follows what has to be found again after the end of the process, and what may be."""

import xml.etree.ElementTree as ElementTree
from collections import namedtuple

from fakehost import NS_COMPONENT
from harness import MUC_DOMAIN
from rawclient import NS_MUC_USER, NS_STANZAS, name

NS_SID = "urn:xmpp:sid:0"
NS_OCCUPANT = "urn:xmpp:occupant-id:0"
NS_RETRACT = "urn:xmpp:message-retract:1"
NS_DELAY = "urn:xmpp:delay"
HISTORY = 20
NEAR = 15  # what was said so many messages ago is among those newcomers are shown
PROBE = "probe"
NOBODY = ("none", "", "")  # affiliation, nickname, reason


def said_in(message, space):
    """What a message is, as a text that is used once: its body, its subject, or what it takes
    back. None: nothing is left of it."""
    if message.find(f"{{{NS_RETRACT}}}retracted") is not None:
        assert message.find(f"{{{space}}}body") is None, ElementTree.tostring(message)
        return None
    retract = message.find(f"{{{NS_RETRACT}}}retract")
    if retract is not None:
        return f"retract:{retract.get('id')}"
    body = message.findtext(f"{{{space}}}body")
    return body if body is not None else f"subject:{message.findtext(f'{{{space}}}subject')}"


def is_shown(said):
    """Newcomers are shown it, too: it is no subject, and no notice of the room's own."""
    return said is None or not said.startswith(("subject:", "retract:"))


def codes_of(element):
    return {status.get("code") for status in element.iter(f"{{{NS_MUC_USER}}}status")}


class Register:
    """Something that has one value at a time: values in the order they were sent, and the last of
    them that is known to stand."""

    def __init__(self, value):
        self.values = [value]
        self.known = 0

    @property
    def last(self):
        return self.values[-1]

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


Request = namedtuple("Request", "register number payload")


class Room:
    """One room, from its creation to its destruction. `owner` and `talkers` are always inside,
    `registrants` too, `wanderers` come and go."""

    def __init__(self, jid, owner, others, options, mixed):
        self.jid = jid
        self.mixed = mixed       # a message that was seen may be lost with the power
        self.owner = owner
        self.users = [owner, *others]
        self.talkers = self.users[1:30]
        self.registrants = self.users[30:40]
        self.wanderers = self.users[40:]
        self.sent = {}           # all that anybody ever said: by whom
        self.archive = []        # ids, as they were verified last
        self.texts = {}          # id: what was said, of those
        self.graves = {}         # id: is it a tombstone?
        self.subject = Register("")
        self.avatar = Register("")
        self.options = Register(options)  # fields of the owner's form, a tuple of pairs
        self.affiliations = {}   # JID: Register of affiliation, nickname, reason
        self.inside = {user: Register(False) for user in self.users}
        self.roles = {}          # user: Register, of talkers who have entered
        self.occupant_ids = {}   # user: occupant-id
        self.gone = set()        # whose sessions the host has no more
        self.waiting = {}        # id: Request, not answered yet
        self.forget_run()

    def forget_run(self):
        self.order = []          # ids in the order somebody first received them, this run
        self.place = {}
        self.certain = 0         # of them, so many came before something that was answered
        self.last = {}           # user: place of the last one it received
        self.seen = {}           # id: what was said
        self.ways = {}           # user: numbers in `inside` of what it has asked for
        self.unsettled = []      # (register, number): true, and perhaps not written yet
        self.graves = {number: grave for number, grave in self.graves.items() if grave.last}
        self.waiting.clear()

    # ---- what is sent ----

    def asks(self, number, payload, register, value):
        self.waiting[number] = Request(register, register.sent(value), payload)

    def goes(self, user, inside):
        self.ways.setdefault(user, []).append(self.inside[user].sent(inside))

    def those_inside(self):
        return [user for user in self.users
                if self.inside[user].last and user not in self.gone]

    def recent(self):
        """Ids of messages that can be taken back, and were not yet."""
        ids = (self.archive[-NEAR:] + self.order)[-NEAR + 3:]
        texts = {number: self.seen.get(number, self.texts.get(number)) for number in ids}
        return [number for number, text in texts.items()
                if text is not None and is_shown(text) and f"retract:{number}" not in self.sent]

    # ---- what is received ----

    def position(self, number):
        """Among all messages there are; None: it is none of the last."""
        if number in self.place:
            return len(self.archive) + self.place[number]
        tail = self.archive[-2 * HISTORY:]
        return len(self.archive) - len(tail) + tail.index(number) if number in tail else None

    def recognise(self, user, element):
        """The same account has the same occupant-id for ever, and nobody else has it."""
        found = element.find(f"{{{NS_OCCUPANT}}}occupant-id")
        if found is None:
            return
        known = self.occupant_ids.setdefault(user, found.get("id"))
        assert found.get("id") == known, f"{self.jid}: {user} has another occupant-id"

    def received(self, user, message):
        sid = message.find(f"{{{NS_SID}}}stanza-id")
        if sid is None or message.find(f"{{{NS_DELAY}}}delay") is not None:
            if message.find(f"{{{NS_COMPONENT}}}subject") is not None:
                self.arrived(user)
            return
        number = sid.get("id")
        said = said_in(message, NS_COMPONENT)
        assert said in self.sent, f"{self.jid}: nobody sent {said!r}"
        if number not in self.place:
            assert number not in self.texts, f"{self.jid}: {number} is used again"
            self.place[number] = len(self.order)
            self.order.append(number)
            self.seen[number] = said
            self.first_seen(message, said)
        place = self.place[number]
        before = self.last.get(user)
        assert before is None or place == before + 1, \
            f"{self.jid}: {user} received number {place} after {before}"
        self.last[user] = place

    def first_seen(self, message, said):
        if message.get("from") != self.jid:
            self.recognise(self.sent[said], message)
        if not self.mixed:
            self.settle()
        if said.startswith("subject:"):
            self.subject.acknowledged(self.subject.values.index(said[len("subject:"):]))
            self.certain = len(self.order)
        elif message.get("from") == self.jid:  # moderated: its row and this one are one change
            self.graves[said[len("retract:"):]].acknowledged(1)
            self.certain = len(self.order)

    def arrived(self, user):
        self.last.pop(user, None)
        if user in self.ways:
            self.came_true(user)
            if user in self.talkers:
                self.roles[user] = Register("participant")

    def left(self, user):
        self.last.pop(user, None)
        self.came_true(user)

    def came_true(self, user):
        self.unsettled.append((self.inside[user], self.ways[user].pop(0)))

    def presence(self, to, element):
        """Who is put out because his host has him no more is told to the owner; who leaves is
        told so himself."""
        user = self.by_nick(element.get("from").rpartition("/")[2])
        if user is None:
            return
        self.recognise(user, element)
        if element.get("type") != "unavailable":
            register = self.inside[user]
            assert True in register.values[register.known:], f"{self.jid}: {user} is outside"
        elif user in self.gone and to == self.owner:
            assert "333" in codes_of(element), ElementTree.tostring(element)
            self.left(user)
        elif user == to and user not in self.gone and self.ways.get(user):
            self.left(user)  # and is not told the end of the room

    def by_nick(self, nick):
        return None if nick == PROBE else self.users[int(nick[1:])]

    def nick(self, user):
        return f"n{self.users.index(user)}"

    def answered(self, number):
        request = self.waiting.pop(number)
        request.register.acknowledged(request.number)
        self.certain = len(self.order)
        self.settle()

    def refused(self, number):
        """It was the last for that register: it has not happened, and will not."""
        request = self.waiting.pop(number)
        assert request.number == len(request.register.values) - 1
        request.register.values.pop()

    def settle(self):
        """Rows of those inside are written behind, but in order: what came after them stands."""
        for register, number in self.unsettled:
            register.acknowledged(number)
        self.unsettled = []

    # ---- what is found again ----

    def check_archive(self, rows):
        """`rows`: (id, what was said), everything the archive has. Returns how many are lost."""
        ids = [number for number, _ in rows]
        texts = dict(rows)
        spoken = [text for text in texts.values() if text is not None]
        assert len(set(ids)) == len(ids), f"{self.jid}: a message is archived twice"
        assert len(set(spoken)) == len(spoken), f"{self.jid}: a text is archived twice"
        assert ids[:len(self.archive)] == self.archive, f"{self.jid}: the past has changed"
        invented = [text for text in spoken if text not in self.sent]
        assert not invented, f"{self.jid}: {invented[:5]!r} are archived and were never sent"
        certain = self.order[:self.certain] if self.mixed else self.order
        lost = [self.seen[number] for number in certain if number not in texts]
        assert not lost, f"{self.jid}: received and not archived: {lost[:5]!r}"
        kept = [number for number in ids[len(self.archive):] if number in self.place]
        assert kept == self.order[:len(kept)], f"{self.jid}: archived in another order"
        self.check_graves(texts, certain)
        for number, text in rows:
            known = self.texts.get(number, self.seen.get(number, text))
            assert text == known or text is None, f"{self.jid}: {number} is another text"
        lost = len(self.order) - len(kept)
        self.archive, self.texts = ids, texts
        return lost

    def check_graves(self, texts, certain):
        """What was taken back is a tombstone, nothing else is."""
        for number in certain:
            target = self.seen[number].removeprefix("retract:")
            at = self.position(target) if target != self.seen[number] else None
            if at is not None and self.position(number) - at <= NEAR:
                self.graves[target].acknowledged(1)
        for number, text in texts.items():
            grave = self.graves.get(number, Register(False))
            grave.check(text is None, f"{self.jid}: {number}, is it a tombstone? It")

    def check_history(self, shown):
        """`shown`: (id, what was said), what a newcomer is shown: the end of the archive."""
        rows = [(number, self.texts[number]) for number in self.archive
                if is_shown(self.texts[number]) or self.author_took_back(self.texts[number])]
        assert shown == rows[-HISTORY:], \
            f"{self.jid}: newcomers are shown {shown}, archived is {rows[-HISTORY:]}"

    def author_of(self, number):
        return self.sent[self.seen.get(number, self.texts.get(number))]

    def author_took_back(self, said):
        return said.startswith("retract:") and self.sent[said] is not None

    def check_affiliations(self, found):
        invented = set(found) - set(self.affiliations)
        assert not invented, f"{self.jid}: affiliations nobody gave: {invented}"
        for jid, register in self.affiliations.items():
            register.check(found.get(jid, NOBODY), f"{self.jid}: the affiliation of {jid}")

    def check_role(self, user, item):
        if user in self.roles:
            self.roles[user].check(item.get("role"), f"{self.jid}: the role of {user}")

    def check_inside(self, presences):
        """`presences`: those a newcomer was sent."""
        found = set()
        for element in presences:
            user = self.by_nick(element.get("from").rpartition("/")[2])
            if user is None:
                continue
            found.add(user)
            self.recognise(user, element)
            item = element.find(f".//{{{NS_MUC_USER}}}item")
            register = self.affiliations.get(user.split("/")[0])
            wanted = "owner" if user == self.owner else register.last[0] if register else "none"
            assert item.get("affiliation") == wanted, ElementTree.tostring(element)
            self.check_role(user, item)
        for user, register in self.inside.items():
            register.check(user in found, f"{self.jid}: {user}, is it inside? It")
        self.gone &= found
        self.roles = {user: role for user, role in self.roles.items() if user in found}

    def check_avatar(self, value):
        self.avatar.check(value, f"{self.jid}: the avatar")

    def check_options(self, fields):
        lost = set(fields).symmetric_difference(self.options.last)
        self.options.check(fields, f"{self.jid}: differing in {lost}, the form")


class Site:
    """An address at which rooms are made and destroyed: None, a Room, or the last words of one."""

    def __init__(self, number):
        self.jid = f"site{number}@{MUC_DOMAIN}"
        self.state = Register(None)

    @property
    def is_settled(self):
        return self.state.known == len(self.state.values) - 1

    @property
    def room(self):
        """The room that is there, if it is certain that it is."""
        here = self.state.last
        return here if isinstance(here, Room) and self.is_settled else None

    def check(self, answer):
        """`answer`: to somebody who asks what is there."""
        if answer.get("type") == "result":
            rooms = [value for value in self.state.values[self.state.known:]
                     if isinstance(value, Room)]
            assert rooms, f"{self.jid}: there is a room"
            found = rooms[0]
        else:
            conditions = {name(child) for child in answer.find(f"{{{NS_COMPONENT}}}error")}
            found = answer.findtext(f".//{{{NS_STANZAS}}}text") if "gone" in conditions else None
            assert found is not None or "item-not-found" in conditions, \
                ElementTree.tostring(answer)
        self.state.check(found, f"what is at {self.jid}")
        return found
