"""One object of a run in Markdown: its row in the table, and its fields as a folded diff."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model import Change, Risk
from reconciler.reports.field_changes import MAX_MEMBERS, compare_members
from reconciler.reports.layout import escape_ci_commands, quote_member, quote_value
from reconciler.reports.markdown_text import build_fence, quote_cell, quote_html
from reconciler.reports.object_names import ObjectDetail, describe_object
from reconciler.reports.origins import format_origin
from reconciler.reports.perspective import View
from reconciler.reports.request_text import format_call
from reconciler.reports.run_report import ReportedStep, RunReport
from reconciler.reports.step_table import VERDICTS, name_fields
from reconciler.sanitize import escape_invisible

_HINT = "the whole is in a report in the format json"
_MAX_CHANGES = 100
"""Changes of one object that are shown: a batch of denials may have thousands."""
_RISKS = {Risk.LOW: "low", Risk.HIGH: "**high**", Risk.IRREVERSIBLE: "**irreversible**"}


def pick_columns(report: RunReport, view: View) -> tuple[str, ...]:
    """Return the headings of the table: those that tell something in this run."""
    return tuple(
        heading
        for heading, is_needed in (
            ("verdict", bool(report.outcomes)),
            ("drift" if view.from_server else "action", True),
            ("since", report.drift is not None),
            ("target", view.names_targets),
            ("object", True),
            ("risk", True),
            ("fields", True),
            ("source", True),
        )
        if is_needed
    )


def build_table_head(columns: tuple[str, ...]) -> list[str]:
    """Return the first two lines of the table."""
    return [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]


def build_row(reported: ReportedStep, columns: tuple[str, ...], view: View) -> str:
    """Return one object as a row."""
    step, outcome, drift = reported
    word = view.find_words(step).word if step.request or view.from_server else "not sent"
    fields, more = name_fields(step)
    # The thumbprint stands whole above the fields.
    names = (str(step.address), describe_object(step, view, ObjectDetail(cut=True)))
    cells = {
        "verdict": VERDICTS[outcome.verdict][0] if outcome else "",
        "drift": word,
        "action": word,
        "since": f"{drift.step.status.value}, {drift.step.since[:10]}" if drift else "",
        "target": quote_cell(step.address.target),
        "object": " ".join(filter(None, map(quote_cell, names))),
        "risk": _RISKS[step.risk],
        "fields": ", ".join(filter(None, (*map(quote_cell, fields), more))),
        "source": quote_cell(str(step.source)),
    }
    return f"| {' | '.join(cells[column] for column in columns)} |"


def build_fields(reported: ReportedStep, view: View) -> list[str]:
    """Return an object's fields, folded: what is taken away and what is added, why it is risky, the request."""
    step, outcome, _ = reported
    target = f"target {step.address.target}" if view.names_targets else ""
    title = " ".join(filter(None, (str(step.address), describe_object(step, view), target)))
    changes = view.list_changes(step)
    lines = [line for change in changes[:_MAX_CHANGES] for line in (*_diff_change(change, view), *_tell_origin(change))]
    lines += [f"# and {len(changes) - _MAX_CHANGES:,} more"] if len(changes) > _MAX_CHANGES else []
    facts = [f"# risk: {step.risk.value}: {step.risk_reason}"] if step.risk_reason else []
    facts += [f"# refused: {step.refusal}"] if step.refusal else []
    facts = [f"# acknowledged {step.deferral.description}"] if step.deferral else facts
    facts += [f"# {format_call(step.request.call)}"] if step.request else []
    facts += [f"# {outcome.verdict.value.replace('_', ' ')}: {outcome.detail}"] if outcome and outcome.detail else []
    visible = [escape_ci_commands(escape_invisible(line)) for line in (*lines, *facts)]
    return [f"<details><summary>{quote_html(title)}</summary>", "", *build_fence(visible, "diff"), "", "</details>"]


def _tell_origin(change: Change) -> Iterator[str]:
    if change.origin:
        yield f"# {change.path}: decided at {format_origin(change.origin)}"


def _diff_change(change: Change, view: View) -> Iterator[str]:
    """Yield a field as lines of a diff, from what was found to what is declared; for drift the other way."""
    before, after = (change.after, change.before) if view.from_server else (change.before, change.after)
    members = compare_members(before, after)
    if members is None:
        yield from (f"- {change.path}: {quote_value(before, hint=_HINT)}",) if before is not None else ()
        yield from (f"+ {change.path}: {quote_value(after, hint=_HINT)}",) if after is not None else ()
        return
    added, removed, unchanged = members
    for sign, items in (("-", removed), ("+", added)):
        yield from (
            f"{sign} {change.path}: {quote_member(item, change.names, hint=_HINT)}" for item in items[:MAX_MEMBERS]
        )
        if len(items) > MAX_MEMBERS:
            yield f"{sign} {change.path}: {len(items) - MAX_MEMBERS:,} more"
    if unchanged:
        yield f"  {change.path}: {unchanged:,} {'as declared' if view.from_server else 'unchanged'}"
