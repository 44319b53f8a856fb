"""How a command over many targets is to be run, as it was asked for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from reconciler.cli.terminal.context import Session
    from reconciler.fleet.shards import Shard
    from reconciler.rights import RightsDemand
    from reconciler.settings.model import Settings

_MOST_JOBS = 256


class FleetOptions(NamedTuple):
    """How many targets at once, each in a process of its own (None: nothing was said), and which part of them."""

    jobs: int | None = None
    shard: Shard | None = None

    def needs_fleet(self, session: Session, settings: Settings) -> bool:
        """Say whether each target is to be a task of its own; what a worker does for a task is the end of it."""
        is_asked_for = self.jobs is not None or self.shard is not None or settings.engine is not None
        return is_asked_for and session.task is None


class JobsType(click.ParamType[int]):
    """A number of targets at once, or `auto`: eight, or two for each core where that is less."""

    name = "jobs"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number; fails for what is none."""
        if value == "auto":
            return choose_jobs()
        return int(click.IntRange(1, _MOST_JOBS).convert(value, param, ctx))


def choose_jobs() -> int:
    """Return how many targets are at work at once where nobody says it: most of the time they wait for a server."""
    return min(8, 2 * (os.cpu_count() or 1))


def parse_shard_option(_context: click.Context, _parameter: click.Parameter, value: str | None) -> Shard | None:
    """Return the part that --shard names; raises UsageError."""
    if value is None:
        return None
    from reconciler.fleet.shards import parse_shard

    return parse_shard(value)


def list_plan_words(
    *, detailed_exitcode: bool = False, no_state: bool = False, rights: RightsDemand
) -> tuple[str, ...]:
    """Return the options that say how a target's own process plans."""
    from reconciler.rights import RightsDemand

    flags = {
        "--detailed-exitcode": detailed_exitcode,
        "--no-state": no_state,
        "--no-rights": rights is not RightsDemand.REPORT,
    }
    return tuple(flag for flag, is_set in flags.items() if is_set)
