"""A host server of which every byte is ours: it takes a component's connection, and can then
break off in the middle of a stanza, fall silent, or stop reading. Only one link at a time."""

import hashlib
import socket
import xml.etree.ElementTree as ElementTree

from rawclient import NS_MUC, NS_STREAM, NS_STREAMS, RawClient, name

NS_COMPONENT = "jabber:component:accept"


class Link(RawClient):
    """The host's end of one connection; reads like a client does."""

    def __init__(self, connection, timeout):
        self.timeout = timeout
        self.socket = connection
        self.socket.settimeout(timeout)
        self.jid = None
        self.restart()

    def greet(self, domain):
        """Headers in both directions; returns the component's handshake."""
        while self.root is None:
            self.read_some()
        assert self.root.get("to") == domain, ElementTree.tostring(self.root)
        assert self.root.tag == f"{{{NS_STREAM}}}stream"
        self.send(f"<?xml version='1.0'?><stream:stream xmlns='{NS_COMPONENT}' id='s&lt;1' "
                  f"xmlns:stream='{NS_STREAM}' from='{domain}'>")
        return self.next()

    def refuse(self, domain, condition):
        self.greet(domain)
        self.send(f"<stream:error><{condition} xmlns='{NS_STREAMS}'/></stream:error>"
                  "</stream:stream>")
        self.await_eof()
        self.socket.close()

    def shake_hands(self, domain, secret):
        handshake = self.greet(domain)
        assert name(handshake) == "handshake", ElementTree.tostring(handshake)
        right = hashlib.sha1(f"s<1{secret}".encode()).hexdigest()
        assert handshake.text == right, f"{handshake.text} instead of {right}"
        self.send("<handshake/>")

    def stanza(self, kind, sender, to, payload="", **attributes):
        more = "".join(f" {key}='{value}'" for key, value in attributes.items())
        self.send(f"<{kind} from='{sender}' to='{to}'{more}>{payload}</{kind}>")

    def enter(self, sender, room, nick):
        """Somebody of ours enters a room; returns when the subject has come to him."""
        self.stanza("presence", sender, f"{room}/{nick}", f"<x xmlns='{NS_MUC}'/>")
        self.until(lambda element: name(element) == "message" and element.get("to") == sender and
                   element.find(f"{{{NS_COMPONENT}}}subject") is not None)

    def open_instantly(self, sender, room):
        """A new room, opened with the defaults by its creator."""
        self.stanza("iq", sender, room, f"<query xmlns='{NS_MUC}#owner'><x xmlns='jabber:x:data' "
                                        "type='submit'/></query>", type="set", id="open")
        answer = self.until(lambda element: element.get("id") == "open")
        assert answer.get("type") == "result", ElementTree.tostring(answer)

    def heard_by(self, to, text, timeout=None):
        return self.until(lambda element: element.get("to") == to and
                          element.findtext(f"{{{NS_COMPONENT}}}body") == text, timeout)


class FakeHost:
    """Listens like the component port of a host; `component_port` as in the real ones."""

    def __init__(self, domain, secret, timeout=20):
        self.domain = domain
        self.secret = secret
        self.timeout = timeout
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(timeout)
        self.component_port = self.listener.getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def connected(self):
        """Waits for a component; not yet shaken hands."""
        connection, _ = self.listener.accept()
        return Link(connection, self.timeout)

    def link(self):
        link = self.connected()
        link.shake_hands(self.domain, self.secret)
        return link
