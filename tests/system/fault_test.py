"""The disk fails under a running server: full, with errors, unreadable. Whatever needs it is
refused and undone (nobody has seen it), whatever does not goes on, and when the disk is well again
so is the server, without anybody's help and with two lines in its log."""

import base64
import os
import sqlite3
import time
import xml.etree.ElementTree as ElementTree

import harness
import keeper
from fakehost import NS_COMPONENT
from faulty import (DEN, DISK_FULL, FAILED, FULL, LAIR, NS_DATA, OPEN_FAILS, PROMPT_S, READ_FAILS,
                    SYNC_FAILS, WRITE_FAILS, YARD, Faulty, Scene)
from harness import ACCOUNTS, PASSWORD, RawClient, Stentor
from keeper import GUEST, OWNER
from rawclient import NS_CLIENT, NS_MUC, NS_REGISTER, NS_SASL, NS_STANZAS, name

BUSY_S = 5  # STORE_BUSY_MS
NS_MODERATE = "urn:xmpp:message-moderate:1"
NS_RETRACT = "urn:xmpp:message-retract:1"


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


def form(kind, var, value):
    return f"<x xmlns='{NS_DATA}' type='submit'><field var='FORM_TYPE'><value>{NS_MUC}#{kind}" \
           f"</value></field><field var='{var}'><value>{value}</value></field></x>"


def changes(scene):
    """One of each kind, in the den: who, and what."""
    said = keeper.ask(scene.link, "set", DEN, f"<query xmlns='{keeper.NS_MAM}'/>")[1][0]
    number = said.find(f"{{{keeper.NS_MAM}}}result").get("id")
    return (
        (OWNER, f"<query xmlns='{NS_MUC}#owner'>"
                f"{form('roomconfig', 'muc#roomconfig_roomname', 'Another')}</query>"),
        (OWNER, f"<query xmlns='{NS_MUC}#owner'><destroy/></query>"),
        (OWNER, "<vCard xmlns='vcard-temp'><PHOTO><TYPE>image/png</TYPE><BINVAL>aGFsbG8=</BINVAL>"
                "</PHOTO></vCard>"),
        (OWNER, f"<moderate xmlns='{NS_MODERATE}' id='{number}'><retract xmlns='{NS_RETRACT}'/>"
                "</moderate>"),
        (GUEST, f"<query xmlns='{NS_REGISTER}'>"
                f"{form('register', 'muc#register_roomnick', 'Guest')}</query>"),
    )


def remembered(scene):
    """All that those changes would change."""
    asked = []
    for payload in (f"<query xmlns='{NS_MUC}#owner'/>", "<vCard xmlns='vcard-temp'/>",
                    f"<query xmlns='{keeper.NS_MAM}'/>"):
        answer, before = keeper.ask(scene.link, "get" if "mam" not in payload else "set", DEN,
                                    payload)
        asked += [ElementTree.tostring(child) for child in answer]
        asked += [ElementTree.tostring(child) for result in before for child in result]
    return asked, keeper.affiliated(scene.link, DEN, "member"), scene.newcomer_sees()


def every_change_is_refused(args):
    """Whatever is answered by a result only when it is kept: refused, nothing of it seen or done;
    no room is made. The same requests are granted when the disk is well."""
    for fault, condition in ((DISK_FULL, FULL), (WRITE_FAILS, FAILED)):
        with Scene(args, muc__defaults__allow_register="on") as scene:
            scene.drain()
            requests = changes(scene)
            before = remembered(scene)
            scene.disk.fails(fault)
            for who, payload in requests:
                answer, others = keeper.ask(scene.link, "set", DEN, payload, who)
                assert keeper.condition_of(answer) == condition, ElementTree.tostring(answer)
                assert others == [], [ElementTree.tostring(element) for element in others]
            _, refused = keeper.entered(scene.link, LAIR, "Owner", OWNER)
            assert refused == condition, refused
            scene.nothing_comes()
            scene.disk.recovers()
            answer, _ = keeper.ask(scene.link, "get", LAIR, f"<query xmlns='{keeper.NS_MAM}'/>")
            error = answer.find(f"{{{NS_COMPONENT}}}error")
            assert error.find(f"{{{NS_STANZAS}}}item-not-found") is not None, "a room was made"
            assert remembered(scene) == before
            for who, payload in (*requests[2:], *requests[:2]):
                answer, _ = keeper.ask(scene.link, "set", DEN, payload, who)
                assert answer.get("type") == "result", ElementTree.tostring(answer)
            scene.trouble_lines(2)


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
        for fault in (READ_FAILS, OPEN_FAILS):
            stentor.disk.fails(fault)
            does_not_start(stentor, "cannot be opened")
            assert stentor.disk.struck > 0
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
    every_change_is_refused,
    what_was_refused_does_not_come_back,
    a_crowd_is_refused_one_by_one,
    who_enters_meanwhile_does_not_see_it,
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
