"""What each value of an enumeration means, beside the field that takes it: for editors and for `explain`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import GetJsonSchemaHandler
from pydantic_core.core_schema import CoreSchema

MEANINGS_KEYWORD = "enumDescriptions"
"""What editors show beside each value: not of JSON Schema, but VS Code and the YAML language server know it."""


# By identity: `Annotated` wants what stands in it to have a hash, and a mapping has none.
@dataclass(frozen=True, slots=True, eq=False)
class ValueMeanings:
    """Stands inside `Annotated` beside a `Literal`: a sentence for each value, without its full stop."""

    meanings: Mapping[str, str]

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        shape = handler(schema)
        return {**shape, MEANINGS_KEYWORD: [self.meanings[value] for value in list_values(shape)]}


def list_values(schema: Mapping[str, Any]) -> list[Any]:
    """Return the values that a schema allows by naming them; none where it names none."""
    # pydantic writes a Literal of several values as `enum`, of one as `const`.
    return list(schema.get("enum", [schema["const"]] if "const" in schema else []))
