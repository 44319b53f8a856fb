"""Owners as manifests, whatever the server holds: what is written is valid, changes nothing, and watches everything."""

from __future__ import annotations

from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.diagnostics import Address, Source
from reconciler.kinds.certificate_owner.kind import KIND
from reconciler.kinds.exported_document import ExportedDocument
from reconciler.kinds.kind import Wanted
from reconciler.model import Json
from tests.support.sample_plans import planned
from tests.support.toy_reader import World

NAMES = st.sampled_from(["Web", "web", "WEB", "Web (2)", "Ops ", "", "x" * 250, "x" * 300, "Straße", "STRASSE", "a\tb"])
THUMBPRINTS = st.sampled_from(["A" * 40, "a" * 40, "B" * 40, "C" * 40, "D" * 40, "", "not a thumbprint"])
Row = dict[str, Json]


@st.composite
def live_owners(draw: st.DrawFn) -> dict[str, list[Row]]:
    """Roles, some with one name, and certificates, some with one thumbprint, of them, of nobody, or of unseen roles."""
    names = draw(st.lists(NAMES, max_size=5))
    roles: list[Row] = [{"Id": number, "Name": name} for number, name in enumerate(names, 1)]
    owners = st.sampled_from([(None, None), (77, "Unseen"), (78, None), *((row["Id"], row["Name"]) for row in roles)])
    certificates = [
        {
            "Id": number,
            "Thumbprint": thumbprint,
            "OwnerRoleId": owner_id,
            "OwnerRoleName": owner,
            "IssuedCN": f"h{number}",
        }
        for number, (thumbprint, (owner_id, owner)) in enumerate(
            draw(st.lists(st.tuples(THUMBPRINTS, owners), max_size=8)), 1
        )
    ]
    return {"/Security/Roles": roles, "/Certificates": certificates}


def load(exported: ExportedDocument) -> Wanted[Any]:
    """Return an exported document as a run would read it; raises ValidationError."""
    spec = KIND.spec.load(exported.spec)
    assert not list(spec.check(exported.name, {}))
    return Wanted(Address("command", "CertificateOwner", exported.name), spec, Source(exported.name))


@given(live_owners())
def test_an_export_is_valid_and_changes_nothing(world: dict[str, list[Row]]) -> None:
    """Or the object is told as unfit, and no more than it."""
    exported = list(KIND.export(World(world)))
    assert not any("Value error" in one.unfit for one in exported), "words of a library"
    documents = [load(one) for one in exported if not one.unfit]

    plan = planned(documents, world)

    assert (plan.steps, plan.problems, plan.notes, plan.absences) == ((), (), (), ())
    assert plan.compared.objects == plan.compared.of
    assert len({one.name.casefold() for one in exported}) == len(exported)
    owned = [row for row in world["/Certificates"] if row["OwnerRoleId"]]
    assert sum(document.spec.size({}) for document in documents) + sum(
        len(keys) for one in exported if one.unfit for keys in one.spec["certificates"].values()
    ) == len(owned)


@given(live_owners(), st.data())
def test_whoever_gets_an_exported_certificate_is_drift(world: dict[str, list[Row]], data: st.DataObject) -> None:
    """Another role, one that differs in letter case alone included, and nobody."""
    documents = [load(one) for one in KIND.export(World(world)) if not one.unfit]
    watched = {
        row["Id"]: row
        for row in world["/Certificates"]
        for document in documents
        for assignment in document.spec.list_assignments({})
        if assignment.key in (row["Thumbprint"].upper(), f"id {row['Id']}")
    }
    assume(watched)
    row = watched[data.draw(st.sampled_from(sorted(watched)))]
    others = [(role["Id"], role["Name"]) for role in world["/Security/Roles"] if role["Id"] != row["OwnerRoleId"]]
    owner_id, owner = data.draw(st.sampled_from([(None, None), (99, "Somebody"), *others]))

    changed = [
        {**one, "OwnerRoleId": owner_id, "OwnerRoleName": owner} if one is row else one
        for one in world["/Certificates"]
    ]
    (step,) = planned(documents, {**world, "/Certificates": changed}).steps

    assert step.object == f"{row['Thumbprint']} (id {row['Id']})"


def test_every_line_of_an_export_says_whose_certificate_it_is() -> None:
    """Names and days as comments; certificates without an owner are counted once."""
    web = {"OwnerRoleId": 4, "OwnerRoleName": "Web"}
    rows = [
        {"Id": 1, "Thumbprint": "B" * 40, **web, "IssuedCN": "b.example.com", "NotAfter": "2027-01-31T00:00:00Z"},
        {"Id": 2, "Thumbprint": "A" * 40, **web, "IssuedCN": "a.example.com", "CertState": 2},
        {"Id": 3, "Thumbprint": "C" * 40, "OwnerRoleId": None, "OwnerRoleName": None},
        {"Id": 5, "Thumbprint": "D" * 40, **web},
        {"Id": 6, "Thumbprint": "D" * 40, **web, "NotAfter": "2028-01-31T00:00:00"},
    ]
    first, second = KIND.export(World({"/Security/Roles": [{"Id": 4, "Name": "Web"}], "/Certificates": rows}))

    assert first.spec == {"owner": "Web", "certificates": {"thumbprints": ["A" * 40, "B" * 40]}}
    assert first.comments == {
        ("certificates", "thumbprints", 0): "a.example.com, revoked",
        ("certificates", "thumbprints", 1): "b.example.com, expires 2027-01-31",
    }
    assert first.remarks == ("1 certificate has no owner; nobody watches whether it gets one",)
    assert (second.name, second.spec["certificates"], second.remarks) == ("Web (2)", {"ids": [5, 6]}, ())
    assert second.comments[("certificates", "ids", 1)] == "expires 2028-01-31"
