"""What a certificate and its history look like in answers (KF 6.1, 6.4)."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.simulator.http.shapes import Field, Fields


def _all(kind: str, names: str) -> Iterable[Field]:
    return (Field(name, kind) for name in names.split())


def _objects(name: str, integers: str, strings: str) -> Field:
    return Field(
        name, "array", items=Field("", "object", fields=(*_all("integer", integers), *_all("string", strings)))
    )


CERTIFICATE: Fields = (
    Field("Id", "integer", nullable=False),
    Field("Thumbprint", "string", "hexadecimal SHA-1", nullable=False),
    # Version 11 has neither owner nor Alt members nor KeyAlgorithm in its rows (KF 6.1).
    Field("OwnerRoleId", "integer", "null where nobody owns it (12.3 onward)"),
    Field("OwnerRoleName", "string"),
    Field("CertState", "integer", "0-8", enum=tuple(range(9))),
    *_all("integer", "PrincipalId TemplateId KeySizeInBits KeyType RequesterId KeyUsage AltKeySizeInBits AltKeyType"),
    *_all("integer", "RevocationReason CertificateAuthorityId EnrollmentPatternId CARowIndex CertRequestId"),
    *_all("string", "SerialNumber IssuedDN IssuedCN ImportDate NotBefore NotAfter IssuerDN PrincipalName IssuedOU"),
    *_all("string", "IssuedEmail SigningAlgorithm CertStateString KeyTypeString KeyAlgorithm AltKeyAlgorithm"),
    *_all("string", "AltKeyTypeString AltSigningAlgorithm RevocationEffDate RevocationComment TemplateName Curve"),
    *_all("string", "CertificateAuthorityName PrincipalSid RequesterName ContentBytes CARecordId"),
    *_all("boolean", "HasAltPrivateKey ArchivedKey HasPrivateKey KeyRecoverable"),
    _objects("ExtendedKeyUsages", "Id", "Oid DisplayName"),
    _objects("SubjectAltNameElements", "Id Type", "Value ValueHash"),
    # The irregular capitals are the vendor's (KF 0.4).
    _objects("CRLDistributionPoints", "Id", "Url UrlHash"),
    _objects("LocationsCount", "Count", "Type"),
    _objects("SSLLocations", "Port", "StorePath AgentPool IPAddress NetworkName"),
    _objects("Locations", "StoreType ChainLevel", "StoreMachine StorePath Alias CertStoreId"),
    Field("Metadata", "object", "name -> text"),
    Field("DetailedKeyUsage", "object"),
)
HISTORY: Fields = (
    Field("Id", "integer"),
    *_all("string", "OperationStart OperationEnd Username Comment Action"),
)
