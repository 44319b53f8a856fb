"""The simulator as an object: starts and stops, shows what happened, breaks what it is told to."""

from __future__ import annotations

import base64
import http.client
import json
import shutil
import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path
from secrets import token_urlsafe
from typing import Any, Self
from urllib.parse import urlencode

from reconciler.simulator import admin
from reconciler.simulator.deliveries import Delivery
from reconciler.simulator.exchange import EDIT_HEADER, Exchange, find_path_target
from reconciler.simulator.http.faults import FaultRegistry, InjectedFault
from reconciler.simulator.http.messages import HttpRequest, Json
from reconciler.simulator.server import Server
from reconciler.simulator.settings_file import write_settings
from reconciler.simulator.world.fleet_seed import NO_FLEET, FleetSeed
from reconciler.simulator.world.places import Places
from reconciler.simulator.world.seed import ADMINISTRATOR, CALLER, CLIENT, add_accounts, build_starting_world
from reconciler.simulator.world.switches import Setting, Switches

_DOMAIN = "example"


class Simulator:
    """Both APIs on one loopback port, from `__enter__` (or `start`) to `__exit__` (or `stop`).

    `certificates` is how many there are, `latency_ms` how long every API request waits, `switches` what differs from
    the defaults of `switches.DECLARED`. With `tls`, a server's context with its certificate, it speaks HTTPS. With a
    `fleet` there are more projects, by their ids, and more instances of Command, below /instances/NAME, and the
    settings name all of these in place of the first ones.
    Raises ValueError for an unknown switch, OSError where the port is taken.
    """

    def __init__(
        self,
        port: int = 0,
        certificates: int = 200,
        latency_ms: float = 0,
        switches: Mapping[str, Setting] | None = None,
        seed: int = 1,
        tls: ssl.SSLContext | None = None,
        fleet: FleetSeed = NO_FLEET,
    ) -> None:
        self.world = build_starting_world(certificates, seed, Switches(switches))
        self.lock = self.world.lock
        self.faults = FaultRegistry()
        self._secrets = _generate_secrets()
        add_accounts(self.world, self._secrets)
        self.places = Places(self.world, fleet, certificates, seed)
        self._exchange = Exchange(self.places, self.faults, latency_ms / 1000, self.edit)
        self._port, self._tls = port, tls
        self._server: Server | None = None
        self._folder: Path | None = None
        self._settings = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen, and write the settings file; afterwards `url`, `credentials` and the files are valid."""
        self._server = Server(self._port, self._answer, self._tls)
        self._folder = Path(tempfile.mkdtemp(prefix="reconciler-simulator-"))
        keyfactor, csms = self._describe_keyfactor(), self._describe_csms()
        members = (*self.places.projects.values(), *self.places.instances.values())
        self._settings = str(write_settings(self._folder, Path.cwd() / "manifests", keyfactor, csms, members))
        # Last: the socket has been listening since Server(), so early connections wait in the kernel's queue.
        self._server.start()

    def stop(self) -> None:
        """Close every connection and remove the settings and the secrets."""
        self._exchange.stop()
        if self._server is not None:
            self._server.stop()
            self._server = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    @property
    def url(self) -> str:
        """http://127.0.0.1:PORT, or https:// with TLS; without a slash at the end."""
        if self._server is None:
            raise RuntimeError("the simulator does not run")
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._server.port}"

    @property
    def settings(self) -> Path:
        """The ready reconciler.yaml; it is removed at the stop."""
        return Path(self._settings)

    @property
    def ledger(self) -> list[dict[str, Any]]:
        """A copy of the mutations really performed, oldest first; `place` is "" for the first project and instance."""
        with self.lock:
            return self.world.ledger.copy_everything()

    @property
    def requests(self) -> list[dict[str, Any]]:
        """A copy of the log, {"place", "api", "method", "path", "query", "status"} a request; 0 is a dropped one.

        `place` is the project's id or the instance's name, "" for the first ones.
        """
        with self.lock:
            return [dict(entry) for entry in self._exchange.log]

    def forget_requests(self) -> None:
        """Empty the log of requests; the ledger stays."""
        with self.lock:
            self._exchange.log.clear()

    def fault(
        self, method: str = "", path: str = "", kind: str = "status", times: int = 1, nth: int = 1, **params: Any
    ) -> int:
        """Inject a fault of `faults.KINDS`; returns its number. Raises ValueError for an unknown kind or parameter."""
        return self.faults.inject(InjectedFault(kind, method, path, nth=nth, times=times, params=params))

    def clear_faults(self) -> None:
        """Put all faults out of force."""
        self.faults.clear()

    def switch(self, **settings: Setting) -> None:
        """Change switches; raises ValueError for an unknown one and changes none then."""
        with self.lock:
            self.world.switches.set(settings)

    def temporary_keys(self, seconds: float = 3600) -> dict[str, str]:
        """Return a new AK/SK of the caller with the security token that every request by it must carry."""
        access, secret = _generate_access_key("ST"), token_urlsafe(30)
        with self.lock:
            token = self.world.add_temporary_key(access, secret, seconds)
        return {"access_key": access, "secret_key": secret, "security_token": token}

    def expire_tokens(self) -> None:
        """Let every OAuth, IAM and security token handed out so far expire now."""
        self._exchange.expire_tokens()

    def edit(
        self,
        method: str,
        path: str,
        body: Json = None,
        query: Mapping[str, str] | None = None,
        actor: str = "",
    ) -> tuple[int, Json]:
        """Edit by hand, over HTTP, as an administrator, who is called `actor` where that is given.

        `path` as documented: `/Security/Roles`, `/v1/<project>/...`; that of another instance starts with
        /instances/NAME. Returns the status and the decoded body (None without one). The edit is recorded like any other
        request and logged with "edit": true; faults and latency spare it.
        """
        is_cloud = path.startswith("/v1/")
        destination = find_path_target(path)
        root = f"/instances/{destination.named}/KeyfactorAPI" if destination.inner else "/KeyfactorAPI"
        target = (path if is_cloud else root + destination.path) + (f"?{urlencode(query)}" if query else "")
        if is_cloud:
            headers = self._build_console_headers(actor)
        else:
            headers = self._build_portal_headers(method, destination.path, actor)
        headers[EDIT_HEADER] = self._exchange.edit_key
        connection = self._open_connection()
        try:
            payload = None if body is None else json.dumps(body).encode()
            connection.request(method, target, payload, headers)
            reply = connection.getresponse()
            raw = reply.read()
        finally:
            connection.close()
        is_json = raw and "json" in (reply.getheader("Content-Type") or "")
        return reply.status, json.loads(raw) if is_json else None

    def _open_connection(self) -> http.client.HTTPConnection:
        """Connect to itself; it needs no certificate to know who that is."""
        port = int(self.url.rpartition(":")[2])
        if self._tls is None:
            return http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # In this order: ssl raises ValueError for CERT_NONE while check_hostname is on.
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=context)

    def _build_console_headers(self, actor: str) -> dict[str, str]:
        token = self.world.iam_tokens.issue(actor or "console", self.world.switches["csms_token_lifetime"])
        return {"X-Auth-Token": token, "Content-Type": "application/json"}

    def _build_portal_headers(self, method: str, path: str, actor: str) -> dict[str, str]:
        name = actor or ADMINISTRATOR
        with self.lock:
            administrator = self.world.users[ADMINISTRATOR.lower()]
            self.world.users.setdefault(name.lower(), administrator._replace(name=name))
        basic = base64.b64encode(f"{name}:{self._secrets['admin']}".encode()).decode()
        # DELETE of a role exists in version 1 alone (KF 1.1).
        version = "2" if path.lower().startswith("/security/roles") and method != "DELETE" else "1"
        return {
            "Authorization": f"Basic {basic}",
            "Content-Type": "application/json",
            "x-keyfactor-requested-with": "XMLHttpRequest",
            "x-keyfactor-api-version": version,
        }

    @property
    def credentials(self) -> dict[str, Any]:
        """What the ready file holds: addresses, credentials, the settings' path and the ledger's address."""
        return {
            "url": self.url,
            "settings": self._settings,
            "keyfactor": self._describe_keyfactor(),
            "csms": self._describe_csms(),
            "ledger": f"{self.url}/_sim/ledger",
        }

    def _describe_keyfactor(self) -> dict[str, Any]:
        return {
            "url": f"{self.url}/KeyfactorAPI",
            "username": CALLER,
            "password": self._secrets["password"],
            "client_id": CLIENT,
            "client_secret": self._secrets["client_secret"],
            "token_url": f"{self.url}/oauth/token",
        }

    def _describe_csms(self) -> dict[str, Any]:
        return {
            "url": self.url,
            "project_id": self.world.project,
            "access_key": self._secrets["access_key"],
            "secret_key": self._secrets["secret_key"],
            "iam_url": f"{self.url}/v3",
            "user": "reconciler",
            "domain": _DOMAIN,
            "password": self._secrets["iam_password"],
        }

    def _answer(self, request: HttpRequest) -> Delivery:
        if request.path.startswith(admin.ADMIN_PREFIX):
            return Delivery(admin.serve_admin(self, request))
        return self._exchange.answer(request)


def _generate_secrets() -> dict[str, str]:
    return {
        "password": token_urlsafe(18),
        "client_secret": token_urlsafe(24),
        "access_key": _generate_access_key("AK"),
        "secret_key": token_urlsafe(30),
        "iam_password": token_urlsafe(18),
        "admin": token_urlsafe(18),
    }


def _generate_access_key(prefix: str) -> str:
    # The gateway's pattern knows keys of letters and digits alone; token_urlsafe() also has - and _.
    return f"{prefix}{token_urlsafe(24).replace('-', 'A').replace('_', 'B').upper()}"[:20]
