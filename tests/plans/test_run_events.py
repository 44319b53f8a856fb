"""Which events a finished run has: from its exit code, its verdicts and what the memory of drift says."""

from __future__ import annotations

import pytest

from reconciler.diagnostics import Address
from reconciler.errors import Exit
from reconciler.event_names import RunEventName
from reconciler.model import Outcome, Verdict
from reconciler.plans.drift_items import ClearedDifference, DriftAge, DriftComparison, DriftStatus
from reconciler.plans.run_events import RunEvent, StaleLease, list_apply_events, list_drift_events
from reconciler.reports.notification import build_news_message, make_inert
from tests.support.report_plans import ROLE, mask_outcomes

UNKNOWN, FAILED = RunEventName.APPLY_UNKNOWN, RunEventName.APPLY_FAILED
# Exit code and verdicts of an apply -> what is told.
APPLIES = {
    "all applied": (Exit.OK, [Verdict.APPLIED, Verdict.UNCHANGED], []),
    "nothing to do": (Exit.OK, [], []),
    "a flag": (Exit.USAGE, [], []),
    "stopped, and all is known": (Exit.INTERRUPTED, [Verdict.APPLIED, Verdict.NOT_REACHED], []),
    "stopped after a failure": (Exit.INTERRUPTED, [Verdict.NOT_APPLIED, Verdict.NOT_REACHED], [FAILED]),
    "one is unknown": (Exit.UNKNOWN, [Verdict.APPLIED, Verdict.UNKNOWN], [UNKNOWN]),
    "what an earlier run did is unknown": (Exit.UNKNOWN, [], [UNKNOWN]),
    "one is unknown, another failed": (Exit.UNKNOWN, [Verdict.UNKNOWN, Verdict.NOT_APPLIED], [UNKNOWN, FAILED]),
    "stopped, and one is unknown": (Exit.INTERRUPTED, [Verdict.UNKNOWN], [UNKNOWN]),
    "stale": (Exit.STALE, [Verdict.STALE, Verdict.NOT_REACHED], [FAILED]),
    **{
        exit_.word: (exit_, [], [FAILED])
        for exit_ in Exit
        if exit_ not in {Exit.OK, Exit.CHANGES, Exit.USAGE, Exit.UNKNOWN, Exit.INTERRUPTED}
    },
}


@pytest.mark.parametrize("name", APPLIES)
def test_an_apply_tells_what_did_not_end_well(name: str) -> None:
    exit_, verdicts, expected = APPLIES[name]
    events = list_apply_events(exit_, mask_outcomes([Outcome(ROLE, verdict, "") for verdict in verdicts]))
    assert [event.name for event in events] == expected
    assert {event.summary for event in events} <= {f"exit {int(exit_)} ({exit_.word})"}


def age(status: DriftStatus) -> DriftAge:
    return DriftAge(status, "2026-11-01T00:00:00.000Z", 1)


NEW, CHANGED, KNOWN, ACKNOWLEDGED = map(age, DriftStatus)
GONE = ClearedDifference(Address("command", "SecurityRole", "x"), "", "", "2026-11-01T00:00:00.000Z", 3)
# What is remembered of the differences -> what is told.
DRIFTS = {
    "no memory that answers": (None, []),
    "nothing differs": (DriftComparison((), (), (), ()), []),
    "what is known": (DriftComparison((), (), (KNOWN, KNOWN), ()), []),
    "what is acknowledged": (DriftComparison((), (), (KNOWN, ACKNOWLEDGED), ()), []),
    "something new": (DriftComparison((), (), (NEW, KNOWN, NEW, CHANGED), ()), ["drift.new: 2 new, 1 changed"]),
    "something changed": (DriftComparison((), (), (KNOWN, CHANGED), ()), ["drift.new: 1 changed"]),
    "something gone": (DriftComparison((), (), (KNOWN,), (GONE,)), ["drift.cleared: 1 cleared"]),
    "both": (DriftComparison((), (), (NEW,), (GONE, GONE)), ["drift.new: 1 new", "drift.cleared: 2 cleared"]),
}


@pytest.mark.parametrize("name", DRIFTS)
def test_drift_tells_what_is_new_changed_or_cleared(name: str) -> None:
    comparison, expected = DRIFTS[name]
    assert [f"{event.name}: {event.summary}" for event in list_drift_events(comparison)] == expected


def test_whatever_others_wrote_calls_nobody() -> None:
    """A store is shared: a run's id and times there are what somebody wrote."""
    hostile = "<!channel> @here `x` [y](z) *b* _i_ ~s~ # h | <b>&amp;\n::error::\x1b[31m\u202e"
    (event,) = list_drift_events(None, [StaleLease("command", hostile, hostile)])
    message = build_news_message([event], hostile, "")
    for text in (message.title, *message.body.splitlines()):
        assert not set(text) & set("<>&@[]`*_~|\\#\x1b\u202e")
    assert "\n" not in message.title
    assert make_inert("x" * 5000).count("x") < 500


def test_a_message_has_a_title_a_body_and_a_mood() -> None:
    """A body in any case, for many a receiver takes none without; only what is good throughout looks so."""
    cleared = RunEvent(RunEventName.DRIFT_CLEARED, "1 cleared")
    new = RunEvent(RunEventName.DRIFT_NEW, "2 new")
    alone = build_news_message([cleared], "", "")
    assert alone == ("reconciler drift.cleared: 1 cleared", "drift.cleared: 1 cleared", True)
    both = build_news_message([new, cleared], "a -> b\nc", "https://x/")
    assert both == ("reconciler drift.new: 2 new; drift.cleared: 1 cleared", "a → b\nc\nhttps://x/", False)
