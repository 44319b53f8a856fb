"""The signals that ask the tool to stop: Ctrl-C, a supervisor's, a terminal that has gone, and Ctrl-\\."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

Handler = Callable[[int, FrameType | None], Any]

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def on_stop(handler: Handler) -> dict[int, Any]:
    """Handle every signal that asks to stop; returns the handlers before. One that is ignored (nohup) stays so."""
    heard = [number for number in _STOPPING if signal.getsignal(number) is not signal.SIG_IGN]
    return {number: signal.signal(number, handler) for number in heard}


@contextmanager
def stopping(handler: Handler) -> Iterator[None]:
    """Do so for a while. Only the main thread may."""
    before = on_stop(handler)
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
