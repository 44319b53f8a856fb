"""What `doctor` found, as values, and what it comes to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import Exit


class Health(StrEnum):
    """How one check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


class Ability(StrEnum):
    """Whether the account can do a thing; `unproven` is what only writing could show."""

    POSSIBLE = "possible"
    IMPOSSIBLE = "impossible"
    UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `remedy` says what to do; `cause` is the exit code of one that failed.

    `rule` is the id of what a failure or a warning tells, "" for what is well or was skipped.
    """

    target: str
    check: str
    verdict: Health
    detail: str = ""
    remedy: str = ""
    cause: Exit = Exit.OK
    rule: str = ""


@dataclass(frozen=True, slots=True)
class TargetDiagnosis:
    """A target with everything that was looked at, in order, and what can be done there with each kind."""

    name: str
    api: str
    url: str
    checks: tuple[Check, ...]
    plan: Mapping[str, Ability]
    apply: Mapping[str, Ability]

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.verdict is Health.FAILED)


@dataclass(frozen=True, slots=True)
class StateDiagnosis:
    """The store with everything that was looked at, in order."""

    place: str
    checks: tuple[Check, ...]

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.verdict is Health.FAILED)


@dataclass(frozen=True, slots=True)
class ReceiversDiagnosis:
    """Those who are told what happened, each looked at."""

    checks: tuple[Check, ...]

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.verdict is Health.FAILED)


Diagnosis: TypeAlias = TargetDiagnosis | StateDiagnosis | ReceiversDiagnosis


def collect_failures(diagnoses: Iterable[Diagnosis]) -> tuple[Diagnostic, ...]:
    """Return what failed, as every command tells it: `what; what to do`."""
    return tuple(
        Diagnostic(check.rule, Source(f"{check.target} {check.check}"), check.detail, remedy=check.remedy)
        for diagnosis in diagnoses
        for check in diagnosis.failed
    )


def combine_abilities(abilities: Mapping[str, Ability]) -> Ability:
    """Return what holds for all kinds together."""
    distinct = set(abilities.values())
    if Ability.IMPOSSIBLE in distinct or not distinct:
        return Ability.IMPOSSIBLE
    return Ability.UNPROVEN if Ability.UNPROVEN in distinct else Ability.POSSIBLE
