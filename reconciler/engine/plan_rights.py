"""What a plan means for those who hold rights: reads every role where its steps change any, and who applies.

Nothing is tried to find out what an account may do: a call that is refused is a warning in the server's audit log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.diagnostics import Diagnostic, Severity, Source
from reconciler.errors import AuthError, IncompleteError, UnreachableError
from reconciler.kinds.kind import Wanted
from reconciler.kinds.registry import Registry
from reconciler.kinds.requirements import PermissionGrant
from reconciler.kinds.rights_source import OwnerTransfer, RightsSource
from reconciler.model import Plan, Step
from reconciler.plans.lockout import (
    Lockout,
    NeededGrant,
    find_account_lockouts,
    find_security_lockouts,
    list_touched_own_roles,
    may_take_needed,
)
from reconciler.plans.owner_lockout import find_owner_lockouts
from reconciler.plans.planner import LiveKey
from reconciler.plans.rights_analysis import (
    explain_step_escalation,
    find_rights_changes,
    list_changed_principals,
    sort_rights_changes,
)
from reconciler.plans.role_order import put_last
from reconciler.rights import CallingAccount, PrincipalRights, RightsWorld
from reconciler.settings.model import Auth, BasicAuth, BearerAuth, OauthAuth

if TYPE_CHECKING:
    from reconciler.apis.connect import Api

_OAUTH_TYPES = frozenset({"OAuthOid", "OAuthRole", "OAuthSubject"})
DeclaredKinds = Mapping[str, frozenset[str]]
"""The kinds that are declared, by target."""


@dataclass(frozen=True, slots=True)
class RightsInputs:
    """What a plan is weighed with. `live` is what was read for the plan, empty for a saved one.

    Without `with_report` roles are read only where a step may lock somebody out.
    """

    apis: Mapping[str, Api]
    kinds: Registry
    declared: DeclaredKinds
    live: Mapping[LiveKey, Any]
    on_progress: Callable[[str], None]
    with_report: bool = True


class WeighedPlan(NamedTuple):
    """A plan with what it makes of rights, its steps in the order that this asks for, and every way back it closes.

    `principals` are those whose rights it changes; `unknown` the targets where not all of them are known.
    """

    plan: Plan
    lockouts: tuple[Lockout, ...] = ()
    principals: tuple[PrincipalRights, ...] = ()
    unknown: frozenset[str] = frozenset()


def list_declared_kinds(documents: Sequence[Wanted]) -> DeclaredKinds:
    """Return the kinds of documents, by target."""
    targets = {document.address.target for document in documents}
    return {
        target: frozenset(document.address.kind for document in documents if document.address.target == target)
        for target in targets
    }


def weigh_rights(plan: Plan, inputs: RightsInputs) -> WeighedPlan:
    """Return the plan with what it means for rights, and its lock-outs.

    What can't be read is told as a note of the plan: nobody gains or loses less because of it.
    """
    lockouts: list[Lockout] = []
    principals: tuple[PrincipalRights, ...] = ()
    unknown: frozenset[str] = frozenset()
    for target, kind in sorted(
        {step.address[:2] for step in plan.sendable_steps if step.address.target in inputs.apis}
    ):
        source = inputs.kinds[kind].rights
        steps = [step for step in plan.sendable_steps if step.address[:2] == (target, kind)]
        changing = [step for step in steps if source.changes_rights(step)]
        if changing:
            weighed = _RoleWeighing(inputs, target, kind, changing).weigh(plan)
            plan, principals, unknown = weighed.plan, principals + weighed.principals, unknown | weighed.unknown
            lockouts += weighed.lockouts
        transfers = _group_transfers(source, steps)
        if transfers:
            weighed = _weigh_transfers(plan, inputs, target, source, transfers)
            plan = weighed.plan
            lockouts += weighed.lockouts
    return WeighedPlan(plan, tuple(lockouts), principals, unknown)


def weigh_saved_rights(
    plan: Plan, apis: Mapping[str, Api], kinds: Registry, *, with_report: bool = False
) -> WeighedPlan:
    """Weigh a plan that was made before, for the account that is to apply it, and the roles as they are now."""
    targets = {step.address.target for step in plan.steps}
    declared = {
        target: frozenset(step.address.kind for step in plan.steps if step.address.target == target)
        for target in targets
    }
    inputs = RightsInputs(apis, kinds, declared, {}, lambda _line: None, with_report=with_report)
    return weigh_rights(plan, inputs)


class _RoleWeighing:
    """Weighs the steps of one target's roles."""

    def __init__(self, inputs: RightsInputs, target: str, kind: str, steps: Sequence[Step]) -> None:
        self._inputs, self._target, self._kind = inputs, target, kind
        self._source = inputs.kinds[kind].rights
        self._steps = {self._source.name_role(step): step for step in steps}
        self._needs = tuple(_list_needs(inputs.kinds, inputs.declared.get(target, frozenset({kind}))))

    def weigh(self, plan: Plan) -> WeighedPlan:
        """Return the plan with what these steps mean."""
        dangerous = frozenset(self._list_dangerous_roles())
        # A guard that a flag switches off is none, so the flag saves what no guard needs.
        if not self._inputs.with_report:
            plan = _add_note(plan, _note_skipped(self._target))
            if not dangerous:
                return WeighedPlan(plan, unknown=frozenset({self._target}))
        world = self._read_world()
        if world.unread:
            plan = _add_note(plan, _note_unread(self._target, world))
        unknown = frozenset({self._target} if world.unread or not self._inputs.with_report else ())
        principals: tuple[PrincipalRights, ...] = ()
        if self._inputs.with_report:
            plan, principals = self._report(plan, world)
        # One step alone has no order.
        needs_account = bool(dangerous) or len(plan.sendable_steps) > 1
        if not needs_account or not any(key in world.before for key in self._steps):
            return WeighedPlan(plan, (), principals, unknown)
        api = self._inputs.apis[self._target]
        account = identify_account(self._source.read_account(api.read), api.target.auth)
        lockouts = (
            *find_security_lockouts(world, self._steps),
            *find_account_lockouts(world, self._steps, self._needs, account),
        )
        # Whoever applies a saved plan may be another account, which loses its rights by one of the dangerous ones.
        last = dangerous | list_touched_own_roles(world, self._steps, account)
        ordered = replace(plan, steps=self._order(plan.steps, last))
        return WeighedPlan(ordered, lockouts, principals, unknown)

    def _list_dangerous_roles(self) -> Iterator[str]:
        """Yield the roles whose own step takes what this tool needs, whoever it is that holds them."""
        for key, step in self._steps.items():
            before, after = self._source.compare_role(step)
            if before is not None and may_take_needed(before, after, self._needs):
                yield key

    def _read_world(self) -> RightsWorld:
        live = self._inputs.live.get((self._target, self._kind))
        return self._source.read_world(
            self._inputs.apis[self._target].read,
            list(self._steps.values()),
            live,
            lambda line: self._inputs.on_progress(f"{self._target}: {line}"),
        )

    def _report(self, plan: Plan, world: RightsWorld) -> tuple[Plan, tuple[PrincipalRights, ...]]:
        changes = find_rights_changes(world, self._target)
        reasons = {id(step): explain_step_escalation(world.after[key], changes) for key, step in self._steps.items()}
        steps = tuple(
            replace(step, escalation=reasons[id(step)]) if reasons.get(id(step)) else step for step in plan.steps
        )
        principals = list_changed_principals(world, changes, self._target)
        return replace(plan, steps=steps, rights=sort_rights_changes((*plan.rights, *changes))), principals

    def _order(self, steps: Sequence[Step], last: frozenset[str]) -> tuple[Step, ...]:
        def is_of_target(step: Step) -> bool:
            return step.address[:2] == (self._target, self._kind)

        return put_last(
            steps,
            lambda step: is_of_target(step) and self._source.name_role(step) in last,
            lambda step: is_of_target(step) and self._source.carries_on(step, last),
        )


def identify_account(account: CallingAccount, auth: Auth) -> CallingAccount:
    """Return an account with what its own login tells of its claims."""
    match auth:
        case BasicAuth():
            # user@domain names a domain in another way than claims do, so it is left out.
            return replace(account, own={"User": auth.username.partition("@")[0]}, possible_types=frozenset({"Group"}))
        # Which claim of a token feeds which type is a setting of the identity provider, but for the client's id.
        case OauthAuth():
            return replace(account, own={"OAuthClientId": auth.client_id}, possible_types=_OAUTH_TYPES)
        case BearerAuth():
            return replace(account, possible_types=_OAUTH_TYPES | {"OAuthClientId"})
    return account


def _list_needs(kinds: Registry, names: frozenset[str]) -> Iterator[NeededGrant]:
    users: dict[PermissionGrant, list[str]] = {}
    for name in sorted(names):
        reads = [listing for listing in kinds[name].requires.read if listing.is_vital]
        lists = (listing.permission for listing in reads)
        items = (listing.item_permission for listing in reads if listing.item_permission)
        grants = [*(PermissionGrant((permission,)) for permission in (*lists, *items)), *kinds[name].requires.write]
        for grant in dict.fromkeys(grants):
            users.setdefault(grant, []).append(name)
    return (NeededGrant(grant, tuple(users[grant])) for grant in users)


def _group_transfers(source: RightsSource, steps: Sequence[Step]) -> dict[OwnerTransfer, list[Step]]:
    groups: dict[OwnerTransfer, list[Step]] = {}
    for step in steps:
        if transfer := source.find_transfer(step):
            groups.setdefault(transfer, []).append(step)
    return groups


def _weigh_transfers(
    plan: Plan,
    inputs: RightsInputs,
    target: str,
    source: RightsSource,
    transfers: Mapping[OwnerTransfer, Sequence[Step]],
) -> WeighedPlan:
    try:
        reach = source.read_reach(inputs.apis[target].read, transfers)
    except (AuthError, IncompleteError, UnreachableError):
        reach = None
    if reach is None:
        return WeighedPlan(_add_note(plan, _note_unknown_account(target)))
    return WeighedPlan(plan, tuple(find_owner_lockouts(transfers, reach)))


def _add_note(plan: Plan, note: Diagnostic) -> Plan:
    return replace(plan, notes=tuple(sorted({*plan.notes, note})))


def _note_skipped(target: str) -> Diagnostic:
    summary = "who gains and who loses rights by this plan was not looked at"
    reason = "--no-rights was said, and the roles were not read for it"
    return Diagnostic("plan.rights-skipped", Source(f"target {target}"), summary, reason, "", Severity.NOTE)


def _note_unread(target: str, world: RightsWorld) -> Diagnostic:
    summary = f"who gains and who loses rights is told incompletely: not read were {'; '.join(world.unread)}"
    reason = "a right that is lost here may be kept by what was not read, and one that is gained may be no news"
    remedy = "let the account read them (/security/read/)"
    return Diagnostic("plan.rights-incomplete", Source(f"target {target}"), summary, reason, remedy, Severity.NOTE)


def _note_unknown_account(target: str) -> Diagnostic:
    summary = "whether this account could take the certificates back from their new owners can't be told"
    reason = "the server does not tell an account its own roles (GET /Security/My)"
    return Diagnostic("plan.account-unknown", Source(f"target {target}"), summary, reason, "", Severity.NOTE)
