"""Files of an export, as a pure function of what exists: the same bytes in any order, each object in one place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.engine.exporting.export_drafts import Draft
from reconciler.engine.exporting.export_layout import ExportLayout, Split, lay_out_files
from reconciler.kinds.exported_document import ExportedDocument
from reconciler.kinds.registry import KINDS

HEAD = "apiVersion: reconciler/v1\nkind: CertificateOwner\nmetadata:\n  name: "


def draft(kind: str, name: str, spec: dict[str, Any], **members: Any) -> Draft:
    manifest = {"apiVersion": "reconciler/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
    return Draft(manifest, ExportedDocument(name, spec, **members), "command")


def own(name: str, thumbprint: str, owner: str = "") -> Draft:
    spec = {"owner": owner or name, "certificates": {"thumbprints": [thumbprint]}}
    return draft("CertificateOwner", name, spec, group=owner or name, rows=((thumbprint, owner or name, "a.example"),))


ROLES = [draft("SecurityRole", name, {"description": name}) for name in ("Web", "web", "A b", "a-b")]
OWNERS = [
    own("Web", "AA"),
    own("Ops", "BB"),
    draft("CertificateOwner", "Certificate-Owners", {"owner": "x", "certificates": {"ids": [6]}}, group="x"),
    draft("CertificateOwner", "Web (2)", {"owner": "Web", "certificates": {"ids": [5]}}, group="Web"),
]
LAYOUTS = st.builds(ExportLayout, st.sampled_from(["kind", "owner", "object"]), st.booleans(), st.booleans())


@given(st.permutations([*ROLES, *OWNERS]), LAYOUTS)
def test_the_order_of_what_exists_changes_nothing(drafts: list[Draft], layout: ExportLayout) -> None:
    """And no object is lost, or written twice."""
    files = lay_out_files(drafts, KINDS, layout)

    assert files == lay_out_files([*ROLES, *OWNERS], KINDS, layout)
    assert list(files) == list(lay_out_files([*ROLES, *OWNERS], KINDS, layout))
    assert all(path.startswith("command/") for path in files) is layout.target_folders
    text = b"".join(files.values()).decode()
    assert [text.count(f"description: {name}\n") for name in ("Web", "web", "A b", "a-b")] == [1, 1, 1, 1]
    assert [text.count(key) for key in ("AA", "BB", "- 5\n")] == [1, 1, 1]


# how it is laid out, and what comes where: of the documents of owners the names, of tables the thumbprints
PLACES: dict[str, dict[str, list[str]]] = {
    "kind": {
        "certificate-owners.yaml": ["certificate-owners (2)", "Web (2)", "Certificate-Owners"],
        "certificate-owners.csv": ["BB", "AA"],
    },
    "owner": {
        "certificate-owners/web.yaml": ["Web", "Web (2)"],
        "certificate-owners/web.csv": ["AA"],
        "certificate-owners/ops.yaml": ["Ops"],
        "certificate-owners/ops.csv": ["BB"],
        "certificate-owners/x.yaml": ["Certificate-Owners"],
    },
    "object": {
        "certificate-owners/web.yaml": ["Web"],
        "certificate-owners/web.csv": ["AA"],
        "certificate-owners/web-2.yaml": ["Web (2)"],
        "certificate-owners/ops.yaml": ["Ops"],
        "certificate-owners/ops.csv": ["BB"],
        "certificate-owners/certificate-owners.yaml": ["Certificate-Owners"],
    },
}


@pytest.mark.parametrize(("split", "places"), PLACES.items(), ids=PLACES)
def test_owners_become_tables_with_a_document_that_names_each(split: Split, places: dict[str, list[str]]) -> None:
    """What no table can say stays beside it; the document of several owners has a name that none of them has."""

    files = {path: data.decode() for path, data in lay_out_files(OWNERS, KINDS, ExportLayout(split, True)).items()}

    assert files.keys() == places.keys()
    for path, members in places.items():
        if path.endswith(".csv"):
            assert [row.split(",")[0] for row in files[path].splitlines()] == ["thumbprint", *members]
        else:
            assert [part.partition("\n")[0] for part in files[path].split(HEAD)[1:]] == members


def test_what_was_left_out_stands_at_the_head_of_its_kind() -> None:
    """Sorted, harmless, and nowhere if no file is the kind's own."""
    absences = ["SecurityRole/b is left out: \x1b", "SecurityRole/a is left out: x", "EventHandler/c is left out: y"]
    files = lay_out_files(ROLES, KINDS, ExportLayout(), absences)
    head = files["security-roles.yaml"].decode().splitlines()[:3]
    assert head == [
        "# SecurityRole/a is left out: x",
        "# SecurityRole/b is left out: \\x1b",
        "apiVersion: reconciler/v1",
    ]
    assert b"left out" not in b"".join(lay_out_files(ROLES, KINDS, ExportLayout("object"), absences).values())
