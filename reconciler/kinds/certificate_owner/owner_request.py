"""The request that sets a certificate's owner, PUT /Certificates/{id}/Owner (version 1), and the way back from it."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.kinds.certificate_owner.owner_roles import OwnerRole, name_owner
from reconciler.kinds.kind import Meaning
from reconciler.kinds.stored_requests import check_expectation, check_request, check_texts
from reconciler.model import Call, Json, Query, Request, Subject
from reconciler.payloads.certificate_table import CertificateRow
from reconciler.payloads.certificates import CERTIFICATES_PATH

_DESCRIPTION = ("Name", "Expires", "Revoked")
"""What a base tells of a certificate beside its owner, for whoever reads the plan."""

_OWNER_RENAMED = "OwnerRenamedTo"
"""Member of a base: what the present owner is called once the same run has renamed it."""


def build_base(row: CertificateRow) -> dict[str, Json]:
    """Return what a request is built from: all of it as the list and the single answer tell it alike."""
    return {
        "Id": row.id,
        "Thumbprint": row.thumbprint,
        "OwnerRoleId": row.owner_id,
        "OwnerRoleName": row.owner,
        "Name": row.name,
        "Expires": row.expires,
        "Revoked": row.is_revoked,
    }


def restate_certificate(row: CertificateRow, base: Mapping[str, Json]) -> dict[str, Json]:
    """Return a certificate that was read again in the form of a base."""
    return keep_former_owner(fill_description(build_base(row), base), base)


def keep_former_owner(live: Mapping[str, Json], base: Mapping[str, Json]) -> dict[str, Json]:
    """Return a reread certificate with its owner called as in the base, where the same run has renamed that role."""
    new_name = base.get(_OWNER_RENAMED)
    if new_name is None:
        return dict(live)
    is_renamed = (live["OwnerRoleId"], live["OwnerRoleName"]) == (base["OwnerRoleId"], new_name)
    return {**live, _OWNER_RENAMED: new_name} | ({"OwnerRoleName": base["OwnerRoleName"]} if is_renamed else {})


def fill_description(live: Mapping[str, Json], base: Mapping[str, Json]) -> dict[str, Json]:
    """Return a reread certificate with what only one of two answers tells of its names and days.

    None of that can change while the thumbprint stays. What both tell has to agree, or else the plan showed another
    certificate than the one that is there.
    """
    unsaid = {name for name in _DESCRIPTION if live[name] is None or base.get(name) is None}
    return {name: base.get(name) if name in unsaid else value for name, value in live.items()}


def build_owner_request(
    target: str, row: CertificateRow, owner: OwnerRole, query: Query, owner_renamed_to: str = ""
) -> Request:
    """Return the request that gives a certificate to a role, or to nobody where the role has no name.

    `owner_renamed_to` is what the same run calls the present owner before the request is sent.

    Never an empty body, which clears the owner as well: nobody could tell it from an accident.
    """
    name = owner.name or None
    # What the server does with NewRoleId and NewRoleName together is not documented. The name, since a reviewer reads
    # it; that it led to the role that was meant is proved by the id that is read back.
    body = {"NewRoleId": None} if name is None else {"NewRoleName": name}
    expect = {"Id": row.id, "Thumbprint": row.thumbprint, "OwnerRoleName": name}
    # A role that the same run creates has no id yet: it is read back by its name, exactly as it is spelt.
    expect |= {"OwnerRoleId": owner.id} if name is None or owner.id is not None else {}
    base = build_base(row) | ({_OWNER_RENAMED: owner_renamed_to} if owner_renamed_to else {})
    return Request(Call(target, "PUT", f"{CERTIFICATES_PATH}/{row.id}/Owner", body, query), base, expect)


def explain_owner_request(request: Request) -> Meaning:
    """Work out what a stored request does; raises ValueError for one that `build_owner_request` never makes."""
    call, base = request.call, request.base
    name = call.body.get("NewRoleName")
    check_texts([base.get(_OWNER_RENAMED, "")])
    member = "NewRoleName" if "NewRoleName" in call.body else "NewRoleId"
    path = f"{CERTIFICATES_PATH}/{base['Id']}/Owner"
    check_request(call, "PUT", path, members=(member,), query=("CollectionId", "ContainerId"))
    if call.body == {"NewRoleId": None}:
        check_expectation(request, _expect_owner(base, None) | {"OwnerRoleId": None})
    else:
        check_texts([name])
        owner_id = request.expect.get("OwnerRoleId")
        if not name or type(request.expect.get("OwnerRoleId", 1)) is not int:
            raise ValueError("it sets the owner in another way than this kind does")
        check_expectation(request, _expect_owner(base, name) | ({"OwnerRoleId": owner_id} if owner_id else {}))
    before = {"owner": name_owner(base["OwnerRoleId"], base["OwnerRoleName"], name)}
    return Meaning(before, {"owner": name}, f"{base['Thumbprint']} (id {base['Id']})", subjects=(_build_subject(base),))


def _expect_owner(base: Mapping[str, Json], name: str | None) -> dict[str, Json]:
    return {"Id": base["Id"], "Thumbprint": base["Thumbprint"], "OwnerRoleName": name}


def _build_subject(base: Mapping[str, Json]) -> Subject:
    """Return what people call the certificate. None is told by certificates that have no name at all."""
    name, day, is_revoked = base["Name"], base["Expires"], base["Revoked"]
    check_texts([name or "", day or ""])
    if is_revoked not in (None, True, False):
        raise ValueError("it holds another type of value than this kind reads")
    facts = ([("expires", day)] if day else []) + ([("state", "revoked")] if is_revoked else [])
    return Subject(name or "(no name)", tuple(facts))
