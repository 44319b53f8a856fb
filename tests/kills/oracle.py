"""What must hold around a run that was broken: judged by the simulator's ledger, the store and what was printed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from reconciler.errors import Exit
from reconciler.state.records import Intent
from reconciler.state.store import Store
from tests.kills.scene import RunResult

Writes = Sequence[Mapping[str, Any]]
DENY = "/Workflow/Certificates/Deny"


class Write(NamedTuple):
    """One mutation, by what makes it the same again."""

    method: str
    path: str
    body: str


def read_writes(ledger: Writes) -> list[Write]:
    """Return the mutations of a ledger, oldest first."""
    return [Write(entry["method"], entry["path"], json.dumps(entry["body"], sort_keys=True)) for entry in ledger]


def list_denied(ledger: Writes) -> list[int]:
    """Return the ids that were denied, as often as they were."""
    return [number for entry in ledger if entry["path"] == DENY for number in entry["body"]["CertificateRequestIds"]]


def find_bad_writes(ledger: Writes, planned: Sequence[Write]) -> list[str]:
    """Return what was written without a plan, or more than once."""
    done = Counter(read_writes(ledger))
    faults = [f"unplanned write: {write}" for write in done if write not in planned]
    faults += [f"written {count} times: {write}" for write, count in done.items() if count > 1]
    faults += [f"denied {n} times: {number}" for number, n in Counter(list_denied(ledger)).items() if n > 1]
    return faults


def find_unintended(ledger: Writes, intents: Sequence[Intent]) -> list[str]:
    """Return what was written without a durable intent."""
    intended = {(intent.method, intent.path) for intent in intents}
    return [
        f"no intent for {write.method} {write.path}"
        for write in read_writes(ledger)
        if (write.method, write.path) not in intended
    ]


def list_intents(store: Store, targets: Sequence[str]) -> list[Intent]:
    """Return every intent that the store remembers."""
    histories = [store.read_run(target, run.id) for target in targets for run in store.list_runs(target)]
    return [intent for history in histories if history for intent in history.intents]


def find_untruths(result: RunResult, ledger: Writes, planned: Sequence[Write]) -> list[str]:
    """Return where what a finished run said is not what the server did for it; `ledger` is that of this run alone."""
    if result.code not in set(Exit):
        return [f"exit {result.code}: {result.stderr[-300:]}"]
    if result.code == Exit.INTERNAL:
        return [f"internal error: {result.stderr[-300:]}"]
    steps = (result.report or {}).get("steps", [])
    verdicts = Counter(step.get("verdict") for step in steps)
    faults = []
    most = verdicts["applied"] + verdicts["unknown"]
    if result.report is not None and not verdicts["applied"] <= len(ledger) <= most:
        faults.append(f"report says {dict(verdicts)}, the server did {len(ledger)}")
    if result.code == Exit.OK and verdicts - Counter(applied=len(planned), unchanged=len(planned)):
        faults.append(f"exit 0 with {dict(verdicts)}")
    if verdicts["unknown"] and result.code != Exit.UNKNOWN:
        faults.append(f"exit {result.code} with an unknown step")
    return faults


def find_open(report: Any) -> list[tuple[str, list[str]]]:
    """Return what a person has to settle after `recover`: (step, what is wrong with asking them)."""
    # Nobody else edits here: reading settles everything but a denial that looks as if it was not done.
    return [
        (entry["step"], [] if entry["act"] else [f"left to a person: {entry}"])
        for entry in (report or {}).get("settled", [])
        if entry["outcome"] == "unknown"
    ]
