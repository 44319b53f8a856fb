"""What apply tells of a step quotes servers: judged as it came, and told on one line, without our secrets."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.apis.connect import Api, connect
from reconciler.cli.commands.apply import make_listener
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.progress import Progress
from reconciler.engine.apply import apply
from reconciler.engine.execution import ExecutionContext, send_plan
from reconciler.engine.pipeline import JudgedPlan
from reconciler.engine.run_context import RunContext
from reconciler.engine.timing import Timing
from reconciler.kinds.registry import KINDS
from reconciler.model import LoggedOut, Outcome, Plan, Verdict
from reconciler.plans.masking import SecretMasker
from reconciler.reports.perspective import View
from reconciler.settings.model import Target
from tests.engine.test_apply_denials import DENIED, denial, result
from tests.engine.test_apply_login import Moving
from tests.support.api_targets import BASIC
from tests.support.journals import Listening
from tests.support.raw_server import Asked, Scripted, answer
from tests.support.sample_plans import document, event, pending, planned
from tests.support.scripted_servers import HANDLER, SECRET, one_handler
from tests.support.scripted_servers import answer as answered
from tests.support.secret_echoes import WRITTEN

PASSWORD = "a?>b?>c&d'e+f"


def applied(plan: Plan, script: Callable[[Asked], bytes], password: str, *, through: str) -> tuple[Outcome, str]:
    """Apply a plan of one step over HTTP, as the command line does or by hand; return the outcome and all of stderr."""
    stderr = io.StringIO()
    session = Session(io.StringIO(), io.StringIO(), stderr, 0.0, {})
    with Scripted(script) as server:
        target = Target("command", "keyfactor", f"{server.url}/KeyfactorAPI", BASIC)
        with connect(target, {"PASSWORD": password}) as api, Progress(session, patience=0) as progress:
            if through == "the command line":
                masker = SecretMasker([api.redact])
                judged = JudgedPlan(plan, masker, masker.mask_plan(plan), ())
                listener = make_listener(session, judged, progress, lambda _: True, View())
                context = ExecutionContext({"command": api}, judged.masker, listener, session.stops, KINDS, Listening())
                (outcome,) = send_plan(plan, context).outcomes
            else:
                (outcome,) = apply(plan, by_hand(api))
    return outcome, stderr.getvalue()


def by_hand(api: Api) -> RunContext:
    one = {"command": api}
    return RunContext(
        readers=dict.fromkeys(one, api.fresh),
        senders=dict.fromkeys(one, api.send),
        explainers=dict.fromkeys(one, api.explain),
        was_definitely_not_done=dict.fromkeys(one, api.dialect.was_definitely_not_done),
        comes_from_between=dict.fromkeys(one, api.dialect.comes_from_between),
        redact=api.redact,
        kinds=KINDS,
        journal=Listening(),
        timing=Timing(sleep=lambda _seconds: None),
    )


@pytest.mark.parametrize("way", WRITTEN)
@pytest.mark.parametrize(("status", "told"), [(400, "the server refused it: 400"), (502, "answered 502")])
def test_an_answer_that_echoes_credentials_is_told_without_them(status: int, told: str, way: str) -> None:
    """Decoded first: .NET escapes `+ & ' < >`, so that what came never looks like what was sent."""
    plan, world, _ = one_handler()
    secrets = [PASSWORD]

    def script(asked: Asked) -> bytes:
        if asked.method == "GET":
            return answer(200, world[HANDLER])
        secrets.append(asked.headers["authorization"].removeprefix("Basic "))
        said = " and ".join(f"<{WRITTEN[way](secret)}>" for secret in secrets)
        return answer(status, f'{{"ErrorCode": "0xA0110000", "Message": "bad: {said}"}}'.encode())

    outcome, stderr = applied(plan, script, PASSWORD, through="the command line" if status == 400 else "hand")

    assert outcome.detail.startswith(f"{told} 0xA0110000: bad: <***> and <***>")
    for secret in secrets:
        for write in WRITTEN.values():
            assert write(secret).casefold() not in outcome.detail.casefold() + stderr.casefold()


@pytest.mark.parametrize("password", ["Successes", "KeyfactorRequestId", "2024", "true"])
def test_a_password_that_is_a_word_of_the_answer_changes_no_verdict(password: str) -> None:
    """The kind reads the lists as the server wrote them; only what is told loses the word."""
    wanted = document("RequestDenial", "d", {"match": {"template": "Web"}})
    plan = planned([wanted], {"/Workflow/Certificates/Pending": [pending(2024)]})
    done = [False]

    def script(asked: Asked) -> bytes:
        if asked.method == "GET":
            return answer(200, {**pending(2024), **({"State": DENIED} if done[0] else {})})
        done[0] = True
        return answer(200, json.loads(result([2024]).body))

    outcome, _ = applied(plan, script, password, through="hand")

    assert (outcome.verdict, outcome.detail) == (Verdict.APPLIED, "")


@pytest.mark.parametrize("shift", range(0, 11, 3))
def test_a_comment_of_the_server_is_told_without_a_secret(shift: int) -> None:
    """The kind quotes it; what is told is redacted, then shortened, then made visible, wherever the cut is."""
    comment = f"by {SECRET}\x1b[31m " + "y" * shift + f"xx {SECRET}" * 1000
    failed: list[Any] = [{"KeyfactorRequestId": 2, "Comment": comment}]
    outcome, _ = denial([1, 2], result([1], failed), {1: DENIED, 2: 5})
    assert outcome.verdicts[:2] == (Verdict.APPLIED, Verdict.NOT_APPLIED)
    assert outcome.detail.startswith("the server could not deny it: by ***\\x1b[31m " + "y" * shift + "xx ***xx")
    assert "hunt" not in outcome.detail
    assert "22" not in outcome.detail
    assert len(outcome.detail) < 4100


@pytest.mark.parametrize("sent", [2, 1])
def test_a_token_that_csms_refuses_with_400_lets_the_write_be_sent_again_with_a_new_one(sent: int) -> None:
    """Where there is a new one; any other 400 is a refusal of the write."""
    path, before, wanted = "/v1/0123/csms/events", event("e"), document("SecretEvent", "e", {"state": "DISABLED"})
    said = answered(400, json.dumps({"error": {"error_code": "CSMS.0301", "error_msg": "invalid"}}).encode())
    void = LoggedOut(said, renewable=True, advice="check it") if sent == 2 else said
    world = {f"{path}/e": {"event": before}}
    server = Moving(world, void, {f"{path}/e": {"event": {**before, "state": "DISABLED"}}}, lag=1)

    (outcome,) = apply(planned([wanted], {path: [before]}), server.seams())

    assert len(server.sent) == sent
    assert outcome.verdict is (Verdict.APPLIED if sent == 2 else Verdict.NOT_APPLIED)
