"""SDK-HMAC-SHA256 from the server's side: what the gateway computes from the request it received (CS 3.3)."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, unquote

from reconciler.simulator.http.messages import HttpRequest

ALGORITHM = "SDK-HMAC-SHA256"
MAX_SKEW_SECONDS = 15 * 60

_AUTHORIZATION = re.compile(
    ALGORITHM
    + r" Access=(?P<access>[A-Za-z0-9]+), SignedHeaders=(?P<signed>[a-z0-9;-]+), Signature=(?P<signature>[0-9a-f]{64})"
)


class SignatureHeader(NamedTuple):
    """The parts of an Authorization header."""

    access: str
    headers: tuple[str, ...]
    signature: str


def parse_signature_header(text: str) -> SignatureHeader | None:
    """Read an Authorization header; None if it is not of this algorithm or form."""
    match = _AUTHORIZATION.fullmatch(text.strip())
    return SignatureHeader(match["access"], tuple(match["signed"].split(";")), match["signature"]) if match else None


def rebuild_canonical_request(request: HttpRequest, signed_names: Sequence[str]) -> str:
    """Return the canonical request over the received headers of these names."""
    # A newline after each, and one more from join(): the block is followed by an empty line (CS 3.3).
    headers = "".join(f"{name}:{request.headers.get(name, '').strip()}\n" for name in sorted(signed_names))
    return "\n".join(
        (
            request.method,
            _build_canonical_path(request.path),
            _build_canonical_query(request.pairs()),
            headers,
            ";".join(sorted(signed_names)),
            _find_payload_hash(request.body, request.headers),
        )
    )


def compute_signature(request: HttpRequest, signed_names: Sequence[str], secret: str) -> str:
    """Return the lower-case hex signature that the request must carry."""
    digest = hashlib.sha256(rebuild_canonical_request(request, signed_names).encode()).hexdigest()
    text = f"{ALGORITHM}\n{request.headers.get('x-sdk-date', '')}\n{digest}"
    # The secret itself is the key; AWS's scheme, much the same otherwise, derives one for day and region.
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def explain_signature_refusal(request: HttpRequest, header: SignatureHeader, secret: str, now: datetime) -> str:
    """Return why the gateway refuses the signature, "" if it does not."""
    date_text = request.headers.get("x-sdk-date", "")
    # Unsigned, it could be replaced, and a captured request sent again at any time.
    if "x-sdk-date" not in header.headers:
        return "X-Sdk-Date is not among the signed headers"
    try:
        date = _parse_date(date_text)
    except ValueError:
        return "X-Sdk-Date has no valid format"
    if abs((now - date).total_seconds()) > MAX_SKEW_SECONDS:
        return "the request time exceeds 15 minutes"
    missing = [name for name in header.headers if name not in request.headers]
    if missing:
        return f"signed header {missing[0]} is missing"
    if not hmac.compare_digest(compute_signature(request, header.headers, secret), header.signature):
        canonical = rebuild_canonical_request(request, header.headers).replace("\n", "|")
        return f"verify aksk signature fail, canonicalRequest:{canonical}"
    return ""


@lru_cache(maxsize=64)
def _parse_date(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def _percent_encode(text: str) -> str:
    return quote(text, safe="-_.~")


def _build_canonical_path(path: str) -> str:
    # Decoded before it is split, so %2F becomes a separator: the vendor's signer does so too (CS 3.3).
    encoded = "/".join(_percent_encode(segment) for segment in unquote(path).split("/"))
    return encoded if encoded.endswith("/") else encoded + "/"


def _build_canonical_query(pairs: Sequence[tuple[str, str]]) -> str:
    # Sorted before they are encoded, as Huawei's SDK does it; `%` would sort below most characters.
    return "&".join(f"{_percent_encode(name)}={_percent_encode(value)}" for name, value in sorted(pairs))


def _find_payload_hash(body: bytes, headers: Mapping[str, str]) -> str:
    # Huawei's SDK says UNSIGNED-PAYLOAD here for a body that is neither JSON nor BSON (CS 3.3).
    if body and "x-sdk-content-sha256" in headers:
        return headers["x-sdk-content-sha256"]
    return hashlib.sha256(body).hexdigest()
