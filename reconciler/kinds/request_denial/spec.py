"""Denials of pending certificate requests: POST /Workflow/Certificates/Deny (version 1).

A denial is an act, not a state: it can't be undone, and the server answers 200 even when every id failed. Ids are
resolved when the plan is made, never afterwards, and each is ruled on by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StrictInt, StringConstraints

from reconciler.diagnostics import Explanation
from reconciler.kinds.fields import Prose, Text, unmanaged_field
from reconciler.kinds.kind import Spec, SpecPart
from reconciler.model import Path, Tables
from reconciler.payloads.requests import (
    ATTRIBUTE_MEMBERS,
)

_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
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


def _parse_day(value: Any) -> Any:
    """JSON has no dates, so text of the form 2027-01-31 is one."""
    try:
        # Since Python 3.11 fromisoformat also takes the basic form (20270131) and weeks (2027-W05-7).
        return date.fromisoformat(value) if isinstance(value, str) and _DAY.fullmatch(value) else value
    except ValueError:
        return value


class Attributes(SpecPart):
    """What a request must look like; letter case aside."""

    common_name: Text = unmanaged_field("The requested common name.")
    requester: Text = unmanaged_field("Who asked, as DOMAIN\\user.")
    template: Text = unmanaged_field("The certificate template.")
    distinguished_name: Text = unmanaged_field("The requested distinguished name.")
    certificate_authority: Text = unmanaged_field("The certificate authority, as host\\logical name.")

    def list_attributes(self) -> dict[str, str]:
        """Return the declared attributes by manifest name."""
        attributes = self.model_dump(by_alias=True, exclude_unset=True, exclude={"id"})
        return {name: str(value) for name, value in attributes.items()}

    def check_fields(self) -> Iterator[Explanation]:
        if not self.model_fields_set - {"id"}:
            yield _NO_ATTRIBUTE


class Expected(Attributes):
    """One request, by its id and at least one attribute that it must have."""

    # An int32, KeyfactorRequestId in the answer: neither a certificate's id nor the CA's own number.
    id: Annotated[StrictInt, Field(ge=1, le=2**31 - 1)] = Field(description="Command's request id.")


class Pattern(Attributes):
    """Pending requests by pattern: `*` stands for anything, `?` for one character. All that are given must match."""


class RequestDenial(Spec):
    """Pending certificate requests that are to be denied, once and for all."""

    requests: Annotated[tuple[Expected, ...], Field(strict=False, min_length=1)] = unmanaged_field("Requests by id.")
    match: Pattern = unmanaged_field("Pending requests by pattern, resolved to ids when the plan is made.")
    comment: Annotated[Prose, StringConstraints(max_length=1024)] = unmanaged_field(
        "Sent with the denial; a denied request alert may deliver it to the requester."
    )
    expires: Annotated[date, BeforeValidator(_parse_day)] = unmanaged_field(
        "From that day on (UTC) the document is inert and reported as such."
    )

    def check_fields(self) -> Iterator[Explanation]:
        if len(self.model_fields_set & {"requests", "match"}) != 1:
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
        if self.pattern and all(set(value) <= _WILDCARDS for value in self.pattern.list_attributes().values()):
            yield ("match",), _ANY_REQUEST

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
