"""Members of API objects, whose names differ in letter case between answers."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.diagnostics import Explanation, Source
from reconciler.errors import IncompleteError
from reconciler.model import Json


def pick_member(raw: Mapping[str, Json], name: str) -> Json:
    """Return a member of an API object by name, whatever its letter case; None where absent (contract: JSON casing)."""
    if name in raw:
        return raw[name]
    # Servers answer in PascalCase, the v11 swagger says camelCase: the exact name is tried first.
    folded = name.casefold()
    return next((value for key, value in raw.items() if key.casefold() == folded), None)


def check_answered_id(raw: Mapping[str, Json], number: int, path: str) -> None:
    """Raise IncompleteError where the answer for an object by id is about another one: what stands between mixes up."""
    answered_id = pick_member(raw, "Id")
    if answered_id != number:
        explanation = Explanation(
            "live.unusable-answer",
            f"the answer is about the object with the id {answered_id!r}",
            "nothing was concluded from it",
            "check what stands between here and the server",
        )
        raise IncompleteError(explanation.locate(Source(f"GET {path}/{number}")))
