"""Which line of which layer decided a field: in a few words, and as reports have it."""

from __future__ import annotations

from typing import Any, Final

from reconciler.field_origins import FieldOrigin

ORIGIN_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["source", "overridden"],
    "properties": {
        "source": {"type": "string", "description": "The line that decided a field: file:line:column."},
        "overridden": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Of earlier layers, the nearest first.",
        },
    },
}


def format_origin(origin: FieldOrigin) -> str:
    """Return an origin as it stands behind a field: the lines, without columns."""
    # An editor jumps to a line just as well, and behind a field there is little room.
    places = [f"{source.file}:{source.line}" for source in (origin.source, *origin.overridden)]
    return ", over ".join([places[0], " and ".join(places[1:])]) if origin.overridden else places[0]
