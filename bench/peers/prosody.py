#!/usr/bin/env python3
"""Starts Prosody for a bench; see peer.py for what it prints and how it ends."""

import glob
import shutil
import sys

from peer import CLIENTS_DOMAIN, MUC_DOMAIN, SECRET, USERS_DOMAIN, Peer, Skip, main

CONFIG = """
run_as_root = true
daemonize = false
pidfile = "{folder}/prosody.pid"
data_path = "{folder}/data"
certificates = "{folder}"
log = {{ warn = "*console" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {clients} }}
s2s_ports = {{ }}
component_interfaces = {{ "127.0.0.1" }}
component_ports = {{ {component} }}
c2s_require_encryption = false
modules_enabled = {{ "saslauth", "disco", "presence", "message", "iq", "ping" }}
modules_disabled = {{ "s2s", "offline", "tls", "limits" }}
{tuned}

VirtualHost "{clients_domain}"
    authentication = "anonymous"

Component "{muc}" "muc"
    muc_room_locking = false
    muc_room_default_persistent = false
    muc_room_default_history_length = 20
    max_history_messages = 20
    modules_disabled = {{ "muc_mam" }}

Component "{users}"
    component_secret = "{secret}"
"""

TUNED = """
network_backend = "event"
gc = { mode = "generational" }
"""


class Prosody(Peer):
    """Prosody with the rooms; --tuned: libevent backend and generational garbage collector."""

    name = "prosody"

    def configure(self):
        if shutil.which("prosody") is None:
            raise Skip("Prosody is not installed (Debian package prosody)")
        if self.tuned and not glob.glob("/usr/share/lua/5.*/luaevent.lua"):
            raise Skip("Prosody has no libevent backend (Debian package lua-event)")
        config = self.write("prosody.cfg.lua", CONFIG.format(
            folder=self.folder, clients=self.client_port, component=self.component_port,
            clients_domain=CLIENTS_DOMAIN, muc=MUC_DOMAIN, users=USERS_DOMAIN, secret=SECRET,
            tuned=TUNED if self.tuned else ""))
        return ["prosody", "-F", "--config", config]


if __name__ == "__main__":
    sys.exit(main(Prosody))
