#!/usr/bin/env python3
"""Starts ejabberd for a bench; see peer.py for what it prints and how it ends."""

import glob
import os
import shutil
import sys

from peer import CLIENTS_DOMAIN, MUC_DOMAIN, SECRET, USERS_DOMAIN, Peer, Skip, main

CONFIG = """
hosts:
  - {clients_domain}
loglevel: warning
log_rotate_count: 0
auth_method: anonymous
anonymous_protocol: sasl_anon
default_db: mnesia
s2s_access: none
max_fsm_queue: 10000000
listen:
  - port: {clients}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    access: all
    max_stanza_size: infinity
    shaper: none
    backlog: 1024
  - port: {component}
    ip: "127.0.0.1"
    module: ejabberd_service
    access: all
    shaper: none
    max_stanza_size: infinity
    hosts:
      "{users}":
        password: "{secret}"
modules:
  mod_disco: {{}}
  mod_ping: {{}}
  mod_muc:
    host: "{muc}"
    access: all
    access_create: all
    history_size: 20
    max_users: 100000
    max_users_presence: 100000
    max_user_conferences: 100000
    min_message_interval: 0
    min_presence_interval: 0
    room_shaper: none
    default_room_options:
      persistent: false
      mam: false
      max_users: 100000
"""


class Ejabberd(Peer):
    """ejabberd with the rooms, started as its Debian package does but without a node name: no epmd,
    no cookie, nothing shared with another one."""

    name = "ejabberd"

    def configure(self):
        self.libraries = (glob.glob("/usr/lib/*/ejabberd-*/ebin")
                          + glob.glob("/usr/lib/ejabberd*/ebin"))
        if shutil.which("erl") is None or not self.libraries:
            raise Skip("ejabberd is not installed (Debian package ejabberd)")
        if self.tuned:
            raise Skip("ejabberd has no settings that make it faster beyond these")
        self.config = self.write("ejabberd.yml", CONFIG.format(
            clients=self.client_port, component=self.component_port, clients_domain=CLIENTS_DOMAIN,
            muc=MUC_DOMAIN, users=USERS_DOMAIN, secret=SECRET))
        os.makedirs(self.path("spool"), exist_ok=True)
        spool = f'"{self.path("spool")}"'
        return ["erl", "+K", "true", "+P", "250000", "+Q", "262144", "-noinput",
                "-mnesia", "dir", spool, "-s", "ejabberd"]

    def environment(self):
        return {"EJABBERD_CONFIG_PATH": self.config,
                "EJABBERD_LOG_PATH": self.path("own.log"),
                "ERL_CRASH_DUMP": self.path("crash.dump"),
                "ERL_CRASH_DUMP_BYTES": "0",
                "ERL_LIBS": os.path.dirname(os.path.dirname(self.libraries[0])),
                "HOME": self.folder}


if __name__ == "__main__":
    sys.exit(main(Ejabberd))
