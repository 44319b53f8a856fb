"""What the fields of a kind are made of: text as it is sent, names, forms, and fields that may be left unmanaged."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
)
from pydantic_core.core_schema import CoreSchema, no_info_after_validator_function

from reconciler.diagnostics import Explanation
from reconciler.documents.texts import check_line, check_name, check_prose
from reconciler.errors import InvalidTextError


def unmanaged_field(description: str, **constraints: Any) -> Any:
    """A field whose live value is kept where the document doesn't mention it. Ask `declared`, never its default."""
    # pydantic validates no defaults, so None passes here although a manifest's null is refused.
    return Field(default=None, description=description, json_schema_extra=_drop_default, **constraints)


def _drop_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


@dataclass(frozen=True, slots=True)
class TextPattern:
    """What text must look like: a regular expression for editors, and for people what is wrong with other text.

    The explanation's summary is a sentence whose subject is the text.
    """

    pattern: str
    explanation: Explanation

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_after_validator_function(self._check_text, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        # JSON Schema doesn't anchor patterns by itself (2020-12 validation, 6.3.3).
        return {**handler(schema), "pattern": f"^{self.pattern}$"}

    def _check_text(self, value: str) -> str:
        # With re.match, $ would also match before a line feed at the end.
        if not re.fullmatch(self.pattern, value):
            raise InvalidTextError(self.explanation)
        return value


_DAY_FORM = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _parse_day(value: Any) -> Any:
    """JSON has no dates, so text of the form 2027-01-31 is one."""
    try:
        # Since Python 3.11 fromisoformat also takes the basic form (20270131) and weeks (2027-W05-7).
        return date.fromisoformat(value) if isinstance(value, str) and _DAY_FORM.fullmatch(value) else value
    except ValueError:
        return value


Day = Annotated[date, BeforeValidator(_parse_day)]
"""A day, which begins and ends in UTC."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=4096), AfterValidator(check_line)]
"""Text of one line as it is sent: not empty, and no blanks at either end."""

Prose = Annotated[str, StringConstraints(min_length=1, max_length=4096), AfterValidator(check_prose)]
"""Text that may have several lines, as it is sent: not empty, and neither blanks nor line ends at either end."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=256), AfterValidator(check_name)]
"""The name of something on a server, exactly: what is in quotes may start or end with spaces, which a note tells."""
