"""What a manifest may say of a kind's objects: the frozen pydantic models that every kind's `Spec` is made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationInfo, model_validator
from pydantic.alias_generators import to_camel

from reconciler.diagnostics import Explanation, Source
from reconciler.documents.salvage import is_partial
from reconciler.errors import InvalidValueError
from reconciler.model import Path, Tables


class SpecPart(BaseModel):
    """A mapping in a document: its fields, and which of them go together."""

    # pydantic's lax mode would take "yes" for True and "1" for 1, and its default ignores unknown fields:
    # a misspelt one would be a field that nobody manages.
    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        defer_build=True,
    )

    alternatives: ClassVar[tuple[frozenset[str], ...]] = ()
    """Fields, by manifest name, of which no two can be given: a patch that gives one displaces the others."""

    def check_fields(self) -> Iterator[Explanation]:
        """Yield what is wrong with which fields are given (`model_fields_set`), whatever they hold.

        It is asked of documents with wrong fields too: those are given and hold None.
        """
        yield from ()

    @model_validator(mode="after")
    def _refuse_conflicts(self, info: ValidationInfo) -> Self:
        if not is_partial(info):
            for explanation in self.check_fields():
                raise InvalidValueError(explanation)
        return self


def find_conflicts(part: SpecPart, path: Path = ()) -> Iterator[tuple[Path, Explanation]]:
    """Yield (place below the part; words) for which fields are given, in the part and in those inside it."""
    for explanation in part.check_fields():
        yield path, explanation
    for name, field_info in type(part).model_fields.items():
        value = getattr(part, name)
        place = (*path, field_info.alias or name)
        if isinstance(value, SpecPart):
            yield from find_conflicts(value, place)
        elif isinstance(value, tuple):
            for index, member in enumerate(value):
                if isinstance(member, SpecPart):
                    yield from find_conflicts(member, (*place, index))


class Spec(SpecPart):
    """The desired state that one document declares: data, and what can be told from it offline."""

    @classmethod
    def check_name(cls, name: str) -> Iterator[Explanation]:
        """Yield what is wrong with metadata.name, where that is the name of an object on a server."""
        yield from ()

    def check(self, name: str, tables: Tables) -> Iterator[tuple[Path | Source, Explanation]]:
        """Yield (place below `spec`, or in a table; words) for what is wrong offline and no field alone can tell.

        It is asked of documents with wrong fields too: `declared` and lists leave out what can't be read, and `given`
        tells what is written.
        """
        yield from ()

    def identities(self, name: str, tables: Tables) -> Iterable[tuple[str, Path | Source]]:
        """Yield (identity, place) of each object that the document manages, the identity as people write it.

        Identities in two documents that are equal letter case aside clash.
        """
        raise NotImplementedError

    def size(self, tables: Tables) -> int:
        """How many objects the document declares, as far as it can be known offline."""
        return 1

    def declared(self) -> dict[str, Any]:
        """Return the fields that the document sets, by manifest name, in the kind's order, as the model holds them."""
        set_fields, fields = self.model_fields_set, type(self).model_fields
        values = {field.alias or name: getattr(self, name) for name, field in fields.items() if name in set_fields}
        # No document can say None: it stands where a wrong value was taken out.
        return {name: value for name, value in values.items() if value is not None}

    @property
    def given(self) -> frozenset[str]:
        """The fields that the document writes, by manifest name, what is wrong with them or not."""
        fields = type(self).model_fields
        return frozenset(fields[name].alias or name for name in self.model_fields_set)

    @classmethod
    def load(cls, spec: Mapping[str, Any]) -> Self:
        """Validate a spec given by manifest names; raises pydantic.ValidationError."""
        return cls.model_validate(dict(spec))
