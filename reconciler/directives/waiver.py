"""Waivers: an object that need not keep a policy until a day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import ClassVar

from pydantic import Field

from reconciler.diagnostics import Diagnostic, Explanation
from reconciler.directives.directive import DirectiveContext, DirectiveKind
from reconciler.directives.exemptions import ObjectName, TermWords, check_length, note_directive, note_end
from reconciler.documents.suggestions import quote_text, suggest_option
from reconciler.kinds.fields import Day, Name, Text
from reconciler.kinds.kind import Wanted
from reconciler.kinds.spec_model import Spec
from reconciler.model import Path, Tables


class Waiver(Spec):
    """An object that need not keep a policy until a day; no object of a server."""

    policy: Name = Field(description="The name of the policy.")
    object: ObjectName = Field(
        description="What need not keep it, as KIND/NAME; of a policy over principals TYPE/VALUE of the claim."
    )
    until: Day = Field(description="From that day on (UTC) the policy holds again; at most 180 days ahead.")
    reason: Text = Field(description="Why, such as the number of a decision.")

    def identities(self, name: str, tables: Tables) -> Iterator[tuple[str, Path]]:
        """None: where two fit, the one that lasts longest counts."""
        yield from ()

    def is_in_force(self, today: date) -> bool:
        """True before the day on which it ends."""
        return today < self.until


class WaiverKind(DirectiveKind):
    """Left to themselves they end: the policy holds again."""

    spec: ClassVar[type[Spec]] = Waiver
    example: ClassVar[str] = """\
apiVersion: reconciler/v1
kind: Waiver
metadata: {name: break-glass}
spec: {policy: no-key-recovery, object: SecurityRole/Break Glass, until: 2027-03-01, reason: SEC-12}
"""

    def check(self, directives: Sequence[Wanted], context: DirectiveContext) -> Iterator[Diagnostic]:
        policies = {directive.address.name for directive in context.directives if directive.address.kind == "Policy"}
        for directive in directives:
            words = _describe_waiver_term(directive)
            yield from check_length(directive, context.today, words)
            if directive.spec.policy in policies:
                is_followed = any(_replaces(other, directive, context.today) for other in directives)
                yield from note_end(directive, context.today, words, is_followed=is_followed)
            else:
                explanation = Explanation(
                    "waiver.no-policy",
                    f"no policy is called {quote_text(directive.spec.policy)}",
                    "nothing is waived",
                    suggest_option(directive.spec.policy, policies) if policies else "correct it, or remove the waiver",
                )
                yield note_directive(directive, "policy", explanation)


def _replaces(later: Wanted[Waiver], ended: Wanted[Waiver], today: date) -> bool:
    """True if what one let by is let by today by the other."""
    is_same = (later.spec.policy, later.spec.object) == (ended.spec.policy, ended.spec.object)
    return is_same and later.spec.is_in_force(today) and later.address.target in {"", ended.address.target}


def _describe_waiver_term(directive: Wanted[Waiver]) -> TermWords:
    spec = directive.spec
    return TermWords(
        "waiver.too-long",
        "waiver.ended",
        "waiver.ends-soon",
        subject=f"the waiver of {quote_text(spec.policy)} for {spec.object}",
        consequence="the policy holds again",
        outlook="from that day on the policy holds again",
        alternative="change the policy",
    )


DIRECTIVE = WaiverKind()
