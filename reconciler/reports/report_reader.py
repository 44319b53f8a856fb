"""A JSON report of plan, drift or apply as the run that it tells of: what is made of it reads as what was made of that.

Members that this version doesn't know are passed over; whatever else is not as the tool writes it is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, repeat
from typing import Any

from reconciler.coverage import DocumentCoverage, UnmanagedCounts
from reconciler.diagnostics import Address, Diagnostic, Source
from reconciler.errors import Exit, UsageError
from reconciler.model import Bound, Coverage, Gap, Json
from reconciler.plans.drift_items import DriftComparison
from reconciler.plans.masking import MaskedOutcome, MaskedPlan
from reconciler.plans.serial import decode_diagnostic
from reconciler.plans.stored_rights import decode_rights_change
from reconciler.reports.fleet_facts import FleetFacts, LostTarget
from reconciler.reports.json_document import FORMAT_VERSION, encode_summary
from reconciler.reports.run_report import RunReport
from reconciler.reports.step_reader import (
    StepRecord,
    decode_age,
    decode_cleared,
    decode_reported_step,
    read_address,
    read_count,
    read_list,
    read_source,
    read_text,
)
from reconciler.reports.withdrawals import decode_withdrawal
from reconciler.transport.strict_json import UnusableJson, decode_json

READABLE_COMMANDS = frozenset({"plan", "drift", "apply"})
"""The commands whose reports can be read."""
_OF_THE_PLAN = frozenset({"cause", "held_back"})
_REASON = "only what `--report json` or `--format json` of plan, drift and apply wrote can be read"
_REMEDY = "give such a report, whole and unchanged"


def read_report(data: bytes, name: str) -> RunReport:
    """Return the run that a report tells of; `name` is what the file is called where something is wrong with it.

    Raises UsageError for anything else. The calls of its steps are to be looked at alone: no state is known of them.
    """
    try:
        document = decode_json(data)
    except UnusableJson as error:
        raise _refuse(name, f"this {error}") from None
    if summary := _explain_foreign(document):
        raise _refuse(name, summary)
    try:
        return _check_numbers(_decode_report(document), document)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError):
        raise _refuse(name, "this is not as the tool writes a report") from None


def _explain_foreign(document: Json) -> str:
    """Say why a document is no report that can be read; "" if it may be one."""
    if not isinstance(document, dict) or "command" not in document or "outcome" not in document:
        return "this is no report of reconciler"
    if str(document["command"]) not in READABLE_COMMANDS:
        return "this is the report of another command"
    is_known = str(document.get("format_version")).partition(".")[0] == FORMAT_VERSION.partition(".")[0]
    return "" if is_known else "this report is of a format that this version of the tool does not know"


def _refuse(name: str, summary: str) -> UsageError:
    return UsageError(Diagnostic("usage.not-a-report", Source(name), summary, _REASON, _REMEDY))


def _check_numbers(report: RunReport, document: Mapping[str, Any]) -> RunReport:
    """Return the report, if it comes to the numbers of its file."""
    # A step that was cut out, or stands there twice, is one too few or too many.
    if any(document["summary"][name] != number for name, number in encode_summary(report.summary).items()):
        raise ValueError("the numbers are of other steps")
    return report


def _decode_report(document: Mapping[str, Any]) -> RunReport:
    records = list(map(decode_reported_step, read_list(document["steps"])))
    return RunReport(
        *_decode_end(document),
        plan=_decode_plan(document, records),
        outcomes=_list_outcomes(records),
        problems=tuple(_decode_problem(entry) for entry in document["problems"] if not entry.keys() & _OF_THE_PLAN),
        drift=_decode_comparison(document, records) if "ages" in document else None,
        members=dict(_pick_members(document)),
        headline=read_text(document.get("headline", "")),
        evidence=tuple(each.evidence for each in _leave_acknowledged(records)) if "blamed" in document else (),
        refusals=read_count(document.get("refusals", 0)),
        interrupted="interrupted" in document,
        has_sent="nothing_sent" not in document,
        tool=read_text(document.get("tool", "")),
        fleet=_decode_fleet(document["fleet"]) if "fleet" in document else None,
    )


def _decode_end(document: Mapping[str, Any]) -> tuple[str, Exit]:
    return read_text(document["command"]), Exit(read_count(document["outcome"]["code"]))


def _leave_acknowledged(records: Iterable[StepRecord]) -> Iterator[StepRecord]:
    return (record for record in records if not record.step.deferral)


def _list_outcomes(records: Iterable[StepRecord]) -> tuple[MaskedOutcome, ...]:
    """Return what became of the steps: of all of them, or of none where nothing was to be sent."""
    steps = list(_leave_acknowledged(records))
    outcomes = tuple(record.outcome for record in steps if record.outcome)
    if outcomes and len(outcomes) < len(steps):
        raise ValueError("what became of a step is missing")
    return outcomes


def _decode_plan(document: Mapping[str, Any], records: Sequence[StepRecord]) -> MaskedPlan:
    problems, absences = read_list(document["problems"]), tuple(map(_decode_problem, read_list(document["absences"])))
    return MaskedPlan(
        steps=tuple(record.step for record in _leave_acknowledged(records)),
        compared=Coverage(*(read_count(document["compared"][name]) for name in Coverage._fields)),
        problems=tuple(_decode_problem(entry) for entry in problems if "held_back" in entry),
        gaps=tuple(Gap(_decode_problem(entry), _find_exit(entry["cause"])) for entry in problems if "cause" in entry),
        notes=tuple(_leave_out(map(_decode_problem, read_list(document["notes"])), absences)),
        selection=read_text(document["selection"]),
        targets={name: _decode_bound(bound) for name, bound in document.get("targets", {}).items()},
        absences=absences,
        acknowledged=tuple(record.step for record in records if record.step.deferral),
        unmanaged=_decode_counts(document.get("unmanaged_by_target", {})),
        rights=tuple(map(decode_rights_change, read_list(document["rights"]))),
        documents=tuple(map(_decode_document, read_list(document.get("coverage", [])))),
        manifests=read_text(document.get("manifests", "")),
    )


def _decode_counts(counts: Mapping[str, Any]) -> UnmanagedCounts:
    return {
        kind: {target: read_count(count) for target, count in by_target.items()} for kind, by_target in counts.items()
    }


def _find_exit(word: Json) -> Exit:
    return Exit[read_text(word).upper()]


def _leave_out(notes: Iterable[Diagnostic], absences: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """Yield the notes without what is only told to be missing, which stands among them too."""
    left_out = Counter(absence.identity for absence in absences)
    for note in notes:
        if left_out[note.identity]:
            left_out[note.identity] -= 1
        else:
            yield note


def _decode_problem(members: Mapping[str, Any]) -> Diagnostic:
    for part in ("rule", "summary", "reason", "remedy", "source"):
        read_text(members[part])
    address: Address | None = read_address(members["address"]) if members.get("address") else None
    parts = {name: value for name, value in members.items() if name != "address"}
    source, object_name = read_source(members["source"]), read_text(members.get("object", ""))
    return replace(decode_diagnostic(parts), source=source, address=address, object_name=object_name)


def _decode_bound(members: Mapping[str, Any]) -> Bound:
    return Bound(*(read_text(members[part]) for part in Bound._fields))


def _decode_document(members: Mapping[str, Any]) -> DocumentCoverage:
    counts = read_count(members["objects"]), read_count(members["of"])
    is_selected = members.get("selected", True) is not False
    address, source = read_address(members["address"]), read_source(members["source"])
    return DocumentCoverage(address, source, *counts, is_selected, read_count(members.get("passed_over", 0)))


def _decode_comparison(document: Mapping[str, Any], records: Sequence[StepRecord]) -> DriftComparison:
    ages = [(decode_age(entry), read_count(entry["differences"])) for entry in read_list(document["ages"])]
    differences = sum(len(record.step.changes) for record in records) + len(document["absences"])
    # Each is one that is told: a number alone must not take all of the memory.
    if sum(number for _, number in ages) > differences:
        raise ValueError("more differences are counted than told")
    return DriftComparison(
        steps=tuple(record.drift for record in _leave_acknowledged(records)),
        absences=tuple(decode_age(entry.get("drift", {})) for entry in read_list(document["absences"])),
        ages=tuple(chain.from_iterable(repeat(age, number) for age, number in ages if age)),
        cleared=tuple(map(decode_cleared, read_list(document["cleared"]))),
        acknowledged=tuple(record.drift for record in records if record.step.deferral),
    )


def _decode_fleet(members: Mapping[str, Any]) -> FleetFacts:
    lost = (LostTarget(read_text(entry["target"]), _decode_problem(entry)) for entry in read_list(members["lost"]))
    targets = tuple(map(read_text, read_list(members["targets"])))
    return FleetFacts(targets, tuple(lost), read_text(members.get("shard", "")))


def _pick_members(document: Mapping[str, Any]) -> Iterator[tuple[str, Json]]:
    """Yield the command's own members, each as the formats take it."""
    for name, value in document.items():
        if name in _OWN_TEXTS:
            read_text(value)
        elif name in _OWN_LISTS:
            list(map(_OWN_LISTS[name], read_list(value)))
        elif name in _OWN_RECORDS:
            list(map(read_text, (part for key, part in value.items() if key != "whole")))
        elif name != "saved" or type(value) is not bool:
            continue
        yield name, value
    if "base" in document:
        list(map(read_text, (document["base"]["revision"], document["base"]["commit"])))
        if type(document["base"]["whole"]) is not bool or "no_longer_declared" not in document:
            raise TypeError("what a revision declared is told whole or in part")


def _check_texts(members: Mapping[str, Any]) -> None:
    list(map(read_text, members.values()))


_OWN_TEXTS = frozenset({"digest", "environment"})
_OWN_RECORDS = frozenset({"run", "saved_plan", "base"})
_OWN_LISTS = {"no_longer_declared": decode_withdrawal, "during_apply": _check_texts}
