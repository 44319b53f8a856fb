"""Runs in a transaction: their beginning, their end, what is told of them, and when they are forgotten."""

from __future__ import annotations

import json

from reconciler.state.intents import read_intents, read_results, read_times
from reconciler.state.leases import read_holder, write_holder
from reconciler.state.records import RunHistory, RunRecord
from reconciler.state.schema import Row, Transaction, insert_row
from reconciler.state.store import RunEnding

_RUN = "select id, target, command, tool, holder, revision, plan, started, ended, exit, counts from run"


def record_run(transaction: Transaction, run: RunRecord, now: str) -> None:
    """Record that a run began."""
    insert_row(
        transaction,
        "run",
        id=run.id,
        target=run.target,
        command=run.command,
        tool=run.tool,
        holder=write_holder(run.holder),
        revision=run.commit,
        plan=run.plan,
        started=run.started or now,
        ended="",
        exit=None,
        counts="{}",
    )
    # A run that settled what was open before it planned has given its lease back once, and goes on.
    transaction.run(
        "update run set revision = :revision, plan = :plan, ended = '', exit = null "
        "where target = :target and id = :id",
        revision=run.commit,
        plan=run.plan,
        target=run.target,
        id=run.id,
    )


def end_run(transaction: Transaction, target: str, run: str, ending: RunEnding, now: str) -> None:
    """Record how a run ended."""
    transaction.run(
        "update run set ended = :ended, exit = :exit, counts = :counts where target = :target and id = :id",
        ended=now,
        exit=ending.exit,
        counts=json.dumps(ending.counts, sort_keys=True),
        target=target,
        id=run,
    )


def read_runs(transaction: Transaction, target: str, limit: int) -> tuple[RunRecord, ...]:
    """Return the latest runs on a target, the latest first."""
    sql = f"{_RUN} where target = :target order by started desc, id desc limit :most"
    return tuple(map(_make_run, transaction.run(sql, target=target, most=limit)))


def read_history(transaction: Transaction, target: str, run: str) -> RunHistory | None:
    """Return a run with its intents and results, if there is such a run on the target."""
    for row in transaction.run(f"{_RUN} where target = :target and id = :run", target=target, run=run):
        return RunHistory(
            _make_run(row),
            read_intents(transaction, target, run),
            read_results(transaction, target, run),
            read_times(transaction, target, run),
        )
    return None


def prune_runs(transaction: Transaction, target: str, before: str, keep: int) -> int:
    """Forget runs that ended before a time, but for the latest ones and those with anything open."""
    # Acts stay: that a thing was done must be known for as long as the thing can be asked for.
    rows = transaction.run(
        "select id from run where target = :target and ended <> '' and ended < :before "
        "and not exists (select 1 from intent where intent.target = run.target and intent.run = run.id "
        "and intent.unsettled = 1) "
        "and id not in (select id from run where target = :target order by started desc, id desc limit :keep)",
        target=target,
        before=before,
        keep=keep,
    )
    for (run,) in rows:
        transaction.run("delete from result where target = :target and run = :run", target=target, run=run)
        transaction.run("delete from intent where target = :target and run = :run", target=target, run=run)
        transaction.run("delete from run where target = :target and id = :run", target=target, run=run)
    transaction.run("delete from nonce where target = :target and expires < :before", target=target, before=before)
    return len(rows)


def _make_run(row: Row) -> RunRecord:
    key, target, command, tool, holder, revision, plan, started, ended, _, counts = map(str, row)
    code = row[9]
    return RunRecord(
        key,
        target,
        command,
        tool,
        read_holder(holder),
        revision,
        plan,
        started,
        ended,
        None if code is None else int(code),
        json.loads(counts),
    )
