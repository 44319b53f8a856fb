"""What the settings file says of how much a run may change, and of what it may not touch."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from reconciler.diagnostics import Explanation
from reconciler.errors import InvalidValueError
from reconciler.settings.schema_auth import StrictModel

_PROTECTION: Final = re.compile(r"[A-Za-z]+/\S.*")
_NO_PROTECTION: Final = Explanation(
    "settings.invalid-value", "a protection is KIND/NAME-PATTERN, such as SecurityRole/Administrator*"
)


def _check_protection(pattern: str) -> str:
    if not _PROTECTION.fullmatch(pattern):
        raise InvalidValueError(_NO_PROTECTION)
    return pattern


Protection: TypeAlias = Annotated[str, AfterValidator(_check_protection)]
"""KIND/NAME-PATTERN of what no run may touch."""


class Limit(StrictModel):
    """How much one run may change."""

    changes: Annotated[int, Field(ge=0)]
    """How many changes; a plan with more is refused."""

    @model_validator(mode="before")
    @classmethod
    def _explain_number(cls, value: Any) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            summary = f"a limit says of what it is one: {value} changes"
            raise InvalidValueError(Explanation("settings.wrong-type", summary, remedy=f"write {{changes: {value}}}"))
        return value
