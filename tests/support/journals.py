"""Journals for tests of what is sent: one that only listens, and one that follows a script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from reconciler.diagnostics import Diagnostic
from reconciler.errors import Exit
from reconciler.model import Outcome, Plan, Step


@dataclass
class Listening:
    """Lets everything through, and keeps in order what it was asked; `events` may be shared with a server."""

    events: list[str] = field(default_factory=list)
    refusals: dict[int, Outcome] = field(default_factory=dict)
    late: bool = False
    fails: str = ""
    faults: tuple[Diagnostic, ...] = ()

    def claim(self, plan: Plan) -> Plan:
        self.events.append("claim")
        return plan

    def begin(self, number: int, step: Step) -> Outcome | None:
        self.events.append(f"begin {number}")
        return self.refusals.get(number)

    def may_send(self) -> bool:
        return not self.late

    def finish(self, number: int, outcome: Outcome, *, more: bool = False) -> str:
        self.events.append(f"finish {number} {outcome.verdict}")
        return self.fails

    def release(self, outcomes: Sequence[Outcome], exit_: Exit) -> None:
        self.events.append(f"release {exit_:d}")
