#!/usr/bin/env python3
"""Joins the rules of the XEPs, the code that keeps them and the tests that hold them.

usage: xepmap.py ROOT               says what does not fit; exit status 1 if anything
       xepmap.py ROOT --write       makes the tables in core/README.md and stentor.doap anew
       xepmap.py ROOT --specs DIR   compares with the texts, DIR/xep-0045.txt and so on; status 77
                                    if there are none

The rules of XEP-0045 stand in xep-0045.def, the XEPs and their versions in xeps.def. Code names
anchors in the head of a file (@xep 0045 1.35.5 #kick #ban) or single rules (#kick.rank); tests name
what they hold above the function or in the head of the file (@covers 0045#kick.rank 0030#info).
"""

import argparse
import collections
import os
import re
import sys
from xml.sax.saxutils import escape

CODE = ("core", "net", "shard")
TESTS = ("tests",)
MUC = "0045"
RULES = "tools/xepmap/xep-0045.def"
XEPS = "tools/xepmap/xeps.def"
TABLE = "core/README.md"
DOAP = "tools/xepmap/stentor.doap"
BEGIN = "<!-- made by tools/xepmap/xepmap.py: begin -->"
END = "<!-- made by tools/xepmap/xepmap.py: end -->"
WRITE = "python3 tools/xepmap/xepmap.py . --write"

LEVELS = ("MUST", "MUST-NOT", "SHOULD", "SHOULD-NOT")
IN_TEXT = {"SHALL": "MUST", "SHALL NOT": "MUST-NOT", "REQUIRED": "MUST", "MUST not": "MUST-NOT",
           "RECOMMENDED": "SHOULD", "NOT RECOMMENDED": "SHOULD-NOT"}

Section = collections.namedtuple("Section", "number anchor rules line")
Rule = collections.namedtuple("Rule", "kind levels count name text why line")
Xep = collections.namedtuple("Xep", "version status name note line")
Tag = collections.namedtuple("Tag", "xep version name path line")
Cover = collections.namedtuple("Cover", "xep name path test line")


class Wrong(Exception):
    """A line that cannot be read: path, line, what."""


# ---- what is written down ----

def count_levels(text):
    """SHOULD+MUST-NOT*2 as {"SHOULD": 1, "MUST-NOT": 2}."""
    count = collections.Counter()
    for part in text.split("+"):
        level, _, times = part.partition("*")
        if level not in LEVELS or not (times or "1").isdigit():
            return None
        count[level] += int(times or "1")
    return count


def read_rule(anchor, text, line):
    match = re.match(r"(?:(differs|left|same|client) )?(\S+)", text)
    kind, count = match.group(1) or "kept", count_levels(match.group(2).rstrip(":"))
    rest = text[match.end():].strip()
    if count is None:
        raise Wrong(RULES, line, f"{match.group(2)} is no level: {', '.join(LEVELS)}")
    levels = match.group(2).rstrip(":")
    if kind == "client":
        return Rule(kind, levels, count, None, rest, "", line)
    if kind == "same":
        return Rule(kind, levels, count, rest.lstrip("#"), "", "", line)
    match = re.match(r"([a-z0-9-]+): (.+)$", rest)
    if not match:
        raise Wrong(RULES, line, "a rule is: LEVELS word: what has to hold")
    text, _, why = match.group(2).partition(" -- ")
    if (kind in ("differs", "left")) != bool(why):
        raise Wrong(RULES, line, "what differs or is left out needs a reason behind \" -- \", "
                                 "and nothing else has one")
    return Rule(kind, levels, count, f"{anchor}.{match.group(1)}", text, why, line)


def read_rules(root):
    sections = []
    with open(os.path.join(root, RULES), encoding="utf-8") as file:
        for line, text in enumerate(file, 1):
            if text.startswith("#") or not text.strip():
                continue
            if text.startswith(" "):
                section = sections[-1]
                section.rules.append(read_rule(section.anchor, text.strip(), line))
                continue
            match = re.match(r"([\d.]+) ([\w-]+)$", text.strip())
            if not match:
                raise Wrong(RULES, line, "a section is: NUMBER anchor")
            sections.append(Section(match.group(1), match.group(2), [], line))
    return sections


def read_xeps(root):
    xeps = {}
    with open(os.path.join(root, XEPS), encoding="utf-8") as file:
        for line, text in enumerate(file, 1):
            if text.startswith("#") or not text.strip():
                continue
            match = re.match(r"(\d{4}|rfc\d+) (\S+) (complete|partial) (.+)$", text.strip())
            if not match:
                raise Wrong(XEPS, line, "a line is: NUMBER VERSION complete|partial NAME [-- NOTE]")
            name, _, note = match.group(4).partition(" -- ")
            xeps[match.group(1)] = Xep(match.group(2), match.group(3), name, note, line)
    return xeps


def files(root, folders, endings):
    for folder in folders:
        for path, inside, names in os.walk(os.path.join(root, folder)):
            inside[:] = sorted(name for name in inside if name != "__pycache__")
            for name in sorted(names):
                if name.endswith(endings):
                    full = os.path.join(path, name)
                    with open(full, encoding="utf-8", errors="replace") as file:
                        yield os.path.relpath(full, root), file.read()


def tagged_lines(path, text, tag, word):
    """(number, words behind the tag) of each line that has it or goes on with nothing but words."""
    mark = r"[ /*]*" if path.endswith((".c", ".h", ".def")) else r" *# "
    go_on = False
    for number, line in enumerate(text.split("\n"), 1):
        match = re.match(rf"{mark}@{tag}\b(.*)", line)
        if not match and go_on:
            match = re.fullmatch(rf"{mark}((?:{word} *)+)(?:\*/)?", line)
        go_on = match is not None
        if match:
            yield number, match.group(1).replace("*/", "").split()


def read_code(root):
    tags = []
    for path, text in files(root, CODE, (".c", ".h", ".def")):
        for line, words in tagged_lines(path, text, "xep", "#[a-z0-9.-]+"):
            if words and words[0].startswith("#"):
                words = [tags[-1].xep, tags[-1].version] + words
            if (len(words) < 3 or not re.fullmatch(r"\d{4}", words[0])
                    or not all(re.fullmatch(r"#[a-z0-9.-]+", word) for word in words[2:])):
                raise Wrong(path, line, "a tag is: @xep NUMBER VERSION #anchor ...")
            tags += [Tag(words[0], words[1], word[1:], path, line) for word in words[2:]]
    return tags


def read_covers(path, text):
    """The tags of a test file: of the function each stands above; of the file in its head."""
    blank = re.sub(r"/\*.*?\*/", lambda match: re.sub(r"[^\n]", " ", match.group(0)), text,
                   flags=re.S)
    code = [(number, line) for number, line in enumerate(blank.split("\n"), 1) if line.strip()]
    covers = []
    for line, words in tagged_lines(path, text, "covers", r"\d{4}#[a-z0-9.-]+"):
        names = [name for name in words if "#" in name]
        if not names or not all(re.fullmatch(r"\d{4}#[a-z0-9.-]+", name) for name in names):
            raise Wrong(path, line, "a tag is: @covers NUMBER#anchor or NUMBER#anchor.word")
        test = None
        if path.endswith("_test.c") and code and code[0][0] < line:
            below = next((words for number, words in code if number > line), "")
            test = re.match(r"static void (\w+)\(void \*\*\w+\)", below)
            if not test:
                raise Wrong(path, line, "this tag stands above no test")
            test = test.group(1)
        covers += [Cover(*name.split("#"), path, test, line) for name in names]
    return covers


def read_tests(root):
    return [cover for path, text in files(root, TESTS, (".c", ".h", ".scs", ".py"))
            for cover in read_covers(path, text)]


class Map:
    """Everything that was read; found: what does not fit, as (path, line, what)."""

    def __init__(self, root):
        self.root = root
        self.sections, self.xeps = read_rules(root), read_xeps(root)
        self.tags, self.covers = read_code(root), read_tests(root)
        self.anchors = {section.anchor: section for section in self.sections}
        self.rules = {rule.name: rule for section in self.sections for rule in section.rules
                      if rule.kind in ("kept", "differs", "left")}
        self.found = []

    def say(self, path, line, what):
        self.found.append((path, line, what))

    def where(self, xep, anchor, rule=None):
        """The files that name this very rule, otherwise those that name its anchor."""
        for name in (rule, anchor):
            paths = [tag.path for tag in self.tags if (tag.xep, tag.name) == (xep, name)]
            if paths:
                return sorted(set(paths), key=paths.index)
        return []

    def tests(self, xep, name):
        return [cover for cover in self.covers if (cover.xep, cover.name) == (xep, name)]

    # ---- what does not fit ----

    def check(self):
        self.check_rules()
        self.check_tags()
        self.check_covers()
        self.check_others()
        return self.found

    def check_rules(self):
        seen = set()
        for section in self.sections:
            for rule in section.rules:
                if rule.name in seen and rule.kind not in ("same", "client"):
                    self.say(RULES, rule.line, f"#{rule.name} stands here twice")
                if rule.kind == "same" and rule.name not in self.rules:
                    self.say(RULES, rule.line, f"there is no rule #{rule.name}")
                if rule.kind in ("kept", "differs", "left"):
                    seen.add(rule.name)
                    self.check_rule(section, rule)

    def check_rule(self, section, rule):
        tests = self.tests(MUC, rule.name)
        if rule.kind == "left":
            for cover in tests:
                self.say(cover.path, cover.line, f"covers {MUC}#{rule.name}, which is left out: "
                                                 f"take \"left\" away in {RULES}:{rule.line}")
            return
        if not tests:
            self.say(RULES, rule.line, f"#{rule.name} has no test: @covers {MUC}#{rule.name}")
        if not self.where(MUC, section.anchor, rule.name):
            self.say(RULES, rule.line, f"#{rule.name} is nobody's: no code has @xep {MUC} ... "
                                       f"#{section.anchor}")

    def check_tags(self):
        for tag in self.tags:
            xep = self.xeps.get(tag.xep)
            if xep is None:
                self.say(tag.path, tag.line, f"XEP-{tag.xep} is not in {XEPS}")
            elif xep.version != tag.version:
                self.say(tag.path, tag.line,
                         f"XEP-{tag.xep} {tag.version}: {XEPS} has {xep.version}")
            if tag.xep == MUC and tag.name not in self.anchors and tag.name not in self.rules:
                self.say(tag.path, tag.line, f"there is no #{tag.name} in {RULES}")

    def check_covers(self):
        known = {(tag.xep, tag.name) for tag in self.tags}
        for cover in self.covers:
            section = self.anchors.get(cover.name) if cover.xep == MUC else None
            names = [rule.name for rule in section.rules if rule.name in self.rules
                     and rule.kind != "same"] if section else []
            if names:
                self.say(cover.path, cover.line,
                         f"covers {MUC}#{cover.name}: say which of its rules: "
                         + " ".join(f"{MUC}#{name}" for name in names))
            elif cover.xep == MUC and cover.name in self.rules:
                continue
            elif (cover.xep, cover.name) not in known:
                self.say(cover.path, cover.line,
                         f"covers {cover.xep}#{cover.name}, which no code names by @xep")

    def check_others(self):
        """Anchors that have no rules of their own: those of other XEPs, and plain sections."""
        for xep, anchor in self.plain_anchors():
            if not self.tests(xep, anchor):
                tag = next(tag for tag in self.tags if (tag.xep, tag.name) == (xep, anchor))
                self.say(tag.path, tag.line, f"{xep}#{anchor} has no test: @covers {xep}#{anchor}")
        tagged = {tag.xep for tag in self.tags}
        for number, xep in self.xeps.items():
            if number.startswith("rfc"):
                named = any(re.search(rf"\bRFC {number[3:]}\b", text)
                            for _, text in files(self.root, CODE, (".c", ".h")))
            else:
                named = number in tagged
            if not named:
                self.say(XEPS, xep.line, f"{number} is named by no code")

    def plain_anchors(self):
        ruled = {section.anchor for section in self.sections
                 if any(rule.kind in ("kept", "differs", "left") for rule in section.rules)}
        return sorted({(tag.xep, tag.name) for tag in self.tags
                       if tag.xep != MUC or tag.name in self.anchors and tag.name not in ruled})

    def check_made(self):
        """Whether what is made from all this is in the tree as it would be made now."""
        for path, text in self.made():
            if text != read_text(self.root, path):
                self.say(path, 1, f"is stale: {WRITE}")

    # ---- what is made from it ----

    def made(self):
        readme = read_text(self.root, TABLE)
        if BEGIN in readme and END in readme:
            head, rest = readme.split(BEGIN, 1)
            readme = head + BEGIN + "\n\n" + self.tables() + END + rest.split(END, 1)[1]
        else:
            self.say(TABLE, 1, f"has no place for the table: \"{BEGIN}\" and \"{END}\"")
        return [(TABLE, readme), (DOAP, self.doap())]

    def tables(self):
        lines = ["| 0045 | rule | where | tests |", "|---|---|---|---|"]
        for section in self.sections:
            for rule in section.rules:
                if rule.kind != "client":
                    lines.append(self.row(section, rule))
        lines += ["", "| anchor | where | tests |", "|---|---|---|"]
        for xep, anchor in self.plain_anchors():
            lines.append(f"| {xep}#{anchor} | {places(self.where(xep, anchor))} "
                         f"| {names_of(self.tests(xep, anchor))} |")
        return "\n".join(lines) + "\n\n"

    def row(self, section, rule):
        level = ", ".join(level.partition("*")[0].replace("-", " ")
                          for level in rule.levels.split("+"))
        if rule.kind == "same":
            return f"| {section.number} {section.anchor} | {level}: as {rule.name} | | |"
        text = f"{level}: {rule.text}"
        if rule.why:
            text += f" -- *{'left out' if rule.kind == 'left' else 'differs'}:* {rule.why}"
        if rule.kind == "left":
            return f"| {section.number} {rule.name} | {text} | | |"
        return (f"| {section.number} {rule.name} | {text} "
                f"| {places(self.where(MUC, section.anchor, rule.name))} "
                f"| {names_of(self.tests(MUC, rule.name))} |")

    def doap(self):
        lines = []
        for number, xep in sorted(self.xeps.items()):
            if number.startswith("rfc"):
                lines.append("    <implements rdf:resource="
                             f"\"https://www.rfc-editor.org/info/{number}\"/>")
                continue
            lines += ["    <implements>", "      <xmpp:SupportedXep>",
                      "        <xmpp:xep rdf:resource="
                      f"\"https://xmpp.org/extensions/xep-{number}.html\"/>",
                      f"        <xmpp:version>{escape(xep.version)}</xmpp:version>",
                      f"        <xmpp:status>{xep.status}</xmpp:status>"]
            if xep.note:
                lines.append(f"        <xmpp:note xml:lang=\"en\">{escape(xep.note)}</xmpp:note>")
            lines += ["      </xmpp:SupportedXep>", "    </implements>"]
        return DOAP_HEAD + "\n".join(lines) + DOAP_TAIL


def read_text(root, path):
    try:
        with open(os.path.join(root, path), encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def places(paths):
    return ", ".join(path[len("core/"):] if path.startswith("core/") else path for path in paths)


def names_of(covers):
    """kick_test: one, another; role.scs"""
    by_file = {}
    for cover in covers:
        by_file.setdefault(os.path.basename(cover.path).removesuffix(".c"), []).append(cover.test)
    return "; ".join(": ".join(filter(None, (name, ", ".join(dict.fromkeys(filter(None, tests))))))
                     for name, tests in by_file.items())


DOAP_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<rdf:RDF xmlns="http://usefulinc.com/ns/doap#"
         xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
         xmlns:xmpp="https://linkmauve.fr/ns/xmpp-doap#">
  <Project>
    <name>Stentor</name>
    <shortdesc xml:lang="en">Multi-user chat for XMPP, for rooms of tens of thousands</shortdesc>
    <description xml:lang="en">Beside an XMPP server, or alone: rooms and nothing else</description>
    <programming-language>C</programming-language>
    <os>Linux</os>
    <category rdf:resource="https://linkmauve.fr/ns/xmpp-doap#category-server"/>
"""
DOAP_TAIL = """
  </Project>
</rdf:RDF>
"""


# ---- the texts, where they are at hand ----

def anchors_of_text(path):
    """Anchor to (number of the section, how often each level stands in it); examples apart."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    found, anchor, example = {}, None, False
    for line in text.split("\n"):
        if line.startswith("```"):
            example = not example
        match = re.match(r"#+ ([\d.]*) ?(.*?) *\{#([\w-]*)\}", line)
        if match and not example:
            # what the text gives no anchor goes by its title
            anchor = match.group(3) or re.sub(r"\W+", "-", match.group(2).lower())
            found[anchor] = (match.group(1), collections.Counter())
        elif anchor is not None and not example and not line.startswith("    "):
            words = re.findall(r"\b(NOT RECOMMENDED|RECOMMENDED|REQUIRED|MUST NOT|MUST not|MUST"
                               r"|SHOULD NOT|SHOULD|SHALL NOT|SHALL)\b", line)
            found[anchor][1].update(IN_TEXT.get(word, word.replace(" ", "-")) for word in words)
    name, version = re.search(r"^# XEP-\d+: (.+)$", text, re.M), re.search(r"Version: (\S+)", text)
    return name.group(1), version.group(1), found


def compare(xepmap, folder):
    for number, xep in sorted(xepmap.xeps.items()):
        path = os.path.join(folder, f"xep-{number}.txt")
        if number.startswith("rfc") or not os.path.exists(path):
            continue
        name, version, anchors = anchors_of_text(path)
        if version != xep.version:
            xepmap.say(XEPS, xep.line, f"XEP-{number} is {xep.version}, the text {version}")
        if not name.startswith(xep.name):
            xepmap.say(XEPS, xep.line, f"XEP-{number} is called \"{name}\"")
        for tag in xepmap.tags:
            if tag.xep == number and tag.name.partition(".")[0] not in anchors:
                xepmap.say(tag.path, tag.line, f"XEP-{number} has no #{tag.name}")
        if number == MUC:
            compare_rules(xepmap, anchors)


def compare_rules(xepmap, anchors):
    for section in xepmap.sections:
        number, count = anchors.get(section.anchor, (None, None))
        if number != section.number:
            xepmap.say(RULES, section.line, f"#{section.anchor} is section {number} of the text")
            continue
        ours = sum((rule.count for rule in section.rules), collections.Counter())
        if ours != count:
            xepmap.say(RULES, section.line, f"#{section.anchor}: the text has "
                       + (", ".join(f"{level} {count[level]}" for level in LEVELS) + "; here are "
                          + ", ".join(f"{level} {ours[level]}" for level in LEVELS)))
    for anchor, (number, _) in anchors.items():
        chapter = number.partition(".")[0]
        if chapter.isdigit() and 5 <= int(chapter) <= 18 and anchor not in xepmap.anchors:
            xepmap.say(RULES, 1, f"section {number} of the text, #{anchor}, is missing")


def problems(root):
    """What does not fit, as (path, line, what): for tidy."""
    try:
        xepmap = Map(root)
        xepmap.check()
        xepmap.check_made()
        return xepmap.found
    except Wrong as wrong:
        return [wrong.args]
    except FileNotFoundError as missing:
        return [(os.path.relpath(missing.filename, root), 1, "is missing")]


def write(root):
    xepmap = Map(root)
    for path, text in xepmap.made():
        if text != read_text(root, path):
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
            print(f"xepmap: {path} is made anew")


def run(args):
    if args.specs is not None:
        if not os.path.exists(os.path.join(args.specs, f"xep-{MUC}.txt")):
            print(f"xepmap: skipped: there is no xep-{MUC}.txt in {args.specs}")
            return 77
        xepmap = Map(args.root)
        compare(xepmap, args.specs)
        found = xepmap.found
    else:
        if args.write:
            write(args.root)
        found = problems(args.root)
    for path, line, what in found:
        print(f"xepmap: {path}:{line}  {what}")
    print(f"xepmap: {len(found)} found")
    return 1 if found else 0


def main(words=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("root")
    parser.add_argument("--write", action="store_true", help="make tables and DOAP file anew")
    parser.add_argument("--specs", metavar="DIR", help="compare with the texts of the XEPs in DIR")
    try:
        return run(parser.parse_args(words))
    except Wrong as wrong:
        print("xepmap: {}:{}  {}".format(*wrong.args))
        return 1


if __name__ == "__main__":
    sys.exit(main())
