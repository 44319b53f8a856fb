"""What a certificate and its history look like in answers (KF 6.1, 6.4)."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.simulator.http.shapes import Field, Fields


def _build_fields(kind: str, names: str) -> Iterable[Field]:
    return (Field(name, kind) for name in names.split())


def _build_object_list(name: str, integers: str, strings: str) -> Field:
    return Field(
        name,
        "array",
        items=Field("", "object", fields=(*_build_fields("integer", integers), *_build_fields("string", strings))),
    )


CERTIFICATE_REPLY: Fields = (
    Field("Id", "integer", nullable=False),
    Field("Thumbprint", "string", "hexadecimal SHA-1", nullable=False),
    # Version 11 has neither owner nor Alt members nor KeyAlgorithm in its rows (KF 6.1).
    Field("OwnerRoleId", "integer", "null where nobody owns it (12.3 onward)"),
    Field("OwnerRoleName", "string"),
    Field("CertState", "integer", "0-8", enum=tuple(range(9))),
    *_build_fields(
        "integer", "PrincipalId TemplateId KeySizeInBits KeyType RequesterId KeyUsage AltKeySizeInBits AltKeyType"
    ),
    *_build_fields("integer", "RevocationReason CertificateAuthorityId EnrollmentPatternId CARowIndex CertRequestId"),
    *_build_fields(
        "string", "SerialNumber IssuedDN IssuedCN ImportDate NotBefore NotAfter IssuerDN PrincipalName IssuedOU"
    ),
    *_build_fields("string", "IssuedEmail SigningAlgorithm CertStateString KeyTypeString KeyAlgorithm AltKeyAlgorithm"),
    *_build_fields(
        "string", "AltKeyTypeString AltSigningAlgorithm RevocationEffDate RevocationComment TemplateName Curve"
    ),
    *_build_fields("string", "CertificateAuthorityName PrincipalSid RequesterName ContentBytes CARecordId"),
    *_build_fields("boolean", "HasAltPrivateKey ArchivedKey HasPrivateKey KeyRecoverable"),
    _build_object_list("ExtendedKeyUsages", "Id", "Oid DisplayName"),
    _build_object_list("SubjectAltNameElements", "Id Type", "Value ValueHash"),
    # The irregular capitals are the vendor's (KF 0.4).
    _build_object_list("CRLDistributionPoints", "Id", "Url UrlHash"),
    _build_object_list("LocationsCount", "Count", "Type"),
    _build_object_list("SSLLocations", "Port", "StorePath AgentPool IPAddress NetworkName"),
    _build_object_list("Locations", "StoreType ChainLevel", "StoreMachine StorePath Alias CertStoreId"),
    Field("Metadata", "object", "name -> text"),
    Field("DetailedKeyUsage", "object"),
)
HISTORY_REPLY: Fields = (
    Field("Id", "integer"),
    *_build_fields("string", "OperationStart OperationEnd Username Comment Action"),
)
