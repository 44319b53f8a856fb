"""What Markdown tells beside a comparison: runs of before, and what is no longer declared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from reconciler.model import Json
from reconciler.reports.markdown_text import quote_cell, quote_code, quote_html

if TYPE_CHECKING:
    from reconciler.engine.run_history import PastRun, RecordedStep

RUN_TABLE_HEAD = ["| run | command | outcome | steps | began (UTC) | by | targets |", "|---|---|---|---|---|---|---|"]


def build_run_row(run: PastRun) -> str:
    """Return a run as a row. Whoever can write to the store can write anything there: all of it is foreign."""
    record = run.record
    counts = ", ".join(f"{count:,} {verdict.replace('_', ' ')}" for verdict, count in run.counts.items() if count)
    cells = (
        run.id,
        record.command,
        run.outcome,
        counts,
        record.started[:19].replace("T", " "),
        " on ".join(filter(None, (record.holder.actor, record.holder.host))),
        ", ".join(run.targets),
    )
    return f"| {' | '.join(map(quote_cell, cells))} |"


def build_run_steps(run: PastRun) -> list[str]:
    """Return the steps of a run, folded; nothing where it has none, or nobody asked for them."""
    if not run.steps:
        return []
    title = f"{run.id}: {len(run.steps):,}"
    lines = [_format_step(step) for step in run.steps]
    return [f"<details><summary>Steps of {quote_html(title)}</summary>", "", *lines, "", "</details>"]


def _format_step(step: RecordedStep) -> str:
    shown = step.build_step()
    fields = ", ".join(dict.fromkeys(change.path.partition(".")[0] for change in shown.changes))
    name = " ".join(filter(None, (str(shown.address), shown.object.removeprefix(shown.address.name).strip())))
    facts = f": {quote_code(fields)}" if fields else ""
    verdict = step.verdict.value.replace("_", " ")
    return f"- step {step.intent.number + 1}: {verdict}, {shown.action.value} {quote_code(name)}{facts}"


def list_withdrawal_lines(members: Mapping[str, Json]) -> Iterator[str]:
    """Yield a line for each document that the revision of --base declared and the manifests no longer do."""
    for withdrawal in members.get("no_longer_declared") or ():
        address, number = withdrawal["address"], len(withdrawal["objects"])
        existing = withdrawal["existing"]
        facts = [] if existing is None else [f"{existing:,} of {number:,} still exist"]
        name = f"{address['kind']}/{address['name']}"
        which = "the document is gone" if withdrawal["document"] == "gone" else "the document is still there"
        yield f"- {quote_code(withdrawal['source'])}: {quote_code(name)}, {', '.join([which, *facts])}"
