"""Judges a history: what was lost, done twice, done unasked, or told untruly. Knows nothing of how the tool works.

It is handed facts, the server's ledger and the store's last word, and names each violation by the kinds of `RULES`. An
edit of somebody else that our PUT undid is no violation where it came between our last look and the server's carrying
out: no client can protect it without ETags. Those are counted by themselves, as the window's losses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from reconciler.errors import Exit
from reconciler.model import Verdict
from reconciler.selftest.evidence_index import EvidenceIndex
from reconciler.selftest.history import (
    Evidence,
    IntentStored,
    LeaseStored,
    PersonSettled,
    PlannedWrite,
    ResultStored,
    RunReported,
    StepVerdict,
    StoredResult,
    Violation,
    WriteSent,
)
from reconciler.selftest.lost_edits import find_lost_edits

RULES: Mapping[str, str] = {
    "unplanned": "the server did something with our login that no step of the run's plan asks for",
    "duplicated": "a request was sent again that may have been carried out before",
    "lost": "a PUT undid somebody's edit that had been there when the object was last looked at",
    "unintended": "a request was sent before its intent was durable",
    "overlapping": "a request was sent by a run that did not hold the target",
    "untrue-applied": "a step was reported or remembered as applied that was not",
    "untrue-not-applied": "a step was reported or remembered as not done that was",
    "untrue-exit": "the exit code is not that of what was done",
    "sent-without-plan": "a command that only reads sent something",
    "unstopped": "a run went on after a step of which it knew no good",
    "replayed": "a saved plan was sent by a second run",
    "unsettled": "a request was sent about an object of which nobody knew what an earlier run had done to it",
    "forgotten": "the store has no result of a step that a run reported as applied, and all was well",
    "internal": "a bug of the tool broke a run off",
}
"""The kinds of violations, and what each means."""
_DONE = frozenset({Verdict.APPLIED, Verdict.UNCHANGED})
_UNDONE = frozenset({Verdict.NOT_APPLIED, Verdict.STALE, Verdict.NOT_REACHED, Verdict.UNCHANGED})
# Of a bug, of flags and of manifests no schedule gives cause; `apply` never says that there are changes.
_IMPOSSIBLE_EXITS = frozenset({Exit.INTERNAL, Exit.CHANGES, Exit.USAGE, Exit.INVALID, Exit.INTERRUPTED})


@dataclass
class Judgement:
    """What the oracle says of one history."""

    violations: list[Violation] = field(default_factory=list)
    window_losses: int = 0


def judge(evidence: Evidence) -> Judgement:
    """Return every violation in a history, and how many edits were lost in the window."""
    case, judgement = EvidenceIndex(evidence), Judgement()
    for check in (_check_ledger, _check_nonces, _check_sends, _check_reports, _check_results):
        judgement.violations.extend(check(case))
    for violation, is_window in find_lost_edits(case):
        if is_window:
            judgement.window_losses += 1
        else:
            judgement.violations.append(violation)
    return judgement


def _check_ledger(case: EvidenceIndex) -> Iterator[Violation]:
    """What the server did for us is what the plans say, each entry once."""
    owners = {index: fact for fact in case.landings for index in range(fact.first, fact.last)}
    for index, entry in enumerate(case.evidence.ledger):
        if not entry.is_ours:
            continue
        landing = owners.get(index)
        run = landing.run if landing else ""
        write = case.find_write(run, entry.call)
        if not write or (entry.acts and not set(entry.acts) <= set(write.acts)):
            yield Violation("unplanned", run, entry.call)
    for landing in case.landings:
        if sum((other.run, other.call) == (landing.run, landing.call) for other in case.landings) > 1:
            yield Violation("duplicated", landing.run, f"carried out more than once: {landing.call}")


def _check_nonces(case: EvidenceIndex) -> Iterator[Violation]:
    """A saved plan is sent by one run."""
    users: dict[str, str] = {}
    sends = (fact for fact in case.evidence.facts if isinstance(fact, WriteSent))
    for fact in sends:
        nonce = case.nonces.get(fact.run, "")
        if nonce and users.setdefault(nonce, fact.run) != fact.run:
            yield Violation("replayed", fact.run, f"run {users[nonce]} had sent its plan")


def _check_sends(case: EvidenceIndex) -> Iterator[Violation]:
    """Before each send: a plan, an intent, the lease; and nothing of it was sent that may have been done."""
    intents: set[tuple[str, int]] = set()
    leases: dict[str, str] = {}
    results: dict[tuple[str, int], str] = {}
    doubtful: dict[str, str] = {}
    for fact in case.evidence.facts:
        if isinstance(fact, IntentStored):
            intents.add((fact.run, fact.number))
            results.setdefault((fact.run, fact.number), "unknown")
        elif isinstance(fact, ResultStored):
            results[fact.run, fact.number] = fact.outcome
        elif isinstance(fact, LeaseStored):
            leases[fact.target] = fact.run
        elif isinstance(fact, PersonSettled):
            doubtful.pop(fact.act, None)
        elif isinstance(fact, WriteSent):
            write = case.find_write(fact.run, fact.call)
            if write:
                yield from _check_settled(case, fact, write, results)
                yield from _check_leave(fact, write, leases, is_intended=(fact.run, write.number) in intents)
                yield from _check_repetition(fact, write, doubtful)
            else:
                yield Violation("sent-without-plan", fact.run, fact.call)


def _check_settled(
    case: EvidenceIndex, fact: WriteSent, write: PlannedWrite, results: Mapping[tuple[str, int], str]
) -> Iterator[Violation]:
    # Of acts each is held back by itself, which `_check_repetition` sees to.
    for (run, number), outcome in results.items() if not write.acts else ():
        earlier = case.plans.get(run, {}).get(number)
        if run != fact.run and outcome == "unknown" and earlier and earlier.subject == write.subject:
            yield Violation("unsettled", fact.run, f"step {number} of {run} is open: {write.call}")


def _check_leave(
    fact: WriteSent, write: PlannedWrite, leases: Mapping[str, str], *, is_intended: bool
) -> Iterator[Violation]:
    if not is_intended:
        yield Violation("unintended", fact.run, fact.call)
    if leases.get(write.target) != fact.run:
        holder = leases.get(write.target) or "nobody"
        yield Violation("overlapping", fact.run, f"{holder} holds {write.target}: {fact.call}")


def _check_repetition(fact: WriteSent, write: PlannedWrite, senders: dict[str, str]) -> Iterator[Violation]:
    # A PUT that was refused may be planned and sent again; an act no run sends twice, whatever it met.
    own_acts = [f"{fact.run} {act}" for act in write.acts]
    for key in (f"{fact.run} {fact.call}", *write.acts, *own_acts):
        if key in senders:
            yield Violation("duplicated", fact.run, f"{key} was sent by {senders[key]}")
        if fact.is_doubtful or key in own_acts:
            senders[key] = fact.run


def _check_reports(case: EvidenceIndex) -> Iterator[Violation]:
    for report in case.reports:
        if report.fault or (report.command == "apply" and report.exit in _IMPOSSIBLE_EXITS):
            yield Violation("internal", report.run, report.fault or f"exit {report.exit.word}")
        if report.command != "apply":
            continue
        yield from _check_exit(report)
        yield from _check_stop(case, report)
        numbers = {verdict.number for verdict in report.verdicts}
        for write in case.plans.get(report.run, {}).values():
            # A run that reports no step says that it sent nothing.
            verdict = next((step for step in report.verdicts if step.number == write.number), None)
            if write.number not in numbers and case.has_landed(report.run, write.call):
                yield Violation("untrue-not-applied", report.run, f"not reported at all: {write.call}")
            if verdict:
                yield from _check_verdict(case, report, write, verdict)
            is_done = verdict and verdict.verdict is Verdict.APPLIED and report.exit is Exit.OK
            if is_done and (report.run, write.number) not in case.remembered:
                yield Violation("forgotten", report.run, write.call)


def _check_verdict(
    case: EvidenceIndex, report: RunReported, write: PlannedWrite, verdict: StepVerdict
) -> Iterator[Violation]:
    if verdict.acts:
        done, ever = case.list_acts_done(before=report.ledger), case.list_acts_done(report.run)
        for act, ruling in verdict.acts.items():
            if ruling is Verdict.APPLIED and act not in done:
                yield Violation("untrue-applied", report.run, act)
            if ruling in _UNDONE and act in ever:
                yield Violation("untrue-not-applied", report.run, act)
    elif verdict.verdict is Verdict.APPLIED and not case.has_been_done(write, report.run, report.ledger):
        yield Violation("untrue-applied", report.run, write.call)
    if verdict.verdict in _UNDONE and not verdict.acts and case.has_changed(report.run, write.call):
        yield Violation("untrue-not-applied", report.run, f"{verdict.verdict}: {write.call}")


def _check_stop(case: EvidenceIndex, report: RunReported) -> Iterator[Violation]:
    """Nothing was sent after a step that was sent and did not end well."""
    numbers = [
        write.number
        for fact in case.evidence.facts
        if isinstance(fact, WriteSent) and fact.run == report.run and (write := case.find_write(fact.run, fact.call))
    ]
    bad = {verdict.number for verdict in report.verdicts if verdict.verdict not in _DONE}
    for earlier, later in pairwise(numbers):
        if earlier != later and earlier in bad:
            yield Violation("unstopped", report.run, f"step {later} was sent after step {earlier}")


def _check_exit(report: RunReported) -> Iterator[Violation]:
    verdicts = {verdict.verdict for verdict in report.verdicts}
    if Verdict.UNKNOWN in verdicts and report.exit is not Exit.UNKNOWN:
        yield Violation("untrue-exit", report.run, f"a step is unknown, and the exit is {report.exit.word}")
    if report.exit is Exit.OK and not verdicts <= _DONE:
        yield Violation("untrue-exit", report.run, f"the exit is ok, and steps are {sorted(verdicts)}")
    if report.exit is Exit.UNKNOWN and Verdict.UNKNOWN not in verdicts and not report.unsettled:
        yield Violation("untrue-exit", report.run, "the exit is unknown, and no step is")
    if Verdict.STALE in verdicts and report.exit not in (Exit.STALE, Exit.UNKNOWN):
        yield Violation("untrue-exit", report.run, f"a step is stale, and the exit is {report.exit.word}")


def _check_results(case: EvidenceIndex) -> Iterator[Violation]:
    """What the store says in the end is what the server's ledger says."""
    done = case.list_acts_done()
    for result in case.evidence.results:
        write = case.plans.get(result.run, {}).get(result.number)
        if write is None:
            yield Violation("unplanned", result.run, f"the store remembers a step that no plan has: {result.number}")
        elif result.outcome == "applied":
            is_done = result.act in done if result.act else case.has_been_done(write, result.run)
            if not is_done:
                yield Violation("untrue-applied", result.run, f"in the store: {result.act or write.call}")
        elif result.outcome == "not_applied" and _was_done_after_all(case, result, write):
            yield Violation("untrue-not-applied", result.run, f"in the store: {result.act or write.call}")


def _was_done_after_all(case: EvidenceIndex, result: StoredResult, write: PlannedWrite) -> bool:
    if result.act:
        return result.act in case.list_acts_done(result.run)
    return case.has_changed(result.run, write.call)
