#!/usr/bin/env python3
"""Layering and size as a test: reads every source file and says what breaks a rule of the house.

usage: tidy.py ROOT [--core LIBCORE] [--headers COMPILER]   exit status 1 if anything was found
"""

import argparse
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "xepmap"))
import xepmap  # noqa: E402

FOLDERS = ("core", "shard", "net", "bench", "tests", "tools")
LINES_MAX = 900
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 100

# Who may include whom: the first matching prefix of the file decides which prefixes it may name.
LAYERS = (
    ("core/base/", ("core/base/",)),
    ("core/xml/", ("core/base/", "core/xml/", "generated/")),
    ("core/xmpp/", ("core/base/", "core/xml/", "core/xmpp/")),
    ("core/config/", ("core/base/", "core/config/")),
    ("core/muc/feature/", ("core/base/", "core/xml/", "core/xmpp/", "core/muc/")),
    ("core/muc/", ("core/base/", "core/xml/", "core/xmpp/", "core/muc/")),
    ("core/record/", ("core/base/", "core/xml/", "core/xmpp/", "core/muc/", "core/record/")),
    ("shard/runtime/", ("core/", "shard/runtime/", "shard/store/store.h")),
    ("shard/store/", ("core/", "shard/runtime/", "shard/store/")),
    ("shard/", ("core/", "shard/")),
    ("net/", ("core/", "shard/", "net/")),
)
# Outside core/muc/ and core/record/ only these of its headers are public.
MUC_PUBLIC = ("muc", "event", "effect", "roster", "gallery", "option", "order", "command",
              "archived", "stored", "durable")

# Third-party headers and where alone they may stand.
LIBRARIES = (
    (r"libxml/", ("core/xml/parse.c",)),
    (r"unicode/", ("core/xmpp/prep.c",)),
    (r"yaml\.h", ("core/config/yaml.c",)),
    (r"urcu", ("shard/runtime/rcu.h", "shard/runtime/rcu.c", "shard/runtime/mailbox.h",
               "shard/runtime/mailbox.c", "shard/directory.c", "shard/tallies.c")),
    (r"openssl/", ("net/tls.c", "net/component.c", "tools/stentord/crypto.c",
                  "tools/stentord/digest.c", "bench/")),
    (r"gsasl", ("net/sasl.c",)),
    (r"sqlite3\.h", ("shard/store/store_sqlite", "bench/")),
    (r"cmocka|strophe", ("tests/",)),
)

BANNED = (
    (r"\b(strcpy|strcat|strncpy|strncat|sprintf|vsprintf|strtok|gets|alloca)\s*\(",
     "use core/base/str.h"),
    (r"\b(TODO|FIXME|XXX|HACK)\b", "finish it, or open an issue"),
    (r"\b(malloc|calloc|realloc|free|strdup)\s*\(", "use core/base/mem.h"),
)
MEM_ALLOWED = ("core/base/mem.c", "tests/", "bench/")


def sources(root):
    for folder in FOLDERS:
        for path, folders, files in os.walk(os.path.join(root, folder)):
            folders[:] = [f for f in folders if f != "__pycache__"]
            for name in sorted(files):
                yield os.path.relpath(os.path.join(path, name), root)


def strip_comments(text):
    """Blanks out comments and string contents, keeping line numbers."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    text = re.sub(r'"(?:\\.|[^"\\\n])*"', lambda m: '"' + " " * (len(m.group(0)) - 2) + '"', text)
    return re.sub(r"/\*.*?\*/", blank, text, flags=re.S)


def function_bodies(text):
    """Name to body of the functions (and function-like macros) that a file defines."""
    bodies = {}
    for match in re.finditer(r"^[A-Za-z_][^;{}]*?\b(\w+)\([^;{}]*\)\n\{(.*?)^\}", text, re.S | re.M):
        bodies[match.group(1)] = match.group(2)
    for match in re.finditer(r"^#define (\w+)\(.*?[^\\]\n", text, re.S | re.M):
        bodies[match.group(1)] = match.group(0).partition(")")[2]
    return bodies


def grow_asserting(bodies):
    """Names of the functions that assert, directly or through others."""
    asserting = {name for name, body in bodies.items()
                 if re.search(r"\b(assert_\w+|fail|fail_msg|expect_\w+|_?assert)\s*\(", body)}
    while True:
        more = {name for name, body in bodies.items() if name not in asserting
                and asserting.intersection(re.findall(r"\b(\w+)\s*\(", body))}
        if not more:
            return asserting
        asserting |= more


class Tidy:
    def __init__(self, root):
        self.root = root
        self.found = []
        self.support = None

    def say(self, path, line, what):
        self.found.append(f"tidy: {path}:{line}  {what}")

    def includes(self, path, lines):
        for number, line in enumerate(lines, 1):
            match = re.match(r'\s*#include\s+([<"])([^>"]+)[>"]', line)
            if not match:
                continue
            own, name = match.group(1) == '"', match.group(2)
            if own and not path.startswith(("tests/", "bench/", "tools/")):
                self.layer(path, number, name)
            for pattern, allowed in LIBRARIES:
                if re.match(pattern, name) and not path.startswith(allowed):
                    if not path.startswith("tests/"):
                        self.say(path, number, f"includes <{name}>: only {', '.join(allowed)} may")

    def layer(self, path, number, name):
        for prefix, allowed in LAYERS:
            if path.startswith(prefix):
                if not name.startswith(allowed):
                    self.say(path, number, f'includes "{name}": {prefix} may include only '
                                           + ", ".join(allowed))
                break
        inside = path.startswith(("core/muc/", "core/record/"))
        match = re.match(r"core/muc/(\w+)\.h$", name)
        if match and not inside and match.group(1) not in MUC_PUBLIC:
            self.say(path, number, f'includes "{name}", which is private to core/muc')
        if name.startswith("core/muc/feature/"):
            self.say(path, number, "features have no headers and nobody includes them")

    def functions(self, path, code):
        """Linux braces: a function's body starts and ends with a brace in column 0."""
        start = None
        for number, line in enumerate(code.split("\n"), 1):
            if line.startswith("{"):
                start = number
            elif line.startswith("}") and start is not None:
                length = number - start - 1
                if length > FUNCTION_LINES_MAX:
                    self.say(path, start,
                             f"function of {length} lines, limit {FUNCTION_LINES_MAX}")
                start = None

    def c_file(self, path, text):
        lines = text.split("\n")
        if len(lines) > LINES_MAX:
            self.say(path, 1, f"{len(lines)} lines, limit {LINES_MAX}")
        for number, line in enumerate(lines, 1):
            if len(line) > COLUMNS_MAX and not path.endswith(".def"):
                self.say(path, number, f"{len(line)} columns, limit {COLUMNS_MAX}")
        code = strip_comments(text)
        # includes stand in quotes, which strip_comments empties: read them from the text
        self.includes(path, lines)
        for number, line in enumerate(code.split("\n"), 1):
            for pattern, instead in BANNED[:1] + BANNED[2:]:
                if re.search(pattern, line):
                    if "mem.h" in instead and path.startswith(MEM_ALLOWED):
                        continue
                    self.say(path, number, f"{line.strip()[:60]}: {instead}")
        if path.endswith(".c"):
            self.functions(path, code)
        if path.startswith("core/muc/feature/") and "@xep " not in text:
            self.say(path, 1, "no @xep line: which XEP, version and anchors is this?")
        if path.endswith(".h") and "#ifndef " not in text:
            self.say(path, 1, "no include guard")

    def any_file(self, path, text):
        for number, line in enumerate(text.split("\n"), 1):
            if re.search(BANNED[1][0], line) and not path.startswith("tools/tidy/"):
                self.say(path, number, BANNED[1][1])
            if line != line.rstrip():
                self.say(path, number, "blanks at the end of the line")
        if text and not text.endswith("\n"):
            self.say(path, text.count("\n") + 1, "no newline at the end of the file")

    def tests_assert(self, path, text):
        """Every unit test asserts, itself or by a helper that does (of its file or tests/support)."""
        if not (path.startswith("tests/unit/") and path.endswith("_test.c")):
            return
        bodies = function_bodies(text)
        asserting = grow_asserting({**self.support_bodies(), **bodies})
        for match in re.finditer(r"^static void (\w+)\(void \*\*\w+\)\n\{", text, re.M):
            if match.group(1) not in asserting:
                self.say(path, text[:match.start()].count("\n") + 1,
                         f"test {match.group(1)} asserts nothing")

    def support_bodies(self):
        if self.support is None:
            self.support = {}
            for path in sources(self.root):
                if path.startswith("tests/support/"):
                    with open(os.path.join(self.root, path), encoding="utf-8") as file:
                        self.support.update(function_bodies(file.read()))
        return self.support

    def run(self):
        for path in sources(self.root):
            with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as file:
                text = file.read()
            if path.endswith((".c", ".h", ".def")):
                self.c_file(path, text)
                self.tests_assert(path, text)
            if path.endswith((".c", ".h", ".def", ".py", ".md", ".txt", ".scs")):
                self.any_file(path, text)

    def core_symbols(self, library):
        with open(os.path.join(self.root, "tools/tidy/core_symbols.allow"), encoding="utf-8") as f:
            allowed = {line.strip() for line in f if line.strip() and not line.startswith("#")}
        patterns = [re.compile("^" + a + "$") for a in allowed]
        output = subprocess.run(["nm", "-A", library], check=True, capture_output=True,
                                text=True).stdout
        defined, needed = set(), {}
        for line in output.splitlines():
            match = re.match(r"\S+:(\S+\.o):.* ([A-Za-z]) (\S+)$", line)
            if not match:
                continue
            member, kind, symbol = match.groups()
            if kind == "U":
                needed.setdefault(symbol.split("@")[0], member)
            else:
                defined.add(symbol)
        for symbol, member in sorted(needed.items()):
            if symbol not in defined and not any(p.match(symbol) for p in patterns):
                self.say("libcore.a", member, f"needs {symbol}, which core_symbols.allow does not"
                                              " list: the core is pure")

    def headers_alone(self, compiler):
        """Every header compiles by itself: who includes it need not know what it needs."""
        flags = subprocess.run(["pkg-config", "--cflags", "libxml-2.0"], check=True,
                               capture_output=True, text=True).stdout.split()
        for path in sources(self.root):
            if not path.endswith(".h") or path.startswith(("tests/", "bench/")):
                continue
            done = subprocess.run([compiler, "-std=c11", "-D_GNU_SOURCE", "-fsyntax-only", "-x", "c",
                                   "-I", self.root, *flags, os.path.join(self.root, path)],
                                  capture_output=True, text=True, check=False)
            if done.returncode != 0:
                self.say(path, 1, "does not compile alone: " + done.stderr.strip().split("\n")[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("root")
    parser.add_argument("--core", metavar="LIBCORE", help="look at its symbols too")
    parser.add_argument("--headers", metavar="COMPILER", help="compile every header alone")
    args = parser.parse_args()
    tidy = Tidy(args.root)
    tidy.run()
    for path, line, what in xepmap.problems(args.root):
        tidy.say(path, line, what)
    if args.core:
        tidy.core_symbols(args.core)
    if args.headers:
        tidy.headers_alone(args.headers)
    for line in tidy.found:
        print(line)
    print(f"tidy: {len(tidy.found)} found")
    return 1 if tidy.found else 0


if __name__ == "__main__":
    sys.exit(main())
