"""Policies: rules that every document, every change or every principal has to keep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from reconciler.diagnostics import Diagnostic
from reconciler.directives.cel_rules import (
    MAX_RULE_LENGTH,
    InvalidRuleError,
    check_policy_extra,
    compile_rule,
    explain_invalid_rule,
)
from reconciler.directives.directive import DirectiveContext, DirectiveKind, DirectiveSpec
from reconciler.kinds.fields import Text
from reconciler.kinds.kind import Wanted
from reconciler.kinds.spec_model import Spec


class PolicyLevel(StrEnum):
    """What breaking a policy is worth."""

    ADVISORY = "advisory"
    MANDATORY = "mandatory"


class PolicyScope(StrEnum):
    """What a policy is judged over, each time anew."""

    CHANGE = "change"
    PRINCIPAL = "principal"
    DOCUMENT = "document"


# No `Prose`: a block of YAML (`|`) ends in a line end, and a rule means the same with it.
_Rule = Annotated[str, StringConstraints(min_length=1, max_length=MAX_RULE_LENGTH)]


class Policy(DirectiveSpec):
    """A rule that documents, changes or principals have to keep; no object of a server."""

    # Strict models take no text for a member of an enumeration, and a document holds nothing else.
    level: Annotated[PolicyLevel, Field(strict=False)] = Field(
        description="advisory: what breaks it is told; mandatory: what breaks it is refused."
    )
    over: Annotated[PolicyScope, Field(strict=False)] = Field(
        description="What the rule is judged over: each document, offline; each change that a plan would send; each "
        "principal that holds roles, with what it may do after the plan."
    )
    rule: _Rule = Field(description="An expression in CEL; where it is true, the policy holds.")
    message: Text = Field(description="What is told where it does not hold.")


class PolicyKind(DirectiveKind):
    """Compiled when they are read, so that a slip in a rule is told at its line, and never takes a policy away."""

    spec: ClassVar[type[Spec]] = Policy
    example: ClassVar[str] = """\
apiVersion: reconciler/v1
kind: Policy
metadata: {name: no-key-recovery}
spec:
  level: mandatory
  over: document
  rule: |
    kind != 'SecurityRole' || !has(spec.permissions)
      || !grants(spec.permissions, '/certificates/collections/private_key/read/')
  message: only break-glass recovers keys
"""

    def check(self, directives: Sequence[Wanted], context: DirectiveContext) -> Iterator[Diagnostic]:
        for directive in directives:
            check_policy_extra(directive.source)
            try:
                compile_rule(directive.spec.rule, directive.spec.over)
            except InvalidRuleError as error:
                yield explain_invalid_rule(error.place).locate(directive.at(("spec", "rule")))


DIRECTIVE = PolicyKind()
