"""Kinds made for these tests, and a way to load files that are given as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, Field

from reconciler.diagnostics import Explanation, Source
from reconciler.errors import InvalidError
from reconciler.kinds.fields import Name, Text, unmanaged_field
from reconciler.kinds.kind import Kind
from reconciler.kinds.registry import Registry
from reconciler.kinds.spec_model import Spec
from reconciler.manifests.declared_target import DeclaredTargets
from reconciler.manifests.load import LoadedManifests, load_manifests
from reconciler.model import Path as Place
from reconciler.model import Table
from tests.support.declared_targets import TARGETS


class Bulb(BaseModel):
    """A part of a lamp."""

    model_config = Spec.model_config

    type: Literal["LED", "Halogen"]
    maker_name: Text = unmanaged_field("Who made it.")


OCTARINE = Explanation("toy.octarine", "octarine can't be seen", "wizards only", "choose another colour")
NOTHING = Explanation("toy.nothing", "declares nothing to manage", remedy="give at least one field, such as label")
BROKEN = Explanation("toy.broken", "the lamp is broken", "it has no owner", "remove it")


class Lamp(Spec):
    """Has a field of every type, and is found by its socket."""

    socket: Name = unmanaged_field("What it is plugged into.")
    label: Text = unmanaged_field("Text.")
    colours: Annotated[tuple[Text, ...], Field(strict=False, min_length=1)] = unmanaged_field("A set of text.")
    bulbs: Annotated[tuple[Bulb, ...], Field(strict=False, min_length=1)] = unmanaged_field("A set of mappings.")
    lit: bool = unmanaged_field("A boolean.")
    watts: Annotated[int, Field(ge=1, le=2**31 - 1)] = unmanaged_field("A whole number.")
    until: date = unmanaged_field("A date.")
    state: Literal["ENABLED", "DISABLED"] = unmanaged_field("A choice.")
    room: Name | int = unmanaged_field("By name or number.")
    clear: Annotated[tuple[Literal["label", "colours"], ...], Field(strict=False, min_length=1)] = unmanaged_field(
        "Emptied."
    )

    def check_fields(self) -> Iterator[Explanation]:
        if not self.model_fields_set:
            yield NOTHING

    def check(self, name: str, tables: Mapping[str, Table]) -> Iterator[tuple[Place | Source, Explanation]]:
        for index, colour in enumerate(self.colours or ()):
            if colour == "octarine":
                yield ("colours", index), OCTARINE

    def identities(self, name: str, tables: Mapping[str, Table]) -> Iterator[tuple[str, Place | Source]]:
        if socket := self.declared().get("socket"):
            yield socket, ("socket",)
        else:
            yield name, ()


NO_ROWS = Table("", (), {"lamp": (), "owner": ()})


class Inventory(Spec):
    """Names a table of lamps."""

    rows: Name = unmanaged_field("A CSV file.")

    def check(self, name: str, tables: Mapping[str, Table]) -> Iterator[tuple[Place | Source, Explanation]]:
        table = tables.get("rows", NO_ROWS)
        for line, lamp in zip(table.lines, table.columns["lamp"], strict=True):
            if lamp == "broken":
                yield Source(table.file, line, 1), BROKEN

    def identities(self, name: str, tables: Mapping[str, Table]) -> Iterator[tuple[str, Place | Source]]:
        table = tables.get("rows", NO_ROWS)
        for line, lamp in zip(table.lines, table.columns["lamp"], strict=True):
            yield lamp, Source(table.file, line, 1)


class Bell(Spec):
    """Belongs to the other API."""

    tone: Text = unmanaged_field("How it sounds.")

    def identities(self, name: str, tables: Mapping[str, Table]) -> Iterator[tuple[str, Place | Source]]:
        yield name, ()


class LampKind(Kind[Lamp, None]):
    """Lamps, of the one API."""

    spec = Lamp
    api = "keyfactor"
    renamable = True


class InventoryKind(Kind[Inventory, None]):
    """Inventories, which name a table."""

    spec = Inventory
    api = "keyfactor"
    tables: ClassVar[Mapping[str, tuple[str, ...]]] = {"rows": ("lamp", "owner")}


class BellKind(Kind[Bell, None]):
    """Bells, of the other API."""

    spec = Bell
    api = "csms"


KINDS = Registry([LampKind(), InventoryKind(), BellKind()])


def lamp(spec: str, name: str = "desk") -> str:
    """Return a document whose spec, in flow style, begins on line 4 at column 7."""
    return f"apiVersion: reconciler/v1\nkind: Lamp\nmetadata: {{name: {name}}}\nspec: {spec}\n"


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Put files into a folder, with the folders on their way."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def loaded(folder: Path, targets: DeclaredTargets = TARGETS) -> LoadedManifests:
    """Load a folder; what is shown is relative to it."""
    return load_manifests([folder], kinds=KINDS, targets=targets, base=folder)


def complaints(folder: Path, targets: DeclaredTargets = TARGETS) -> list[str]:
    """Return the problems of a folder's manifests as they are printed; [] if there are none."""
    try:
        loaded(folder, targets)
    except InvalidError as error:
        return [str(problem) for problem in error.problems]
    return []
