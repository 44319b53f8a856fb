"""What a pattern finds among the pending requests, and what it can't judge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.kinds.kind import Wanted
from reconciler.model import Json, Path, Subject
from reconciler.patterns import matches_pattern
from reconciler.payloads.members import pick_member
from reconciler.payloads.requests import ATTRIBUTE_MEMBERS, NAMES_MEMBER

ALTERNATIVE_NAME = "subjectAltName"
"""The attribute that no list holds."""
_MAX_LISTED = 10
_WORDS = {
    "commonName": "common name",
    "requester": "requester",
    "template": "template",
    "distinguishedName": "distinguished name",
    "certificateAuthority": "certificate authority",
    ALTERNATIVE_NAME: "subject alternative name",
}


class PatternMatches(NamedTuple):
    """The ids of the requests that fit, and of those that would if they had an attribute, by attribute.

    `idle` are the attributes that no request fits, whatever the others are.
    """

    numbers: tuple[int, ...]
    unjudged: Mapping[str, tuple[int, ...]]
    idle: tuple[str, ...]


def find_matches(
    patterns: Mapping[str, str], pending: Mapping[int, Mapping[str, Json]], detailed: Mapping[int, Mapping[str, Json]]
) -> PatternMatches:
    """Return what patterns by attribute find. Alternative names are judged of requests in `detailed` alone."""
    numbers: list[int] = []
    unjudged: dict[str, list[int]] = {}
    fitting: set[str] = set()
    for number, row in sorted(pending.items()):
        fits = {name: _fits(name, pattern, detailed.get(number, row)) for name, pattern in patterns.items()}
        fitting.update(name for name, is_fit in fits.items() if is_fit)
        if False not in fits.values():
            lacking = [name for name, is_fit in fits.items() if is_fit is None]
            (unjudged.setdefault(lacking[0], []) if lacking else numbers).append(number)
    # Alternative names are only known of those that the others fit.
    judged_names = patterns.keys() - ({ALTERNATIVE_NAME} if len(patterns) > 1 else set())
    idle = tuple(name for name in patterns if name in judged_names - fitting)
    return PatternMatches(tuple(numbers), {name: tuple(ids) for name, ids in unjudged.items()}, idle)


def list_unread_requests(patterns: Mapping[str, str], pending: Mapping[int, Mapping[str, Json]]) -> tuple[int, ...]:
    """Return the ids of the requests whose alternative names have to be read before a pattern can be judged."""
    listed_patterns = {name: pattern for name, pattern in patterns.items() if name != ALTERNATIVE_NAME}
    return find_matches(listed_patterns, pending, {}).numbers if ALTERNATIVE_NAME in patterns else ()


def _fits(name: str, pattern: str, row: Mapping[str, Json]) -> bool | None:
    """Say whether a request has what a pattern wants; None if it has nothing in that place."""
    if name == ALTERNATIVE_NAME and NAMES_MEMBER not in row:
        # It was not read by its id: another attribute rules it out, or it is no longer pending.
        return False
    listed_value = pick_member(row, ATTRIBUTE_MEMBERS.get(name, ""))
    values: Sequence[str] = row[NAMES_MEMBER] if name == ALTERNATIVE_NAME else [str(listed_value or "")]
    if any(matches_pattern(pattern, value) for value in values or [""]):
        return True
    return False if any(values) else None


def describe_matches(
    document: Wanted, matches: PatternMatches, texts: Mapping[str, str], subjects: Mapping[int, Subject]
) -> Iterator[Diagnostic]:
    """Yield what a pattern finds, and what it can't judge. `texts` say it in words; `subjects` are all that is pending.

    A pattern that finds nothing may have done its work, or be written wrongly: both are said.
    """
    if matches.numbers:
        summary = f"match finds {_count_requests(len(matches.numbers))}: {_list_requests(matches.numbers, subjects)}"
        reason, remedy = "no other is denied, whatever is asked for later", ""
    else:
        many = (
            f"finds none of the {_count_requests(len(subjects))}"
            if subjects
            else "finds nothing, since no request is pending"
        )
        summary = f"match {'does not find the one pending request' if len(subjects) == 1 else many}"
        reason = "nothing is denied for it"
        idle = " and ".join(f"{name} {texts[name]}" for name in matches.idle)
        remedy = f"if you expect one, check {idle}: no pending request is such" if idle and subjects else ""
    yield _note("live.pattern-matches", document, ("spec", "match"), summary, reason, remedy)
    for name, numbers in sorted(matches.unjudged.items()):
        yield _describe_unjudged(document, name, numbers, subjects)


def _describe_unjudged(
    document: Wanted, name: str, numbers: Sequence[int], subjects: Mapping[int, Subject]
) -> Diagnostic:
    count, requests = _count_requests(len(numbers)), _list_requests(numbers, subjects)
    summary = f"{count} without a {_WORDS[name]} can't be judged by it: {requests}"
    way = ALTERNATIVE_NAME if name == "commonName" else "id"
    pronoun, reason = ("it", "it is not denied") if len(numbers) == 1 else ("them", "they are not denied")
    remedy = f"deny {pronoun} by {way} in another document if you mean {pronoun}"
    return _note("live.unjudged-object", document, ("spec", "match", name), summary, reason, remedy)


def _note(rule: str, document: Wanted, path: Path, summary: str, reason: str, remedy: str) -> Diagnostic:
    return Diagnostic(rule, document.at(path), summary, reason, remedy, Severity.NOTE, document.address)


def _count_requests(count: int) -> str:
    return f"{count:,} pending request{'' if count == 1 else 's'}"


def _list_requests(numbers: Sequence[int], subjects: Mapping[int, Subject]) -> str:
    listed = [_describe_subject(number, subjects[number]) for number in numbers[:_MAX_LISTED]]
    rest = len(numbers) - len(listed)
    return ", ".join(listed) + (f" and {rest:,} more" if rest else "")


def _describe_subject(number: int, subject: Subject) -> str:
    facts = ", ".join(text for name, text in subject.facts if name in {"requester", "template"})
    return f"{number} {subject.name}".strip() + (f" ({facts})" if facts else "")
