"""Waivers: an object that need not keep a policy until a day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import ClassVar

from pydantic import Field

from reconciler.diagnostics import Diagnostic, Explanation
from reconciler.directives.directive import DirectiveContext, DirectiveKind, DirectiveSpec
from reconciler.directives.exemptions import ObjectName, TermWords, check_length, note_end, note_unknown_policy
from reconciler.documents.suggestions import quote_text
from reconciler.kinds.fields import Day, Name, Text
from reconciler.kinds.kind import Wanted
from reconciler.kinds.spec_model import Spec

_NOTHING_WAIVED = Explanation("waiver.no-policy", "", "nothing is waived", "correct it, or remove the waiver")


class Waiver(DirectiveSpec):
    """An object that need not keep a policy until a day; no object of a server."""

    policy: Name = Field(description="The name of the policy.")
    object: ObjectName = Field(
        description="What need not keep it, as KIND/NAME; of a policy over principals TYPE/VALUE of the claim."
    )
    until: Day = Field(description="From that day on (UTC) the policy holds again; at most 180 days ahead.")
    reason: Text = Field(description="Why, such as the number of a decision.")

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
        for directive in directives:
            words = _describe_waiver_term(directive)
            yield from check_length(directive, context.today, words)
            unknown = list(note_unknown_policy(directive, context.directives, _NOTHING_WAIVED))
            yield from unknown
            if not unknown:
                is_followed = any(_replaces(other, directive, context.today) for other in directives)
                yield from note_end(directive, context.today, words, is_followed=is_followed)


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
