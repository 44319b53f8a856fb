"""What carrying out a plan touches, passed in: so that a test or a campaign can have another world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from reconciler.engine.gathered_reads import GatheredReads
from reconciler.engine.parallel_steps import Writers
from reconciler.engine.timing import REAL_TIME, Timing
from reconciler.kinds.registry import Registry
from reconciler.model import Call, Outcome, Reply, Step
from reconciler.reader import Read

Send = Callable[[Call], Reply]
"""Sends one request exactly once and returns the answer as it came; raises NoReply, or LoggedOut."""


class Journal(Protocol):
    """What makes sure that a step which may have been sent is known to have been, whatever becomes of this process."""

    def begin(self, number: int, step: Step) -> Outcome | None:
        """Make the intent to send a step durable; returns why it may not be sent, if so. No request is under way."""

    def may_send(self) -> bool:
        """Say whether a request that starts now ends while its target is ours alone. Asks nobody and takes no time."""

    def finish(self, number: int, outcome: Outcome, *, more: bool = False) -> str:
        """Record what became of a step; returns why nothing more may be sent, "" if it may.

        `more` says that another one follows at once, which it may be recorded with.
        """


@dataclass(frozen=True, slots=True)
class RunContext:
    """What touches the world, passed in: reads and sends by target, time, and whether to stop after this step.

    Answers are judged as they came and hold whatever a server says. `explainers` give, by target, what an answer says
    of itself, fit to be shown; `was_definitely_not_done` whether it proves, beyond what its status says, that a write
    was not carried out; `comes_from_between` whether a firewall or a proxy gave it. `redact` takes our secrets out of
    whatever is told of a step. `writers` are by target; without any, each step waits for the one before it.
    `is_broken_off` says that nobody waits any longer, so that nothing more is sent;
    `gathered_looks` and `gathered_read_backs` are for steps that are under way together, before their requests and
    after; `on_answered` is told by such a step that its request was taken well, so that it only reads back from now on.
    """

    readers: Mapping[str, Read]
    senders: Mapping[str, Send]
    explainers: Mapping[str, Callable[[Reply], str]]
    was_definitely_not_done: Mapping[str, Callable[[Reply], bool]]
    comes_from_between: Mapping[str, Callable[[Reply], bool]]
    redact: Callable[[str], str]
    kinds: Registry
    journal: Journal
    stop: Callable[[], bool] = lambda: False
    timing: Timing = REAL_TIME
    writers: Mapping[str, Writers] = field(default_factory=dict)
    is_broken_off: Callable[[], bool] = lambda: False
    gathered_looks: GatheredReads | None = None
    gathered_read_backs: GatheredReads | None = None
    on_answered: Callable[[], None] = lambda: None
