"""One random schedule: a few documents, runs that meet faults and are killed, restarts, and then calm.

All of it follows from the seed. When nothing more goes wrong, at most three rounds have to end in sync, or in a verdict
that says what a person has to do.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.errors import Exit
from reconciler.kinds.kind import Wanted
from reconciler.model import Plan
from reconciler.selftest.corpus_files import load_corpus
from reconciler.selftest.environment import Environment, Process
from reconciler.selftest.faults import FaultProgram, NoFaults, RandomFaults
from reconciler.selftest.history import Evidence, PlanMade, Violation, WriteLanded
from reconciler.selftest.oracle import Judgement, judge
from reconciler.selftest.records_of_runs import list_mutations
from reconciler.selftest.virtual_run import RunResult, VirtualRun
from reconciler.simulator.world.switches import DECLARED, Setting
from reconciler.state.records import OpenIntent

RESTARTS, CALM_ROUNDS = 4, 3
PATIENCE = 400.0
"""Seconds that a run waits for a lease: longer than it takes to be sure that its holder is gone."""
# With these no run gets anywhere; or the server stores other texts than it was sent, so that nobody can tell by reading
# whether it did what it was asked.
_LEFT_ALONE = frozenset(
    {"v2_reply_shape", "requested_with_missing", "version_2_on_v1", "oauth_openid_scope", "text_stored"}
)
_SWITCHES = tuple(
    switch for switch in DECLARED.values() if isinstance(switch.allowed, tuple) and switch.name not in _LEFT_ALONE
)
# What a person has to mend first. Nobody can be told so by a lock or by silence: nothing is wrong any more by then.
_VERDICTS_FOR_PEOPLE = frozenset({Exit.UNKNOWN, Exit.REFUSED, Exit.STALE, Exit.PARTIAL, Exit.INCOMPLETE, Exit.AUTH})


@dataclass(frozen=True, slots=True)
class ScheduleResult:
    """What came of one schedule: nothing in it depends on the machine or the hour. `liveness` is how the calm ended."""

    seed: str
    digest: str
    violations: tuple[Violation, ...]
    window_losses: int
    fired: Mapping[str, int]
    edges: Mapping[str, int]
    exits: Mapping[str, int]
    crashes: int
    liveness: str
    events: int
    timeline: tuple[str, ...] = field(default=(), repr=False)


class Schedule:
    """Runs in an environment, one after the other, as somebody's job does."""

    def __init__(self, seed: str, program: FaultProgram | None = None, *, has_switches: bool = True) -> None:
        self._seed, self._generator = seed, random.Random(f"{seed} schedule")  # noqa: S311
        program = program or RandomFaults(random.Random(f"{seed} faults"))  # noqa: S311
        switches = dict(_draw_switches(self._generator)) if has_switches else {}
        self.environment = Environment(program, random.Random(f"{seed} edits"), switches)  # noqa: S311
        self.environment.has_remote_store = has_switches and self._generator.random() < 0.5
        where = "remote" if self.environment.has_remote_store else "local"
        self.environment.tell(f"schedule {seed}: a {where} store, switches {switches}")
        self.environment.on_second_run = self._run_rival
        self.documents = _draw_documents(self._generator)
        self.saved_plan: Plan | None = None
        self._results: list[RunResult] = []
        self._count = 0

    def play(self) -> ScheduleResult:
        """Run it all, to the end."""
        self._play_faulty()
        liveness = self.calm_down()
        return self.conclude(liveness)

    def start(self, machine: str = "", patience: float = 0.0) -> VirtualRun:
        """Return a new process: on the first machine, or on another."""
        self._count += 1
        process = Process(f"20261128T120000-{self._count:08x}", self._count, machine or "runner-1")
        return VirtualRun(self.environment, process, patience)

    def note(self, result: RunResult) -> RunResult:
        """Remember how a run ended."""
        self._results.append(result)
        return result

    def calm_down(self) -> str:
        """Let nothing go wrong any more; returns how it ends: in sync, or with whatever a person has to do."""
        environment = self.environment
        environment.program = NoFaults()
        environment.clock.sleep(PATIENCE)
        environment.land_due(whatever=True)
        environment.env["CSMS_TOKEN"] = environment.issue_token()
        environment.tell("calm")
        result = RunResult(None)
        for _ in range(CALM_ROUNDS):
            result = self.note(self.start("runner-3", PATIENCE).apply(self.documents))
            if result.needs_person and self.note(self.start("runner-3", PATIENCE).recover()).needs_person:
                self.note(self.start("runner-3", PATIENCE).settle(self._has_been_done))
            if result.exit is Exit.OK and result.is_empty:
                return "in sync"
        if result.exit in _VERDICTS_FOR_PEOPLE:
            return f"a person is needed: {result.exit.word}"
        return f"stuck: {result.exit.word if result.exit is not None else 'killed'}"

    def conclude(self, liveness: str) -> ScheduleResult:
        """Judge what happened, and let go of everything."""
        environment, history = self.environment, self.environment.history
        evidence = Evidence(
            history.facts,
            list_mutations(environment.world.ledger.copy_entries()),
            environment.records.list_results() if environment.records.has_tables() else (),
        )
        judgement: Judgement = judge(evidence)
        edges = environment.records.count_edges() if environment.records.has_tables() else {}
        environment.close()
        exits = Counter("killed" if run.exit is None else run.exit.word for run in self._results)
        crashes = exits["killed"]
        text = "\n".join(history.timeline)
        return ScheduleResult(
            self._seed,
            hashlib.sha256(text.encode()).hexdigest()[:16],
            tuple(judgement.violations),
            judgement.window_losses,
            history.fired,
            edges,
            exits,
            crashes,
            liveness,
            environment.event_count,
            tuple(history.timeline),
        )

    def _play_faulty(self) -> None:
        generator = self._generator
        result = self._apply_saved() if generator.random() < 0.3 else self._apply()
        for _ in range(RESTARTS):
            if result.exit is Exit.OK or (result.exit is not None and self.environment.program.is_spent):
                break
            if generator.random() < 0.3:
                self.note(self._start_somewhere().recover())
            # Somebody merges another version meanwhile.
            if generator.random() < 0.2:
                self.documents = _draw_documents(generator)
            result = self._apply()

    def _apply(self) -> RunResult:
        return self.note(self._start_somewhere().apply(self.documents))

    def _apply_saved(self) -> RunResult:
        """Plan, apply what was saved, and apply it once more: by mistake, or since the first was killed."""
        planned = self.note(self._start_somewhere().plan(self.documents))
        if planned.plan is None or not planned.plan.sendable_steps:
            return planned
        result = self.note(self._start_somewhere().apply_saved(planned.plan, "nonce-1"))
        if self._generator.random() < 0.5:
            result = self.note(self._start_somewhere().apply_saved(planned.plan, "nonce-1"))
        return result

    def _start_somewhere(self) -> VirtualRun:
        machine = self._generator.choice(("runner-1", "runner-2"))
        return self.start(machine, self._generator.choice((0.0, PATIENCE, PATIENCE)))

    def _has_been_done(self, entry: OpenIntent, act: str) -> bool:
        """Say what a person sees at the server of a step that no run can settle."""
        facts = self.environment.history.facts
        plans = [fact for fact in facts if isinstance(fact, PlanMade) and fact.run == entry.intent.run]
        calls = {write.call for plan in plans for write in plan.writes if write.number == entry.intent.number}
        landings = [fact for fact in facts if isinstance(fact, WriteLanded) and fact.run == entry.intent.run]
        mutations = list_mutations(self.environment.world.ledger.copy_entries())
        if act:
            return any(act in mutation.acts for mutation in mutations)
        return any(landing.call in calls for landing in landings)

    def _run_rival(self, timeout: float) -> None:
        self.note(self.start("runner-2", timeout).apply(self.documents))


def _draw_documents(generator: random.Random) -> Sequence[Wanted]:
    corpus = load_corpus()
    count = generator.choice((1, 1, 2, 2, 2, 3, 3, 4, 5, 8))
    addresses = generator.sample(sorted(corpus.first), count)
    # The certificates of the shop go to a role that another document creates.
    if any(address.name == "shop" for address in addresses):
        addresses = [*dict.fromkeys([*(address for address in corpus.first if address.name == "Shop PKI"), *addresses])]
    return [(corpus.first, corpus.second)[generator.random() < 0.5][address] for address in addresses]


def _draw_switches(generator: random.Random) -> Iterator[tuple[str, Setting]]:
    for switch in generator.sample(_SWITCHES, generator.choice((0, 0, 1, 3, 6))):
        yield switch.name, generator.choice(switch.allowed)  # type: ignore[arg-type]
