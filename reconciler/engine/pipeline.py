"""Settings, manifests, selection, reading, comparison: the one way from the declared to a plan.

`plan`, `apply` and `drift` all come through here, so what one of them calls a difference is one for all. Only the read
half of an API passes through this module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from reconciler.diagnostics import Diagnostic, Source
from reconciler.engine.declaration import Declaration, RunInputs
from reconciler.engine.observe import observe
from reconciler.engine.parallel_reads import Readers
from reconciler.errors import Exit, ReconcilerError
from reconciler.kinds.claimed_acts import ClaimedActs
from reconciler.kinds.kind import Run
from reconciler.kinds.registry import Registry
from reconciler.model import Bound, Plan
from reconciler.plans.acknowledgements import Deferrals
from reconciler.plans.exit_code import exit_code
from reconciler.plans.guards import find_refusals, list_withheld_steps
from reconciler.plans.masking import MaskedPlan, SecretMasker
from reconciler.plans.planner import Observed, PlanScope
from reconciler.plans.planner import plan as make_plan
from reconciler.plans.withdrawals import Withdrawal, find_existing_objects, find_withdrawals
from reconciler.rights import RightsDemand
from reconciler.settings.model import Settings

if TYPE_CHECKING:
    from reconciler.apis.connect import Api
    from reconciler.engine.base_revision import BaseRevision
    from reconciler.engine.plan_rights import WeighedPlan
    from reconciler.plans.lockout import Lockout
    from reconciler.plans.policies import PolicyFindings


class BaseComparison(NamedTuple):
    """A revision, and what it declared that is no longer declared; nothing of this is a part of the plan."""

    revision: BaseRevision
    withdrawals: tuple[Withdrawal, ...]


class JudgedPlan(NamedTuple):
    """A plan, the same plan with secrets masked, as it is shown, and every reason not to apply it.

    `withheld` says why single steps are not sent, while the others are. `base` is there where a revision was given.
    """

    # Sent and saved, never printed: live values as they are, and one may quote a secret.
    plan: Plan
    masker: SecretMasker
    masked_plan: MaskedPlan
    refusals: tuple[Diagnostic, ...]
    withheld: tuple[Diagnostic, ...] = ()
    base: BaseComparison | None = None

    @property
    def base_notes(self) -> tuple[Diagnostic, ...]:
        """What of the revision could not be read."""
        return self.base.revision.notes if self.base else ()

    def exit(self, *, changes: Exit = Exit.OK, absences: Exit = Exit.OK, refused: bool = True) -> Exit:
        """Return the outcome of looking only; `changes` is what a step is worth, `absences` what a missing object is
        that is only to be told.
        """
        causes = (absences,) if self.plan.absences else ()
        return exit_code(self.plan, changes=changes, refused=refused and bool(self.refusals), causes=causes)


@contextmanager
def connect_targets(inputs: RunInputs, settings: Settings, targets: Sequence[str]) -> Iterator[Mapping[str, Api]]:
    """Connect these targets; the connections are closed on the way out."""
    # requests takes 114 ms to import: what works offline does without.
    from reconciler.apis.connect import Machine, connect  # noqa: PLC0415
    from reconciler.transport.throttle import ThrottlePolicy  # noqa: PLC0415

    def enter(name: str) -> Api:
        throttling = ThrottlePolicy(tell=lambda seconds: inputs.on_slowdown(_describe_throttling(name, seconds)))
        machine = Machine(traffic=inputs.traffic, throttling=throttling)
        return stack.enter_context(connect(settings.targets[name], inputs.env, machine=machine))

    with ExitStack() as stack:
        yield {name: enter(name) for name in targets}


def _describe_throttling(target: str, seconds: float) -> str:
    pause = f"reading waits {seconds:.1f} s now, and" if seconds else "reading"
    return f"{target}: the server asks for fewer requests; {pause} goes on as fast as it is let"


def compare_with_servers(
    inputs: RunInputs,
    declared: Declaration,
    apis: Mapping[str, Api],
    on_progress: Callable[[str], None],
    claimed_acts: ClaimedActs | None = None,
    rights: RightsDemand = RightsDemand.NOTHING,
) -> JudgedPlan:
    """Read what exists of everything that is selected, and plan.

    `claimed_acts` are what earlier runs did, or may have done, and nobody can undo: none of it is planned again.
    """
    settings, loaded = declared.settings, declared.loaded
    run = Run.of_documents(inputs.today, declared.selected, claimed_acts)
    readers = {name: api.read for name, api in apis.items()}
    observed = observe(declared.selected, readers, run, inputs.kinds, on_progress, inputs.phases, list_readers(apis))
    scope = PlanScope(
        declared=loaded.documents,
        selection=declared.selection,
        targets={name: find_bound(api) for name, api in apis.items()},
        manifests=loaded.digest,
        unread=loaded.unread,
        deferrals=find_deferrals(inputs, declared),
    )
    with inputs.phases.observe_phase("plan", {}) as facts:
        plan = make_plan(declared.selected, observed, run, inputs.kinds, scope)
        plan = replace(plan, notes=tuple(sorted({*plan.notes, *loaded.notes})))
        facts["steps"] = len(plan.steps)
    weighed: WeighedPlan | None = None
    if rights is not RightsDemand.NOTHING and plan.sendable_steps:
        from reconciler.engine.plan_rights import RightsInputs, list_declared_kinds, weigh_rights  # noqa: PLC0415

        kinds_by_target = list_declared_kinds(loaded.documents)
        with_report = rights is RightsDemand.REPORT
        weighed = weigh_rights(
            plan, RightsInputs(apis, inputs.kinds, kinds_by_target, observed.live, on_progress, with_report)
        )
        plan = weighed.plan
    # Last: a token is known to its API's redactor only once it was fetched.
    lockouts = weighed.lockouts if weighed else ()
    judged_plan = judge_plan(
        plan, settings, apis, inputs.kinds, lockouts, _judge_policies(inputs, declared, plan, weighed)
    )
    return judged_plan._replace(base=_compare_with_base(declared, observed, inputs.kinds))


def find_deferrals(inputs: RunInputs, declared: Declaration) -> Deferrals:
    """Return what the manifests say today that is to be left alone."""
    if not declared.loaded.directives:
        return {}
    # Most manifests acknowledge nothing.
    from reconciler.directives.acknowledgement import list_deferrals  # noqa: PLC0415

    return list_deferrals(declared.loaded.directives, declared.loaded.documents, inputs.today)


def _judge_policies(
    inputs: RunInputs, declared: Declaration, plan: Plan, weighed: WeighedPlan | None
) -> PolicyFindings | None:
    if not declared.loaded.directives:
        return None
    # Most manifests hold no policy.
    from reconciler.engine.plan_rights import WeighedPlan  # noqa: PLC0415
    from reconciler.engine.policy_runs import JudgedManifests, judge_planned  # noqa: PLC0415

    manifests = JudgedManifests.of_declaration(declared)
    return judge_planned(manifests, weighed or WeighedPlan(plan), inputs.kinds, inputs.today)


def _compare_with_base(declared: Declaration, observed: Observed, kinds: Registry) -> BaseComparison | None:
    if declared.base is None:
        return None
    documents = declared.loaded.documents
    withdrawals = find_withdrawals(declared.base.documents, documents)
    # Of a kind with a document that nobody can read it can't be told what is declared by another identity.
    live = {key: value for key, value in observed.live.items() if key[1] not in declared.loaded.unread}
    return BaseComparison(declared.base, tuple(find_existing_objects(withdrawals, live, documents, kinds)))


def judge_plan(
    plan: Plan,
    settings: Settings,
    apis: Mapping[str, Api],
    kinds: Registry,
    lockouts: Sequence[Lockout] = (),
    findings: PolicyFindings | None = None,
) -> JudgedPlan:
    """Hold a plan against the settings' limits and what they allow, and mask the secrets that these APIs have used."""
    source = Source(settings.name)
    problems = find_refusals(plan, settings.limits, settings.protected, kinds, source)
    if lockouts:
        from reconciler.plans.lockout import accept_lockouts  # noqa: PLC0415

        refusals, notes = accept_lockouts(lockouts, settings.allowed_lockouts)
        problems = tuple(sorted({*problems, *refusals}))
        plan = replace(plan, notes=tuple(sorted({*plan.notes, *notes})))
    if findings:
        problems = tuple(sorted({*problems, *findings.refusals}))
        plan = replace(plan, notes=tuple(sorted({*plan.notes, *findings.notes})))
    masker = SecretMasker(api.redact for api in apis.values())
    withheld = list_withheld_steps(plan)
    return JudgedPlan(
        plan, masker, masker.mask_plan(plan), masker.mask_diagnostics(problems), masker.mask_diagnostics(withheld)
    )


def list_readers(apis: Mapping[str, Api]) -> dict[str, Readers]:
    """Return what may read the kinds of each target at once."""
    return {name: Readers(api.pools.kinds, api.client.when_proved) for name, api in apis.items()}


def find_bound(api: Api) -> Bound:
    """Return what a plan is bound to. Where IAM doesn't tell the project nothing was read, so nothing will be sent."""
    try:
        return api.bound()
    except ReconcilerError:
        return api.target.bound()
