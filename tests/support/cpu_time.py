"""What a piece of work costs, so that two of one run can be compared on a busy machine."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def cost(work: Callable[[], T], times: int = 1, clock: Callable[[], float] = time.thread_time) -> tuple[float, T]:
    """Return this thread's processor seconds (the least of so many times), and what the work returned.

    Other threads don't count, unless the clock is the process's, nor does the collection of what earlier tests left.
    """
    spent = []
    gc.collect()
    gc.disable()
    try:
        for _ in range(times):
            begun = clock()
            result = work()
            spent.append(clock() - begun)
    finally:
        gc.enable()
    return min(spent), result
