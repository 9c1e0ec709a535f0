#!/usr/bin/env python3
"""Runs stentord stand-alone for a try: makes two accounts, says how to join, shows its log.

usage: run.py STENTORD [options for stentord]
Called by tools/run, which builds the program first.
"""

import signal
import socket
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

ACCOUNTS = (("juliet", "wherefore"), ("romeo", "it-is-the-east"))
# For a try: everybody may come in, and rooms are open to the second one at once.
SETTINGS = ("client.listen=127.0.0.1:5222", "client.registration=on", "client.plaintext=on",
            "muc.locked=off")
START_SECONDS = 10
TAKEN = "{urn:ietf:params:xml:ns:xmpp-stanzas}conflict"


def option(arguments, name, preset):
    """The value that stentord will see for an option: the last --set wins."""
    value = preset
    for i, argument in enumerate(arguments):
        setting = ""
        if argument == "--set" and arguments[i + 1:]:
            setting = arguments[i + 1]
        elif argument.startswith("--set="):
            setting = argument.removeprefix("--set=")
        key, _, given = setting.partition("=")
        value = given if key == name else value
    return value


class Stream:
    """Just enough of an XMPP stream to register an account in the clear on loopback."""

    def __init__(self, address, domain):
        self.socket = socket.create_connection(address, timeout=5)
        self.parser = ElementTree.XMLPullParser(("start", "end"))
        self.depth = 0
        self.send(f"<stream:stream xmlns='jabber:client' to='{domain}' version='1.0' "
                  "xmlns:stream='http://etherx.jabber.org/streams'>")
        self.receive()  # the features

    def send(self, text):
        self.socket.sendall(text.encode())

    def receive(self):
        """The next complete child of the stream."""
        while True:
            for event, element in self.parser.read_events():
                self.depth += 1 if event == "start" else -1
                if event == "end" and self.depth == 1:
                    return element
            received = self.socket.recv(65536)
            if not received:
                raise OSError("the server closed the stream")
            self.parser.feed(received)

    def register(self, name, password):
        """True: it is there now, perhaps since the last time."""
        self.send("<iq type='set' id='register'><query xmlns='jabber:iq:register'>"
                  f"<username>{name}</username><password>{password}</password></query></iq>")
        answer = self.receive()
        return answer.get("type") == "result" or answer.find(f".//{TAKEN}") is not None

    def close(self):
        self.send("</stream:stream>")
        self.socket.close()


def accepts(address):
    try:
        socket.create_connection(address, timeout=1).close()
        return True
    except (OSError, OverflowError):
        return False


def listening(address, server):
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        if accepts(address):
            return True
        time.sleep(0.05)
    return False


def make_accounts(address, domain):
    for name, password in ACCOUNTS:
        stream = Stream(address, domain)
        if not stream.register(name, password):
            raise OSError(f"the account {name}@{domain} was refused")
        stream.close()


def say_how_to_join(address, domain, service):
    host, port = address
    print("\nStentor is running. With any XMPP client:")
    for name, password in ACCOUNTS:
        print(f"  account   {name}@{domain}   password  {password}")
    print(f"  server    {host}  port {port}   (the certificate is self-signed: accept it; TLS is optional here)")
    print(f"  room      lobby@{service}")
    print("Further accounts can be registered from the client. Ctrl-C stops the server.\n",
          flush=True)


def split_address(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port) if port.isdecimal() else 0


def main():
    program = sys.argv[1]
    arguments = [word for setting in SETTINGS for word in ("--set", setting)] + sys.argv[2:]
    domain = option(arguments, "client.domain", "localhost")
    service = option(arguments, "muc.domain", "conference.localhost")
    listen = option(arguments, "client.listen", "127.0.0.1:5222")
    address = split_address(listen)
    busy = accepts(address)  # somebody else: ours will say so and end, and makes no accounts there
    # Ctrl-C reaches the server too, being in the same process group: it stops, we wait for it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server = subprocess.Popen([program, *arguments],
                              preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    if not busy and listening(address, server):
        try:
            make_accounts(address, domain)
            say_how_to_join(address, domain, service)
        except OSError as error:
            print(f"tools/run: test accounts could not be made: {error}", file=sys.stderr)
    return server.wait()


if __name__ == "__main__":
    sys.exit(main())
