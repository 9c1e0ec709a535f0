"""The pictures of a result, drawn by gnuplot as SVG and PNG: throughput and cost against the size
of the room, both against --threads, and latency against the load offered."""

import shutil
import subprocess
import sys

import results
import rows

SIZES = ("groupchat_2", "groupchat_10", "groupchat_100", "groupchat_1000", "groupchat_5000",
         "huge_quiet")
COLOURS = {"stentor": "#c1272d", "null": "#555555", "pipe": "#aaaaaa", "prosody": "#2f6db5",
           "prosody-tuned": "#6fa8dc", "ejabberd": "#3c8c4a"}
DASHED = ("null", "pipe")
TERMINALS = (("svg", "svg size 900,560 dynamic background '#ffffff' font 'Helvetica,14'"),
             ("png", "pngcairo size 1350,840 background '#ffffff' font 'DejaVu Sans,13' "
              "linewidth 1.6"))
STYLE = """
set border 3 lc rgb '#666666'
set tics nomirror
set grid ytics xtics lc rgb '#e0e0e0' lt 1 lw 1
set key outside right top spacing 1.2 samplen 2
set lmargin 11
"""


class Series:
    def __init__(self, title, colour, points, dashed=False, thin=False):
        self.title, self.colour, self.points = title, colour, points
        self.dashed, self.thin = dashed, thin

    def clause(self, block):
        dash = " dt 2" if self.dashed else ""
        width = 1.5 if self.thin else 2.5
        return (f"${block} using 1:2 with linespoints lc rgb '{self.colour}' lw {width}{dash} pt 7 "
                f"ps 0.7 title '{self.title}'")


def quoted(text):
    return text.replace("'", "''")


def script(title, foot, axes, series):
    lines = [STYLE, f"set title '{quoted(title)}'",
             f"set label 1 '{quoted(foot)}' at screen 0.012,0.025 font ',9' tc rgb '#888888'",
             "set bmargin 5", *axes]
    for i, one in enumerate(series):
        lines.append(f"$block{i} << EOD")
        lines += [f"{x} {y}" for x, y in one.points]
        lines.append("EOD")
    lines.append("plot " + ", ".join(one.clause(f"block{i}") for i, one in enumerate(series)))
    return "\n".join(lines) + "\n"


def draw(path, *args):
    text = script(*args)
    for suffix, terminal in TERMINALS:
        done = subprocess.run(["gnuplot"], input=f"set terminal {terminal}\nset output "
                              f"'{quoted(path)}.{suffix}'\n{text}", check=False, text=True,
                              capture_output=True)
        if done.returncode != 0:
            raise SystemExit(f"gnuplot could not draw {path}.{suffix}:\n{done.stderr}")


def by_size(result, figure, targets):
    series = []
    for target in targets:
        points = []
        for name in SIZES:
            value = results.median(result, name, target, figure)
            if value:
                asked = rows.settings(rows.job(name), target, result["settings"]["mode"])
                points.append((asked["occupants"], value))
        if points:
            series.append(Series(rows.LABELS[target], COLOURS[target], points, target in DASHED))
    return series


def size_pictures(result, prefix, foot):
    targets = (rows.US, "null", "pipe", *rows.PEERS)
    size_axis = ["set logscale xy", "set xlabel 'occupants of a room'", "set xrange [1.5:30000]",
                 "set xtics ('2' 2, '10' 10, '100' 100, '1,000' 1000, '5,000' 5000, "
                 "'20,000' 20000)"]
    series = by_size(result, "deliveries_per_s", targets)
    if series:
        draw(prefix + "-throughput", "Groupchat on one core: deliveries per second", foot,
             [*size_axis, "set ylabel 'deliveries/s'", "set format y '%.0s%c'"], series)
    series = by_size(result, "server_cpu_us_per_delivery", targets)
    if series:
        draw(prefix + "-cost", "Groupchat: CPU time of the server per delivery", foot,
             [*size_axis, "set ylabel 'microseconds'", "set format y '%g'"], series)


def threads_picture(result, prefix, foot):
    runs = [run for run in results.runs(result, "threads", rows.US) if not results.failed(run)]
    if len({run["threads"] for run in runs}) < 2:
        return
    counts = sorted({run["threads"] for run in runs})

    def points(figure, scale):
        return [(count, results.median(result, "threads", rows.US, figure, count) * scale)
                for count in counts]
    axes = ["set logscale x 2", "set xlabel '--threads'", "set yrange [0:*]", "set xrange [0.9:*]",
            "set ylabel 'thousand deliveries/s'", "set y2label 'CPU microseconds per delivery'",
            "set y2range [0:*]", "set y2tics", "set border 11", "set rmargin 34"]
    cost = Series("cost (right)", COLOURS["null"],
                  points("server_cpu_us_per_delivery", 1), dashed=True)
    rate = Series("deliveries/s (left)", COLOURS["stentor"], points("deliveries_per_s", 1e-3))
    cost.clause = lambda block, plain=cost.clause: plain(block).replace(
        "with linespoints", "axes x1y2 with linespoints")
    draw(prefix + "-threads", "1,000 rooms of 5, by --threads", foot, axes, [rate, cost])


def latency_picture(result, prefix, foot):
    series = []
    for target in (rows.US, "null", *rows.PEERS):
        for figure, title in (("latency_us.p50", "p50"), ("latency_us.p99", "p99")):
            points = {}
            for job in rows.JOBS:
                value = results.median(result, job.name, target, figure)
                if job.plan != "open_loop" or not value:
                    continue
                rate = rows.settings(job, target, result["settings"]["mode"])["rate"]
                points[rate] = value / 1000
            if points:
                series.append(Series(f"{rows.LABELS[target]} {title}", COLOURS[target],
                                     sorted(points.items()), title == "p50", title == "p50"))
    if series:
        draw(prefix + "-latency", "Open loop: latency by load offered", foot,
             ["set logscale xy", "set xlabel 'deliveries/s offered'", "set format x '%.0s%c'",
              "set ylabel 'milliseconds'", "set format y '%g'"], series)


def draw_all(result, prefix):
    if shutil.which("gnuplot") is None:
        print("no pictures: gnuplot is not installed (Debian package gnuplot-nox)", file=sys.stderr)
        return
    machine = result["machine"]
    foot = (f"{result['date']}, commit {result['commit']}; {machine['cpu']}, {machine['cores']} "
            f"cores; component link, server on CPU {result['settings']['server_cpu']}")
    size_pictures(result, prefix, foot)
    threads_picture(result, prefix, foot)
    latency_picture(result, prefix, foot)
