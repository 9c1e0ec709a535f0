"""More than the server can do: a host that sends a room of sixty far more than it can be told, as
fast as the socket takes it, and reads all the while. What is refused nobody hears, what is not
refused everybody hears, once and in order; presence is never refused; memory stays where it was."""

import collections
import re
import select

import harness
from fakehost import FakeHost
from harness import MUC_DOMAIN, SECRET, Stentor

ROOM = f"overload@{MUC_DOMAIN}"
PEOPLE = 60
STANZAS = 40_000
PRESENCE_EVERY = 50
MEMORY_MAX = 64 << 20  # more than before: the bounds of net/README.md and what the allocator keeps
# One stanza with its kind and attributes; none of those here has another of its name inside.
STANZA = re.compile(rb"<(message|presence|iq)( [^>]*?)(?:/>|>(.*?)</\1>)", re.DOTALL)
ATTRIBUTE = re.compile(rb" (id|to|type)='([^']*)'")
STATUS = re.compile(rb"<status>s(\d+)</status>")


def person(number):
    return f"p{number}@host.example/home"


def is_sanitized(path):
    with open(path, "rb") as file:
        content = file.read()
    return b"__asan_init" in content or b"__tsan_init" in content


class Flood:
    """Sends it all, and writes down who was told what."""

    def __init__(self, link):
        self.link = link
        self.told = collections.defaultdict(list)  # person: numbers, in the order heard
        self.refused = []
        self.rest = b""

    def stanza(self, number):
        sender = person(number % PEOPLE)
        if number % PRESENCE_EVERY == 0:
            return (f"<presence from='{sender}' to='{ROOM}/n{number % PEOPLE}'>"
                    f"<status>s{number}</status></presence>")
        return (f"<message from='{sender}' to='{ROOM}' type='groupchat' id='n{number}'>"
                f"<body>{'x' * 100}</body></message>")

    def hear(self, kind, attributes, content):
        attributes = dict(ATTRIBUTE.findall(attributes))
        if attributes.get(b"type") == b"error":
            assert kind == b"message" and b"<resource-constraint" in content, content
            self.refused.append(int(attributes[b"id"][1:]))
            return
        status = STATUS.search(content) if kind == b"presence" else None
        if status:
            self.told[attributes[b"to"]].append(int(status[1]))
        elif kind == b"message" and attributes.get(b"id", b"").startswith(b"n"):
            self.told[attributes[b"to"]].append(int(attributes[b"id"][1:]))

    def read(self):
        data = self.rest + self.link.socket.recv(1 << 20)
        assert len(data) > len(self.rest), "the link was closed"
        end = 0
        for found in STANZA.finditer(data):
            self.hear(*found.groups())
            end = found.end()
        self.rest = data[end:]

    def run(self):
        data = "".join(map(self.stanza, range(STANZAS))).encode()
        at = 0
        self.link.socket.setblocking(False)
        while at < len(data) or not self.is_over():
            wants = [self.link.socket] if at < len(data) else []
            readable, writable, _ = select.select([self.link.socket], wants, [], 30)
            assert readable or writable, f"silent: {len(self.refused)} refused, {self.counts()}"
            if writable:
                at += self.link.socket.send(data[at:at + (1 << 16)])
            if readable:
                self.read()

    def counts(self):
        return sorted(len(numbers) for numbers in self.told.values())

    def is_over(self):
        counts = self.counts()
        return len(counts) == PEOPLE and counts[0] + len(self.refused) >= STANZAS


def all_or_nobody(flood):
    first = flood.told[person(0).encode()]
    assert first == sorted(set(first)), "twice or out of order"
    for number in range(PEOPLE):
        assert flood.told[person(number).encode()] == first, f"{person(number)} heard another story"
    refused = set(flood.refused)
    assert len(refused) == len(flood.refused), "refused twice"
    assert not refused & set(first), "refused and delivered"
    assert refused | set(first) == set(range(STANZAS)), "neither refused nor delivered"
    assert not [number for number in refused if number % PRESENCE_EVERY == 0]


def a_flood_is_refused_or_heard(args):
    """The link is slow, for sixty copies of each message have to be read by a test."""
    with FakeHost(MUC_DOMAIN, SECRET, timeout=60) as host, Stentor(args.stentord, host=host) as us:
        link = host.link()
        link.enter(person(0), ROOM, "n0")
        link.open_instantly(person(0), ROOM)
        for number in range(1, PEOPLE):
            link.enter(person(number), ROOM, f"n{number}")
        before = us.memory("VmRSS")
        flood = Flood(link)
        flood.run()
        all_or_nobody(flood)
        assert flood.refused, "nothing was refused: this was no overload"
        grown = us.memory("VmHWM") - before
        print(f"        {STANZAS - len(flood.refused)} told, {len(flood.refused)} refused, "
              f"{grown >> 20} MiB more")
        assert is_sanitized(args.stentord) or grown < MEMORY_MAX, f"{grown >> 20} MiB more"


def test(args):
    harness.run_cases((a_flood_is_refused_or_heard,), args.only, args)


if __name__ == "__main__":
    harness.main(test, __doc__)
