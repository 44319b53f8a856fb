"""Certificates by the hundred thousand: immutable rows, sorted ids, JSON made once a row, lists remembered by query."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, MutableMapping
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quote_json
from typing import NamedTuple

from reconciler.simulator.world.query import CompiledQuery, QueryColumn


class Certificate(NamedTuple):
    """One certificate as stored. Times are seconds since 1970, UTC. `owner` is a role's id."""

    id: int
    thumbprint: str
    serial: str
    cn: str
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
# 100,000 certificates are 2,000 pages of 50, each of which would filter and sort all of them again.
_MAX_CACHED_LISTS = 16


class CertificateStore(MutableMapping[int, Certificate]):
    """Certificates by id. Replace a row to change it (`store[7] = store[7]._replace(owner=3)`)."""

    def __init__(self, rows: Iterable[Certificate]) -> None:
        self._rows = {row.id: row for row in rows}
        self._ids: list[int] | None = None
        self._json: dict[int, tuple[str, str]] = {}
        self._lists: dict[Hashable, list[int]] = {}
        self._by_thumbprint: dict[str, int] | None = None

    def __getitem__(self, key: int) -> Certificate:
        return self._rows[key]

    def __setitem__(self, key: int, row: Certificate) -> None:
        old_row = self._rows.get(key)
        self._rows[key] = row
        self._lists.clear()
        self._json.pop(key, None)
        # The usual write sets an owner, after which both indices still hold.
        if old_row is None or old_row.thumbprint != row.thumbprint:
            self._ids = self._by_thumbprint = None

    def __delitem__(self, key: int) -> None:
        del self._rows[key]
        self._lists.clear()
        self._json.pop(key, None)
        self._ids = self._by_thumbprint = None

    def __iter__(self) -> Iterator[int]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def select(
        self,
        key: Hashable,
        query: CompiledQuery | None,
        keep: Callable[[Certificate], bool] | None,
        sort: str,
        *,
        falling: bool,
    ) -> list[int]:
        """Return the ids that pass `query` and `keep`, sorted; the answer is remembered under `key`."""
        ids = self._lists.get(key)
        if ids is None:
            while len(self._lists) >= _MAX_CACHED_LISTS:
                # A dict keeps the order of insertion, so the first key is the oldest.
                del self._lists[next(iter(self._lists))]
            ids = self._lists[key] = self._select_ids(query, keep, sort, falling=falling)
        return ids

    def _select_ids(
        self, query: CompiledQuery | None, keep: Callable[[Certificate], bool] | None, sort: str, *, falling: bool
    ) -> list[int]:
        ids = self._find_candidates(query)
        rows = self._rows
        if query is not None:
            ids = [i for i in ids if query.test(rows[i])]
        if keep is not None:
            ids = [i for i in ids if keep(rows[i])]
        if sort != "certid":
            get = SORT_KEYS[sort]
            # The id breaks ties: by offset, pages of an order that is not total would repeat and lose rows.
            ids = sorted(ids, key=lambda i: (get(rows[i]) or "", i))
        return ids[::-1] if falling else ids

    def _find_candidates(self, query: CompiledQuery | None) -> list[int]:
        if query is not None and query.column == "certid":
            return sorted(i for i in query.values if i in self._rows)
        if query is not None and query.column == "thumbprint":
            if self._by_thumbprint is None:
                self._by_thumbprint = {row.thumbprint.lower(): row.id for row in self._rows.values()}
            return sorted(
                self._by_thumbprint[thumbprint] for thumbprint in query.values if thumbprint in self._by_thumbprint
            )
        if self._ids is None:
            self._ids = sorted(self._rows)
        return self._ids

    def json(self, key: int, owner_name: Callable[[int], str | None]) -> str:
        """Return a row's JSON without metadata, locations and key state; all but the owner's name is made once."""
        parts = self._json.get(key)
        row = self._rows[key]
        if parts is None:
            parts = self._json[key] = _serialize_around_owner(row)
        return f"{parts[0]}{_serialize_owner_name(row, owner_name)}{parts[1]}"


@lru_cache(maxsize=16_384)
def _format_time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _convert_to_datetime(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def build_subject_name(row: Certificate) -> str:
    """Return the subject."""
    return f"CN={row.cn},OU={row.department},O=Example Corp,C=DE"


def build_issuer_name(row: Certificate) -> str:
    """Return the issuer's subject."""
    return f"CN={row.authority.rpartition(chr(92))[2]},O=Example Corp,C=DE"


def serialize_certificate(
    row: Certificate,
    owner_name: Callable[[int], str | None],
    *,
    metadata: str = "{}",
    locations: str = "[]",
    key: bool = False,
) -> str:
    """Serialise one row with the members of KF 6.1, in their order."""
    head, tail = _serialize_around_owner(row, metadata=metadata, locations=locations, key=key)
    return f"{head}{_serialize_owner_name(row, owner_name)}{tail}"


def _serialize_owner_name(row: Certificate, owner_name: Callable[[int], str | None]) -> str:
    name = owner_name(row.owner) if row.owner is not None else None
    return "null" if name is None else quote_json(name)


def _serialize_around_owner(
    row: Certificate, *, metadata: str = "{}", locations: str = "[]", key: bool = False
) -> tuple[str, str]:
    flag = "true" if key and row.has_private_key else "false"
    revoked = f'"{_format_time(row.revoked_at)}"' if row.revoked_at is not None else "null"
    cn, begin, end = quote_json(row.cn), _format_time(row.not_before), _format_time(row.not_after)
    # Text instead of json.dumps(): most members are numbers or constants, and rows are many.
    email = "null" if row.email is None else quote_json(row.email)
    state = f"{CERTIFICATE_STATE_NAMES[row.state]} ({row.state})"
    head = (
        f'{{"Id":{row.id},"Thumbprint":"{row.thumbprint}","SerialNumber":"{row.serial}",'
        f'"IssuedDN":{quote_json(build_subject_name(row))},"IssuedCN":{cn},"ImportDate":"{begin}","NotBefore":"{begin}",'
        f'"NotAfter":"{end}","IssuerDN":{quote_json(build_issuer_name(row))},"PrincipalId":null,"PrincipalName":null,'
        f'"OwnerRoleId":{"null" if row.owner is None else row.owner},'
        '"OwnerRoleName":'
    )
    tail = (
        f',"TemplateId":{row.template_id},"CertState":{row.state},"KeySizeInBits":2048,"KeyType":1,"RequesterId":1,'
        f'"IssuedOU":{quote_json(row.department)},"IssuedEmail":{email},'
        f'"KeyUsage":160,"SigningAlgorithm":"sha256RSA","CertStateString":"{state}",'
        f'"KeyTypeString":"RSA","KeyAlgorithm":"RSA 2048","AltKeyAlgorithm":null,"AltKeySizeInBits":null,'
        f'"AltKeyType":null,"AltKeyTypeString":null,"AltSigningAlgorithm":null,"HasAltPrivateKey":false,'
        f'"RevocationEffDate":{revoked},"RevocationReason":{"null" if row.revoked_at is None else 4},'
        f'"RevocationComment":null,"CertificateAuthorityId":1,"CertificateAuthorityName":{quote_json(row.authority)},'
        f'"TemplateName":{quote_json(row.template)},"EnrollmentPatternId":{row.pattern},"ArchivedKey":false,'
        f'"HasPrivateKey":{flag},"KeyRecoverable":false,"Curve":null,"PrincipalSid":null,'
        f'"RequesterName":{quote_json(row.requester)},"ContentBytes":"MIIB","ExtendedKeyUsages":'
        f'[{{"Id":1,"Oid":"1.3.6.1.5.5.7.3.1","DisplayName":"Server Authentication"}}],"SubjectAltNameElements":'
        f'[{{"Id":{row.id},"Value":{cn},"Type":2,"ValueHash":"{row.thumbprint[:32]}"}}],"CRLDistributionPoints":[],'
        f'"LocationsCount":[],"SSLLocations":[],"Locations":{locations},"Metadata":{metadata},"CARowIndex":{row.id},'
        f'"CARecordId":"{row.id}","CertRequestId":{row.id},"DetailedKeyUsage":{{"DigitalSignature":true,'
        f'"KeyEncipherment":true}}}}'
    )
    return head, tail


SORT_KEYS: dict[str, Callable[[Certificate], object]] = {
    "certid": lambda row: row.id,
    "issuedcn": lambda row: row.cn.lower(),
    "issueddate": lambda row: row.not_before,
    "issuerdn": lambda row: build_issuer_name(row).lower(),
    "issueddn": lambda row: build_subject_name(row).lower(),
    "notafter": lambda row: row.not_after,
    "notbefore": lambda row: row.not_before,
    "thumbprint": lambda row: row.thumbprint,
    "serialnumber": lambda row: row.serial,
}
"""Sort fields (KF 6.1: CertId, IssuedCN, IssuedDate, IssuerDN are seen; Id and CertificateId are refused)."""


def build_certificate_columns(owner_name: Callable[[int], str | None]) -> dict[str, QueryColumn]:
    """Return the queryable fields (KF 6.2) by their names in lower case."""
    return {
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
        "ownerrolename": QueryColumn("string", lambda row: None if row.owner is None else owner_name(row.owner)),
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
