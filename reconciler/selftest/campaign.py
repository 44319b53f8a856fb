"""Plays a tier: layer by layer, on as many processes as wanted, added up in an order that does not depend on them."""

from __future__ import annotations

import gc
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import NamedTuple

from reconciler.selftest.layers import LAYERS, Tier, list_names
from reconciler.selftest.tally import ScheduleTally

_CHUNK = 100


class LayerResult(NamedTuple):
    """What a layer came to. `seconds` are by the clock on the wall."""

    name: str
    title: str
    tally: ScheduleTally
    seconds: float


def run_campaign(
    tier: Tier, seed: str, jobs: int = 1, on_progress: Callable[[str], None] = lambda _line: None
) -> list[LayerResult]:
    """Play a whole tier and return what each layer came to."""
    results = []
    for name, layer in LAYERS.items():
        names = list_names(layer, tier, seed)
        began, tally = time.monotonic(), ScheduleTally()
        for part in _play_all(name, names, jobs):
            tally.merge(part)
            on_progress(f"{layer.title}: {tally.schedules:,} of {len(names):,}, {tally.violations:,} violations")
        results.append(LayerResult(name, layer.title, tally, time.monotonic() - began))
    return results


def _play_all(layer: str, names: Sequence[str], jobs: int) -> Iterator[ScheduleTally]:
    chunks = [names[start : start + _CHUNK] for start in range(0, len(names), _CHUNK)]
    if jobs <= 1:
        yield from map(partial(play_chunk, layer), chunks)
        return
    # Not by fork: a process that has threads can't be forked safely, and Python warns of it since 3.12.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_save_time) as pool:
        yield from pool.map(partial(play_chunk, layer), chunks)


def play_chunk(layer: str, names: Sequence[str]) -> ScheduleTally:
    """Play schedules of a layer by their names, one after the other."""
    tally = ScheduleTally()
    for name in names:
        tally.add(LAYERS[layer].play(name))
    return tally


def _save_time() -> None:
    # A tenth of the time goes into looking for cycles, of which a chunk leaves few.
    gc.freeze()
    gc.set_threshold(50_000)
