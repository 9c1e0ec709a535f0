"""The table: us, the target, the peers, the limit and what share of it we reach."""

import results
import rows

HEADER = ("", "Stentor", "target", "", "Prosody", "tuned", "ejabberd", "x best", "limit", "share")

NOT_MET = ("NO: bench/README.md, \"What stands in the way\", has the profile behind it; bench/profile "
           "makes one anew.")


def number(value):
    if value is None:
        return "-"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 0.01 else f"{value:.2g}"


def comparable(result, row):
    """Joining a smaller room is another thing; the rest can be compared, with a note."""
    mode, job = result["settings"]["mode"], rows.job(row.job)
    if row.figure != "seconds_to_join" or row.peer_scale != 1:
        return row.peer_scale != 0
    return rows.settings(job, rows.PEERS[0], mode) == job.settings


def cell(result, row, target):
    """(text, value in the figure's own unit)"""
    found = results.runs(result, row.job, target)
    peer = target in rows.PEERS
    if not found or (peer and not comparable(result, row)):
        return "-", None
    value = results.median(result, row.job, target, row.figure)
    if value is None:
        timeout = any("timeout" in str(run.get("failed", "")) for run in found)
        wrong = any(results.failed(run) for run in found)
        return "timeout" if timeout else "FAILED" if wrong else "-", None
    if peer:
        value *= row.peer_scale
    about = "~" if peer and row.peer_scale != 1 else ""
    return about + number(value * row.scale), value


def ratio(row, ours, theirs):
    """How many times better ours is."""
    if not ours or not theirs:
        return None
    return ours / theirs if row.more else theirs / ours


def times_text(times):
    return f"{times:,.0f}x" if times >= 10 else f"{times:.1f}x"


def limit_cell(result, row):
    """(text, value); measured in another job where this one would take the limit too long."""
    if not row.limit:
        return "-", None
    job = row.limit_job or row.job
    value = results.median(result, job, row.limit, row.figure)
    if value is None:
        wrong = any(results.failed(run) for run in results.runs(result, job, row.limit))
        return "FAILED" if wrong else "-", None
    value *= row.limit_scale
    return ("~" if row.limit_scale != 1 else "") + number(value * row.scale), value


def line(result, row):
    text, ours = cell(result, row, rows.US)
    peers = [cell(result, row, peer) for peer in rows.PEERS]
    best = None
    for _, value in peers:
        times = ratio(row, ours, value)
        best = times if best is None or (times is not None and times < best) else best
    limit = limit_cell(result, row)
    share = ratio(row, ours, limit[1])
    met = ""
    if ours is not None and row.target is not None:
        met = "yes" if (ours >= row.target if row.more else ours <= row.target) else "NO"
    note = rows.note(rows.job(row.job), result["settings"]["mode"])
    note = "*" if note and any(value for _, value in peers) else ""
    wanted = "-" if row.target is None else number(row.target * row.scale)
    return (f"{row.text} [{row.unit}]{note}", text, wanted, met,
            *(peer for peer, _ in peers), "-" if best is None else times_text(best), limit[0],
            "-" if share is None else f"{100 * share:.0f}%")


def quotient(result, of):
    top = results.median(result, of.job, rows.US, of.figure)
    base = results.median(result, of.base, rows.US, of.figure)
    if not top or not base:
        return None
    if of.bound is None:
        return (of.text, f"{top / base:.2f}", "-", "", *["-"] * 6)
    met = top / base >= of.bound if of.more else top / base <= of.bound
    return (of.text, f"{top / base:.2f}", f"{of.bound}", "yes" if met else "NO", *["-"] * 6)


def difference(result, of):
    top = results.median(result, of.job, rows.US, of.figure)
    base = results.median(result, of.base, rows.US, of.figure)
    if top is None or base is None:
        return None
    scaled = (top - base) * of.scale
    sign = "-" if scaled < 0 else ""
    return (f"{of.text} [{of.unit}]", sign + number(abs(scaled)), *["-"] * 8)


def micro(result, of):
    """A case that was measured on a large archive."""
    for run in result["runs"]:
        if run.get("case") == of.case and "stored_messages" in run:
            text = of.text.format(run["stored_messages"])
            return (f"{text} [ms]", number(run["ns_per_operation"] * 1e-6), *["-"] * 8)
    return None


def head(result):
    machine = result["machine"]
    changed = " and changes" if result["changed"] else ""
    return [f"{result['date']}, commit {result['commit']}{changed}",
            f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
            f"{machine['system']}, Linux {machine['kernel']}, {machine['compiler']}",
            f"server pinned to CPU {result['settings']['server_cpu']}, load generator to CPU "
            f"{result['settings']['load_cpu']}; medians; took {result['seconds']:.0f} s"]


def notes(result, shown):
    """What the reader must know about single cells."""
    lines = []
    for row in shown:
        note = rows.note(rows.job(row.job), result["settings"]["mode"])
        text = f"* {row.text.split(':')[0].strip()}: {note}"
        met = any(results.runs(result, row.job, peer) for peer in rows.PEERS)
        if note and met and text not in lines and not row.text.startswith("  "):
            lines.append(text)
    for run in result["runs"]:
        if run.get("row") and results.failed(run):
            faults = ", ".join(f"{run[fault]} {fault}" for fault in results.FAULTS
                               if run.get(fault))
            lines.append(f"! {run['row']}, {run['target']}: {run.get('failed') or faults}")
    for why in sorted({skip["why"] for skip in result["skipped"]}):
        left_out = {}
        for skip in result["skipped"]:
            if skip["why"] == why:
                left_out.setdefault(skip["row"], []).append(skip["target"])
        lines.append(f"not run ({why}): " + "; ".join(
            f"{row} {', '.join(targets)}" for row, targets in left_out.items()))
    return lines


def render(result):
    measured = {run.get("row") for run in result["runs"]}
    shown = [row for row in rows.ROWS if row.job in measured]
    lines = [HEADER] + [line(result, row) for row in shown]
    lines += [found for found in (quotient(result, of) for of in rows.QUOTIENTS) if found]
    lines += [found for found in (difference(result, of) for of in rows.DIFFERENCES) if found]
    lines += [found for found in (micro(result, of) for of in rows.MICRO_ROWS) if found]
    if all(rows.job(row.job).store for row in shown):
        lines = [cells[:2] for cells in lines]  # nobody to compare with
    widths = [max(len(cells[i]) for cells in lines) for i in range(len(lines[0]))]
    text = head(result) + [""]
    for at, cells in enumerate(lines):
        text.append("  ".join(part.ljust(width) if i == 0 else part.rjust(width)
                              for i, (part, width) in enumerate(zip(cells, widths))).rstrip())
        if at == 0:
            text.append("-" * (sum(widths) + 2 * len(widths) - 2))
    if any("NO" in cells[3:4] for cells in lines):
        text += ["", NOT_MET]
    return "\n".join(text + [""] + notes(result, shown)) + "\n"
