"""What a document manages, by identity: equal identities in two documents are an error before anything is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from reconciler.diagnostics import Source
from reconciler.kinds.registry import KINDS
from reconciler.model import Table

TABLE = {"assignments": Table("o.csv", [2, 3], {"thumbprint": ["a" * 40, "B" * 40], "owner": ["x", "y"]})}
HANDLER = {"enabled": True}
OWNED = {"owner": "x"}

# kind, name, spec, tables: the identities, and where they stand
ROWS: list[tuple[str, str, dict[str, Any], Mapping[str, Table], list[tuple[str, Any]]]] = [
    ("SecurityRole", "PKI Ops", {"description": "d"}, {}, [("PKI Ops", ())]),
    ("EventHandler", "n", {"className": "CSS.A", **HANDLER}, {}, [("CSS.A", ("className",))]),
    ("SecretEvent", "Expiry", {"state": "ENABLED"}, {}, [("Expiry", ())]),
    (
        "CertificateOwner", "o", {**OWNED, "certificates": {"ids": [3, 4]}}, {},
        [("id 3", ("certificates", "ids", 0)), ("id 4", ("certificates", "ids", 1))],
    ),
    (
        "CertificateOwner", "o", {**OWNED, "certificates": {"thumbprints": ["a" * 40]}}, {},
        [("A" * 40, ("certificates", "thumbprints", 0))],
    ),
    (
        "CertificateOwner", "o", {"assignments": "o.csv"}, TABLE,
        [("A" * 40, Source("o.csv", 2, 1)), ("B" * 40, Source("o.csv", 3, 1))],
    ),
    ("CertificateOwner", "o", {**OWNED, "certificates": {"query": "CN -eq \"x\""}}, {}, []),
    (
        "RequestDenial", "d", {"requests": [{"id": 3, "template": "t"}, {"id": 5, "template": "t"}]}, {},
        [("request 3", ("requests", 0, "id")), ("request 5", ("requests", 1, "id"))],
    ),
    ("RequestDenial", "d", {"match": {"template": "t"}}, {}, []),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "name", "spec", "tables", "found"), ROWS)
def test_identities(kind: str, name: str, spec: dict[str, Any], tables: Any, found: list[tuple[str, Any]]) -> None:
    """Each object by what the server tells it by, as it is written; what only a search finds has none."""
    resource = KINDS[kind].spec.load(spec)

    assert list(resource.identities(name, tables)) == found
    assert resource.size(tables) == max(1, len(found))


def test_every_kind_has_a_row() -> None:
    """A new kind says what it manages."""
    assert {row[0] for row in ROWS} == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_declared_that_is_not_said(kind: str) -> None:
    """A default is never taken for a declaration; order is the kind's own."""
    specs: dict[str, dict[str, Any]] = {row[0]: row[2] for row in reversed(ROWS)}
    spec = specs[kind]

    declared = KINDS[kind].spec.load(dict(reversed(spec.items()))).declared()

    assert set(declared) == set(spec)
    assert list(declared) == [name for name in KINDS[kind].spec.model_json_schema()["properties"] if name in spec]
