"""What `doctor` found, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from reconciler.doctor.model import (
    Ability,
    Check,
    Health,
    ReceiversDiagnosis,
    StateDiagnosis,
    TargetDiagnosis,
    combine_abilities,
)
from reconciler.model import Json
from reconciler.reports.layout import PLAIN_LAYOUT, Layout, Line, build_line, render_parts

_HEALTH_WORDS = {
    Health.OK: ("ok", "green"),
    Health.WARNING: ("warn", "bold yellow"),
    Health.FAILED: ("FAILED", "bold red"),
    Health.SKIPPED: ("skipped", "dim"),
}
_MAX_SINGLE_SKIPS, _MAX_NAMES = 2, 4
"""Skipped checks that have a line each, and how many of those that share one are named."""
_WIDTH = max(len(word) for word, _ in _HEALTH_WORDS.values())


def summarize_target(diagnosis: TargetDiagnosis) -> str:
    """Say in one line what the account can run."""
    plan, apply = _describe_ability("plan", diagnosis.plan), _describe_ability("apply", diagnosis.apply)
    if (plan, apply) == ("plan possible", "apply possible"):
        return f"{diagnosis.name}: plan and apply possible"
    first_failure = diagnosis.failed[0] if diagnosis.failed else None
    if first_failure and (plan, apply) == ("plan not possible", "apply not possible"):
        return f"{diagnosis.name}: neither plan nor apply possible: {first_failure.check}: {first_failure.detail}"
    return f"{diagnosis.name}: {plan}; {apply}"


def render_diagnoses(
    diagnoses: Sequence[TargetDiagnosis],
    layout: Layout = PLAIN_LAYOUT,
    state: StateDiagnosis | None = None,
    receivers: ReceiversDiagnosis | None = None,
) -> str:
    """Return one block a target: its checks with their remedies, then its verdict; before them one for the store.

    Behind them comes one for those who are told.
    """

    def report() -> Iterator[Line]:
        if state:
            yield build_line((f"state: {state.place}", "bold"), hang=2)
            yield from _render_checks(state.checks)
        for number, diagnosis in enumerate(diagnoses):
            if number or state:
                yield build_line()
            yield build_line((f"target {diagnosis.name}: {diagnosis.url or '(no url)'}", "bold"), hang=2)
            yield from _render_checks(diagnosis.checks)
            yield build_line((summarize_target(diagnosis), "bold"), hang=2)
        if receivers:
            yield build_line()
            yield build_line(("notify", "bold"))
            yield from _render_checks(receivers.checks)

    return render_parts(report(), layout)


def encode_targets(diagnoses: Iterable[TargetDiagnosis]) -> list[Json]:
    """Return the document's `targets`."""
    return [
        {
            "name": diagnosis.name,
            "api": diagnosis.api,
            "url": diagnosis.url,
            "checks": _encode_checks(diagnosis.checks),
            "commands": {
                "plan": combine_abilities(diagnosis.plan).value,
                "apply": combine_abilities(diagnosis.apply).value,
            },
            "kinds": [
                {"kind": kind, "plan": ability.value, "apply": diagnosis.apply[kind].value}
                for kind, ability in diagnosis.plan.items()
            ],
            "verdict": summarize_target(diagnosis),
        }
        for diagnosis in diagnoses
    ]


def encode_state_diagnosis(state: StateDiagnosis) -> Json:
    """Return the document's `state`."""
    return {"place": state.place, "checks": _encode_checks(state.checks)}


def encode_receivers(receivers: ReceiversDiagnosis | None) -> dict[str, Json]:
    """Return the document's member `notify`, where somebody is to be told."""
    return {"notify": {"checks": _encode_checks(receivers.checks)}} if receivers else {}


def _encode_checks(checks: Iterable[Check]) -> list[Json]:
    return [
        {
            "target": check.target,
            "check": check.check,
            "verdict": check.verdict.value,
            "detail": check.detail,
            "remedy": check.remedy,
        }
        for check in checks
    ]


def _render_checks(checks: Sequence[Check]) -> Iterator[Line]:
    merged_checks = list(_group_skipped_checks(checks))
    name = max((len(check.check) for check in merged_checks), default=0)
    for check in merged_checks:
        word, style = _HEALTH_WORDS[check.verdict]
        hang = _WIDTH + name + 6
        yield build_line("  ", (f"{word:{_WIDTH}}", style), f"  {check.check:{name}}  {check.detail}", hang=hang)
        if check.remedy:
            yield build_line(f"  {'':{_WIDTH}}  {'':{name}}  -> {check.remedy}", hang=hang + 3)


def _group_skipped_checks(checks: Sequence[Check]) -> Iterator[Check]:
    """Yield the checks, but what was skipped in a row for one and the same reason as one: there is no more to say."""
    for (verdict, detail), equal_checks in groupby(checks, key=lambda check: (check.verdict, check.detail)):
        # groupby drops a group as soon as the next one is asked for.
        group = tuple(equal_checks)
        if verdict is Health.SKIPPED and len(group) > _MAX_SINGLE_SKIPS:
            names = ", ".join(check.check for check in group[:_MAX_NAMES])
            suffix = f" and {len(group) - _MAX_NAMES} more" if len(group) > _MAX_NAMES else ""
            yield replace(group[0], check=f"{len(group)} checks", detail=f"{detail}: {names}{suffix}")
        else:
            yield from group


def _describe_ability(command: str, abilities: Mapping[str, Ability]) -> str:
    """Say for which kinds a command is possible: `plan possible for A, B; not for C`."""
    words = {
        Ability.POSSIBLE: "possible",
        Ability.IMPOSSIBLE: "not possible",
        Ability.UNPROVEN: "not provable without writing",
    }
    groups = {ability: [kind for kind, present in abilities.items() if present is ability] for ability in Ability}
    present = [ability for ability in Ability if groups[ability]]
    if len(present) <= 1:
        return f"{command} {words[present[0] if present else Ability.IMPOSSIBLE]}"
    return f"{command} " + ", ".join(f"{words[ability]} for {_join_kinds(groups[ability])}" for ability in present)


def _join_kinds(kinds: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(kinds[:-1]), kinds[-1])))
