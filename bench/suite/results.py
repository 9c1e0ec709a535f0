"""One result: what was run where, and how to read figures from it. On disk it is one JSON object;
its fields are described in bench/README.md. No host name and no path goes into it."""

import datetime
import json
import os
import platform
import re
import statistics
import subprocess

SCHEMA = 1
FAULTS = ("misses", "duplicates", "reordered", "errors")


def output_of(argv, **options):
    try:
        done = subprocess.run(argv, check=True, capture_output=True, text=True, **options)
        return done.stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def first_match(path, pattern, preset):
    try:
        with open(path, encoding="utf-8") as file:
            found = re.search(pattern, file.read(), re.M)
    except OSError:
        return preset
    return found.group(1) if found else preset


def machine():
    kib = int(first_match("/proc/meminfo", r"^MemTotal:\s+(\d+)", "0"))
    return {
        "cpu": first_match("/proc/cpuinfo", r"^model name\s*:\s*(.+)$", platform.machine()),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(kib / 1024 / 1024, 1),
        "kernel": platform.release().split("-")[0],
        "system": first_match("/etc/os-release", r'^PRETTY_NAME="?([^"\n]+)', platform.system()),
        "compiler": output_of(["cc", "--version"]).split("\n")[0],
    }


def new(root, settings):
    return {
        "schema": SCHEMA,
        "date": datetime.date.today().isoformat(),
        "commit": output_of(["git", "-C", root, "rev-parse", "--short", "HEAD"]) or "none",
        "changed": output_of(["git", "-C", root, "status", "--porcelain"]) != "",
        "machine": machine(),
        "settings": settings,
        "seconds": 0,
        "runs": [],
        "skipped": [],
    }


def slug(result):
    """2026-11-23-2-core-amd-epyc: names the files of a result without naming the machine."""
    words = re.sub(r"\(.*?\)|processor|cpu|@.*|\d+-core", " ", result["machine"]["cpu"].lower())
    words = re.findall(r"[a-z0-9.]+", words)[:3]
    return "-".join([result["date"], str(result["machine"]["cores"]), "core", *words])


def load(path):
    with open(path, encoding="utf-8") as file:
        result = json.load(file)
    if result.get("schema") != SCHEMA:
        raise SystemExit(f"{path}: not a result of schema {SCHEMA}")
    return result


def save(result, path):
    """Runs one a line: short enough for a diff, long enough to read."""
    head = {key: value for key, value in result.items() if key != "runs"}
    text = json.dumps(head, indent=2)[:-2]
    runs = ",\n".join("    " + json.dumps(run) for run in result["runs"])
    with open(path, "w", encoding="utf-8") as file:
        file.write(f'{text},\n  "runs": [\n{runs}\n  ]\n}}\n')


def failed(run):
    return bool(run.get("failed")) or any(run.get(fault) for fault in FAULTS)


def figure(run, path):
    value = run
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value if isinstance(value, (int, float)) else None


def runs(result, job, target, threads=None):
    return [run for run in result["runs"] if run.get("row") == job and run.get("target") == target
            and (threads is None or run.get("threads") == threads)]


def median(result, job, target, path, threads=None):
    """Over the runs that did not fail; None if there is none. One failed run fails them all."""
    found = runs(result, job, target, threads)
    if any(failed(run) for run in found):
        return None
    values = [value for value in (figure(run, path) for run in found) if value is not None]
    return statistics.median(values) if values else None
