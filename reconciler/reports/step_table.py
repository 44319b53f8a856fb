"""The table of a plan: one row an object, and as many columns as the reader has room for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import NamedTuple

from reconciler.model import Action, Risk, Verdict
from reconciler.plans.masking import MaskedOutcome, MaskedStep
from reconciler.reports.layout import Layout, Line, build_line, format_count
from reconciler.reports.object_names import ObjectDetail, describe_identity, describe_object, describe_subjects
from reconciler.reports.perspective import View
from reconciler.reports.table import WORD_END, Row, build_table, measure_columns, sum_widths
from reconciler.sanitize import escape_invisible

WITHHELD = ("x", "bold red")
"""The sign of what is not sent."""
LEFT_ALONE = ("=", "dim")
"""The sign of what is acknowledged."""
VERDICTS = {
    Verdict.APPLIED: ("applied", "green"),
    Verdict.UNCHANGED: ("unchanged", "dim"),
    Verdict.NOT_APPLIED: ("NOT APPLIED", "bold red"),
    Verdict.STALE: ("STALE", "bold yellow"),
    Verdict.UNKNOWN: ("UNKNOWN", "bold red"),
    Verdict.NOT_REACHED: ("not reached", "dim"),
}
_RISKS = {Risk.LOW: ("low", ""), Risk.HIGH: ("HIGH", "bold yellow"), Risk.IRREVERSIBLE: ("IRREVERSIBLE", "bold red")}
_OBJECT_LIMIT = 24
"""Longest object without a name of which nothing is cut where there is little room."""


class _Sort(NamedTuple):
    """What steps have in common that a survey counts together."""

    risk: Risk
    kind: str
    word: str
    fields: str


_MAX_SORTS = 12
"""Sorts of steps that a survey lists."""
_FIELDS_WIDTH = 20
"""What the fields are left before anything else has to go."""


def build_step_table(
    steps: Sequence[MaskedStep], layout: Layout, view: View, outcomes: Sequence[MaskedOutcome] = ()
) -> Iterator[Line]:
    """Yield the rows of these steps, each with its verdict where outcomes are given."""
    rows = [_build_cells(step, view) for step in steps]
    if outcomes:
        rows = [{"verdict": VERDICTS[outcome.verdict], **row} for outcome, row in zip(outcomes, rows, strict=True)]
    rows = _fit_rows(rows, steps, view, layout.width)
    sections = {} if not rows or "kind" in rows[0] else _title_sections(steps, view)
    return build_table(rows, layout, sections, first="fields")


def build_survey(steps: Sequence[MaskedStep], layout: Layout, view: View) -> Iterator[Line]:
    """Yield what many steps come to, a line for each sort: which kind, what is done, to which fields, at what risk."""
    weights: Counter[_Sort] = Counter()
    sorts_by_look: dict[Hashable, _Sort] = {}
    for step in steps:
        look = (step.address.kind, step.action, step.request is None, step.finds_nothing, _list_risks(step))
        if look not in sorts_by_look:
            sorts_by_look[look] = _find_sort(step, view)
        weights[sorts_by_look[look]] += step.weight
    sorts = sorted(weights.items(), key=lambda item: (-item[0].risk.rank, -item[1], item[0]))
    yield from build_table([_build_survey_row(*item) for item in sorts[:_MAX_SORTS]], layout, first="fields")
    if len(sorts) > _MAX_SORTS:
        yield build_line((f"(and {len(sorts) - _MAX_SORTS:,} more sorts, all of them below)", "dim"))


def _list_risks(step: MaskedStep) -> tuple[tuple[str, Risk], ...]:
    return tuple([(change.path, change.risk) for change in step.changes])


def _find_sort(step: MaskedStep, view: View) -> _Sort:
    word = view.find_words(step).word if step.request or view.from_server else "not sent"
    return _Sort(step.risk, step.address.kind, word, _summarize_field_names(step))


def _build_survey_row(sort: _Sort, weight: int) -> Row:
    return {
        "objects": (f"{weight:,}".rjust(len("objects")), ""),
        "what": (sort.word, ""),
        "kind": (sort.kind, ""),
        "risk": _RISKS[sort.risk],
        "fields": (sort.fields, ""),
    }


def _summarize_field_names(step: MaskedStep) -> str:
    return "requests" if step.action is Action.DENY else ", ".join(rank_fields(step))


def _title_sections(steps: Sequence[MaskedStep], view: View) -> dict[int, str]:
    """Return the kind of the rows from a number on, where no column has it."""
    titles = [
        f"{step.address.kind}, target {step.address.target}" if view.names_targets else step.address.kind
        for step in steps
    ]
    return {
        number: escape_invisible(title)
        for number, title in enumerate(titles)
        if not number or titles[number - 1] != title
    }


def rank_fields(step: MaskedStep) -> list[str]:
    """Return the fields that a step changes, the riskiest first; what a changed field holds goes with it."""
    paths = {change.path for change in step.changes}
    ranks: dict[str, int] = {}
    for change in step.changes:
        parent = change.path.partition(".")[0]
        field = parent if parent in paths else change.path
        ranks[field] = max(ranks.get(field, 0), change.risk.rank)
    return [escape_invisible(field) for field in sorted(ranks, key=lambda field: -ranks[field])]


def name_fields(step: MaskedStep, limit: int = 8) -> tuple[list[str], str]:
    """Return the fields that there is room to name, the riskiest, and how many more there are; requests by number."""
    if step.action is Action.DENY:
        return [], format_count(step.weight, "request")
    fields = rank_fields(step)
    return fields[:limit], f"{len(fields) - limit:,} more" if len(fields) > limit else ""


def find_symbol(step: MaskedStep, view: View) -> tuple[str, str]:
    """Return the sign of a step with its style."""
    if step.deferral:
        return LEFT_ALONE
    if step.request is None and not view.from_server:
        return WITHHELD
    words = view.find_words(step)
    return words.symbol, words.style


def _build_cells(step: MaskedStep, view: View) -> Row:
    symbol, style = find_symbol(step, view)
    target = {"target": (step.address.target, "")} if view.names_targets else {}
    return {
        "": (symbol, style),
        "drift" if view.from_server else "action": (view.find_words(step).word, ""),
        **target,
        "kind": (step.address.kind, ""),
        "name": (step.address.label, ""),
        "object": (describe_object(step, view), ""),
        "risk": _RISKS[step.risk],
        "fields": (_summarize_fields(step), ""),
        "source": (str(step.source), "dim"),
    }


def _summarize_fields(step: MaskedStep) -> str:
    if step.action is Action.DENY:
        return format_count(step.weight, "request")
    return ", ".join(rank_fields(step))


def _fit_rows(rows: list[Row], steps: Sequence[MaskedStep], view: View, width: int) -> list[Row]:
    """Give up what a reader misses least, step by step, until the rest has room; without a width everything has."""
    for give_up in _list_sacrifices(steps, view) if width else ():
        if _has_room(rows, width):
            break
        rows = give_up(rows)
    return rows


def _list_sacrifices(steps: Sequence[MaskedStep], view: View) -> Iterator[Callable[[list[Row]], list[Row]]]:
    """Yield what is given up, in this order.

    What stays is what tells a person which object it is, how risky it is and which fields change.
    """
    kinds = {step.address.kind for step in steps}
    yield lambda rows: _drop_columns(rows, "source")
    yield lambda rows: _replace_objects(rows, steps, view, ObjectDetail(cut=True))
    if len({(step.address.kind, step.address.target) for step in steps}) == len(kinds):
        yield lambda rows: _drop_columns(rows, "target")
    yield lambda rows: _drop_columns(rows, "kind", "target")
    yield lambda rows: _replace_objects(rows, steps, view, ObjectDetail(facts=False, cut=True))
    yield lambda rows: _drop_columns(rows, "action")
    # What became of a step matters more than what it was thought to risk.
    yield lambda rows: _drop_columns(rows, "risk") if "verdict" in rows[0] else rows
    yield lambda rows: _keep_names(rows, steps)


def _has_room(rows: list[Row], width: int) -> bool:
    """Say whether the rows fit with no more than their fields going on below."""
    rows = [{name: (name, "") for name in rows[0]}, *rows]
    widths = measure_columns(rows)
    widths["fields"] = min(widths["fields"], max(measure_columns(rows, WORD_END)["fields"], _FIELDS_WIDTH))
    return sum_widths(widths) <= width


def _drop_columns(rows: list[Row], *names: str) -> list[Row]:
    return [{heading: cell for heading, cell in row.items() if heading not in names} for row in rows]


def _replace_objects(rows: list[Row], steps: Sequence[MaskedStep], view: View, detail: ObjectDetail) -> list[Row]:
    return [{**row, "object": (_shorten_object(step, view, detail), "")} for row, step in zip(rows, steps, strict=True)]


def _keep_names(rows: list[Row], steps: Sequence[MaskedStep]) -> list[Row]:
    """Show no thumbprint beside a name, where the name tells the rows apart."""
    names = [describe_subjects(step, facts=False) for step in steps]
    count = Counter((step.address, name) for step, name in zip(steps, names, strict=True))
    return [
        {**row, "object": (name, "")} if name and count[step.address, name] == 1 else row
        for row, step, name in zip(rows, steps, names, strict=True)
    ]


def _shorten_object(step: MaskedStep, view: View, detail: ObjectDetail) -> str:
    """Cut a thumbprint, never a name; of a class's dotted name the end stays."""
    text = describe_object(step, view, detail)
    if len(text) <= _OBJECT_LIMIT or describe_subjects(step):
        return text
    return _cut_identity(describe_identity(step, view), _OBJECT_LIMIT)


def _cut_identity(identity: str, limit: int) -> str:
    dotted_name = identity.partition(" ")[0]
    if "." in dotted_name:
        *_, tail = dotted_name[2 - limit :].partition(".")
        return f"..{tail}"
    return f"{identity[: limit - 2]}.."
