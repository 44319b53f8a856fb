"""Secret event notifications of Huawei Cloud CSMS: /v1/{project_id}/csms/events[/{event_name}]."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from reconciler.diagnostics import Explanation
from reconciler.documents.value_meanings import ValueMeanings
from reconciler.kinds.fields import TextPattern, unmanaged_field
from reconciler.kinds.spec_model import Spec, SpecPart
from reconciler.model import Path, Tables

EventType = Literal[
    # SECRET_ROTATED_FAILED came with the pages of 2024-11. The OpenAPI example shows a sixth type in no
    # enumeration, SECRET_VERSION_NEAR_EXPIRY: answers may hold more than can be declared.
    "SECRET_VERSION_CREATED", "SECRET_VERSION_EXPIRED", "SECRET_ROTATED", "SECRET_ROTATED_FAILED", "SECRET_DELETED"
]
_EVENT_MEANINGS = {
    "SECRET_VERSION_CREATED": "a version of a secret was made",
    "SECRET_VERSION_EXPIRED": "a version of a secret has expired; told once",
    "SECRET_ROTATED": "a secret was rotated",
    "SECRET_ROTATED_FAILED": "the rotation of a secret failed; older installations don't know it",
    "SECRET_DELETED": "a secret was deleted",
}


MAX_EVENT_TYPES = 12
"""Of one event, as the schemas of the API have it."""


TopicUrn = Annotated[
    str,
    TextPattern(
        # The documented pattern. The pages' own example, demo-smn-id, is no URN, so checking for one would
        # refuse what the service takes.
        r"[a-zA-Z0-9\-._:]{1,256}",
        Explanation(
            "manifest.invalid-value",
            "is not what CSMS takes as a topic's id",
            "it would refuse the event",
            "write the topic's URN, urn:smn:REGION:PROJECT:TOPIC",
        ),
    ),
]


TopicName = Annotated[
    str,
    TextPattern(
        "[a-zA-Z0-9_-]{1,64}",
        Explanation(
            "manifest.invalid-value",
            "is not a topic's name",
            "CSMS would refuse it",
            "write 1 to 64 letters, digits, _ or -",
        ),
    ),
]


_NOTHING_MANAGED = Explanation(
    "manifest.nothing-managed", "declares nothing to manage", remedy="give state, eventTypes or notification"
)
_NOTHING_ADDED = Explanation(
    "manifest.inconsistent",
    "additive names eventTypes, which is not declared",
    remedy="declare it or remove additive",
)


_TWO_TOPICS = Explanation(
    "manifest.inconsistent",
    "topic stands for targetType, targetId and targetName, and stands beside one of them",
    "only one can be meant",
    "remove the topic or the others",
)


class Notification(SpecPart):
    """Where an event's notifications go. A member that is left out keeps its live value, unless a topic is named."""

    # The same as `check_fields`: an editor sees the JSON Schema alone.
    model_config = ConfigDict(json_schema_extra={"not": {"required": ["topic"], "minProperties": 2}})

    topic: TopicName = unmanaged_field(
        "The name of a topic in the target's own region and project; it stands for the three other members."
    )
    target_type: Annotated[Literal["SMN"], ValueMeanings({"SMN": "a topic of Simple Message Notification"})] = (
        unmanaged_field("The kind of target; SMN is the only one.")
    )
    target_id: TopicUrn = unmanaged_field(
        "The topic's URN. CSMS does not check that it exists: a wrong one shows only as failed notifications."
    )
    target_name: TopicName = unmanaged_field("The topic's name.")

    alternatives: ClassVar[tuple[frozenset[str], ...]] = tuple(
        frozenset({"topic", member}) for member in ("targetType", "targetId", "targetName")
    )

    def check_fields(self) -> Iterator[Explanation]:
        if "topic" in self.model_fields_set and len(self.model_fields_set) > 1:
            yield _TWO_TOPICS

    def declared(self) -> dict[str, str]:
        """Return the members that the document sets, by manifest name."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class SecretEvent(Spec):
    """A secret event notification: which events of secrets are told to which topic."""

    state: Annotated[
        Literal["ENABLED", "DISABLED"],
        ValueMeanings({"ENABLED": "what happens is told", "DISABLED": "nothing is told; the event stays as it is"}),
    ] = unmanaged_field("Only an ENABLED event fires.")
    # Five values are documented, but 12 is the ceiling. The request schema allows an empty list and the
    # response schema forbids it: none is sent.
    event_types: Annotated[
        tuple[Annotated[EventType, ValueMeanings(_EVENT_MEANINGS)], ...],
        Field(strict=False, min_length=1, max_length=MAX_EVENT_TYPES),
    ] = unmanaged_field("The events that are told, as a set.")
    notification: Notification = unmanaged_field("The topic that is told.")
    additive: Annotated[tuple[Literal["eventTypes"], ...], Field(strict=False, min_length=1)] = unmanaged_field(
        "Lists that gain the declared members and keep the others."
    )

    def check_fields(self) -> Iterator[Explanation]:
        if not self.model_fields_set & {"state", "event_types", "notification"}:
            yield _NOTHING_MANAGED

    @classmethod
    def check_name(cls, name: str) -> Iterator[Explanation]:
        # The EU site's page allows a dot as well; other pages, the OpenAPI text and Terraform don't.
        if not _is_valid_name(name):
            summary = f"the event name {name!r} is not 1 to 64 letters, digits, _ or -"
            yield Explanation("manifest.invalid-value", summary, "CSMS refuses it", "rename the event")

    def check(self, name: str, tables: Tables) -> Iterator[tuple[Path, Explanation]]:
        types = self.declared().get("eventTypes", ())
        for index, value in enumerate(types):
            if value in types[:index]:
                summary, reason = f"{value} is listed twice", "event types are a set"
                yield ("eventTypes", index), Explanation("manifest.duplicate-entry", summary, reason, "remove one")
        if self.declared().get("additive") and "eventTypes" not in self.given:
            yield ("additive",), _NOTHING_ADDED

    def identities(self, name: str, tables: Tables) -> Iterator[tuple[str, Path]]:
        # Whether letter case alone tells events apart is not documented, so two such documents clash.
        yield name, ()


def _is_valid_name(name: str) -> bool:
    # str.isalnum alone takes the letters and digits of every script.
    return 0 < len(name) <= 64 and all(char.isascii() and (char.isalnum() or char in "_-") for char in name)
