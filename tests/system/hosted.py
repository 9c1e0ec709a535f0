"""stentord behind a host of which every byte is ours, on a store that outlives it, and a few people
there: what they do, and what they are told."""

import time
import xml.etree.ElementTree as ElementTree

import harness
from fakehost import NS_COMPONENT, FakeHost
from harness import MUC_DOMAIN, SECRET, Stentor
from rawclient import NS_MUC, NS_MUC_USER, NS_STANZAS, await_condition, name

NS_SID = "urn:xmpp:sid:0"
NS_PING = "urn:xmpp:ping"
OWNER, BOB, CAROL = (f"{user}@host.example/home" for user in ("owner", "bob", "carol"))
PROBE = "probe@host.example/probe"
STOP_S = 2.0
PINGS_PER_LOOK = 64
SINCE = "2020-01-01T00:00:00Z"


def codes_of(element):
    return {status.get("code") for status in element.findall(f".//{{{NS_MUC_USER}}}status")}


def role_of(element):
    return element.find(f".//{{{NS_MUC_USER}}}item").get("role")


def is_leave(element):
    return name(element) == "presence" and element.get("type") == "unavailable"


def said(link, seconds):
    """Everything that comes in that time, or until the link ends."""
    end, heard = time.monotonic() + seconds, []
    while True:
        try:
            heard.append(link.next(max(0.001, end - time.monotonic())))
        except (TimeoutError, EOFError, ConnectionError):
            return heard


def starts(stentor):
    return len(stentor.log_lines(" serves "))


class Service:
    """stentord behind a host of ours, on a store that outlives it."""

    def __init__(self, args, client=False, settings=None):
        self.host = FakeHost(MUC_DOMAIN, SECRET, timeout=8)
        self.stentor = Stentor(args.stentord, client=client, host=self.host, settings={
            "muc.locked": "off", **(settings or {})})

    def __enter__(self):
        self.stentor.__enter__()
        self.link = self.host.link()
        return self

    def __exit__(self, kind, value, trace):
        try:
            self.stentor.__exit__(kind, value, trace)
        finally:
            self.link.socket.close()
            self.host.__exit__()

    def stop(self):
        """A planned stop; returns what was said until the link ended."""
        began = time.monotonic()
        self.stentor.process.terminate()
        heard = said(self.link, STOP_S)
        status = self.stentor.process.wait(STOP_S)
        took = time.monotonic() - began
        assert status == 0 and took < STOP_S, f"status {status} after {took:.1f} s"
        self.link.socket.close()
        return heard

    def crash(self):
        self.stentor.kill()
        said(self.link, STOP_S)
        self.link.socket.close()

    def start(self, settings=None, host=None):
        """Returns when it runs; the link is another matter."""
        before = starts(self.stentor)
        self.stentor.settings.update(settings or {})
        if host is not None:
            self.stentor.settings["component.port"] = str(host.component_port)
        self.stentor.start()
        assert await_condition(lambda: starts(self.stentor) > before, harness.READY_S)

    def again(self, settings=None):
        self.start(settings)
        self.connect()

    def connect(self):
        """One that did not live long may have called here too."""
        while True:
            try:
                self.link = self.host.link()
                return
            except (EOFError, ConnectionError):
                pass

    # ---- what users do ----

    def request(self, sender, to, kind, payload):
        number = f"r{time.monotonic_ns()}"
        self.link.stanza("iq", sender, to, payload, type=kind, id=number)
        answer = self.link.until(lambda element: element.get("id") == number)
        assert answer.get("type") == "result", ElementTree.tostring(answer)
        return answer

    def configure(self, room, **options):
        fields = "".join(f"<field var='muc#roomconfig_{option}'><value>{value}</value></field>"
                         for option, value in options.items())
        self.request(OWNER, room, "set", f"<query xmlns='{NS_MUC}#owner'><x xmlns='jabber:x:data' "
                     f"type='submit'><field var='FORM_TYPE'><value>{NS_MUC}#roomconfig</value>"
                     f"</field>{fields}</x></query>")

    def say(self, sender, room, text):
        """Returns the stanza-id that the sender is shown."""
        self.link.stanza("message", sender, room, f"<body>{text}</body>", type="groupchat")
        heard = self.link.heard_by(sender, text)
        return heard.find(f"{{{NS_SID}}}stanza-id").get("id")

    def status(self, sender, room, nick, text):
        self.link.stanza("presence", sender, f"{room}/{nick}", f"<status>{text}</status>")
        self.link.until(lambda element: element.get("to") == sender and
                        element.findtext(f"{{{NS_COMPONENT}}}status") == text)

    def newcomer_sees(self, room, history=f"<history since='{SINCE}'/>"):
        """What somebody new is shown, as texts that can be compared: presences in any order, then
        history and subject as they came. It leaves again."""
        self.link.stanza("presence", PROBE, f"{room}/probe", f"<x xmlns='{NS_MUC}'>{history}</x>")
        presences, messages = [], []
        while True:
            element = self.link.next()
            if element.get("to") != PROBE:
                continue
            if name(element) == "message":
                messages.append(ElementTree.tostring(element))
                if element.find(f"{{{NS_COMPONENT}}}subject") is not None:
                    break
            elif element.get("from") != f"{room}/probe":
                presences.append(ElementTree.tostring(element))
        self.link.stanza("presence", PROBE, f"{room}/probe", type="unavailable")
        self.link.until(lambda element: is_leave(element) and element.get("to") == PROBE)
        said(self.link, 0.1)
        return sorted(presences), messages


# ---- who is still there ----

def leaves(service, count):
    """Whose going the owner is told of next."""
    told = set()
    while len(told) < count:
        element = service.link.until(lambda stanza: is_leave(stanza) and
                                     stanza.get("to") == OWNER)
        assert codes_of(element) == {"333"}, ElementTree.tostring(element)
        told.add("user" + element.get("from").rpartition("/n")[2] + "@host.example/home")
    return told


def await_pings(service, looks):
    """The first to be asked, by JID; not more of them at a time than may be, and nobody is told
    anything else."""
    asked, times = {}, []
    while len(asked) < looks * PINGS_PER_LOOK * 3 // 4:
        element = service.link.next(40)
        assert element.find(f"{{{NS_PING}}}ping") is not None, ElementTree.tostring(element)
        asked[element.get("to")] = element
        times.append(time.monotonic())
    for first in times:
        within = sum(first <= at < first + 1 for at in times)
        assert within <= PINGS_PER_LOOK, f"{within} pings within a second"
    return asked


def answer(service, jid, ping, here):
    if here:
        service.link.stanza("iq", jid, ping.get("from"), type="result", id=ping.get("id"))
        return
    service.link.stanza("iq", jid, ping.get("from"), "<error type='cancel'><item-not-found "
                        f"xmlns='{NS_STANZAS}'/></error>", type="error", id=ping.get("id"))


def answer_some(service, asked):
    """The owner and every tenth answer their pings, the others are not there any more: they are put
    out. Returns who is there."""
    here = {jid for jid in asked if jid == OWNER or jid.endswith("1@host.example/home")}
    for jid, ping in asked.items():
        answer(service, jid, ping, jid in here)
    gone = set(asked) - here
    assert here and gone, asked
    assert leaves(service, len(gone)) == gone
    return here
