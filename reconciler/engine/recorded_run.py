"""One run of `apply` as the store knows it: what it settles, claims, intends, records and gives back.

    settle_earlier()    what earlier runs left open on its targets is settled before anything is compared
    claim(plan)         leases, the plan's nonce and every repeatable intent; then, once more, what is open
    begin, finish       the journal of `apply`
    release(...)        the last results, how it ended, and the leases

With several targets each has its lease; they are claimed in one order by everybody, so that no two runs wait for each
other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.engine.intent_records import build_intent, build_results, identify_object
from reconciler.engine.recovery import (
    SettleContext,
    SettledStep,
    describe_settled,
    list_claimed_acts,
    list_referred,
    list_unsettled_keys,
    settle_open_intents,
)
from reconciler.engine.run_store import STATE_SOURCE, report_store_errors
from reconciler.engine.target_lock import LockPolicy, claim_lease, renew_lease
from reconciler.errors import Exit, StateError
from reconciler.kinds.claimed_acts import ClaimedActs
from reconciler.kinds.registry import Registry
from reconciler.model import Action, Obstacle, Outcome, Plan, Step, Verdict
from reconciler.plans.masking import SecretMasker
from reconciler.plans.planfile import digest_plan
from reconciler.reader import Read
from reconciler.state.lease_watch import HeldLease
from reconciler.state.records import (
    Intent,
    IntentResult,
    OpenIntent,
    PlanNonce,
    RunRecord,
    SettledAs,
    SettledBy,
)
from reconciler.state.retention import prune_store
from reconciler.state.store import RunEnding, Store
from reconciler.state.store_errors import ActsClaimed, Overtaken, StoreError

_SEEN = "a person looked at it"
_UNPINNED = Diagnostic(
    "state.unpinned",
    STATE_SOURCE,
    "the settings don't say which store it has to be",
    "if this one vanished, a new one would not know what was denied",
    "say `reconciler state init`, and pin the id that it shows",
    severity=Severity.NOTE,
)


@dataclass(frozen=True, slots=True)
class RunTarget:
    """A target of a run: its record in the store, and the reader that looks anew each time."""

    record: RunRecord
    read: Read


@dataclass(frozen=True, slots=True)
class RunParts:
    """What a recorded run is made of. `targets` are by the names that the settings give them; `pinned` is the id of the
    store that these ask for, if any, and `keep_days` how long they let runs be remembered, None for ever.
    """

    store: Store
    targets: Mapping[str, RunTarget]
    kinds: Registry
    masker: SecretMasker
    policy: LockPolicy
    nonce: PlanNonce | None = None
    pinned: str = ""
    keep_days: int | None = None


class RecordedRun:
    """Holds the leases of a run's targets, and is the journal that `apply` writes to."""

    def __init__(self, parts: RunParts) -> None:
        self.parts, self._store = parts, parts.store
        self._held: dict[str, HeldLease] = {}
        self._waiting: dict[str, list[IntentResult]] = {}
        # Targets with results among them that are to be recorded at once.
        self._due: set[str] = set()
        self._intended: set[int] = set()
        self._recorded: set[int] = set()
        self._faults: list[Diagnostic] = []
        self._settled: dict[SettledStep, None] = {}
        self._denied = False

    @property
    def faults(self) -> tuple[Diagnostic, ...]:
        """What the store could not do since the first request was sent."""
        return tuple(self._faults)

    @property
    def notes(self) -> tuple[Diagnostic, ...]:
        """What was found of steps that earlier runs left open, and what to do so that no denial is forgotten."""
        is_forgettable = self._denied and not self._store.identity.allows_irreversible(self.parts.pinned)
        return (*map(describe_settled, self._settled), *([_UNPINNED] if is_forgettable else []))

    def describe(self) -> dict[str, str]:
        """Return what a report says of the run; empty where none of its targets could be identified."""
        record = next((target.record for target in self.parts.targets.values()), None)
        if record is None:
            return {}
        return {"id": record.id, "started": record.started, "tool": record.tool, "commit": record.commit}

    def settle_earlier(self) -> tuple[SettledStep, ...]:
        """Settle what earlier runs left open, under a lease that is given back; returns what was found.

        Asks for no lease where nothing is open and nobody holds one. Raises StateError.
        """
        with report_store_errors():
            names = [name for name in self._order_targets() if self._has_open(name)]
            for name in names:
                self._held[name] = claim_lease(self._store, self.parts.targets[name].record, self.parts.policy)
            try:
                return self._settle_held(names)
            finally:
                self._give_back(names, RunEnding(int(Exit.OK)))

    def settle_by_person(self, reference: str, outcome: SettledAs) -> tuple[OpenIntent, ...]:
        """Record what a person saw of an open step, RUN/NUMBER or RUN/NUMBER/ACT; returns what of it was open.

        Nothing where no such step is open. Raises StateError.
        """
        found: list[OpenIntent] = []
        with report_store_errors():
            for name in self._order_targets():
                target = self.parts.targets[name].record.target
                entries = [entry for entry in self._store.list_open(target) if list_referred(entry, reference)]
                if entries:
                    self._held[name] = claim_lease(self._store, self.parts.targets[name].record, self.parts.policy)
                    run = self._run_id(name)
                    self._waiting[name] = [
                        IntentResult(entry.intent.run, entry.intent.number, outcome, SettledBy.PERSON, run, _SEEN, act)
                        for entry in entries
                        for act in list_referred(entry, reference)
                    ]
                    self._give_back([name], RunEnding(int(Exit.OK)))
                    found.extend(entries)
        return tuple(found)

    def list_claimed_acts(self) -> ClaimedActs:
        """Return what was done on the run's targets, or may have been, and can't be undone. Raises StateError."""
        with report_store_errors():
            return {
                name: list_claimed_acts(self._store, target.record.target)
                for name, target in self.parts.targets.items()
            }

    def list_open(self) -> tuple[OpenIntent, ...]:
        """Return what is open on the run's targets. Raises StateError."""
        with report_store_errors():
            return tuple(
                entry
                for name in self._order_targets()
                for entry in self._store.list_open(self.parts.targets[name].record.target)
            )

    def claim(self, plan: Plan) -> Plan:
        """Claim the plan's targets, use up its nonce, record its repeatable intents, and settle what is open.

        Returns the plan, without the requests of steps whose object an earlier run may have changed: nobody knows.
        Raises StateError, with nothing claimed.
        """
        self._note_digest(plan)
        names = [name for name in self._order_targets() if _steps_of(plan, name)]
        if strangers := {step.address.target for step in plan.sendable_steps} - set(names):
            raise StateError(Exit.INCOMPLETE, _explain_unidentified(min(strangers)))
        with report_store_errors():
            try:
                # A nonce is used up only once no lease is wanting: who has to wait keeps a plan that can be applied.
                for name in names if len(names) > 1 else ():
                    self._held[name] = claim_lease(self._store, self.parts.targets[name].record, self.parts.policy)
                for name in names:
                    self._held[name] = self._claim_with_intents(name, plan)
                unsettled = list_unsettled_keys(self._settle_held(names))
            except BaseException as error:
                # A run that held one of its targets is remembered there, with how it ended.
                exit_ = error.exit if isinstance(error, StoreError) else Exit.INTERRUPTED
                self._give_back(names, RunEnding(int(exit_)))
                raise
        return _hold_back(plan, unsettled, self.parts.kinds)

    def begin(self, number: int, step: Step) -> Outcome | None:
        """As `Journal` has it."""
        name = step.address.target
        try:
            if self._held[name].is_due(self.parts.policy.timing.clock()):
                self._renew(name)
            if step.action is Action.DENY:
                self._flush(name)
                self._store.intend(self._held[name].lease, [self._build_intent(number, step)])
                self._intended.add(number)
                self._denied = True
        except ActsClaimed as claimed:
            return Outcome(step, Verdict.STALE, f"nothing was sent: {claimed.explanation.message}")
        except StoreError as error:
            # Known before anything was sent, and so told as this step's own.
            return Outcome(
                step, Verdict.NOT_APPLIED, f"nothing was sent: {error.explanation.message}", cause=error.exit
            )
        return None

    def may_send(self) -> bool:
        """As `Journal` has it."""
        now = self.parts.policy.timing.clock()
        # A copy: a step in another thread asks while this one renews a lease, or gives it back.
        held_leases = tuple(self._held.values())
        return bool(held_leases) and all(held.has_time(now) for held in held_leases)

    def finish(self, number: int, outcome: Outcome, *, more: bool = False) -> str:
        """As `Journal` has it."""
        step = outcome.step
        name = step.address.target
        if number in self._intended and name in self._held:
            self._note_result(number, outcome)
        if more or name not in self._due:
            return ""
        try:
            self._renew(name)
            self._due.discard(name)
        except StoreError as error:
            self._faults.append(error.explanation.locate(STATE_SOURCE))
            return f"what came of {step.address} could not be recorded"
        return ""

    def _note_result(self, number: int, outcome: Outcome) -> None:
        step, name = outcome.step, outcome.step.address.target
        self._recorded.add(number)
        results = build_results(self._run_id(name), number, outcome, self.parts.kinds[step.address.kind])
        self._waiting.setdefault(name, []).extend(results)
        # A successor reads an object whose result is wanting; a denial that may have been sent nobody reads away.
        is_urgent = not self._store.is_remote or step.action is Action.DENY
        if is_urgent and outcome.verdict is not Verdict.NOT_REACHED:
            self._due.add(name)

    def release(self, outcomes: Sequence[Outcome], exit_: Exit) -> None:
        """Record what is still to be recorded and how the run ended, and give the leases back. Raises nothing."""
        for number, outcome in enumerate(outcomes):
            name = outcome.step.address.target
            if number in self._intended - self._recorded and name in self._held:
                kind = self.parts.kinds[outcome.step.address.kind]
                self._waiting.setdefault(name, []).extend(build_results(self._run_id(name), number, outcome, kind))
        for name in list(self._held):
            counts = Counter(outcome.verdict.value for outcome in outcomes if outcome.step.address.target == name)
            self._give_back([name], RunEnding(int(exit_), dict(counts)))
            # What is old may as well be forgotten by the next run.
            with suppress(StoreError):
                prune_store(self._store, self.parts.targets[name].record.target, self.parts.keep_days)

    def _note_digest(self, plan: Plan) -> None:
        """Let the records say which plan is sent, as a saved one says of itself."""
        if any(not target.record.plan for target in self.parts.targets.values()):
            digest = digest_plan(plan)
            targets = {
                name: replace(target, record=replace(target.record, plan=digest))
                for name, target in self.parts.targets.items()
            }
            self.parts = replace(self.parts, targets=targets)

    def _order_targets(self) -> list[str]:
        return sorted(self.parts.targets, key=lambda name: self.parts.targets[name].record.target)

    def _has_open(self, name: str) -> bool:
        target = self.parts.targets[name].record.target
        return self._store.read_lease(target) is not None or bool(self._store.list_open(target))

    def _claim_with_intents(self, name: str, plan: Plan) -> HeldLease:
        record, policy = self.parts.targets[name].record, self.parts.policy
        steps = {
            number: step
            for number, step in enumerate(plan.steps)
            if step.address.target == name and step.request and step.action is not Action.DENY
        }
        intents = [self._build_intent(number, step) for number, step in steps.items()]
        held = claim_lease(self._store, record, policy, nonce=self.parts.nonce, intents=intents)
        self._intended.update(steps)
        return held

    def _settle_held(self, names: Sequence[str]) -> tuple[SettledStep, ...]:
        steps: list[SettledStep] = []
        for name in names:
            target = self.parts.targets[name]
            context = SettleContext(name, target.read, self.parts.kinds, self.parts.masker, self.parts.policy.timing)
            self._held[name], found = settle_open_intents(self._store, self._held[name], context, target.record.id)
            steps.extend(found)
        self._settled.update(dict.fromkeys(steps))
        return tuple(steps)

    def _build_intent(self, number: int, step: Step) -> Intent:
        kind = self.parts.kinds[step.address.kind]
        return build_intent(self._run_id(step.address.target), number, step, kind, self.parts.masker)

    def _run_id(self, name: str) -> str:
        return self.parts.targets[name].record.id

    def _renew(self, name: str) -> None:
        """Show that we live, with what there is to record: both are one write."""
        results = self._waiting.get(name, [])
        self._held[name] = renew_lease(self._store, self._held[name], self.parts.policy.timing.clock, results)
        self._waiting[name] = []

    def _flush(self, name: str) -> None:
        if self._waiting.get(name):
            self._renew(name)

    def _give_back(self, names: Sequence[str], ending: RunEnding) -> None:
        for name in names:
            if held := self._held.pop(name, None):
                try:
                    self._store.release(held.lease, ending, self._waiting.pop(name, []))
                except Overtaken:
                    # There is nothing to give back; who has it now settles what is open.
                    continue
                except StoreError as error:
                    self._faults.append(error.explanation.locate(STATE_SOURCE))


def _explain_unidentified(name: str) -> Diagnostic:
    summary = f"which place target {name} is could not be found out, so nobody can tell who else writes there"
    return Diagnostic("state.unidentified-target", STATE_SOURCE, summary, "nothing is sent", "try again")


def _steps_of(plan: Plan, target: str) -> list[Step]:
    return [step for step in plan.sendable_steps if step.address.target == target]


def _hold_back(plan: Plan, unsettled: Mapping[str, SettledStep], kinds: Registry) -> Plan:
    """Return the plan with no request about an object of which nobody knows what an earlier run did to it."""
    if not unsettled:
        return plan
    steps = []
    for step in plan.steps:
        earlier = unsettled.get(identify_object(step, kinds[step.address.kind]))
        if earlier:
            refusal = (
                f"nobody knows what came of step {earlier.reference}: {earlier.detail}; look at the object, and say "
                f"`reconciler recover --settle {earlier.reference} applied` or `not_applied`"
            )
            steps.append(replace(step, request=None, refusal=refusal, obstacle=Obstacle.UNSETTLED))
        else:
            steps.append(step)
    return replace(plan, steps=tuple(steps))
