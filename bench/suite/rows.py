"""What the suite measures. A job is one way of running the load generator; the rows of the table
read figures from its runs. Targets are those for 2 cores, the server under test pinned to one."""

from dataclasses import dataclass, field

US = "stentor"
LIMITS = ("null", "pipe")
PEERS = ("prosody", "prosody-tuned", "ejabberd")
ALL = (US, *LIMITS, *PEERS)
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
    peer_settings: dict = field(default_factory=dict)  # where a peer gets less to do
    quick_peer_settings: dict = field(default_factory=dict)  # the same in --quick
    peer_seconds: float = 2
    peer_note: str = ""
    cycles: bool = False       # its messages are leaving and coming back
    timeout: float = 60        # of one run, joins included
    quick: bool = False        # part of --quick
    full_only: tuple = ()      # peers that do it only with --full: they take minutes
    threads: str = None        # a list: one run for each
    extra: tuple = ()
    store: bool = False        # part of --store, and of nothing else


@dataclass
class Row:
    text: str
    job: str
    figure: str                # in a run; a dot goes into an object
    target: float              # None: there is none
    unit: str                  # what the figure is shown in
    scale: float = 1           # figure * scale = unit
    more: bool = False         # more is better
    peer_scale: float = 1      # for what a peer did less of, or 0: not comparable
    limit: str = "null"        # whose figure is the limit; "" for none (bench/README.md says why)
    limit_job: str = ""        # where the limit is measured, if elsewhere
    limit_scale: float = 1     # for what it did less of there


def rooms(count, occupants, **more):
    return {"rooms": count, "occupants": occupants, **more}


# A room that shows presence to nobody: its occupants get their own and nothing else.
QUIET = {"presences": "none", "server.muc.defaults.broadcast": "none"}

# A service that has just begun, and one that has been there for years.
STORED_ROOMS = (1000, 1000000)
STORED_MESSAGES = 1000000

# What is said in each of the three cases; nothing waits for a store in the first.
STORES = ("memory", "process", "power")


def stored(name, plan, settings, **more):
    """The same without a store and with both promises, one after the other."""
    return [Job(f"{name}_{store}", plan, {**settings, "store": store}, seconds=1.5, repeat=2,
                targets=(US,), store=True, **more) for store in STORES]


# Long messages: a client that does not read soon has more than the server keeps for one.
SLOW = {"messages": 600}

JOBS = [
    Job("groupchat_1000", "big_room", rooms(1, 1000), targets=ALL, quick=True,
        quick_peer_settings=rooms(1, 200)),
    Job("groupchat_100", "big_room", rooms(10, 100), targets=ALL),
    Job("groupchat_10", "big_room", rooms(100, 10), targets=ALL, quick=True),
    Job("groupchat_2", "big_room", rooms(500, 2), targets=ALL, quick=True),
    Job("presence_1000", "presence_storm", rooms(1, 1000), peer_settings=rooms(1, 300),
        peer_note="peers: a room of 300"),
    Job("presence_10", "presence_storm", rooms(100, 10)),
    Job("joins_2000", "join_storm", rooms(1, 2000), full_only=PEERS, timeout=240),
    Job("rooms_10000", "join_storm", rooms(10000, 5), peer_settings=rooms(1000, 5),
        peer_note="peers: 1,000 rooms, times ten"),
    # Who has just let a thousand in is not at rest yet: all targets are given the same time for it.
    Job("memory_1000", "join_storm", rooms(1, 1000, settle=3), repeat=1, targets=(US, *PEERS),
        quick=True, peer_settings=rooms(1, 300, settle=3), peer_note="peers: a room of 300"),
    Job("memory_clients", "clients_big_room", rooms(1, 1000, steps="join", settle=3), repeat=1,
        targets=(US, *PEERS), peer_settings=rooms(1, 300, steps="join", settle=3), timeout=90,
        peer_note="peers: 300 clients"),
    Job("memory_2", "join_storm", rooms(20000, 2, settle=3), repeat=1,
        peer_settings=rooms(5000, 2, settle=3), peer_note="peers: 5,000 rooms", timeout=240,
        full_only=("prosody", "prosody-tuned")),
    Job("churn", "churn", rooms(20, 50), quick=True, cycles=True),
    Job("history", "history", rooms(100, 10), cycles=True),
    Job("open_loop", "open_loop", rooms(1, 1000, rate=1000000), quick=True,
        peer_settings=rooms(1, 300, rate=30000),
        peer_note="peers: 30,000 deliveries/s into a room of 300"),
    *(Job(f"overload_{times}x", "overload", rooms(1, 1000, rate=times * 5000000), repeat=2,
          targets=(US,))
      for times in (2, 10)),
    Job("clients_1000", "clients_big_room", rooms(1, 1000), targets=(US, "pipe", *PEERS),
        peer_settings=rooms(1, 300), timeout=90, peer_note="peers: 300 clients"),
    Job("clients_tls", "clients_big_room", rooms(1, 1000, tls=1), repeat=1, targets=(US,)),
    Job("readers", "slow_readers", {**SLOW, "slow_percent": 0}, repeat=2,
        targets=(US,)),
    Job("slow_readers", "slow_readers", SLOW, repeat=2, targets=(US,)),
    Job("small_alone", "mixed", {**rooms(1000, 5, rate=20000), "side_rooms": 0},
        repeat=2, targets=(US, "null")),
    Job("mixed", "mixed", repeat=2, targets=(US, "null"), seconds=2),
    Job("huge_quiet", "big_room", rooms(1, 20000, **QUIET), repeat=1, targets=(US, "null")),
    Job("huge", "big_room", rooms(1, 20000), repeat=1, targets=(US,), timeout=300),
    # the curves
    Job("groupchat_5000", "big_room", rooms(1, 5000), repeat=1, targets=(US, "null")),
    Job("threads", "big_room", rooms(1000, 5), targets=(US,), threads="1,2,4,8"),
    *(Job(f"open_loop_{rate // 1000}k", "open_loop", rooms(1, 1000, rate=rate), repeat=1,
          targets=(US, "null"))
      for rate in (100000, 300000, 2000000, 4000000)),
    *(Job(f"open_loop_peers_{rate // 1000}k", "open_loop", rooms(1, 300, rate=rate), repeat=1,
          targets=PEERS, full_only=PEERS)
      for rate in (3000, 10000, 60000)),
    # what is stored
    *stored("archive_1000", "archive", rooms(1, 1000)),
    *stored("archive_100", "archive", rooms(10, 100)),
    *stored("archive_open", "archive", rooms(1, 1000, rate=200000)),
    *stored("changes_1", "changes", rooms(1, 2)),
    *stored("changes_50", "changes", rooms(50, 2)),
    *(Job(f"start_{count}", "stored_rooms",
          {**rooms(1000, 1), "stored_rooms": count, "steps": "join", "settle": 1}, repeat=1,
          targets=(US,), store=True, timeout=180)
      for count in STORED_ROOMS),
    # A room leaves memory a minute after the last one left it.
    Job("idle_rooms", "stored_rooms", repeat=1, targets=(US,), store=True, timeout=180),
]

def of_store(text, job, figure, unit, scale=1, more=False):
    return Row(text, job, figure, None, unit, scale, more, limit="")


def said(store):
    return "not archived" if store == "memory" else f"archived, {store}"


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
        more=True),
    Row("rejoin with 20 history messages, 100 rooms of 10", "history", "messages_per_s", 25000,
        "/s", more=True),
    Row("open loop, 1 M/s into a room of 1,000: p50", "open_loop", "latency_us.p50", 1000, "ms",
        1e-3),
    Row("  the same: p99", "open_loop", "latency_us.p99", 3000, "ms", 1e-3),
    Row("2 times overload, room of 1,000: deliveries/s", "overload_2x", "deliveries_per_s", 4e6,
        "k/s", 1e-3, more=True, limit=""),
    Row("  p99 of what is not refused", "overload_2x", "admitted_latency_us.p99", 600000, "ms",
        1e-3, limit=""),
    Row("10 times overload, room of 1,000: deliveries/s", "overload_10x", "deliveries_per_s", 4e6,
        "k/s", 1e-3, more=True, limit=""),
    Row("  p99 of what is not refused", "overload_10x", "admitted_latency_us.p99", 600000, "ms",
        1e-3, limit=""),
    Row("  memory at its highest", "overload_10x", "rss_bytes.peak", 64 << 20, "MB",
        1 / (1 << 20), limit=""),
    Row("memory per occupant, room of 1,000", "memory_1000", "bytes_per_occupant", 2048, "KB",
        1 / 1024),
    Row("memory per room of 2, all included", "memory_2", "bytes_per_room", 3072, "KB",
        1 / 1024),
    Row("1,000 clients: all join", "clients_1000", "seconds_to_join", 1.5, "s", peer_scale=0,
        limit=""),
    Row("  groupchat deliveries/s", "clients_1000", "deliveries_per_s", 125e3, "k/s", 1e-3,
        more=True, limit="pipe"),
    Row("  CPU us per delivery", "clients_1000", "server_cpu_us_per_delivery", 8, "us",
        limit="pipe"),
    Row("  memory per connected client", "memory_clients", "bytes_per_occupant", 12288, "KB",
        1 / 1024, limit=""),
    Row("  with TLS: connected and logged in", "clients_tls", "seconds_to_connect", None, "s",
        limit=""),
    Row("  with TLS: groupchat deliveries/s", "clients_tls", "deliveries_per_s", None, "k/s", 1e-3,
        more=True, limit="pipe", limit_job="clients_1000"),
    Row("1,000 rooms of 5, 20,000 deliveries/s, alone: p50", "small_alone", "latency_us.p50", None,
        "ms", 1e-3),
    Row("  the same: p99", "small_alone", "latency_us.p99", None, "ms", 1e-3),
    Row("  beside a room of 20,000 at 1 M/s: p50", "mixed", "side_latency_us.p50", 3000, "ms",
        1e-3),
    Row("  the same: p99", "mixed", "side_latency_us.p99", 5000, "ms", 1e-3),
    Row("a room of 20,000: all joined", "huge", "seconds_to_join", 240, "s",
        limit_job="joins_2000", limit_scale=100),
    Row("a room of 20,000 that shows nobody: all joined", "huge_quiet", "seconds_to_join", 2, "s"),
    *(row for text, name in (("1 room of 1,000", "archive_1000"), ("10 rooms of 100", "archive_100"))
      for store in STORES
      for row in (of_store(f"{said(store)}, {text}: deliveries/s", f"{name}_{store}",
                           "deliveries_per_s", "k/s", 1e-3, more=True),
                  of_store("  messages/s", f"{name}_{store}", "messages_per_s", "/s", more=True),
                  of_store("  CPU us per message", f"{name}_{store}", "server_cpu_us_per_message",
                           "us"))),
    *(row for store in STORES
      for row in (of_store(f"{said(store)}, 200,000 deliveries/s: p50", f"archive_open_{store}",
                           "latency_us.p50", "ms", 1e-3),
                  of_store("  the same: p99", f"archive_open_{store}", "latency_us.p99", "ms",
                           1e-3))),
    *(row for text, name in (("1 room", "changes_1"), ("50 rooms at once", "changes_50"))
      for store in STORES
      for row in (of_store(f"affiliation changes, {text}, {store}", f"{name}_{store}",
                           "messages_per_s", "/s", more=True),
                  of_store("  answered after: p50", f"{name}_{store}", "latency_us.p50", "ms",
                           1e-3),
                  of_store("  the same: p99", f"{name}_{store}", "latency_us.p99", "ms", 1e-3))),
    *(row for count in STORED_ROOMS
      for row in (of_store(f"{count:,} rooms are stored: start", f"start_{count}",
                           "seconds_to_start", "ms", 1e3),
                  of_store("  memory then", f"start_{count}", "rss_bytes.before", "MB",
                           1 / (1 << 20)),
                  of_store("  1,000 of them are entered, and loaded", f"start_{count}",
                           "seconds_to_join", "ms", 1e3))),
    of_store("10,000 rooms loaded, and left: memory of each", "idle_rooms", "bytes_per_room_left",
             "bytes"),
    of_store("  the same when they are idle", "idle_rooms", "bytes_per_room_idle", "bytes"),
]


@dataclass
class MicroRow:
    """A case of the store's micro bench, in a large archive."""

    text: str
    case: str


MICRO_ROWS = [
    MicroRow("page of 100 out of {:,}: first", "first page of 100"),
    MicroRow("  last", "last page of 100"),
    MicroRow("  from the middle", "page of 100 from the middle"),
    MicroRow("  since a time", "page of 100 since a time, counted"),
    MicroRow("  of one nickname", "last page of 100 by a nickname"),
    MicroRow("  by a word that is in all of them", "last page of 100 by a common word"),
    MicroRow("  by a word that is in one of them", "page by a rare word"),
]


@dataclass
class Quotient:
    """A figure of one job over that of another, both ours."""

    text: str
    job: str
    base: str
    figure: str
    bound: float               # None: there is none
    more: bool = False


QUOTIENTS = [
    # No cliff: what a delivery costs in the largest room, in terms of the ordinary one.
    Quotient("cost at 20,000 : cost at 1,000", "huge_quiet", "groupchat_1000",
             "server_cpu_us_per_delivery", 1.5),
    Quotient("1% of clients stop reading: rate of the others", "slow_readers", "readers",
             "deliveries_per_s", 0.9, more=True),
    *(Quotient(f"{text}, {store} : not archived, {what}", f"{name}_{store}", f"{name}_memory",
               figure, None)
      for text, name in (("1 room of 1,000", "archive_1000"), ("10 rooms of 100", "archive_100"))
      for store in STORES[1:]
      for what, figure in (("deliveries/s", "deliveries_per_s"),
                           ("CPU", "server_cpu_us_per_message"))),
    *(Quotient(f"200,000 deliveries/s, {store} : not archived, {quantile}",
               f"archive_open_{store}", "archive_open_memory", f"latency_us.{quantile}", None)
      for store in STORES[1:] for quantile in ("p50", "p99")),
    *(Quotient(f"changes, power: {what} in 50 rooms : alone", "changes_50_power",
               "changes_1_power", figure, None)
      for what, figure in (("rate", "messages_per_s"), ("p99", "latency_us.p99"))),
    *(Quotient(f"1,000,000 rooms stored : 1,000, {what}", "start_1000000", "start_1000", figure,
               None)
      for what, figure in (("start", "seconds_to_start"), ("memory", "rss_bytes.before"))),
]


@dataclass
class Difference:
    """A figure of one job less that of another, both ours."""

    text: str
    job: str
    base: str
    figure: str
    unit: str
    scale: float


DIFFERENCES = [
    *(Difference(f"{store} adds to delivery at 200,000/s, {quantile}", f"archive_open_{store}",
                 "archive_open_memory", f"latency_us.{quantile}", "ms", 1e-3)
      for store in STORES[1:] for quantile in ("p50", "p99")),
    Difference("memory of a stored room that is not loaded", "start_1000000", "start_1000",
               "rss_bytes.before", "bytes", 1 / (STORED_ROOMS[1] - STORED_ROOMS[0])),
]


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
