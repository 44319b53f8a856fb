"""Denials of pending certificate requests: POST /Workflow/Certificates/Deny (version 1).

A denial is an act, not a state: it can't be undone, and the server answers 200 even when every id failed. Ids are
resolved when the plan is made, never afterwards, and each is ruled on by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, ClassVar, Generic, TypeVar

from pydantic import Field, StrictInt, StringConstraints

from reconciler.diagnostics import Explanation
from reconciler.kinds.fields import Day, Prose, Text, unmanaged_field
from reconciler.kinds.request_denial.foreign_patterns import find_foreign_patterns
from reconciler.kinds.spec_model import Spec, SpecPart
from reconciler.model import Path, Tables
from reconciler.patterns import escape_wildcards
from reconciler.payloads.requests import ATTRIBUTE_MEMBERS

T = TypeVar("T")

_WILDCARDS = frozenset("*?")
_NO_ATTRIBUTE = Explanation(
    "manifest.missing-field",
    "gives no expected attribute",
    "an id alone may be another request tomorrow",
    f"add one of {', '.join(ATTRIBUTE_MEMBERS)}",
)
_ONE_SELECTION = Explanation(
    "manifest.inconsistent", "needs exactly one of requests and match", "otherwise it is unclear which are meant"
)
_ANY_REQUEST = Explanation(
    "manifest.matches-everything",
    "matches whatever is pending, what is asked for tomorrow too, and a denial can't be undone",
    remedy="add an attribute that says more than wildcards, such as the template, or list the requests by id",
)
_EMPTY_PATTERN = Explanation(
    "manifest.matches-everything",
    "match is empty, and would match whatever is pending",
    "a denial can't be undone",
    f"add one of {', '.join((*ATTRIBUTE_MEMBERS, 'subjectAltName'))}",
)


class Attributes(SpecPart, Generic[T]):
    """What a request must look like; letter case aside."""

    common_name: T = unmanaged_field("The requested common name.")
    requester: T = unmanaged_field("Who asked, as DOMAIN\\user.")
    template: T = unmanaged_field("The certificate template.")
    distinguished_name: T = unmanaged_field("The requested distinguished name.")
    certificate_authority: T = unmanaged_field("The certificate authority, as host\\logical name.")

    nothing_given: ClassVar[Explanation] = _NO_ATTRIBUTE

    def list_attributes(self) -> dict[str, T]:
        """Return the declared attributes by manifest name, without those whose values can't be read."""
        fields = type(self).model_fields.items()
        names = {field.alias or name: name for name, field in fields if name in self.model_fields_set - {"id"}}
        values = {alias: getattr(self, name) for alias, name in names.items()}
        return {alias: value for alias, value in values.items() if value is not None}

    def check_fields(self) -> Iterator[Explanation]:
        if not self.model_fields_set - {"id"}:
            yield self.nothing_given


class Expected(Attributes[Text]):
    """One request, by its id and at least one attribute that it must have."""

    # An int32, KeyfactorRequestId in the answer: neither a certificate's id nor the CA's own number.
    id: Annotated[StrictInt, Field(ge=1, le=2**31 - 1)] = Field(description="Command's request id.")


class ExactText(SpecPart):
    """Text that stands for itself, wildcards and all, such as the name of a wildcard certificate."""

    exact: Text = Field(description="The text; `*` and `?` stand for themselves.")


class Pattern(Attributes[Text | ExactText]):
    """Pending requests by pattern: `*` stands for anything, `?` for one character, `[*]` and `[?]` for themselves.

    All that are given must match.
    """

    subject_alt_name: Text | ExactText = unmanaged_field(
        "One of the subject alternative names. Each request that the others match is read by itself for it."
    )

    nothing_given: ClassVar[Explanation] = _EMPTY_PATTERN

    def list_patterns(self) -> dict[str, str]:
        """Return the declared attributes by manifest name, each as a pattern."""
        return {
            name: escape_wildcards(value.exact) if isinstance(value, ExactText) else value
            for name, value in self.list_attributes().items()
        }

    def describe_patterns(self) -> dict[str, str]:
        """Return the declared attributes by manifest name, in words."""
        attributes = self.list_attributes().items()
        return {name: f"exactly {text.exact}" if isinstance(text, ExactText) else text for name, text in attributes}

    def check_patterns(self) -> Iterator[tuple[Path, Explanation]]:
        """Yield (place below the pattern; words) for what finds everything, or nothing."""
        texts = {name: value for name, value in self.list_attributes().items() if isinstance(value, str)}
        is_readable = len(texts) == len(self.model_fields_set)
        if texts and is_readable and all(set(text) <= _WILDCARDS for text in texts.values()):
            yield (), _ANY_REQUEST
        for name, explanation in find_foreign_patterns(texts):
            yield (name,), explanation


class RequestDenial(Spec):
    """Pending certificate requests that are to be denied, once and for all."""

    requests: Annotated[tuple[Expected, ...], Field(strict=False, min_length=1)] = unmanaged_field("Requests by id.")
    match: Pattern = unmanaged_field("Pending requests by pattern, resolved to ids when the plan is made.")
    comment: Annotated[Prose, StringConstraints(max_length=1024)] = unmanaged_field(
        "Sent with the denial; a denied request alert may deliver it to the requester."
    )
    expires: Day = unmanaged_field("From that day on (UTC) the document is inert and reported as such.")

    alternatives: ClassVar[tuple[frozenset[str], ...]] = (frozenset({"requests", "match"}),)

    def check_fields(self) -> Iterator[Explanation]:
        if len(self.model_fields_set & self.alternatives[0]) != 1:
            yield _ONE_SELECTION

    def check(self, name: str, tables: Tables) -> Iterator[tuple[Path, Explanation]]:
        numbers = [entry.id for entry in self.declared().get("requests", ())]
        for index, number in enumerate(numbers):
            if number in numbers[:index]:
                summary = f"request {number} is listed twice"
                yield (
                    ("requests", index, "id"),
                    Explanation("manifest.duplicate-entry", summary, remedy="remove one"),
                )
        if self.pattern:
            for path, explanation in self.pattern.check_patterns():
                yield ("match", *path), explanation

    def identities(self, name: str, tables: Tables) -> Iterator[tuple[str, Path]]:
        for index, entry in enumerate(self.declared().get("requests", ())):
            yield f"request {entry.id}", ("requests", index, "id")

    def size(self, tables: Tables) -> int:
        return len(self.declared().get("requests", ())) or 1

    def is_expired(self, today: date) -> bool:
        """True from the day on which the document expires."""
        return "expires" in self.model_fields_set and today >= self.expires

    @property
    def pattern(self) -> Pattern | None:
        """The pattern, where requests are chosen by one."""
        return self.match if "match" in self.model_fields_set else None
