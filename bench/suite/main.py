#!/usr/bin/env python3
"""Runs the bench suite: us, the limits and the peers over the rows of bench/README.md, then prints
the table and leaves result, table and pictures in bench/results/. tools/bench calls this after
building.

First everything of ours and the limits, then the peers, which are slow: when the time is over, what
is left of them is named as not run."""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

import plots
import results
import rows
import table

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MICRO = ("parse", "prep", "frame", "roster", "mailbox", "lane", "outbox")
STOP_S = 5
DEFAULT_MINUTES, QUICK_MINUTES, FULL_MINUTES = 13, 2.5, 120
TIMEOUT_LEAST_S = 15
STORE_MINUTES = 8
FILL_S = 240  # a million messages
QUICK_PEERS = ("prosody-tuned", "ejabberd")


class Suite:
    def __init__(self, options):
        self.options = options
        self.began = time.monotonic()
        self.result = results.new(ROOT, {
            "mode": options.mode, "server_cpu": options.server_cpu, "load_cpu": options.load_cpu})

    def seconds_left(self):
        return self.options.minutes * 60 - (time.monotonic() - self.began)

    def timeout(self, job):
        """A run may not take the suite far beyond its time."""
        return min(job.timeout, max(self.seconds_left(), TIMEOUT_LEAST_S))

    # ---- one run ----

    def program(self, name):
        return os.path.join(self.options.build, name)

    def execute(self, argv, timeout):
        """(exit status or None for a timeout, stdout, the end of stderr). Whatever it started ends
        with it: it has a process group of its own."""
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, start_new_session=True)
        try:
            out, err = process.communicate(timeout=timeout)
            return process.returncode, out, err[-2000:]
        except BaseException as error:
            for number in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(process.pid, number)
                    process.communicate(timeout=STOP_S)
                    break
                except subprocess.TimeoutExpired:
                    continue
                except ProcessLookupError:
                    break
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
        return None, "", ""

    def generator(self, job, target, path, timeout):
        peer = target in rows.PEERS
        settings = rows.settings(job, target, self.options.mode)
        seconds = self.options.seconds or (job.peer_seconds if peer else job.seconds)
        argv = [self.program("stentor-bench"), job.plan, "--target", target, "--json", path,
                "--seconds", str(seconds), "--timeout", f"{timeout:.1f}"]
        if self.options.server_cpu != "any":
            argv += ["--server-cpu", self.options.server_cpu, "--load-cpu", self.options.load_cpu]
        for key, value in settings.items():
            argv += ["--set", f"{key}={value}"]
        if job.threads and not peer:
            argv += ["--threads", job.threads]
        return argv + list(job.extra)

    def run(self, job, target):
        """One run of the generator: what it wrote, or a run that says why there is nothing."""
        with tempfile.TemporaryDirectory(prefix="stentor-bench-") as folder:
            path = os.path.join(folder, "run.json")
            timeout = self.timeout(job)
            began = time.monotonic()
            status, _, err = self.execute(self.generator(job, target, path, timeout),
                                       timeout + STOP_S)
            took = round(time.monotonic() - began, 1)
            found = read_runs(path)
        if status is None:
            why = f"timeout of {timeout:.0f} s"
            found = [{"plan": job.plan, "target": target, "failed": why}]
        elif status != 0 and not any(results.failed(run) for run in found):
            reason = err.strip().split("\n")[-1] or f"exit status {status}"
            found = [{"plan": job.plan, "target": target, "failed": reason}]
        for run in found:
            run.update(row=job.name, target=target)
        for run in found[:1]:
            run["wall_seconds"] = took
        return found

    # ---- all of them ----

    def keep(self, found, label):
        for run in found:
            self.result["runs"].append(run)
            if results.failed(run):
                text = f"FAILED: {run.get('failed') or 'misses or errors'}"
            else:
                text = summary(run, rows.job(run["row"]).cycles)
            took = f"({run['wall_seconds']:.0f} s)" if "wall_seconds" in run else ""
            print(f"  {label:34} {text}  {took}", file=sys.stderr, flush=True)

    def skip(self, job, target, why):
        self.result["skipped"].append({"row": job.name, "target": target, "why": why})

    def ours(self, job):
        repeat = self.options.repeat or job.repeat
        for turn in range(repeat):
            for target in (rows.US, *rows.LIMITS):
                if target not in job.targets or target not in self.options.targets:
                    continue
                if target == "pipe" and turn > 0:  # it varies least
                    continue
                if self.seconds_left() <= 0:
                    self.skip(job, target, "no time left")
                    continue
                self.keep(self.run(job, target), f"{job.name}, {target}")

    def peer(self, job, target):
        if target in job.full_only and self.options.mode != "full":
            self.skip(job, target, "only with --full")
            return
        if self.seconds_left() <= 10:
            self.skip(job, target, "no time left")
            return
        found = self.run(job, target)
        self.keep(found, f"{job.name}, {target}")

    def micro_run(self, name, *more, timeout=120, **about):
        argv = [self.program(f"bench-micro-{name}"), *more, "--ms", "20"]
        status, out, err = self.execute(argv, timeout)
        if status != 0:
            raise SystemExit(f"bench-micro-{name} failed:\n{err or f'timeout of {timeout} s'}")
        self.result["runs"] += [{**json.loads(line), **about} for line in out.splitlines()]
        print(f"  micro {' '.join([name, *more])}", file=sys.stderr, flush=True)

    def micro(self):
        if self.options.mode != "store":
            for name in MICRO:
                self.micro_run(name)
            return
        self.micro_run("store")
        stored = self.options.messages
        self.micro_run("store", "--messages", str(stored), "--only", "page", timeout=FILL_S,
                       stored_messages=stored)

    def run_all(self):
        jobs = [job for job in rows.JOBS if wanted(job, self.options)]
        for job in jobs:
            self.ours(job)
        if self.options.micro:
            self.micro()
        for job in jobs:
            for target in rows.PEERS:
                if target in job.targets and target in self.options.targets:
                    self.peer(job, target)
        self.result["seconds"] = round(time.monotonic() - self.began)


def read_runs(path):
    """A generator may write one run, a list, or one a line."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError:
        return []
    try:
        found = json.loads(text)
        return found if isinstance(found, list) else [found]
    except ValueError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]


def summary(run, cycles):
    parts = []
    for path, text, scale in (("deliveries_per_s", "{:,.0f}/s", 1),
                              ("server_cpu_us_per_delivery", "{:.3f} us", 1),
                              ("messages_per_s" if cycles else "", "{:,.0f} cycles/s", 1),
                              ("seconds_to_join", "joins {:.2f} s", 1),
                              ("latency_us.p99", "p99 {:.2f} ms", 1e-3)):
        value = results.figure(run, path)
        if value:
            parts.append(text.format(value * scale))
    return "  ".join(parts)


def wanted(job, options):
    names = {one.name for one in rows.JOBS}
    if options.rows:
        return any(name == job.name if name in names else name in job.name for name in options.rows)
    if job.store or options.mode == "store":
        return job.store and options.mode == "store"
    return job.quick or options.mode != "quick"


def cpus():
    """One for the server and one for the load; "any" where there is one only."""
    free = sorted(os.sched_getaffinity(0))
    return (str(free[0]), str(free[1])) if len(free) > 1 else ("any", "any")


def arguments():
    server_cpu, load_cpu = cpus()
    parser = argparse.ArgumentParser(prog="tools/bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_const", dest="mode", const="quick",
                        default="default", help="the rows that matter most, once, in 3 minutes")
    parser.add_argument("--full", action="store_const", dest="mode", const="full",
                        help="the peers with their slowest rows too: an hour")
    parser.add_argument("--store", action="store_const", dest="mode", const="store",
                        help="the rows about what is stored, and nothing else: 6 minutes")
    parser.add_argument("--rows", action="append", metavar="NAME",
                        help="only the job of that name, or all with this in their name; may be "
                        "repeated; micro: the micro benches")
    parser.add_argument("--messages", type=int, default=rows.STORED_MESSAGES, help="with --store: "
                        "in the archive that pages are asked of")
    parser.add_argument("--targets", help="comma list out of stentor, null, pipe, prosody, "
                        "prosody-tuned, ejabberd")
    parser.add_argument("--repeat", type=int, help="runs of each job of ours")
    parser.add_argument("--seconds", type=float, help="the measured part of every run")
    parser.add_argument("--minutes", type=float, help="stop starting runs after that")
    parser.add_argument("--server-cpu", default=server_cpu, help="list of CPUs for the server")
    parser.add_argument("--load-cpu", default=load_cpu, help="list of CPUs for the generator")
    parser.add_argument("--out", default=os.path.join(ROOT, "bench/results"),
                        help="folder for result, table and pictures")
    parser.add_argument("--show", metavar="RESULT", help="table and pictures of a result that is "
                        "there already; nothing is run")
    options = parser.parse_args()
    quick = options.mode == "quick"
    options.minutes = options.minutes or (
        {"quick": QUICK_MINUTES, "full": FULL_MINUTES, "store": STORE_MINUTES}.get(options.mode, DEFAULT_MINUTES))
    options.repeat = options.repeat or (1 if quick else None)
    everybody = (rows.US, *rows.LIMITS, *(QUICK_PEERS if quick else rows.PEERS))
    options.targets = options.targets.split(",") if options.targets else everybody
    options.micro = not quick and (not options.rows or "micro" in options.rows)
    return options


def main():
    options = arguments()
    if options.show:
        result = results.load(options.show)
        prefix = os.path.splitext(options.show)[0]
    else:
        suite = Suite(options)
        suite.run_all()
        result = suite.result
        os.makedirs(options.out, exist_ok=True)
        suffix = "-store" if options.mode == "store" else "-part" if options.mode == "quick" else ""
        suffix = "-part" if options.rows else suffix
        prefix = os.path.join(options.out, results.slug(result) + suffix)
        results.save(result, prefix + ".json")
    text = table.render(result)
    with open(prefix + ".txt", "w", encoding="utf-8") as file:
        file.write(text)
    if result["settings"]["mode"] != "store":
        plots.draw_all(result, prefix)
    print(text)
    print(f"{os.path.relpath(prefix)}.json, .txt and pictures", file=sys.stderr)
    mine = [run for run in result["runs"] if run.get("target") == rows.US]
    return 1 if any(results.failed(run) for run in mine) else 0


if __name__ == "__main__":
    sys.exit(main())
