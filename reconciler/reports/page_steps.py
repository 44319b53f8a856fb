"""The steps of a report as a page shows them: equal ones together, the weightiest where there are too many. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from reconciler.model import Call, Change, Json, Risk, Subject, Verdict
from reconciler.plans.masking import MaskedStep
from reconciler.reports.alike_steps import build_likeness_key
from reconciler.reports.diff_lines import DiffLine, build_diff_lines
from reconciler.reports.layout import format_count
from reconciler.reports.object_names import describe_object
from reconciler.reports.origins import format_origin
from reconciler.reports.perspective import View
from reconciler.reports.request_text import format_call
from reconciler.reports.run_report import ReportedStep
from reconciler.reports.step_table import VERDICTS, WITHHELD, find_symbol

if TYPE_CHECKING:
    from reconciler.plans.drift_items import DriftAge

MAX_PAGE_BLOCKS = 300
"""Steps, or groups of equal ones, that a page shows."""

MAX_PAGE_CHARACTERS = 2_000_000
"""Text of those, before it is marked up; the step that goes beyond it is the last."""

MAX_GROUP_OBJECTS = 100
"""Objects of a group that its block names."""
_MAX_CHANGES = 50
_MAX_BODY = 20_000
VERDICT_TONES = {
    Verdict.APPLIED: "good",
    Verdict.UNCHANGED: "calm",
    Verdict.NOT_APPLIED: "bad",
    Verdict.STALE: "wary",
    Verdict.UNKNOWN: "bad",
    Verdict.NOT_REACHED: "calm",
}
"""The tone of each verdict."""
_RISK_TONES = {Risk.LOW: "calm", Risk.HIGH: "wary", Risk.IRREVERSIBLE: "bad"}


class Mark(NamedTuple):
    """A word that is set off from the text; `tone` is good, calm, wary or bad."""

    text: str
    tone: str


class ShownChange(NamedTuple):
    """One field: its path, which of the step's objects it is about, what sets it apart, its lines, and which line of a
    layer decided it, "" where there are no layers.
    """

    path: str
    subject: str
    marks: Sequence[Mark]
    lines: Sequence[DiffLine]
    origin: str = ""


class ShownObject(NamedTuple):
    """One object of a group: what it is called, where it is declared, and its request in a line."""

    name: str
    source: str
    call: str


@dataclass(frozen=True, slots=True)
class PageBlock:
    """A step, or steps that are alike, as a page shows it; `facets` are what it can be filtered by.

    `size` is how many steps it stands for, `objects` the first of several, `number` its place on the page; `hidden_*`
    count what was cut.
    """

    symbol: str
    word: str
    kind: str
    name: str
    target: str
    source: str
    facets: Mapping[str, str]
    marks: Sequence[Mark]
    facts: Sequence[str]
    changes: Sequence[ShownChange]
    hidden_changes: int
    risk_reason: str
    refusal: str
    detail: str
    call: str
    body: Sequence[str]
    size: int
    objects: Sequence[ShownObject]
    number: int = 0

    @property
    def hidden_objects(self) -> int:
        """How many objects of a group are not named."""
        return self.size - len(self.objects) if self.objects else 0


class PageSteps(NamedTuple):
    """What a page shows of the steps, and how many are left out."""

    blocks: Sequence[PageBlock]
    hidden: int


def build_page_steps(steps: Iterable[ReportedStep], view: View) -> PageSteps:
    """Return the blocks in the order of the plan."""
    groups: dict[Hashable, list[ReportedStep]] = {}
    for reported in steps:
        groups.setdefault(_build_group_key(reported), []).append(reported)
    places = list(groups.values())
    return pick_blocks(places, lambda index: build_block(places[index], view))


def pick_blocks(groups: Sequence[Sequence[ReportedStep]], build: Callable[[int], PageBlock]) -> PageSteps:
    """Return the block of each group, built by its place, in their order; of too many the weightiest."""
    # sorted() is stable: among equals the first ones stay.
    weightiest = sorted(range(len(groups)), key=lambda place: -_weigh(groups[place][0]))[:MAX_PAGE_BLOCKS]
    shown: dict[int, PageBlock] = {}
    size = 0
    for place in weightiest:
        if size > MAX_PAGE_CHARACTERS:
            break
        shown[place] = build(place)
        size += _measure_block(shown[place])
    blocks = [replace(shown[place], number=number) for number, place in enumerate(sorted(shown), 1)]
    return PageSteps(blocks, sum(map(len, groups)) - sum(block.size for block in blocks))


def _build_group_key(reported: ReportedStep) -> Hashable:
    outcome, drift = reported.outcome, reported.drift
    known = (outcome.verdict, outcome.detail, outcome.verdicts) if outcome else None
    # Two that change the same and ended differently, or are not equally old, are no news of one kind.
    return build_likeness_key(reported.step), known, drift


def _weigh(reported: ReportedStep) -> int:
    """Say how much a step matters to a reader who can't have all: what did not succeed, then by risk."""
    if reported.step.deferral:
        return -1
    failed = reported.outcome is not None and reported.outcome.verdict is not Verdict.APPLIED
    return reported.step.risk.rank + 3 * failed


def build_block(group: Sequence[ReportedStep], view: View) -> PageBlock:
    """Return what a page shows of steps that are alike."""
    reported, names = group[0], list(dict.fromkeys(member.step.address.label for member in group))
    step = reported.step
    call = step.request.call if step.request else None
    changes = view.list_changes(step)
    is_single = len(group) == 1
    more = "" if is_single else f" and {len(group) - 1:,} more like it"
    symbol, word = _tell_action(step, view)
    target = step.address.target if view.names_targets else ""
    # No group is of several kinds, risks or targets: what it can be filtered by is that of its first step.
    facets = {"Kind": step.address.kind, "Change": word, "Risk": step.risk.value, "Target": target}
    return PageBlock(
        symbol,
        word,
        step.address.kind,
        names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1:,} more",
        target,
        str(step.source) if is_single else "",
        facets | _list_known_facets(reported),
        _list_marks(reported, view),
        _list_object_facts(step, len(group), view),
        _build_changes(changes[:_MAX_CHANGES], reported, view),
        max(0, len(changes) - _MAX_CHANGES),
        step.risk_reason if step.request else "",
        step.refusal if not step.deferral else "",
        reported.outcome.detail if reported.outcome else "",
        f"{format_call(call)}{more}" if call else "",
        _format_body(call) if call else (),
        len(group),
        () if is_single else [build_object(member.step, view) for member in group[:MAX_GROUP_OBJECTS]],
    )


def _list_object_facts(step: MaskedStep, count: int, view: View) -> list[str]:
    facts = [describe_object(step, view)] if count == 1 else [f"{count:,} objects alike"]
    return [*facts, *([f"left alone {step.deferral.description}"] if step.deferral else [])]


def _tell_action(step: MaskedStep, view: View) -> tuple[str, str]:
    symbol, _ = find_symbol(step, view)
    if step.deferral:
        return symbol, "acknowledged"
    is_withheld = step.request is None and not view.from_server
    return symbol, "not sent" if is_withheld and symbol == WITHHELD[0] else view.find_words(step).word


def _list_known_facets(reported: ReportedStep) -> dict[str, str]:
    outcome, drift = reported.outcome, reported.drift
    if reported.step.deferral:
        return {"News": "acknowledged"}
    verdict = {"Outcome": outcome.verdict.value.replace("_", " ")} if outcome else {}
    return verdict | ({"News": drift.step.status.value} if drift else {})


def _list_marks(reported: ReportedStep, view: View) -> list[Mark]:
    step, outcome, drift = reported
    marks = [_mark_verdict(outcome.verdict)] if outcome else []
    if drift:
        marks.append(mark_age(drift.step))
    elif step.deferral:
        marks.append(Mark("acknowledged", "calm"))
    if step.request is None and step.refusal and not step.deferral:
        marks.append(Mark(step.obstacle.value.replace("_", " "), "bad"))
    if step.risk is not Risk.LOW and (step.request or view.from_server):
        marks.append(_mark_risk(step.risk))
    return marks


def _mark_verdict(verdict: Verdict) -> Mark:
    return Mark(VERDICTS[verdict][0], VERDICT_TONES[verdict])


def _mark_risk(risk: Risk) -> Mark:
    return Mark("irreversible" if risk is Risk.IRREVERSIBLE else f"{risk.value} risk", _RISK_TONES[risk])


def mark_age(age: DriftAge) -> Mark:
    """Return how long something has differed."""
    if age.status == "new":
        return Mark("new", "wary")
    text = f"{age.status.value} since {age.since[:10]}, {format_count(age.runs, 'run')}"
    return Mark(text, "wary" if age.status == "changed" else "calm")


def _build_changes(changes: Sequence[Change], reported: ReportedStep, view: View) -> list[ShownChange]:
    step = reported.step
    subjects = {subject.path: subject for subject in step.subjects if subject.path}
    marks = _mark_changes(reported)
    return [
        ShownChange(
            change.path,
            _describe_subject(subjects[change.path]) if change.path in subjects else "",
            marks.get(change.path, ()),
            build_diff_lines(change, step, view),
            format_origin(change.origin) if change.origin else "",
        )
        for change in changes
    ]


def _describe_subject(subject: Subject) -> str:
    return ", ".join((subject.name or "(no name)", *map(" ".join, subject.facts)))


def _mark_changes(reported: ReportedStep) -> dict[str, list[Mark]]:
    """Return what tells the fields of a step apart, by path. What all of them have in common stands above."""
    step, outcome, drift = reported
    verdicts = [_mark_verdict(verdict) for verdict in outcome.verdicts] if outcome else []
    ages = [mark_age(age) if age else None for age in drift.changes] if drift else []
    risks = [_mark_risk(change.risk) if change.risk is not Risk.LOW else None for change in step.changes]
    columns = [column for column in (verdicts, ages, risks) if len(set(column)) > 1]
    rows = zip_longest(*columns) if columns else ()
    return {change.path: [mark for mark in marks if mark] for change, marks in zip(step.changes, rows, strict=False)}


def build_object(step: MaskedStep, view: View) -> ShownObject:
    """Return one object of a group."""
    call = format_call(step.request.call) if step.request else ""
    return ShownObject(describe_object(step, view) or step.address.label, str(step.source), call)


def _format_body(call: Call) -> list[str]:
    text = json.dumps(call.body, ensure_ascii=False, indent=2, default=_convert)
    lines = text[:_MAX_BODY].split("\n")
    return lines if len(text) <= _MAX_BODY else [*lines, f"... ({len(text):,} characters)"]


def _convert(value: Json) -> Json:
    return dict(value) if isinstance(value, Mapping) else str(value)


def _measure_block(block: PageBlock) -> int:
    """Return about how many characters a block takes; marking up a line takes as much as a short one holds."""
    lines = [line.text for change in block.changes for line in change.lines]
    objects = [f"{item.name}{item.source}{item.call}" for item in block.objects]
    return sum(len(text) + 80 for text in (*lines, *objects, *block.body, block.detail, block.refusal))
