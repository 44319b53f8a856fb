"""Policies over what is declared, what a plan would send, and who may do what after it. Pure.

A policy without a result is never one that holds: what can't be judged is refused, whatever the policy's level.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from reconciler.diagnostics import Address, Diagnostic, Severity, Source, sort_diagnostics
from reconciler.directives.cel_rules import InvalidRuleError, RuleError, compile_rule
from reconciler.directives.policy import Policy, PolicyLevel, PolicyScope
from reconciler.directives.waiver import Waiver
from reconciler.kinds.kind import Wanted
from reconciler.kinds.registry import Registry
from reconciler.model import Json, Plan, Step
from reconciler.rights import PrincipalRights
from reconciler.sanitize import escape_and_shorten


class PolicySubject(NamedTuple):
    """One thing that is judged: its name as waivers have it (KIND/NAME), where it stands, and what rules see of it."""

    over: PolicyScope
    object: str
    target: str
    source: Source
    variables: Mapping[str, Json]
    address: Address | None = None


class PolicyFindings(NamedTuple):
    """Every reason not to apply, and what is only told: advice, what is waived, waivers that nothing needs."""

    refusals: tuple[Diagnostic, ...] = ()
    notes: tuple[Diagnostic, ...] = ()

    def join(self, other: PolicyFindings) -> PolicyFindings:
        """Return both."""
        refusals, notes = (*self.refusals, *other.refusals), (*self.notes, *other.notes)
        return PolicyFindings(tuple(sort_diagnostics(refusals)), tuple(sort_diagnostics(notes)))


@dataclass(slots=True)
class _Judgement:
    """What judging has come to so far."""

    policies: Sequence[Wanted[Policy]]
    waivers: Sequence[Wanted[Waiver]]
    refusals: list[Diagnostic] = field(default_factory=list)
    notes: list[Diagnostic] = field(default_factory=list)
    used_waivers: set[Source] = field(default_factory=set)


def list_policies(directives: Iterable[Wanted], over: PolicyScope | None = None) -> list[Wanted[Policy]]:
    """Return the policies among directives, those over one scope if it is given."""
    policies = (directive for directive in directives if isinstance(directive.spec, Policy))
    return [policy for policy in policies if over is None or policy.spec.over is over]


def judge_policies(
    directives: Sequence[Wanted],
    subjects: Iterable[PolicySubject],
    today: date,
    idle_scopes: Iterable[PolicyScope] = (),
) -> PolicyFindings:
    """Judge each subject by each policy over its scope.

    `idle_scopes` are those of which every subject is given, so that a waiver without a use can be told.
    """
    waivers = [item for item in directives if isinstance(item.spec, Waiver) and item.spec.is_in_force(today)]
    # Of two that fit, the one that lasts longest.
    waivers.sort(key=lambda waiver: (-waiver.spec.until.toordinal(), waiver.source))
    judgement = _Judgement(list_policies(directives), waivers)
    policies: dict[tuple[PolicyScope, str], list[Wanted[Policy]]] = {}
    for policy in judgement.policies:
        policies.setdefault((policy.spec.over, policy.address.target), []).append(policy)
    for subject in subjects:
        for target in {"", subject.target}:
            for policy in policies.get((subject.over, target), ()):
                _judge_subject(policy, subject, judgement)
    judgement.notes.extend(_list_idle_waivers(judgement, frozenset(idle_scopes)))
    return PolicyFindings(tuple(sort_diagnostics(judgement.refusals)), tuple(sort_diagnostics(judgement.notes)))


def list_document_subjects(documents: Iterable[Wanted]) -> Iterator[PolicySubject]:
    """Yield each document as its file has it: what it leaves out is left out, and tables stay files."""
    for document in documents:
        # Without defaults, so that has(spec.x) says what the file says.
        spec = document.spec.model_dump(mode="json", by_alias=True, exclude_unset=True)
        variables = {**_name_variables(document.address, document.labels), "spec": spec}
        yield _make_subject(PolicyScope.DOCUMENT, document.address, document.source, variables)


def list_change_subjects(
    plan: Plan, kinds: Registry, labels: Mapping[Address, Mapping[str, str]]
) -> Iterator[PolicySubject]:
    """Yield each step that would be sent, as its own request tells what it makes of the object."""
    for step in plan.sendable_steps:
        before, after = _find_sides(step, kinds)
        named = _name_variables(step.address, labels.get(step.address, {}))
        yield _make_subject(PolicyScope.CHANGE, step.address, step.source, {**named, "before": before, "after": after})


def list_principal_subjects(principals: Iterable[PrincipalRights]) -> Iterator[PolicySubject]:
    """Yield those whose rights a plan changes, with all that they may do after it."""
    for rights in principals:
        name = f"{rights.principal.type}/{rights.principal.value}"
        variables: dict[str, Json] = {
            "kind": rights.principal.type,
            "name": rights.principal.value,
            "labels": {},
            "target": rights.target,
            "principal": rights.principal._asdict(),
            "roles": list(rights.roles),
            "permissions": list(rights.permissions),
        }
        # A principal stands in no file: it may hold roles that nobody declares.
        source = Source(f"target {rights.target}")
        yield PolicySubject(PolicyScope.PRINCIPAL, name, rights.target, source, variables)


def refuse_unjudged(policies: Iterable[Wanted[Policy]], targets: Iterable[str], cause: str) -> PolicyFindings:
    """Refuse what mandatory policies could not be judged over; of advisory ones it is told."""
    findings = PolicyFindings()
    for target in sorted(targets):
        for policy in policies:
            if policy.address.target in {"", target}:
                is_mandatory = policy.spec.level is PolicyLevel.MANDATORY
                problem = Diagnostic(
                    "policy.unjudged",
                    policy.source,
                    f'the policy "{policy.address.name}" was not judged on target {target}: {cause}',
                    "what nobody has looked at does not pass" if is_mandatory else "it is advisory",
                    severity=Severity.ERROR if is_mandatory else Severity.NOTE,
                )
                findings = findings.join(
                    PolicyFindings((problem,), ()) if is_mandatory else PolicyFindings((), (problem,))
                )
    return findings


def _make_subject(over: PolicyScope, address: Address, source: Source, variables: Mapping[str, Json]) -> PolicySubject:
    return PolicySubject(over, f"{address.kind}/{address.name}", address.target, source, variables, address)


def _name_variables(address: Address, labels: Mapping[str, str]) -> dict[str, Json]:
    return {"kind": address.kind, "name": address.name, "labels": dict(labels), "target": address.target}


def _find_sides(step: Step, kinds: Registry) -> tuple[Json, Json]:
    """Return a step's object as it was read and as its request leaves it, in the manifest's words."""
    assert step.request is not None  # noqa: S101 - of a step that would be sent
    meaning = kinds[step.address.kind].explain(step.request)
    # What a request names by a number of the server stands with its name in the change, if it changes.
    worded = [change for change in step.changes if change.path in meaning.opaque]
    sides: list[Json] = []
    for fields, side in ((meaning.before, "before"), (meaning.after, "after")):
        if fields is None:
            sides.append(None)
            continue
        known = {name: encode_variable(value) for name, value in fields.items() if name not in meaning.opaque}
        sides.append(known | {change.path: encode_variable(getattr(change, side)) for change in worded})
    return sides[0], sides[1]


def encode_variable(value: Any) -> Json:
    """Return a value as rules see it: sets as sorted lists, named tuples as mappings, days as text."""
    # The library takes dicts, lists and plain text: a read-only mapping or a tuple has no value in CEL.
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: encode_variable(member) for name, member in value._asdict().items()}
    if isinstance(value, Mapping):
        return {str(key): encode_variable(member) for key, member in value.items()}
    if isinstance(value, frozenset | set):
        return [encode_variable(member) for member in sorted(value)]
    if isinstance(value, list | tuple):
        return [encode_variable(member) for member in value]
    if isinstance(value, str):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value


def _judge_subject(policy: Wanted[Policy], subject: PolicySubject, judgement: _Judgement) -> None:
    try:
        # Compiled once: measured, a rule takes 1 ms to compile and 0.05 ms to be judged.
        holds = compile_rule(policy.spec.rule, policy.spec.over)(subject.variables)
    except (RuleError, InvalidRuleError) as error:
        judgement.refusals.append(_explain_no_result(policy, subject, str(error)))
        return
    if holds:
        return
    if waiver := next((item for item in judgement.waivers if _is_waived_by(policy, subject, item)), None):
        judgement.used_waivers.add(waiver.source)
        judgement.notes.append(_explain_waived(policy, subject, waiver))
    elif policy.spec.level is PolicyLevel.MANDATORY:
        judgement.refusals.append(_explain_broken(policy, subject))
    else:
        judgement.notes.append(_explain_advice(policy, subject))


def _is_waived_by(policy: Wanted[Policy], subject: PolicySubject, waiver: Wanted[Waiver]) -> bool:
    names = (waiver.spec.policy, waiver.spec.object)
    return names == (policy.address.name, subject.object) and waiver.address.target in {"", subject.target}


def _explain_broken(policy: Wanted[Policy], subject: PolicySubject) -> Diagnostic:
    return Diagnostic(
        "policy.broken",
        subject.source,
        _describe_breach(policy, subject),
        f"the policy is mandatory ({policy.source})",
        "change what breaks it, or waive it for this object until a day (kind: Waiver)",
        address=subject.address,
    )


def _explain_advice(policy: Wanted[Policy], subject: PolicySubject) -> Diagnostic:
    reason = f"the policy is advisory ({policy.source})"
    summary = _describe_breach(policy, subject)
    return Diagnostic("policy.advice", subject.source, summary, reason, "", Severity.NOTE, subject.address)


def _explain_waived(policy: Wanted[Policy], subject: PolicySubject, waiver: Wanted[Waiver]) -> Diagnostic:
    spec = waiver.spec
    reason = f"waived until {spec.until}: {spec.reason} ({waiver.address.name}, {waiver.source})"
    summary = _describe_breach(policy, subject)
    return Diagnostic("policy.waived", subject.source, summary, reason, "", Severity.NOTE, subject.address)


def _describe_breach(policy: Wanted[Policy], subject: PolicySubject) -> str:
    return f'{subject.object} breaks the policy "{policy.address.name}": {policy.spec.message}'


def _explain_no_result(policy: Wanted[Policy], subject: PolicySubject, error: str) -> Diagnostic:
    return Diagnostic(
        "policy.no-result",
        policy.at(("spec", "rule")),
        f'the rule of "{policy.address.name}" has no result for {subject.object}: {escape_and_shorten(error)}',
        "what can't be judged does not pass",
        "mend the rule: ask for what may be missing with has(), and for the kind first",
        address=subject.address,
    )


def _list_idle_waivers(judgement: _Judgement, scopes: frozenset[PolicyScope]) -> Iterator[Diagnostic]:
    judged = {policy.address.name for policy in judgement.policies if policy.spec.over in scopes}
    for waiver in judgement.waivers:
        if waiver.spec.policy in judged and waiver.source not in judgement.used_waivers:
            yield Diagnostic(
                "waiver.no-breach",
                waiver.source,
                f'{waiver.spec.object} does not break the policy "{waiver.spec.policy}", which is waived for it',
                "it keeps the policy, or nothing of this name is judged",
                "remove the waiver",
                Severity.NOTE,
            )
