"""One way to log in, in one situation: the command line against the simulator behind TLS, as a user would run it."""

from __future__ import annotations

import base64
import json
import ssl
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from reconciler.cli import main
from reconciler.simulator import Simulator
from tests.support.login_methods import EVENT, PROVIDED, ROLE, Way, settings, target
from tests.support.proxy import Proxy
from tests.support.tls_certificates import API, PROVIDER, authority, both, issued

CANARY = "canary-of-a-wrong-secret-0123456789"
ELSEWHERE = "other.example.com"
PROXY_PASSWORD = "canary-of-the-proxys-password-42"
WANTED = "Basic " + base64.b64encode(f"proxy-user:{PROXY_PASSWORD}".encode()).decode()
LOGIN = "    proxyAuth: {username: proxy-user, password: {env: PROXY}}\n"
PROJECTS = "/v3/projects"
OWN = "clientCertificate: {certificate: own.pem, key: own.key}"


class Situation(NamedTuple):
    """What is the matter. `server` and `provider` are (authority, name) of the certificates that are shown.

    `proxy` is the status of its refusal, 200 for an open one, 0 for none, -1 for one that isn't there.
    """

    name: str
    secret: str = "right"
    server: tuple[str, str] = ("api", API)
    provider: tuple[str, str] = ("provider", PROVIDER)
    expired: bool = False
    proxy: int = 0
    login: str = ""
    """What a proxy that wants a login is given: the "right" one or a "wrong" one."""
    client: str = ""
    """Whether the server wants a client certificate, and it is "given" or "kept back"."""
    at_most: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    """What such a server speaks."""
    echo: bool = False
    """Whether whoever is asked first refuses, and recites what it was given."""

    def concerns(self, way: Way) -> bool:
        """Say whether a way can be in this situation."""
        if self.provider != ("provider", PROVIDER):
            return way.name in PROVIDED
        if self.proxy in (502, -1):
            return way.name in {"basic", "password"}  # these are asked for again, with pauses
        return True


SITUATIONS = (
    Situation("right"),
    Situation("wrong secret", secret="wrong"),
    Situation("expired", secret="expired"),
    Situation("missing", secret="missing"),
    Situation("recited secret", echo=True),
    Situation("wrong TLS name", server=("api", ELSEWHERE)),
    Situation("unknown CA", server=("stranger", API)),
    Situation("expired certificate", expired=True),
    Situation("provider: wrong TLS name", provider=("provider", ELSEWHERE)),
    Situation("provider: unknown CA", provider=("stranger", PROVIDER)),
    Situation("through a proxy", proxy=200),
    Situation("refused proxy (407)", proxy=407),
    Situation("refused proxy (403)", proxy=403),
    Situation("failing proxy (502)", proxy=502),
    Situation("absent proxy", proxy=-1),
    Situation("through a proxy that knows us", proxy=200, login="right"),
    Situation("a proxy that doesn't know us", proxy=200, login="wrong"),
    Situation("client certificate", client="given"),
    Situation("client certificate kept back", client="kept back"),
    Situation("client certificate kept back (TLS 1.3)", client="kept back", at_most=ssl.TLSVersion.TLSv1_3),
)


class Outcome(NamedTuple):
    """How a run ended: its code, its first problem, all its output, and what the others saw.

    `requests` are those that the simulator answered, `logins` those of them that were for the identity provider,
    `tunnels` the places that the proxy was asked for, and `overheard` all that the proxy was told in the clear.
    """

    code: int
    message: str
    output: str
    secrets: tuple[str, ...]
    requests: int
    logins: int
    tunnels: tuple[str, ...]
    overheard: str


def run(way: Way, situation: Situation) -> Outcome:
    """Plan one change of one object."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="reconciler-auth-")))
        simulator = stack.enter_context(Simulator(certificates=5, tls=_context(situation)))
        proxy = Proxy(0 if situation.proxy == 200 else situation.proxy, wants=WANTED if situation.login else "")
        more = LOGIN if situation.login else ""
        if situation.proxy:
            # The port of one that was closed may be another test's by now; 9 is discard (RFC 863), which nobody runs.
            more += f"    proxy: {proxy.url if situation.proxy > 0 else 'http://127.0.0.1:9'}\n"
        if situation.proxy > 0:
            stack.enter_context(proxy)
        else:
            proxy.close()
        if situation.client == "given":
            more += f"    {OWN}\n"
        _write(folder, way, simulator, more)
        given, env = _secrets(way, situation, simulator)
        if situation.echo:
            simulator.fault(kind="status", times=0, status=401, body={"Message": f"refused: {' '.join(given[:-1])}"})
        code, message, output = _command(folder, env)
        asked = [entry["path"] for entry in simulator.requests]
        logins = sum("token" in path or path == PROJECTS for path in asked)
        return Outcome(
            code, message, output, given, len(asked), logins, tuple(proxy.asked), proxy.heard.decode("latin-1")
        )


def _context(situation: Situation) -> ssl.SSLContext:
    server, provider = issued(*situation.server, expired=situation.expired), issued(*situation.provider)
    if situation.client:
        return both(server, provider, client_authority="clients", at_most=situation.at_most)
    return both(server, provider)


def _write(folder: Path, way: Way, simulator: Simulator, more: str) -> None:
    """Put down what an operator keeps: settings, manifests and authorities."""
    text = settings(way, simulator.url, more).replace("{project}", simulator.world.project)
    if "clientCertificate" in more:
        text = text.replace("caBundle: provider.pem", f"caBundle: provider.pem, {OWN}")
    (folder / "reconciler.yaml").write_text(text, "utf-8")
    (folder / "manifests").mkdir()
    document = ROLE if target(way) == "command" else EVENT
    (folder / "manifests" / "one.yaml").write_text(f"apiVersion: reconciler/v1\n{document}", "utf-8")
    # IAM is trusted as the target is; an OAuth provider has an authority of its own beside it.
    trusted = ("api", "provider") if way.api == "csms" and way.name in PROVIDED else ("api",)
    (folder / "trusted.pem").write_bytes(b"".join(authority(name).cert_pem.bytes() for name in trusted))
    authority("provider").cert_pem.write_to_path(folder / "provider.pem")
    own = issued("clients", "reconciler.example.com")
    own.cert_chain_pems[0].write_to_path(folder / "own.pem")
    own.private_key_pem.write_to_path(folder / "own.key")


def _secrets(way: Way, situation: Situation, simulator: Simulator) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return all secrets of the run, and the environment that it has."""
    env = dict(way.secrets(simulator))
    known = (*env.values(), CANARY)
    last = list(env)[-1]
    if situation.secret == "wrong":
        env[last] = CANARY
    elif situation.secret == "missing":
        del env[last]
    elif situation.secret == "expired":
        way.expire(simulator)
    return known, {**env, "PATH": "/usr/bin:/bin", "PROXY": PROXY_PASSWORD if situation.login == "right" else CANARY}


def _command(folder: Path, env: Mapping[str, str]) -> tuple[int, str, str]:
    argv = ["plan", str(folder / "manifests"), "--config", str(folder / "reconciler.yaml"), "--format"]
    stdout, stderr = StringIO(), StringIO()
    code = main([*argv, "json"], env, stdout, stderr, StringIO())
    problems = json.loads(stdout.getvalue())["problems"]
    message = "; ".join(f"{problem['source']}: {problem['message']}" for problem in problems)
    return code, message, stdout.getvalue() + stderr.getvalue()
