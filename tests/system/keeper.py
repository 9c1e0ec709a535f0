"""People in rooms that are kept, over the component link of a fakehost: what they send, hear, and
find in the archive."""

import xml.etree.ElementTree as ElementTree

from fakehost import NS_COMPONENT
from harness import MUC_DOMAIN, Stentor
from rawclient import NS_MUC, NS_STANZAS, name

NS_CLIENT = "jabber:client"
NS_FORWARD = "urn:xmpp:forward:0"
NS_MAM = "urn:xmpp:mam:2"
NS_RSM = "http://jabber.org/protocol/rsm"
KEPT = {"muc.locked": "off", "muc.defaults.persistent": "on", "muc.defaults.archive": "on"}
OWNER = "owner@host.example/home"
GUEST = "guest@host.example/home"


def room_of(local):
    return f"{local}@{MUC_DOMAIN}"


def keeping(binary, host, **more):
    """A server whose rooms are persistent and archived unless they are told otherwise."""
    settings = dict(KEPT)
    settings.update(more.pop("settings", {}))
    return Stentor(binary, host=host, settings=settings, **more)


def say(link, room, text, who=OWNER):
    link.stanza("message", who, room, f"<body>{text}</body>", type="groupchat", id=text)


def condition_of(element):
    """("wait", "resource-constraint") of an error; None: it is none."""
    if element.get("type") != "error":
        return None
    error = element.find(f"{{{NS_COMPONENT}}}error")
    return error.get("type"), next(name(child) for child in error
                                   if child.tag.startswith(f"{{{NS_STANZAS}}}"))


numbers = iter(range(1, 1 << 30))


def ask(link, kind, to, payload, who=OWNER, timeout=None):
    """Sends a request; returns its answer, and what else came to whom asked before that."""
    number = f"ask{next(numbers)}"
    before = []
    link.stanza("iq", who, to, payload, type=kind, id=number)
    while True:
        element = link.next(timeout)
        if element.get("id") == number and element.get("to") == who:
            return element, before
        before.append(element)


def archive_of(link, room, who=OWNER):
    """Texts of all messages in the archive, oldest first."""
    texts, after = [], ""
    while True:
        answer, results = ask(link, "set", room,
                              f"<query xmlns='{NS_MAM}'><set xmlns='{NS_RSM}'><max>100</max>{after}"
                              "</set></query>", who)
        assert answer.get("type") == "result", ElementTree.tostring(answer)
        for element in results:
            message = element.find(f".//{{{NS_FORWARD}}}forwarded/{{{NS_CLIENT}}}message")
            if message is not None:
                texts.append(message.findtext(f"{{{NS_CLIENT}}}body"))
        fin = answer.find(f"{{{NS_MAM}}}fin")
        if fin.get("complete") == "true":
            return texts
        after = f"<after>{fin.findtext(f'.//{{{NS_RSM}}}last')}</after>"


def archived(link, room, who=OWNER):
    """How many messages are in the archive, as it counts them."""
    answer, _ = ask(link, "set", room, f"<query xmlns='{NS_MAM}'><set xmlns='{NS_RSM}'>"
                    "<max>0</max></set></query>", who)
    assert answer.get("type") == "result", ElementTree.tostring(answer)
    return int(answer.findtext(f"{{{NS_MAM}}}fin/{{{NS_RSM}}}set/{{{NS_RSM}}}count"))


def affiliate(link, room, items, who=OWNER, timeout=None):
    """`items`: pairs of a JID and an affiliation. Returns the answer."""
    rows = "".join(f"<item jid='{jid}' affiliation='{word}'/>" for jid, word in items)
    return ask(link, "set", room, f"<query xmlns='{NS_MUC}#admin'>{rows}</query>", who, timeout)[0]


def affiliated(link, room, word, who=OWNER):
    """JIDs with that affiliation."""
    answer, _ = ask(link, "get", room,
                    f"<query xmlns='{NS_MUC}#admin'><item affiliation='{word}'/></query>", who)
    assert answer.get("type") == "result", ElementTree.tostring(answer)
    return {item.get("jid") for item in answer.iter(f"{{{NS_MUC}#admin}}item")}


def entered(link, room, nick, who, timeout=None):
    """Tries to enter: (what was shown on the way in, None), or (..., condition)."""
    shown = []
    link.stanza("presence", who, f"{room}/{nick}", f"<x xmlns='{NS_MUC}'/>")
    while True:
        element = link.next(timeout)
        if element.get("to") != who or not element.get("from").startswith(room):
            continue
        if name(element) == "presence" and condition_of(element) is not None:
            return shown, condition_of(element)
        shown.append(element)
        if name(element) == "message" and element.find(f"{{{NS_COMPONENT}}}subject") is not None:
            return shown, None


def bodies(elements):
    return [text for text in (element.findtext(f"{{{NS_COMPONENT}}}body") for element in elements)
            if text is not None]


def subject_in(elements):
    return next(element.findtext(f"{{{NS_COMPONENT}}}subject") or "" for element in elements
                if element.find(f"{{{NS_COMPONENT}}}subject") is not None)
