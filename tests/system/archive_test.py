"""Archives of a server that stands alone: what the owner's form and everybody is told of them, how
much is kept, what is left when one is switched off and when its room is destroyed, and the rooms
that are listed after a restart."""

import contextlib
import sqlite3
import xml.etree.ElementTree as ElementTree

import harness
from harness import ACCOUNTS, MUC_DOMAIN, PASSWORD, RawClient, Stentor
from rawclient import (NS_CLIENT, NS_DISCO, NS_MUC, NS_MUC_USER, NS_STANZAS, await_condition,
                       name)

NS_DATA = "jabber:x:data"
NS_FORWARD = "urn:xmpp:forward:0"
NS_MAM = "urn:xmpp:mam:2"
NS_RSM = "http://jabber.org/protocol/rsm"
OWNER = f"{NS_MUC}#owner"
ARCHIVE_FIELD = "muc#roomconfig_enablearchiving"
OPEN = {"muc.locked": "off", "muc.tombstone_days": "0"}
ARCHIVED = {**OPEN, "muc.defaults.persistent": "on", "muc.defaults.archive": "on"}
TRIMMED_S = 10
DAY_US = 86400 * 1000000


class House:
    """A server alone, and somebody who owns its rooms."""

    def __init__(self, args, settings):
        self.stentor = Stentor(args.stentord, client=True, settings=settings)
        self.user = None
        self.last = None

    def __enter__(self):
        self.stentor.__enter__()
        self.stentor.register_accounts()
        self.user = self.login()
        return self

    def __exit__(self, kind, value, trace):
        self.user.socket.close()
        return self.stentor.__exit__(kind, value, trace)

    def login(self, account=ACCOUNTS[0]):
        return RawClient(self.stentor.port).login(account, PASSWORD)

    def again(self, **settings):
        """A restart; nobody is inside after it."""
        self.stentor.settings.update(settings)
        self.stentor.again()
        self.user.socket.close()
        self.user = self.login()

    def age(self, rows, days, **settings):
        """A restart, before which these messages become older."""
        self.tamper([f"UPDATE archive SET at_us = at_us - {days * DAY_US} WHERE id = '{number}'"
                     for number, _ in rows], **settings)

    def tamper(self, changes, **settings):
        """A restart, before which these statements are played to the store."""
        assert self.stentor.stop() == 0
        with contextlib.closing(sqlite3.connect(self.stentor.path("stentor.db"))) as store, store:
            for change in changes:
                store.execute(change)
        self.again(**settings)

    # ---- rooms ----

    def ask(self, kind, to, payload):
        answer = self.user.request(kind, to, payload)
        assert answer.get("type") == "result", ElementTree.tostring(answer)
        return answer

    def configure(self, room, **options):
        fields = "".join(f"<field var='{var}'><value>{value}</value></field>"
                         for var, value in options.items())
        return self.user.request(
            "set", room, f"<query xmlns='{OWNER}'><x xmlns='{NS_DATA}' type='submit'>"
            f"<field var='FORM_TYPE'><value>{NS_MUC}#roomconfig</value></field>{fields}</x></query>")

    def fields(self, room):
        answer = self.ask("get", room, f"<query xmlns='{OWNER}'/>")
        return {field.get("var"): field.findtext(f"{{{NS_DATA}}}value")
                for field in answer.iter(f"{{{NS_DATA}}}field")}

    def say(self, room, texts):
        for text in texts:
            self.user.say(room, text)
            self.user.hear(text)

    def leave(self, room):
        self.user.send(f"<presence to='{room}/Owner' type='unavailable'/>")
        self.user.until(lambda stanza: stanza.get("type") == "unavailable")

    def listed(self):
        answer = self.ask("get", MUC_DOMAIN, f"<query xmlns='{NS_DISCO}#items'/>")
        return [(item.get("jid"), item.get("name"))
                for item in answer.iter(f"{{{NS_DISCO}#items}}item")]

    # ---- what is kept ----

    def page(self, room, after, size=50):
        """Ids and texts, and whether that was all; `last` is where the next page begins."""
        self.user.send(
            f"<iq type='set' id='mam' to='{room}'><query xmlns='{NS_MAM}'><set xmlns='{NS_RSM}'>"
            f"<max>{size}</max>{after}</set></query></iq>")
        rows = []
        while True:
            element = self.user.next()
            if element.get("id") == "mam":
                assert element.get("type") == "result", ElementTree.tostring(element)
                self.last = element.findtext(f".//{{{NS_RSM}}}last")
                return rows, element.find(f"{{{NS_MAM}}}fin").get("complete") == "true"
            result = element.find(f"{{{NS_MAM}}}result")
            if result is not None:
                message = result.find(f"{{{NS_FORWARD}}}forwarded/{{{NS_CLIENT}}}message")
                rows.append((result.get("id"), message.findtext(f"{{{NS_CLIENT}}}body")))

    def archive(self, room):
        every, complete = self.page(room, "")
        while not complete:
            rows, complete = self.page(room, f"<after>{every[-1][0]}</after>")
            every += rows
        return every

    def ends(self, room):
        """Ids of the first and the last message, if there is one."""
        answer = self.ask("get", room, f"<metadata xmlns='{NS_MAM}'/>")
        return [end.get("id") for end in answer.find(f"{{{NS_MAM}}}metadata")]

    def shown(self, room):
        """Texts that somebody who enters is shown."""
        with self.login(ACCOUNTS[1]) as guest:
            guest.send(f"<presence to='{room}/Guest'><x xmlns='{NS_MUC}'/></presence>")
            texts = []
            while True:
                element = guest.until(lambda stanza: name(stanza) == "message")
                if element.find(f"{{{NS_CLIENT}}}subject") is not None:
                    return texts
                texts.append(element.findtext(f"{{{NS_CLIENT}}}body"))

    def keeps(self, room, rows):
        """Soon it has these and no others."""
        assert await_condition(lambda: self.archive(room) == rows, TRIMMED_S), self.archive(room)


def room_of(local):
    return f"{local}@{MUC_DOMAIN}"


def numbered(count, word="line"):
    return [f"{word} {number}" for number in range(count)]


def codes_of(element):
    return {status.get("code") for status in element.iter(f"{{{NS_MUC_USER}}}status")}


def told(client, room, *codes):
    """The next word of the room about its configuration."""
    notice = client.until(lambda stanza: stanza.get("from") == room and
                          name(stanza) == "message" and codes_of(stanza))
    assert codes_of(notice) == set(codes), ElementTree.tostring(notice)


def entering(client, room):
    """The status codes of one's own presence."""
    client.send(f"<presence to='{room}/Owner'><x xmlns='{NS_MUC}'/></presence>")
    own = client.until(lambda stanza: "110" in codes_of(stanza))
    client.until(lambda stanza: stanza.find(f"{{{NS_CLIENT}}}subject") is not None)
    return codes_of(own)


# ---- what is told ----

def the_form_and_who_is_inside(args):
    room = room_of("told")
    with House(args, OPEN) as house:
        assert "170" not in entering(house.user, room)
        assert house.fields(room)[ARCHIVE_FIELD] == "0"
        house.say(room, ["not kept"])
        assert house.archive(room) == [] and house.ends(room) == []
        house.configure(room, **{"muc#roomconfig_persistentroom": "1"})
        told(house.user, room, "104")
        for value, code in (("1", "170"), ("0", "171"), ("1", "170")):
            answer = house.configure(room, **{ARCHIVE_FIELD: value})
            assert answer.get("type") == "result", ElementTree.tostring(answer)
            told(house.user, room, code)
            assert house.fields(room)[ARCHIVE_FIELD] == value
        house.leave(room)
        assert "170" in entering(house.user, room)
        house.again()
        assert "170" in entering(house.user, room)
        assert house.fields(room)[ARCHIVE_FIELD] == "1"


def every_room_by_default(args):
    room = room_of("default")
    with House(args, ARCHIVED) as house:
        assert {"170", "201"} <= entering(house.user, room)
        assert house.fields(room)[ARCHIVE_FIELD] == "1"
        house.say(room, ["kept"])
        house.again()
        assert [text for _, text in house.archive(room)] == ["kept"]


def none_in_memory(args):
    """What cannot be kept is not promised."""
    room = room_of("memory")
    with House(args, {**OPEN, "store.backend": "memory"}) as house:
        house.user.join(room, "Owner")
        assert ARCHIVE_FIELD not in house.fields(room)
        answer = house.configure(room, **{ARCHIVE_FIELD: "1"})
        assert answer.get("type") == "error", ElementTree.tostring(answer)
        assert ARCHIVE_FIELD not in house.fields(room)
        answer = house.user.request("set", room, f"<query xmlns='{NS_MAM}'/>")
        assert answer.find(f".//{{{NS_STANZAS}}}service-unavailable") is not None


# ---- how much is kept ----

def a_room_keeps_so_many(args):
    """Its own number; what is left keeps its ids, and newcomers are shown no more than that."""
    few, many = room_of("few"), room_of("many")
    with House(args, ARCHIVED) as house:
        for room in (few, many):
            house.user.join(room, "Owner")
            house.say(room, numbered(12))
        before = {room: house.archive(room) for room in (few, many)}
        assert [text for _, text in before[few]] == numbered(12)
        answer = house.configure(few, **{"x-keep_count": "5"})
        assert answer.get("type") == "result", ElementTree.tostring(answer)
        assert house.shown(few) == numbered(12)[-5:]
        house.again()
        house.keeps(few, before[few][-5:])
        assert house.archive(many) == before[many]
        assert house.ends(few) == [before[few][-5][0], before[few][-1][0]]
        assert house.ends(many) == [before[many][0][0], before[many][-1][0]]
        assert house.shown(few) == numbered(12)[-5:] and house.shown(many) == numbered(12)
        house.user.join(few, "Owner")
        house.say(few, ["one more"])
        assert [text for _, text in house.archive(few)] == numbered(12)[-5:] + ["one more"]


def the_service_keeps_so_many(args):
    """More than one step deletes; a room with a number of its own is left alone."""
    room, own = room_of("full"), room_of("own")
    with House(args, ARCHIVED) as house:
        for each in (room, own):
            house.user.join(each, "Owner")
        house.configure(own, **{"x-keep_count": "100"})
        house.say(room, numbered(250))
        house.say(own, numbered(20))
        every, others = house.archive(room), house.archive(own)
        assert len(every) == 250
        house.again(**{"store.keep_count": "10"})
        house.keeps(room, every[-10:])
        assert house.archive(own) == others
        house.again(**{"store.keep_count": "0"})
        assert house.archive(room) == every[-10:]  # what is gone is gone


def they_are_kept_so_many_days(args):
    room, own = room_of("days"), room_of("fewer")
    with House(args, ARCHIVED) as house:
        for each in (room, own):
            house.user.join(each, "Owner")
            house.say(each, numbered(6))
        house.configure(own, **{"x-keep_days": "1"})
        every, others = house.archive(room), house.archive(own)
        house.age(every[:3] + others[:3], 2, **{"store.keep_days": "3"})
        house.keeps(own, others[3:])
        assert house.archive(room) == every
        house.age(every[:3], 2)
        house.keeps(room, every[3:])
        assert house.ends(room) == [every[3][0], every[-1][0]]
        assert house.archive(own) == others[3:]


# ---- off, and gone ----

def switched_off_and_on(args):
    """What was archived stays readable, also when all that is to be deleted has been."""
    room = room_of("off")
    with House(args, ARCHIVED) as house:
        house.user.join(room, "Owner")
        house.say(room, ["before"])
        before = house.archive(room)
        house.configure(room, **{ARCHIVE_FIELD: "0"})
        house.say(room, ["meanwhile"])
        assert house.archive(room) == before
        house.configure(room, **{"muc#roomconfig_historylength": "1"})
        house.again()
        assert not await_condition(lambda: house.archive(room) != before, 0.5)
        assert house.shown(room) == ["meanwhile"]
        house.user.join(room, "Owner")
        house.configure(room, **{ARCHIVE_FIELD: "1"})
        house.say(room, ["after"])
        now = house.archive(room)
        assert now[:1] == before and [text for _, text in now] == ["before", "after"], now


def destroyed(args):
    """A new room of that name has nothing of it, nor after a restart."""
    room = room_of("gone")
    with House(args, ARCHIVED) as house:
        house.user.join(room, "Owner")
        house.say(room, numbered(5))
        assert len(house.archive(room)) == 5
        house.ask("set", room, f"<query xmlns='{OWNER}'><destroy/></query>")
        answer = house.user.request("set", room, f"<query xmlns='{NS_MAM}'/>")
        assert answer.find(f".//{{{NS_STANZAS}}}item-not-found") is not None
        house.user.join(room, "Owner")
        assert house.archive(room) == [] and house.ends(room) == []
        house.say(room, ["anew"])
        house.again()
        assert [text for _, text in house.archive(room)] == ["anew"]
        assert house.shown(room) == ["anew"]


# ---- damage ----

def what_is_damaged_is_left_out(args):
    """One message that cannot be sent ends nobody's stream and bars nobody from its room; pages go
    on past it, and the operator is told once."""
    room = room_of("damaged")
    with House(args, ARCHIVED) as house:
        house.user.join(room, "Owner")
        house.say(room, numbered(9))
        rows = house.archive(room)
        damaged = {3: "xml = replace(xml, '</body>', '')", 4: "xml = '<message/>'",
                   5: "affiliation = 'serf'", 8: "xml = xml || '</stream:stream>'"}
        house.tamper([f"UPDATE archive SET {change} WHERE id = '{rows[number][0]}'"
                      for number, change in damaged.items()])
        whole = [row for number, row in enumerate(rows) if number not in damaged]
        for _ in range(3):
            assert house.archive(room) == whole
        for size in (1, 2, 3):
            seen, after, complete = [], "", False
            while not complete:
                part, complete = house.page(room, after, size)
                seen += part
                after = f"<after>{house.last}</after>"
            assert seen == whole, (size, seen)
            assert house.last == rows[8][0]
        assert house.ends(room) == [rows[0][0], rows[8][0]]
        assert house.shown(room) == [text for _, text in whole]
        house.user.join(room, "Owner")
        house.say(room, ["and on"])
        told = [line for line in house.stentor.log_lines(" error ")
                if f"the archive of {room} is damaged" in line]
        assert len(told) == 1, house.stentor.log()


# ---- the list of rooms ----

def rooms_are_listed_though_nobody_touched_them(args):
    with House(args, {**OPEN, "muc.defaults.persistent": "on"}) as house:
        for local in ("b", "a", "hidden", "c"):
            house.user.join(room_of(local), "Owner")
        house.configure(room_of("b"), **{"muc#roomconfig_roomname": "Second"})
        house.configure(room_of("hidden"), **{"muc#roomconfig_publicroom": "0"})
        house.user.join(room_of("d"), "Owner")
        house.configure(room_of("d"), **{"muc#roomconfig_persistentroom": "0"})
        every = [(room_of("a"), None), (room_of("b"), "Second"), (room_of("c"), None)]
        assert house.listed() == every + [(room_of("d"), None)], house.listed()
        house.again()
        assert house.listed() == every, house.listed()
        answer = house.ask("get", MUC_DOMAIN, f"<query xmlns='{NS_DISCO}#items'>"
                           f"<set xmlns='{NS_RSM}'><max>1</max><before/></set></query>")
        assert [item.get("jid") for item in answer.iter(f"{{{NS_DISCO}#items}}item")] == \
            [room_of("c")]
        assert answer.find(f".//{{{NS_RSM}}}first").get("index") == "2"
        assert answer.findtext(f".//{{{NS_RSM}}}count") == "3"
        house.user.join(room_of("e"), "Owner")
        assert house.listed() == every + [(room_of("e"), None)], house.listed()


CASES = (the_form_and_who_is_inside, every_room_by_default, none_in_memory, a_room_keeps_so_many,
         the_service_keeps_so_many, they_are_kept_so_many_days, switched_off_and_on, destroyed,
         what_is_damaged_is_left_out, rooms_are_listed_though_nobody_touched_them)


def test(args):
    harness.run_cases(CASES, args.only, args)


if __name__ == "__main__":
    harness.main(test, __doc__)
