#!/usr/bin/env python3
"""The bench suite works: the limits and the load generator against each other and against us, the
suite's result, table and pictures, and the verdicts of bench/compare. Nothing here looks at
speed."""

import collections
import contextlib
import glob
import importlib
import importlib.machinery
import importlib.util
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

from harness import Skip, main, run_cases

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMPARE = os.path.join(ROOT, "bench/compare")
MICRO = ("parse", "prep", "frame", "roster", "mailbox", "lane", "outbox", "store")
RUN_S = 120


def execute(argv, status=0):
    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=RUN_S)
    assert done.returncode == status, \
        f"{' '.join(argv)}: status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def suite(build, folder, *more):
    return execute([sys.executable, "-B", os.path.join(ROOT, "bench/suite/main.py"),
                    "--build", build, "--out", folder, "--seconds", "0.2", "--repeat", "1", *more])


def only_file(folder, suffix):
    found = [name for name in os.listdir(folder) if name.endswith(suffix)]
    assert len(found) == 1, f"{found}"
    return os.path.join(folder, found[0])


def result_has_every_target(build, folder):
    done = suite(build, folder, "--rows", "groupchat_10", "--targets", "stentor,null,pipe")
    with open(only_file(folder, ".json"), encoding="utf-8") as file:
        result = json.load(file)
    runs = [run for run in result["runs"] if run["row"] == "groupchat_10"]
    assert sorted(run["target"] for run in runs) == ["null", "pipe", "stentor"], runs
    for run in runs:
        assert run["deliveries"] > 0 and run["server_cpu_us_per_delivery"] > 0, run
        assert not any(run.get(fault) for fault in ("misses", "duplicates", "reordered", "errors"))
    assert "groupchat, 100 rooms of 10" in done.stdout and "share" in done.stdout, done.stdout
    text = json.dumps(result)
    assert os.uname().nodename not in text and ROOT not in text, "a result names no host, no path"
    if shutil.which("gnuplot"):
        assert [name for name in os.listdir(folder) if name.endswith("-throughput.svg")]
        assert [name for name in os.listdir(folder) if name.endswith("-cost.png")]


def result_is_shown_again(build, folder):
    suite(build, folder, "--rows", "churn", "--targets", "stentor")
    done = suite(build, folder, "--show", only_file(folder, ".json"))
    assert "leave and rejoin" in done.stdout, done.stdout


def load(build, folder, *more, status=0):
    """One run of the generator; what it wrote."""
    path = os.path.join(folder, "run.json")
    done = execute([os.path.join(build, "stentor-bench"), *more, "--json", path], status)
    with open(path, encoding="utf-8") as file:
        return json.load(file), done


def small(plan, *more):
    """A short run; few stanzas outstanding, or a slow build on a busy machine has to refuse some."""
    return (plan, "--seconds", "0.2", "--set", "rooms=4", "--set", "occupants=5", "--set", "window=32", *more)


def the_pipe_is_read_by_the_same_reader(build, folder):
    run, _ = load(build, folder, "big_room", "--target", "pipe", "--set", "messages=50",
                  "--set", "occupants=20")
    assert run["deliveries"] == 1000 and run["messages"] == 50 and run["misses"] == 0, run
    run, _ = load(build, folder, "clients_big_room", "--target", "pipe", "--set", "messages=30",
                  "--set", "occupants=10")
    assert run["deliveries"] == 300 and run["errors"] == 0, run


def the_null_service_keeps_history_where_asked(build, folder):
    run, _ = load(build, folder, *small("history", "--target", "null"))
    assert run["messages"] > 0 and run["errors"] == 0 and run["misses"] == 0, run
    # Each who comes back is given 20 messages besides the presences of five and a subject.
    assert run["deliveries"] / run["messages"] > 20, run


def processes_share_the_work(build, folder):
    for drive in (("--drive", "clients"), ("--set", "links=2")):
        run, _ = load(build, folder, *small("many_rooms", "--set", "measure=talk", *drive,
                                            "--load-processes", "2"))
        assert run["load_processes"] == 2 and run["users"] == 20 and run["rooms"] == 4, run
        assert run["deliveries"] > 0 and run["messages"] * 5 >= run["deliveries"] * 0.5, run
        assert run["misses"] == 0 and run["errors"] == 0, run
    done = execute([os.path.join(build, "stentor-bench"), "big_room", "--load-processes", "2"], 2)
    assert "2 processes need at least as many rooms" in done.stderr, done.stderr


def a_run_that_takes_too_long_has_failed(build, folder):
    run, done = load(build, folder, "big_room", "--seconds", "30", "--set", "occupants=5",
                     "--timeout", "2", status=1)
    assert run["failed"] == "timeout of 2 s in phase 'talk'", run
    assert "FAILED: timeout" in done.stdout, done.stdout


def a_server_that_does_not_start_is_told(build, folder):
    run, _ = load(build, folder, "big_room", "--set", "server.muc.locked=maybe", status=1)
    assert "the server ended at its start" in run["failed"], run


def a_wrong_call_is_told_apart(build, folder):
    del folder
    for wrong, text in ((("no_such_plan",), "cannot read the plan"),
                        (("big_room", "--set", "steps=join,dance"), "'dance': the steps are"),
                        (("big_room", "--set", "store=disk"), "store is memory, process, mixed or"),
                        (("big_room", "--set", "stored_rooms=5"), "needs a store that is a file"),
                        (("big_room", "--set", "steps=join,leave"), "is for rooms of one"),
                        (("big_room", "--target", "null,other"), "target 'other'"),
                        (("big_room", "--set", "links=2", "--target", "null"), "several links"),
                        (("clients_big_room", "--target", "null"), "no door for clients"),
                        (("big_room", "--timeout", "soon"), "--timeout is 'soon'")):
        done = execute([os.path.join(build, "stentor-bench"), *wrong], 2)
        assert text in done.stderr, done.stderr


def script(name):
    """A script of bench/ as a module."""
    loader = importlib.machinery.SourceFileLoader(name, os.path.join(ROOT, "bench", name))
    spec = importlib.util.spec_from_loader(name, loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def module(name):
    """A part of the suite."""
    folder = os.path.join(ROOT, "bench/suite")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module(name)


def the_store_has_its_rows(build, folder):
    done = suite(build, folder, "--store", "--rows", "changes_1_", "--rows", "archive_100_process",
                 "--rows", "archive_100_memory")
    with open(only_file(folder, ".json"), encoding="utf-8") as file:
        runs = {run["row"]: run for run in json.load(file)["runs"]}
    assert sorted(runs) == ["archive_100_memory", "archive_100_process", "changes_1_memory",
                            "changes_1_power", "changes_1_process"], runs
    for run in runs.values():
        assert run["messages_per_s"] > 0 and run["server_cpu_us_per_message"] > 0, run
    assert runs["archive_100_process"]["parameters"]["store"] == "process"
    assert "10 rooms of 100, process : not archived" in done.stdout, done.stdout


def pages_of_an_archive_are_rows(build, folder):
    done = suite(build, folder, "--store", "--rows", "micro", "--messages", "20000")
    with open(only_file(folder, ".json"), encoding="utf-8") as file:
        runs = [run for run in json.load(file)["runs"] if run.get("stored_messages") == 20000]
    cases = {run["case"] for run in runs}
    rows = module("rows")
    assert rows.MICRO_ROWS and {row.case for row in rows.MICRO_ROWS} <= cases, cases
    assert all(run["ns_per_operation"] > 0 for run in runs), runs
    for row in rows.MICRO_ROWS:
        assert row.text.format(20000) in done.stdout, done.stdout
    shown = suite(build, folder, "--show", only_file(folder, ".json"))
    assert shown.stdout == done.stdout, shown.stdout


def what_a_store_adds_is_a_row(build, folder):
    """Differences and quotients of the three cases, from a result with known figures."""
    del build, folder
    rows, table = module("rows"), module("table")
    names = {job.name for job in rows.JOBS if job.store}
    for of in (*rows.QUOTIENTS, *rows.DIFFERENCES):
        assert of.job in {job.name for job in rows.JOBS}, of
        assert of.base in {job.name for job in rows.JOBS}, of
    assert {"archive_open_memory", "start_1000000", "idle_rooms"} <= names, names
    runs = [{"row": name, "target": "stentor", "latency_us": {"p50": 1000, "p99": p99},
             "rss_bytes": {"before": rss}}
            for name, p99, rss in (("archive_open_memory", 2000, 0),
                                   ("archive_open_process", 5500, 0),
                                   ("archive_open_power", 1500, 0),
                                   ("start_1000", 0, 10_000_000), ("start_1000000", 0, 10_999_000))]
    found = dict(line[:2] for line in (table.difference({"runs": runs}, of)
                                       for of in rows.DIFFERENCES) if line)
    assert found["process adds to delivery at 200,000/s, p99 [ms]"] == "3.5", found
    assert found["power adds to delivery at 200,000/s, p99 [ms]"] == "-0.5", found
    assert found["memory of a stored room that is not loaded [bytes]"] == "1", found
    assert table.difference({"runs": runs[:1]}, rows.DIFFERENCES[0]) is None


def stored_rooms_are_there(build, folder):
    run, done = load(build, folder, "stored_rooms", "--set", "stored_rooms=300", "--set", "rooms=200",
                     "--set", "settle=0.2", "--set", "idle=0.2")
    assert "with 300 rooms stored" in done.stdout, done.stdout
    assert run["seconds_to_start"] > 0 and run["seconds_to_join"] > 0, run
    assert [step["step"] for step in run["steps"]] == ["join", "leave"], run
    path = os.path.join(folder, "rooms.db")
    execute([os.path.join(build, "stentor-fill"), "-r", "3", "-m", "30", path])
    listed = execute([os.path.join(build, "stentor-store"), "--store", path, "list"]).stdout
    assert len(listed.splitlines()) == 3 and "r0@conference.localhost\t30 messages" in listed, listed
    wrong = execute([os.path.join(build, "stentor-fill"), "-r", "many", path], 2)
    assert "-r is 'many'" in wrong.stderr, wrong.stderr


def archived_in(place):
    """Messages in the archive of the server under test; None until there is a store."""
    for path in glob.glob(os.path.join(place, "*", "stentor.db")):
        try:
            with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
                return store.execute("SELECT count(*) FROM archive WHERE archived = 1").fetchone()[0]
        except sqlite3.Error:  # it is being made
            return None
    return None


def a_run_archives_and_leaves_nothing(build, folder):
    place = os.path.join(folder, "scratch")
    os.mkdir(place)
    env = {**os.environ, "TMPDIR": place}
    short = [os.path.join(build, "stentor-bench"), "archive", "--set", "occupants=5"]
    done = subprocess.run([*short, "--seconds", "0.2"], capture_output=True, text=True, timeout=RUN_S,
                          check=False, env=env)
    assert done.returncode == 0 and os.listdir(place) == [], (done, os.listdir(place))
    with subprocess.Popen([*short, "--seconds", "60"], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, env=env) as run:
        until = time.monotonic() + 30
        while not archived_in(place) and time.monotonic() < until:
            time.sleep(0.05)
        found = archived_in(place)
        run.terminate()
    assert found, "nothing was archived"
    until = time.monotonic() + 10  # its children end behind it
    while os.listdir(place) and time.monotonic() < until:
        time.sleep(0.05)
    assert os.listdir(place) == [], os.listdir(place)


def scaling_sweeps(build, folder):
    done = execute([sys.executable, "-B", os.path.join(ROOT, "bench/scaling"), "--sweep",
                    "--build", build, "--out", folder, "--threads", "1,8", "--repeat", "1",
                    "--seconds", "0.3", "--load-processes", "2"])
    assert "8 shards make" in done.stdout and "wanted: 6: " in done.stdout, done.stdout
    with open(only_file(folder, "-scaling-rates.json"), encoding="utf-8") as file:
        runs = json.load(file)["runs"]
    assert [run["threads"] for run in runs] == [1, 8], runs
    assert all(run["deliveries_per_s"] > 0 for run in runs), runs


CALLGRIND = """positions: instr line
events: Ir

ob=/lib/x
fn=mailbox_put
0x10 5 7
0x14 5 7
cfn=other
calls=7 0x80
0x18 6 700
fn=free
ob=/lib/libjemalloc.so.2
0x10 0 3
"""


def scaling_counts(build, folder):
    scaling = script("scaling")
    path = os.path.join(folder, "callgrind.1")
    with open(path, "w", encoding="utf-8") as file:
        file.write(CALLGRIND)
    counts, functions = scaling.read_callgrind(path)
    assert counts == {("/lib/x", 0x10): 7, ("/lib/x", 0x14): 7,
                      ("/lib/libjemalloc.so.2", 0x10): 3}, counts
    assert functions["/lib/x", 0x14] == "mailbox_put"
    assert scaling.group_of("/lib/x", "mailbox_put") == "mailboxes"
    assert scaling.group_of("/lib/libjemalloc.so.2", "free") == "allocator"
    assert scaling.verdict(2.0, 2.1) == "flat" and scaling.verdict(2.0, 4.0) == "grows 2.00x"
    if shutil.which("objdump"):
        assert scaling.atomics_of(os.path.join(build, "stentord")), "a server without atomics?"


def profile_tells_areas(build, folder):
    del folder
    profile = script("profile")
    files = profile.sources(os.path.join(build, "stentord"))
    for library, function, area in (
            ("stentord", "outbox_add", "copying into outboxes"),
            ("stentord", "mailbox_put.part.0", "crossing threads"),
            ("stentord", "muc_step", "rules of the room"),
            ("stentord", "sqlite_commit", "storing"),
            ("libsqlite3.so.0.8.6", "sqlite3VdbeExec", "storing"),
            ("[kernel.kallsyms]", "ext4_buffered_write_iter", "kernel: files"),
            ("libxml2.so.2", "xmlParseCharData", "reading XML"),
            ("[kernel.kallsyms]", "tcp_sendmsg_locked", "kernel: sockets"),
            ("[kernel.kallsyms]", "finish_task_switch", "kernel: sleeping and waking"),
            ("libjemalloc.so.2", "free", "memory")):
        found = profile.area_of(library, function, files)
        assert found == area, f"{function}: {found}"
    counts = collections.Counter({("stentord", "outbox_add"): 60, ("libc.so.6", "memcpy"): 40})
    text = profile.report(counts, files)
    assert text.startswith(" 60.0%  copying into outboxes") and "100 samples" in text, text


def pipe_counts_what_it_writes(build, folder):
    del folder
    done = execute([os.path.join(build, "stentor-pipe"), "--count", "300", "--recipients", "7",
                    "--sockets", "3"])
    run = json.loads(done.stdout)
    assert run["deliveries"] == 2100 and run["bytes"] > 2100 * 200, run


def pipe_refuses_nonsense(build, folder):
    del folder
    done = execute([os.path.join(build, "stentor-pipe"), "--recipients", "many"], status=1)
    assert "--recipients is 'many'" in done.stderr, done.stderr


def micro_benches_report(build, folder):
    del folder
    for name in MICRO:
        done = execute([os.path.join(build, f"bench-micro-{name}"), "--ms", "1", "--runs", "2"])
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert lines and all(line["micro"] == name and line["ns_per_operation"] > 0
                             and len(line["runs"]) == 2 for line in lines), done.stdout


def runs_file(folder, name, rates, **more):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        for rate in rates:
            run = {"plan": "big_room", "target": "stentor", "deliveries_per_s": rate,
                   "server_cpu_us_per_delivery": 1e6 / rate, **more}
            file.write(json.dumps(run) + "\n")
    return path


def verdict(folder, before, after, status, **more):
    return execute([COMPARE, runs_file(folder, "a.json", before),
                    runs_file(folder, "b.json", after, **more)], status).stdout


def compare_tells_slower_from_faster(build, folder):
    del build
    low, high = (100, 102, 101, 99, 103), (120, 118, 122, 121, 119)
    assert verdict(folder, high, low, 1).count("WORSE") == 2
    better = verdict(folder, low, high, 0)
    assert better.count("better") == 2 and "+18.8%" in better, better


def compare_doubts(build, folder):
    del build
    noisy = (100, 140, 90, 120, 80)
    assert verdict(folder, noisy, (95, 130, 105, 85, 118), 0).count("same") == 2
    assert verdict(folder, (100, 101), (50, 51), 0).count("too few runs") == 2


def compare_leaves_failed_runs_out(build, folder):
    del build
    done = execute([COMPARE, runs_file(folder, "a.json", (1, 2, 3, 4)),
                    runs_file(folder, "b.json", (1, 2, 3, 4), misses=1)], status=2)
    assert "it failed" in done.stderr and "no figure in common" in done.stderr, done.stderr


CASES = (result_has_every_target, result_is_shown_again, the_pipe_is_read_by_the_same_reader,
         the_null_service_keeps_history_where_asked, processes_share_the_work,
         a_run_that_takes_too_long_has_failed, a_server_that_does_not_start_is_told,
         a_wrong_call_is_told_apart, the_store_has_its_rows, pages_of_an_archive_are_rows,
         what_a_store_adds_is_a_row, stored_rooms_are_there,
         a_run_archives_and_leaves_nothing, scaling_sweeps, scaling_counts, profile_tells_areas,
         pipe_counts_what_it_writes, pipe_refuses_nonsense, micro_benches_report, compare_tells_slower_from_faster,
         compare_doubts, compare_leaves_failed_runs_out)


def in_a_folder(case, build):
    def run():
        with tempfile.TemporaryDirectory(prefix="stentor-test-") as folder:
            case(build, folder)
    run.__name__ = case.__name__
    return run


def test(args):
    build = os.path.dirname(os.path.abspath(args.stentord))
    for name in ("stentor-bench", "stentor-null", "stentor-pipe", "stentor-fill", "bench-micro-parse"):
        if not os.path.exists(os.path.join(build, name)):
            raise Skip(f"{name} is not built")
    run_cases([in_a_folder(case, build) for case in CASES], args.only)


main(test, __doc__)
