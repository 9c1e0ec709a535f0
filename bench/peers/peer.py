"""What the scripts of this folder have in common: start one peer in a temporary folder, say on one
line how to reach it, and end it with its folder when asked to (SIGTERM, SIGINT, end of stdin).

    ready pid=PID port=PORT secret=SECRET domain=users.localhost muc=conference.localhost
          c2s=PORT c2sdomain=localhost                                            (on one line)

The peer hosts the rooms at conference.localhost; the users come as an external component
(users.localhost, XEP-0114) or as clients that log in without an account (SASL ANONYMOUS, no
TLS)."""

import argparse
import os
import resource
import select
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/system"))

from harness import MUC_DOMAIN, Program, Skip, accepts, free_port  # noqa: E402

USERS_DOMAIN = "users.localhost"
CLIENTS_DOMAIN = "localhost"
SECRET = "bench"
SKIPPED = 77
LIVES_S = 0.5  # how often to look whether the peer still runs


class Peer(Program):
    """A server with the production settings of bench/README.md. Subclasses have configure(), which
    returns the command line, and environment()."""

    def __init__(self, tuned, cpu):
        super().__init__()
        self.tuned = tuned
        self.cpu = cpu
        self.component_port = free_port()
        self.client_port = free_port()

    def environment(self):
        return {}

    def start(self):
        command = self.configure()
        if self.cpu is not None:
            command = ["taskset", "-c", self.cpu, *command]
        self.launch(command, self.environment())
        self.await_ready(lambda: accepts(self.client_port) and accepts(self.component_port))

    def ready_line(self):
        return (f"ready pid={self.process.pid} port={self.component_port} secret={SECRET} "
                f"domain={USERS_DOMAIN} muc={MUC_DOMAIN} c2s={self.client_port} "
                f"c2sdomain={CLIENTS_DOMAIN}")


def allow_many_files():
    """Tens of thousands of connections need as many descriptors, here and in what we start."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def on_stop_signals():
    """Returns a descriptor that becomes readable when the script is asked to stop. Not an
    exception: a second signal must not disturb the tidying up that the first one began."""
    readable, writable = os.pipe()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os.write(writable, b"."))
    return readable


def await_end(peer, stop):
    """Until asked to stop, stdin ends, or the peer does; returns the exit status for that."""
    while peer.process.poll() is None:
        readable, _, _ = select.select([sys.stdin, stop], [], [], LIVES_S)
        if stop in readable or (readable and not os.read(sys.stdin.fileno(), 4096)):
            return 0
    print(f"{peer.name} ended with status {peer.process.returncode}:\n{peer.log()[-4000:]}",
          file=sys.stderr)
    return 1


def main(kind):
    parser = argparse.ArgumentParser(description=kind.__doc__)
    parser.add_argument("--tuned", action="store_true",
                        help="with the settings that make it faster")
    parser.add_argument("--cpu", help="pin it to these processors (a list as for taskset)")
    args = parser.parse_args()
    allow_many_files()
    stop = on_stop_signals()
    try:
        with kind(args.tuned, args.cpu) as peer:
            print(peer.ready_line(), flush=True)
            return await_end(peer, stop)
    except Skip as skip:
        print(skip, file=sys.stderr)
        return SKIPPED
