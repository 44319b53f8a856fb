"""What the settings file says of notifications: who is told, and of what."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field

from reconciler.diagnostics import Explanation
from reconciler.documents.value_meanings import ValueMeanings
from reconciler.errors import InvalidValueError
from reconciler.settings.schema_auth import SecretField, StrictModel

_REPEATED: Final = Explanation("settings.invalid-value", "an event is named twice", remedy="name each once")


def _check_events(events: list[Any]) -> list[Any]:
    if len(set(events)) < len(events):
        raise InvalidValueError(_REPEATED)
    return events


_Event = Annotated[
    Literal["drift.new", "drift.cleared", "apply.failed", "apply.unknown", "lock.stale"],
    ValueMeanings(
        {
            "drift.new": "something differs that did not, or differs otherwise",
            "drift.cleared": "something that differed is as declared again, or no longer asked for",
            "apply.failed": "an apply ended otherwise than with everything applied",
            "apply.unknown": "an apply sent something, and nobody knows what came of it",
            "lock.stale": "a run that holds a target shows no sign of life",
        }
    ),
]


class NotifySettings(StrictModel):
    """Somebody who is told what happened, once; needs the extra `notify`."""

    url: SecretField
    """Where the URL comes from, as Apprise writes them: slack://..., msteams://..., mailtos://..., json://..."""
    events: Annotated[
        list[_Event],
        Field(min_length=1, json_schema_extra={"uniqueItems": True}),
        AfterValidator(_check_events),
    ]
    """Of what they are told."""
