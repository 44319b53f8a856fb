"""What `doctor` found, as values, as text and as JSON; and what it comes to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby

from reconciler.errors import Exit, Problem, Source, worst
from reconciler.model import Json
from reconciler.reports.layout import PLAIN, Line, Look, drawn, line


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
    """One thing that was looked at. `remedy` says what to do; `cause` is the exit code of one that failed."""

    target: str
    check: str
    verdict: Health
    detail: str = ""
    remedy: str = ""
    cause: Exit = Exit.OK


@dataclass(frozen=True, slots=True)
class Examined:
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


_WORDS = {
    Health.OK: ("ok", "green"),
    Health.WARNING: ("warn", "bold yellow"),
    Health.FAILED: ("FAILED", "bold red"),
    Health.SKIPPED: ("skipped", "dim"),
}
_FEW, _NAMED = 2, 4
"""Skipped checks that have a line each, and how many of those that share one are named."""
_WIDTH = max(len(word) for word, _ in _WORDS.values())


def exit_of(examined: Iterable[Examined]) -> Exit:
    """Return the outcome: ok where nothing that `plan` needs failed, else the worst cause."""
    return worst(check.cause for one in examined for check in one.failed)


def problems(examined: Iterable[Examined]) -> tuple[Problem, ...]:
    """Return what failed, as every command tells it: `what; what to do`."""
    return tuple(
        Problem(Source(f"{check.target} {check.check}"), "; ".join(filter(None, (check.detail, check.remedy))))
        for one in examined
        for check in one.failed
    )


def verdict(one: Examined) -> str:
    """Say in one line what the account can run."""
    plan, apply = _able("plan", one.plan), _able("apply", one.apply)
    if (plan, apply) == ("plan possible", "apply possible"):
        return f"{one.name}: plan and apply possible"
    first = one.failed[0] if one.failed else None
    if first and (plan, apply) == ("plan not possible", "apply not possible"):
        return f"{one.name}: neither plan nor apply possible: {first.check}: {first.detail}"
    return f"{one.name}: {plan}; {apply}"


def overall(abilities: Mapping[str, Ability]) -> Ability:
    """Return what holds for all kinds together."""
    held = set(abilities.values())
    if Ability.IMPOSSIBLE in held or not held:
        return Ability.IMPOSSIBLE
    return Ability.UNPROVEN if Ability.UNPROVEN in held else Ability.POSSIBLE


def text(examined: Sequence[Examined], look: Look = PLAIN) -> str:
    """Return one block a target: its checks with their remedies, then its verdict."""

    def report() -> Iterator[Line]:
        for number, one in enumerate(examined):
            if number:
                yield line()
            yield line((f"target {one.name}: {one.url or '(no url)'}", "bold"))
            yield from _rows(one.checks)
            yield line((verdict(one), "bold"))

    return drawn(report(), look)


def targets_json(examined: Iterable[Examined]) -> list[Json]:
    """Return the document's `targets`."""
    return [
        {
            "name": one.name,
            "api": one.api,
            "url": one.url,
            "checks": [
                {
                    "target": check.target,
                    "check": check.check,
                    "verdict": check.verdict.value,
                    "detail": check.detail,
                    "remedy": check.remedy,
                }
                for check in one.checks
            ],
            "commands": {"plan": overall(one.plan).value, "apply": overall(one.apply).value},
            "kinds": [
                {"kind": kind, "plan": ability.value, "apply": one.apply[kind].value}
                for kind, ability in one.plan.items()
            ],
            "verdict": verdict(one),
        }
        for one in examined
    ]


def _rows(checks: Sequence[Check]) -> Iterator[Line]:
    shown = list(_gathered(checks))
    name = max((len(check.check) for check in shown), default=0)
    for check in shown:
        word, style = _WORDS[check.verdict]
        yield line("  ", (f"{word:{_WIDTH}}", style), f"  {check.check:{name}}  {check.detail}")
        if check.remedy:
            yield line(f"  {'':{_WIDTH}}  {'':{name}}  -> {check.remedy}")


def _gathered(checks: Sequence[Check]) -> Iterator[Check]:
    """Yield the checks, but what was skipped in a row for one and the same reason as one: there is no more to say."""
    for (verdict, detail), same in groupby(checks, key=lambda check: (check.verdict, check.detail)):
        # groupby drops a group as soon as the next one is asked for.
        group = tuple(same)
        if verdict is Health.SKIPPED and len(group) > _FEW:
            names = ", ".join(check.check for check in group[:_NAMED])
            more = f" and {len(group) - _NAMED} more" if len(group) > _NAMED else ""
            yield replace(group[0], check=f"{len(group)} checks", detail=f"{detail}: {names}{more}")
        else:
            yield from group


def _able(command: str, abilities: Mapping[str, Ability]) -> str:
    """Say for which kinds a command is possible: `plan possible for A, B; not for C`."""
    words = {
        Ability.POSSIBLE: "possible",
        Ability.IMPOSSIBLE: "not possible",
        Ability.UNPROVEN: "not provable without writing",
    }
    groups = {ability: [kind for kind, held in abilities.items() if held is ability] for ability in Ability}
    held = [ability for ability in Ability if groups[ability]]
    if len(held) <= 1:
        return f"{command} {words[held[0] if held else Ability.IMPOSSIBLE]}"
    return f"{command} " + ", ".join(f"{words[ability]} for {_listed(groups[ability])}" for ability in held)


def _listed(kinds: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(kinds[:-1]), kinds[-1])))
