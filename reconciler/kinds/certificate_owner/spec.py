"""Certificate owners of Keyfactor Command: PUT /Certificates/{id}/Owner (version 1), one request a certificate.

Certificates are compared as plain columns, from the page to the plan: only those whose owner differs become objects. A
role is named in the body (NewRoleName), so that one which the same run creates can own certificates too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, repeat
from operator import eq
from typing import Annotated, ClassVar, Literal, NamedTuple

from pydantic import Field, StrictBool, StrictInt

from reconciler.diagnostics import Explanation, Source
from reconciler.documents.causes import merge_causes
from reconciler.documents.value_meanings import ValueMeanings
from reconciler.kinds.certificate_owner.query import QueryFault, describe_query_fault, parse_query
from reconciler.kinds.fields import Name, Text, TextPattern, unmanaged_field
from reconciler.kinds.spec_model import Spec, SpecPart
from reconciler.model import Path, Tables
from reconciler.payloads.certificate_table import format_id_key

_NO_THUMBPRINT = Explanation(
    "manifest.invalid-value",
    "is not a SHA-1 thumbprint, so it can match no certificate",
    remedy="write 40 hexadecimal digits without colons",
)
# Of a table's cell colons and blanks are taken away before it is judged.
_NO_THUMBPRINT_IN_TABLE = _NO_THUMBPRINT._replace(remedy="write its 40 hexadecimal digits")
_ONE_SELECTION = Explanation(
    "manifest.inconsistent",
    "needs exactly one of thumbprints, ids and query",
    "otherwise it is unclear which are meant",
)
_ASSIGNED_TWICE = Explanation(
    "manifest.inconsistent",
    "assignments name their own owners and certificates",
    remedy="remove owner, clear and certificates",
)
_NO_CERTIFICATES = Explanation(
    "manifest.missing-field", "does not say which certificates", remedy="give certificates or assignments"
)
_NO_OWNER = Explanation(
    "manifest.inconsistent",
    "needs either owner or clear: [owner]",
    "an absent owner clears nothing",
    "give one of the two",
)
_TWO_SCOPES = Explanation(
    "manifest.inconsistent",
    "collection and container are both given",
    "Command would ignore the container",
    "keep one",
)
_EXCEPT_WITHOUT_QUERY = Explanation(
    "manifest.inconsistent",
    "except is given without a query",
    "certificates that are named one by one need no exception",
    "remove it, and what it names from the list",
)
_EMPTY_EXCEPT = Explanation(
    "manifest.missing-field", "names no certificates", remedy="give thumbprints, ids or a query, or leave it out"
)

_QUERY_ADVICE = (
    "Command would refuse it",
    'a condition reads like IssuedCN -eq "www.example.com"; conditions are joined by AND and OR',
)
QUERY_PATH: Path = ("certificates", "query")
EXCEPT_QUERY_PATH: Path = ("certificates", "except", "query")
"""Where a document's queries stand, below `spec`."""

# SHA-1 gives 160 bits (RFC 3174), whatever algorithm the certificate itself is signed with.
Thumbprint = Annotated[str, TextPattern("[0-9A-Fa-f]{40}", _NO_THUMBPRINT)]


_DECORATION = re.compile(r"^[\s\u200e]*(?:sha-?1 )?fingerprint\s*=|[\s:\u200e]", re.IGNORECASE)
_THUMBPRINT = re.compile("[0-9A-F]{40}")
_DIGITS = re.compile("[0-9A-F]*")


# Command's ids are int32, and 0 stands for "none" in several of its bodies and parameters.
Id = Annotated[StrictInt, Field(ge=1, le=2**31 - 1)]


class ExceptedCertificates(SpecPart):
    """Which certificates that a query finds are left alone: all that any of these names."""

    thumbprints: Annotated[tuple[Thumbprint, ...], Field(strict=False, min_length=1)] = unmanaged_field(
        "SHA-1 thumbprints, 40 hexadecimal digits without colons."
    )
    ids: Annotated[tuple[Id, ...], Field(strict=False, min_length=1)] = unmanaged_field("Command's certificate ids.")
    query: Text = unmanaged_field("A certificate search; whatever it finds is left alone.")

    def check_fields(self) -> Iterator[Explanation]:
        if not self.model_fields_set:
            yield _EMPTY_EXCEPT

    @property
    def keys(self) -> frozenset[str]:
        """The keys of what is named one by one."""
        return frozenset(
            (*(thumbprint.upper() for thumbprint in self.thumbprints or ()), *map(format_id_key, self.ids or ()))
        )


class Certificates(SpecPart):
    """Which certificates: exactly one of thumbprints, ids and query."""

    thumbprints: Annotated[tuple[Thumbprint, ...], Field(strict=False, min_length=1)] = unmanaged_field(
        "SHA-1 thumbprints, 40 hexadecimal digits without colons. Each must exist; see `missing`."
    )
    ids: Annotated[tuple[Id, ...], Field(strict=False, min_length=1)] = unmanaged_field(
        "Command's certificate ids. Each must exist; see `missing`."
    )
    query: Text = unmanaged_field("A certificate search in Command's own query language.")
    except_: ExceptedCertificates = unmanaged_field(
        "Certificates that the query finds and that are left alone, such as those of another document.", alias="except"
    )

    selections: ClassVar[frozenset[str]] = frozenset({"thumbprints", "ids", "query"})
    alternatives: ClassVar[tuple[frozenset[str], ...]] = (
        selections,
        frozenset({"except", "thumbprints"}),
        frozenset({"except", "ids"}),
    )

    def check_fields(self) -> Iterator[Explanation]:
        if len(self.model_fields_set & self.selections) != 1:
            yield _ONE_SELECTION
        if "except_" in self.model_fields_set and "query" not in self.model_fields_set:
            yield _EXCEPT_WITHOUT_QUERY


class CertificateOwner(Spec):
    """Who owns certificates: a security role. Revoked and expired certificates are included."""

    owner: Name = unmanaged_field("The security role that owns the certificates.")
    clear: Annotated[tuple[Literal["owner"], ...], Field(strict=False, min_length=1)] = unmanaged_field(
        "`[owner]` leaves the certificates without an owner."
    )
    certificates: Certificates = unmanaged_field("Which certificates.")
    assignments: Name = unmanaged_field("A CSV file beside the manifest, with the columns thumbprint and owner.")
    collection: Name | Id = unmanaged_field(
        "The certificate collection on which permission is evaluated, by name or id."
    )
    container: Name | Id = unmanaged_field("The certificate store container on which it is evaluated, by name or id.")
    allow_empty: StrictBool = unmanaged_field("Whether the query may match nothing.")
    missing: Annotated[
        Literal["refuse", "report"],
        ValueMeanings(
            {
                "refuse": "a step that is not sent, and `apply` ends 9; what is meant where nothing is said",
                "report": "it is only told",
            }
        ),
    ] = unmanaged_field(
        "What becomes of a certificate that is named and does not exist (purged, renewed): `refuse`, the default, "
        "makes it a step that is not sent and lets `apply` end 9; `report` only tells it. It is drift in both."
    )

    alternatives: ClassVar[tuple[frozenset[str], ...]] = (
        frozenset({"owner", "clear"}),
        *(frozenset({"assignments", field}) for field in ("owner", "clear", "certificates")),
        frozenset({"collection", "container"}),
    )

    def check_fields(self) -> Iterator[Explanation]:
        fields = self.model_fields_set
        if "assignments" in fields and fields & {"owner", "clear", "certificates"}:
            yield _ASSIGNED_TWICE
        if not fields & {"assignments", "certificates"}:
            yield _NO_CERTIFICATES
        # To the API null, a blank name and an empty body all clear the owner: here only a word may do that.
        if "assignments" not in fields and len(fields & {"owner", "clear"}) != 1:
            yield _NO_OWNER
        # The PUT's own rule: with both given CollectionId wins and ContainerId counts as 0.
        if {"collection", "container"} <= fields:
            yield _TWO_SCOPES

    def check(self, name: str, tables: Tables) -> Iterator[tuple[Path | Source, Explanation]]:
        keys = self.list_keys(tables)
        if len(set(keys)) < len(keys) or ("assignments" in tables and not are_thumbprints(keys)):
            yield from self._explain_keys(tables)
        for path, query in self._list_queries():
            if isinstance(fault := parse_query(query), QueryFault):
                yield path, Explanation("manifest.query-syntax", describe_query_fault(fault), *_QUERY_ADVICE)

    def _explain_keys(self, tables: Tables) -> Iterator[tuple[Path | Source, Explanation]]:
        assignments = list(self.list_assignments(tables))
        counts = Counter(assignment.key for assignment in assignments)
        listed = [(key, place) for key, _, place in assignments if counts[key] > 1]
        yield from ((place, _explain_repeat(key)) for key, place in listed if not isinstance(place, Source))
        yield from merge_causes(
            (key, place, _explain_repeat(key)) for key, place in listed if isinstance(place, Source)
        )
        yield from merge_causes(
            ("thumbprint", place, _NO_THUMBPRINT_IN_TABLE.add_subject(repr(key)))
            for key, _, place in assignments
            if isinstance(place, Source) and not is_thumbprint(key)
        )

    def identities(self, name: str, tables: Tables) -> Iterator[tuple[str, Path | Source]]:
        for assignment in self.list_assignments(tables):
            yield assignment.key, assignment.place

    def size(self, tables: Tables) -> int:
        if "assignments" in tables:
            return len(tables["assignments"].lines)
        selection = self.declared().get("certificates")
        return len((selection and (selection.thumbprints or selection.ids)) or ()) or 1

    @property
    def search(self) -> str | None:
        """The query, where certificates are chosen by one."""
        selection = self.declared().get("certificates")
        return selection.query if selection is not None else None

    @property
    def names_ids(self) -> bool:
        """Whether certificates are named by their ids."""
        selection = self.declared().get("certificates")
        return selection is not None and bool(selection.ids)

    @property
    def exceptions(self) -> ExceptedCertificates | None:
        """What the query is not to reach."""
        selection = self.declared().get("certificates")
        return selection.except_ if selection is not None else None

    def _list_queries(self) -> Iterator[tuple[Path, str]]:
        if self.search:
            yield QUERY_PATH, self.search
        if self.exceptions and self.exceptions.query:
            yield EXCEPT_QUERY_PATH, self.exceptions.query

    def list_assignments(self, tables: Tables) -> Iterator[Assignment]:
        """Yield what the document assigns by key; nothing where a query chooses the certificates."""
        owner = self.declared().get("owner")
        selection = self.declared().get("certificates")
        for index, thumbprint in enumerate((selection and selection.thumbprints) or ()):
            yield Assignment(thumbprint.upper(), owner, ("certificates", "thumbprints", index))
        for index, number in enumerate((selection and selection.ids) or ()):
            yield Assignment(format_id_key(number), owner, ("certificates", "ids", index))
        if (table := tables.get("assignments")) is not None:
            columns = table.columns["thumbprint"], table.columns["owner"]
            for line, thumbprint, name in zip(table.lines, *columns, strict=True):
                yield Assignment(thumbprint.upper(), name, Source(table.file, line, 1))

    def list_keys(self, tables: Tables) -> list[str]:
        """Return the keys of `list_assignments`, and no object for each."""
        selection, table = self.declared().get("certificates"), tables.get("assignments")
        return [
            *(thumbprint.upper() for thumbprint in (selection and selection.thumbprints) or ()),
            *map(format_id_key, (selection and selection.ids) or ()),
            *(_fold_thumbprints(table.columns["thumbprint"]) if table else ()),
        ]

    def list_owner_names(self, tables: Tables) -> Iterable[str | None]:
        """Return the owners of `list_assignments`: in a table each line has its own."""
        table = tables.get("assignments")
        named_one_by_one = len(self.list_keys({}))
        return chain(repeat(self.declared().get("owner"), named_one_by_one), table.columns["owner"] if table else ())

    def find_place(self, tables: Tables, index: int) -> Path | Source:
        """Return where the one of `list_assignments` stands that has this number, from 0."""
        selection = self.declared().get("certificates")
        for field in ("thumbprints", "ids") if selection else ():
            count = len(getattr(selection, field) or ())
            if index < count:
                return ("certificates", field, index)
            index -= count
        table = tables["assignments"]
        return Source(table.file, table.lines[index], 1)


def _fold_thumbprints(column: Sequence[str]) -> Sequence[str]:
    """Return a table's thumbprints in upper case; as they are nearly always, it is the same texts and no copies."""
    is_upper = all(map(eq, column, map(str.upper, column)))
    return column if is_upper else list(map(str.upper, column))


class Assignment(NamedTuple):
    """What a document says of one certificate: `owner` is None where it is to be cleared."""

    key: str
    owner: str | None
    place: Path | Source


def _explain_repeat(key: str) -> Explanation:
    summary = f"certificate {key} is listed more than once"
    return Explanation("manifest.duplicate-entry", summary, "it has one owner", "keep one")


def strip_thumbprint(cell: str) -> str:
    """Return a table's cell without what tools put around and between the digits of a thumbprint.

    openssl writes `SHA1 Fingerprint=5B:7E:...`; the certificate window of Windows writes spaces between the bytes, and
    U+200E before the first when it is copied from there.
    """
    # Of what is taken away nothing is a letter or a digit, and `fingerprint` goes with its sign alone.
    return cell if cell.isalnum() else _DECORATION.sub("", cell)


def is_thumbprint(key: str) -> bool:
    """Say whether an upper-case key is a SHA-1 thumbprint."""
    return _THUMBPRINT.fullmatch(key) is not None


def are_thumbprints(keys: Sequence[str]) -> bool:
    """Say whether all upper-case keys are SHA-1 thumbprints."""
    return {40}.issuperset(map(len, keys)) and _DIGITS.fullmatch("".join(keys)) is not None
