"""Orphans and dead ends: what on a server leads nowhere, whatever anybody declares. Pure.

What there is to find stands in `posture_rules`, one entry each; this is what a finding is, and how the rules are asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from reconciler.diagnostics import Diagnostic, Severity, Source
from reconciler.model import Json

if TYPE_CHECKING:
    from reconciler.plans.posture_facts import CertificateTally, PostureFacts


class Urgency(StrEnum):
    """How soon a finding deserves somebody's time, the soonest first."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class PostureItem(NamedTuple):
    """One object of a finding; `facts` are what helps to judge it, by the names that reports show.

    It stands for `weight` of what the finding counts: a role for the certificates that it owns.
    """

    name: str
    id: str
    facts: Mapping[str, Json] = {}
    weight: int = 1


class FoundItems(NamedTuple):
    """The objects that a rule finds: of very many the first ones; `total` is how many there are."""

    total: int
    items: Sequence[PostureItem]


class PostureRule(NamedTuple):
    """One sort of finding.

    `one` and `several` follow the number, and may name {days}. `needs` are the fields of `PostureFacts` that have to be
    read for it; where one of them was not, nobody can say that there is nothing to find.
    """

    id: str
    urgency: Urgency
    needs: tuple[str, ...]
    one: str
    several: str
    reason: str
    remedy: str
    find: Callable[[PostureFacts], FoundItems]


class PostureFinding(NamedTuple):
    """What a rule found on one target. `items` may be fewer than `total` says, and are the first ones then."""

    target: str
    rule: PostureRule
    days: int
    total: int
    items: Sequence[PostureItem]

    @property
    def summary(self) -> str:
        """What there is, and how much of it."""
        words = self.rule.one if self.total == 1 else self.rule.several
        return f"{self.total:,} {words.format(days=self.days)}"

    @property
    def hidden(self) -> int:
        """How much of `total` the items don't stand for."""
        return self.total - sum(item.weight for item in self.items)

    def describe(self) -> Diagnostic:
        """Return it as one thing to tell, for reports that know diagnostics alone; no object of it is named."""
        source = Source(f"target {self.target}")
        return Diagnostic(
            self.rule.id, source, self.summary, self.rule.reason, self.rule.remedy, severity=Severity.NOTE
        )


class ExpiryDay(NamedTuple):
    """How many certificates end on a day, the number of days from today: those that somebody owns, and the others.

    Somebody owns a certificate whose owner is a role that was read and that is held.
    """

    day: int
    owned: int
    orphaned: int


class PostureReading(NamedTuple):
    """What was looked at on one target: objects by what they are called, the rules that were asked, and those that
    could not be.

    `expiries` has the days on which a certificate ends; None where certificates or roles were not read.
    """

    target: str
    counts: Mapping[str, int]
    judged: tuple[PostureRule, ...] = ()
    unjudged: tuple[PostureRule, ...] = ()
    expiries: Sequence[ExpiryDay] | None = None


@dataclass(frozen=True, slots=True)
class Posture:
    """What was found on all targets, the most urgent first, and what was looked at."""

    today: date
    days: int
    findings: Sequence[PostureFinding] = ()
    readings: Sequence[PostureReading] = field(default=())

    def count_findings(self, urgency: Urgency) -> int:
        """Return how many findings there are of that urgency."""
        return sum(finding.rule.urgency is urgency for finding in self.findings)


def find_postures(target: str, facts: PostureFacts, rules: Iterable[PostureRule]) -> list[PostureFinding]:
    """Return what those of the rules find whose lists were read."""
    findings = []
    for rule in rules:
        if can_judge(rule, facts):
            total, items = rule.find(facts)
            if total:
                findings.append(PostureFinding(target, rule, facts.days, total, items))
    return findings


def can_judge(rule: PostureRule, facts: PostureFacts) -> bool:
    """Say whether everything was read that the rule needs."""
    return all(getattr(facts, name) is not None for name in rule.needs)


def sort_findings(findings: Iterable[PostureFinding], rules: Iterable[PostureRule]) -> list[PostureFinding]:
    """Return findings by urgency, then by rule in the order of the table, then by target."""
    urgencies, numbers = list(Urgency), {rule.id: number for number, rule in enumerate(rules)}
    return sorted(
        findings,
        key=lambda finding: (urgencies.index(finding.rule.urgency), numbers[finding.rule.id], finding.target),
    )


def count_expiries(certificates: CertificateTally, held_ids: Iterable[object]) -> list[ExpiryDay]:
    """Return the days on which certificates end; `held_ids` are the keys of owners that somebody holds."""
    held = set(held_ids)
    owned: dict[int, int] = {}
    orphaned: dict[int, int] = dict(certificates.unowned.days)
    for key, group in certificates.owners.items():
        counts = owned if key in held else orphaned
        for day, count in group.days.items():
            counts[day] = counts.get(day, 0) + count
    return [ExpiryDay(day, owned.get(day, 0), orphaned.get(day, 0)) for day in sorted(owned.keys() | orphaned.keys())]
