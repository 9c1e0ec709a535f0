#!/usr/bin/env python3
"""tools/xepmap on small trees: one in which everything fits, and one step away from it each."""

import contextlib
import io
import os
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

TOOLS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools")
sys.path.insert(0, os.path.join(TOOLS, "xepmap"))
import xepmap  # noqa: E402

TIDY = os.path.join(TOOLS, "tidy", "tidy.py")

RULES = """# what is asked
8 moderator
8.2 kick
    MUST removed: out it goes
    MUST-NOT+SHOULD*2 rank: not whoever is higher
    differs SHOULD order: in that order -- the other way round is better
    left SHOULD later: one day -- not yet
    same MUST #kick.removed
    client MUST: asks for it
12 statuscodes
"""
XEPS = """0030 2.5.0 complete Service Discovery
0045 1.0 partial Multi-User Chat -- not all & sundry
rfc6120 - complete Core
"""
ROLE = """/*
 * As RFC 6120 has it.
 * @xep 0045 1.0 #kick
 * #statuscodes
 * @xep 0030 2.5.0 #info
 */
"""
ROLE_TEST = """/* @covers 0045#statuscodes */
#include "x.h"

/* @covers 0045#kick.removed 0045#kick.order */
static void goes(void **state)
{
    assert_true(state);
}
"""
SCRIPT = "# @covers 0045#kick.rank 0030#info\n"
README = """# core
<!-- made by tools/xepmap/xepmap.py: begin -->
<!-- made by tools/xepmap/xepmap.py: end -->
"""
TEXT = """# XEP-0045: Multi-User Chat
Version: 1.0 (2026).
## 8 Moderators  {#moderator}
Nothing.
### 8.2 Kicking  {#kick}
He MUST go; she MUST ask. It MUST NOT, SHOULD and SHOULD not; one SHOULD, at last one SHOULD.
And MUST again.
```
an example MUST not be counted
```
## 12 Codes  {#statuscodes}
"""
FILES = {
    "tools/xepmap/xep-0045.def": RULES,
    "tools/xepmap/xeps.def": XEPS,
    "core/README.md": README,
    "core/muc/feature/role.c": ROLE,
    "tests/unit/role_test.c": ROLE_TEST,
    "tests/scripts/role.scs": SCRIPT,
    "specs/xep-0045.txt": TEXT,
}


class Tree(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = self.folder.name
        for path, text in FILES.items():
            self.put(path, text)
        self.run_tool("--write")

    def tearDown(self):
        self.folder.cleanup()

    def put(self, path, text):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)

    def get(self, path):
        with open(os.path.join(self.root, path), encoding="utf-8") as file:
            return file.read()

    def change(self, path, old, new):
        text = self.get(path)
        self.assertIn(old, text)
        self.put(path, text.replace(old, new))

    def run_tool(self, *args):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            status = xepmap.main([self.root, *args])
        return status, said.getvalue()

    def fits(self, *args):
        status, said = self.run_tool(*args)
        self.assertEqual((status, said.splitlines()[-1]), (0, "xepmap: 0 found"))

    def complains(self, *parts, args=()):
        """Also where the table is made anew: what is wrong does not go away by that."""
        self.run_tool("--write")
        status, said = self.run_tool(*args)
        self.assertEqual(status, 1, said)
        for part in parts:
            self.assertIn(part, said)
        self.assertNotIn("stale", said)

    # ---- what is made ----

    def test_everything_fits(self):
        self.fits()
        table = self.get("core/README.md")
        self.assertTrue(table.startswith("# core\n"))
        self.assertIn("| 8.2 kick.removed | MUST: out it goes | muc/feature/role.c "
                      "| role_test: goes |\n", table)
        self.assertIn("| 8.2 kick.rank | MUST NOT, SHOULD: not whoever is higher "
                      "| muc/feature/role.c | role.scs |\n", table)
        self.assertIn("*differs:* the other way round is better", table)
        self.assertIn("*left out:* not yet", table)
        self.assertIn("| 8.2 kick | MUST: as kick.removed | | |\n", table)
        self.assertIn("| 0045#statuscodes | muc/feature/role.c | role_test |\n", table)

    def test_a_rule_named_by_code_is_there(self):
        self.put("core/muc/rank.h", "/* @xep 0045 1.0 #kick.rank */\n")
        self.run_tool("--write")
        table = self.get("core/README.md")
        self.assertIn("not whoever is higher | muc/rank.h |", table)
        self.assertIn("out it goes | muc/feature/role.c |", table)

    def test_doap_names_all(self):
        root = ElementTree.fromstring(self.get("tools/xepmap/stentor.doap"))
        xmpp, rdf = "{https://linkmauve.fr/ns/xmpp-doap#}", \
            "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
        found = [(each.find(f"{xmpp}xep").get(f"{rdf}resource"), each.find(f"{xmpp}version").text,
                  each.find(f"{xmpp}status").text) for each in root.iter(f"{xmpp}SupportedXep")]
        self.assertEqual(found, [("https://xmpp.org/extensions/xep-0030.html", "2.5.0", "complete"),
                                 ("https://xmpp.org/extensions/xep-0045.html", "1.0", "partial")])
        self.assertEqual([note.text for note in root.iter(f"{xmpp}note")], ["not all & sundry"])

    def test_what_is_stale_is_found_and_made_anew(self):
        for path, old, new in (("core/README.md", "out it goes", "out it went"),
                               ("tools/xepmap/stentor.doap", "2.5.0", "2.4"),
                               ("tools/xepmap/xep-0045.def", "out it goes", "out she goes"),
                               ("tests/scripts/role.scs", "0030", "0045#statuscodes 0030")):
            self.change(path, old, new)
            status, said = self.run_tool()
            self.assertEqual(status, 1, path)
            self.assertIn("is stale: python3 tools/xepmap/xepmap.py . --write", said)
            self.fits("--write")
        self.put("core/README.md", "# core\n")
        self.complains("core/README.md:1  has no place for the table")

    # ---- what does not fit ----

    def test_a_rule_needs_a_test(self):
        self.change("tests/scripts/role.scs", "0045#kick.rank ", "")
        self.complains("tools/xepmap/xep-0045.def:5  #kick.rank has no test")

    def test_an_anchor_needs_a_test(self):
        self.change("tests/scripts/role.scs", " 0030#info", "")
        self.complains("core/muc/feature/role.c:5  0030#info has no test")

    def test_a_plain_section_needs_a_test(self):
        self.change("tests/unit/role_test.c", "/* @covers 0045#statuscodes */\n", "")
        self.complains("core/muc/feature/role.c:4  0045#statuscodes has no test")

    def test_a_test_needs_something_to_hold(self):
        for name in ("0045#nothing", "0045#kick.nothing", "0045#moderator", "0030#items",
                     "0199#c2s"):
            self.put("tests/scripts/role.scs", SCRIPT + f"# @covers {name}\n")
            self.complains(f"tests/scripts/role.scs:2  covers {name}, which no code names")

    def test_a_test_says_which_rule(self):
        self.put("tests/scripts/role.scs", SCRIPT + "# @covers 0045#kick\n")
        self.complains("covers 0045#kick: say which of its rules: 0045#kick.removed 0045#kick.rank")

    def test_what_is_left_out_has_no_test(self):
        self.put("tests/scripts/role.scs", SCRIPT + "# @covers 0045#kick.later\n")
        self.complains("covers 0045#kick.later, which is left out")

    def test_a_rule_needs_code(self):
        self.change("core/muc/feature/role.c", "#kick", "#kick.rank")
        self.complains("#kick.removed is nobody's")

    def test_code_names_what_there_is(self):
        self.change("core/muc/feature/role.c", "#kick", "#kick #dance #kick.dance")
        self.complains("role.c:3  there is no #dance in", "there is no #kick.dance in")

    def test_versions_agree(self):
        self.change("core/muc/feature/role.c", "0030 2.5.0", "0030 2.4")
        self.complains("XEP-0030 2.4: tools/xepmap/xeps.def has 2.5.0")

    def test_all_xeps_are_listed(self):
        self.change("tools/xepmap/xeps.def", "0030 2.5.0 complete Service Discovery\n", "")
        self.complains("XEP-0030 is not in tools/xepmap/xeps.def")

    def test_nothing_is_listed_that_is_not_there(self):
        self.put("tools/xepmap/xeps.def", XEPS + "0199 2.0 complete Ping\nrfc7395 - complete Web\n")
        self.complains("xeps.def:4  0199 is named by no code", "xeps.def:5  rfc7395 is named by no")

    def test_a_tag_stands_above_a_test(self):
        self.change("tests/unit/role_test.c", "static void goes(void **state)", "static int one;")
        self.complains("role_test.c:4  this tag stands above no test")

    def test_tags_can_be_read(self):
        self.put("tests/scripts/role.scs", "# @covers kick\n")
        self.complains("role.scs:1  a tag is: @covers NUMBER#anchor")
        self.put("tests/scripts/role.scs", SCRIPT)
        self.change("core/muc/feature/role.c", "@xep 0045 1.0 #kick", "@xep 0045 #kick")
        self.complains("role.c:3  a tag is: @xep NUMBER VERSION #anchor")

    def test_rules_can_be_read(self):
        for line, what in (("    MAY kick: what", "MAY is no level"),
                           ("    MUST it goes", "a rule is: LEVELS word"),
                           ("    left MUST on: it goes on", "needs a reason"),
                           ("    MUST on: it goes on -- or not", "nothing else has one"),
                           ("    MUST removed: twice", "#kick.removed stands here twice"),
                           ("    same MUST #kick.nothing", "there is no rule #kick.nothing"),
                           ("what is this", "a section is: NUMBER anchor")):
            self.put("tools/xepmap/xep-0045.def", RULES.replace("12 status", line + "\n12 status"))
            self.complains(what)
        self.put("tools/xepmap/xep-0045.def", RULES)
        self.put("tools/xepmap/xeps.def", XEPS + "0199 Ping\n")
        self.complains("xeps.def:4  a line is: NUMBER VERSION")

    # ---- the texts ----

    def specs(self):
        return ("--specs", os.path.join(self.root, "specs"))

    def test_without_texts_it_skips(self):
        status, said = self.run_tool("--specs", os.path.join(self.root, "nowhere"))
        self.assertEqual(status, 77)
        self.assertIn("skipped: there is no xep-0045.txt in", said)

    def test_the_rules_are_those_of_the_text(self):
        self.put("specs/xep-0045.txt", TEXT.replace("SHOULD not", "SHOULD NOT"))
        self.complains("#kick: the text has MUST 3, MUST-NOT 1, SHOULD 3, SHOULD-NOT 1; here are "
                       "MUST 3, MUST-NOT 1, SHOULD 4, SHOULD-NOT 0", args=self.specs())
        self.put("specs/xep-0045.txt", TEXT)
        self.fits(*self.specs())

    def test_sections_are_those_of_the_text(self):
        self.put("specs/xep-0045.txt", TEXT.replace("8.2", "8.3") + "## 13 More  {#more}\n")
        self.complains("#kick is section 8.3 of the text",
                       "section 13 of the text, #more, is missing", args=self.specs())

    def test_versions_are_those_of_the_texts(self):
        self.put("specs/xep-0030.txt", "# XEP-0030: Service Discovery\nVersion: 3.0 (2030).\n")
        self.complains("XEP-0030 is 2.5.0, the text 3.0", "XEP-0030 has no #info",
                       args=self.specs())

    # ---- tidy ----

    def test_tidy_says_it_too(self):
        tidy = [sys.executable, "-B", TIDY, self.root]
        done = subprocess.run(tidy, check=False, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, "tidy: 0 found\n"))
        self.change("core/README.md", "out it goes", "out it went")
        done = subprocess.run(tidy, check=False, capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("tidy: core/README.md:1  is stale", done.stdout)


if __name__ == "__main__":
    unittest.main()
