"""What a kind is: the contract that every folder in `kinds/` fulfils.

A kind is two things: a `Spec`, the frozen pydantic model of what a manifest may say, and a `Kind`, which knows how to
observe a server through a read-only API, to set what is declared beside what is found, and to encode the one request
that turns the one into the other. It never sends. A request walks through it like this:

    observe(read, documents, run) -> live   I/O through `read` alone: what the kind needs, in its own frozen value
    compare(document, live, run)           pure: one `Match` an object, both sides in the manifest's own field names
    encode(match) -> Request             pure: the whole body, the base it was built from and the state it leads to
    explain(request) -> Meaning          pure: what a request does, worked out again from what it holds
    reread(read, step) -> base form      I/O through `read`: just before and after the write
    settle(step, reply, live)            pure: what the answer and the object read back say of each change
    list_objects(live, documents)        pure: what exists, and which of it no document declares

Where the run that sent it is gone, a later one has no request any more, only digests. What was left of the request is
its `outline`, which `reread` finds the object with; `normalize` and `select_marks` give what digests are made of. Of
what is remembered of its steps `restore` makes documents that take them back; and `adopt` takes the other way round,
from what `compare` found into the documents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar, Generic, NamedTuple, Self, cast

from typing_extensions import TypeVar

from reconciler.diagnostics import Address, Diagnostic, Source
from reconciler.field_origins import FieldOrigin
from reconciler.kinds.adoption import Adopted, ComparedDocument, adopt_document
from reconciler.kinds.claimed_acts import ClaimedActs
from reconciler.kinds.document_kind import DocumentKind
from reconciler.kinds.exported_document import ExportedDocument
from reconciler.kinds.listed_objects import ListedObject
from reconciler.kinds.requirements import Permissions
from reconciler.kinds.restoration import FormerDocument, RememberedStep, UndoObstacle, build_former_fields
from reconciler.kinds.rights_source import RightsSource
from reconciler.kinds.spec_model import Spec
from reconciler.model import (
    Action,
    Gap,
    Json,
    ObjectSides,
    Obstacle,
    Path,
    Reply,
    Request,
    RiskAssessment,
    Ruling,
    Step,
    Subject,
    Tables,
    Verdict,
)
from reconciler.reader import Read

SpecT_co = TypeVar("SpecT_co", bound="Spec", default=Any, covariant=True)
LiveT = TypeVar("LiveT", default=Any)
EncoderInputT_co = TypeVar("EncoderInputT_co", default=Any, covariant=True)


@dataclass(frozen=True, slots=True)
class Wanted(Generic[SpecT_co]):
    """One manifest document: what it declares and where it stands."""

    address: Address
    spec: SpecT_co
    source: Source
    labels: Mapping[str, str] = field(default_factory=dict)
    tables: Tables = field(default_factory=dict)
    # Not compared: a function equals only itself, and a file loaded twice must give equal documents.
    at: Callable[[Path], Source] = field(default=lambda _path: Source("manifest"), compare=False, repr=False)
    """Position of a place inside the document; scans the text again, so only errors should ask."""
    renamed_from: str = ""
    """The former name of its object, which is to be renamed; only of a kind that is `renamable`."""
    layers: tuple[str, ...] = field(default=(), compare=False)
    """The layers of an environment whose documents it is made of, the lowest first."""
    origin: Callable[[Path], FieldOrigin] | None = field(default=None, compare=False, repr=False)
    """Which line decided a value of the document; None where no layers are."""

    @property
    def keys(self) -> frozenset[str]:
        """What its objects are recognised by, letter case folded; what it renames goes by both names."""
        names = filter(None, (self.address.name, self.renamed_from))
        return frozenset(key.casefold() for name in names for key, _ in self.spec.identities(name, self.tables))


@dataclass(frozen=True, slots=True)
class Match(Generic[SpecT_co, EncoderInputT_co]):
    """One declared object beside the live one, both as {manifest field: value}; sets are frozensets.

    `before` is None where nothing exists; otherwise it holds the fields of `after` alone, since what is not declared is
    not compared. `encoder_input` is whatever the kind needs to encode the request. A `refusal` says why no request may
    be made, and `obstacle` of which sort that is; `needs` are documents of the same run whose object has to be created
    before it. `objects` is how many objects it stands for; `names` are of members of its lists that hold an id. What a
    step says of its changes, object and subjects is told by its request, where there is one (`explain`).
    """

    document: Wanted[SpecT_co]
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]
    encoder_input: EncoderInputT_co = cast(Any, None)  # noqa: RUF009 - a refused match has nothing to encode
    object: str = ""
    source: Source | None = None
    refusal: str = ""
    objects: int = 1
    subjects: tuple[Subject, ...] = ()
    needs: frozenset[Address] = frozenset()
    obstacle: Obstacle = Obstacle.REFUSED
    names: Mapping[str, str] = field(default_factory=dict)


class Absence(NamedTuple):
    """A declared object that does not exist, of a document that wants this told and nothing else.

    `after` is what it would be, by manifest field.
    """

    problem: Diagnostic
    after: Mapping[str, Any] = {}

    def make_match(self, document: Wanted) -> Match:
        """Return it as a difference like others."""
        problem = self.problem
        return Match(
            document,
            None,
            self.after,
            object=problem.object_name,
            source=problem.source,
            refusal=problem.summary,
            obstacle=Obstacle.ABSENT,
        )


class Note(NamedTuple):
    """Something to tell that changes nothing, such as an expired document."""

    problem: Diagnostic


class Tally(NamedTuple):
    """Objects compared and found in sync, where a kind compares columns and yields no Match for equals."""

    in_sync: int


Finding = Match | Diagnostic | Note | Absence | Tally | Gap
"""What comparing one document can yield."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a comparison may know besides the live state: the day (UTC) and what the same run declares."""

    today: date
    declared: frozenset[Address] = frozenset()
    renames: Mapping[Address, str] = field(default_factory=dict)
    """The former names of objects that are to be renamed, by what they are to be called."""
    claimed_acts: ClaimedActs = field(default_factory=dict)
    """The irreversible acts that earlier runs did, or may have done."""
    tell: Callable[[str], None] = field(default=lambda _line: None, compare=False, repr=False)
    """Hears, from any thread, how something is read that may take long."""

    @classmethod
    def of_documents(cls, today: date, documents: Sequence[Wanted], claimed_acts: ClaimedActs | None = None) -> Self:
        """Return what a run of these documents declares."""
        renames = {document.address: document.renamed_from for document in documents if document.renamed_from}
        return cls(today, frozenset(document.address for document in documents), renames, claimed_acts or {})


_APPLIED = Ruling(Verdict.APPLIED)


class Meaning(NamedTuple):
    """What a request does to which object, told from the request alone, in the manifest's own field names.

    `before` and `after` are as in `Match`, but hold every field. `name` is the object's own where metadata.name has to
    be that; of the paths in `opaque` the request shows that they change, and not from what to what in the manifest's
    words. `subjects` are as in `Step`.
    """

    before: Mapping[str, Any] | None
    after: Mapping[str, Any]
    object: str
    name: str | None = None
    opaque: frozenset[str] = frozenset()
    subjects: tuple[Subject, ...] = ()


class Kind(DocumentKind, Generic[SpecT_co, LiveT]):
    """What the tool knows of a kind: how to observe, compare, encode, reread and settle. Stateless; one instance each.

    A stored step can be reread and settled without its document: `reread`, `unmet`, `settle` and `explain` take nothing
    else.
    """

    parts: ClassVar[tuple[str, ...]] = ()
    """Fields of an object that can be left as they are while others are written; none where it goes as a whole."""
    after: ClassVar[tuple[str, ...]] = ()
    """Kinds whose steps run before this kind's."""
    last: ClassVar[tuple[str, ...]] = ()
    """Paths whose requests run after all others of their level, since those others carry what they change."""
    names_objects: ClassVar[bool] = False
    """Whether a document may be about several objects that `Step.object` tells apart, and not the paths of changes."""
    parallel_writes: ClassVar[int] = 1
    """How many of its steps are under way at once where nothing is said; with 1 always one by one."""
    limit: ClassVar[int] = 10
    """How many objects one run may change where the settings don't say."""
    requires: ClassVar[Permissions] = Permissions()
    """What an account must be allowed to do, as `doctor` tells it."""
    rights: ClassVar[RightsSource] = RightsSource()
    """What its steps have to do with who may do what."""
    listed_as: ClassVar[tuple[str, str]] = ("", "")
    """What one live object that no document declares is called, and what several are; empty where none has to be."""

    def observe(self, read: Read, documents: Sequence[Wanted[SpecT_co]], run: Run) -> LiveT:
        """Read what these documents need, and nothing else."""
        raise NotImplementedError

    def observe_inventory(self, read: Read, documents: Sequence[Wanted[SpecT_co]], run: Run) -> LiveT:
        """Read every object that exists, and what else tells which of them these documents declare."""
        return self.observe(read, (), run)

    def list_objects(self, live: LiveT, documents: Sequence[Wanted[SpecT_co]]) -> Iterable[ListedObject] | None:
        """Say of each object in what was observed whether one of all documents of the kind declares it.

        None where that can't be told: not all objects were read, or it isn't known what a document means.
        """
        return None

    def count_undeclared(self, live: LiveT, documents: Sequence[Wanted[SpecT_co]]) -> int | None:
        """Return how many objects of `list_objects` no document declares."""
        objects = self.list_objects(live, documents)
        return None if objects is None else sum(not listed.is_declared for listed in objects)

    def compare(self, document: Wanted[SpecT_co], live: LiveT, run: Run) -> Iterator[Finding]:
        """Set one document beside the live state."""
        raise NotImplementedError

    def encode(self, match: Match[Any, Any]) -> Request:
        """Encode the one request; raises CannotEncode rather than drop or guess."""
        raise NotImplementedError

    def action(self, match: Match[Any, Any]) -> Action:
        """Say what the request does; `clear` only if every difference empties a field."""
        return self.choose_action(match.before, match.after)

    def choose_action(self, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> Action:
        """Say what turning these fields into those does."""
        if before is None:
            return Action.CREATE
        changed_fields = [name for name, value in after.items() if before.get(name) != value]
        # False empties nothing: a switch that is turned off has a value.
        return (
            Action.CLEAR
            if all(not after[name] and after[name] is not False for name in changed_fields)
            else Action.UPDATE
        )

    def explain(self, request: Request) -> Meaning:
        """Work out from base, expect and body what a stored request does.

        Raises ValueError for one that `encode` never makes: another method or path, a body that does not fit its base,
        an expectation that does not follow from the body.
        """
        raise NotImplementedError

    def assess(self, path: str, before: Json, after: Json, sides: ObjectSides) -> RiskAssessment:
        """Judge one change; `before` is None on creation, and `sides` are the whole object, where it is known."""
        raise NotImplementedError

    def reread(self, read: Read, step: Step) -> Json:
        """Return the step's object as it is now, in the form of `Request.base`; None if absent."""
        raise NotImplementedError

    def reread_listed(self, read: Read, steps: Sequence[Step]) -> Mapping[int, Json]:
        """Return what `reread` would, by a step's index, as far as list calls tell it; raises as that."""
        return {}

    def outline(self, request: Request) -> Request:
        """Return a request with nothing left in it but what finds its object again: ids, and no content of an object.

        `reread` of a step with the outline in the place of its request gives the object as it is.
        """
        return Request(request.call._replace(body={}), None, {})

    def normalize(self, live: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return a reread object in the form in which a field is equal exactly if it means the same to the server."""
        return live

    def select_marks(self, state: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return what of a base, or of what is expected, a normalized object is recognised by, in the same form."""
        return self.normalize(state)

    def list_acts(self, request: Request) -> Mapping[str, str]:
        """Return the irreversible acts in a request, and by which of its marks each is recognised."""
        return {}

    def name_object(self, request: Request) -> Mapping[str, Json]:
        """Return fields of a spec by which a document finds the object of a request that changes one.

        What else `restore` needs of what the request takes away may stand there too.
        """
        return {}

    def restore(self, steps: Sequence[RememberedStep]) -> Iterator[FormerDocument | UndoObstacle]:
        """Yield documents that say of the objects of these steps, all of one document, what they were before."""
        for step in steps:
            spec = {**step.identity, **build_former_fields(step.changes)}
            yield FormerDocument(step.address, spec, {(): step.number})

    def adopt(self, documents: Sequence[ComparedDocument], live: LiveT) -> Iterator[Adopted]:
        """Yield what documents of one target are to say, so that their objects are as declared. Pure.

        All documents of the kind are given, those that differ in nothing as well.
        """
        for document in documents:
            if document.is_editable and document.differences:
                yield from adopt_document(document)

    def is_same_value(self, path: str, value: Json, other: Json) -> bool:
        """Say whether two values of a change mean the same to the server."""
        return bool(value == other)

    def unmet(self, step: Step, live: Json) -> tuple[str, ...]:
        """Name what of `expect` does not hold in a reread object; empty when the step's goal is reached."""
        expect = step.request.expect if step.request else {}
        if live is None:
            return ("the object",)
        return tuple(name for name, value in expect.items() if live.get(name) != value)

    def settle(self, step: Step, reply: Reply | None, live: Json) -> tuple[Ruling, ...]:
        """Rule on each change from the successful answer (None: there was none) and the object read back.

        `unknown` means that a later read may still settle it.
        """
        missing = self.unmet(step, live)
        ruling = (
            Ruling(Verdict.UNKNOWN, f"reading back does not show it: {', '.join(missing)}") if missing else _APPLIED
        )
        return (ruling,) * len(step.changes)

    def export(self, read: Read) -> Iterator[ExportedDocument]:
        """Yield the live objects as manifests on which `plan` is empty."""
        raise NotImplementedError
