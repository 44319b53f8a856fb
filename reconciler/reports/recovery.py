"""What became of steps that earlier runs left open, for people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from reconciler.model import Json
from reconciler.reports.layout import sanitize_message

_FOUND = {"applied": "was applied", "not_applied": "was not applied", "unknown": "may have been applied"}


class Settled(Protocol):
    """A step as it is told: the engine's own value fits."""

    @property
    def target(self) -> str: ...
    @property
    def run(self) -> str: ...
    @property
    def step(self) -> str: ...
    @property
    def act(self) -> str: ...
    @property
    def outcome(self) -> str: ...
    @property
    def detail(self) -> str: ...
    @property
    def since(self) -> str: ...
    @property
    def reference(self) -> str: ...


def encode_settled(steps: Sequence[Settled]) -> list[Json]:
    """Return the members of each step."""
    return [
        {
            "step": step.reference,
            "target": step.target,
            "object": step.step,
            "act": step.act,
            "outcome": str(step.outcome),
            "detail": step.detail,
            "since": step.since,
        }
        for step in steps
    ]


def render_settled(steps: Sequence[Settled]) -> str:
    """Return what was found, what is still open last, each with what a person has to do."""
    if not steps:
        return "Nothing was open.\n"
    lines = []
    for step in sorted(steps, key=lambda step: step.outcome == "unknown"):
        what = " ".join(filter(None, (step.step, step.act)))
        lines.append(f"{what} {_FOUND[step.outcome]}: {step.detail}  (run {step.run}, {step.since})")
        if step.outcome == "unknown":
            lines.append(f"  look at it, then: reconciler recover --settle {step.reference} applied")
            lines.append("  or, if it was not: the same with not_applied")
    count = sum(step.outcome == "unknown" for step in steps)
    lines.append("")
    lines.append(f"{len(steps) - count:,} settled, {count:,} still open")
    return sanitize_message("\n".join(lines) + "\n")
