"""Work that may hang, beside what must not wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from time import monotonic
from typing import TypeVar

T = TypeVar("T")
HURRIED_SECONDS = 2.0
"""How long is waited at most once the run is to end: a supervisor's SIGKILL may follow ten seconds after its wish."""
_LOOK_SECONDS = 0.1


def run_within(
    tasks: Sequence[Callable[[], T]], seconds: float, late: T, is_hurried: Callable[[], bool] = lambda: False
) -> list[T]:
    """Do all of these at once, and return what they came to; `late` for each that has not ended in time.

    A task raises nothing. One that is late goes on in a thread that nobody waits for, the interpreter's end included.
    """
    results = [late] * len(tasks)

    def run(index: int) -> None:
        results[index] = tasks[index]()

    # Not an executor's: the interpreter joins those before it ends.
    threads = [threading.Thread(target=run, args=(index,), daemon=True) for index in range(len(tasks))]
    started = monotonic()
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        left = started + (min(seconds, HURRIED_SECONDS) if is_hurried() else seconds) - monotonic()
        if left <= 0:
            break
        for thread in threads:
            thread.join(min(left, _LOOK_SECONDS))
    return list(results)
