"""What exemptions have in common, documents that let something be until a day: an object, and a term that ends.

The day on which one ends is the first on which it no longer holds, as with `expires` of a denial.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Annotated, Final, NamedTuple

from reconciler.diagnostics import Diagnostic, Explanation, Severity
from reconciler.documents.suggestions import quote_text, suggest_option
from reconciler.kinds.fields import Name, TextPattern
from reconciler.kinds.kind import Wanted

LONGEST: Final = timedelta(days=180)
"""How far ahead an exemption may end: what is to stay for good belongs into the manifest."""
_LAST_DAYS: Final = timedelta(days=7)
ObjectName = Annotated[
    Name,
    TextPattern(
        r"[A-Za-z]+/[\s\S]+",
        Explanation(
            "manifest.invalid-value",
            "is no object",
            "which one is meant can't be told",
            "write KIND/NAME, such as SecurityRole/PKI Operators",
        ),
    ),
]


class TermWords(NamedTuple):
    """How the term of a sort of exemption is told: the rules, what ends, and what is so from that day on."""

    too_long_rule: str
    ended_rule: str
    ends_soon_rule: str
    subject: str
    consequence: str
    outlook: str
    alternative: str


def check_length(directive: Wanted, today: date, words: TermWords) -> Iterator[Diagnostic]:
    """Yield a problem where an exemption would last too long."""
    until = directive.spec.until
    if until - today > LONGEST:
        summary = f"{until} is more than {LONGEST.days} days ahead"
        reason = "what nobody looks at for half a year is no exception any more"
        remedy = f"write {today + LONGEST} at the latest, or {words.alternative}"
        explanation = Explanation(words.too_long_rule, summary, reason, remedy)
        yield explanation.locate(directive.at(("spec", "until")))


def note_end(directive: Wanted, today: date, words: TermWords, *, is_followed: bool = False) -> Iterator[Diagnostic]:
    """Yield what there is to say of the day on which an exemption ends, or has ended, and whether another follows."""
    until = directive.spec.until
    if until <= today:
        summary, reason = f"{words.subject} ended on {until}", words.consequence
        remedy = "remove the document, or give another day and have it reviewed"
        if is_followed:
            reason, remedy = "another one is in force", "remove the document"
        yield note_directive(directive, "until", Explanation(words.ended_rule, summary, reason, remedy))
    elif until - today <= _LAST_DAYS:
        days = (until - today).days
        summary = f"{words.subject} ends on {until}, {'tomorrow' if days == 1 else f'in {days} days'}"
        yield note_directive(directive, "until", Explanation(words.ends_soon_rule, summary, words.outlook))


def note_directive(directive: Wanted, field: str, explanation: Explanation) -> Diagnostic:
    """Return a note at a field of a directive."""
    return replace(explanation.locate(directive.at(("spec", field))), severity=Severity.NOTE)


def note_unknown_policy(
    directive: Wanted, directives: Sequence[Wanted], explanation: Explanation
) -> Iterator[Diagnostic]:
    """Yield a note where no document declares the policy that a directive names: its kind's words, with a remedy."""
    policies = {item.address.name for item in directives if item.address.kind == "Policy"}
    name = directive.spec.policy
    if name not in policies:
        summary = f"no policy is called {quote_text(name)}"
        remedy = suggest_option(name, policies) if policies else explanation.remedy
        yield note_directive(directive, "policy", explanation._replace(summary=summary, remedy=remedy))
