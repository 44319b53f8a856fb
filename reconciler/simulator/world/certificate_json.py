"""Certificates as JSON text, with the members of KF 6.1 in their order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quote_json
from typing import NamedTuple

from reconciler.simulator.world.certificate_rows import (
    CERTIFICATE_STATE_NAMES,
    Certificate,
    build_issuer_name,
    build_subject_name,
    list_subject_alt_names,
)


class RowStyle(NamedTuple):
    """What differs between servers in a row: what follows a date, and the JSON of a common name that is not there."""

    date_suffix: str = "Z"
    no_common_name: str = "null"


def serialize_certificate(
    row: Certificate,
    owner_name: Callable[[int], str | None],
    style: RowStyle,
    *,
    metadata: str = "{}",
    locations: str = "[]",
    key: bool = False,
) -> str:
    """Serialise one row with the members of KF 6.1, in their order."""
    # Text instead of json.dumps(): most members are numbers or constants, and rows are many.
    tail = _serialize_tail(row, style, metadata=metadata, locations=locations, key=key)
    return f"{_serialize_head(row, style)}{_serialize_owner_name(row, owner_name)}{tail}"


def _serialize_owner_name(row: Certificate, owner_name: Callable[[int], str | None]) -> str:
    """Serialise the name of the owning role, null where nobody owns the certificate."""
    name = owner_name(row.owner) if row.owner is not None else None
    return "null" if name is None else quote_json(name)


def _serialize_head(row: Certificate, style: RowStyle) -> str:
    begin, end = (_format_time(moment) + style.date_suffix for moment in (row.not_before, row.not_after))
    common_name = style.no_common_name if row.cn is None else quote_json(row.cn)
    return (
        f'{{"Id":{row.id},"Thumbprint":"{row.thumbprint}","SerialNumber":"{row.serial}",'
        f'"IssuedDN":{quote_json(build_subject_name(row))},"IssuedCN":{common_name},"ImportDate":"{begin}","NotBefore":"{begin}",'
        f'"NotAfter":"{end}","IssuerDN":{quote_json(build_issuer_name(row))},"PrincipalId":null,"PrincipalName":null,'
        f'"OwnerRoleId":{"null" if row.owner is None else row.owner},'
        '"OwnerRoleName":'
    )


def _serialize_tail(row: Certificate, style: RowStyle, *, metadata: str, locations: str, key: bool) -> str:
    flag = "true" if key and row.has_private_key else "false"
    revoked = f'"{_format_time(row.revoked_at)}{style.date_suffix}"' if row.revoked_at is not None else "null"
    email = "null" if row.email is None else quote_json(row.email)
    state = f"{CERTIFICATE_STATE_NAMES[row.state]} ({row.state})"
    return (
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
        f'[{_serialize_alt_names(row)}],"CRLDistributionPoints":[],'
        f'"LocationsCount":[],"SSLLocations":[],"Locations":{locations},"Metadata":{metadata},"CARowIndex":{row.id},'
        f'"CARecordId":"{row.id}","CertRequestId":{row.id},"DetailedKeyUsage":{{"DigitalSignature":true,'
        f'"KeyEncipherment":true}}}}'
    )


def _serialize_alt_names(row: Certificate) -> str:
    return ",".join(
        f'{{"Id":{row.id * 100 + i},"Value":{quote_json(value)},"Type":{kind},"ValueHash":"{row.thumbprint[:32]}"}}'
        for i, (kind, value) in enumerate(list_subject_alt_names(row))
    )


@lru_cache(maxsize=16_384)
def _format_time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
