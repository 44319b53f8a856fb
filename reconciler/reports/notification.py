"""What a receiver of news is told: the summary and a link, and nothing that a manifest or a server could have written.

A receiver reads HTML, Markdown or a dialect of its own, and some call people when they read `@channel` or `<!here>`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from reconciler.event_names import RunEventName
from reconciler.plans.drift_items import DriftComparison
from reconciler.plans.masking import MaskedOutcome, MaskedPlan
from reconciler.plans.run_events import RunEvent
from reconciler.reports.headline import summarize_drift, summarize_news, summarize_outcomes
from reconciler.sanitize import escape_and_shorten

# Slack: <!channel>, <@U1>, *b*, ~s~, `code`; Discord and Mattermost: @here; Markdown: [text](url), _i_, |; HTML: <, &.
_INERT = str.maketrans({**dict.fromkeys("<>&@[]`*_~|\\", "·"), "#": "·"})
_LONGEST_LINE = 400
_GOOD_NEWS = frozenset({RunEventName.DRIFT_CLEARED})


class NewsMessage(NamedTuple):
    """A message: plain text. `is_good` is True where nobody has to do anything."""

    title: str
    body: str
    is_good: bool


def build_news_message(events: Sequence[RunEvent], summary: str, link: str) -> NewsMessage:
    """Return the message about some events of one run; `summary` is the run in a line or two, `link` may be empty."""
    title = make_inert("; ".join(f"{event.name.value}: {event.summary}" for event in events))
    lines = [make_inert(line) for line in (*(event.detail for event in events), *summary.splitlines()) if line]
    # Many a receiver takes no message without a body.
    body = "\n".join([*(lines or [title]), *([link] if link else [])])
    return NewsMessage(f"reconciler {title}", body, {event.name for event in events} <= _GOOD_NEWS)


def summarize_in_numbers(
    plan: MaskedPlan | None, drift: DriftComparison | None, outcomes: Sequence[MaskedOutcome]
) -> str:
    """Return a run in a line or two: numbers alone."""
    if outcomes:
        return summarize_outcomes(outcomes)
    if plan is None or drift is None:
        return ""
    # What was selected is somebody's pattern, in which a name may stand.
    plain = replace(plan, selection="a selection" if plan.selection else "")
    return "\n".join(filter(None, (summarize_drift(plain), summarize_news(drift))))


def make_inert(text: str) -> str:
    """Return text that no receiver takes for a command, a link or a call, on one line."""
    return escape_and_shorten(text.replace("->", "→"), _LONGEST_LINE).translate(_INERT)
