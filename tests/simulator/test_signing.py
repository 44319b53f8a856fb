"""SDK-HMAC-SHA256: the vectors of the contract (csms.md 3.4), which the vendor's signer made, and the refusals."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.simulator.http.messages import HttpRequest
from reconciler.simulator.routing.signing import (
    compute_signature,
    explain_signature_refusal,
    parse_signature_header,
    rebuild_canonical_request,
)
from tests.simulator.conftest import Client

ACCESS, SECRET = "AKTESTTESTTESTTEST00", "SKtestSKtestSKtestSKtestSKtestSKtestSKtest"
DATE, PROJECT, HOST = "20240102T030405Z", "0123456789abcdef0123456789abcdef", "kms.cn-north-4.myhuaweicloud.com"
BASE = f"/v1/{PROJECT}/csms/events"
CREATE = (
    '{"name": "probe-1", "event_types": ["SECRET_VERSION_CREATED"], "state": "ENABLED", "notification": {"target_type":'
    ' "SMN", "target_id": "urn:smn:cn-north-4:0123456789abcdef0123456789abcdef:töpic", "target_name": "topic"}}'
)

VECTORS = {
    "V1": (
        HttpRequest("GET", BASE, "", {"host": HOST, "x-sdk-date": DATE}),
        "1a140a8e20c0ee697384f2cb601b987c49c6be047d0381e56c917573b78fa637",
        "ad40704b38521bb01756d3d5f85bcd85fe648458752906ec997c42746fc5b9e8",
    ),
    "V2": (
        HttpRequest(
            "GET",
            BASE,
            "limit=2&marker=a%20b%2F%C3%A9~_-.",
            {"content-type": "application/json", "host": HOST, "x-project-id": PROJECT, "x-sdk-date": DATE},
        ),
        "68bb37be3ea72e4b9007cd707723b786d3c683d6c71ceb607bcf0ddc1564923e",
        "2baa52a96685420f776bb351e858f458fa845b2faf2f62a72ba1321cfa0cfa72",
    ),
    "V3": (
        HttpRequest(
            "PUT",
            BASE + "/probe-1",
            "",
            {
                "content-type": "application/json;charset=utf-8",
                "host": HOST,
                "x-project-id": PROJECT,
                "x-sdk-date": DATE,
                "x-security-token": "SECTOKEN==",
            },
            b'{"state":"DISABLED","event_types":["SECRET_ROTATED","SECRET_DELETED"]}',
        ),
        "761c6450cb0859148df873cfa1814c7faf94c2b205f171d2012c0c5ae3e9e12b",
        "51585ba6b93a4eded272c9bf73ca9af2b0cf10fe8217145aca342a1d0b5334a1",
    ),
    "V4": (
        HttpRequest(
            "POST",
            BASE,
            "",
            {
                "content-type": "application/json",
                "host": "127.0.0.1:18080",
                "user-agent": "  my agent  ",
                "x-sdk-date": DATE,
            },
            CREATE.encode(),
        ),
        "d11b1046243ea66fd796206747e76f14abdc79ed802ca7ff9184291e31589c32",
        "f1abf0e31b6390e19bf736ce9cf4d99735887c607711386bec94f95e63e9dd03",
    ),
    "V5": (
        HttpRequest(
            "DELETE",
            BASE + "/probe%20x%2Fy",
            "",
            {"content-type": "application/json", "host": HOST, "x-sdk-date": DATE},
        ),
        "2a34378058fba77cddafa8f62eae13d355d20960c702e4875dc487f343286eef",
        "b49b239ad7ab90fa555119d79eb3065dd22881f31f7e3c910b8adf98ba266db4",
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_the_canonical_request_and_the_signature_are_those_of_the_vendors_signer(name: str) -> None:
    """Each vector's canonical hash and signature come out."""
    request, canonical, expected = VECTORS[name]
    signed = tuple(sorted(request.headers))
    assert hashlib.sha256(rebuild_canonical_request(request, signed).encode()).hexdigest() == canonical
    assert compute_signature(request, signed, SECRET) == expected


@pytest.mark.parametrize("name", VECTORS)
def test_a_vector_is_accepted_at_its_time_and_by_its_secret_alone(name: str) -> None:
    """The verifier takes the vector's header, and nothing that differs by a bit."""
    request, _, mark = VECTORS[name]
    names = ";".join(sorted(request.headers))
    signed = parse_signature_header(f"SDK-HMAC-SHA256 Access={ACCESS}, SignedHeaders={names}, Signature={mark}")
    assert signed is not None
    assert signed.access == ACCESS
    now = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert explain_signature_refusal(request, signed, SECRET, now) == ""
    assert explain_signature_refusal(request, signed, SECRET, now + timedelta(minutes=15)) == ""
    assert "15 minutes" in explain_signature_refusal(request, signed, SECRET, now + timedelta(minutes=15, seconds=1))
    assert "15 minutes" in explain_signature_refusal(request, signed, SECRET, now - timedelta(minutes=15, seconds=1))
    assert "signature fail" in explain_signature_refusal(request, signed, SECRET + "x", now)
    other = HttpRequest(request.method, request.path, request.query, request.headers, request.body + b" ")
    assert "signature fail" in explain_signature_refusal(other, signed, SECRET, now)


REFUSED_HEADERS = {
    "another algorithm": f"V11-HMAC-SHA256 Access={ACCESS}, SignedHeaders=host;x-sdk-date, Signature={'0' * 64}",
    "no signature": f"SDK-HMAC-SHA256 Access={ACCESS}, SignedHeaders=host;x-sdk-date",
    "a comma behind the algorithm": f"SDK-HMAC-SHA256, Access={ACCESS}, SignedHeaders=host, Signature={'0' * 64}",
    "upper-case hex": f"SDK-HMAC-SHA256 Access={ACCESS}, SignedHeaders=host, Signature={'A' * 64}",
}


@pytest.mark.parametrize("name", REFUSED_HEADERS)
def test_an_authorization_of_another_form_is_not_read(name: str) -> None:
    """Only the documented form is a signature."""
    assert parse_signature_header(REFUSED_HEADERS[name]) is None


def test_the_date_must_be_signed_and_every_signed_header_must_have_arrived() -> None:
    """What the signature does not cover is not trusted."""
    request = VECTORS["V1"][0]
    now = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
    for names, why in (("host", "not among"), ("host;x-sdk-date;x-project-id", "missing")):
        signed = parse_signature_header(f"SDK-HMAC-SHA256 Access={ACCESS}, SignedHeaders={names}, Signature={'0' * 64}")
        assert signed is not None
        assert why in explain_signature_refusal(request, signed, SECRET, now)


def test_a_skewed_clock_an_unknown_key_and_a_wrong_secret_are_401_in_the_gateways_flat_shape(client: Client) -> None:
    """CS 2.4: APIGW.0301 at the top level, with a request id, and nothing else tells them apart."""
    access, secret = client.csms["access_key"], client.csms["secret_key"]
    replies = [
        client.cloud("GET", "events", at=datetime.now(UTC) - timedelta(minutes=16)),
        client.cloud("GET", "events", at=datetime.now(UTC) + timedelta(minutes=16)),
        client.cloud("GET", "events", keys=("AKNOBODY", secret)),
        client.cloud("GET", "events", keys=(access, "wrong")),
        client.session.get(f"{client.sim.url}/v1/{PROJECT}/csms/events", timeout=60),
    ]
    for reply in replies:
        assert reply.status_code == 401
        assert reply.json()["error_code"] == "APIGW.0301"
        assert set(reply.json()) == {"error_code", "error_msg", "request_id"}
    assert client.cloud("GET", "events").status_code == 200
