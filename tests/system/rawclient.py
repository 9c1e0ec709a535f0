"""A client that is nothing but a socket and a pull parser: it can send what no library would,
and sees every byte that comes back."""

import base64
import socket
import time
import uuid
import xml.etree.ElementTree as ElementTree

NS_STREAM = "http://etherx.jabber.org/streams"
NS_STREAMS = "urn:ietf:params:xml:ns:xmpp-streams"
NS_STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
NS_SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
NS_BIND = "urn:ietf:params:xml:ns:xmpp-bind"
NS_CLIENT = "jabber:client"
NS_REGISTER = "jabber:iq:register"
NS_DISCO = "http://jabber.org/protocol/disco"
NS_MUC = "http://jabber.org/protocol/muc"
NS_MUC_USER = NS_MUC + "#user"

HEADER = ("<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
          "xmlns:stream='http://etherx.jabber.org/streams' version='1.0' to='{}'>")


def await_condition(condition, seconds):
    """Asks again and again; an OSError counts as "not yet"."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if condition():
                return True
        except (OSError, EOFError):
            pass
        time.sleep(0.02)
    return False


def name(element):
    """Local name: '{jabber:client}message' is a 'message'."""
    return element.tag.rpartition("}")[2]


def space(element):
    return element.tag.rpartition("}")[0][1:]


class StreamError(AssertionError):
    """The server ended the stream with an error nobody expected."""


class RawClient:
    def __init__(self, port, domain="localhost", timeout=10, receive_buffer=None):
        self.domain = domain
        self.timeout = timeout
        self.socket = socket.socket()
        self.socket.settimeout(timeout)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.jid = None
        self.restart()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def restart(self):
        """A new stream begins on the same connection."""
        self.parser = ElementTree.XMLPullParser(("start", "end"))
        self.depth = 0
        self.root = None
        self.ended = False
        self.waiting = []

    # ---- bytes ----

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def read_some(self):
        """One read; at the end of the connection EOFError."""
        data = self.socket.recv(65536)
        if not data:
            raise EOFError("the server closed the connection")
        self.feed(data)

    def feed(self, data):
        try:
            self.parser.feed(data)
            events = list(self.parser.read_events())
        except ElementTree.ParseError as error:
            raise AssertionError(f"the server sent bad XML ({error}): {data!r}") from error
        for event, element in events:
            if event == "start":
                if self.depth == 0:
                    self.root = element
                self.depth += 1
                continue
            self.depth -= 1
            if self.depth == 0:
                self.ended = True
            elif self.depth == 1:
                self.waiting.append(element)
                self.root.remove(element)

    # ---- stanzas ----

    def next(self, timeout=None):
        """The next child of the stream; EOFError: there will be none, TimeoutError: none came."""
        end = time.monotonic() + (self.timeout if timeout is None else timeout)
        while not self.waiting:
            if self.ended:
                raise EOFError("the server closed the stream")
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError("nothing came")
            self.socket.settimeout(left)
            self.read_some()
        self.socket.settimeout(self.timeout)
        return self.waiting.pop(0)

    def until(self, fits, timeout=None):
        """Passes over stanzas until one fits; a stream error is never passed over."""
        end = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            element = self.next(max(end - time.monotonic(), 0.001))
            if fits(element):
                return element
            if element.tag == f"{{{NS_STREAM}}}error":
                raise StreamError(ElementTree.tostring(element).decode())

    def request(self, kind, to, payload, timeout=None):
        """Sends an IQ and returns its answer, whichever it is."""
        number = "raw-" + uuid.uuid4().hex[:12]
        address = f" to='{to}'" if to else ""
        self.send(f"<iq type='{kind}' id='{number}'{address}>{payload}</iq>")
        return self.until(lambda element: name(element) == "iq" and element.get("id") == number,
                          timeout)

    def stream_error(self, timeout=None):
        """Reads on to the stream error, and that the stream and the connection end after it.
        Returns its condition."""
        error = self.until(lambda element: element.tag == f"{{{NS_STREAM}}}error", timeout)
        conditions = [name(child) for child in error
                      if space(child) == NS_STREAMS and name(child) != "text"]
        assert len(conditions) == 1, ElementTree.tostring(error)
        self.await_close()
        return conditions[0]

    def await_close(self, timeout=None):
        """The server ends the stream in good form and closes the connection."""
        try:
            while True:
                self.next(timeout)
        except (EOFError, ConnectionResetError):
            pass
        assert self.ended, "the connection was closed without </stream:stream>"
        self.await_eof(timeout)

    def await_eof(self, timeout=None):
        self.socket.settimeout(self.timeout if timeout is None else timeout)
        try:
            while True:
                self.read_some()
        except (EOFError, ConnectionResetError):
            pass

    # ---- the way in ----

    def open(self):
        """Opens a stream; returns its features."""
        self.restart()
        self.send(HEADER.format(self.domain))
        return self.until(lambda element: element.tag == f"{{{NS_STREAM}}}features")

    def register(self, user, password, known_is_fine=False):
        self.open()
        answer = self.request("set", "", f"<query xmlns='{NS_REGISTER}'><username>{user}</username>"
                                         f"<password>{password}</password></query>")
        known = answer.find(f".//{{{NS_STANZAS}}}conflict") is not None
        assert answer.get("type") == "result" or (known and known_is_fine), \
            ElementTree.tostring(answer)

    def authenticate(self, user, password):
        self.open()
        secret = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        self.send(f"<auth xmlns='{NS_SASL}' mechanism='PLAIN'>{secret}</auth>")
        answer = self.next()
        assert answer.tag == f"{{{NS_SASL}}}success", ElementTree.tostring(answer)
        self.open()

    def login(self, user, password, resource=None):
        """All the way to a bound session; no presence is sent."""
        self.authenticate(user, password)
        wish = f"<resource>{resource}</resource>" if resource else ""
        answer = self.request("set", "", f"<bind xmlns='{NS_BIND}'>{wish}</bind>")
        assert answer.get("type") == "result", ElementTree.tostring(answer)
        self.jid = answer.findtext(f".//{{{NS_BIND}}}jid")
        return self

    # ---- rooms ----

    def join(self, room, nick):
        """Enters; returns when the subject has come, the end of the join."""
        self.send(f"<presence to='{room}/{nick}'><x xmlns='{NS_MUC}'/></presence>")
        while True:
            element = self.until(lambda stanza: (stanza.get("from") or "").startswith(room))
            assert element.get("type") != "error", ElementTree.tostring(element)
            subject = element.find(f"{{{NS_CLIENT}}}subject")
            body = element.find(f"{{{NS_CLIENT}}}body")
            if name(element) == "message" and subject is not None and body is None:
                return

    def say(self, room, text):
        self.send(f"<message type='groupchat' to='{room}'><body>{text}</body></message>")

    def hear(self, text, timeout=None):
        return self.until(lambda element: element.findtext(f"{{{NS_CLIENT}}}body") == text, timeout)
