"""A disk that takes its time: whoever does not need it does not wait for it, whoever does is served
in order when it has answered, and is refused where too much would wait. A search that takes long,
and messages that are deleted by the hundred thousand, delay nobody."""

import sqlite3
import time
import xml.etree.ElementTree as ElementTree

import harness
import keeper
from fakehost import NS_COMPONENT
from faulty import DEN, FULL, LAIR, PROMPT_S, SLOW_S, YARD, Scene
from harness import Stentor
from keeper import GUEST, OWNER, room_of
from rawclient import NS_MUC, name

PARKED_MAX = 2000  # ROOM_PARKED_MAX
LOADS_MAX = 1000  # ROOM_LOADS_MAX
FLOODED = {"store__durability": "power", "threads": "1", "muc__rooms_per_user": "0"}
SECONDS_PER_READ = 0.2
OLD = 100_000
NO_ANSWER = "the store has not answered"
ANSWERS = "the store answers again"


# ---- a sync that takes seconds ----

def others_do_not_wait_for_a_slow_disk(args):
    with Scene(args, store__durability="power") as scene:
        link = scene.link
        scene.drain()
        began = scene.stuck("slowly")
        scene.disk.slow(0)  # that one sync, not the next
        assert not scene.stentor.log_lines(NO_ANSWER)
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


def the_operator_is_told_once(args):
    """While it lasts, not afterwards; and when it is over. One slow answer after the other is one
    trouble."""
    with Scene(args, store__durability="power") as scene:
        scene.drain()
        began = scene.stuck("slowly", SLOW_S)
        line = scene.stentor.await_log(NO_ANSWER, SLOW_S)
        assert time.monotonic() - began < SLOW_S and " warn " in line, line
        assert not scene.stentor.log_lines(ANSWERS)
        scene.disk.slow(3)
        keeper.say(scene.link, DEN, "and slowly")
        for text in ("slowly", "and slowly"):
            scene.link.heard_by(GUEST, text, SLOW_S * 2)
        scene.disk.slow(0)
        scene.says(DEN, "at once")
        assert " info " in scene.stentor.await_log(ANSWERS, 5)
        assert len(scene.stentor.log_lines(NO_ANSWER)) == 1, scene.stentor.log()
        assert len(scene.stentor.log_lines(ANSWERS)) == 1, scene.stentor.log()
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
    """And what was acknowledged before that is there again."""
    with Scene(args, store__durability="power") as scene:
        said = [f"heard {number}" for number in range(20)]
        for text in said:
            scene.says(DEN, text)
        answer = keeper.affiliate(scene.link, DEN, [("friend@host.example", "member")])
        assert answer.get("type") == "result", ElementTree.tostring(answer)
        all_of_it = ["in good times", *said, "heard"]
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
        assert keeper.affiliated(scene.link, DEN, "member") == {"friend@host.example"}
        texts = [text for text in keeper.archive_of(scene.link, DEN) if text is not None]
        assert texts in (all_of_it, [*all_of_it[:-1], "never heard", "heard"]), texts


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


def who_waits_for_a_change_is_bounded(args):
    """A change waits for the disk, and the room for the change: so much may wait, in order, and no
    more of it."""
    with Scene(args, store__durability="power") as scene:
        link = scene.link
        scene.drain()
        syncs = scene.disk.syncs
        scene.disk.slow(SLOW_S)
        began = time.monotonic()
        link.stanza("iq", OWNER, DEN, f"<query xmlns='{NS_MUC}#admin'><item affiliation='member' "
                    "jid='friend@host.example'/></query>", type="set", id="change")
        assert harness.await_condition(lambda: scene.disk.syncs > syncs, 5)
        scene.disk.slow(0)
        for number in range(PARKED_MAX + 50):
            keeper.say(link, DEN, f"{number}", GUEST)
        for number in range(PARKED_MAX, PARKED_MAX + 50):
            assert scene.refused(f"{number}", GUEST) == FULL
        assert scene.says(YARD, "meanwhile") < PROMPT_S
        assert time.monotonic() - began < SLOW_S - 1, "there was nothing slow about it"
        link.until(lambda element: element.get("id") == "change" and
                   element.get("type") == "result", SLOW_S * 2)
        heard = {OWNER: [], GUEST: []}
        while len(heard[OWNER]) + len(heard[GUEST]) < 2 * PARKED_MAX:
            element = link.next()
            heard[element.get("to")].append(element.findtext(f"{{{NS_COMPONENT}}}body"))
        assert heard[OWNER] == heard[GUEST] == [f"{number}" for number in range(PARKED_MAX)]


# ---- rooms that are not in memory ----

def come_and_go(scene, rooms, who, **attributes):
    for room in rooms:
        scene.link.stanza("presence", who, f"{room}/Somebody", f"<x xmlns='{NS_MUC}'/>",
                          **attributes)


def answers(scene, who, wanted):
    """By room, what has come of so many attempts: None, or why not. While what is said in another
    room is heard (`wanted` a text): those until then."""
    found = {}
    while isinstance(wanted, str) or len(found) < wanted:
        element = scene.link.next(SLOW_S * 2)
        if element.findtext(f"{{{NS_COMPONENT}}}body") == wanted:
            assert keeper.condition_of(element) is None, ElementTree.tostring(element)
            break
        if name(element) == "presence" and element.get("to") == who and \
                element.get("from").endswith("/Somebody"):
            found[element.get("from").split("/")[0]] = keeper.condition_of(element)
    return found


def a_stuck_disk_stops_no_room_in_memory(args):
    """More want rooms that only the disk knows than may wait for it: those who are too many are told
    so, and whoever is in a room that is there talks on."""
    with Scene(args, **FLOODED) as scene:
        rooms = [room_of(f"stored{number}") for number in range(2 * LOADS_MAX)]
        come_and_go(scene, rooms, GUEST)
        assert set(answers(scene, GUEST, len(rooms)).values()) == {None}
        come_and_go(scene, rooms, GUEST, type="unavailable")
        assert len(answers(scene, GUEST, len(rooms))) == len(rooms)
        scene.link.socket.close()
        assert scene.stentor.stop() == 0
        scene.stentor.start()  # nobody is in them, so they are not in memory
        scene.link = scene.host.link()
        scene.says(YARD, "before")
        scene.drain()
        began = scene.stuck("slowly")
        scene.disk.slow(0)
        come_and_go(scene, rooms, OWNER)
        found = {}
        for number in range(20):
            said = time.monotonic()
            keeper.say(scene.link, YARD, f"yard {number}")
            found.update(answers(scene, OWNER, f"yard {number}"))
            assert time.monotonic() - said < PROMPT_S, time.monotonic() - said
        assert time.monotonic() - began < SLOW_S - 1, "there was nothing slow about it"
        assert found and set(found.values()) == {FULL}, set(found.values())
        refused = list(found)
        # the disk answers: who has waited is inside, who was refused enters now
        found = answers(scene, OWNER, len(rooms) - len(refused))
        assert set(found.values()) == {None} and len(found) > LOADS_MAX, len(found)
        come_and_go(scene, refused, OWNER)
        assert set(answers(scene, OWNER, len(refused)).values()) == {None}


# ---- questions that take long, and much that is deleted ----

def a_slow_search_delays_no_commit(args):
    """Somebody asks for all there is, and the disk is slow for whoever reads: in the meantime what
    others say is kept and heard, and what they change is answered."""
    with Scene(args, store__durability="power") as scene:
        link = scene.link
        for number in range(500):
            keeper.say(link, DEN, f"text {number}")
        link.heard_by(GUEST, "text 499")
        scene.drain()
        scene.disk.queries_slow(SECONDS_PER_READ)
        link.stanza("iq", GUEST, DEN, f"<query xmlns='{keeper.NS_MAM}'/>", type="set", id="slow")
        for number in range(20):
            assert scene.says(DEN, f"meanwhile {number}") < PROMPT_S
            answer = keeper.affiliate(link, DEN, [(f"friend{number}@host.example", "member")])
            assert answer.get("type") == "result", ElementTree.tostring(answer)
        link.until(lambda element: element.get("id") == "slow" and
                   element.get("type") == "result", 60)  # and not before


def multiply(path, room, count):
    """So many messages more, older than the one that is there."""
    database = sqlite3.connect(path)
    columns = [row[1] for row in database.execute("PRAGMA table_info(archive)")
               if row[1] not in ("seq", "id", "worded")]
    with database:
        database.execute(
            f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "
            f"INSERT INTO archive(id, worded, {', '.join(columns)}) SELECT 'old' || i, 0, "
            f"{', '.join(columns)} FROM n, (SELECT * FROM archive WHERE room = "
            "(SELECT id FROM room WHERE jid = ?) AND body IS NOT NULL LIMIT 1)", (room,))
        database.execute(
            "INSERT INTO archive_sender(rowid, sender) SELECT seq, 'n' || room || 'x' || hex(nick) "
            "|| coalesce(' r' || room || 'x' || hex(account), '') "
            "|| coalesce(' a' || hex(account), '') FROM archive WHERE id LIKE 'old%'")
        database.execute("UPDATE room SET kept = kept + ? WHERE jid = ?", (count, room))
    database.close()


def old_ones(path):
    database = sqlite3.connect(path)
    left = database.execute("SELECT count(*) FROM archive WHERE id LIKE 'old%'").fetchone()[0]
    database.close()
    return left


def a_big_trim_delays_no_commit(args):
    """The operator has decided to keep fewer messages: while a hundred thousand are deleted, in
    small steps, people talk."""
    with Scene(args) as scene:
        path = scene.stentor.path("stentor.db")
        scene.link.socket.close()
        assert scene.stentor.stop() == 0
        multiply(path, DEN, OLD)
        scene.stentor.settings["store.keep_count"] = "10"
        scene.stentor.start()
        scene.link = scene.host.link()
        assert harness.await_condition(lambda: old_ones(path) < OLD, 10), "nothing is deleted"
        said = 0
        while old_ones(path) > 0 and said < 200:
            assert scene.says(DEN, f"meanwhile {said}") < PROMPT_S
            said += 1
        assert said >= 5, "it was over before anything was said"
        assert harness.await_condition(lambda: old_ones(path) == 0, 60), old_ones(path)
        # The next page of an archive that is being trimmed may begin behind what is gone meanwhile.
        assert harness.await_condition(lambda: keeper.archived(scene.link, DEN) == 10, 10)
        assert len(keeper.archive_of(scene.link, DEN)) == 10


CASES = (
    others_do_not_wait_for_a_slow_disk,
    the_operator_is_told_once,
    who_enters_does_not_wait_for_a_slow_disk,
    who_waits_for_a_change_is_bounded,
    a_stop_does_not_wait_for_a_slow_disk,
    an_idle_server_stops_at_once_on_a_slow_disk,
    a_stuck_disk_stops_no_room_in_memory,
    a_slow_search_delays_no_commit,
    a_big_trim_delays_no_commit,
)


def test(args):
    harness.run_cases(CASES, args.only, args)


if __name__ == "__main__":
    harness.main(test, __doc__)
