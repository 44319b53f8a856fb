"""One message to one receiver: it is sent once, to nowhere else, and whatever becomes of it is told in seconds."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from reconciler.credentials.sources import FromEnvironment
from reconciler.diagnostics import Source
from reconciler.notify.delivery import Letter, send_letters
from tests.support.raw_server import Scripted, answer

# Of the standard library, in what Apprise imports for PGP.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")
SETTINGS = Source("reconciler.yaml")


def write(number: int, name: str) -> Letter:
    return Letter(number, FromEnvironment(name), ("drift.new",), "title", "body", False)


def locate(server: Scripted) -> str:
    return f"json://{server.url.removeprefix('http://')}/T0ken"


def test_who_hangs_keeps_nobody_waiting() -> None:
    """The others are told meanwhile, and what is late is told as such: it may arrive yet."""
    is_over = threading.Event()

    def hang(_: Any) -> bytes:
        is_over.wait()
        return answer()

    with Scripted(hang) as slow, Scripted(lambda _: answer()) as quick:
        env = {"SLOW": locate(slow), "QUICK": locate(quick)}
        notes = send_letters([write(0, "SLOW"), write(1, "QUICK")], env, SETTINGS, seconds=1.0)
        is_over.set()
    assert [asked.path for asked in quick.asked] == ["/T0ken"]
    (note,) = notes
    assert note.source == SETTINGS
    assert note.summary == (
        "notify[0].url, the environment variable SLOW: drift.new was not told: "
        "there was no answer within 1 seconds, so it may have arrived or not"
    )


def test_a_message_goes_where_its_url_says_and_nowhere_else() -> None:
    """A redirect would carry it, and what stands in its headers, to whom nobody named."""
    with Scripted(lambda _: answer()) as other:
        location = {"Location": f"{other.url}/T0ken"}
        with Scripted(lambda _: answer(307, headers=location)) as server:
            notes = send_letters([write(0, "URL")], {"URL": locate(server)}, SETTINGS)
    assert (len(server.asked), other.asked, len(notes)) == (1, [], 1)
