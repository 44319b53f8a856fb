"""What `doctor` finds on the way to a server and at its door: real servers on loopback, each ill in its own way."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from reconciler.diagnose import diagnose
from reconciler.errors import Exit
from reconciler.reports.doctor import exit_of
from reconciler.settings.secret import FromEnvironment
from reconciler.settings.target import (
    Auth,
    Target,
    TokenAuth,
    Transport,
    Trust,
)
from reconciler.simulator import Simulator
from tests.apis.scripted import Asked, Scripted, answer
from tests.auth.certificates import authority, issued, serving
from tests.auth.proxy import Proxy
from tests.doctored import AKSK, BASIC, QUICK, command, csms, found, secrets, verdicts


@pytest.fixture
def server() -> Iterator[Simulator]:
    with Simulator(certificates=5) as running:
        yield running


def test_a_server_that_is_down_is_unreachable() -> None:
    """The connection fails; credentials are told of all the same."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    examined = diagnose(command(url), {"PASSWORD": "secret"}, QUICK)
    assert exit_of([examined]) is Exit.UNREACHABLE
    assert verdicts(examined, "credentials", "dns", "connection", "tls", "login") == [
        "ok",
        "skipped",
        "failed",
        "skipped",
        "skipped",
    ]


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 64 + ".invalid"])
def test_a_name_that_does_not_resolve_is_unreachable(host: str) -> None:
    """The reserved top-level domain never resolves, and a label is never that long."""
    examined = diagnose(command(f"https://{host}"), {"PASSWORD": "secret"}, QUICK)
    assert [one.check for one in examined.failed] == ["dns"]
    assert exit_of([examined]) is Exit.UNREACHABLE


def test_a_wrong_path_is_a_setting_to_correct(server: Simulator) -> None:
    """404 on the login test and on a list: there is no such API there."""
    target = Target("command", "keyfactor", f"{server.url}/KeyfactorApl", BASIC)
    examined = diagnose(target, secrets(server), QUICK)
    assert [one.check for one in examined.failed] == ["authentication"]
    assert "correct `url`" in examined.failed[0].remedy
    assert exit_of([examined]) is Exit.USAGE


@pytest.mark.parametrize(
    ("fault", "code", "word"),
    [
        ({"kind": "status", "status": 503}, Exit.UNREACHABLE, "503"),
        ({"kind": "throttle"}, Exit.UNREACHABLE, "429"),
        ({"kind": "redirect", "location": "https://elsewhere.example.com/"}, Exit.USAGE, "redirect"),
        ({"kind": "html"}, Exit.USAGE, "web page"),
        ({"kind": "drop"}, Exit.UNREACHABLE, "no answer"),
        ({"kind": "status", "status": 418}, Exit.INCOMPLETE, "418"),
    ],
)
def test_a_server_that_gives_no_sense_is_told_apart(
    server: Simulator, fault: Mapping[str, Any], code: Exit, word: str
) -> None:
    """By what it does at every request."""
    server.fault("GET", times=0, **fault)
    examined = diagnose(command(server.url), secrets(server), QUICK)
    assert exit_of([examined]) is code
    assert word in examined.failed[0].detail
    assert len(examined.failed) == 1


def test_a_server_that_stumbles_once_is_healthy(server: Simulator) -> None:
    """A read may be asked again."""
    server.fault("GET", kind="status", status=503)
    assert exit_of([diagnose(command(server.url), secrets(server), QUICK)]) is Exit.OK


@pytest.mark.parametrize(("version", "health"), [("", "skipped"), ("10.5.0.0", "warning"), ("strange", "ok")])
def test_versions(server: Simulator, version: str, health: str) -> None:
    """Absent, too old for roles, and unreadable."""
    server.switch(product_version=version)
    assert verdicts(diagnose(command(server.url), secrets(server), QUICK), "version") == [health]


SKEWS = [
    (AKSK, timedelta(seconds=30), "ok"),
    (AKSK, timedelta(minutes=5), "warning"),
    (AKSK, timedelta(minutes=16), "failed"),
    (AKSK, -timedelta(minutes=16), "failed"),
    (TokenAuth(FromEnvironment("SECRET")), timedelta(days=3), "warning"),
]


@pytest.mark.parametrize(("auth", "skew", "health"), SKEWS)
def test_the_clock_is_compared_with_the_server_s(auth: Auth, skew: timedelta, health: str) -> None:
    """Signed requests are refused from 15 minutes on; other credentials only suffer from strange logs."""

    def events(_asked: Asked) -> bytes:
        date = format_datetime(datetime.now(UTC) - skew, usegmt=True)
        return answer(200, {"events": [], "page_info": {}}, {"Date": date})

    with Scripted(events) as server:
        examined = diagnose(csms(server.url, auth), {"ACCESS": "access", "SECRET": "secret"}, QUICK)
    assert verdicts(examined, "clock") == [health]
    assert exit_of([examined]) is (Exit.AUTH if health == "failed" else Exit.OK)
    if health != "ok":
        assert ("ahead of" if skew > timedelta() else "behind") in found(examined)["clock"].detail


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Foo 2026 00:00:00 GMT"])
def test_a_server_without_a_clock_tells_nothing(date: str) -> None:
    """No header, or one that names no moment."""
    reply = answer(200, {"events": [], "page_info": {}}, {"Date": date} if date else {})
    with Scripted(lambda _asked: reply) as server:
        examined = diagnose(csms(server.url), {"ACCESS": "access", "SECRET": "secret"}, QUICK)
    assert verdicts(examined, "clock") == ["skipped"]


def test_the_clock_is_told_even_where_the_signature_was_refused() -> None:
    """It may well be the reason."""

    def refuse(_asked: Asked) -> bytes:
        date = format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True)
        return answer(401, {"error_code": "APIGW.0301", "error_msg": "no, canonicalRequest:GET|/v1"}, {"Date": date})

    with Scripted(refuse) as server:
        examined = diagnose(csms(server.url), {"ACCESS": "access", "SECRET": "secret"}, QUICK)
    assert [one.check for one in examined.failed] == ["authentication", "clock"]
    assert "canonicalRequest" not in repr(examined)


TLS = [
    ("trusted", ("api", "127.0.0.1"), False, "ok", "trusted", Exit.OK),
    ("of a stranger", ("stranger", "127.0.0.1"), False, "failed", "caBundle", Exit.UNREACHABLE),
    ("for another name", ("api", "other.example.com"), False, "failed", "another name", Exit.UNREACHABLE),
    ("expired", ("api", "127.0.0.1"), True, "failed", "expired", Exit.UNREACHABLE),
]


def trusting(folder: Path, **more: Any) -> Transport:
    authority("api").cert_pem.write_to_path(folder / "trusted.pem")
    return Transport(timeout=5, trust=Trust(ca_bundle=folder / "trusted.pem"), **more)


@pytest.mark.parametrize(
    ("shown", "expired", "health", "word", "code"), [pytest.param(*case[1:], id=case[0]) for case in TLS]
)
def test_a_certificate_is_judged_before_anything_is_sent(
    tmp_path: Path, shown: tuple[str, str], expired: bool, health: str, word: str, code: Exit
) -> None:
    """Protocol, names and end where it is trusted; why and what to do where it isn't."""
    context = serving(issued(*shown, expired=expired))
    with Simulator(certificates=5, tls=context) as server:
        examined = diagnose(command(server.url, transport=trusting(tmp_path)), secrets(server), QUICK)
        assert verdicts(examined, "connection", "tls") == ["ok", health]
        tls = found(examined)["tls"]
        assert word in tls.detail + tls.remedy
        assert exit_of([examined]) is code
        if health == "failed":
            assert server.requests == []
        else:
            assert "TLSv1." in tls.detail
            assert "days left" in tls.detail


def test_a_certificate_that_soon_ends_is_warned_of(tmp_path: Path) -> None:
    """Thirty days before; nothing has failed yet."""
    until = datetime.now(UTC) + timedelta(days=10)
    context = serving(authority("api").issue_cert("127.0.0.1", not_after=until))
    with Simulator(certificates=5, tls=context) as server:
        examined = diagnose(command(server.url, transport=trusting(tmp_path)), secrets(server), QUICK)
    assert verdicts(examined, "tls") == ["warning"]
    assert f"until {until:%Y-%m-%d} (9 days left)" in found(examined)["tls"].detail
    assert exit_of([examined]) is Exit.OK


@pytest.mark.parametrize(("refuse", "health", "code"), [(0, "ok", Exit.OK), (407, "failed", Exit.UNREACHABLE)])
def test_a_proxy_is_passed_or_named(tmp_path: Path, refuse: int, health: str, code: Exit) -> None:
    """The tunnel is part of the connection; the target's name is the proxy's to find."""
    with Simulator(certificates=5, tls=serving(issued("api", "127.0.0.1"))) as server, Proxy(refuse) as proxy:
        travel = trusting(tmp_path, proxy=proxy.url)
        examined = diagnose(command(server.url, transport=travel), secrets(server), QUICK)
    assert verdicts(examined, "connection") == [health]
    assert exit_of([examined]) is code
    assert proxy.url in found(examined)["settings"].detail
    if refuse:
        assert "407" in found(examined)["connection"].detail


def test_a_proxy_that_speaks_tls_is_left_to_the_login(tmp_path: Path) -> None:
    """The handshake in the handshake is not looked at by itself."""
    travel = trusting(tmp_path, proxy="https://127.0.0.1:9")
    examined = diagnose(command("https://127.0.0.1:9", transport=travel), {"PASSWORD": "secret"}, QUICK)
    assert verdicts(examined, "dns", "connection", "tls") == ["skipped"] * 3
    assert exit_of([examined]) is Exit.UNREACHABLE


def test_a_server_that_speaks_no_tls_is_unreachable(tmp_path: Path, server: Simulator) -> None:
    """Connected, and then no handshake."""
    target = command(server.url.replace("http:", "https:"), transport=trusting(tmp_path))
    examined = diagnose(target, secrets(server), QUICK)
    assert verdicts(examined, "connection", "tls") == ["ok", "failed"]
    assert exit_of([examined]) is Exit.UNREACHABLE
