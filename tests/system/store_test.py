"""The store as its operator sees it: what stentord refuses to open and what it says then, and what
is done to a store from the command line beside a server: checking, copying, exporting, deleting."""

import base64
import hashlib
import json
import os
import re
import sqlite3
import subprocess
import tempfile
import time
import xml.etree.ElementTree as ElementTree

import harness
import keeper
from fakehost import FakeHost
from harness import MUC_DOMAIN, SECRET, RawClient, Stentor
from keeper import GUEST, OWNER, room_of

NEWCOMER = "newcomer@host.example/home"

# Root may write anywhere; without these capabilities it is like anybody else.
AS_ANYBODY = ("setpriv", "--bounding-set=-dac_override,-dac_read_search",
              "--inh-caps=-dac_override,-dac_read_search")


def folder():
    return tempfile.TemporaryDirectory(prefix="stentor-test-")


def called(argv, status=0, says="", timeout=30):
    done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, check=False)
    told = done.stdout + done.stderr
    assert done.returncode == status, f"{argv}: status {done.returncode}: {told}"
    assert says in told, f"{argv}: '{says}' is not in: {told}"
    return done.stdout


def tool(args, path, *words, **expected):
    return called([args.store_tool, "--store", path, *words], **expected)


def refused(args, path, *says, status=1, more=(), prefix=()):
    """stentord does not start, and one line says why."""
    done = subprocess.run([*prefix, args.stentord, "--set", "client.plaintext=on",
                           "--set", f"client.listen=127.0.0.1:{harness.free_port()}",
                           "--set", f"store.path={path}", *more],
                          capture_output=True, text=True, timeout=10, check=False)
    assert done.returncode == status, done
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for text in says:
        assert text in done.stderr, f"'{text}' is not in: {done.stderr}"


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def fill(args, path, room="den", count=30):
    """A store with a room of two, in which both have spoken."""
    with FakeHost(MUC_DOMAIN, SECRET) as host, \
            keeper.keeping(args.stentord, host, settings={"store.path": path}):
        link = host.link()
        room = room_of(room)
        link.enter(OWNER, room, "Owner")
        link.enter(GUEST, room, "Guest")
        for number in range(count):
            keeper.say(link, room, f"text {number}", OWNER if number % 3 else GUEST)
        link.heard_by(OWNER, f"text {count - 1}")


def log_taken_in(path):
    """A stop leaves the log as it is; whoever closes it as an ordinary user copies it back."""
    connection = sqlite3.connect(path)
    connection.execute("SELECT count(*) FROM room").fetchone()
    connection.close()
    assert not os.path.exists(path + "-wal"), os.listdir(os.path.dirname(path))


def modes(name):
    return {file: oct(os.stat(os.path.join(name, file)).st_mode & 0o777)
            for file in os.listdir(name)}


# ---- who may read it ----

def what_is_kept_is_for_its_owner(args):
    """Whatever the umask allows; also what is made of it."""
    before = os.umask(0)
    try:
        with folder() as name, FakeHost(MUC_DOMAIN, SECRET) as host:
            path = os.path.join(name, "stentor.db")
            with keeper.keeping(args.stentord, host, settings={"store.path": path}):
                link = host.link()
                link.enter(OWNER, room_of("den"), "Owner")
                keeper.say(link, room_of("den"), "between us")
                link.heard_by(OWNER, "between us")
                tool(args, path, "backup", os.path.join(name, "copy.db"))
                tool(args, path, "export", room_of("den"), os.path.join(name, "den.jsonl"))
                found = modes(name)
            assert set(found) == {"stentor.db", "stentor.db-wal", "stentor.db-shm",
                                  "stentor.db.lock", "copy.db", "den.jsonl"}, found
            assert set(found.values()) == {"0o600"}, found
    finally:
        os.umask(before)


def a_password_is_nowhere_in_it(args):
    password = "Wherefore-art-thou-0123456789"
    with folder() as name:
        path = os.path.join(name, "stentor.db")
        with Stentor(args.stentord, client=True, settings={"store.path": path}) as stentor:
            with RawClient(stentor.port) as client:
                client.register("distinctive-juliet", password)
            with RawClient(stentor.port) as client:
                client.login("distinctive-juliet", password)
            kept = b""
            for file in (path, path + "-wal"):
                with open(file, "rb") as content:
                    kept += content.read()
            assert b"distinctive-juliet" in kept
            assert password.encode() not in kept
            assert base64.b64encode(password.encode()) not in kept
            assert password not in stentor.log()


def the_log_names_the_store(args):
    with Stentor(args.stentord, client=True, settings={"store.path": "./here.db"}) as stentor:
        place = os.path.realpath(stentor.path("here.db"))
        stentor.await_log(f"store: {place}, durability mixed")
        assert len(stentor.log_lines(" store: ")) == 1, stentor.log()
    with Stentor(args.stentord, client=True, settings={"store.backend": "memory"}) as stentor:
        stentor.await_log("store: none, everything is kept in memory")


def a_stopped_store_is_whole(args):
    """Its log lies beside it: tools read both, where they may not write too, and change neither."""
    with folder() as name, folder() as other:
        path, copy = os.path.join(name, "stentor.db"), os.path.join(other, "copy.db")
        fill(args, path)
        assert os.path.getsize(path + "-wal") > 0
        before = {file: digest(os.path.join(name, file)) for file in ("stentor.db",
                                                                      "stentor.db-wal")}
        prefix = AS_ANYBODY if os.geteuid() == 0 else ()
        for file in os.listdir(name):
            os.chmod(os.path.join(name, file), 0o400)
        os.chmod(name, 0o555)
        try:
            alone = [*prefix, args.store_tool, "--store", path]
            called([*alone, "check"], says="nothing found")
            called([*prefix, args.stentord, "--check-store", "--set", f"store.path={path}"],
                   says="nothing found")
            called([*alone, "list"], says=f"{room_of('den')}\t30 messages")
            called([*alone, "backup", copy])
        finally:
            os.chmod(name, 0o755)
        assert before == {file: digest(os.path.join(name, file)) for file in before}
        tool(args, copy, "list", says=f"{room_of('den')}\t30 messages")


# ---- what is not opened ----

def a_foreign_file_is_left_alone(args):
    with folder() as name, folder() as other:
        text, database = os.path.join(name, "notes.txt"), os.path.join(other, "other.db")
        with open(text, "w", encoding="utf-8") as file:
            file.write("not a database, however long it goes on\n" * 200)
        with sqlite3.connect(database) as connection:
            connection.execute("CREATE TABLE room(id INTEGER, secrets TEXT)")
            connection.execute("INSERT INTO room VALUES(1, 'somebody else''s')")
        connection.close()
        for path in (text, database):
            before = digest(path)
            refused(args, path, path, "not a store")
            tool(args, path, "check", status=1, says="not a store")
            tool(args, path, "forget-room", room_of("den"), status=1, says="not a store")
            assert digest(path) == before
            assert not os.path.exists(path + "-wal"), os.listdir(os.path.dirname(path))


def a_newer_schema_is_left_alone(args):
    with folder() as name:
        path = os.path.join(name, "stentor.db")
        fill(args, path)
        connection = sqlite3.connect(path)
        known, = connection.execute("PRAGMA user_version").fetchone()
        connection.execute("PRAGMA user_version = 99")
        connection.commit()
        connection.close()
        before = digest(path)
        refused(args, path, path, "newer version", "99")
        tool(args, path, "check", status=1, says="newer version")
        tool(args, path, "backup", os.path.join(name, "copy.db"), status=1, says="newer version")
        tool(args, path, "forget-account", "guest@host.example", status=1, says="newer version")
        assert digest(path) == before
        assert not os.path.exists(os.path.join(name, "copy.db"))
        connection = sqlite3.connect(path)
        connection.execute(f"PRAGMA user_version = {known}")
        connection.commit()
        connection.close()
        tool(args, path, "list", says=f"{room_of('den')}\t30 messages")


def a_place_that_cannot_be_is_named(args):
    with folder() as name:
        refused(args, name, name, "not a store")
        missing = os.path.join(name, "no", "stentor.db")
        refused(args, missing, missing, "folder has to exist")
        assert os.listdir(name) == []
        tool(args, missing, "check", status=1, says="is not there")
        for word in ("list", "check", "forget-room"):
            words = (word, room_of("den")) if word == "forget-room" else (word,)
            tool(args, os.path.join(name, "none.db"), *words, status=1, says="is not there")
        assert os.listdir(name) == [], os.listdir(name)


def a_folder_that_is_read_only_is_named(args):
    with folder() as name:
        path = os.path.join(name, "stentor.db")
        fill(args, path)
        before = digest(path)
        os.chmod(name, 0o555)
        try:
            prefix = AS_ANYBODY if os.geteuid() == 0 else ()
            refused(args, path + "x", path + "x", "cannot be written", prefix=prefix)
            os.chmod(path, 0o444)
            refused(args, path, path, "cannot be written", prefix=prefix)
            called([*prefix, args.store_tool, "--store", path, "forget-room", room_of("den")],
                   status=1, says="cannot be written")
        finally:
            os.chmod(name, 0o755)
        assert digest(path) == before


def a_store_has_one_server(args):
    with folder() as name:
        path = os.path.join(name, "stentor.db")
        with FakeHost(MUC_DOMAIN, SECRET) as host, \
                keeper.keeping(args.stentord, host, settings={"store.path": path}) as stentor:
            link = host.link()
            link.enter(OWNER, room_of("den"), "Owner")
            refused(args, path, path, f"process {stentor.process.pid}")
            keeper.say(link, room_of("den"), "still here")
            link.heard_by(OWNER, "still here")
        killed = Stentor(args.stentord, client=True, settings={"store.path": path})
        killed.start()
        killed.kill()
        with Stentor(args.stentord, client=True, settings={"store.path": path}):
            pass  # nothing is left of its lock


def a_backend_that_is_none_is_named(args):
    with folder() as name:
        path = os.path.join(name, "stentor.db")
        refused(args, path, "store.backend", "nonsense", status=2,
                more=("--set", "store.backend=nonsense"))
        assert not os.path.exists(path)
        in_memory = ("--set", "store.backend=memory")
        called([args.stentord, "--check-store", *in_memory], status=1, says="store.backend")
        called([args.store_tool, *in_memory, "list"], status=1, says="store.backend")


# ---- the command line ----

def what_is_not_understood_is_told(args):
    for words, says in (((), "what is to be done"), (("dance",), "'dance'"),
                        (("--dance",), "--help"), (("backup",), "backup"),
                        (("check", "it"), "check"), (("export", "a@b", "c", "d"), "export"),
                        (("export", "b"), "room@domain"), (("forget-room", "a@b/c"), "room@domain"),
                        (("forget-account", "a@b/c"), "name@domain"),
                        (("--set", "store.pat=x", "check"), "store.path"),
                        (("--config", "/nonexistent/s.yaml", "check"), "/nonexistent/s.yaml")):
        called([args.store_tool, *words], status=2, says=says)
    called([args.store_tool, "--help"], says="forget-account")


def a_configuration_names_the_store(args):
    with folder() as name:
        path, config = os.path.join(name, "stentor.db"), os.path.join(name, "stentor.yaml")
        fill(args, path)
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"store:\n  path: {path}\n")
        called([args.store_tool, "--config", config, "list"], says=room_of("den"))
        called([args.stentord, "--config", config, "--check-store"], says="nothing found")


def a_copy_is_made_while_people_talk(args):
    """The copy is one moment of the conversation: all that was heard before, nothing that was not
    sent, no gap; and a server starts from it."""
    room = room_of("den")
    with folder() as name, FakeHost(MUC_DOMAIN, SECRET) as host:
        path, copy = os.path.join(name, "stentor.db"), os.path.join(name, "copy.db")
        with keeper.keeping(args.stentord, host, settings={"store.path": path}):
            link = host.link()
            link.enter(OWNER, room, "Owner")
            texts = [f"text {number}" for number in range(2000)]
            for text in texts[:1000]:
                keeper.say(link, room, text)
            link.heard_by(OWNER, texts[999])
            with subprocess.Popen([args.store_tool, "--store", path, "backup", copy],
                                  stdout=subprocess.DEVNULL) as backup:
                sent = 1000
                while sent < len(texts):
                    keeper.say(link, room, texts[sent])
                    link.heard_by(OWNER, texts[sent])
                    sent += 1
                    if backup.poll() is not None and sent >= 1200:
                        break
                assert backup.wait(30) == 0
            called([args.stentord, "--check-store", "--set", f"store.path={path}"],
                   says="nothing found")
            tool(args, path, "backup", copy, status=1, says="there already")
            tool(args, path, "backup", path, status=1, says="there already")
            tool(args, path, "backup", os.path.join(name, "no", "copy"), status=1, says="no/copy")
        assert set(os.listdir(name)) == {"copy.db", "stentor.db", "stentor.db-wal",
                                         "stentor.db-shm", "stentor.db.lock"}, os.listdir(name)
        tool(args, copy, "check", says="nothing found")
        with keeper.keeping(args.stentord, host, settings={"store.path": copy}):
            link = host.link()
            found = keeper.archive_of(link, room)
            assert found == texts[:len(found)] and 1000 <= len(found) <= sent, len(found)


def an_archive_is_exported(args):
    room = room_of("den")
    with folder() as name:
        path, file = os.path.join(name, "stentor.db"), os.path.join(name, "den.jsonl")
        fill(args, path)
        lines = [json.loads(line) for line in tool(args, path, "export", room).splitlines()]
        assert [line["body"] for line in lines] == [f"text {number}" for number in range(30)]
        assert {line["jid"] for line in lines} == {OWNER, GUEST}, lines[0]
        assert {line["nick"] for line in lines} == {"Owner", "Guest"}
        times = [line["at"] for line in lines]
        assert times == sorted(times) and re.fullmatch(r"\d{4}(-\d\d){2}T.*Z", times[0]), times[0]
        tool(args, path, "export", "DEN" + room[3:], file)
        with open(file, encoding="utf-8") as export:
            assert [json.loads(line) for line in export] == lines
        tool(args, path, "export", room, file, status=1, says="name another file")
        tool(args, path, "export", room_of("nowhere"), file + "2", status=1, says="no room")
        assert not os.path.exists(file + "2")


def not_shown(link, room, texts, within_s=20):
    """To who enters; a server that has the room in memory may take some seconds to find out."""
    until = time.monotonic() + within_s
    while True:
        shown, _ = keeper.entered(link, room, "Newcomer", NEWCOMER)
        link.stanza("presence", NEWCOMER, f"{room}/Newcomer", type="unavailable")
        left = texts.intersection(keeper.bodies(shown))
        if not left:
            return
        assert time.monotonic() < until, f"still shown: {left}"
        time.sleep(0.5)


def what_is_to_be_gone_is_gone(args):
    """While the server runs and the room is in memory: at once from the archive, soon from there."""
    den, lair = room_of("den"), room_of("lair")
    with folder() as name, FakeHost(MUC_DOMAIN, SECRET) as host:
        path = os.path.join(name, "stentor.db")
        with keeper.keeping(args.stentord, host, settings={"store.path": path}):
            link = host.link()
            for room in (den, lair):
                link.enter(OWNER, room, "Owner")
                link.enter(GUEST, room, "Guest")
                for number in range(300):
                    keeper.say(link, room, f"{room} {number}", OWNER if number % 3 else GUEST)
                link.heard_by(OWNER, f"{room} 299")
            tool(args, path, "forget-account", "guest@host.example", says="200 messages")
            for room in (den, lair):
                assert keeper.archive_of(link, room) == [f"{room} {number}" if number % 3 else None
                                                         for number in range(300)]
            not_shown(link, lair, {f"{lair} {number}" for number in range(0, 300, 3)})
            tool(args, path, "forget-account", "guest@host.example", says="0 messages")
            tool(args, path, "forget-room", den, says="300 messages")
            assert keeper.archive_of(link, den) == []
            assert len(keeper.archive_of(link, lair)) == 300
            not_shown(link, den, {f"{den} {number}" for number in range(300)})
            tool(args, path, "forget-room", room_of("nowhere"), status=1, says="no room")
            keeper.say(link, den, "a new beginning")
            link.heard_by(OWNER, "a new beginning")
            assert keeper.archive_of(link, den) == ["a new beginning"]
            rooms = tool(args, path, "list").splitlines()
            assert [line.split("\t")[:2] for line in rooms] == [[den, "1 messages"],
                                                                [lair, "300 messages"]], rooms
        tool(args, path, "check", says="nothing found")
        log_taken_in(path)
        with open(path, "rb") as file:
            content = file.read()
        for text in (f"{den} 17", f"{den} 18", f"{lair} 270"):
            assert text.encode() not in content, "deleted and still in the file"
        assert f"{lair} 17".encode() in content


def a_subject_goes_with_who_has_set_it(args):
    """In memory and in the file; those inside see it go. Somebody else's stays."""
    den, lair, cave = room_of("den"), room_of("lair"), room_of("cave")
    said = {OWNER: "The owner's confession", GUEST: "The guest's confession"}
    with folder() as name, FakeHost(MUC_DOMAIN, SECRET) as host:
        path = os.path.join(name, "stentor.db")
        settings = {"store.path": path, "muc.defaults.change_subject": "on",
                    "muc.defaults.archive": "off"}

        def told(room):
            with keeper.keeping(args.stentord, host, settings=settings):
                shown, _ = keeper.entered(host.link(), room, "Newcomer", NEWCOMER)
                return keeper.subject_in(shown)

        with keeper.keeping(args.stentord, host, settings=settings):
            link = host.link()
            for room, who in ((den, GUEST), (lair, OWNER), (cave, GUEST)):
                link.enter(OWNER, room, "Owner")
                link.enter(GUEST, room, "Guest")
                link.stanza("message", who, room, f"<subject>{said[who]}</subject>",
                            type="groupchat", id="s")
                keeper.say(link, room, "done")
                link.heard_by(OWNER, "done")
            tool(args, path, "forget-account", "guest@host.example")
            left = {den, cave}  # of two shards: in any order
            while left:
                gone = link.next(timeout=20)
                if gone.get("to") == OWNER and gone.find("{*}subject") is not None:
                    assert not gone.findtext("{*}subject"), ElementTree.tostring(gone)
                    left.remove(gone.get("from"))
            shown, _ = keeper.entered(link, den, "Newcomer", NEWCOMER)
            assert not keeper.subject_in(shown), keeper.subject_in(shown)
        assert not told(cave)
        assert told(lair) == said[OWNER]
        tool(args, path, "forget-account", "owner@host.example")
        assert not told(lair)
        log_taken_in(path)
        with open(path, "rb") as file:
            content = file.read()
        for text in said.values():
            assert text.encode() not in content, "forgotten and still in the file"


# ---- damage ----

def damage(path, needle):
    """Overwrites the beginning of the page in which this stands."""
    with open(path, "r+b") as file:
        at = file.read().index(needle.encode())
        file.seek(at // 4096 * 4096)
        file.write(b"\xa5" * 64)


def damage_is_found_and_kept_to_itself(args):
    """A page of one room's rows: a check names it, that room is refused, the others go on."""
    den, lair = room_of("den"), room_of("lair")
    with folder() as name, FakeHost(MUC_DOMAIN, SECRET) as host:
        path = os.path.join(name, "stentor.db")
        settings = {"store.path": path, "store.handover": "off"}
        with keeper.keeping(args.stentord, host, settings=settings):
            link = host.link()
            for room in (lair, den):
                link.enter(OWNER, room, "Owner")
            for part in range(8):
                members = [(f"somebody-{number}@{'long.' * 20}example", "member")
                           for number in range(part * 100, part * 100 + 100)]
                assert keeper.affiliate(link, den, members).get("type") == "result"
            keeper.say(link, lair, "before")
            link.heard_by(OWNER, "before")
        tool(args, path, "check", says="nothing found")
        log_taken_in(path)
        damage(path, "somebody-400@")
        tool(args, path, "check", status=1, says="found: file: ")
        called([args.stentord, "--check-store", "--set", f"store.path={path}"], status=1,
               says="put a backup in its place")
        with keeper.keeping(args.stentord, host, settings=settings) as stentor:
            link = host.link()
            for who in (OWNER, GUEST):
                _, condition = keeper.entered(link, den, "Owner", who)
                assert condition == ("wait", "internal-server-error"), condition
            stentor.await_log(f"room {den} cannot be loaded")
            shown, condition = keeper.entered(link, lair, "Owner", OWNER)
            assert condition is None and keeper.bodies(shown) == ["before"], condition
            keeper.say(link, lair, "after")
            link.heard_by(OWNER, "after")
            assert keeper.archive_of(link, lair) == ["before", "after"]


def damage_of_an_archive_is_told_once(args):
    """A page of old messages: who asks for it is refused, as often as he asks, and the operator is
    told once; the room goes on, and so do its later messages and all other archives."""
    lair, den = room_of("lair"), room_of("den")
    with folder() as name, FakeHost(MUC_DOMAIN, SECRET) as host:
        path = os.path.join(name, "stentor.db")
        settings = {"store.path": path}
        with keeper.keeping(args.stentord, host, settings=settings):
            link = host.link()
            for room in (lair, den):
                link.enter(OWNER, room, "Owner")
                for number in range(300):
                    keeper.say(link, room, f"{room}, number {number}")
                link.heard_by(OWNER, f"{room}, number 299")
        log_taken_in(path)
        damage(path, f"{den}, number 40<")
        with keeper.keeping(args.stentord, host, settings=settings) as stentor:
            link = host.link()
            query = f"<query xmlns='{keeper.NS_MAM}'/>"
            for _ in range(3):
                answer, results = keeper.ask(link, "set", den, query)
                assert keeper.condition_of(answer) == ("wait", "internal-server-error"), \
                    ElementTree.tostring(answer)
                assert results == []
            keeper.say(link, den, "and on")
            link.heard_by(OWNER, "and on")
            last = query.replace("/>", f"><set xmlns='{keeper.NS_RSM}'><max>5</max><before/></set>"
                                       "</query>")
            answer, results = keeper.ask(link, "set", den, last)
            assert answer.get("type") == "result" and len(results) == 5, \
                ElementTree.tostring(answer)
            assert len(keeper.archive_of(link, lair)) == 300
            assert f"the archive of {den} is damaged" in stentor.await_log(" error ", 5)
            assert len(stentor.log_lines(" error ")) == 1, stentor.log()


def last_page_of(path, table):
    """Where the last leaf of an index is."""
    connection = sqlite3.connect(path)
    pages = connection.execute("SELECT pgoffset FROM dbstat WHERE name = ? AND pagetype = 'leaf'"
                               " ORDER BY path", (table,)).fetchall()
    connection.close()
    assert len(pages) > 3, pages
    return pages[-1][0]


def damage_of_one_room_is_not_everybodys(args):
    """Messages of all rooms are kept in one transaction; those of a room that cannot be written to
    any more are refused, and not those that came at the same time."""
    lair, den = room_of("lair"), room_of("den")
    with folder() as name, FakeHost(MUC_DOMAIN, SECRET) as host:
        path = os.path.join(name, "stentor.db")
        settings = {"store.path": path, "threads": "1"}
        with keeper.keeping(args.stentord, host, settings=settings):
            link = host.link()
            for room in (lair, den):
                link.enter(OWNER, room, "Owner")
            keeper.say(link, lair, "before")
            for number in range(1000):
                keeper.say(link, den, f"{number}")
            link.heard_by(OWNER, "999")
        log_taken_in(path)
        with open(path, "r+b") as file:
            file.seek(last_page_of(path, "archive_time"))
            file.write(b"\xa5" * 64)
        with keeper.keeping(args.stentord, host, settings=settings) as stentor:
            link = host.link()
            for number in range(50):
                link.stanza("message", OWNER, den, f"<body>lost {number}</body>", type="groupchat",
                            id=f"lost {number}")
                keeper.say(link, lair, f"kept {number}")
            refused_ones, heard = [], []
            while len(refused_ones) + len(heard) < 100:
                element = link.next()
                condition = keeper.condition_of(element)
                assert condition in (None, ("wait", "internal-server-error")), condition
                if condition is None:
                    heard.append(keeper.bodies([element])[0])
                else:
                    refused_ones.append(element.get("id"))
            assert refused_ones == [f"lost {number}" for number in range(50)], refused_ones
            assert heard == [f"kept {number}" for number in range(50)], heard
            assert f"room {den}" in stentor.await_log(" error ", 5)
            assert len(stentor.log_lines(" error ")) == 1, stentor.log()


CASES = (
    what_is_kept_is_for_its_owner,
    a_password_is_nowhere_in_it,
    the_log_names_the_store,
    a_stopped_store_is_whole,
    a_foreign_file_is_left_alone,
    a_newer_schema_is_left_alone,
    a_place_that_cannot_be_is_named,
    a_folder_that_is_read_only_is_named,
    a_store_has_one_server,
    a_backend_that_is_none_is_named,
    what_is_not_understood_is_told,
    a_configuration_names_the_store,
    a_copy_is_made_while_people_talk,
    an_archive_is_exported,
    what_is_to_be_gone_is_gone,
    a_subject_goes_with_who_has_set_it,
    damage_is_found_and_kept_to_itself,
    damage_of_an_archive_is_told_once,
    damage_of_one_room_is_not_everybodys,
)


def test(args):
    harness.run_cases(CASES, args.only, args)


if __name__ == "__main__":
    harness.main(test, __doc__)
