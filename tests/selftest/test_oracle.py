"""The oracle names what is wrong with a history, and finds nothing wrong with a good one. All histories are by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest

from reconciler.errors import Exit
from reconciler.model import Verdict
from reconciler.selftest.history import (
    Evidence,
    Fact,
    IntentStored,
    LeaseStored,
    Mutation,
    PersonSettled,
    PlanMade,
    PlannedWrite,
    ReadAnswered,
    ResultStored,
    RunReported,
    StepVerdict,
    StoredResult,
    StoreTouched,
    WriteLanded,
    WriteSent,
)
from reconciler.selftest.oracle import RULES, judge

PUT, DENY, OTHER = "keyfactor PUT /Role {1}", "keyfactor POST /Deny [7, 8]", "keyfactor PUT /Role {2}"
OLD, NEW, THEIRS, MIXED = {"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 1, "b": 9}, {"a": 2, "b": 9}
ROLE = "role 2"
A, B = "run-a", "run-b"
APPLIED, NOT_APPLIED, UNKNOWN = Verdict.APPLIED, Verdict.NOT_APPLIED, Verdict.UNKNOWN


def planned(run: str = A, *, first: int = 0, last: int = 0, call: str = PUT) -> PlanMade:
    return PlanMade(run, (PlannedWrite(0, "t", "t/Role/r", "PUT", call),), first, last)


def denying(run: str = A) -> PlanMade:
    return PlanMade(run, (PlannedWrite(0, "t", "t/Denial/d", "POST", DENY, ("deny/7", "deny/8")),), 0, 0)


def begun(run: str = A) -> list[Fact]:
    """The run holds the target, its intent is durable, and it has asked the store for nothing since."""
    return [LeaseStored("t", run), IntentStored(run, 0), StoreTouched(run)]


def looked(run: str = A, ledger: int = 0) -> ReadAnswered:
    return ReadAnswered(run, "/Role/2", ledger)


def sent(run: str = A, call: str = PUT, ledger: int = 0, *, is_doubtful: bool = True) -> WriteSent:
    return WriteSent(run, call, ledger, is_doubtful)


def landed(run: str = A, call: str = PUT, first: int = 0) -> WriteLanded:
    return WriteLanded(run, call, first, first + 1)


def reported(
    exit_: Exit = Exit.OK, *verdicts: Verdict, run: str = A, ledger: int = 1, command: str = "apply", **more: Any
) -> RunReported:
    steps = tuple(StepVerdict(number, verdict) for number, verdict in enumerate(verdicts))
    return RunReported(run, command, exit_, steps, ledger, **more)


def told_of_acts(exit_: Exit, whole: Verdict, seven: Verdict, eight: Verdict) -> RunReported:
    return RunReported(A, "apply", exit_, (StepVerdict(0, whole, {"deny/7": seven, "deny/8": eight}),), 1)


def ours(before: Any = OLD, after: Any = NEW, call: str = PUT) -> Mutation:
    return Mutation(call, ROLE, before, after, is_ours=True)


def theirs(before: Any = OLD, after: Any = THEIRS) -> Mutation:
    return Mutation("by hand", ROLE, before, after, is_ours=False)


def denial(*numbers: int) -> Mutation:
    return Mutation(DENY, f"request {numbers}", [], [], is_ours=True, acts=tuple(f"deny/{one}" for one in numbers))


class Case(NamedTuple):
    """A history, the rules that it breaks, and how many edits are lost in the window.

    `results` are what the store says in the end; unless it is not `is_remembered`, it had said something of the first
    step when its run reported.
    """

    facts: Sequence[Fact]
    ledger: Sequence[Mutation] = ()
    breaks: tuple[str, ...] = ()
    results: Sequence[StoredResult] = ()
    window: int = 0
    is_remembered: bool = True


ACTED = [denying(), *begun(), looked()]
WENT_WELL = [planned(), *begun(), looked(), sent(), landed()]

CASES = {
    "nothing happens": Case([]),
    "one PUT, applied": Case(
        [*WENT_WELL, reported(Exit.OK, APPLIED)], [ours()], results=[StoredResult(A, 0, "", "applied")]
    ),
    "one PUT, refused": Case(
        [planned(), *begun(), looked(), sent(is_doubtful=False), reported(Exit.PARTIAL, NOT_APPLIED)],
        results=[StoredResult(A, 0, "", "not_applied")],
    ),
    "silence, and the PUT lands after the report": Case(
        [planned(), *begun(), looked(), sent(), reported(Exit.UNKNOWN, UNKNOWN, ledger=0), landed()], [ours()]
    ),
    "a run is killed after its PUT landed, and the next finds it applied": Case(
        WENT_WELL, [ours()], results=[StoredResult(A, 0, "", "applied")]
    ),
    "a refused login, and then the PUT": Case(
        [planned(), *begun(), looked(), sent(is_doubtful=False), looked(), sent(), landed(),
         reported(Exit.OK, APPLIED)],
        [ours()],
    ),
    "another run did the same meanwhile, and reading shows it": Case(
        [
            *(planned(), planned(B), *begun(), looked(), sent()),
            *(*begun(B), ResultStored(A, 0, "", "not_applied"), looked(B), sent(B), landed(B)),
            *(reported(Exit.OK, APPLIED), reported(Exit.OK, APPLIED, run=B)),
        ],
        [ours()],
    ),
    "somebody edits before the plan is made": Case(
        [planned(first=1, last=1), *begun(), looked(ledger=1), sent(ledger=1), landed(first=1),
         reported(Exit.OK, APPLIED, ledger=2)],
        [theirs(), ours(THEIRS, MIXED)],
    ),
    "somebody edits in the window": Case(
        [planned(), *begun(), looked(), sent(), landed(first=1), reported(Exit.OK, APPLIED, ledger=2)],
        [theirs(), ours(THEIRS, NEW)],
        window=1,
    ),
    "somebody edits in the window what the PUT leaves alone": Case(
        [planned(), *begun(), looked(), sent(), landed(first=1), reported(Exit.OK, APPLIED, ledger=2)],
        [theirs(), ours(THEIRS, MIXED)],
    ),
    "somebody edits and takes it back before the last look": Case(
        [planned(), *begun(), looked(ledger=2), sent(ledger=2), landed(first=2), reported(Exit.OK, APPLIED, ledger=3)],
        [theirs(), theirs(THEIRS, OLD), ours()],
    ),
    "a denial, half of which is known": Case(
        [*ACTED, sent(call=DENY), landed(call=DENY), told_of_acts(Exit.UNKNOWN, UNKNOWN, APPLIED, UNKNOWN)],
        [denial(7)],
        results=[StoredResult(A, 0, "deny/7", "applied"), StoredResult(A, 0, "deny/8", "unknown")],
    ),
    "a person says that a denial was not done, and it is sent again": Case(
        [*ACTED, sent(call=DENY), PersonSettled("deny/7"), PersonSettled("deny/8"), denying(B), *begun(B), looked(B),
         sent(B, DENY), landed(B, DENY)],
        [denial(7, 8)],
    ),
    "a denial that was refused is sent again by a later run": Case(
        [*ACTED, sent(call=DENY, is_doubtful=False), denying(B), *begun(B), looked(B), sent(B, DENY), landed(B, DENY)],
        [denial(7, 8)],
    ),
    "an exit that is unknown for what an earlier run left open": Case([reported(Exit.UNKNOWN, unsettled=1)]),

    "something that nobody planned": Case([*WENT_WELL], [ours(call=OTHER)], ("unplanned",)),
    "something of which nobody knows who sent it": Case([planned()], [ours()], ("unplanned",)),
    "a denial of more than was planned": Case(
        [*ACTED, sent(call=DENY), landed(call=DENY)], [denial(7, 8, 9)], ("unplanned",)
    ),
    "the store remembers what no plan has": Case(
        [*WENT_WELL], [ours()], ("unplanned",), [StoredResult(A, 5, "", "unknown")]
    ),
    "a PUT that may have been done is sent again": Case(
        [planned(), *begun(), looked(), sent(), looked(), sent(), landed()], [ours()], ("duplicated",)
    ),
    "a PUT is carried out twice": Case(
        [*WENT_WELL, WriteLanded(A, PUT, 1, 2)], [ours(), ours(NEW, NEW)], ("duplicated", "duplicated")
    ),
    "another run sends a denial that may have been done": Case(
        [*ACTED, sent(call=DENY), denying(B), *begun(B), looked(B), sent(B, DENY), landed(B, DENY)],
        [denial(7, 8)],
        ("duplicated", "duplicated"),
    ),
    "the base had moved before the last look": Case(
        [planned(), *begun(), looked(ledger=1), sent(ledger=1), landed(first=1), reported(Exit.OK, APPLIED, ledger=2)],
        [theirs(), ours(THEIRS, NEW)],
        ("lost",),
    ),
    "no look before the send": Case(
        [planned(), *begun(), sent(ledger=1), landed(first=1)], [theirs(), ours(THEIRS, NEW)], ("lost",)
    ),
    "the last look was before the store was asked": Case(
        [planned(), *begun(), looked(), StoreTouched(A), sent(ledger=1), landed(first=1)],
        [theirs(), ours(THEIRS, NEW)],
        ("lost",),
    ),
    "no intent": Case([planned(), LeaseStored("t", A), looked(), sent(), landed()], [ours()], ("unintended",)),
    "the intent comes after the send": Case(
        [planned(), LeaseStored("t", A), looked(), sent(), landed(), IntentStored(A, 0)], [ours()], ("unintended",)
    ),
    "another run holds the target": Case(
        [planned(), *begun(), LeaseStored("t", B), looked(), sent(), landed()], [ours()], ("overlapping",)
    ),
    "the lease was given back": Case(
        [planned(), *begun(), LeaseStored("t", ""), looked(), sent(), landed()], [ours()], ("overlapping",)
    ),
    "applied, and the server never did it": Case(
        [planned(), *begun(), looked(), sent(), reported(Exit.OK, APPLIED)], [], ("untrue-applied",)
    ),
    "applied, before it landed": Case(
        [planned(), *begun(), looked(), sent(), reported(Exit.OK, APPLIED, ledger=0), landed()],
        [ours()],
        ("untrue-applied",),
    ),
    "remembered as applied, and the server never did it": Case(
        [planned(), *begun(), looked(), sent()], [], ("untrue-applied",), [StoredResult(A, 0, "", "applied")]
    ),
    "an act told as applied that was not": Case(
        [*ACTED, sent(call=DENY), landed(call=DENY), told_of_acts(Exit.OK, APPLIED, APPLIED, APPLIED)],
        [denial(7)],
        ("untrue-applied",),
    ),
    "not applied, and it lands later": Case(
        [planned(), *begun(), looked(), sent(), reported(Exit.PARTIAL, NOT_APPLIED, ledger=0), landed()],
        [ours()],
        ("untrue-not-applied",),
    ),
    "stale, and it was sent": Case(
        [*WENT_WELL, reported(Exit.STALE, Verdict.STALE)], [ours()], ("untrue-not-applied",)
    ),
    "not reached, and it was done": Case(
        [*WENT_WELL, reported(Exit.PARTIAL, Verdict.NOT_REACHED)], [ours()], ("untrue-not-applied",)
    ),
    "nothing is reported of what was done": Case(
        [*WENT_WELL, reported(Exit.LOCKED)], [ours()], ("untrue-not-applied",)
    ),
    "remembered as not applied, and it was done": Case(
        [*WENT_WELL], [ours()], ("untrue-not-applied",), [StoredResult(A, 0, "", "not_applied")]
    ),
    "an act told as not applied that was": Case(
        [*ACTED, sent(call=DENY), landed(call=DENY), told_of_acts(Exit.PARTIAL, NOT_APPLIED, APPLIED, NOT_APPLIED)],
        [denial(7, 8)],
        ("untrue-not-applied",),
    ),
    "unknown, and the exit says partial": Case(
        [planned(), *begun(), looked(), sent(), reported(Exit.PARTIAL, UNKNOWN)], [], ("untrue-exit",)
    ),
    "not applied, and the exit says ok": Case(
        [planned(), *begun(), reported(Exit.OK, NOT_APPLIED)], [], ("untrue-exit",)
    ),
    "stale, and the exit says partial": Case(
        [planned(), *begun(), reported(Exit.PARTIAL, Verdict.STALE)], [], ("untrue-exit",)
    ),
    "nothing is unknown, and the exit says so": Case(
        [*WENT_WELL, reported(Exit.UNKNOWN, APPLIED)], [ours()], ("untrue-exit",)
    ),
    "a denial is sent twice by one run, though the first was refused": Case(
        [*ACTED, sent(call=DENY, is_doubtful=False), looked(), sent(call=DENY), landed(call=DENY)],
        [denial(7, 8)],
        ("duplicated", "duplicated"),
    ),
    "a run goes on after a step that is unknown": Case(
        [
            PlanMade(A, (PlannedWrite(0, "t", "t/R/1", "PUT", PUT), PlannedWrite(1, "t", "t/R/2", "PUT", OTHER)), 0, 0),
            *(LeaseStored("t", A), IntentStored(A, 0), IntentStored(A, 1)),
            *(looked(), sent(), looked(), sent(call=OTHER), reported(Exit.UNKNOWN, UNKNOWN, UNKNOWN, ledger=0)),
        ],
        [],
        ("unstopped",),
    ),
    "an object is written of which an earlier run left open what it did": Case(
        [planned(), *begun(), looked(), sent(), planned(B), *begun(B), looked(B), sent(B)], [], ("unsettled",)
    ),
    "an object is written that an earlier run was found to have left alone": Case(
        [planned(), *begun(), looked(), sent(), planned(B), *begun(B), ResultStored(A, 0, "", "not_applied"), looked(B),
         sent(B)]
    ),
    "remembered as not applied, since somebody took it back": Case(
        [*WENT_WELL], [ours(), theirs(NEW, OLD)], results=[StoredResult(A, 0, "", "not_applied")]
    ),
    "a saved plan is sent by two runs": Case(
        [planned()._replace(nonce="n"), planned(B)._replace(nonce="n"), *begun(), looked(), sent(is_doubtful=False),
         ResultStored(A, 0, "", "not_applied"), *begun(B), looked(B), sent(B, is_doubtful=False)],
        [],
        ("replayed",),
    ),
    "two saved plans are sent by two runs": Case(
        [planned()._replace(nonce="n"), planned(B)._replace(nonce="m"), *begun(), looked(), sent(is_doubtful=False),
         ResultStored(A, 0, "", "not_applied"), *begun(B), looked(B), sent(B, is_doubtful=False)]
    ),
    "all was well, and the store does not remember it": Case(
        [*WENT_WELL, reported(Exit.OK, APPLIED)], [ours()], ("forgotten",), is_remembered=False
    ),
    "recover sends something": Case(
        [*begun(), looked(), sent(), landed(), reported(command="recover")],
        [ours()],
        ("sent-without-plan", "unplanned"),
    ),
    "a bug": Case([reported(Exit.INTERNAL, fault="KeyError")], [], ("internal",)),
    "apply says that there are changes": Case([reported(Exit.CHANGES)], [], ("internal",)),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_history_is_judged(case: Case) -> None:
    """Each violation is named once, and nothing else."""
    facts: list[Fact] = []
    for fact in case.facts:
        if isinstance(fact, RunReported) and case.is_remembered:
            facts.append(ResultStored(fact.run, 0, "", "unknown"))
        facts.append(fact)
    judgement = judge(Evidence(facts, case.ledger, case.results))
    assert sorted(violation.rule for violation in judgement.violations) == sorted(case.breaks)
    assert judgement.window_losses == case.window


def test_every_rule_has_a_history_that_breaks_it() -> None:
    """No rule is there that nothing shows to work."""
    assert {rule for case in CASES.values() for rule in case.breaks} == set(RULES)
