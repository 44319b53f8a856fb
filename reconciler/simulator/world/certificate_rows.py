"""A certificate as stored, and what a list of them can be sorted and queried by."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from reconciler.simulator.world.query import QueryColumn

SubjectAltName = tuple[int, str]
"""(type, value); the type is the tag of RFC 5280, 4.2.1.6."""
DNS_NAME, IP_ADDRESS = 2, 7


class Certificate(NamedTuple):
    """One certificate as stored. Times are seconds since 1970, UTC. `owner` is a role's id."""

    id: int
    thumbprint: str
    serial: str
    cn: str | None
    not_before: int
    not_after: int
    state: int = 1
    owner: int | None = None
    requester: str = "CORP\\svc-enroll"
    template_id: int = 1
    template: str = "WebServer"
    pattern: int = 1
    authority: str = "ca01.corp.example.com\\Example Issuing CA 1"
    revoked_at: int | None = None
    email: str | None = None
    department: str = "Web"
    has_private_key: bool = False
    sans: tuple[SubjectAltName, ...] | None = None
    """Subject alternative names; None stands for the common name alone, as a DNS name."""


# 0 to 5 are known from third-party code; 6 to 8 exist, their names are a choice (KF 6.1).
CERTIFICATE_STATE_NAMES = (
    "Unknown",
    "Active",
    "Revoked",
    "Denied",
    "Failed",
    "Pending",
    "Certificate Authority",
    "Parent Certificate Authority",
    "External Validation",
)


def _convert_to_datetime(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def build_subject_name(row: Certificate) -> str:
    """Return the subject."""
    # A certificate whose names are all alternative ones may do without a common name (RFC 6125, 6.4.4).
    common_name = "" if row.cn is None else f"CN={row.cn},"
    return f"{common_name}OU={row.department},O=Example Corp,C=DE"


def list_subject_alt_names(row: Certificate) -> tuple[SubjectAltName, ...]:
    """Return the subject alternative names."""
    if row.sans is not None:
        return row.sans
    return () if row.cn is None else ((DNS_NAME, row.cn),)


def build_issuer_name(row: Certificate) -> str:
    """Return the issuer's subject."""
    return f"CN={row.authority.rpartition(chr(92))[2]},O=Example Corp,C=DE"


SORT_KEYS: dict[str, Callable[[Certificate], object]] = {
    "certid": lambda row: row.id,
    "issuedcn": lambda row: (row.cn or "").lower(),
    "issueddate": lambda row: row.not_before,
    "issuerdn": lambda row: build_issuer_name(row).lower(),
    "issueddn": lambda row: build_subject_name(row).lower(),
    "notafter": lambda row: row.not_after,
    "notbefore": lambda row: row.not_before,
    "thumbprint": lambda row: row.thumbprint,
    "serialnumber": lambda row: row.serial,
}
"""Sort fields (KF 6.1: CertId, IssuedCN, IssuedDate, IssuerDN are seen; Id and CertificateId are refused)."""
_COLUMNS: dict[str, QueryColumn] = {
    # Query names are not always members' names: the member is Id (KF 6.2).
    "certid": QueryColumn("integer", lambda row: row.id),
    "certrequestid": QueryColumn("integer", lambda row: row.id),
    "thumbprint": QueryColumn("string", lambda row: row.thumbprint),
    "serialnumber": QueryColumn("string", lambda row: row.serial),
    "cn": QueryColumn("string", lambda row: row.cn),
    "issuedcn": QueryColumn("string", lambda row: row.cn),
    "issueddn": QueryColumn("string", build_subject_name),
    "issuerdn": QueryColumn("string", build_issuer_name),
    "issueddate": QueryColumn("date", lambda row: _convert_to_datetime(row.not_before)),
    "notbefore": QueryColumn("date", lambda row: _convert_to_datetime(row.not_before)),
    "notafter": QueryColumn("date", lambda row: _convert_to_datetime(row.not_after)),
    "importdate": QueryColumn("date", lambda row: _convert_to_datetime(row.not_before)),
    "revocationeffdate": QueryColumn("date", lambda row: _convert_to_datetime(row.revoked_at)),
    "certstate": QueryColumn("integer", lambda row: row.state),
    "keysizeinbits": QueryColumn("integer", lambda _row: 2048),
    # Not documented as a query field (KF 6.2).
    "ownerroleid": QueryColumn("integer", lambda row: row.owner),
    "templatename": QueryColumn("string", lambda row: row.template),
    "templateshortname": QueryColumn("string", lambda row: row.template),
    "requestername": QueryColumn("string", lambda row: row.requester),
    "netbiosrequester": QueryColumn("string", lambda row: row.requester),
    "caname": QueryColumn("string", lambda row: row.authority),
    "issuedou": QueryColumn("string", lambda row: row.department),
    "issuedemail": QueryColumn("string", lambda row: row.email),
    "hasprivatekey": QueryColumn("boolean", lambda row: row.has_private_key),
    "department": QueryColumn("string", lambda row: row.department),
}


def build_certificate_columns(owner_name: Callable[[int], str | None]) -> dict[str, QueryColumn]:
    """Return the queryable fields (KF 6.2) by their names in lower case."""
    owner = QueryColumn("string", lambda row: None if row.owner is None else owner_name(row.owner))
    return {**_COLUMNS, "ownerrolename": owner}
