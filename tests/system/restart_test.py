"""Restarts: one that was planned is not noticed by anybody behind a host server; after a crash those
who are still there are still inside, those who are not are put out, and what was missed is in the
archive. The host is one of which every byte is ours, and a real Prosody."""

import os
import sqlite3
import time
import xml.etree.ElementTree as ElementTree

import harness
from fakehost import NS_COMPONENT, FakeHost
from harness import ACCOUNTS, MUC_DOMAIN, PASSWORD, SECRET, Prosody, RawClient, Stentor
from hosted import (BOB, CAROL, OWNER, STOP_S, Service, answer_some, await_pings, codes_of,
                    is_leave, leaves, role_of, said)
from rawclient import NS_CLIENT, NS_MUC, NS_STANZAS

NS_MAM = "urn:xmpp:mam:2"
NS_RSM = "http://jabber.org/protocol/rsm"
OTHER_DOMAIN = "other.localhost"
QUIET_S = 0.7
STORE_CACHE_BYTES = 48 * 2**20  # 32 MiB of pages, and what it takes to find them

STORED, KEPT, PASSING = (f"{room}@{MUC_DOMAIN}" for room in ("stored", "kept", "passing"))


def settle_in(service):
    """Three rooms of each kind, three people in each, things said and decided."""
    options = {STORED: {"persistentroom": 1, "moderatedroom": 1},
               KEPT: {"persistentroom": 1, "moderatedroom": 1, "enablearchiving": 1},
               PASSING: {"moderatedroom": 1}}
    for room, wanted in options.items():
        service.link.enter(OWNER, room, "owner")
        service.configure(room, **wanted)
        service.link.enter(BOB, room, "Bob")
        service.link.enter(CAROL, room, "Carol")
        service.status(BOB, room, "Bob", f"at work in {room}")
        service.request(OWNER, room, "set", f"<query xmlns='{NS_MUC}#admin'>"
                                            "<item nick='Bob' role='participant'/></query>")
        service.link.stanza("message", OWNER, room, "<subject>cheese</subject>", type="groupchat")
        for number in range(3):
            service.say((OWNER, BOB)[number % 2], room, f"{number} in {room}")
    said(service.link, 0.2)


def nothing_was_noticed(service, before, rooms=(STORED, KEPT, PASSING)):
    """Nobody is told anything; everything is as it was; who was inside still is."""
    heard = said(service.link, QUIET_S)
    assert not heard, [ElementTree.tostring(element) for element in heard[:5]]
    for room in rooms:
        after = service.newcomer_sees(room)
        assert after == before[room], f"{room}:\n{before[room]}\nthen\n{after}"
        for sender in (OWNER, BOB):
            text = f"{sender} after {time.monotonic_ns()}"
            service.link.stanza("message", sender, room, f"<body>{text}</body>", type="groupchat")
            for listener in (OWNER, BOB, CAROL):
                service.link.heard_by(listener, text)
        service.link.stanza("message", CAROL, room, "<body>no voice</body>", type="groupchat")
        refused = service.link.until(lambda element: element.get("to") == CAROL and
                                     element.get("type") == "error")
        assert refused.find(f".//{{{NS_STANZAS}}}forbidden") is not None
        before[room] = service.newcomer_sees(room)


def seen(service, rooms=(STORED, KEPT, PASSING)):
    return {room: service.newcomer_sees(room) for room in rooms}


# ---- planned ----

def planned_restart_is_invisible(args):
    with Service(args) as service:
        settle_in(service)
        before = seen(service)
        for presences, messages in before.values():
            assert len(presences) == 3 and len(messages) == 4, (presences, messages)
        for _ in range(2):
            assert service.stop() == []
            service.again()
            nothing_was_noticed(service, before)


def planned_restarts_in_a_row(args):
    """The next stop comes while the rooms of the one before are still being looked for."""
    with Service(args) as service:
        rooms = [f"room{number}@{MUC_DOMAIN}" for number in range(300)]
        settle_in(service)
        for room in rooms:
            service.link.enter(BOB, room, "Bob")
        before = seen(service)
        for _ in range(4):
            assert service.stop() == []
            service.start()
            service.stentor.process.terminate()
            assert service.stentor.process.wait(STOP_S) == 0
            service.again()
            nothing_was_noticed(service, before)
        for room in rooms:
            service.say(BOB, room, "still here")


def clients_of_our_own_are_told(args):
    """Who is connected to us directly loses that connection; who is not sees it go, afterwards."""
    with Service(args, client=True, settings={"client.domain": "nearby.example"}) as service:
        settle_in(service)
        near = RawClient(service.stentor.port, domain="nearby.example")
        near.register("near", PASSWORD)
        near.socket.close()
        near = RawClient(service.stentor.port, domain="nearby.example").login("near", PASSWORD)
        for room in (STORED, PASSING):
            near.join(room, "Near")
        said(service.link, 0.2)
        assert service.stop() == [], "somebody behind the host was told of something"
        gone = {}
        for _ in (STORED, PASSING):
            element = near.until(lambda stanza: is_leave(stanza))
            gone[element.get("from")] = codes_of(element)
            assert role_of(element) == "none"
        assert gone == {f"{room}/Near": {"110", "332"} for room in (STORED, PASSING)}, gone
        service.again()
        told = said(service.link, QUIET_S)
        assert all(is_leave(element) and element.get("from").endswith("/Near") and
                   codes_of(element) == {"333"} for element in told), told
        told = sorted((element.get("from"), element.get("to")) for element in told)
        assert told == sorted((f"{room}/Near", user) for room in (STORED, PASSING)
                              for user in (OWNER, BOB, CAROL)), told
        for room in (STORED, PASSING):
            presences, _ = service.newcomer_sees(room)
            assert len(presences) == 3, presences


def without_handover_everybody_is_told(args):
    with Service(args, settings={"store.handover": "off"}) as service:
        settle_in(service)
        heard = service.stop()
        told = [(element.get("from"), element.get("to")) for element in heard]
        nicks = {OWNER: "owner", BOB: "Bob", CAROL: "Carol"}
        assert sorted(told) == sorted((f"{room}/{nick}", user) for user, nick in nicks.items()
                                      for room in (STORED, KEPT, PASSING)), told
        assert all(is_leave(element) and codes_of(element) == {"110", "332"} for element in heard)
        service.again()
        assert said(service.link, QUIET_S) == []
        for room, subject in ((STORED, "cheese"), (KEPT, "cheese"), (PASSING, "")):
            presences, messages = service.newcomer_sees(room)
            assert presences == [], f"{room}: somebody is inside"
            left = ElementTree.fromstring(messages[-1]).findtext(f"{{{NS_COMPONENT}}}subject")
            assert (left or "") == subject, f"{room}: the subject is {left}"


# ---- another configuration ----

def banned_meanwhile(args):
    with Service(args) as service:
        settle_in(service)
        assert service.stop() == []
        service.again({"muc.banned": "bob@host.example"})
        told = said(service.link, QUIET_S)
        rooms = (STORED, KEPT, PASSING)
        assert all(is_leave(element) and element.get("from").endswith("/Bob") for element in told)
        assert sorted((element.get("from"), element.get("to")) for element in told) == \
            sorted((f"{room}/Bob", user) for room in rooms for user in (OWNER, BOB, CAROL)), told
        for element in told:
            own = {"110"} if element.get("to") == BOB else set()
            assert codes_of(element) == {"301"} | own, ElementTree.tostring(element)
        for room in rooms:
            presences, _ = service.newcomer_sees(room)
            assert len(presences) == 2, presences


def domain_dropped_meanwhile(args):
    """What belongs to a domain that is not served waits for the day it is again."""
    with Service(args) as service, FakeHost(OTHER_DOMAIN, SECRET) as other:
        settle_in(service)
        before = seen(service)
        assert service.stop() == []
        port = service.stentor.settings["component.port"]
        service.start({"muc.domain": OTHER_DOMAIN}, other)
        service.link = other.link()
        room = f"stored@{OTHER_DOMAIN}"
        service.link.enter(BOB, room, "Bob")
        assert len(service.newcomer_sees(room)[0]) == 1
        assert service.stop() == []
        service.again({"muc.domain": MUC_DOMAIN, "component.port": port})
        nothing_was_noticed(service, before)


def store_moved_meanwhile(args):
    with Service(args, settings={"store.path": "first.db"}) as service:
        settle_in(service)
        before = seen(service)
        assert service.stop() == []
        os.mkdir(service.stentor.path("elsewhere"))
        for file in os.listdir(service.stentor.folder):
            if file.startswith("first.db"):
                os.rename(service.stentor.path(file), service.stentor.path(f"elsewhere/{file}"))
        service.again({"store.path": "elsewhere/first.db"})
        nothing_was_noticed(service, before)


# ---- crashes ----

def after_a_crash_everybody_is_inside(args):
    with Service(args) as service:
        settle_in(service)
        before = seen(service, (STORED, KEPT))
        # Messages of a room that is not archived are written behind: they are by now.
        service.crash()
        service.again()
        nothing_was_noticed(service, before, (STORED, KEPT))
        service.link.stanza("message", BOB, PASSING, "<body>gone</body>", type="groupchat")
        lost = service.link.until(lambda element: element.get("to") == BOB)
        assert lost.get("type") == "error", "a temporary room has survived a crash"


def who_is_gone_is_put_out(args):
    """Pings find out, not too many of them at a time; so does a message that comes back."""
    users = [f"user{number}@host.example/home" for number in range(500)]
    with Service(args, settings={"muc.defaults.persistent": "on", "muc.defaults.ping_minutes": "1",
                                 "muc.defaults.broadcast": "moderator",
                                 "muc.defaults.see_all": "on"}) as service:
        service.link.enter(OWNER, STORED, "owner")
        for number, user in enumerate(users):
            service.link.enter(user, STORED, f"n{number}")
        said(service.link, 0.3)
        service.crash()
        service.again()
        assert said(service.link, QUIET_S) == [], "pinged or told at once"
        asked = await_pings(service, looks=2)
        here = answer_some(service, asked)
        speaker = min(here)
        service.link.stanza("message", speaker, STORED, "<body>who hears me?</body>",
                            type="groupchat", id="question")
        away = set(users) - set(asked)
        waiting = set(away)
        while waiting:
            element = service.link.next()
            if element.findtext(f"{{{NS_COMPONENT}}}body") == "who hears me?":
                waiting.discard(element.get("to"))
        for jid in away:
            service.link.stanza("message", jid, STORED, "<error type='cancel'><recipient-unavailable "
                                f"xmlns='{NS_STANZAS}'/></error>", type="error", id="question")
        assert leaves(service, len(away)) == away
        service.say(speaker, STORED, "I do")


def the_gap_is_in_the_archive(args):
    """Bob's host has read on, Bob himself has not: what he missed follows the last id he knows."""
    with Service(args) as service:
        settle_in(service)
        ids = [service.say(OWNER, KEPT, f"text {number}") for number in range(20)]
        service.crash()
        service.again()
        page = f"<set xmlns='{NS_RSM}'><after>{ids[7]}</after></set>"
        service.link.stanza("iq", BOB, KEPT, f"<query xmlns='{NS_MAM}'>{page}</query>",
                            type="set", id="gap")
        found = []
        while True:
            element = service.link.next()
            if element.get("id") == "gap":
                break
            result = element.find(f"{{{NS_MAM}}}result")
            found.append((result.get("id"), result.findtext(f".//{{{NS_CLIENT}}}body")))
        assert found == [(ids[number], f"text {number}") for number in range(8, 20)], found
        after = service.say(OWNER, KEPT, "on we go")
        assert after not in ids


# ---- many rooms ----

def multiply(path, room, count):
    """As many rooms as that one, without the people in it: room1, room2, and so on."""
    database = sqlite3.connect(path)
    columns = [row[1] for row in database.execute("PRAGMA table_info(room)")
               if row[1] not in ("id", "jid")]
    with database:
        numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
        database.execute(f"INSERT INTO room(jid, {', '.join(columns)}) {numbers} SELECT 'room' || i "
                         f"|| '@{MUC_DOMAIN}', {', '.join(columns)} FROM n, room WHERE jid = ?",
                         (room,))
        database.execute("INSERT INTO item(room, kind, key, value) SELECT room.id, kind, key, value "
                         "FROM room, item WHERE item.kind <> 'p' AND room.jid <> ? AND "
                         "item.room = (SELECT id FROM room WHERE jid = ?)", (room, room))
    database.close()


def start_up(service):
    """Seconds until it serves, and the memory it then has."""
    began = time.monotonic()
    service.start()
    took = time.monotonic() - began
    service.connect()
    time.sleep(1)
    return took, service.stentor.memory("VmRSS")


def sanitized(binary):
    """Then what was freed is kept for a while, and memory says nothing."""
    with open(binary, "rb") as file:
        content = file.read()
    return b"__asan_init" in content or b"__tsan_init" in content


def stored_rooms_cost_nothing(args, count=200_000):
    """A room that nobody is in takes no time when the process starts, and no memory: what grows is
    the store's cache of pages, which has an end."""
    with Service(args, settings={"store.path": "many.db"}) as service:
        service.link.enter(OWNER, STORED, "owner")
        service.configure(STORED, persistentroom=1, publicroom=1)
        service.link.stanza("message", OWNER, STORED, "<subject>cheese</subject>",
                            type="groupchat")
        service.link.stanza("presence", OWNER, f"{STORED}/owner", type="unavailable")
        said(service.link, 0.2)
        service.stop()
        before_s, before = start_up(service)
        service.stop()
        multiply(service.stentor.path("many.db"), STORED, count)
        after_s, after = start_up(service)
        print(f"{count} rooms: start {before_s * 1000:.0f} ms, then {after_s * 1000:.0f} ms; "
              f"{before / 2**20:.1f} MiB, then {after / 2**20:.1f} MiB")
        assert after_s < before_s + 0.5
        assert after < before + STORE_CACHE_BYTES or sanitized(args.stentord)
        presences, messages = service.newcomer_sees(f"room{count}@{MUC_DOMAIN}")
        assert presences == [] and b"cheese" in messages[-1]


# ---- a real host ----

def behind_prosody(args):
    with Prosody() as prosody, Stentor(args.stentord, host=prosody,
                                       settings={"muc.locked": "off"}) as stentor:
        prosody.await_component()
        rooms = {STORED: "<value>1</value>", PASSING: "<value>0</value>"}
        user, other = (RawClient(prosody.port).login(account, PASSWORD) for account in ACCOUNTS[:2])
        for room, persistent in rooms.items():
            user.join(room, "User")
            answered = user.request("set", room, f"<query xmlns='{NS_MUC}#owner'>"
                                    "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
                                    f"<value>{NS_MUC}#roomconfig</value></field><field var='"
                                    f"muc#roomconfig_persistentroom'>{persistent}</field></x></query>")
            assert answered.get("type") == "result", ElementTree.tostring(answered)
            other.join(room, "Other")
            user.until(lambda element: element.get("from") == f"{room}/Other")
        for planned in (True, True, False):
            if planned:
                stentor.process.terminate()
                assert stentor.process.wait(STOP_S) == 0
            else:
                stentor.kill()
            stentor.start()
            prosody.await_component()
            for room in rooms if planned else (STORED,):
                text = f"after {time.monotonic_ns()} in {room}"
                user.say(room, text)
                for client in (user, other):
                    heard = client.next()
                    assert heard.findtext(f"{{{NS_CLIENT}}}body") == text, \
                        ElementTree.tostring(heard)


CASES = (planned_restart_is_invisible, planned_restarts_in_a_row, clients_of_our_own_are_told,
         without_handover_everybody_is_told, banned_meanwhile, domain_dropped_meanwhile,
         store_moved_meanwhile, after_a_crash_everybody_is_inside, who_is_gone_is_put_out,
         the_gap_is_in_the_archive, stored_rooms_cost_nothing, behind_prosody)


def test(args):
    harness.run_cases(CASES, args.only, args)


if __name__ == "__main__":
    harness.main(test, __doc__)
