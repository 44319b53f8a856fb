"""The signals that ask the tool to stop: Ctrl-C, a supervisor's, a terminal that has gone, and Ctrl-\\."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Literal

SignalHandler = Callable[[int, FrameType | None], Any] | signal.Handlers

# SIGTERM comes from `docker stop`, Kubernetes and systemd, and SIGKILL follows it: by default after 10, 30 and
# 90 seconds.
_STOP_SIGNALS = tuple(
    # Windows has neither of the last two.
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")
    if hasattr(signal, name)
)
_HANG_UP = getattr(signal, "SIGHUP", None)


def set_stop_handler(handler: SignalHandler) -> dict[int, Any]:
    """Handle every signal that asks to stop; returns the handlers before. One that is ignored (nohup) stays so."""
    former = {number: signal.getsignal(number) for number in _STOP_SIGNALS}
    # nohup ignores SIGHUP, a shell without job control SIGINT and SIGQUIT of what it runs with `&` (POSIX, 2.11).
    # None stands for a handler that was not installed from Python, which signal() could not put back.
    handled = [number for number, before in former.items() if before not in {signal.SIG_IGN, None}]
    return {number: signal.signal(number, handler) for number in handled}


class StopSignals:
    """What a signal that asks to stop means, by how far a run has come.

    While it looks, each ends it: KeyboardInterrupt. From the first request that changes something until the report is
    out, the first is a wish: the step under way is finished, what is being told is told. A second one breaks that off,
    and once sending is broken off or done the count begins anew, so that nobody's impatience with a step costs the
    report. A hang-up is never the second one: a terminal that goes says so, and some shells and supervisors say it once
    more.
    """

    def __init__(self) -> None:
        # No lock: a handler runs in the main thread, between two bytecodes, and would wait for itself.
        self._stage: Literal["looking", "sending", "telling"] = "looking"
        self._requested = self._first_received = False
        self._acknowledge: Callable[[], None] = lambda: None

    def is_requested(self) -> bool:
        """Tell whether somebody has asked to stop since requests are sent."""
        return self._requested

    def is_hurried(self) -> bool:
        """Tell whether somebody waits for the end, since requests are sent: what can be left out is better left out."""
        return self._requested or self._first_received

    def begin_sending(self, acknowledge: Callable[[], None]) -> None:
        """From now on requests are sent; `say` answers a wish to stop."""
        self._acknowledge = acknowledge
        self._stage = "sending"

    def begin_reporting(self) -> None:
        """From now on all that is left is to tell what was done."""
        if self._stage != "telling":
            self._first_received = False  # first: a signal between the two must not find itself to be the second one
            self._stage = "telling"

    @contextmanager
    def handle_signals(self) -> Iterator[None]:
        """Take signals so, and then again as before. Elsewhere than in the main thread they are not ours to handle."""
        # signal() raises ValueError in any other thread.
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = set_stop_handler(self)
        try:
            yield
        finally:
            for number, former in before.items():
                signal.signal(number, former)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        # GitHub Actions cancels a job with SIGINT, sends SIGTERM 7.5 s later and kills it 2.5 s after that.
        if self._stage == "looking" or (self._first_received and number != _HANG_UP):
            if self._stage == "sending":
                self.begin_reporting()
            signal.default_int_handler(number, frame)
        if self._first_received:
            return
        self._first_received = True
        if self._stage == "sending":
            self._requested = True
            self._acknowledge()
