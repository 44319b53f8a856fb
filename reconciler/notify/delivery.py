"""Who is told what, and what is said where that fails: a warning, and never the outcome of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from reconciler.credentials.sources import Origin, resolve_secret
from reconciler.diagnostics import Diagnostic, Severity, Source
from reconciler.errors import AuthError, UsageError
from reconciler.event_names import RunEventName
from reconciler.notify.apprise_client import is_apprise_installed, send_message
from reconciler.transport.deadlines import run_within

_SECONDS = 10.0


class Letter(NamedTuple):
    """A message for one receiver: its number in the settings, where its URL comes from, which events, and the text."""

    number: int
    url: Origin
    events: tuple[RunEventName, ...]
    title: str
    body: str
    is_good: bool

    @property
    def label(self) -> str:
        """The receiver as the settings have it."""
        return f"notify[{self.number}].url"


def check_notify_extra(source: Source) -> None:
    """Raise UsageError where the settings ask for messages that nothing here can send."""
    if not is_apprise_installed():
        summary = "notify: the package apprise can't be imported"
        reason, remedy = "without it nobody is told", "pip install 'pki-reconciler[notify]'"
        raise UsageError(Diagnostic("settings.missing-extra", source, summary, reason, remedy))


def send_letters(
    letters: Sequence[Letter],
    env: Mapping[str, str],
    source: Source,
    is_hurried: Callable[[], bool] = lambda: False,
    seconds: float = _SECONDS,
) -> list[str]:
    """Send all of them at once, each once; returns for each why it was not sent, or perhaps not; "" where it was.

    Less is waited where the run is to end (`is_hurried`).
    """
    late = "there was no answer in time, so it may have arrived or not"
    return run_within([partial(_send_letter, letter, env, source) for letter in letters], seconds, late, is_hurried)


def explain_unsent(letter: Letter, failure: str, source: Source, *, is_kept: bool) -> Diagnostic:
    """Say that somebody does not know, and whether a later run will tell them."""
    summary = f"{letter.label}, {letter.url}: {', '.join(letter.events)} was not told: {failure}"
    kept = "the next drift tells it again" if is_kept else "no later run tells it again"
    remedy = "mend it" if is_kept else "tell them yourself, and mend it"
    return Diagnostic("notify.not-sent", source, summary, kept, remedy, Severity.NOTE)


def _send_letter(letter: Letter, env: Mapping[str, str], source: Source) -> str:
    """Send one; returns why that was not possible, "" if it was. Raises nothing."""
    try:
        url = resolve_secret(letter.url, env, purpose=letter.label, source=source).reveal()
        return send_message(url, letter.title, letter.body, is_good=letter.is_good)
    except AuthError as error:
        return "; ".join(problem.message for problem in error.problems)
    # Apprise and what it brings for a hundred services: whatever a receiver does to it is no matter of the run.
    except Exception as fault:  # noqa: BLE001
        return f"Apprise failed ({type(fault).__name__})"
