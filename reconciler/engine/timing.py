"""Time, as the engine has it: one value to pass in, so that a test or a campaign can have another."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from reconciler.state.lease_watch import DEFAULT_TIMES, LeaseTimes


@dataclass(frozen=True, slots=True)
class ReadBackPolicy:
    """How long to read back before a write counts as unknown, in seconds between the reads.

    After a good answer the wait covers a server that shows the change a little later; after silence it covers one that
    is still at work.
    """

    # Command has been seen to show a claim's old description in a GET just after the PUT that changed it.
    after_answer: tuple[float, ...] = (0.0, 0.1, 0.3, 0.6, 1.0, 2.0)
    after_silence: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True, slots=True)
class Timing:
    """How time passes, and how long is waited for what, in seconds. `clock` is monotonic.

    `settle_pauses` lie between the looks at an object that a run which is gone may have changed: together they are as
    long as a request that nobody waits for may still be at work. `look_again` lies between two looks at a lease that
    another run holds.
    """

    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    patience: ReadBackPolicy = ReadBackPolicy()
    # The last one is for a replica that answers the look before it with what was.
    settle_pauses: tuple[float, ...] = (1.0, 2.0, 5.0, 1.0)
    look_again: float = 2.0
    lease: LeaseTimes = DEFAULT_TIMES


REAL_TIME = Timing()
