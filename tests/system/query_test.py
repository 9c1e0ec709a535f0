"""Random queries of an archive: filters, pages and directions in any mixture, answered by a server
with SQLite and compared with a model that looks at every message. A seed may be given in
QUERY_SEED; the one that was taken is told when an answer differs."""

import os
import random
import xml.etree.ElementTree as ElementTree

import harness
from archive_test import ARCHIVED, NS_DATA, NS_FORWARD, NS_MAM, NS_RSM, House, room_of
from harness import ACCOUNTS, DOMAIN
from rawclient import NS_CLIENT

NS_DELAY = "urn:xmpp:delay"
FULL_TEXT = "{urn:xmpp:fulltext:0}fulltext"
NICKS = ("Romeo", "Juliet", "Paris")
WORDS = ("lark", "night", "owl", "dawn")
MESSAGES = 60
QUERIES = 400
PAGE_MAX = 50  # what the service sends for one query


class Row:
    """What the model knows of a message; its place in the list is its place in the archive."""

    def __init__(self, place, sender, words):
        self.place = place
        self.nick, self.account = NICKS[sender], f"{ACCOUNTS[sender]}@{DOMAIN}"
        self.words = words
        self.id = self.stamp = None


class Query:
    """One query: what is sent, and what has to come."""

    def __init__(self, dice, rows):
        self.dice, self.rows = dice, rows
        self.fields, self.found = [], list(rows)
        for add in (self.add_sender, self.add_times, self.add_ends, self.add_ids, self.add_words):
            add()
        self.rsm, self.backwards = "", False
        self.page, self.max = list(self.found), PAGE_MAX
        self.add_page()
        self.flipped = self.chance(0.3)

    def chance(self, share):
        return self.dice.random() < share

    def where(self, var, value, fits):
        values = value if isinstance(value, list) else [value]
        self.fields.append((var, values))
        self.found = [row for row in self.found if fits(row)]

    # ---- filters ----

    def add_sender(self):
        if self.chance(0.3):
            nick = self.dice.choice(NICKS + ("Nobody",))
            self.where("with", f"{room_of('random')}/{nick}", lambda row: row.nick == nick)
        elif self.chance(0.3):
            account = self.dice.choice([f"{user}@{DOMAIN}" for user in ACCOUNTS + ("none",)])
            self.where("with", account, lambda row: row.account == account)

    def add_times(self):
        if self.chance(0.3):
            start = self.dice.choice(self.rows).stamp
            self.where("start", start, lambda row: row.stamp >= start)
        if self.chance(0.3):
            end = self.dice.choice(self.rows).stamp
            self.where("end", end, lambda row: row.stamp <= end)

    def add_ends(self):
        if self.chance(0.3):
            after = self.dice.choice(self.rows)
            self.where("after-id", after.id, lambda row: row.place > after.place)
        if self.chance(0.3):
            before = self.dice.choice(self.rows)
            self.where("before-id", before.id, lambda row: row.place < before.place)

    def add_ids(self):
        if self.chance(0.25):
            ids = [row.id for row in self.dice.sample(self.rows, self.dice.randrange(1, 20))]
            self.where("ids", ids, lambda row: row.id in ids)

    def add_words(self):
        if self.chance(0.3):
            words = self.dice.sample(WORDS, self.dice.randrange(1, 3))
            self.where(FULL_TEXT, " ".join(words), lambda row: set(words) <= set(row.words))

    # ---- pages ----

    def add_page(self):
        if self.chance(0.8):
            size = self.dice.choice((0, 1, 2, 5, 10, 49, 50, 51, 1000))
            self.rsm += f"<max>{size}</max>"
            self.max = min(size, PAGE_MAX)
        way, anchor = self.dice.random(), self.dice.choice(self.rows)
        if way < 0.25:
            self.rsm += f"<after>{anchor.id}</after>"
            self.page = [row for row in self.page if row.place > anchor.place]
        elif way < 0.5:
            self.rsm += f"<before>{anchor.id}</before>"
            self.page = [row for row in self.page if row.place < anchor.place]
            self.backwards = True
        elif way < 0.6:
            self.rsm += "<before/>"
            self.backwards = True
        elif way < 0.8:
            index = self.dice.randrange(len(self.rows) + 10)
            self.rsm += f"<index>{index}</index>"
            self.page = self.page[index:]
        self.complete = len(self.page) <= self.max
        if not self.complete:
            self.page = self.page[len(self.page) - self.max:] if self.backwards \
                else self.page[:self.max]

    def payload(self):
        text = ""
        for var, values in self.fields:
            inside = "".join(f"<value>{value}</value>" for value in values)
            text += f"<field var='{var}'>{inside}</field>"
        form = f"<x xmlns='{NS_DATA}' type='submit'><field var='FORM_TYPE' type='hidden'>" \
            f"<value>{NS_MAM}</value></field>{text}</x>" if text else ""
        rsm = f"<set xmlns='{NS_RSM}'>{self.rsm}</set>" if self.rsm else ""
        return form + rsm + ("<flip-page/>" if self.flipped else "")

    def expected(self):
        ids = [row.id for row in self.page]
        first, last = (ids[0], ids[-1]) if ids else (None, None)
        index = str(self.found.index(self.page[0])) if ids else None
        sent = ids[::-1] if self.flipped else ids
        return sent, self.complete, str(len(self.found)), first, last, index


def answer(client, payload):
    """Result elements, and <fin/>."""
    client.send(f"<iq type='set' id='mam' to='{room_of('random')}'>"
                f"<query xmlns='{NS_MAM}'>{payload}</query></iq>")
    results = []
    while True:
        element = client.next()
        if element.get("id") == "mam":
            assert element.get("type") == "result", (payload, ElementTree.tostring(element))
            return results, element.find(f"{{{NS_MAM}}}fin")
        result = element.find(f"{{{NS_MAM}}}result")
        if result is not None:
            results.append(result)


def answered(client, payload):
    """The same things as Query.expected()."""
    results, fin = answer(client, payload)
    first = fin.find(f".//{{{NS_RSM}}}first")
    return ([result.get("id") for result in results], fin.get("complete") == "true",
            fin.findtext(f".//{{{NS_RSM}}}count"), None if first is None else first.text,
            fin.findtext(f".//{{{NS_RSM}}}last"), None if first is None else first.get("index"))


def spoken(clients, dice):
    """Everybody speaks; then ids and times are read page by page."""
    rows = []
    for place in range(MESSAGES):
        row = Row(place, dice.randrange(len(clients)), dice.choices(WORDS, k=3))
        client = clients[NICKS.index(row.nick)]
        text = " ".join(row.words) + f" {place}"
        client.say(room_of("random"), text)
        client.hear(text)
        rows.append(row)
    after = ""
    for begin in range(0, MESSAGES, PAGE_MAX):
        results, _ = answer(clients[0], after)
        for row, result in zip(rows[begin:begin + PAGE_MAX], results, strict=True):
            forwarded = result.find(f"{{{NS_FORWARD}}}forwarded")
            assert forwarded.findtext(f".//{{{NS_CLIENT}}}body").endswith(f" {row.place}")
            row.id = result.get("id")
            row.stamp = forwarded.find(f"{{{NS_DELAY}}}delay").get("stamp")
        last = rows[begin:begin + PAGE_MAX][-1]
        after = f"<set xmlns='{NS_RSM}'><after>{last.id}</after></set>"
    return rows


def any_query_is_answered_as_the_model_does(args):
    seed = int(os.environ.get("QUERY_SEED") or random.randrange(1 << 32))
    dice = random.Random(seed)
    with House(args, ARCHIVED) as house:
        clients = [house.user] + [house.login(account) for account in ACCOUNTS[1:]]
        for client, nick in zip(clients, NICKS):
            client.join(room_of("random"), nick)
        rows = spoken(clients, dice)
        found = full = 0
        for number in range(QUERIES):
            query = Query(dice, rows)
            got, expected = answered(house.user, query.payload()), query.expected()
            assert got == expected, f"QUERY_SEED={seed}, query {number}: {query.payload()}: " \
                f"{got}, not {expected}"
            found += bool(query.page)
            full += not query.complete
        # They are not all about nothing.
        assert found > QUERIES // 8 and full > QUERIES // 16, (seed, found, full)
        for client in clients[1:]:
            client.socket.close()


def test(args):
    harness.run_cases((any_query_is_answered_as_the_model_does,), args.only, args)


if __name__ == "__main__":
    harness.main(test, __doc__)
