"""Credentials that end in mid-run: a write that was refused for them alone is sent once more, and done exactly once."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli import main
from reconciler.diagnostics import Source
from reconciler.engine.apply import apply
from reconciler.errors import AuthError, Exit, NoReply
from reconciler.model import Json, Query, Reply, Verdict
from reconciler.simulator import Simulator
from reconciler.simulator.settings_file import write_private_file
from tests.support.problems import make_problem
from tests.support.scenarios import DENIAL, NEW, event, handler, owner, role, signing_in
from tests.support.scripted_servers import HANDLER, LOGGED_OUT, Server, answer, one_handler

WRITES = "^/(Security|EventHandlerRegistration|Certificates|Workflow|v1)"
CHANGES = "".join(
    (
        role("New", **NEW),
        role("Auditors", claims="[{type: OAuthRole, value: pki-operators, provider: Entra}]", additive="[claims]"),
        handler(enabled="true"),
        owner("CertId -eq 3", owner="New"),
        event(),
        event("lifecycle", state="DISABLED"),
    )
)
"""A write of every sort: POST and PUT to both APIs, one that needs another, one that looks at claims as well."""
NUMBER = 6


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(certificates=12) as simulator:
        write_private_file(simulator.settings.parent / "iam_password", simulator.credentials["csms"]["password"])
        yield simulator


def run(simulator: Simulator, folder: Path, manifests: str) -> tuple[Exit, dict[str, Any]]:
    """Apply; returns the outcome and the report."""
    (folder / "all.yaml").write_text(manifests)
    stdout = io.StringIO()
    argv = ["apply", str(folder), "--yes", "--config", str(simulator.settings), "--format", "json"]
    code = main(argv, {}, stdout, io.StringIO(), io.StringIO())
    return Exit(code), json.loads(stdout.getvalue())


def calls(steps: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(one["method"], one["path"], json.dumps(one["body"], sort_keys=True)) for one in steps]


def with_password(simulator: Simulator) -> None:
    """Let CSMS be entered with an IAM token."""
    text = simulator.settings.read_text("utf-8")
    for old, new in signing_in("user: reconciler", "domain: example"):
        text = text.replace(old, new)
    write_private_file(simulator.settings, text)


def with_basic(simulator: Simulator) -> None:
    """Let Command be entered with a user name and a password."""
    given = simulator.credentials["keyfactor"]
    write_private_file(simulator.settings.parent / "password", given["password"])
    text = simulator.settings.read_text("utf-8").replace("type: oauth", "type: basic").replace("tokenUrl:", "#")
    text = text.replace('clientId: "reconciler"', f"username: '{given['username']}'").replace(
        "clientSecret:", "password:"
    )
    write_private_file(simulator.settings, text.replace("/client_secret", "/password"))


@pytest.mark.parametrize("nth", range(1, NUMBER + 1))
def test_tokens_that_end_at_any_write_cost_nothing(nth: int, simulator: Simulator, tmp_path: Path) -> None:
    """OAuth at Command, an IAM password at CSMS: every write is performed once, in the plan's order, and reported."""
    with_password(simulator)
    simulator.fault("PUT|POST", WRITES, "expire_tokens", nth=nth)

    code, report = run(simulator, tmp_path, CHANGES)

    assert code is Exit.OK, report
    assert {step["verdict"] for step in report["steps"]} == {"applied"}
    assert calls(simulator.ledger) == calls([step["call"] for step in report["steps"]])
    assert len(simulator.ledger) == NUMBER
    refused = [entry["method"] for entry in simulator.requests if entry["status"] == 401]
    assert [method != "GET" for method in refused].count(True) == 1, "one write was refused, once"


def test_a_password_that_ends_is_not_tried_again(simulator: Simulator, tmp_path: Path) -> None:
    """Nothing renews it, and directories lock accounts: it says what to check, and that nothing was done."""
    with_basic(simulator)
    account = simulator.world.users[simulator.credentials["keyfactor"]["username"].lower()]

    def expire() -> None:
        simulator.world.users[account.name.lower()] = account._replace(secret="another")

    simulator.fault("PUT", "/EventHandlerRegistration", "edit", call=expire)

    code, report = run(simulator, tmp_path, handler(enabled="true"))

    assert code is Exit.AUTH
    (step,) = report["steps"]
    assert step["verdict"] == "not_applied"
    assert "the server refused the credentials: 401" in step["detail"]
    assert "whether the password has expired" in step["detail"]
    assert [entry["status"] for entry in simulator.requests].count(401) == 1
    assert simulator.ledger == []


def test_a_denial_is_sent_once_whatever_it_meets(simulator: Simulator, tmp_path: Path) -> None:
    """It can't be undone: the token is renewed for the look, and the rest is for the next run."""
    simulator.fault("POST", "/Deny", "expire_tokens")

    code, report = run(simulator, tmp_path, DENIAL)

    assert code is Exit.AUTH
    (step,) = report["steps"]
    assert step["verdict"] == "not_applied"
    assert "nothing was denied" in step["detail"]
    assert "apply again, which logs in anew" in step["detail"]
    assert [str(entry["path"]).endswith("/Deny") for entry in simulator.requests].count(True) == 1
    assert simulator.ledger == []
    assert run(simulator, tmp_path, DENIAL)[0] is Exit.OK


def test_a_server_that_refuses_writes_alone_is_asked_twice(simulator: Simulator, tmp_path: Path) -> None:
    """New credentials don't help; a third time would not either."""
    simulator.fault("PUT", "/EventHandlerRegistration", "status", times=0, status=401)

    code, report = run(simulator, tmp_path, handler(enabled="true"))

    assert code is Exit.AUTH
    assert "a moment ago they let it be read; check `auth` of target command" in report["steps"][0]["detail"]
    assert [entry["status"] for entry in simulator.requests].count(401) == 2


class Moving(Server):
    """Refuses the first write for its credentials; what is read afterwards is `after`."""

    after: Json = None
    unread = False

    def send(self, call: Any) -> Reply:
        if self.sent:
            self.reply = answer(200)
        return super().send(call)

    def get(self, path: str, *, query: Query = (), version: int = 1) -> Json:
        if len(self.sent) == 1 and self.unread:
            raise AuthError(make_problem(Source("GET x"), "refused"))
        if len(self.sent) == 1 and self.after is not None:
            self.answers = {HANDLER: self.after}
        return super().get(path, query=query, version=version)


@pytest.mark.parametrize(
    ("after", "verdict", "detail"),
    [
        ({"DisplayName": "Moved"}, Verdict.STALE, "nothing was sent again: it changed since the plan was made"),
        ({"Enabled": True}, Verdict.UNCHANGED, "it is already as wanted; nothing was sent again"),
    ],
)
def test_what_moved_meanwhile_is_not_written_over(after: dict[str, Json], verdict: Verdict, detail: str) -> None:
    """The second time obeys the same rule as the first: only over what the body was built from."""
    plan, world, _ = one_handler()
    server = Moving(world, LOGGED_OUT)
    server.after = {**world[HANDLER], **after}

    (outcome,) = apply(plan, server.seams())

    assert outcome.verdict is verdict
    assert outcome.detail.startswith("the server refused the credentials: 401")
    assert detail in outcome.detail
    assert len(server.sent) == 1


def test_what_can_not_be_read_again_is_not_sent_again() -> None:
    """And the reason is the credentials' own."""
    plan, world, _ = one_handler()
    server = Moving(world, LOGGED_OUT)
    server.unread = True

    (outcome,) = apply(plan, server.seams())

    assert (outcome.verdict, outcome.cause) == (Verdict.NOT_APPLIED, Exit.AUTH)
    assert "nothing was sent again: it could not be read again: GET x: refused" in outcome.detail
    assert len(server.sent) == 1


def test_the_second_send_is_the_first_one_again() -> None:
    """Byte for byte what was planned; and what it did is verified."""
    plan, world, effect = one_handler()
    server = Moving(world, LOGGED_OUT, effect, lag=1)

    (outcome,) = apply(plan, server.seams())

    request = plan.steps[0].request
    assert request is not None
    assert server.sent == [request.call] * 2
    assert outcome.verdict is Verdict.APPLIED


def test_a_login_that_fails_between_the_look_and_the_write_is_told_as_one() -> None:
    """Nothing was sent, and the exit code is that of the credentials."""
    plan, world, _ = one_handler()
    server = Server(world, NoReply("nothing was sent: no login", sent=False, cause=Exit.AUTH))

    (outcome,) = apply(plan, server.seams())

    assert (outcome.verdict, outcome.cause) == (Verdict.NOT_APPLIED, Exit.AUTH)
