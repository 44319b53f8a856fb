"""What on the servers leads nowhere: read from lists, each once, and judged by a table of rules. Nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from reconciler.diagnostics import Diagnostic, Source
from reconciler.engine.declaration import RunInputs, pick_targets, read_settings
from reconciler.engine.observe import READ_ERRORS
from reconciler.engine.parallel_reads import ReadTask, read_together
from reconciler.engine.pipeline import connect_targets, find_bound, list_readers
from reconciler.errors import Exit, IncompleteError
from reconciler.kinds.security_role.claim_index import read_claim_rows
from reconciler.model import Coverage, Gap, Json, Plan
from reconciler.payloads.certificates import CERTIFICATES_PATH, iterate_certificates
from reconciler.payloads.members import pick_member
from reconciler.payloads.requests import DENIED, DENIED_PATH, PENDING_PATH, WAITING
from reconciler.payloads.roles import read_role_list, read_roles_by_id
from reconciler.plans.exit_code import exit_code
from reconciler.plans.masking import MaskedPlan, SecretMasker
from reconciler.plans.posture import (
    ExpiryDay,
    Posture,
    PostureFinding,
    PostureItem,
    PostureReading,
    PostureRule,
    can_judge,
    count_expiries,
    find_postures,
    sort_findings,
)
from reconciler.plans.posture_facts import (
    REQUEST_COLUMNS,
    CertificateTally,
    ClaimFacts,
    EventFacts,
    PostureFacts,
    RequestTally,
    RoleFacts,
    extract_claim_facts,
    extract_event_facts,
    extract_role_facts,
    tally_certificates,
    tally_requests,
)
from reconciler.plans.posture_rules import POSTURE_RULES, list_held_owners
from reconciler.reader import Read


class PostureRun(NamedTuple):
    """What was found, and a plan without steps that says what was read, what could not be, and each finding as a note.

    `compared` of the plan counts lists.
    """

    posture: Posture
    plan: MaskedPlan
    exit: Exit


class _List(NamedTuple):
    """A list: a kind of its API, the field of `PostureFacts` that it fills, what is in it, and how it is read."""

    kind: str
    field: str
    noun: str
    read: Callable[[Read, PostureFacts], Any]


def examine_posture(
    inputs: RunInputs,
    config: str | None,
    environment: str | None,
    targets: Sequence[str],
    days: int,
    on_progress: Callable[[str], None],
) -> PostureRun:
    """Read the lists of the chosen targets and judge them; `days` is how near an end is, and how old a request.

    A list that can't be read is a gap, and what needs it is not judged. Raises UsageError as the settings do.
    """
    settings = read_settings(inputs, config, environment)
    names = pick_targets(settings, targets)
    parts = {
        name: [part for part in _LISTS if inputs.kinds[part.kind].api == settings.targets[name].api] for name in names
    }
    span = PostureFacts(inputs.today, days)
    with connect_targets(inputs, settings, names) as apis:
        tasks = [
            ReadTask(name, f"{name}: {part.noun}", 1, partial(_read_list, part, apis[name].read, span))
            for name in names
            for part in parts[name]
        ]
        futures = iter(read_together(tasks, list_readers(apis), on_progress, "lists"))
        bounds = {name: find_bound(api) for name, api in apis.items()}
        # Last: a token is known to its API's redactor only once it was fetched.
        masker = SecretMasker(api.redact for api in apis.values())
    readings = [_judge_target(name, parts[name], islice(futures, len(parts[name])), span) for name in names]
    findings = sort_findings((finding for reading in readings for finding in reading.findings), POSTURE_RULES)
    posture = Posture(inputs.today, days, findings, [reading.summary for reading in readings])
    plan = Plan(
        (),
        Coverage(sum(reading.read for reading in readings), len(tasks)),
        gaps=tuple(sorted({gap for reading in readings for gap in reading.gaps})),
        notes=tuple(finding.describe() for finding in findings),
        targets=bounds,
    )
    return PostureRun(_mask_posture(posture, masker), masker.mask_plan(plan), exit_code(plan))


class _JudgedTarget(NamedTuple):
    findings: Sequence[PostureFinding]
    summary: PostureReading
    gaps: Sequence[Gap]
    read: int


def _judge_target(
    target: str, parts: Sequence[_List], futures: Iterable[Future[Any]], span: PostureFacts
) -> _JudgedTarget:
    """Judge what was read of a target; `read` is how many of its lists that were."""
    values: dict[str, Any] = {}
    gaps: list[Gap] = []
    for part, future in zip(parts, futures, strict=True):
        try:
            values[part.field] = future.result()
        # What can't be read must never look as if there were nothing to find.
        except READ_ERRORS as error:
            gaps += [Gap(problem, error.exit) for problem in error.problems]
    facts = replace(span, **values)
    rules = [rule for rule in POSTURE_RULES if set(rule.needs) <= {part.field for part in parts}]
    summary = _describe_reading(target, facts, parts, rules)
    return _JudgedTarget(
        find_postures(target, facts, rules), summary, [*gaps, *_find_undated(target, facts)], len(values)
    )


def _read_list(part: _List, read: Read, span: PostureFacts, _tell: Callable[[str], None]) -> Any:
    return part.read(read, span)


def _read_certificates(read: Read, facts: PostureFacts) -> CertificateTally:
    return tally_certificates(iterate_certificates(read), facts.today, facts.days)


def _read_roles(read: Read, _: PostureFacts) -> list[RoleFacts]:
    # The list has neither permissions nor claims.
    ids = [int(pick_member(row, "Id")) for row in read_role_list(read)]
    return [extract_role_facts(raw) for raw in read_roles_by_id(read, ids)]


def _read_claims(read: Read, _: PostureFacts) -> list[ClaimFacts]:
    return [extract_claim_facts(raw) for raw in read_claim_rows(read)]


def _read_pending(read: Read, facts: PostureFacts) -> RequestTally:
    return tally_requests(_read_request_rows(read, PENDING_PATH), WAITING, facts.today, facts.days)


def _read_denied(read: Read, facts: PostureFacts) -> RequestTally:
    return tally_requests(_read_request_rows(read, DENIED_PATH), DENIED, facts.today, facts.days)


def _read_request_rows(read: Read, path: str) -> Iterator[Sequence[Json]]:
    for page in read.pages(path, columns=REQUEST_COLUMNS):
        yield from page.rows


def _read_events(read: Read, _: PostureFacts) -> list[EventFacts]:
    path = f"{read.root}/events"
    events = [extract_event_facts(raw) for raw in read.rows(path, key="name")]
    if None in events:
        explanation = "an event without name, state or event_types", "nothing can be concluded from it"
        raise IncompleteError(
            Diagnostic("live.unusable-answer", Source(f"GET {path}"), *explanation, "check the endpoint")
        )
    return [event for event in events if event]


_LISTS = (
    _List("CertificateOwner", "certificates", "certificates", _read_certificates),
    _List("RequestDenial", "pending", "pending requests", _read_pending),
    _List("RequestDenial", "denied", "denied requests", _read_denied),
    _List("SecurityRole", "claims", "claims", _read_claims),
    _List("SecurityRole", "roles", "roles", _read_roles),
    _List("SecretEvent", "events", "secret events", _read_events),
)


def _describe_reading(
    target: str, facts: PostureFacts, lists: Sequence[_List], rules: Sequence[PostureRule]
) -> PostureReading:
    judged = tuple(rule for rule in rules if can_judge(rule, facts))
    unjudged = tuple(rule for rule in rules if rule not in judged)
    return PostureReading(target, _count_objects(facts, lists), judged, unjudged, _count_ends(facts))


def _count_objects(facts: PostureFacts, lists: Sequence[_List]) -> dict[str, int]:
    """Return how many objects each list that was read has."""
    values = {part.noun: getattr(facts, part.field) for part in lists}
    return {
        noun: value.total if isinstance(value, CertificateTally | RequestTally) else len(value)
        for noun, value in values.items()
        if value is not None
    }


def _count_ends(facts: PostureFacts) -> Sequence[ExpiryDay] | None:
    if facts.certificates is None or facts.roles is None:
        return None
    return count_expiries(facts.certificates, list_held_owners(facts.roles))


def _find_undated(target: str, facts: PostureFacts) -> Iterator[Gap]:
    """Yield what was read and can't be judged, since it has no day."""
    certificates = facts.certificates or CertificateTally()
    parts = (
        (CERTIFICATES_PATH, "certificates without an owner", "end", certificates.undated, certificates.undated_id),
        *(
            (path, "requests", "day of submission", tally.undated, tally.undated_id)
            for path, tally in ((PENDING_PATH, facts.pending), (DENIED_PATH, facts.denied))
            if tally
        ),
    )
    for path, nouns, member, count, number in parts:
        if count:
            summary = f"{count:,} {nouns} have no {member} that can be read, such as the one with the id {number}"
            reason, remedy = "whether they are too near or too old can't be told", "look at them in the portal"
            source = Source(f"target {target} GET {path}")
            yield Gap(Diagnostic("posture.unjudged-object", source, summary, reason, remedy), Exit.INCOMPLETE)


def _mask_posture(posture: Posture, masker: SecretMasker) -> Posture:
    """Return what is to be looked at; where there is nothing to hide no finding is copied."""
    findings = [
        finding if masker(text := _join_texts(finding.items)) == text else _mask_finding(finding, masker)
        for finding in posture.findings
    ]
    return replace(posture, findings=findings)


def _join_texts(items: Iterable[PostureItem]) -> str:
    return "\n".join("\n".join((item.name, *map(str, item.facts.values()))) for item in items)


def _mask_finding(finding: PostureFinding, masker: SecretMasker) -> PostureFinding:
    items = [
        item._replace(
            name=masker(item.name),
            facts={name: masker(value) if isinstance(value, str) else value for name, value in item.facts.items()},
        )
        for item in finding.items
    ]
    return finding._replace(items=items)
