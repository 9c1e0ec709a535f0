#!/usr/bin/env python3
"""Makes the hash tables from names to integers.

    tokens.py NAMES_DEF OUT

Reads the NAME() and NS() rows of core/xml/names.def and writes OUT, which core/xml/token.c includes.
The hash below must be the one in token.c; the multiplier is chosen here so that probes stay short.
The same input always gives the same output.
"""
import re
import sys

ROW = re.compile(r'^\s*(NAME|NS)\(\s*(\w+)\s*,\s*"([^"]+)"')
ALIASES = [("STANZA", "jabber:server"), ("STANZA", "jabber:component:accept")]
MASK = (1 << 64) - 1
MULTIPLIERS = 256


def read_rows(path):
    rows = {"NAME": [], "NS": []}
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            match = ROW.match(line)
            if match is None:
                if re.match(r"\s*(NAME|NS)\(", line):
                    sys.exit(f"{path}:{number}: not a row: {line.strip()}")
                continue
            kind, ident, text = match.groups()
            if any(text == other for _, other in rows[kind]):
                sys.exit(f"{path}:{number}: {kind} \"{text}\" is there already")
            rows[kind].append((ident, text))
    rows["NS"] += ALIASES
    return rows


def slot_of(text, multiplier, bits):
    raw = text.encode()
    head = int.from_bytes(raw[:8], "little")
    tail = int.from_bytes(raw[-8:], "little")
    mixed = (head * 0x9E3779B97F4A7C15 & MASK) ^ (tail + len(raw) & MASK)
    return (mixed * multiplier & MASK) >> (64 - bits)


def place(texts, multiplier, bits):
    """The table for one multiplier and its longest probe."""
    size = 1 << bits
    table = [None] * size
    longest = 0
    for row in texts:
        slot = slot_of(row[1], multiplier, bits)
        probe = 1
        while table[slot] is not None:
            slot = (slot + 1) % size
            probe += 1
        table[slot] = row
        longest = max(longest, probe)
    return longest, table


def multipliers():
    value = 0x2545F4914F6CDD1D
    for _ in range(MULTIPLIERS):
        value = (value * 6364136223846793005 + 1442695040888963407) & MASK
        yield value | 1


def emit(out, kind, rows):
    bits = max(4, (len(rows) * 4 - 1).bit_length())
    best = None
    for multiplier in multipliers():
        longest, table = place(rows, multiplier, bits)
        if best is None or longest < best[0]:
            best = (longest, multiplier, table)
        if longest == 1:
            break
    longest, multiplier, table = best
    lower = kind.lower()
    out.write(f"/* {len(rows)} rows, longest probe {longest} */\n")
    out.write(f"#define {kind}_TABLE_BITS {bits}\n")
    out.write(f"#define {kind}_TABLE_MULTIPLIER UINT64_C(0x{multiplier:016x})\n")
    out.write(f"static const struct slot {lower}_table[1 << {kind}_TABLE_BITS] = {{\n")
    for slot, row in enumerate(table):
        if row is not None:
            out.write(f'    [{slot}] = {{"{row[1]}", {len(row[1].encode())}, {kind}_{row[0]}}},\n')
    out.write("};\n")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    rows = read_rows(sys.argv[1])
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        out.write("/* Made by tools/gen/tokens.py from core/xml/names.def. */\n")
        emit(out, "NAME", rows["NAME"])
        emit(out, "NS", rows["NS"])


if __name__ == "__main__":
    main()
