"""Waivers: an object that need not keep a policy until a day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import ClassVar, NamedTuple

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


class _WaivedObject(NamedTuple):
    """What a waiver lets by, on one target or, with "", on every one."""

    target: str
    policy: str
    object: str


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
        # By what they let by: one that is for a thousand targets is there once for each.
        in_force = {
            _identify_waived(directive) for directive in directives if directive.spec.is_in_force(context.today)
        }
        for directive in directives:
            words = _describe_waiver_term(directive)
            yield from check_length(directive, context.today, words)
            unknown = list(note_unknown_policy(directive, context.directives, _NOTHING_WAIVED))
            yield from unknown
            if not unknown:
                waived = _identify_waived(directive)
                is_followed = bool({waived, waived._replace(target="")} & in_force)
                yield from note_end(directive, context.today, words, is_followed=is_followed)


def _identify_waived(directive: Wanted[Waiver]) -> _WaivedObject:
    return _WaivedObject(directive.address.target, directive.spec.policy, directive.spec.object)


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
