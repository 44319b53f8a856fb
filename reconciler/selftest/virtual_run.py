"""One command in one process, as its file in `cli/commands` puts it together, with nothing real below it.

Everything between is the tool's own: settings, connections, dialects, kinds, plans, the writer, the store's operations.
Only sockets, threads, clocks, chance and the database's file are others.
"""

from __future__ import annotations

import random
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from reconciler import __version__
from reconciler.apis.connect import Api, Machine, connect
from reconciler.engine.declaration import Declaration, RunInputs
from reconciler.engine.execution import Execution, ExecutionContext, Listener, execute_plan
from reconciler.engine.interrupts import StopSignals
from reconciler.engine.pipeline import JudgedPlan, compare_with_servers, judge_plan
from reconciler.engine.recorded_run import RecordedRun, RunParts, RunTarget
from reconciler.engine.recovery import name_step
from reconciler.engine.run_store import identify_bound, report_store_errors
from reconciler.engine.target_lock import LockPolicy
from reconciler.engine.timing import Timing
from reconciler.errors import Exit, ReconcilerError
from reconciler.kinds.kind import Wanted
from reconciler.kinds.registry import KINDS
from reconciler.manifests.load import LoadedManifests
from reconciler.model import Obstacle, Plan, Risk
from reconciler.plans.masking import SecretMasker
from reconciler.plans.planfile import check_plan_targets
from reconciler.selftest.corpus_files import TODAY, load_corpus
from reconciler.selftest.environment import Crashed, Environment, Process
from reconciler.selftest.history import PersonSettled, PlanMade, RunReported
from reconciler.selftest.memory_backend import MemoryBackend
from reconciler.selftest.records_of_runs import list_planned_writes, list_verdicts
from reconciler.selftest.sender import SimulatedSender
from reconciler.state.record_store import RecordStore
from reconciler.state.records import OpenIntent, PlanNonce, RunHolder, RunRecord, SettledAs

_START, _STARTED = 1_795_867_200.0, "2026-11-28T12:00:00.000Z"


class RunResult(NamedTuple):
    """How a run ended: its exit code, None where it was killed; `plan` is what it planned, if it came to that."""

    exit: Exit | None
    plan: Plan | None = None
    is_empty: bool = False
    needs_person: bool = False


class InlineExecutor(Executor):
    """Does at once, and in the caller's thread, what others do in threads: so the order is the same each time."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As `Executor` has it."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Crashed:
            raise
        except Exception as error:  # noqa: BLE001 - it is the caller's, who gets it from the future
            future.set_exception(error)
        return future


class VirtualRun:
    """One process. Each of its methods is one command; a process runs one."""

    def __init__(self, environment: Environment, process: Process, lock_timeout: float = 0.0) -> None:
        self._environment, self._process, self._lock_timeout = environment, process, lock_timeout
        clock = environment.clock
        timing = Timing(sleep=clock.sleep, clock=clock.read, look_again=30.0)
        self._inputs = RunInputs(environment.env, Path("/"), TODAY, KINDS, _START + process.number, timing)

    def apply(self, documents: Sequence[Wanted]) -> RunResult:
        """`apply --yes`: settle what is open, plan, send."""
        return self._report("apply", partial(self._apply, documents))

    def plan(self, documents: Sequence[Wanted]) -> RunResult:
        """`plan --out`."""
        return self._report("plan", partial(self._plan, documents))

    def apply_saved(self, plan: Plan, nonce: str) -> RunResult:
        """`apply plan.json`."""
        return self._report("apply", partial(self._apply_saved, plan, PlanNonce(nonce, "2099-01-01T00:00:00.000Z")))

    def recover(self) -> RunResult:
        """`recover`."""
        return self._report("recover", self._recover)

    def settle(self, is_done: Callable[[OpenIntent, str], bool]) -> RunResult:
        """`recover --settle`, once for each step that is open, by a person who looked at the server."""
        return self._report("settle", partial(self._settle, is_done))

    def _report(self, command: str, work: Callable[[], tuple[RunResult, Execution | None]]) -> RunResult:
        """Run a command to its end, and note what it said."""
        fault, execution, environment = "", None, self._environment
        environment.tell(f"{self._process.run[-4:]} {command} begins on {self._process.machine}")
        try:
            result, execution = work()
        except Crashed:
            return RunResult(None)
        except ReconcilerError as error:
            result = RunResult(error.exit)
            environment.tell("; ".join(map(str, error.problems))[:300])
        except Exception:  # noqa: BLE001 - a bug is what is looked for
            result, fault = RunResult(Exit.INTERNAL), traceback.format_exc(limit=-3)
        exit_ = result.exit or Exit.OK
        verdicts = list_verdicts(execution.outcomes) if execution and execution.sent else ()
        unsettled = int(result.needs_person)
        ledger = len(environment.world.ledger)
        environment.history.add(RunReported(self._process.run, command, exit_, verdicts, ledger, unsettled, fault))
        words = " ".join(f"{step.number}:{step.verdict}" for step in verdicts)
        environment.tell(f"{self._process.run[-4:]} exit {exit_:d} {exit_.word} {words}{fault}".rstrip())
        return result

    def _apply(self, documents: Sequence[Wanted]) -> tuple[RunResult, Execution | None]:
        with self._connect(documents) as apis, self._open_run(apis) as recorded:
            recorded.settle_earlier()
            judged_plan = self._compare(documents, apis, recorded.list_claimed_acts())
            return self._execute(judged_plan, apis, recorded)

    def _plan(self, documents: Sequence[Wanted]) -> tuple[RunResult, Execution | None]:
        with self._connect(documents) as apis:
            judged_plan = self._compare(documents, apis, None)
            return RunResult(judged_plan.exit(), judged_plan.plan, not judged_plan.plan.steps), None

    def _apply_saved(self, plan: Plan, nonce: PlanNonce) -> tuple[RunResult, Execution | None]:
        ledger = len(self._environment.world.ledger)
        settings = load_corpus().settings
        with self._connect_targets(sorted({step.address.target for step in plan.steps})) as apis:
            check_plan_targets(plan, {name: api.bound() for name, api in apis.items()}, "plan.json")
            for api in apis.values():
                api.learn()
            writes = list_planned_writes(plan)
            self._environment.history.add(PlanMade(self._process.run, writes, 0, ledger, nonce.nonce))
            with self._open_run(apis, nonce) as recorded:
                return self._execute(judge_plan(plan, settings, apis, KINDS), apis, recorded)

    def _recover(self) -> tuple[RunResult, Execution | None]:
        with self._connect_targets(sorted(load_corpus().settings.targets)) as apis, self._open_run(apis) as recorded:
            steps = recorded.settle_earlier()
            is_open = any(step.outcome is SettledAs.UNKNOWN for step in steps)
            return RunResult(Exit.UNKNOWN if is_open else Exit.OK, needs_person=is_open), None

    def _settle(self, is_done: Callable[[OpenIntent, str], bool]) -> tuple[RunResult, Execution | None]:
        with self._connect_targets(sorted(load_corpus().settings.targets)) as apis, self._open_run(apis) as recorded:
            for entry in recorded.list_open():
                for act in entry.unsettled:
                    outcome = SettledAs.APPLIED if is_done(entry, act) else SettledAs.NOT_APPLIED
                    recorded.settle_by_person(name_step(entry.intent.run, entry.intent.number, act), outcome)
                    self._environment.history.add(PersonSettled(act))
        return RunResult(Exit.OK), None

    def _compare(self, documents: Sequence[Wanted], apis: Any, claimed_acts: Any) -> JudgedPlan:
        """Plan, and note between which states of the server what was seen must lie."""
        environment, facts = self._environment, len(self._environment.history.facts)
        first = len(environment.world.ledger)
        loaded = LoadedManifests(tuple(documents), "campaign", 1, ())
        declared = Declaration(load_corpus().settings, loaded, documents, "")
        judged_plan = compare_with_servers(self._inputs, declared, apis, lambda _line: None, claimed_acts)
        read = [fact.ledger for fact in environment.history.list_reads(self._process.run, facts)]
        last = len(environment.world.ledger)
        writes = list_planned_writes(judged_plan.plan)
        environment.history.add(PlanMade(self._process.run, writes, min([first, *read]), last))
        return judged_plan

    def _execute(self, judged_plan: JudgedPlan, apis: Any, recorded: RecordedRun) -> tuple[RunResult, Execution | None]:
        listener = Listener(lambda _plan: None, lambda _plan: True, lambda _outcome, _number: None, lambda: None)
        context = ExecutionContext(
            apis, judged_plan.masker, listener, StopSignals(), KINDS, recorded, self._inputs.timing
        )
        execution = execute_plan(judged_plan, frozenset(Risk), context)
        is_open = any(note.rule == "state.unsettled" for note in recorded.notes) or any(
            step.obstacle is Obstacle.UNSETTLED and step.refusal for step in judged_plan.plan.steps
        )
        is_empty = not judged_plan.plan.steps and judged_plan.plan.complete
        return RunResult(execution.exit, judged_plan.plan, is_empty, is_open), execution

    @contextmanager
    def _open_run(self, apis: Any, nonce: PlanNonce | None = None) -> Iterator[RecordedRun]:
        environment, process = self._environment, self._process
        backend = MemoryBackend(
            environment.records,
            lambda scope: environment.guard_store(process, scope.label),
            is_remote=environment.has_remote_store,
        )
        with report_store_errors():
            store = RecordStore(backend, clock=environment.clock.read_date)
        holder = RunHolder(process.machine, process.machine, process.number, "1", job=process.run)
        targets = {
            name: RunTarget(
                RunRecord(process.run, identify_bound(api.bound()), "apply", __version__, holder, started=_STARTED),
                api.fresh,
            )
            for name, api in apis.items()
        }
        policy = LockPolicy(
            self._lock_timeout,
            timing=self._inputs.timing,
            is_gone=lambda holder: environment.is_known_gone(holder, process),
        )
        masker = SecretMasker(api.redact for api in apis.values())
        yield RecordedRun(RunParts(store, targets, KINDS, masker, policy, nonce))

    def _connect(self, documents: Sequence[Wanted]) -> Any:
        return self._connect_targets(sorted({document.address.target for document in documents}))

    @contextmanager
    def _connect_targets(self, names: Sequence[str]) -> Iterator[dict[str, Api]]:
        environment, clock = self._environment, self._environment.clock
        jitter = random.Random(self._process.number).random  # noqa: S311
        machine = Machine(
            partial(SimulatedSender, environment, self._process), lambda _count, _name: InlineExecutor(), jitter
        )
        targets = load_corpus().settings.targets
        with ExitStack() as stack:
            yield {
                name: stack.enter_context(
                    connect(
                        targets[name],
                        environment.env,
                        clock=clock.read,
                        sleep=clock.sleep,
                        now=clock.read_date,
                        machine=machine,
                    )
                )
                for name in names
            }
