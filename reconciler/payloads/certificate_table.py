"""Certificates as columns, from their pages to the plan: a row becomes an object only when somebody looks at it."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, MutableSequence, Sequence
from datetime import UTC, datetime
from types import NoneType
from typing import NamedTuple, overload

from reconciler.model import Json
from reconciler.payloads.members import pick_member

# Command 11 has no owners: its rows lack these two, and every certificate reads as unowned.
_OWNER_COLUMNS = ("OwnerRoleId", "OwnerRoleName")
CERTIFICATE_COLUMNS = (
    "Id",
    "Thumbprint",
    *_OWNER_COLUMNS,
    "IssuedCN",
    "NotAfter",
    "CertState",
    "SubjectAltNameElements",
)
_REVOKED = 2
"""CertState of a revoked certificate."""
_DNS_NAME = 2
"""Type of an alternative name that is a host's: its tag in a certificate (RFC 5280, 4.2.1.6)."""
ID_KEY = "id "
"""What the key of a certificate starts with that is named by its id."""


OwnerMark = int | tuple[str] | None
"""What an owner is compared by: the role's id; without one None, or the name in a tuple."""


class CertificateRow(NamedTuple):
    """One certificate. `owner` is the role's name, None where there is none.

    The rest is as the server tells it, since it is looked at for few rows of many; `alternative_names` only where there
    is no common name.
    """

    id: int
    thumbprint: str
    owner_id: int | None
    owner: str | None
    common_name: Json = None
    not_after: Json = None
    state: Json = None
    alternative_names: Json = None

    @property
    def name(self) -> str | None:
        """What people call it: the common name, or else the first of its alternative names as they sort."""
        if self.common_name:
            return str(self.common_name)
        elements = self.alternative_names if isinstance(self.alternative_names, list) else []
        # Sorted, DNS names first, since no order of them is promised: two answers must give one name.
        names = sorted(
            (pick_member(element, "Type") != _DNS_NAME, str(pick_member(element, "Value") or ""))
            for element in elements
            if isinstance(element, Mapping) and pick_member(element, "Value")
        )
        return names[0][1] if names else None

    @property
    def expires(self) -> str | None:
        """The day (UTC) on which it ends, as 2027-01-31; None where the server does not tell it."""
        try:
            moment = datetime.fromisoformat(str(self.not_after or ""))
            # Servers differ in whether a zone is said; it is UTC in both.
            return (moment.astimezone(UTC) if moment.tzinfo else moment).date().isoformat()
        except (ValueError, OverflowError):
            return None

    @property
    def is_revoked(self) -> bool | None:
        """Whether it is revoked; None where the server does not tell its state."""
        return None if self.state is None else self.state == _REVOKED

    @property
    def mark(self) -> OwnerMark:
        """What its owner is compared by."""
        return self.owner_id if self.owner_id is not None else (self.owner,) if self.owner else None

    @property
    def label(self) -> str:
        """What it is called in messages: by its name where it has one, its thumbprint and its id."""
        return f"{self.name} ({self.thumbprint}, id {self.id})" if self.name else f"{self.thumbprint} (id {self.id})"


def format_id_key(number: int) -> str:
    """Return the key of a certificate that is named by its id."""
    return f"{ID_KEY}{number}"


_TEXT = frozenset({str})
_SHARED = frozenset({str, int, NoneType})
_MOST_SHARED = 16_384
"""Values of which the first is kept; with more it would not pay."""


def _list_texts(column: Sequence[Json]) -> list[str]:
    return [str(value or "") for value in column]


class CertificateTable(Sequence[CertificateRow]):
    """Rows in the order in which they were read; columns are there to be looked at, and grow by `add_page` alone."""

    def __init__(self) -> None:
        # An array, in which a million numbers take a fifth of what they take as objects.
        self.ids: MutableSequence[int] = array("q")
        self.thumbprints: list[str] = []
        self.marks: list[OwnerMark] = []
        self._owner_ids: list[int | None] = []
        self._owners: list[str | None] = []
        self._details: tuple[list[Json], ...] = ([], [], [], [])
        self._known: dict[Json, Json] = {}

    def add_page(self, columns: Sequence[Sequence[Json]]) -> None:
        """Add the rows of a page, as columns in the order of `CERTIFICATE_COLUMNS`."""
        numbers, thumbprints, owner_ids, owners, common_names, not_afters, states, alternative_names = columns
        try:
            self.ids.extend(array("q", map(int, numbers)))
        except OverflowError:  # no id of Command's, but nothing to fail for; and then the list has it
            self.ids = [*self.ids, *map(int, numbers)]
        self.thumbprints += thumbprints if _TEXT.issuperset(map(type, thumbprints)) else _list_texts(thumbprints)
        owner_ids, owners = self._share(owner_ids), self._share(owners)
        self._owner_ids += [number or None for number in owner_ids]
        self._owners += [name or None for name in owners]
        self.marks += [number or ((name,) if name else None) for number, name in zip(owner_ids, owners, strict=True)]
        self._details[0].extend(common_names)
        self._details[1].extend(self._share(not_afters))
        self._details[2].extend(states)
        # Of 100,000 rows these lists would take more memory than all the rest.
        kept: list[Json] = [None] * len(common_names)
        for index in [index for index, name in enumerate(common_names) if not name]:
            kept[index] = alternative_names[index]
        self._details[3].extend(kept)

    def _share(self, column: Sequence[Json]) -> Sequence[Json]:
        """Return a column with equal values kept once: of many certificates few have an owner of their own."""
        # By type, since to a dict 1, 1.0 and True are the same.
        if len(self._known) > _MOST_SHARED or not _SHARED.issuperset(map(type, column)):
            return column
        return list(map(self._known.setdefault, column, column))

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, index: int) -> CertificateRow: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[CertificateRow]: ...
    def __getitem__(self, index: int | slice) -> CertificateRow | Sequence[CertificateRow]:
        """Return a row as an object, or several."""
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        details = (column[index] for column in self._details)
        return CertificateRow(
            self.ids[index], self.thumbprints[index], self._owner_ids[index], self._owners[index], *details
        )

    def __iter__(self) -> Iterator[CertificateRow]:
        return map(CertificateRow, self.ids, self.thumbprints, self._owner_ids, self._owners, *self._details)


class RowsByKey(Mapping[str, Sequence[CertificateRow]]):
    """The rows of a table by the keys that are asked for: the upper-case thumbprint, or `id 12`."""

    def __init__(self, table: CertificateTable, keys: Iterable[str] = ()) -> None:
        self.table = table
        # None where a key has no row so far, a list where it has several.
        self._indices: dict[str, int | list[int] | None] = dict.fromkeys(keys)
        self._keys_by_id = {int(key[len(ID_KEY) :]): key for key in self._indices if key.startswith(ID_KEY)}

    def find_in(self, start: int) -> None:
        """Look for the keys among the rows from this one on."""
        indices = self._indices
        for index, key in enumerate(map(str.upper, self.table.thumbprints[start:]), start):
            if key in indices:
                indices[key] = index if indices[key] is None else self._add_row(indices[key], index)
        for index, number in enumerate(self.table.ids[start:] if self._keys_by_id else (), start):
            if key := self._keys_by_id.get(number, ""):
                indices[key] = index if indices[key] is None else self._add_row(indices[key], index)

    def _add_row(self, present: int | list[int] | None, index: int) -> int | list[int]:
        """Return a key's rows with one more; one that two searches found, by thumbprint and by id, counts once."""
        several = present if isinstance(present, list) else [] if present is None else [present]
        ids = self.table.ids
        is_new = all(ids[other] != ids[index] for other in several)
        return [*several, index] if is_new else several if len(several) > 1 else several[0]

    def list_missing(self) -> list[str]:
        """Return the keys that have no row."""
        return [key for key, index in self._indices.items() if index is None]

    def list_places(self, keys: Iterable[str]) -> list[int | list[int] | None]:
        """Return where the row of each key is in the table; a list where there are several, None without one."""
        return list(map(self._indices.get, keys))

    def list_ids(self, keys: Iterable[str]) -> list[int]:
        """Return the ids of the rows of these keys."""
        indices = self.list_places(keys)
        return [
            self.table.ids[number]
            for index in indices
            if index is not None
            for number in (index if isinstance(index, list) else (index,))
        ]

    def __getitem__(self, key: str) -> Sequence[CertificateRow]:
        index = self._indices[key]
        if index is None:
            raise KeyError(key)
        return [self.table[number] for number in (index if isinstance(index, list) else [index])]

    def __iter__(self) -> Iterator[str]:
        return (key for key, index in self._indices.items() if index is not None)

    def __len__(self) -> int:
        return sum(index is not None for index in self._indices.values())
