"""Intents, their results and the acts in them, in a transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from reconciler.state.records import (
    ActRecord,
    Intent,
    IntentKind,
    IntentResult,
    OpenIntent,
    PreviousObject,
    SettledAs,
    SettledBy,
)
from reconciler.state.schema import Row, SqlValue, Transaction, insert_row, insert_rows
from reconciler.state.store_errors import ActsClaimed

_INTENT = "select run, number, step, method, path, request, base, trace, kind, acts, previous, body, at from intent"
_ACT = "select key, run, number, at, outcome from act"
_RESULT = "select run, number, outcome, via, by_run, detail, act, request_id, at, id from result"


def record_intents(
    transaction: Transaction, target: str, intents: Sequence[Intent], now: str, *, with_bodies: bool
) -> None:
    """Record intents and claim their acts; raises ActsClaimed with all that were claimed before."""
    rows = [_make_intent_row(target, intent, now, with_bodies=with_bodies) for intent in intents]
    claimed: list[ActRecord] = []
    for intent in intents:
        # One after another: two of them may want one act.
        claimed += _find_claimed(transaction, target, intent)
        for key in intent.acts:
            insert_row(
                transaction, "act", target=target, key=key, run=intent.run, number=intent.number, at=now, outcome=""
            )
    insert_rows(transaction, "intent", rows)
    # Raised in the end, with all of them: the transaction ends with nothing done.
    if claimed:
        raise ActsClaimed(claimed)


def record_results(transaction: Transaction, target: str, results: Iterable[IntentResult], now: str) -> None:
    """Append results to intents of a target; raises KeyError if one is about no intent."""
    for result in results:
        key: dict[str, SqlValue] = {"target": target, "run": result.run, "number": result.number}
        rows = transaction.run(f"{_INTENT} where target = :target and run = :run and number = :number", **key)
        if not rows:
            raise KeyError(f"no intent {result.number} of run {result.run}")
        count = transaction.run(
            "select coalesce(max(rank), 0) from result where target = :target and run = :run and number = :number",
            **key,
        )
        insert_row(
            transaction,
            "result",
            id=result.id,
            run=result.run,
            number=result.number,
            target=target,
            rank=int(count[0][0] or 0) + 1,
            outcome=result.outcome.value,
            via=result.via.value,
            by_run=result.by_run,
            detail=result.detail,
            act=result.act,
            request_id=result.request_id,
            at=result.at or now,
        )
        _fold_results(transaction, target, _make_intent(rows[0]))


def read_open(transaction: Transaction, target: str) -> tuple[OpenIntent, ...]:
    """Return the intents of a target of which something is open, the oldest first."""
    order = "where target = :target and unsettled = 1 order by at, run, number"
    rows = transaction.run(f"{_INTENT} {order}", target=target)
    return tuple(_describe_open(transaction, target, row) for row in rows)


def read_acts(transaction: Transaction, target: str, keys: Iterable[str]) -> tuple[ActRecord, ...]:
    """Return what is remembered of acts, in the order of the keys and then of time."""
    sql = f"{_ACT} where target = :target and key = :key order by at, run, number"
    return tuple(_make_act(target, row) for key in keys for row in transaction.run(sql, target=target, key=key))


def read_forbidden_acts(transaction: Transaction, target: str) -> tuple[ActRecord, ...]:
    """Return the acts on a target that were done or may have been, by key and then by time."""
    sql = f"{_ACT} where target = :target and outcome <> :freed order by key, at, run, number"
    rows = transaction.run(sql, target=target, freed=SettledAs.NOT_APPLIED.value)
    return tuple(_make_act(target, row) for row in rows)


def read_intents(transaction: Transaction, target: str, run: str) -> tuple[Intent, ...]:
    """Return the intents of a run on a target, in order."""
    order = "where target = :target and run = :run order by number"
    return tuple(map(_make_intent, transaction.run(f"{_INTENT} {order}", target=target, run=run)))


def read_times(transaction: Transaction, target: str, run: str) -> tuple[str, ...]:
    """Return when each intent of a run on a target was recorded, in order."""
    sql = "select at from intent where target = :target and run = :run order by number"
    return tuple(str(at) for (at,) in transaction.run(sql, target=target, run=run))


def read_results(
    transaction: Transaction, target: str, run: str, number: int | None = None
) -> tuple[IntentResult, ...]:
    """Return the results of a run's intents, or of one of them, in the order in which they were appended."""
    condition = "where target = :target and run = :run" + ("" if number is None else " and number = :number")
    key: dict[str, SqlValue] = {"target": target, "run": run} | ({} if number is None else {"number": number})
    return tuple(map(_make_result, transaction.run(f"{_RESULT} {condition} order by number, rank", **key)))


def _make_intent_row(target: str, intent: Intent, now: str, *, with_bodies: bool) -> dict[str, SqlValue]:
    previous = intent.previous or PreviousObject("")
    return {
        "run": intent.run,
        "number": intent.number,
        "target": target,
        "step": intent.step,
        "method": intent.method,
        "path": intent.path,
        "request": intent.request,
        "base": intent.base,
        "trace": intent.trace,
        "kind": intent.kind.value,
        "acts": json.dumps(intent.acts),
        "previous": previous.digest,
        "body": previous.body if with_bodies else "",
        "at": now,
        "unsettled": 1,
    }


def _find_claimed(transaction: Transaction, target: str, intent: Intent) -> list[ActRecord]:
    """Return the acts of an intent that another intent has done, or may have."""
    acts = read_acts(transaction, target, intent.acts)
    return [act for act in acts if act.forbids and (act.run, act.number) != (intent.run, intent.number)]


def _fold_results(transaction: Transaction, target: str, intent: Intent) -> None:
    """Note beside the intent and its acts what all results together say."""
    results = read_results(transaction, target, intent.run, intent.number)
    for key in intent.acts:
        outcome = _find_outcome(results, key)
        transaction.run(
            "update act set outcome = :outcome "
            "where target = :target and key = :key and run = :run and number = :number",
            outcome=outcome.value if outcome else "",
            target=target,
            key=key,
            run=intent.run,
            number=intent.number,
        )
    transaction.run(
        "update intent set unsettled = :unsettled where target = :target and run = :run and number = :number",
        unsettled=int(bool(_find_unsettled(intent, results))),
        target=target,
        run=intent.run,
        number=intent.number,
    )


def _find_outcome(results: Iterable[IntentResult], act: str) -> SettledAs | None:
    """Return what the last result that is about an act, or about the whole intent, says."""
    outcomes = [result.outcome for result in results if result.act in ("", act)]
    return outcomes[-1] if outcomes else None


def _find_unsettled(intent: Intent, results: Iterable[IntentResult]) -> tuple[str, ...]:
    final = (SettledAs.APPLIED, SettledAs.NOT_APPLIED)
    return tuple(act for act in intent.acts or ("",) if _find_outcome(results, act) not in final)


def _describe_open(transaction: Transaction, target: str, row: Row) -> OpenIntent:
    intent = _make_intent(row)
    results = read_results(transaction, target, intent.run, intent.number)
    return OpenIntent(intent, _find_unsettled(intent, results), results[-1] if results else None, str(row[-1]))


def _make_intent(row: Row) -> Intent:
    run, number, step, method, path, request, base, trace, kind, acts, previous, body, _ = map(str, row)
    before = PreviousObject(previous, body) if previous or body else None
    keys = tuple(json.loads(acts))
    return Intent(run, int(number), step, method, path, request, base, IntentKind(kind), keys, before, trace)


def _make_act(target: str, row: Row) -> ActRecord:
    key, run, number, at, outcome = map(str, row)
    return ActRecord(target, key, run, int(number), at, SettledAs(outcome) if outcome else None)


def _make_result(row: Row) -> IntentResult:
    run, number, outcome, via, by_run, detail, act, request_id, at, key = map(str, row)
    verdict, way = SettledAs(outcome), SettledBy(via)
    return IntentResult(run, int(number), verdict, way, by_run, detail, act, request_id, at, key)
