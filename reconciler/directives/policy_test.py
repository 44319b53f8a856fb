"""Policy tests: what a policy has to say of made-up documents, changes and principals, for `policy test`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field

from reconciler.diagnostics import Diagnostic, Explanation
from reconciler.directives.cel_rules import VARIABLES
from reconciler.directives.directive import DirectiveContext, DirectiveKind, DirectiveSpec
from reconciler.directives.exemptions import ObjectName, note_unknown_policy
from reconciler.kinds.fields import Name, Text, unmanaged_field
from reconciler.kinds.kind import Wanted
from reconciler.kinds.spec_model import Spec, SpecPart
from reconciler.model import Json

_NOTHING_TRIED = Explanation(
    "policy.no-policy", "", "its cases are tried on nothing", "correct it, or remove the cases"
)
_Fields = dict[str, Any]
_DEFAULTS: Mapping[str, Json] = {
    "labels": {},
    "target": "command",
    "spec": {},
    "before": None,
    "after": {},
    "principal": {"type": "", "value": "", "provider": ""},
    "roles": [],
    "permissions": [],
}


class PolicyTestCase(SpecPart):
    """One thing that is judged. What it leaves out is empty, and `before` null."""

    # `object` gives two variables, so that a case names what it is about as a waiver does.
    name: Text = Field(description="What the case is, as a sentence.")
    holds: bool = Field(description="Whether the policy holds there.")
    object: ObjectName = Field(description="What is judged, as KIND/NAME: the variables `kind` and `name`.")
    labels: dict[str, str] = unmanaged_field("The variable `labels`.")
    target: Name = unmanaged_field("The variable `target`; `command` where it is left out.")
    spec: _Fields = unmanaged_field("The variable `spec`, of a policy over documents.")
    before: _Fields = unmanaged_field("The variable `before`, of a policy over changes; null where it is left out.")
    after: _Fields = unmanaged_field("The variable `after`, of a policy over changes.")
    principal: dict[str, str] = unmanaged_field("The variable `principal`: type, value and provider of a claim.")
    roles: Annotated[tuple[str, ...], Field(strict=False)] = unmanaged_field("The variable `roles`.")
    permissions: Annotated[tuple[str, ...], Field(strict=False)] = unmanaged_field("The variable `permissions`.")

    def build_variables(self, over: str) -> dict[str, Json]:
        """Return the variables of a rule over this scope."""
        kind, _, name = self.object.partition("/")
        given = {field: getattr(self, field) for field in self.model_fields_set}
        variables: dict[str, Json] = {**_DEFAULTS, **given, "kind": kind, "name": name}
        # The library takes a list for a list, and no tuple.
        variables |= {field: list(variables[field]) for field in ("roles", "permissions")}
        return {name: variables[name] for name in VARIABLES[over]}


class PolicyTest(DirectiveSpec):
    """Cases by which a policy is tried; no object of a server, and nothing that a run takes notice of."""

    policy: Name = Field(description="The name of the policy.")
    cases: Annotated[tuple[PolicyTestCase, ...], Field(strict=False, min_length=1)] = Field(
        description="What is judged, and what has to come of it."
    )


class PolicyTestKind(DirectiveKind):
    """They lie beside the policies, in the same files if somebody likes."""

    spec: ClassVar[type[Spec]] = PolicyTest
    example: ClassVar[str] = """\
apiVersion: reconciler/v1
kind: PolicyTest
metadata: {name: no-key-recovery}
spec:
  policy: no-key-recovery
  cases:
    - {name: a role that reads, holds: true, object: SecurityRole/Readers, spec: {permissions: [/portal/read/]}}
    - {name: a role that may do all, holds: false, object: SecurityRole/All, spec: {permissions: [/]}}
"""

    def check(self, directives: Sequence[Wanted], context: DirectiveContext) -> Iterator[Diagnostic]:
        for directive in directives:
            yield from note_unknown_policy(directive, context.directives, _NOTHING_TRIED)


DIRECTIVE = PolicyTestKind()
