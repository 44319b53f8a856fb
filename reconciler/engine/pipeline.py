"""Settings, manifests, selection, reading, comparison: the one way from the declared to a plan.

`plan`, `apply` and `drift` all come through here, so what one of them calls a difference is one for all. Only the read
half of an API passes through this module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from reconciler.cli.context import Session
from reconciler.cli.options import Chosen
from reconciler.engine.observe import observe
from reconciler.errors import Exit, Problem, ReconcilerError, Source, UsageError, find_worst_exit
from reconciler.kinds.kind import Run, Wanted
from reconciler.kinds.registry import KINDS
from reconciler.manifests.load import Loaded
from reconciler.manifests.load import load as load_manifests
from reconciler.manifests.selection import described, select
from reconciler.model import Bound, Plan
from reconciler.plans.guards import find_refusals
from reconciler.plans.masking import Veil
from reconciler.plans.planner import PlanScope, find_plan_exit
from reconciler.plans.planner import plan as make_plan
from reconciler.settings.load import check_settings_location, load_settings
from reconciler.settings.model import Settings

if TYPE_CHECKING:
    from reconciler.apis.connect import Api
_UNCONFIGURED = {"command": "keyfactor", "csms": "csms"}
_NO_TARGETS = (
    "no target is configured: there is no reconciler.yaml here, and neither KEYFACTOR_HOSTNAME nor HW_ACCESS_KEY is "
    "set; nothing can be compared; write one, or name it with --config"
)


class Declared(NamedTuple):
    """What the files say: the settings, everything that is declared, and what of it was selected."""

    settings: Settings
    loaded: Loaded
    selected: Sequence[Wanted]
    selection: str

    @property
    def targets(self) -> list[str]:
        """The targets that the selected documents are about."""
        return sorted({one.address.target for one in self.selected})


class Compared(NamedTuple):
    """A plan, and behind the veil: the plan as it is shown, and every reason not to apply it."""

    # Sent and saved, never printed: live values as they are, and one may quote a secret.
    plan: Plan
    veil: Veil
    # Printed, never sent: a masked value would be written to the server.
    shown: Plan
    refusals: tuple[Problem, ...]

    def exit(self, *, changes: Exit = Exit.OK, refused: bool = True) -> Exit:
        """Return the outcome of looking only; `changes` is what a difference is worth."""
        held = {find_plan_exit(self.plan), changes if self.plan.steps else Exit.OK}
        return find_worst_exit(held | ({Exit.REFUSED} if refused and self.refusals else set()))


def configured(session: Session, chosen: Chosen) -> Settings:
    """Read the settings; raises UsageError."""
    config = Path(chosen.config) if chosen.config is not None else None
    return load_settings(config, env=session.env, cwd=session.cwd)


def declare(session: Session, paths: Sequence[str], chosen: Chosen, *, offline: bool = False) -> Declared:
    """Read the settings and the manifests; raises UsageError, InvalidError or, for nothing at all, RefusedError.

    Offline, the names that the targets have without a settings file serve where there are none.
    """
    settings = configured(session, chosen)
    # Before a manifest is read: whoever may change manifests could else say where credentials are sent.
    for path in paths:
        check_settings_location(settings.file, session.cwd / path)
    apis: Mapping[str, str] = {name: target.api for name, target in settings.targets.items()}
    if not apis and offline:
        apis = _UNCONFIGURED
    if not apis:
        raise UsageError(_NO_TARGETS)
    loaded = load_manifests(paths or [str(settings.manifests)], kinds=KINDS, targets=apis, base=session.cwd)
    return Declared(settings, loaded, select(loaded.wanted, chosen, apis), described(chosen))


@contextmanager
def connected(session: Session, settings: Settings, targets: Sequence[str]) -> Iterator[Mapping[str, Api]]:
    """Connect these targets; the connections are closed on the way out."""
    # requests takes 114 ms to import: what works offline does without.
    from reconciler.apis.connect import connect

    with ExitStack() as stack:
        yield {name: stack.enter_context(connect(settings.targets[name], session.env)) for name in targets}


def compare(session: Session, declared: Declared, apis: Mapping[str, Api], tell: Callable[[str], None]) -> Compared:
    """Read what exists of everything that is selected, and plan."""
    settings, loaded = declared.settings, declared.loaded
    run = Run(session.today, frozenset(one.address for one in declared.selected))
    observed = observe(declared.selected, {name: api.read for name, api in apis.items()}, run, tell)
    scope = PlanScope(
        declared=loaded.wanted,
        selection=declared.selection,
        targets={name: _bound(api) for name, api in apis.items()},
        manifests=loaded.digest,
    )
    plan = make_plan(declared.selected, observed, run, scope)
    # Last: a token is known to its API's redactor only once it was fetched.
    return judged(plan, settings, apis)


def judged(plan: Plan, settings: Settings, apis: Mapping[str, Api]) -> Compared:
    """Hold a plan against the settings' limits, and draw the veil: the secrets that these APIs have used so far."""
    refused = find_refusals(plan, settings.limits, settings.protected, Source(str(settings.file or "reconciler.yaml")))
    veil = Veil(api.redact for api in apis.values())
    return Compared(plan, veil, veil.plan(plan), veil.problems(refused))


def _bound(api: Api) -> Bound:
    """Return what a plan is bound to. Where IAM doesn't tell the project nothing was read, so nothing will be sent."""
    try:
        return api.bound()
    except ReconcilerError:
        return api.target.bound()


def look(session: Session, paths: Sequence[str], chosen: Chosen) -> Compared:
    """Compare, read-only, from the files to the plan."""
    from reconciler.cli.progress import Progress

    declared = declare(session, paths, chosen)
    with (
        connected(session, declared.settings, declared.targets) as apis,
        Progress(session) as progress,
    ):
        return compare(session, declared, apis, progress.tell)
