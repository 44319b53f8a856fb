"""What is asked before anything is sent: how many requests, where to, and how many can't be undone."""

from __future__ import annotations

from reconciler.cli.terminal.confirm import ask_confirmation
from reconciler.cli.terminal.context import Session
from reconciler.model import Action, Change, Coverage, Plan, Risk
from tests.cli.conftest import Terminal
from tests.support.report_plans import DENIAL, EVENT, ROLE, TARGETS, step

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
