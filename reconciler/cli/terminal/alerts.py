"""Who is told of a run by the settings' `notify:`, and what: after it has ended, before its report is printed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.diagnostics import Diagnostic, Severity, Source
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.cli.terminal.output import CommandResult
    from reconciler.notify.delivery import Letter
    from reconciler.plans.run_events import RunEvent
    from reconciler.settings.model import Settings

# The characters of a URL (RFC 3986, section 2), and no login in it (3.2.1): that would be a secret for everybody.
_LINK = re.compile(r"https?://[A-Za-z0-9._~:\[\]-]+([/?#][A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*)?")
_LONGEST_LINK = 2000
BROKEN_OFF_ALERTS = Diagnostic(
    "notify.not-sent",
    Source("notify"),
    "telling others was broken off: some may have been told",
    "each piece of news is told once, and no later run tells it again",
    "tell them yourself",
    Severity.NOTE,
)
"""What is said where somebody did not wait for the messages."""


class Alerts:
    """What a command that has news remembers of whom to tell: nothing at all for the others."""

    def __init__(self) -> None:
        self._link: str | None = None
        self._is_armed = False
        self._settings: Settings | None = None

    def arm(self, link: str | None) -> None:
        """Make the run one that has news; `link` is where people read on. Raises UsageError for what is no link."""
        if link is not None and not is_link(link):
            summary = "--link needs an http or https URL without a login and without blanks"
            raise UsageError(Diagnostic("usage.invalid-link", Source("--link"), summary, remedy="give the job's page"))
        self._link, self._is_armed = link, True

    def note_settings(self, settings: Settings) -> None:
        """Take note of who is to be told; raises UsageError where nobody could be."""
        if not self._is_armed or not settings.receivers:
            return
        from reconciler.notify.delivery import check_notify_extra

        check_notify_extra(Source(settings.name))
        self._settings = settings

    def send(
        self, command: str, result: CommandResult, env: Mapping[str, str], is_hurried: Callable[[], bool]
    ) -> list[Diagnostic]:
        """Tell each receiver what it wants to know of a finished run, if anything; returns what could not be told."""
        if self._settings is None:
            return []
        from reconciler.plans.run_events import list_apply_events

        # Whoever says no at a terminal knows.
        is_declined = any(problem.rule == "plan.not-confirmed" for problem in result.problems)
        is_apply = command == "apply" and not is_declined
        events = list_apply_events(result.exit, result.outcomes) if is_apply else result.events
        if not events and not result.untold:
            return []
        letters = _write_letters(self._settings, events, result, self.find_link(env))
        return _send_letters(self._settings, letters, result, env, is_hurried) if letters else []

    def find_link(self, env: Mapping[str, str]) -> str:
        """Return where people read on: what --link says, else the page of the CI job; "" where there is none."""
        if self._link is not None:
            return self._link
        from reconciler.state.run_holder import find_job_url

        url = find_job_url(env)
        return url if is_link(url) else ""


def is_link(text: str) -> bool:
    """Say whether a text is a URL to click on, and nothing else."""
    return len(text) <= _LONGEST_LINK and _LINK.fullmatch(text) is not None


def _write_letters(settings: Settings, events: Sequence[RunEvent], result: CommandResult, link: str) -> list[Letter]:
    """Return a message for each receiver that is to be told of something."""
    from reconciler.engine.untold_news import identify_receiver
    from reconciler.notify.delivery import Letter
    from reconciler.plans.run_events import choose_events
    from reconciler.reports.notification import build_news_message, summarize_in_numbers

    summary = summarize_in_numbers(result.plan, result.drift, result.outcomes)
    letters = []
    for number, receiver in enumerate(settings.receivers):
        own = [entry for entry in result.untold if entry.receiver == identify_receiver(receiver.url)]
        if chosen := choose_events(receiver.events, events, own):
            message = build_news_message(chosen, summary, link)
            letters.append(Letter(number, receiver.url, tuple(event.name for event in chosen), *message))
    return letters


def _send_letters(
    settings: Settings,
    letters: Sequence[Letter],
    result: CommandResult,
    env: Mapping[str, str],
    is_hurried: Callable[[], bool],
) -> list[Diagnostic]:
    """Send them, and let a later run know what could not be told; returns a note for each that failed."""
    from reconciler.engine.untold_news import ToldNews, identify_receiver, keep_untold_news
    from reconciler.notify.delivery import explain_unsent, send_letters
    from reconciler.plans.run_events import UntoldNews
    from reconciler.state.records import make_record_id

    source = Source(settings.name)
    failures = send_letters(letters, env, source, is_hurried)
    pairs = list(zip(letters, failures, strict=True))
    told, untold = (
        {
            UntoldNews(identify_receiver(letter.url), event)
            for letter, failure in pairs
            if bool(failure) is is_failure
            for event in letter.events
        }
        for is_failure in (False, True)
    )
    late = {entry._replace(since="") for entry in result.untold}
    news, is_kept = ToldNews(told & late, untold), False
    if news.told or news.untold:
        run, bounds = result.extra.get("run") or {}, result.plan.targets if result.plan else {}
        # A fleet's run has none: each of its tasks has.
        is_kept = keep_untold_news(news, run.get("id") or make_record_id(), bounds, settings, env)
    return [explain_unsent(letter, failure, source, is_kept=is_kept) for letter, failure in pairs if failure]
