"""What a campaign showed, as a document: TRUST.json of a release, and the table at the end of `reconciler selftest`."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from reconciler import __version__
from reconciler.model import Json
from reconciler.selftest.campaign import LayerResult
from reconciler.selftest.gates import Gate
from reconciler.selftest.layers import Tier

_PACKAGE = Path(__file__).parents[1]
_CLAIM = "0 lost, 0 duplicated, 0 unplanned writes; 0 untruthful exits"


@cache
def digest_code() -> str:
    """Return a digest of the tool's own code: with the seed it is what makes a campaign the same again."""
    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        digest.update(
            f"{path.relative_to(_PACKAGE).as_posix()} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode()
        )
    return digest.hexdigest()[:16]


def build_trust_document(
    layers: Sequence[LayerResult], gates: Sequence[Gate], tier: Tier, seed: str
) -> dict[str, Json]:
    """Return the whole result as JSON. `layers` is a mapping to which other campaigns add theirs."""
    missed = [gate.name for gate in gates if not gate.holds]
    return {
        "claim": _CLAIM if not missed else f"not shown: {', '.join(missed)}",
        "holds": not missed,
        "tool": __version__,
        "code": digest_code(),
        "tier": tier,
        "seed": seed,
        "repeat": f"reconciler selftest --tier {tier} --seed {seed}",
        "machine": {"python": platform.python_version(), "system": platform.system(), "cpus": os.cpu_count()},
        "seconds": round(sum(layer.seconds for layer in layers), 1),
        "layers": {layer.name: _encode_layer(layer) for layer in layers},
        "gates": [{**gate._asdict(), "holds": gate.holds} for gate in gates],
    }


def _encode_layer(layer: LayerResult) -> dict[str, Json]:
    tally = layer.tally
    members: dict[str, Any] = {
        "title": layer.title,
        "schedules": tally.schedules,
        "distinct": len(tally.timelines),
        "io_events": tally.events,
        "violations": tally.violations,
        "window_losses": tally.window_losses,
        "faults": dict(sorted(tally.fired.items())),
        "exits": dict(sorted(tally.exits.items())),
        "outcomes": dict(sorted(tally.edges.items())),
        "liveness": dict(sorted(tally.liveness.items())),
        "examples": [example._asdict() for example in tally.examples],
        "digest": tally.digest,
        "seconds": round(layer.seconds, 1),
    }
    if layer.name == "random":
        # The rule of three: none in n independent ones means at most 3/n, with a confidence of 95 %.
        members["violation_probability_at_most"] = None if tally.violations else round(3 / max(1, tally.schedules), 8)
    return members


def tabulate_layers(layers: Sequence[LayerResult]) -> list[dict[str, Json]]:
    """Return one row a layer, for a table."""
    return [
        {
            "layer": layer.title,
            "schedules": f"{layer.tally.schedules:,}",
            "distinct": f"{len(layer.tally.timelines):,}",
            "I/O events": f"{layer.tally.events:,}",
            "faults": f"{sum(layer.tally.fired.values()):,}",
            "killed": f"{layer.tally.exits['killed']:,}",
            "violations": f"{layer.tally.violations:,}",
            "lost in the window": f"{layer.tally.window_losses:,}",
            "seconds": f"{layer.seconds:.0f}",
        }
        for layer in layers
    ]


def tabulate_counts(layers: Sequence[LayerResult]) -> list[dict[str, Json]]:
    """Return what happened how often in all layers: kinds of faults, exits, outcomes, ends."""
    rows: list[dict[str, Json]] = []
    for heading, name in (("fault", "fired"), ("exit", "exits"), ("outcome", "edges"), ("end", "liveness")):
        counts = sum((getattr(layer.tally, name) for layer in layers), start=type(layers[0].tally.fired)())
        rows += [{"what": f"{heading} {word}", "count": f"{number:,}"} for word, number in sorted(counts.items())]
    return rows
