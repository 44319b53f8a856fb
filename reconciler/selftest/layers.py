"""The layers of the campaign that play schedules: what each one plays, and how many of it in which tier.

To add one, give it a name here. What is played has a name of its own, which shows it again: `--replay LAYER:NAME`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Literal, NamedTuple

from reconciler.selftest.double_kills import list_double_kills, play_double_kill
from reconciler.selftest.interleavings import list_interleavings, play_interleaving
from reconciler.selftest.schedule import Schedule, ScheduleResult
from reconciler.selftest.single_faults import list_single_faults, play_single_fault

Tier = Literal["short", "small", "full"]


class Layer(NamedTuple):
    """`names` are given the seed; `counts` say how many of them a tier plays, 0 for all, evenly chosen from all."""

    title: str
    names: Callable[[str], Iterable[str]]
    play: Callable[[str], ScheduleResult]
    counts: Mapping[Tier, int]


def _name_random(seed: str) -> Iterator[str]:
    number = 0
    while True:
        yield f"{seed}/{number}"
        number += 1


LAYERS: Mapping[str, Layer] = {
    "random": Layer(
        "random schedules",
        _name_random,
        lambda name: Schedule(name).play(),
        {"short": 180, "small": 20_000, "full": 5_000_000},
    ),
    "single-faults": Layer(
        "single faults at every I/O event of 12 plans",
        lambda _seed: list_single_faults(),
        play_single_fault,
        {"short": 80, "small": 0, "full": 0},
    ),
    "double-kills": Layer(
        "a kill, and another in what recovers from it",
        lambda _seed: list_double_kills(),
        play_double_kill,
        {"short": 40, "small": 0, "full": 0},
    ),
    "interleavings": Layer(
        "interleavings of two on one store",
        lambda _seed: list_interleavings(),
        play_interleaving,
        {"short": 40, "small": 0, "full": 0},
    ),
}
"""The layers by name, in the order in which they are played."""


def list_names(layer: Layer, tier: Tier, seed: str) -> list[str]:
    """Return what a tier plays of a layer."""
    count = layer.counts[tier]
    if layer.names is _name_random:
        return list(islice(layer.names(seed), count))
    names = list(layer.names(seed))
    return names[:: max(1, len(names) // count)][:count] if count else names


def play_again(reference: str) -> ScheduleResult:
    """Play one schedule by what it is called, LAYER:NAME; raises ValueError where there is none of that name."""
    layer_name, _, name = reference.partition(":")
    layer = LAYERS.get(layer_name)
    if layer is None or not name:
        raise ValueError(f"{reference!r} is no schedule; layers are {', '.join(LAYERS)}, as in random:1/17")
    try:
        return layer.play(name)
    except (ValueError, KeyError, IndexError):
        raise ValueError(f"the layer {layer_name} has no schedule {name!r}") from None
