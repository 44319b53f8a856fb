"""What the matrix has no row for: a proxy's password that is missing, and proxies that speak TLS themselves."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest

from reconciler.cli import main
from reconciler.simulator import Simulator
from tests.support.login_methods import EVENT, ROLE, WAYS, Way, settings, target
from tests.support.login_runs import ELSEWHERE, LOGIN, PROXY_PASSWORD, WANTED
from tests.support.proxy import Proxy
from tests.support.tls_certificates import API, PROVIDER, authority, both, issued, serving


class Ended(NamedTuple):
    """How a run ended: its code, its output, what the proxy was told in the clear, and how many requests arrived."""

    code: int
    output: str
    overheard: str
    requests: int


def command(folder: Path, way: Way, env: Mapping[str, str]) -> tuple[int, str]:
    """Plan one change of one object with the settings that lie in a folder; returns the code and all output."""
    document = ROLE if target(way) == "command" else EVENT
    (folder / "manifests").mkdir()
    (folder / "manifests" / "one.yaml").write_text(f"apiVersion: reconciler/v1\n{document}", "utf-8")
    stdout, stderr = StringIO(), StringIO()
    argv = ["plan", str(folder / "manifests"), "--config", str(folder / "reconciler.yaml")]
    code = main(argv, dict(env), stdout, stderr, StringIO())
    return code, stdout.getvalue() + stderr.getvalue()


def run(folder: Path, way: Way, proxy: Proxy, more: str, env: dict[str, str]) -> Ended:
    """Plan one change through a proxy; the settings trust the authorities `api` and `provider`."""
    tls = both(issued("api", API), issued("provider", PROVIDER))
    with Simulator(certificates=5, tls=tls) as simulator, proxy:
        text = settings(way, simulator.url, f"    proxy: {proxy.url}\n{more}")
        (folder / "reconciler.yaml").write_text(text.replace("{project}", simulator.world.project), "utf-8")
        both_of_them = b"".join(authority(name).cert_pem.bytes() for name in ("api", "provider"))
        (folder / "trusted.pem").write_bytes(both_of_them)
        authority("provider").cert_pem.write_to_path(folder / "provider.pem")
        code, output = command(folder, way, {**way.secrets(simulator), **env})
        return Ended(code, output, proxy.heard.decode("latin-1"), len(simulator.requests))


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_missing_password_of_a_proxy_is_told_and_nobody_is_asked(way: Way, tmp_path: Path) -> None:
    """Neither the proxy nor who is behind it."""
    proxy = Proxy(wants=WANTED)
    ended = run(tmp_path, way, proxy, LOGIN, {})
    assert (ended.code, ended.requests, proxy.asked) == (5, 0, []), ended.output
    assert "proxyAuth.password: the environment variable PROXY is not set; export PROXY" in ended.output


BASIC = next(way for way in WAYS if way.name == "basic")


@pytest.mark.parametrize(
    ("by", "to", "code", "words"),
    [
        ("api", API, 0, "1 to update"),
        ("stranger", API, 12, "the proxy's certificate is not trusted"),
        ("api", ELSEWHERE, 12, "the proxy's certificate is for another name"),
    ],
)
def test_a_proxy_that_speaks_tls_is_verified_as_a_server_is(
    by: str, to: str, code: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the authorities of the settings, whatever the environment says; then a tunnel leads through."""
    stranger = tmp_path / "stranger.pem"
    authority("stranger").cert_pem.write_to_path(stranger)
    monkeypatch.setenv("SSL_CERT_FILE", str(stranger))
    ended = run(tmp_path, BASIC, Proxy(wants=WANTED, tls=serving(issued(by, to))), LOGIN, {"PROXY": PROXY_PASSWORD})
    assert ended.code == code, ended.output
    assert words in ended.output
    assert (WANTED in ended.overheard) is (code == 0), "an untrusted proxy hears no password"


def test_a_proxy_is_named_where_somebody_logs_in_to_it(tmp_path: Path) -> None:
    """Credentials for a proxy that isn't there are a mistake."""
    text = settings(BASIC, "https://127.0.0.1:1", LOGIN)
    (tmp_path / "reconciler.yaml").write_text(text, "utf-8")
    code, output = command(tmp_path, BASIC, {})
    assert (code, "proxyAuth is for a proxy, and none is said; say `proxy` too" in output) == (3, True)
