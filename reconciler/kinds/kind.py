"""What a kind is: the contract that every file in `kinds/` fulfils.

A kind is a frozen pydantic model (the manifest's `spec`) that also knows how to observe itself through a read-only API,
to set what is declared beside what is found, and to encode the one request that turns the one into the other. It never
sends. A request walks through it like this:

    observe(read, documents, run) -> live   I/O through `read` alone: what the kind needs, in its own frozen value
    compare(document, live, run)           pure: one `Match` an object, both sides in the manifest's own field names
    request(match) -> Request            pure: the whole body, the base it was built from and the state it leads to
    reread(read, step) -> base form      I/O through `read`: just before and after the write
    settle(step, reply, live)            pure: what the answer and the object read back say of each change
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar, NamedTuple, Self

from pydantic import (
    BaseModel,
    ConfigDict,
)
from pydantic.alias_generators import to_camel

from reconciler.diagnostics import Address, Diagnostic, Source
from reconciler.kinds.requirements import Permissions
from reconciler.model import Action, Json, Path, Reply, Request, Risk, Ruling, Step, Tables, Verdict
from reconciler.reader import Read


@dataclass(frozen=True, slots=True)
class Wanted:
    """One manifest document: what it declares and where it stands."""

    address: Address
    resource: Resource
    source: Source
    labels: Mapping[str, str] = field(default_factory=dict)
    tables: Tables = field(default_factory=dict)
    # Not compared: a function equals only itself, and a file loaded twice must give equal documents.
    at: Callable[[Path], Source] = field(default=lambda _path: Source("manifest"), compare=False, repr=False)
    """Position of a place inside the document; scans the text again, so only errors should ask."""


@dataclass(frozen=True, slots=True)
class Match:
    """One declared object beside the live one, both as {manifest field: value}; sets are frozensets.

    `before` is None where nothing exists; otherwise it holds the fields of `after` alone, since what is not declared is
    not compared. `found` is whatever the kind needs to encode the request. A `refusal` says why no request may be made.
    `objects` is how many objects it stands for.
    """

    wanted: Wanted
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]
    found: Any = None
    object: str = ""
    source: Source | None = None
    refusal: str = ""
    objects: int = 1


class Note(NamedTuple):
    """Something to tell that changes nothing, such as an expired document."""

    problem: Diagnostic


class Tally(NamedTuple):
    """Objects compared and found in sync, where a kind compares columns and yields no Match for equals."""

    in_sync: int


Finding = Match | Diagnostic | Note | Tally
"""What comparing one document can yield."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a comparison may know besides the live state: the day (UTC) and what the same run declares."""

    today: date
    declared: frozenset[Address] = frozenset()


_APPLIED = Ruling(Verdict.APPLIED)


class ExportedDocument(NamedTuple):
    """One live object as a manifest: metadata.name, spec, and remarks that become comments."""

    name: str
    spec: Mapping[str, Json]
    remarks: tuple[str, ...] = ()


class Resource(BaseModel):
    """The desired state that one document declares. Subclasses are kinds; the class name is the kind's name."""

    # pydantic's lax mode would take "yes" for True and "1" for 1, and its default ignores unknown fields:
    # a misspelt one would be a field that nobody manages.
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)

    api: ClassVar[str]
    """The API that the kind belongs to: "keyfactor" or "csms"."""
    after: ClassVar[tuple[str, ...]] = ()
    """Kinds whose steps run before this kind's."""
    last: ClassVar[tuple[str, ...]] = ()
    """Paths whose requests run after all others of their level, since those others carry what they change."""
    limit: ClassVar[int] = 10
    """How many objects one run may change where the settings don't say."""
    requires: ClassVar[Permissions] = Permissions()
    """What an account must be allowed to do, as `doctor` tells it."""
    tables: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Fields that name a CSV file beside the manifest, with its columns."""
    example: ClassVar[str] = ""
    """A whole document, for `explain` and for the editor."""

    def check(self, name: str, tables: Tables) -> Iterator[tuple[Path | Source, str]]:
        """Yield (place below `spec`, or in a table; message) for what is wrong offline and no field alone can tell."""
        yield from ()

    def identities(self, name: str, tables: Tables) -> Iterable[tuple[str, Path | Source]]:
        """Yield (identity, place) of each object that the document manages; equal identities in two documents clash."""
        raise NotImplementedError

    def size(self, tables: Tables) -> int:
        """How many objects the document declares, as far as it can be known offline."""
        return 1

    @classmethod
    def observe(cls, read: Read, documents: Sequence[Wanted], run: Run) -> Any:
        """Read what these documents need, and nothing else."""
        raise NotImplementedError

    @classmethod
    def compare(cls, document: Wanted, live: Any, run: Run) -> Iterator[Finding]:
        """Set one document beside the live state."""
        raise NotImplementedError

    @classmethod
    def request(cls, match: Match) -> Request:
        """Encode the one request; raises CannotEncode rather than drop or guess."""
        raise NotImplementedError

    @classmethod
    def action(cls, match: Match) -> Action:
        """Say what the request does; `clear` only if every difference empties a field."""
        if match.before is None:
            return Action.CREATE
        changed_fields = [name for name, value in match.after.items() if match.before.get(name) != value]
        # False empties nothing: a switch that is turned off has a value.
        return (
            Action.CLEAR
            if all(not match.after[name] and match.after[name] is not False for name in changed_fields)
            else Action.UPDATE
        )

    @classmethod
    def risk(cls, path: str, before: Json, after: Json) -> Risk:
        """Judge one change; `before` is None on creation."""
        raise NotImplementedError

    @classmethod
    def reread(cls, read: Read, step: Step) -> Json:
        """Return the step's object as it is now, in the form of `Request.base`; None if absent."""
        raise NotImplementedError

    @classmethod
    def unmet(cls, step: Step, live: Json) -> tuple[str, ...]:
        """Name what of `expect` does not hold in a reread object; empty when the step's goal is reached."""
        expect = step.request.expect if step.request else {}
        if live is None:
            return ("the object",)
        return tuple(name for name, value in expect.items() if live.get(name) != value)

    @classmethod
    def settle(cls, step: Step, reply: Reply | None, live: Json) -> tuple[Ruling, ...]:
        """Rule on each change from the successful answer (None: there was none) and the object read back.

        `unknown` means that a later read may still settle it.
        """
        missing = cls.unmet(step, live)
        ruling = (
            Ruling(Verdict.UNKNOWN, f"reading back does not show it: {', '.join(missing)}") if missing else _APPLIED
        )
        return (ruling,) * len(step.changes)

    @classmethod
    def export(cls, read: Read) -> Iterator[ExportedDocument]:
        """Yield the live objects as manifests on which `plan` is empty."""
        raise NotImplementedError

    def declared(self) -> dict[str, Any]:
        """Return the fields that the document sets, by manifest name, in the kind's order, as the model holds them."""
        set_fields, fields = self.model_fields_set, type(self).model_fields
        return {field.alias or name: getattr(self, name) for name, field in fields.items() if name in set_fields}

    @classmethod
    def load(cls, spec: Mapping[str, Any]) -> Self:
        """Validate a spec given by manifest names; raises pydantic.ValidationError."""
        return cls.model_validate(dict(spec))
