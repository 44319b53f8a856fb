"""How a selector of targets is written in a document or in the settings; `reconciler.target_selector` is what it means.

Patterns alone, and no validator: what is wrong is told by the rules of the document that the field stands in.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from pydantic import Field

_LABEL_PATTERN: Final = r"^\S+( \S+)*$"

TargetName: TypeAlias = Annotated[
    # A host's label in lower case: RFC 1123, section 2.1; 63 octets by RFC 1035, section 2.3.4.
    str, Field(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", max_length=63)
]
"""What a target is called."""
TargetLabel: TypeAlias = Annotated[str, Field(min_length=1, max_length=63, pattern=_LABEL_PATTERN)]
"""A label of a target, or its text: a short text of one line, its words with one blank between them."""
TargetSelectorField: TypeAlias = (
    Annotated[list[TargetName], Field(min_length=1)]
    | Annotated[dict[TargetLabel, TargetLabel | Annotated[list[TargetLabel], Field(min_length=1)]], Field(min_length=1)]
)
"""Names of targets, or labels with the text or the texts of each."""
