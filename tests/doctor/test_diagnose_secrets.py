"""How often `doctor` fetches a secret: a helper may be slow, ask a person, or count those who ask."""

from __future__ import annotations

import base64
import shlex
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.credentials.sources import FromCommand, FromEnvironment
from reconciler.doctor.diagnose import diagnose
from reconciler.kinds.registry import KINDS
from reconciler.settings.model import Auth, OauthAuth
from reconciler.simulator import Simulator
from reconciler.transport.options import ProxyAuth, TransportOptions, Trust
from tests.support.doctor_targets import AKSK, BASIC, PASSWORD, QUICK, command, csms, secrets
from tests.support.proxy import Proxy
from tests.support.tls_certificates import authority, issued, serving

OAUTH = OauthAuth("/oauth/token", "reconciler", FromEnvironment("CLIENT_SECRET"))


def counting(folder: Path, secret: str) -> FromCommand:
    """Return a helper that writes down each of its runs."""
    argv = ("sh", "-c", f"echo {shlex.quote(secret)} | tee -a runs")
    return FromCommand(argv, folder)


def helped(auth: Any, folder: Path, known: dict[str, str]) -> Any:
    """Return a way to log in, or a proxy's, whose secrets are all printed by helpers."""
    origins = {field.name: getattr(auth, field.name) for field in fields(auth)}
    own = {name: one for name, one in origins.items() if isinstance(one, FromEnvironment)}
    return replace(auth, **{name: counting(folder, known[one.name]) for name, one in own.items()})


@pytest.mark.parametrize(
    ("auth", "names"),
    [
        (BASIC, ["PASSWORD"]),
        (OAUTH, ["CLIENT_SECRET"]),
        (AKSK, ["ACCESS", "SECRET"]),
        (PASSWORD, ["IAM_PASSWORD"]),
    ],
    ids=["basic", "oauth", "aksk", "password"],
)
def test_a_secret_is_fetched_once_for_all_checks(auth: Auth, names: list[str], tmp_path: Path) -> None:
    """The proxy's as well, which a probe and every way out of here need."""
    authority("api").cert_pem.write_to_path(tmp_path / "trusted.pem")
    trust = Trust(ca_bundle=tmp_path / "trusted.pem")
    wants = "Basic " + base64.b64encode(b"svc:canary-way").decode()
    with Simulator(certificates=5, tls=serving(issued("api", "127.0.0.1"))) as server, Proxy(wants=wants) as proxy:
        known = {**secrets(server), "WAY": "canary-way"}
        travel = TransportOptions(
            proxy=proxy.url,
            proxy_auth=helped(ProxyAuth("svc", FromEnvironment("WAY")), tmp_path, known),
            trust=trust,
        )
        if isinstance(auth, OauthAuth):
            auth = replace(auth, token_url=f"{server.url}{auth.token_url}", trust=trust)
        place = csms if auth in (AKSK, PASSWORD) else command
        examined = diagnose(place(server.url, helped(auth, tmp_path, known), transport=travel), {}, KINDS, QUICK)
    assert examined.failed == ()
    assert sorted((tmp_path / "runs").read_text().split()) == sorted(known[name] for name in [*names, "WAY"])


def test_a_helper_that_fails_is_run_once(tmp_path: Path) -> None:
    """Neither the proxy's nor ours is run again by the checks that come after."""
    failing = FromCommand(("sh", "-c", "echo ran >> runs; exit 3"), tmp_path)
    travel = TransportOptions(proxy="http://127.0.0.1:1", proxy_auth=ProxyAuth("svc", failing))
    examined = diagnose(
        command("https://kf.example.com", replace(BASIC, password=failing), transport=travel), {}, KINDS, QUICK
    )
    assert [one.check for one in examined.failed] == ["credentials"] * 2
    assert (tmp_path / "runs").read_text().split() == ["ran"] * 2
