"""What the suite measures. A job is one way of running the load generator; the rows of the table
read figures from its runs. Targets are those for 2 cores, the server under test pinned to one."""

from dataclasses import dataclass, field

US = "stentor"
LIMITS = ("null", "pipe")
PEERS = ("prosody", "prosody-tuned", "ejabberd")
LABELS = {"stentor": "Stentor", "null": "null service", "pipe": "raw pipe", "prosody": "Prosody",
          "prosody-tuned": "Prosody tuned", "ejabberd": "ejabberd"}


@dataclass
class Job:
    name: str
    plan: str
    settings: dict = field(default_factory=dict)
    seconds: float = 1.5       # the measured part of a run of ours or of a limit
    repeat: int = 3            # of them; the median counts. Peers run once
    targets: tuple = (US, "null", *PEERS)
    pipe: dict = None          # options of stentor-pipe for the same work
    peer_settings: dict = field(default_factory=dict)  # where a peer gets less to do
    quick_peer_settings: dict = field(default_factory=dict)  # the same in --quick
    peer_seconds: float = 3
    peer_note: str = ""
    cycles: bool = False       # its messages are leaving and coming back
    timeout: float = 60        # of one run, joins included
    quick: bool = False        # part of --quick
    full_only: bool = False    # peers only with --full
    threads: str = None        # a list: one run for each
    extra: tuple = ()


@dataclass
class Row:
    text: str
    job: str
    figure: str                # in a run; a dot goes into an object
    target: float
    unit: str                  # what the figure is shown in
    scale: float = 1           # figure * scale = unit
    more: bool = False         # more is better
    peer_scale: float = 1      # for what a peer did less of, or 0: not comparable
    limit: str = "null"        # whose figure is the limit; "" for none


def rooms(count, occupants, **more):
    return {"rooms": count, "occupants": occupants, **more}


# A room that shows presence to nobody: its occupants get their own and nothing else.
QUIET = {"presences": "none", "server.muc.defaults.broadcast": "none"}

JOBS = [
    Job("groupchat_1000", "big_room", rooms(1, 1000), pipe={"recipients": 1000}, quick=True,
        quick_peer_settings=rooms(1, 200)),
    Job("groupchat_100", "big_room", rooms(10, 100), pipe={"recipients": 100}),
    Job("groupchat_10", "big_room", rooms(100, 10), pipe={"recipients": 10}, quick=True),
    Job("groupchat_2", "big_room", rooms(500, 2), pipe={"recipients": 2}, quick=True),
    Job("presence_1000", "presence_storm", rooms(1, 1000), peer_settings=rooms(1, 300),
        peer_note="peers: a room of 300"),
    Job("presence_10", "presence_storm", rooms(100, 10)),
    Job("joins_2000", "join_storm", rooms(1, 2000), full_only=True, timeout=240),
    Job("rooms_10000", "join_storm", rooms(10000, 5), peer_settings=rooms(1000, 5),
        peer_note="peers: 1,000 rooms, times ten"),
    Job("memory_2", "join_storm", rooms(20000, 2, settle=3), repeat=1, targets=(US, *PEERS),
        peer_settings=rooms(10000, 2, settle=3), peer_note="peers: 10,000 rooms",
        full_only=True, timeout=240),
    Job("churn", "churn", rooms(20, 50), targets=(US, *PEERS), quick=True, cycles=True),
    Job("history", "history", rooms(100, 10), targets=(US, *PEERS), cycles=True),
    Job("open_loop", "open_loop", rooms(1, 1000, rate=1000000), quick=True,
        peer_settings=rooms(1, 300, rate=30000),
        peer_note="peers: 30,000 deliveries/s into a room of 300"),
    Job("clients_1000", "clients_big_room", rooms(1, 1000), targets=(US, *PEERS),
        pipe={"recipients": 1000, "sockets": 1000}, peer_settings=rooms(1, 300), timeout=90,
        peer_note="peers: 300 clients"),
    Job("huge_quiet", "big_room", rooms(1, 20000, **QUIET), repeat=1, targets=(US,)),
    Job("huge", "big_room", rooms(1, 20000), repeat=1, targets=(US,), timeout=300),
    # the curves
    Job("groupchat_5000", "big_room", rooms(1, 5000), repeat=1, targets=(US, "null")),
    Job("threads", "big_room", rooms(1000, 5), targets=(US,), threads="1,2,4,8"),
    *(Job(f"open_loop_{rate // 1000}k", "open_loop", rooms(1, 1000, rate=rate), repeat=1,
          targets=(US, "null"))
      for rate in (100000, 300000, 2000000, 4000000)),
    *(Job(f"open_loop_peers_{rate // 1000}k", "open_loop", rooms(1, 300, rate=rate), repeat=1,
          targets=PEERS, full_only=True)
      for rate in (3000, 10000, 60000)),
]

ROWS = [
    Row("groupchat, 1 room of 1,000: deliveries/s", "groupchat_1000", "deliveries_per_s", 5e6,
        "k/s", 1e-3, more=True),
    Row("  the same: CPU us per delivery", "groupchat_1000", "server_cpu_us_per_delivery", 0.20,
        "us"),
    Row("groupchat, 10 rooms of 100", "groupchat_100", "deliveries_per_s", 4.5e6, "k/s", 1e-3,
        more=True),
    Row("groupchat, 100 rooms of 10", "groupchat_10", "deliveries_per_s", 2.3e6, "k/s", 1e-3,
        more=True),
    Row("groupchat, 500 rooms of 2", "groupchat_2", "deliveries_per_s", 0.7e6, "k/s", 1e-3,
        more=True),
    Row("presence updates, 1 room of 1,000", "presence_1000", "deliveries_per_s", 4e6, "k/s", 1e-3,
        more=True),
    Row("presence updates, 100 rooms of 10", "presence_10", "deliveries_per_s", 2e6, "k/s", 1e-3,
        more=True),
    Row("1,000 join one room", "groupchat_1000", "seconds_to_join", 0.3, "s"),
    Row("2,000 join one room", "joins_2000", "seconds_to_join", 1.2, "s"),
    Row("10,000 rooms of 5 created and joined", "rooms_10000", "seconds_to_join", 0.6, "s",
        peer_scale=10),
    Row("leave and rejoin cycles/s, 20 rooms of 50", "churn", "messages_per_s", 15000, "/s",
        more=True, limit=""),
    Row("rejoin with 20 history messages, 100 rooms of 10", "history", "messages_per_s", 25000,
        "/s", more=True, limit=""),
    Row("open loop, 1 M/s into a room of 1,000: p50", "open_loop", "latency_us.p50", 1000, "ms",
        1e-3),
    Row("  the same: p99", "open_loop", "latency_us.p99", 3000, "ms", 1e-3),
    Row("memory per occupant, room of 1,000", "groupchat_1000", "bytes_per_occupant", 2048, "KB",
        1 / 1024, limit=""),
    Row("memory per room of 2, all included", "memory_2", "bytes_per_room", 3072, "KB",
        1 / 1024, limit=""),
    Row("1,000 clients: all join", "clients_1000", "seconds_to_join", 1.5, "s", peer_scale=0,
        limit=""),
    Row("  groupchat deliveries/s", "clients_1000", "deliveries_per_s", 125e3, "k/s", 1e-3,
        more=True, limit="pipe"),
    Row("  CPU us per delivery", "clients_1000", "server_cpu_us_per_delivery", 8, "us",
        limit="pipe"),
    Row("  memory per connected client", "clients_1000", "bytes_per_occupant", 12288, "KB",
        1 / 1024, limit=""),
    Row("a room of 20,000: all joined", "huge", "seconds_to_join", 240, "s", limit=""),
    Row("  the same, presence limited by the room", "huge_quiet", "seconds_to_join", 2, "s",
        limit=""),
]

# No cliff: what a delivery costs in the largest room, in terms of the ordinary one.
CLIFF = ("cost at 20,000 : cost at 1,000", "huge_quiet", "groupchat_1000",
         "server_cpu_us_per_delivery", 1.5)


def job(name):
    return next(one for one in JOBS if one.name == name)


def settings(of, target, mode):
    """What a target is given to do."""
    if target not in PEERS:
        return of.settings
    quick = of.quick_peer_settings if mode == "quick" else {}
    return {**of.settings, **of.peer_settings, **quick}


def note(of, mode):
    """What the reader must know about the peers' cells; empty: they did the same as we."""
    if mode == "quick" and of.quick_peer_settings:
        return "peers: " + ", ".join(f"{key} {value}"
                                     for key, value in of.quick_peer_settings.items())
    return of.peer_note
