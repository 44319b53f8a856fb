"""What `doctor` finds of a healthy target, of its settings, its credentials and its tokens."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.credentials.sources import FromEnvironment
from reconciler.diagnostics import Explanation
from reconciler.doctor.diagnose import diagnose
from reconciler.doctor.model import Ability, Health, collect_failures, combine_abilities
from reconciler.errors import Exit
from reconciler.kinds.registry import KINDS
from reconciler.reports.doctor import summarize_target
from reconciler.settings.model import AkskAuth, Auth, BearerAuth, NameOrId, NoAuth, OauthAuth, PasswordAuth, Target
from reconciler.simulator import Simulator
from reconciler.transport.options import TransportOptions, Trust
from tests.support.doctor_targets import (
    AKSK,
    BASIC,
    PASSWORD,
    PROJECT,
    QUICK,
    choose_exit,
    command,
    csms,
    found,
    secrets,
    verdicts,
)
from tests.support.raw_server import Scripted, answer


@pytest.fixture
def server() -> Iterator[Simulator]:
    with Simulator(certificates=5) as running:
        yield running


def test_every_kind_says_what_it_needs() -> None:
    """Without it `doctor` would find nothing missing."""
    assert all(kind.requires.read and kind.requires.write for kind in KINDS.values())


def test_a_healthy_command_server_is_healthy_to_the_last_check(server: Simulator) -> None:
    """Nothing is warned of, and nothing but GETs was sent."""
    examined = diagnose(command(server.url), secrets(server), KINDS, QUICK)
    assert {check.verdict for check in examined.checks} == {Health.OK, Health.SKIPPED}
    assert verdicts(examined, "dns", "tls", "login", "write SecurityRole") == ["skipped", "skipped", "skipped", "ok"]
    assert found(examined)["version"].detail == "Keyfactor Command 25.4.0.0"
    assert "CORP\\svc-reconciler; permission sets: Global" in found(examined)["identity"].detail
    assert summarize_target(examined) == "command: plan and apply possible"
    assert choose_exit([examined]) is Exit.OK
    assert {entry["method"] for entry in server.requests} == {"GET"}
    assert server.ledger == []


def test_the_first_page_of_each_list_is_asked_for_as_plan_asks_and_once(server: Simulator) -> None:
    """A doctor must not cost what a plan costs; of certificates, which are many, not even one row comes."""
    diagnose(command(server.url), secrets(server), KINDS, QUICK)
    asked = [entry for entry in server.requests if "My" not in entry["path"]]
    lists = [entry for entry in asked if "PageReturned=1&ReturnLimit=1000" in entry["query"]]
    known = {listing.path for kind in KINDS.values() if kind.api == "keyfactor" for listing in kind.requires.read}
    assert sorted(entry["path"] for entry in lists) == sorted(known)
    assert len(asked) == len(lists) + 2  # the login test, and one role by its id
    (certificates,) = (entry["query"] for entry in lists if entry["path"] == "/Certificates")
    assert f"{'0' * 40}" in certificates
    assert "includeRevoked=true" in certificates
    assert any("SortField=Name" in entry["query"] for entry in lists if entry["path"] == "/Security/Roles")


def test_what_csms_does_not_tell_is_not_guessed(server: Simulator) -> None:
    """Reading is proved, writing is not provable without writing."""
    examined = diagnose(csms(server.url), secrets(server), KINDS, QUICK)
    assert choose_exit([examined]) is Exit.OK
    assert combine_abilities(examined.plan) is Ability.POSSIBLE
    assert combine_abilities(examined.apply) is Ability.UNPROVEN
    assert found(examined)["write SecretEvent"].detail == (
        "not provable without writing; it needs csms:event:create and csms:event:update"
    )
    assert verdicts(examined, "list events", "read one of the events", "version") == ["ok", "ok", "skipped"]
    assert summarize_target(examined) == "csms: plan possible; apply not provable without writing"


def test_a_project_without_events_has_none_to_try(server: Simulator) -> None:
    """Nothing is concluded from an empty list."""
    server.world.events.clear()
    examined = diagnose(csms(server.url), secrets(server), KINDS, QUICK)
    assert verdicts(examined, "list events", "read one of the events") == ["ok", "skipped"]
    assert choose_exit([examined]) is Exit.OK


@pytest.mark.parametrize("way", ["oauth", "password"])
def test_a_token_is_told_apart_from_the_api_and_says_how_long_it_lasts(server: Simulator, way: str) -> None:
    """Two servers can be wrong, and each has its own line."""
    if way == "oauth":
        auth: Auth = OauthAuth(f"{server.url}/oauth/token", "reconciler", FromEnvironment("CLIENT_SECRET"))
        examined = diagnose(command(server.url, auth), secrets(server), KINDS, QUICK)
        lasts = "it lasts 60 minutes"
    else:
        auth = PASSWORD
        examined = diagnose(csms(server.url, auth), secrets(server), KINDS, QUICK)
        lasts = "it lasts 24 hours"
    assert found(examined)["login"].detail.endswith(lasts)
    assert verdicts(examined, "login", "authentication") == ["ok", "ok"]
    assert [entry["method"] for entry in server.requests].count("POST") == 1


@pytest.mark.parametrize(("auth", "requests"), [(AKSK, 1), (PASSWORD, 0)])
def test_a_project_that_is_called_by_its_name_has_a_check(server: Simulator, auth: Auth, requests: int) -> None:
    """It says which one IAM means, and costs no more than plan pays for it."""
    examined = diagnose(csms(server.url, auth, NameOrId("cn-north-4")), secrets(server), KINDS, QUICK)
    assert choose_exit([examined]) is Exit.OK
    assert found(examined)["project"].detail == f"cn-north-4 is {PROJECT}, as IAM tells"
    assert sum(entry["path"] == "/v3/projects" for entry in server.requests) == requests
    assert "project" not in found(diagnose(csms(server.url, auth), secrets(server), KINDS, QUICK))


def test_a_project_that_iam_does_not_know_ends_it(server: Simulator) -> None:
    """With the code of wrong settings; CSMS is not asked for anything."""
    examined = diagnose(csms(server.url, AKSK, NameOrId("nowhere")), secrets(server), KINDS, QUICK)
    assert choose_exit([examined]) is Exit.USAGE
    (failed,) = examined.failed
    assert (failed.check, "no project of the name nowhere" in failed.detail) == ("project", True)
    assert failed.remedy == "correct projectName (or HW_PROJECT_NAME), or say projectId"
    assert verdicts(examined, "authentication", "identity") == ["skipped", "skipped"]
    assert [entry["path"] for entry in server.requests] == ["/v3/projects"]


def _wrong(name: str) -> Callable[[Simulator], dict[str, str]]:
    return lambda server: {**secrets(server), name: "canary-of-a-wrong-secret"}


REFUSED: list[tuple[str, Auth, str, str]] = [
    ("a wrong password", BASIC, "PASSWORD", "authentication"),
    ("a wrong secret key", AKSK, "SECRET", "authentication"),
    ("a token that was never given", BearerAuth(FromEnvironment("T")), "T", "authentication"),
    ("a wrong client secret", OauthAuth("/oauth/token", "reconciler", FromEnvironment("CLIENT_SECRET")), "", "login"),
    ("a wrong IAM password", PASSWORD, "", "login"),
]


@pytest.mark.parametrize(("auth", "wrong", "check"), [pytest.param(*case[1:], id=case[0]) for case in REFUSED])
def test_refused_credentials_end_it_after_one_try(server: Simulator, auth: Auth, wrong: str, check: str) -> None:
    """Auth, no second try (accounts get locked), the rest skipped, and no secret anywhere."""
    if isinstance(auth, OauthAuth):
        auth, wrong = OauthAuth(server.url + auth.token_url, auth.client_id, auth.client_secret), "CLIENT_SECRET"
    if isinstance(auth, PasswordAuth):
        wrong = "IAM_PASSWORD"
    cloud = isinstance(auth, AkskAuth | PasswordAuth)
    target = csms(server.url, auth) if cloud else command(server.url, auth)
    env = _wrong(wrong)(server)
    examined = diagnose(target, env, KINDS, QUICK)
    assert choose_exit([examined]) is Exit.AUTH
    assert [one.check for one in examined.failed] == [check]
    assert "401" in found(examined)[check].detail
    assert len(server.requests) == 1
    after = [one.verdict for one in examined.checks if one.check.startswith(("identity", "list", "write"))]
    assert set(after) == {Health.SKIPPED}
    assert summarize_target(examined).startswith(f"{target.name}: neither plan nor apply possible: {check}")
    assert not any(secret in repr(examined) for secret in env.values())


def test_an_expired_token_is_refused_and_says_itself_that_it_ended(server: Simulator) -> None:
    """A JWT's own end is read; the server still has the last word."""
    ended = int((datetime.now(UTC) - timedelta(hours=3)).timestamp())
    claims = base64.urlsafe_b64encode(json.dumps({"exp": ended}).encode()).decode().rstrip("=")
    auth = BearerAuth(FromEnvironment("T"))
    examined = diagnose(command(server.url, auth), {"T": f"e30.{claims}.c2ln"}, KINDS, QUICK)
    assert verdicts(examined, "login", "authentication") == ["warning", "failed"]
    assert "ended 3 hours ago" in found(examined)["login"].detail
    assert choose_exit([examined]) is Exit.AUTH


@pytest.mark.parametrize("token", ["a.b.c", "a.e30.c", "plain", "a.bnVsbA.c", "a.eyJleHAiOiAic29vbiJ9.c", "a.!!.c"])
def test_a_token_that_says_nothing_is_taken_as_it_is(server: Simulator, token: str) -> None:
    """Not every token is a JWT, and not every JWT ends."""
    examined = diagnose(command(server.url, BearerAuth(FromEnvironment("T"))), {"T": token}, KINDS, QUICK)
    assert found(examined)["login"].detail == "these credentials need no token request"


def test_all_missing_credentials_are_named_at_once_and_nothing_is_asked(server: Simulator) -> None:
    """The network is looked at all the same: one run tells as much as it can."""
    examined = diagnose(csms(server.url), {}, KINDS, QUICK)
    assert choose_exit([examined]) is Exit.AUTH
    assert [one.detail for one in examined.failed] == [
        "auth.accessKey: the environment variable ACCESS is not set",
        "auth.secretKey: the environment variable SECRET is not set",
    ]
    assert verdicts(examined, "connection", "login", "list events") == ["ok", "skipped", "skipped"]
    assert server.requests == []


def test_no_credentials_at_all_say_what_to_set(server: Simulator) -> None:
    """Advice instead of an origin."""
    nobody = NoAuth(Explanation("settings.no-credentials", "nothing is set", remedy="set something"))
    examined = diagnose(command(server.url, nobody), {}, KINDS, QUICK)
    assert examined.failed[0].remedy == "set something"
    assert choose_exit([examined]) is Exit.AUTH


def test_settings_that_lack_something_stop_everything() -> None:
    """Usage: there is nothing to ask, not even the network."""
    lacking = Explanation("settings.missing-field", "HW_REGION_NAME is not set, so there is no server", remedy="set it")
    examined = diagnose(Target("csms", "csms", "", AKSK, lacking=lacking), {}, KINDS, QUICK)
    assert choose_exit([examined]) is Exit.USAGE
    assert (examined.failed[0].detail, examined.failed[0].remedy) == (
        "environment: HW_REGION_NAME is not set, so there is no server",
        "set it",
    )
    assert {check.verdict for check in examined.checks[1:]} == {Health.SKIPPED}


def test_an_authority_that_cannot_be_read_is_a_usage_error(tmp_path: Path, server: Simulator) -> None:
    """It is the settings that name it."""
    travel = TransportOptions(trust=Trust(ca_bundle=tmp_path / "none.pem"))
    target = command(server.url.replace("http:", "https:"), transport=travel)
    examined = diagnose(target, secrets(server), KINDS, QUICK)
    assert [one.check for one in examined.failed] == ["settings"]
    assert choose_exit([examined]) is Exit.USAGE


def test_a_server_that_echoes_a_secret_does_not_get_it_printed() -> None:
    """What it says of itself is redacted and harmless."""
    env = {"PASSWORD": "canary-p@ss/word+1"}
    encoded = base64.b64encode(f"CORP\\svc-reconciler:{env['PASSWORD']}".encode()).decode()
    said = {"Message": f"no: {env['PASSWORD']} {encoded} \x1b[31m"}
    headers = {"x-keyfactor-product-version": f"25 {env['PASSWORD']}"}
    with Scripted(lambda _asked: answer(401, said, headers)) as server:
        examined = diagnose(command(server.url), env, KINDS, QUICK)
    assert "no: *** ***" in found(examined)["authentication"].detail
    assert not any(word in repr(examined) for word in ("canary", encoded, "\x1b"))


def test_failures_are_problems_that_say_what_to_do(server: Simulator) -> None:
    """As every command tells them: where, what, what to do."""
    (problem,) = collect_failures([diagnose(command(server.url), {}, KINDS, QUICK)])
    assert str(problem) == (
        "command credentials: auth.password: the environment variable PASSWORD is not set; "
        "export PASSWORD or say another origin in the settings"
    )
