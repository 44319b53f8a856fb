"""Work that may hang, beside what must not wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from time import monotonic
from typing import TypeVar

T = TypeVar("T")


def run_within(tasks: Sequence[Callable[[], T]], seconds: float, late: T) -> list[T]:
    """Do all of these at once, and return what they came to; `late` for each that has not ended in time.

    A task raises nothing. One that is late goes on in a thread that nobody waits for, the interpreter's end included.
    """
    results = [late] * len(tasks)

    def run(index: int) -> None:
        results[index] = tasks[index]()

    # Not an executor's: the interpreter joins those before it ends.
    threads = [threading.Thread(target=run, args=(index,), daemon=True) for index in range(len(tasks))]
    deadline = monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - monotonic()))
    return list(results)
