"""One message to one receiver: it is sent once, to nowhere else, and whatever becomes of it is told in seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

import pytest

from reconciler.credentials.sources import FromEnvironment
from reconciler.diagnostics import Source
from reconciler.event_names import RunEventName
from reconciler.notify.delivery import Letter, explain_unsent, send_letters
from reconciler.transport import deadlines
from reconciler.transport.deadlines import run_within
from tests.support.raw_server import Scripted, answer

# Of the standard library, in what Apprise imports for PGP.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")
SETTINGS = Source("reconciler.yaml")


def write(number: int, name: str) -> Letter:
    return Letter(number, FromEnvironment(name), (RunEventName.DRIFT_NEW,), "title", "body", False)


def locate(server: Scripted) -> str:
    return f"json://{server.url.removeprefix('http://')}/T0ken"


def test_who_hangs_keeps_nobody_waiting() -> None:
    """What is late is told as such: it may arrive yet."""
    is_over = threading.Event()

    def hang(_: Any) -> bytes:
        is_over.wait()
        return answer()

    with Scripted(lambda _: answer()) as quick:
        assert send_letters([write(1, "URL")], {"URL": locate(quick)}, SETTINGS) == [""]
    assert [asked.path for asked in quick.asked] == ["/T0ken"]
    with Scripted(hang) as slow:
        (failure,) = send_letters([write(0, "URL")], {"URL": locate(slow)}, SETTINGS, seconds=0.1)
        is_over.set()
    note = explain_unsent(write(0, "URL"), failure, SETTINGS, is_kept=True)
    assert note.source == SETTINGS
    assert note.summary == (
        "notify[0].url, the environment variable URL: drift.new was not told: "
        "there was no answer in time, so it may have arrived or not"
    )


def test_work_that_is_late_holds_up_nothing_else() -> None:
    """Each result stands in the place of its task."""
    is_over = threading.Event()
    tasks: list[Callable[[], str]] = [lambda: "first", lambda: str(is_over.wait()), lambda: "third"]
    assert run_within(tasks, 0.3, "late") == ["first", "late", "third"]
    is_over.set()
    assert run_within([], 0.1, "late") == []


def test_a_run_that_is_to_end_waits_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the moment that somebody asks for its end: a supervisor kills what takes long, and the report with it."""
    monkeypatch.setattr(deadlines, "HURRIED_SECONDS", 0.2)
    is_over = threading.Event()
    wishes = iter([False, False])
    started = monotonic()
    assert run_within([lambda: str(is_over.wait())], 60.0, "late", lambda: next(wishes, True)) == ["late"]
    assert monotonic() - started < 30
    is_over.set()


def test_a_message_goes_where_its_url_says_and_nowhere_else() -> None:
    """A redirect would carry it, and what stands in its headers, to whom nobody named."""
    with Scripted(lambda _: answer()) as other:
        location = {"Location": f"{other.url}/T0ken"}
        with Scripted(lambda _: answer(307, headers=location)) as server:
            (failure,) = send_letters([write(0, "URL")], {"URL": locate(server)}, SETTINGS)
    assert (len(server.asked), other.asked, bool(failure)) == (1, [], True)
