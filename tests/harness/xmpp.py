# SPDX-License-Identifier: Apache-2.0
"""XMPP servers of Debian with two users who see each other's presence, and a contact who notes what he sees."""
import asyncio
import json
import logging
import os
import pathlib
import shutil
import socket
import threading
import urllib.request

import slixmpp

from .ports import free_ports
from .server import Process
from .waiting import until

DOMAIN, PASSWORD = "xmpp.test", "secret"
INACTIVITY = 10  # seconds without a request after which the server forgets a session of BOSH


def _accepts(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class _XmppServer(Process):
    def __init__(self, folder, command, environment=None):
        super().__init__(type(self).__name__.lower(), command, folder, environment)
        self.url = f"http://127.0.0.1:{self.http_port}/http-bind"
        try:
            until(lambda: not self.is_alive() or (_accepts(self.c2s_port) and _accepts(self.http_port)),
                  f"{self.name} to listen", seconds=60)
            assert self.is_alive(), f"{self.name} ended:\n{self.log()[-3000:]}"
            self.set_up()
        except BaseException:
            self.kill()
            raise

    def set_up(self):
        """Users and rosters, where they are not in files."""


class Prosody(_XmppServer):
    PACKAGE, PROGRAM = "prosody", "prosody"

    def __init__(self, folder):
        self.c2s_port = free_ports(2)
        self.http_port = self.c2s_port + 1
        folder = pathlib.Path(folder)
        host = folder / "data" / DOMAIN.replace(".", "%2e")
        for kind in ("accounts", "roster"):
            (host / kind).mkdir(parents=True)
        for user, other in (("alice", "bob"), ("bob", "alice")):
            (host / "accounts" / f"{user}.dat").write_text(f'return {{ ["password"] = "{PASSWORD}"; }};\n')
            (host / "roster" / f"{user}.dat").write_text(
                f'return {{ [false] = {{}}; ["{other}@{DOMAIN}"] = {{ ["subscription"] = "both"; ["groups"] = {{}}; }}; }};\n')
        (folder / "prosody.cfg.lua").write_text(f"""
            run_as_root = true
            pidfile = "{folder}/prosody.pid"
            data_path = "{folder}/data"
            certificates = "{folder}"
            log = {{ {{ levels = {{ min = "info" }}, to = "console" }} }}
            interfaces = {{ "127.0.0.1" }}
            c2s_ports = {{ {self.c2s_port} }}
            http_ports = {{ {self.http_port} }}
            https_ports = {{}}
            http_interfaces = {{ "127.0.0.1" }}
            modules_enabled = {{ "roster", "saslauth", "disco", "presence", "message", "iq", "bosh", "ping", "posix", "offline" }}
            modules_disabled = {{ "s2s", "tls" }}
            c2s_require_encryption = false
            consider_bosh_secure = true
            allow_unencrypted_plain_auth = true
            authentication = "internal_plain"
            bosh_max_inactivity = {INACTIVITY}
            VirtualHost "{DOMAIN}"
              http_host = "127.0.0.1"
            """)
        super().__init__(folder, ["prosody", "-F", "--config", folder / "prosody.cfg.lua"])


class Ejabberd(_XmppServer):
    """Without Erlang's distribution, so that nothing of it stays behind."""
    PACKAGE, PROGRAM = "ejabberd", "ejabberdctl"

    def __init__(self, folder):
        self.c2s_port = free_ports(2)
        self.http_port = self.c2s_port + 1
        folder = pathlib.Path(folder)
        (folder / "spool").mkdir(parents=True)
        (folder / "ejabberd.yml").write_text(f"""
hosts: ["{DOMAIN}"]
loglevel: 4
listen:
  - {{ port: {self.c2s_port}, ip: "127.0.0.1", module: ejabberd_c2s, starttls: false }}
  - port: {self.http_port}
    ip: "127.0.0.1"
    module: ejabberd_http
    request_handlers: {{ "/http-bind": mod_bosh, "/api": mod_http_api }}
auth_method: internal
auth_password_format: scram
auth_scram_hash: sha256
default_db: mnesia
api_permissions:
  tests: {{ who: {{ ip: "127.0.0.1/8" }}, what: "*" }}
modules:
  mod_bosh: {{ max_inactivity: {INACTIVITY} }}
  mod_roster: {{}}
  mod_disco: {{}}
  mod_ping: {{}}
  mod_offline: {{}}
  mod_admin_extra: {{}}
""")
        libraries = next(pathlib.Path("/usr/lib").glob("*-linux-gnu/ejabberd-*")).parent
        super().__init__(folder, ["erl", "-noinput", "-mnesia", "dir", f'"{folder}/spool"', "-s", "ejabberd"],
                         {"ERL_LIBS": str(libraries), "EJABBERD_CONFIG_PATH": str(folder / "ejabberd.yml"),
                          "EJABBERD_LOG_PATH": str(folder / "ejabberd.log"), "HOME": str(folder)})

    def set_up(self):
        for user, other in (("alice", "bob"), ("bob", "alice")):
            self._call("register", user=user, host=DOMAIN, password=PASSWORD)
            self._call("add_rosteritem", localuser=user, localserver=DOMAIN, user=other, server=DOMAIN, nick="", group="",
                       subs="both")

    def _call(self, command, **arguments):
        request = urllib.request.Request(f"http://127.0.0.1:{self.http_port}/api/{command}",
                                         json.dumps(arguments).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)


def why_it_cannot_run(server):
    """Why there is no such server here; None where there is."""
    if not shutil.which(server.PROGRAM, path=f"{os.environ.get('PATH', '')}:/usr/sbin"):
        return f"{server.PROGRAM} is missing: apt-get install {server.PACKAGE}"
    return None


class Contact:
    """bob, who notes the presence of alice's resources, on a library that was not written here."""

    def __init__(self, server):
        self.seen, self._client = [], None
        self._is_online = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(server.c2s_port,), daemon=True)
        self._thread.start()
        assert self._is_online.wait(30), "the contact did not come online"

    def _run(self, port):
        logging.getLogger("slixmpp").setLevel(logging.CRITICAL)
        asyncio.set_event_loop(self._loop)
        self._client = slixmpp.ClientXMPP(f"bob@{DOMAIN}/desk", PASSWORD,
                                          plugin_config={"feature_mechanisms": {"unencrypted_plain": True}})
        self._client.add_event_handler("session_start", self._start)
        self._client.add_event_handler("presence", self._note)
        self._client.connect(("127.0.0.1", port), disable_starttls=True, force_starttls=False)
        self._loop.run_forever()

    async def _start(self, _event):
        self._client.send_presence(ppriority=5)
        await self._client.get_roster()
        self._is_online.set()

    def _note(self, presence):
        if presence["from"].user != "alice" or not presence["from"].resource:
            return  # a server may say at first that nobody is there
        resource = presence["from"].resource
        if presence["type"] == "unavailable":
            self.seen.append(f"{resource} gone")
        else:
            parts = [resource, presence.xml.findtext("{jabber:client}show"), presence["status"], str(presence["priority"])]
            self.seen.append(" ".join(part for part in parts if part))

    def say(self, text):
        """A message to the phone."""
        self._loop.call_soon_threadsafe(lambda: self._client.send_message(f"alice@{DOMAIN}/SIP-phone", text))

    def wait_for(self, what, seconds=20):
        until(lambda: self.seen and self.seen[-1] == what, f"the contact to see {what!r} (he saw {self.seen})", seconds)

    def close(self):
        async def leave():
            self._client.disconnect()
        asyncio.run_coroutine_threadsafe(leave(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
