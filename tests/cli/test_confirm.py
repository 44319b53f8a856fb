"""What a person at a terminal is told around an apply: what will be sent, before; each finished step, by name."""

from __future__ import annotations

from io import StringIO

import pytest

from reconciler.cli.commands.apply import make_listener
from reconciler.cli.terminal.confirm import ask_confirmation
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.progress import Progress
from reconciler.engine.pipeline import JudgedPlan
from reconciler.model import Action, Bound, Change, Coverage, Outcome, Plan, Risk, Verdict
from reconciler.plans.masking import SecretMasker
from reconciler.reports.perspective import View
from tests.cli.conftest import Terminal
from tests.support.report_plans import DENIAL, EVENT, ROLE, TARGETS, mask_outcomes, mask_plan, named_owner, step

REFUSED_DENIAL = step(
    "RequestDenial",
    action=Action.DENY,
    changes=(Change("requests.9", "pending", "denied", Risk.IRREVERSIBLE),),
    refusal="request 9 is gone",
)


def test_only_what_will_be_sent_is_counted() -> None:
    """A step that was refused is shown in the plan, and no request."""
    stdin, stderr = Terminal("yes\n"), Terminal()
    plan = Plan((ROLE, EVENT, DENIAL, REFUSED_DENIAL), Coverage(5, 5), targets=TARGETS)

    assert ask_confirmation(Session(stdin, Terminal(), stderr, 0.0), plan)

    assert stderr.getvalue().splitlines() == [
        "This will send 3 requests:",
        "  command  https://keyfactor.example.com/KeyfactorAPI  2 requests",
        "  csms  https://csms.example.com 0123  1 request",
        "2 changes can't be undone.",
        "Type yes to apply: ",
    ]


@pytest.mark.parametrize(
    ("targets", "suffix"),
    [({}, ""), ({name: Bound("keyfactor", "https://x.example") for name in ("command", "dev")}, ", target command")],
)
def test_a_finished_step_is_told_by_name(targets: dict[str, Bound], suffix: str) -> None:
    """The certificate's name and end before its thumbprint, and its target where there are several."""
    session = Session(StringIO(), StringIO(), stderr := StringIO(), 0.0, {})
    plan = Plan((named_owner("www.example.com"),), Coverage(1, 1), targets=targets)
    judged = JudgedPlan(plan, SecretMasker(()), mask_plan(plan), ())
    with Progress(session, patience=0) as progress:
        listener = make_listener(session, judged, progress, lambda _: True, View(targets))
        listener.on_outcome(mask_outcomes([Outcome(plan.steps[0], Verdict.APPLIED)])[0], 1)
    assert stderr.getvalue() == (
        "[1/1] applied: update CertificateOwner/payments www.example.com, expires 2027-01-31  "
        f"356A192B7913B04C54574D18C28D46E6395428AB (id 1){suffix}\n"
    )
