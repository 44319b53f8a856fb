"""SDK-HMAC-SHA256 against vectors that Huawei's own signer produced."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

import pytest

from reconciler.apis.auth.aksk import AccessKeys, Aksk, canonicalize_request, sign_request
from reconciler.credentials.sources import Secret

PROJECT = "0123456789abcdef0123456789abcdef"
KEYS = AccessKeys(Secret("AKTESTTESTTESTTEST00"), Secret("SKtestSKtestSKtestSKtestSKtestSKtestSKtest"))
HOST = "kms.cn-north-4.myhuaweicloud.com"
JSON = {"content-type": "application/json"}
CREATE = (
    '{"name": "probe-1", "event_types": ["SECRET_VERSION_CREATED"], "state": "ENABLED", "notification": {'
    '"target_type": "SMN", "target_id": "urn:smn:cn-north-4:0123456789abcdef0123456789abcdef:töpic", '
    '"target_name": "topic"}}'
)


class Vector(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: str
    canonical: str
    signed: str
    signature: str
    host: str = HOST


VECTORS = {
    "V1": Vector(
        "GET",
        f"/v1/{PROJECT}/csms/events",
        {},
        "",
        "1a140a8e20c0ee697384f2cb601b987c49c6be047d0381e56c917573b78fa637",
        "host;x-sdk-date",
        "ad40704b38521bb01756d3d5f85bcd85fe648458752906ec997c42746fc5b9e8",
    ),
    "V2": Vector(
        "GET",
        f"/v1/{PROJECT}/csms/events?marker=a%20b%2F%C3%A9~_-.&limit=2",
        {**JSON, "x-project-id": PROJECT},
        "",
        "68bb37be3ea72e4b9007cd707723b786d3c683d6c71ceb607bcf0ddc1564923e",
        "content-type;host;x-project-id;x-sdk-date",
        "2baa52a96685420f776bb351e858f458fa845b2faf2f62a72ba1321cfa0cfa72",
    ),
    "V3": Vector(
        "PUT",
        f"/v1/{PROJECT}/csms/events/probe-1",
        {"content-type": "application/json;charset=utf-8", "x-project-id": PROJECT, "X-Security-Token": "SECTOKEN=="},
        '{"state":"DISABLED","event_types":["SECRET_ROTATED","SECRET_DELETED"]}',
        "761c6450cb0859148df873cfa1814c7faf94c2b205f171d2012c0c5ae3e9e12b",
        "content-type;host;x-project-id;x-sdk-date;x-security-token",
        "51585ba6b93a4eded272c9bf73ca9af2b0cf10fe8217145aca342a1d0b5334a1",
    ),
    "V4": Vector(
        "POST",
        f"/v1/{PROJECT}/csms/events",
        {**JSON, "user-agent": "  my agent  "},
        CREATE,
        "d11b1046243ea66fd796206747e76f14abdc79ed802ca7ff9184291e31589c32",
        "content-type;host;user-agent;x-sdk-date",
        "f1abf0e31b6390e19bf736ce9cf4d99735887c607711386bec94f95e63e9dd03",
        "127.0.0.1:18080",
    ),
    "V5": Vector(
        "DELETE",
        f"/v1/{PROJECT}/csms/events/probe%20x%2Fy",
        JSON,
        "",
        "2a34378058fba77cddafa8f62eae13d355d20960c702e4875dc487f343286eef",
        "content-type;host;x-sdk-date",
        "b49b239ad7ab90fa555119d79eb3065dd22881f31f7e3c910b8adf98ba266db4",
    ),
}


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)
def test_the_official_signers_vectors_agree(vector: Vector) -> None:
    headers = {**vector.headers, "Host": vector.host, "X-Sdk-Date": "20240102T030405Z"}
    call = (vector.method, f"https://{vector.host}{vector.path}", headers, vector.body.encode())
    assert hashlib.sha256(canonicalize_request(*call).encode()).hexdigest() == vector.canonical
    expected = (
        f"SDK-HMAC-SHA256 Access=AKTESTTESTTESTTEST00, SignedHeaders={vector.signed}, Signature={vector.signature}"
    )
    assert sign_request(*call, KEYS) == expected


def test_a_request_is_signed_with_the_time_in_utc_and_everything_that_must_not_change() -> None:
    now = datetime(2024, 1, 2, 4, 4, 5, tzinfo=timezone(timedelta(hours=1)))
    signer = Aksk(lambda: KEYS._replace(security_token=Secret("SECTOKEN==")), lambda: PROJECT, lambda: now)
    headers = signer.headers("PUT", f"https://{HOST}/v1/{PROJECT}/csms/events/probe-1", b"{}")
    assert headers["X-Sdk-Date"] == "20240102T030405Z"
    assert headers["X-Security-Token"] == "SECTOKEN=="
    assert headers["Host"] == HOST
    assert "SignedHeaders=content-type;host;x-project-id;x-sdk-date;x-security-token," in headers["Authorization"]
    assert signer.refresh(headers) is False


def test_each_request_has_its_own_signature() -> None:
    signer = Aksk(lambda: KEYS, lambda: PROJECT, lambda: datetime(2024, 1, 2, tzinfo=UTC))
    url = f"https://{HOST}/v1/{PROJECT}/csms/events"
    calls = [
        ("GET", url, b""),
        ("PUT", url, b""),
        ("PUT", url, b"{}"),
        ("GET", f"{url}/x", b""),
        ("GET", f"{url}?a=b", b""),
    ]
    assert len({signer.headers(*call)["Authorization"] for call in calls}) == len(calls)
