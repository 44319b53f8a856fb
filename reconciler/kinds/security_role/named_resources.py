"""Permissions that name the collection or container that they are about, in the place of its id.

`/certificates/collections/read/{collection: Payments}/` is the same on every installation, which no id is. The braces
stand last, where the id would, and end with the text: nothing of a name is escaped. Which actions an id can narrow
differs by version (contract: 4.1 and 4.2), so that an area is all that is checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core.core_schema import CoreSchema, no_info_after_validator_function

from reconciler.diagnostics import Explanation
from reconciler.documents.suggestions import suggest_option
from reconciler.errors import InvalidTextError
from reconciler.kinds.security_role.permissions import split_trailing_id

_AREAS = {"collection": "/certificates/collections/", "container": "/certificate_stores/"}
_PLAIN = r"/([a-z0-9_\-]+/)*"
_NAMED = r"([a-z0-9_\-]+/)+\{{ *{noun} *: *[^ ].*\}}/"
_PATTERN = "|".join((_PLAIN, *(area + _NAMED.format(noun=noun) for noun, area in _AREAS.items())))
_EXAMPLES = {noun: f"{area}read/{{{noun}: NAME}}/" for noun, area in _AREAS.items()}
_NO_PERMISSION = Explanation(
    "manifest.invalid-value",
    "is not a version two permission",
    "Command would refuse it",
    "write it in lower case, beginning and ending with a slash, such as /portal/read/",
)


class NamedResource(NamedTuple):
    """What a permission names: the permission without an id, what sort of thing narrows it, and that thing's name."""

    permission: str
    noun: str
    name: str

    def __str__(self) -> str:
        return f"{self.permission}{format_resource(self.noun, self.name)}/"


class PermissionText:
    """What a permission must look like, with an id, a name or neither; a name comes out in one spelling."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_after_validator_function(_check_permission, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        # JSON Schema doesn't anchor patterns by itself (2020-12 validation, 6.3.3).
        return {**handler(schema), "pattern": f"^({_PATTERN})$"}


def format_resource(noun: str, name: str) -> str:
    """Return how a permission names a resource: `{collection: Payments}`."""
    return f"{{{noun}: {name}}}"


def find_resource_noun(permission: str) -> str:
    """Return what an id behind this permission would be of: "collection", "container", or "" for something else."""
    return next((noun for noun, area in _AREAS.items() if permission.startswith(area) and permission != area), "")


def read_named_resource(permission: str) -> NamedResource | None:
    """Return what a valid permission names, None where it names nothing."""
    start, brace, inner = permission.partition("{")
    noun, _, name = inner.removesuffix("}/").partition(":")
    return NamedResource(start, noun.strip(" "), name.strip(" ")) if brace else None


def _check_permission(text: str) -> str:
    if "{" not in text and "}" not in text:
        if not re.fullmatch(_PLAIN, text):
            raise InvalidTextError(_NO_PERMISSION)
        return text
    for summary, remedy in _find_brace_faults(text):
        reason = "nothing could be looked up" if remedy else "Command would refuse it"
        raise InvalidTextError(Explanation("manifest.invalid-value", summary, reason, remedy))
    return str(read_named_resource(text))


def _find_brace_faults(text: str) -> Iterator[tuple[str, str]]:
    """Yield (summary whose subject is the text, remedy) for what is wrong with the braces, the first fault first."""
    start, brace, rest = text.partition("{")
    noun, colon, name = (part.strip(" ") for part in rest.removesuffix("}/").partition(":"))
    example = _EXAMPLES.get(noun, _EXAMPLES["collection"])
    if not brace or "}" in start:
        yield "closes a brace that it does not open", f"write {example}"
    if "}" not in rest:
        # A blank with a number sign begins a comment in YAML, and takes the rest of a line along.
        yield "opens a brace that it does not close", f"write '{example}', in quotes where the name holds ` #`"
    if not rest.endswith("}/") or "}/" in rest[:-2]:
        yield "goes on behind the braces", f"a name stands last, as an id does, and one slash behind it: {example}"
    if not colon:
        yield "does not say what its braces name", f"write {example}"
    yield from _find_naming_faults(start, noun, name)


def _find_naming_faults(start: str, noun: str, name: str) -> Iterator[tuple[str, str]]:
    """Yield the same for what is named, and for the permission that stands before the braces."""
    example = _EXAMPLES.get(noun, _EXAMPLES["collection"])
    if noun not in _AREAS:
        suggestion = suggest_option(noun, _AREAS) if noun != "application" else "applications are containers"
        yield f'names something that is called "{noun}"', f"{suggestion}; other ids are written as they are"
    if not name:
        yield f"names no {noun}", f"write {example}"
    if not re.fullmatch(_PLAIN, start):
        yield f"begins with {start}, which is no version two permission", f"write {example}"
    if split_trailing_id(start)[1]:
        yield "names something where its id stands already", f"write the id or the name: {example}"
    due = find_resource_noun(start)
    if due != noun:
        position = f"where a {due}'s id may stand" if due else "where no id of that sort may stand"
        yield f"names a {noun} {position}", f"write {_EXAMPLES[due] if due else example}"
