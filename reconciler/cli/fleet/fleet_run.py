"""A command over many targets: which of them, on what, and the tasks that it becomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from reconciler import __version__
from reconciler.cli.terminal.fleet_options import choose_jobs
from reconciler.cli.terminal.progress import Progress
from reconciler.coverage import DocumentCoverage
from reconciler.diagnostics import Diagnostic, Source
from reconciler.documents.held_files import STANDARD_INPUT
from reconciler.engine.checkout import find_manifests_commit
from reconciler.engine.settings_digest import digest_settings
from reconciler.errors import UsageError
from reconciler.fleet.dispatch import Dispatch, JudgeLoss, TaskEnd, run_tasks
from reconciler.fleet.process_engine import ProcessEngine
from reconciler.fleet.task import FleetCommand, FleetTask
from reconciler.fleet.task_environment import TaskEnvironment
from reconciler.manifests.selection import format_filters, parse_filters
from reconciler.state.records import make_record_id

if TYPE_CHECKING:
    from reconciler.cli.terminal.context import Session
    from reconciler.cli.terminal.fleet_options import FleetOptions
    from reconciler.engine.declaration import Declaration, RunOptions
    from reconciler.fleet.engine import TaskEngine
    from reconciler.plans.planfile import SavedPlan
    from reconciler.settings.model import Settings


class Fleet(NamedTuple):
    """A command's targets, those of its part of them, and what all of its tasks have in common.

    `asked` is by what a worker finds the same settings and documents. `documents` are those of each target, none of
    which is compared yet.
    """

    settings: Settings
    targets: tuple[str, ...]
    own: tuple[str, ...]
    options: FleetOptions
    asked: RunOptions
    settings_digest: str
    manifests: str
    commit: str
    selection: str
    documents: Mapping[str, tuple[DocumentCoverage, ...]]

    @property
    def shard(self) -> str:
        """Which part of the whole it is, as a report says it; "" for the whole."""
        return str(self.options.shard or "")

    @property
    def zones(self) -> dict[str, str]:
        """The zone of each target."""
        return {name: target.zone for name, target in self.settings.targets.items()}


def gather_fleet(session: Session, declared: Declaration, run_options: RunOptions, options: FleetOptions) -> Fleet:
    """Return the targets of a command, each to be a task; raises UsageError for what can't be handed out."""
    settings = declared.settings
    _check_fleet(session, run_options)
    targets = tuple(declared.targets)
    return Fleet(
        settings,
        targets,
        tuple(options.shard.pick(targets)) if options.shard else targets,
        options,
        run_options,
        digest_settings(settings),
        declared.loaded.digest,
        find_manifests_commit(session.inputs, run_options.paths, settings),
        declared.selection,
        _list_documents(declared),
    )


def gather_plan_fleet(
    session: Session, settings: Settings, saved_plan: SavedPlan, run_options: RunOptions, options: FleetOptions
) -> Fleet:
    """Return the targets of a saved plan, each to be a task; raises UsageError as `gather_fleet` does."""
    _check_fleet(session, run_options)
    plan = saved_plan.plan
    targets = tuple(sorted(plan.targets))
    return Fleet(
        settings,
        targets,
        tuple(options.shard.pick(targets)) if options.shard else targets,
        options,
        run_options._replace(
            paths=saved_plan.paths,
            selection=parse_filters(plan.selection),
            # As the plan has it: whoever names none applies a plan to its own.
            environment=saved_plan.environment or None,
        ),
        digest_settings(settings),
        plan.manifests,
        saved_plan.commit,
        plan.selection,
        {},
    )


def _list_documents(declared: Declaration) -> dict[str, tuple[DocumentCoverage, ...]]:
    documents: dict[str, list[DocumentCoverage]] = {}
    for document in sorted(declared.selected, key=lambda document: document.address):
        size = document.spec.size(document.tables)
        documents.setdefault(document.address.target, []).append(
            DocumentCoverage(document.address, document.source, 0, size)
        )
    return {target: tuple(own) for target, own in documents.items()}


@contextmanager
def open_engine(session: Session, fleet: Fleet) -> Iterator[TaskEngine]:
    """Open what runs the tasks of a command; raises ReconcilerError where there is nothing to run them."""
    with closing(_open_engine(session, fleet)) as engine:
        yield engine


def run_on_fleet(
    session: Session,
    fleet: Fleet,
    engine: TaskEngine,
    command: FleetCommand,
    words: Sequence[str],
    judge_loss: JudgeLoss,
    *,
    plans: Mapping[str, bytes] | None = None,
    is_stopped: Callable[[], bool] = lambda: False,
    has_report: bool = False,
) -> dict[str, TaskEnd]:
    """Run a command for each target of a fleet, and return what came of each; `plans` are for apply, by target.

    Only targets that have a plan are run then. With `has_report` an interrupt ends it, and takes no answer away.
    """
    tasks = _make_tasks(fleet, command, words, plans)
    if not tasks:
        return {}
    done: set[str] = set()
    with Progress(session) as progress:

        def tell(target: str) -> None:
            done.add(target)
            progress.tell(f"{len(done)} of {len(tasks)} targets: {target}")

        return run_tasks(tasks, Dispatch(engine, fleet.zones, judge_loss, is_stopped, tell, has_report))


def _make_tasks(
    fleet: Fleet, command: FleetCommand, words: Sequence[str], plans: Mapping[str, bytes] | None
) -> list[FleetTask]:
    # A saved plan is compared with what is declared now, and with no revision.
    asked = fleet.asked._replace(base=None) if plans else fleet.asked
    common = FleetTask(
        make_record_id(),
        command,
        "",
        __version__,
        fleet.settings_digest,
        fleet.manifests,
        fleet.commit,
        tuple(asked.paths),
        asked.config,
        asked.environment,
        format_filters(asked.selection),
        asked.base,
        tuple(words),
    )
    chosen = [target for target in fleet.own if plans is None or target in plans]
    return [replace(common, target=target, plan=(plans or {}).get(target, b"")) for target in chosen]


def _open_engine(session: Session, fleet: Fleet) -> TaskEngine:
    settings, options = fleet.settings, fleet.options
    if settings.engine is not None and options.jobs is None:
        from reconciler.fleet.dask_engine import open_dask_engine

        return open_dask_engine(settings.engine, Source(settings.name))
    environment = TaskEnvironment(settings, session.env)
    jobs = min(options.jobs or choose_jobs(), max(1, len(fleet.own)))
    return ProcessEngine(jobs, environment.shared, environment.choose)


def _check_fleet(session: Session, options: RunOptions) -> None:
    if STANDARD_INPUT in options.paths:
        _refuse("what is piped in can be read once, and each target's task reads the manifests", "name a folder")
    if session.traffic.is_verbose or session.traffic.trace is not None:
        _refuse("-v and --trace follow the requests of one process", "run the target alone, with --target")


def _refuse(summary: str, remedy: str) -> None:
    raise UsageError(Diagnostic("usage.command-line", Source("command line"), summary, "nothing was done", remedy))
