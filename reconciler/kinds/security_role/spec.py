"""Security roles of Keyfactor Command: /Security/Roles, version 2.

The list carries neither permissions nor claims, so each declared role is read once more by id. PUT clears what is not
sent: its body is the whole role as read, with the declared fields over it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from reconciler.diagnostics import Explanation
from reconciler.kinds.fields import Name, Prose, TextPattern, unmanaged_field
from reconciler.kinds.security_role.claims import (
    Claim,
)
from reconciler.kinds.security_role.named_resources import PermissionText
from reconciler.kinds.security_role.permissions import find_redundant_pairs
from reconciler.kinds.spec_model import Spec
from reconciler.model import Path, Tables
from reconciler.payloads.claims import (
    is_same_claim,
)

# A pattern, not a list: the strings differ by version, and the last segment may be an id, a GUID or a name in braces.
Permission = Annotated[str, StringConstraints(max_length=512), PermissionText()]


EmailAddress = Annotated[
    str,
    # 64 octets before the @ and 255 after it (RFC 5321, 4.5.3.1.1 and 4.5.3.1.2).
    StringConstraints(max_length=320),
    TextPattern(
        r"[^@\s]+@[^@\s]+",
        Explanation(
            "manifest.invalid-value", "is not an e-mail address", "nobody could be reached", "write name@domain"
        ),
    ),
]


_NOTHING_MANAGED = Explanation(
    "manifest.nothing-managed",
    "declares nothing to manage",
    remedy="give at least one field, such as permissions",
)


class SecurityRole(Spec):
    """A security role: its description, permission set, permissions and the claims that hold it."""

    description: Prose = unmanaged_field("What the role is for. Command requires one.")
    email_address: EmailAddress = unmanaged_field("Where workflows reach the owner of certificates.")
    permission_set: Name = unmanaged_field("The permission set that bounds the role's permissions, by name or GUID.")
    permissions: Annotated[tuple[Permission, ...], Field(strict=False, min_length=1)] = unmanaged_field(
        "Version two permission strings, as a set. A string grants everything that starts with it. In the place of a "
        "collection's or container's id its name may stand: '/certificates/collections/read/{collection: NAME}/', "
        "'/certificate_stores/read/{container: NAME}/', in quotes."
    )
    claims: Annotated[tuple[Claim, ...], Field(strict=False, min_length=1)] = unmanaged_field(
        "Who holds the role, as a set."
    )
    additive: Annotated[tuple[Literal["permissions", "claims"], ...], Field(strict=False, min_length=1)] = (
        unmanaged_field("Lists that gain the declared members and keep the others.")
    )
    clear: Annotated[
        tuple[Literal["emailAddress", "permissions", "claims"], ...], Field(strict=False, min_length=1)
    ] = unmanaged_field("Fields to empty.")

    def check_fields(self) -> Iterator[Explanation]:
        if not self.model_fields_set - {"additive"}:
            yield _NOTHING_MANAGED

    def check(self, name: str, tables: Tables) -> Iterator[tuple[Path, Explanation]]:
        yield from self._check_switches()
        yield from self._check_permissions()
        yield from self._check_claims()

    def _check_switches(self) -> Iterator[tuple[Path, Explanation]]:
        """What is cleared can't be declared as well, and what is additive has to be."""
        declared, given = self.declared(), self.given
        for index, field in enumerate(declared.get("clear", ())):
            if field in given:
                summary, reason = f"{field} is both declared and cleared", "only one can be meant"
                yield ("clear", index), Explanation("manifest.inconsistent", summary, reason, "remove the other")
        for index, field in enumerate(declared.get("additive", ())):
            if field not in given:
                summary = f"{field} is not declared, so there is nothing to add"
                remedy = "declare it or remove this"
                yield ("additive", index), Explanation("manifest.inconsistent", summary, remedy=remedy)

    def _check_permissions(self) -> Iterator[tuple[Path, Explanation]]:
        permissions: tuple[str, ...] = self.declared().get("permissions", ())
        for child, parent in find_redundant_pairs(permissions):
            place = ("permissions", permissions.index(child))
            yield place, Explanation("manifest.redundant", describe_overlap(child, parent), remedy="remove it")
        for index, permission in enumerate(permissions):
            if permission in permissions[:index]:
                summary, reason = f"{permission} is listed twice", "permissions are a set"
                yield ("permissions", index), Explanation("manifest.duplicate-entry", summary, reason, "remove one")

    def _check_claims(self) -> Iterator[tuple[Path, Explanation]]:
        claims: tuple[Claim, ...] = self.declared().get("claims", ())
        for index, claim in enumerate(claims):
            if any(is_same_claim(claim.key, other.key) for other in claims[:index]):
                summary = f"the {claim.type} claim {claim.value!r} is listed twice"
                yield ("claims", index), Explanation("manifest.duplicate-entry", summary, remedy="remove one")

    def identities(self, name: str, tables: Tables) -> Iterator[tuple[str, Path]]:
        # Command's rule for letter case is not documented; SQL Server's usual collation folds it, as does who compares.
        yield name, ()


def describe_overlap(child: str, parent: str) -> str:
    return f"{child} is already granted by {parent}"
