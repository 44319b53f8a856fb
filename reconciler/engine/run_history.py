"""What was done, as the store remembers it: runs over all of their targets, their steps, and what came of those.

A run has a record on each target that it wrote to, all under one id. Nothing here asks a server.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from reconciler.diagnostics import Address, Diagnostic, Source
from reconciler.engine.intent_records import RecordedBody, read_recorded_body
from reconciler.engine.recovery import name_step
from reconciler.errors import Exit, UsageError, find_worst_exit
from reconciler.model import Action, Step
from reconciler.patterns import escape_wildcards, matches_pattern
from reconciler.state.records import (
    DriftItem,
    DriftRecord,
    Intent,
    IntentKind,
    IntentResult,
    RunHistory,
    RunHolder,
    RunRecord,
    SettledAs,
)
from reconciler.state.store import Store

ALL_RUNS = 1_000_000
"""How many runs are looked at where all may matter: more than any store has."""
_ACTIONS = {
    IntentKind.CREATE: Action.CREATE,
    IntentKind.IRREVERSIBLE: Action.DENY,
    IntentKind.REPEATABLE: Action.UPDATE,
}


class ActOutcome(NamedTuple):
    """What is known of an act of a step, or of the whole where `act` is ""; None if nobody ever said."""

    act: str
    outcome: SettledAs | None


@dataclass(frozen=True, slots=True)
class RecordedStep:
    """One step of a run. `target` is what the settings call it; `body` is None where it was not kept."""

    target: str
    intent: Intent
    recorded: str
    results: tuple[IntentResult, ...]
    body: RecordedBody | None

    @property
    def reference(self) -> str:
        """What a person calls it: RUN/NUMBER."""
        return name_step(self.intent.run, self.intent.number)

    @property
    def address(self) -> Address:
        """The document that it came from."""
        kind, _, name = self.intent.step.partition("/")
        return Address(self.target, kind, name)

    @property
    def outcomes(self) -> tuple[ActOutcome, ...]:
        """What came of each act, or of the whole: of several results the last one counts."""
        return tuple(ActOutcome(act, self._find_outcome(act)) for act in self.intent.acts or ("",))

    @property
    def verdict(self) -> SettledAs:
        """What came of all of it: `unknown` if that is not known of a part, else `not_applied` if it is so of one."""
        outcomes = [entry.outcome or SettledAs.UNKNOWN for entry in self.outcomes]
        order = (SettledAs.UNKNOWN, SettledAs.NOT_APPLIED, SettledAs.APPLIED)
        return next(verdict for verdict in order if verdict in outcomes)

    @property
    def request_id(self) -> str:
        """What the server's answer called the write; "" where it didn't, or where there was none."""
        return next((result.request_id for result in self.results if result.request_id), "")

    def explain_absence(self) -> str:
        """Say why nothing is known of what a step without a body changed."""
        previous = self.intent.previous
        if previous and previous.key:
            return f"what it changed is encrypted with the key {previous.key}, and `state.key` is another or not given"
        return "what it changed is not in this store, and if it was kept, then on the machine that ran it"

    def build_step(self) -> Step:
        """Return the step as it was shown, without its request; without a body there is nothing that it changes."""
        if body := self.body:
            return Step(self.address, body.action, body.source, body.changes, None, body.object, subjects=body.subjects)
        return Step(self.address, _ACTIONS[self.intent.kind], Source("not kept"), (), None)

    def _find_outcome(self, act: str) -> SettledAs | None:
        outcomes = [result.outcome for result in self.results if result.act in ("", act)]
        return outcomes[-1] if outcomes else None


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run over all of its targets, which are called as the settings call them.

    `exit` is None until it ended on all of them; `is_under_way` says that it still holds one. `steps` are in the order
    of the plan, and empty where nobody asked for them.
    """

    record: RunRecord
    targets: tuple[str, ...]
    exit: Exit | None
    counts: Mapping[str, int]
    is_under_way: bool = False
    steps: tuple[RecordedStep, ...] = ()

    @property
    def id(self) -> str:
        """The run's id."""
        return self.record.id

    @property
    def outcome(self) -> str:
        """How it ended, in the word of its exit code; else that it goes on, or that it was never heard of again."""
        if self.exit is not None:
            return self.exit.word
        return "running" if self.is_under_way else "unfinished"


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Which runs are asked for: at most so many, begun no earlier than a time as records have it ("" for any).

    `reference` is the id of one, or the beginning of it; `objects` a kind and the pattern of a name, whose steps alone
    are wanted.
    """

    limit: int = ALL_RUNS
    since: str = ""
    reference: str | None = None
    objects: tuple[str, str] | None = None
    with_steps: bool = False


_EVERYTHING: Final = RunQuery()


def look_up_runs(
    store: Store | None, targets: Mapping[str, str], query: RunQuery
) -> tuple[list[PastRun], dict[str, RunHolder]]:
    """Return the runs on these targets (ids by name) that are asked for, the newest first, and who ran, by run.

    None is a store that was never made, in which there are none. Raises StoreError, and UsageError for a run that there
    is not.
    """
    if store is None:
        return _pick_runs([], query), {}
    everything = list_past_runs(store, targets)
    holders = {run.id: run.record.holder for run in everything}
    runs = _pick_runs(everything, query)
    if query.objects:
        runs = select_object_steps(read_steps(store, targets, runs), *query.objects)[: query.limit]
    elif query.reference is not None or query.with_steps:
        runs = read_steps(store, targets, runs[: query.limit])
    return runs[: query.limit], holders


def _pick_runs(runs: Sequence[PastRun], query: RunQuery) -> list[PastRun]:
    if query.reference is not None:
        return [find_past_run(runs, query.reference)]
    return [run for run in runs if run.record.started >= query.since]


def list_past_runs(store: Store, targets: Mapping[str, str]) -> list[PastRun]:
    """Return all runs on these targets, without their steps, the newest first. Raises StoreError."""
    records: dict[str, dict[str, RunRecord]] = {}
    holding: set[str] = set()
    for name, target in targets.items():
        for record in store.list_runs(target, ALL_RUNS):
            records.setdefault(record.id, {})[name] = record
        if lease := store.read_lease(target):
            holding.add(lease.run)
    runs = [_merge_records(parts, is_under_way=key in holding) for key, parts in records.items()]
    return sorted(runs, key=lambda run: (run.record.started, run.id), reverse=True)


class PastDifference(NamedTuple):
    """A difference that drift runs saw: from when (UTC), until when it was last seen, in how many runs.

    `cleared` is when a run found it gone, "" while it is there. `path` is empty for an object that is not there.
    """

    address: Address
    object: str
    path: str
    first_seen: str
    last_seen: str
    runs: int
    cleared: str


def list_past_differences(
    store: Store | None, targets: Mapping[str, str], query: RunQuery = _EVERYTHING
) -> list[PastDifference]:
    """Return what drift remembers of these targets (ids by name) and of the query, in order of time: of its objects,
    and there at its time or later; nothing where a single run is asked for. Raises StoreError.
    """
    if store is None or query.reference is not None:
        return []
    differences = [
        _make_difference(name, record)
        for name, target in targets.items()
        for record in _pick_last_parts(store.list_drift(target))
        if not record.item.is_marker
    ]
    fitting = (difference for difference in differences if _is_asked_for(difference, query))
    return sorted(fitting, key=lambda difference: (difference.first_seen, difference))


def _is_asked_for(difference: PastDifference, query: RunQuery) -> bool:
    if difference.cleared and difference.cleared < query.since:
        return False
    if query.objects is None:
        return True
    kind, pattern = query.objects
    names = (difference.address.name, difference.object.rpartition(" (")[0])
    return difference.address.kind == kind and any(matches_pattern(pattern, name) for name in names if name)


def _pick_last_parts(records: Iterable[DriftRecord]) -> Iterable[DriftRecord]:
    """Return one record a life of a difference: that it was acknowledged meanwhile has begun another one."""
    lives: dict[tuple[DriftItem, str], DriftRecord] = {}
    for record in records:
        key = (record.item.forget_acknowledgement(), record.first_seen)
        other = lives.setdefault(key, record)
        lives[key] = max(other, record, key=lambda part: (not part.cleared, part.last_seen))
    return lives.values()


def _make_difference(target: str, record: DriftRecord) -> PastDifference:
    kind, _, name = record.item.address.partition("/")
    address = Address(target, kind, name)
    times = record.first_seen, record.last_seen, record.runs, record.cleared
    return PastDifference(address, record.item.object, record.item.path, *times)


def _merge_records(parts: Mapping[str, RunRecord], *, is_under_way: bool) -> PastRun:
    """Return the records that a run has on its targets, by their names, as one: it ended when the last of them did."""
    records = list(parts.values())
    ended = "" if any(not record.ended for record in records) else max(record.ended for record in records)
    counts: Counter[str] = Counter()
    for record in records:
        counts.update(record.counts)
    first = min(records, key=lambda record: record.started)
    record = replace(
        first,
        ended=ended,
        commit=next((record.commit for record in records if record.commit), ""),
        plan=next((record.plan for record in records if record.plan), ""),
    )
    exits = {_read_exit(record.exit) for record in records}
    return PastRun(record, tuple(sorted(parts)), find_worst_exit(exits) if ended else None, counts, is_under_way)


def _read_exit(code: int | None) -> Exit:
    # A version to come may know a code that this one doesn't.
    return Exit(code) if code in list(Exit) else Exit.INTERNAL


def read_steps(store: Store, targets: Mapping[str, str], runs: Sequence[PastRun]) -> list[PastRun]:
    """Return the runs with their steps: of each target one look at the store. Raises StoreError."""
    steps: dict[str, list[RecordedStep]] = {}
    for name, target in targets.items():
        for history in store.read_histories(target, [run.id for run in runs if name in run.targets]):
            steps.setdefault(history.run.id, []).extend(_list_steps(name, history))
    return [
        replace(run, steps=tuple(sorted(steps.get(run.id, ()), key=lambda step: step.intent.number))) for run in runs
    ]


def _list_steps(target: str, history: RunHistory) -> Iterable[RecordedStep]:
    results: dict[int, list[IntentResult]] = {}
    for result in history.results:
        results.setdefault(result.number, []).append(result)
    for intent, recorded in zip(history.intents, history.times, strict=True):
        body = read_recorded_body(intent.previous.body) if intent.previous and intent.previous.body else None
        yield RecordedStep(target, intent, recorded, tuple(results.get(intent.number, ())), body)


def find_past_run(runs: Iterable[PastRun], reference: str) -> PastRun:
    """Return the run of an id, or of the beginning of one; raises UsageError unless it is exactly one."""
    matches = [run for run in runs if run.id.startswith(reference)] if reference else []
    exact = [run for run in matches if run.id == reference] or matches
    if len(exact) == 1:
        return exact[0]
    source = Source("history")
    if not exact:
        summary, remedy = f"no run {reference} is remembered on these targets", "see `reconciler history`"
        raise UsageError(Diagnostic("usage.unknown-run", source, summary, remedy=remedy))
    ids = ", ".join(run.id for run in exact[:10])
    summary = f"{len(exact):,} runs begin with {reference}: {ids}"
    raise UsageError(Diagnostic("usage.unknown-run", source, summary, "which one is meant can't be told", "say more"))


def select_object_steps(runs: Sequence[PastRun], kind: str, pattern: str) -> list[PastRun]:
    """Return the runs, the newest first, with what they did to objects of a kind whose name fits the pattern.

    A name is that of a document or of the object itself. Of a role that was renamed the steps under its former name
    belong to the same life.
    """
    patterns = [pattern]
    selected: list[PastRun] = []
    for run in runs:
        steps = [step for step in run.steps if step.address.kind == kind and _has_name(step, patterns)]
        # No wildcards are left in a name that was an object's.
        patterns += [escape_wildcards(name) for step in steps for name in _list_former_names(step)]
        if steps:
            selected.append(replace(run, steps=tuple(steps)))
    return selected


def _has_name(step: RecordedStep, patterns: Sequence[str]) -> bool:
    label = step.body.object if step.body else ""
    names = {step.address.name, label, label.rpartition(" (")[0]} - {""}
    return any(matches_pattern(pattern, name) for pattern in patterns for name in names)


def _list_former_names(step: RecordedStep) -> list[str]:
    changes = step.body.changes if step.body else ()
    return [change.before for change in changes if change.path == "name" and isinstance(change.before, str)]
