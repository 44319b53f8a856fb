"""Command's version two permission model: the strings a server knows, and what one of them grants (KF 4)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

# As of 24.x and 25.x; other versions have other ones (KF 4.2).
_LEAVES = """
/agents/auto_registration/{modify,read}/ /agents/management/{modify,read}/
/agents/management/mac/auto-enrollment/management/{modify,read}/
/application_settings/{modify,read}/ /auditing/read/
/certificate_authorities/{modify,read}/ /certificate_templates/{modify,read}/
/certificate_stores/{change_owner,modify,read,schedule}/
/certificates/collections/{change_owner,delete,modify,read,revoke}/
/certificates/collections/metadata/modify/ /certificates/collections/private_key/{import,read}/
/certificates/enrollment/{csr,csr_generation,pfx}/ /certificates/expanded_change_owner/
/certificates/import/ /certificates/requests/manage/
/dashboard/read/ /dashboard/risk_header/read/
/identity_providers/{modify,read}/ /metadata/types/{modify,read}/
/monitoring/alerts/{modify,read,schedule,schedule/revocation,test}/
/monitoring/handlers/registration/{modify,read}/
/pam/{modify,read}/ /portal/read/ /reports/{modify,read}/ /scripts/{modify,read}/
/security/{modify,read}/ /ssh/{enterprise_admin,server_admin,user}/ /ssl/{modify,read}/
/system_settings/{modify,read}/ /workflows/definitions/{modify,read}/
/workflows/instances/manage/ /workflows/instances/read/ /workflows/instances/read/{mine,pending}/
"""
# An id narrows a permission and can only stand last: a number, or a GUID for a provider (KF 4.1).
_SCOPED_PERMISSION = re.compile(
    r"(/(?:certificates/collections|certificate_stores|pam|identity_providers)/.*?)(?:[0-9]+|[0-9a-f-]{36})/"
)


def _expand_template(template: str) -> list[str]:
    match = re.search(r"\{([^}]*)\}", template)
    return [template.replace(match[0], word) for word in match[1].split(",")] if match else [template]


DOCUMENTED_PERMISSIONS: tuple[str, ...] = tuple(
    sorted(leaf for template in _LEAVES.split() for leaf in _expand_template(template))
)
"""What GET /Permissions answers, without `/`, where no switch adds or removes one."""


class PermissionCatalogue(NamedTuple):
    """The permission strings of one server: those of the lowest level, sorted, and these with all levels above."""

    leaves: tuple[str, ...]
    levels: frozenset[str]

    def knows(self, permission: str) -> bool:
        """Tell whether it is a leaf, a level above one (`/certificates/` can be granted too, KF 4.2), or has an id."""
        scoped = _SCOPED_PERMISSION.fullmatch(permission)
        return (scoped[1] if scoped else permission) in self.levels


@lru_cache(maxsize=32)
def build_catalogue(added: str = "", removed: str = "") -> PermissionCatalogue:
    """Return the permissions of a server that has one more and one less than those that are documented."""
    leaves = sorted({*DOCUMENTED_PERMISSIONS, added} - {"", removed})
    levels = frozenset(
        "/".join(parts[:end]) + "/"
        for parts in (leaf.split("/")[:-1] for leaf in leaves)
        for end in range(1, len(parts) + 1)
    )
    return PermissionCatalogue(tuple(leaves), levels)


def find_redundant_permissions(permissions: Iterable[str]) -> list[str]:
    """Return the permissions that another of the list grants already, or that are repeated."""
    strings = list(permissions)
    return sorted(
        {
            permission
            for i, permission in enumerate(strings)
            for j, broader in enumerate(strings)
            if i != j and permission.startswith(broader)
        }
    )


def is_granted(permissions: Iterable[str], required: str) -> bool:
    """Tell whether one of the held permissions is the wanted one or a level above it."""
    # Inheritance is by prefix (KF 4.1). Every string ends with a slash, so /ssh/user/ grants no /ssh/users/.
    return any(required.startswith(permission) for permission in permissions)


V1_AREAS: dict[str, str] = {
    "/": "AdminPortal:Read",
    "/portal/read/": "AdminPortal:Read",
    "/certificates/collections/read/": "Certificates:Read",
    "/certificates/collections/metadata/modify/": "Certificates:EditMetadata",
    "/certificates/collections/revoke/": "Certificates:Revoke",
    "/certificates/collections/delete/": "Certificates:Delete",
    "/certificates/import/": "Certificates:Import",
    "/certificates/requests/manage/": "WorkflowManagement:Participate",
    "/certificates/enrollment/pfx/": "CertificateEnrollment:EnrollPFX",
    "/certificates/enrollment/csr/": "CertificateEnrollment:EnrollCSR",
    "/monitoring/alerts/read/": "WorkflowManagement:Read",
    "/monitoring/handlers/registration/read/": "EventHandlerRegistration:Read",
    "/monitoring/handlers/registration/modify/": "EventHandlerRegistration:Modify",
    "/security/read/": "SecuritySettings:Read",
    "/security/modify/": "SecuritySettings:Modify",
    "/auditing/read/": "Auditing:Read",
    "/dashboard/read/": "Dashboard:Read",
    "/reports/read/": "Reports:Read",
    "/system_settings/read/": "SystemSettings:Read",
    "/certificate_stores/read/": "CertificateStoreManagement:Read",
}
"""The version 1 `Area:Permission` of version 2 strings (KF 1.7); strings without one are invisible to version 1."""
