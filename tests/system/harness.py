"""Starts the programs that the system tests talk to, each on free loopback ports and in a
temporary folder of its own, and ends them by their process id.

    with Stentor(args.stentord, client=True) as stentor:
        ...
    with Prosody() as prosody, Stentor(args.stentord, host=prosody) as stentor:
        prosody.await_component()

When a test fails inside a `with`, the end of the program's log is printed. A host server that is
not installed raises Skip; main() turns that into exit code 77, which ctest shows as "skipped"."""

import argparse
import contextlib
import ctypes
import glob
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

from rawclient import NS_DISCO, RawClient, await_condition

SKIPPED = 77
ACCOUNTS = ("user", "user2", "user3")
ADMIN = "admin"  # an account too, and admin of the conference service
PASSWORD = "password"
DOMAIN = "localhost"
MUC_DOMAIN = "conference.localhost"
SECRET = "a secret of the tests"
READY_S = 30
STOP_S = 5
LOG_TAIL = 60


class Skip(Exception):
    """The test cannot run here; the text says what is missing."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def die_with_parent():
    """In the child: a test that is killed takes its servers along."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


class Program:
    """One child process with a folder and a log; the base of all servers here."""

    name = "program"

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="stentor-test-")
        self.log_path = os.path.join(self.folder, self.name + ".log")
        self.process = None

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def launch(self, argv, environment=None):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                env=dict(os.environ, **(environment or {})), preexec_fn=die_with_parent)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def log_lines(self, text):
        return [line for line in self.log().splitlines() if text in line]

    def await_log(self, text, seconds=READY_S):
        """Waits for a line with `text`; the assertion shows the log when it never comes."""
        if not await_condition(lambda: self.log_lines(text), seconds):
            raise AssertionError(f"{self.name} never logged '{text}':\n{self.log()}")
        return self.log_lines(text)[-1]

    def await_ready(self, ready):
        def settled():
            return self.process.poll() is not None or ready()
        if not await_condition(settled, READY_S):
            raise AssertionError(f"{self.name} is not ready after {READY_S} s:\n{self.log()}")
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended at once with status "
                                 f"{self.process.returncode}:\n{self.log()}")

    def kill(self):
        """As when the machine loses power: no goodbye."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Ends it politely; returns how it ended: its exit status."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.process.returncode

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind, value, trace):
        self.stop()
        if kind is not None and kind is not Skip and os.path.exists(self.log_path):
            tail = self.log().splitlines()[-LOG_TAIL:]
            print(f"---- the end of {self.name}'s log ----", *tail, "----", sep="\n")
        shutil.rmtree(self.folder, ignore_errors=True)
        return False


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class Stentor(Program):
    """stentord: stand-alone with `client`, behind a host server with `host`, or both.

    A clean stop within two seconds, and the exit status 0 that a sanitizer build has only when
    it found nothing, belong to every test."""

    name = "stentord"
    STOP_LIMIT_S = 2.0

    def __init__(self, binary, client=False, host=None, secret=SECRET, settings=None):
        super().__init__()
        self.binary = os.path.abspath(binary)
        self.port = free_port() if client else None
        # More threads than a small machine gets by itself: a room and its people on several.
        self.settings = {"muc.domain": MUC_DOMAIN, "threads": "3", "net_threads": "2",
                         "muc.admins": f"{ADMIN}@{DOMAIN}"}
        if client:
            self.settings.update({"client.listen": f"127.0.0.1:{self.port}",
                                  "client.plaintext": "on", "client.registration": "on"})
        if host is not None:
            self.settings.update({"component.host": "127.0.0.1", "component.secret": secret,
                                  "component.port": str(host.component_port)})
        self.settings.update(settings or {})

    def start(self):
        argv = [self.binary]
        for name, value in self.settings.items():
            argv += ["--set", f"{name}={value}"]
        self.launch(argv)
        if self.port is not None:
            self.await_ready(lambda: accepts(self.port))

    def again(self):
        """Ends it properly and starts it anew, on the same store."""
        status = self.stop()
        assert status == 0, f"stentord stopped with status {status}"
        self.start()

    def memory(self, field):
        """VmRSS, or VmHWM, its highest so far; bytes."""
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as status:
            return next(int(line.split()[1]) * 1024 for line in status
                        if line.startswith(field + ":"))

    def register_accounts(self):
        for account in (*ACCOUNTS, ADMIN):
            with RawClient(self.port) as client:
                client.register(account, PASSWORD)

    def __exit__(self, kind, value, trace):
        if kind is None:
            began = time.monotonic()
            status = self.stop()
            took = time.monotonic() - began
            if status != 0 or took > self.STOP_LIMIT_S:
                problem = AssertionError(
                    f"stentord stopped with status {status} after {took:.1f} s")
                super().__exit__(AssertionError, problem, None)
                raise problem
        return super().__exit__(kind, value, trace)


class Host(Program):
    """A host server with the test accounts and a port for stentord as its component."""

    def __init__(self):
        super().__init__()
        self.port = free_port()
        self.component_port = free_port()

    def await_component(self):
        """Until the service answers through the host."""
        def answers():
            with RawClient(self.port) as client:
                client.login(ACCOUNTS[0], PASSWORD)
                answer = client.request("get", MUC_DOMAIN, f"<query xmlns='{NS_DISCO}#info'/>")
                return answer.get("type") == "result"
        if not await_condition(answers, READY_S):
            raise AssertionError(f"no component at {self.name} after {READY_S} s:\n{self.log()}")


PROSODY_CONFIG = """
run_as_root = true
daemonize = false
pidfile = "{folder}/prosody.pid"
data_path = "{folder}/data"
certificates = "{folder}"
log = {{ info = "*console" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
s2s_ports = {{ }}
component_interfaces = {{ "127.0.0.1" }}
component_ports = {{ {component_port} }}
authentication = "internal_plain"
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
modules_enabled = {{ "roster", "saslauth", "disco", "presence", "message", "iq", "ping" }}
modules_disabled = {{ "s2s", "offline", "tls" }}
VirtualHost "{domain}"
Component "{muc_domain}"
    component_secret = "{secret}"
"""


class Prosody(Host):
    """`more`: further components, domain -> secret."""

    name = "prosody"

    def __init__(self, more=None):
        super().__init__()
        self.more = more or {}

    def start(self):
        if shutil.which("prosody") is None:
            raise Skip("Prosody is not installed (Debian package prosody)")
        config = self.write("prosody.cfg.lua", PROSODY_CONFIG.format(
            folder=self.folder, port=self.port, component_port=self.component_port, domain=DOMAIN,
            muc_domain=MUC_DOMAIN, secret=SECRET) + "".join(
                f'Component "{domain}"\n    component_secret = "{secret}"\n'
                for domain, secret in self.more.items()))
        for account in (*ACCOUNTS, ADMIN):
            self.write(f"data/{DOMAIN}/accounts/{account}.dat",
                       f'return {{ ["password"] = "{PASSWORD}"; }};\n')
        self.launch(["prosody", "-F", "--config", config])
        self.await_ready(lambda: accepts(self.port) and accepts(self.component_port))


EJABBERD_CONFIG = """
hosts:
  - {domain}
loglevel: info
log_rotate_count: 0
auth_method: internal
default_db: mnesia
s2s_access: none
registration_timeout: infinity
listen:
  - port: {port}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    access: all
  - port: {component_port}
    ip: "127.0.0.1"
    module: ejabberd_service
    access: all
    global_routes: false
    hosts:
      "{muc_domain}":
        password: "{secret}"
modules:
  mod_disco: {{}}
  mod_ping: {{}}
  mod_register:
    ip_access: all
  mod_roster: {{}}
"""


EJABBERD_BALANCING = """
domain_balancing:
  "{muc_domain}":
    type: source
    component_number: {links}
"""


class Ejabberd(Host):
    """ejabberd without a node name: no epmd, no cookie, nothing shared with another one."""

    name = "ejabberd"

    def __init__(self, links=1):
        super().__init__()
        self.links = links

    def start(self):
        libraries = glob.glob("/usr/lib/*/ejabberd-*/ebin") + glob.glob("/usr/lib/ejabberd*/ebin")
        if shutil.which("erl") is None or not libraries:
            raise Skip("ejabberd is not installed (Debian package ejabberd)")
        template = EJABBERD_CONFIG + (EJABBERD_BALANCING if self.links > 1 else "")
        config = self.write("ejabberd.yml", template.format(
            port=self.port, component_port=self.component_port, domain=DOMAIN,
            muc_domain=MUC_DOMAIN, secret=SECRET, links=self.links))
        os.makedirs(self.path("spool"), exist_ok=True)
        spool = f'"{self.path("spool")}"'
        self.launch(["erl", "-noinput", "-mnesia", "dir", spool, "-s", "ejabberd"], {
            "EJABBERD_CONFIG_PATH": config,
            "EJABBERD_LOG_PATH": self.path("own.log"),
            "ERL_CRASH_DUMP": self.path("crash.dump"),
            "ERL_LIBS": os.path.dirname(os.path.dirname(libraries[0])),
            "HOME": self.folder})
        self.await_ready(lambda: accepts(self.port) and accepts(self.component_port))
        for account in (*ACCOUNTS, ADMIN):
            with RawClient(self.port) as client:
                client.register(account, PASSWORD, known_is_fine=True)


# ---- what the tests have in common ----

def play_one(command, restart):
    """Returns the player's exit status; whenever it asks for it, the service is restarted."""
    ours, players = socket.socketpair()
    with ours:
        with players:
            process = subprocess.Popen(
                [command[0], "--restart", str(players.fileno()), *command[1:]],
                pass_fds=[players.fileno()], preexec_fn=die_with_parent)
        try:
            while ours.recv(1):
                restart()
                ours.send(b"r")
        finally:
            ours.shutdown(socket.SHUT_RDWR)
            process.wait()
    return process.returncode


def play(args, port, where, extra, restart):
    """Plays all scripts with libstrophe's clients; restart() ends the service and starts it anew."""
    assert args.play, "the player is not named: --play"
    scripts = scripts_of(args)
    ends = {os.path.basename(script):
            play_one([args.play, "--port", str(port), *extra, script], restart)
            for script in scripts}
    count = list(ends.values()).count
    print(f"{where}: {count(0)} of {len(scripts)} scripts played, {count(SKIPPED)} left out")
    failed = [script for script, status in ends.items() if status not in (0, SKIPPED)]
    assert not failed, f"{where}: " + ", ".join(failed)


def talk(args, port):
    """A conversation of libstrophe's clients, in a room of their own."""
    if not args.talk:
        print("skipped: the talk of libstrophe's clients (name strophe_talk with --talk)")
        return
    status = subprocess.run([args.talk, str(port)], check=False).returncode
    assert status == 0, "the clients of libstrophe did not get on with each other"


def scripts_of(args):
    scripts = sorted(glob.glob(os.path.join(args.scripts, "*.scs")))
    if not scripts:
        raise AssertionError(f"there is no script in {args.scripts}")
    if args.only:
        scripts = [script for script in scripts if args.only in os.path.basename(script)]
    if args.verbatim and os.path.exists(args.verbatim):
        scripts.append(args.verbatim)
    elif args.verbatim:
        print(f"skipped: {args.verbatim} is not here")
    return scripts


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--stentord", required=True, help="the program under test")
    parser.add_argument("--play", help="the player of scripts, from tests/system/play.c")
    parser.add_argument("--talk", help="the conversation of tests/system/strophe_talk.c")
    parser.add_argument("--store-tool", help="stentor-store")
    parser.add_argument("--faulty", help="stentord with tests/support/faulty_vfs under its store")
    parser.add_argument("--scripts", help="folder of the conversation scripts")
    parser.add_argument("--verbatim", help="one more script, taken from elsewhere; may be absent")
    parser.add_argument("--only", help="only scripts (or cases) with this in their name")
    return parser.parse_args()


def main(test, description):
    """Runs test(args) and turns its end into an exit status."""
    args = arguments(description)
    try:
        test(args)
    except Skip as skip:
        print(f"skipped: {skip}")
        sys.exit(SKIPPED)
    except AssertionError as failure:
        traceback.print_exc()
        print(f"FAILED: {str(failure).splitlines()[0] if str(failure) else 'an assertion'}")
        sys.exit(1)
    print("passed")


def run_cases(cases, only, *context):
    """Runs functions one after the other; all of them, then fails if one did."""
    failed, ran = [], 0
    for case in cases:
        if only and only not in case.__name__:
            continue
        began = time.monotonic()
        try:
            case(*context)
            word = "ok"
            ran += 1
        except Skip as skip:
            print(skip)
            word = "skipped"
        except (AssertionError, OSError, EOFError):
            traceback.print_exc()
            failed.append(case.__name__)
            word = "FAILED"
        print(f"{word:7} {case.__name__} ({time.monotonic() - began:.2f} s)", flush=True)
    assert not failed, "failed: " + ", ".join(failed)
    if ran == 0:
        raise Skip("no case could run")


@contextlib.contextmanager
def certificate():
    """A self-signed certificate for DOMAIN: paths of the certificate and of its key."""
    with tempfile.TemporaryDirectory(prefix="stentor-test-") as folder:
        cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", f"/CN={DOMAIN}",
             "-addext", f"subjectAltName=DNS:{DOMAIN}"], check=True, capture_output=True)
        yield cert, key
