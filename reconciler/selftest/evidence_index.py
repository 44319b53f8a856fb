"""The evidence of one schedule, by what the oracle asks of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.model import Json
from reconciler.selftest.history import Evidence, PlanMade, PlannedWrite, ResultStored, RunReported, WriteLanded


@dataclass
class EvidenceIndex:
    """The evidence, by what is asked of it."""

    evidence: Evidence
    plans: dict[str, dict[int, PlannedWrite]] = field(default_factory=dict)
    spans: dict[str, tuple[int, int]] = field(default_factory=dict)
    nonces: dict[str, str] = field(default_factory=dict)
    remembered: set[tuple[str, int]] = field(default_factory=set)
    """The steps, by run and number, that had a result in the store when their run reported."""
    landings: list[WriteLanded] = field(default_factory=list)
    reports: list[RunReported] = field(default_factory=list)

    def __post_init__(self) -> None:
        results: set[tuple[str, int]] = set()
        for fact in self.evidence.facts:
            if isinstance(fact, PlanMade):
                self.plans[fact.run] = {write.number: write for write in fact.writes}
                self.spans[fact.run] = (fact.first, fact.last)
                self.nonces[fact.run] = fact.nonce
            elif isinstance(fact, WriteLanded):
                self.landings.append(fact)
            elif isinstance(fact, ResultStored):
                results.add((fact.run, fact.number))
            elif isinstance(fact, RunReported):
                self.reports.append(fact)
                self.remembered |= {(run, number) for run, number in results if run == fact.run}

    def find_write(self, run: str, call: str) -> PlannedWrite | None:
        """Return what a run planned that is this call."""
        return next((write for write in self.plans.get(run, {}).values() if write.call == call), None)

    def has_landed(self, run: str, call: str, before: int | None = None) -> bool:
        """Say whether the server carried a call of a run out, before a point of its ledger."""
        return any(
            landing.run == run and landing.call == call and (before is None or landing.first < before)
            for landing in self.landings
        )

    def has_changed(self, run: str, call: str) -> bool:
        """Say whether a write of a run changed anything: what is as it was before may rightly be told as not done."""
        ledger = self.evidence.ledger
        return any(
            ledger[index].before != ledger[index].after and not self._was_reverted(index)
            for landing in self.landings
            if landing.run == run and landing.call == call
            for index in range(landing.first, landing.last)
        )

    def _was_reverted(self, index: int) -> bool:
        """Say whether somebody brought an object back to what it was before a mutation: then nobody can tell."""
        entry = self.evidence.ledger[index]
        later = self.evidence.ledger[index + 1 :]
        return any(
            one.subject == entry.subject
            and not one.is_ours
            and simplify_state(one.after) == simplify_state(entry.before)
            for one in later
        )

    def list_acts_done(self, run: str = "", before: int | None = None) -> set[str]:
        """Return the acts that were carried out for a run, or for any."""
        ledger = self.evidence.ledger[:before]
        indexes = {
            index
            for landing in self.landings
            if run in ("", landing.run)
            for index in range(landing.first, landing.last)
        }
        return {act for index, entry in enumerate(ledger) if index in indexes for act in entry.acts}

    def has_been_done(self, write: PlannedWrite, run: str, before: int | None = None) -> bool:
        """Say whether a write was carried out, by this run or for the same object by another of ours."""
        addresses = {
            landing.run
            for landing in self.landings
            if (before is None or landing.first < before)
            and (other := self.find_write(landing.run, landing.call))
            and other.subject == write.subject
            and landing.run != run
        }
        return self.has_landed(run, write.call, before) or bool(addresses)


def simplify_state(state: Json) -> Json:
    """Return a state of an object without what no plan knows."""
    # The time of the last change is part of no plan, and moves with each.
    return {name: value for name, value in state.items() if name != "update_time"} if isinstance(state, dict) else state
