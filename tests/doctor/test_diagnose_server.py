"""What `doctor` finds at the door of a server: real servers on loopback, each ill in its own way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from reconciler.credentials.sources import FromEnvironment
from reconciler.doctor.diagnose import diagnose
from reconciler.errors import Exit
from reconciler.kinds.registry import KINDS
from reconciler.settings.model import Auth, Target, TokenAuth
from reconciler.simulator import Simulator
from tests.support.doctor_targets import AKSK, BASIC, QUICK, choose_exit, command, csms, found, secrets, verdicts
from tests.support.raw_server import Asked, Scripted, answer

FIREWALL = "<html><body>Blocked by policy</body></html>"


@pytest.fixture
def server() -> Iterator[Simulator]:
    with Simulator(certificates=5) as running:
        yield running


def test_a_wrong_path_is_a_setting_to_correct(server: Simulator) -> None:
    """404 on the login test and on a list: there is no such API there."""
    target = Target("command", "keyfactor", f"{server.url}/KeyfactorApl", BASIC)
    examined = diagnose(target, secrets(server), KINDS, QUICK)
    assert [one.check for one in examined.failed] == ["authentication"]
    assert "correct `url`" in examined.failed[0].remedy
    assert choose_exit([examined]) is Exit.INCOMPLETE, "as plan has it"


@pytest.mark.parametrize(
    ("fault", "code", "word"),
    [
        ({"kind": "status", "status": 503}, Exit.UNREACHABLE, "503"),
        ({"kind": "throttle"}, Exit.UNREACHABLE, "429"),
        ({"kind": "redirect", "location": "https://elsewhere.example.com/"}, Exit.INCOMPLETE, "redirect"),
        ({"kind": "html"}, Exit.INCOMPLETE, "web page"),
        (
            {"kind": "status", "status": 403, "body": FIREWALL},
            Exit.INCOMPLETE,
            "not this API's: something before it said",
        ),
        ({"kind": "drop"}, Exit.UNREACHABLE, "no answer"),
        ({"kind": "status", "status": 418}, Exit.INCOMPLETE, "418"),
    ],
)
def test_a_server_that_gives_no_sense_is_told_apart(
    server: Simulator, fault: Mapping[str, Any], code: Exit, word: str
) -> None:
    """By what it does at every request."""
    server.fault("GET", times=0, **fault)
    examined = diagnose(command(server.url), secrets(server), KINDS, QUICK)
    assert choose_exit([examined]) is code
    assert word in examined.failed[0].detail
    assert len(examined.failed) == 1


def test_a_server_that_stumbles_once_is_healthy(server: Simulator) -> None:
    """A read may be asked again."""
    server.fault("GET", kind="status", status=503)
    assert choose_exit([diagnose(command(server.url), secrets(server), KINDS, QUICK)]) is Exit.OK


@pytest.mark.parametrize(("version", "health"), [("", "skipped"), ("10.5.0.0", "warning"), ("strange", "ok")])
def test_versions(server: Simulator, version: str, health: str) -> None:
    """Absent, too old for roles, and unreadable."""
    server.switch(product_version=version)
    assert verdicts(diagnose(command(server.url), secrets(server), KINDS, QUICK), "version") == [health]


SKEWS = [
    (AKSK, timedelta(seconds=30), "ok"),
    (AKSK, timedelta(minutes=5), "warning"),
    (AKSK, timedelta(minutes=16), "warning"),
    (AKSK, -timedelta(days=700), "warning"),
    (TokenAuth(FromEnvironment("SECRET")), timedelta(days=3), "warning"),
]


@pytest.mark.parametrize(("auth", "skew", "health"), SKEWS)
def test_the_clock_is_compared_with_the_server_s(auth: Auth, skew: timedelta, health: str) -> None:
    """What was taken proves more than a header, which others may write; here every signature is taken."""

    def events(_asked: Asked) -> bytes:
        date = format_datetime(datetime.now(UTC) - skew, usegmt=True)
        return answer(200, {"events": [], "page_info": {}}, {"Date": date})

    with Scripted(events) as server:
        examined = diagnose(csms(server.url, auth), {"ACCESS": "access", "SECRET": "secret"}, KINDS, QUICK)
    assert verdicts(examined, "clock", "list events") == [health, "ok"]
    assert choose_exit([examined]) is Exit.OK
    if health != "ok":
        assert ("ahead of" if skew > timedelta() else "behind") in found(examined)["clock"].detail


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Foo 2026 00:00:00 GMT"])
def test_a_server_without_a_clock_tells_nothing(date: str) -> None:
    """No header, or one that names no moment."""
    reply = answer(200, {"events": [], "page_info": {}}, {"Date": date} if date else {})
    with Scripted(lambda _asked: reply) as server:
        examined = diagnose(csms(server.url), {"ACCESS": "access", "SECRET": "secret"}, KINDS, QUICK)
    assert verdicts(examined, "clock") == ["skipped"]


def test_the_clock_is_told_even_where_the_signature_was_refused() -> None:
    """It may well be the reason."""

    def refuse(_asked: Asked) -> bytes:
        date = format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True)
        return answer(401, {"error_code": "APIGW.0301", "error_msg": "no, canonicalRequest:GET|/v1"}, {"Date": date})

    with Scripted(refuse) as server:
        examined = diagnose(csms(server.url), {"ACCESS": "access", "SECRET": "secret"}, KINDS, QUICK)
    assert [one.check for one in examined.failed] == ["authentication", "clock"]
    assert "refused from 15 minutes on" in found(examined)["clock"].detail
    assert "canonicalRequest" not in repr(examined)
