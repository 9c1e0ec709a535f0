#!/usr/bin/env python3
"""The bench suite works: the limits and the load generator against each other and against us, the
suite's result, table and pictures, and the verdicts of bench/compare. Nothing here looks at
speed."""

import json
import os
import shutil
import subprocess
import sys
import tempfile

from harness import Skip, main, run_cases

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMPARE = os.path.join(ROOT, "bench/compare")
MICRO = ("parse", "prep", "frame", "roster", "mailbox", "lane", "outbox")
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


CASES = (result_has_every_target, result_is_shown_again, pipe_counts_what_it_writes,
         pipe_refuses_nonsense, micro_benches_report, compare_tells_slower_from_faster,
         compare_doubts, compare_leaves_failed_runs_out)


def in_a_folder(case, build):
    def run():
        with tempfile.TemporaryDirectory(prefix="stentor-test-") as folder:
            case(build, folder)
    run.__name__ = case.__name__
    return run


def test(args):
    build = os.path.dirname(os.path.abspath(args.stentord))
    for name in ("stentor-bench", "stentor-null", "stentor-pipe", "bench-micro-parse"):
        if not os.path.exists(os.path.join(build, name)):
            raise Skip(f"{name} is not built")
    run_cases([in_a_folder(case, build) for case in CASES], args.only)


main(test, __doc__)
