"""SDK-HMAC-SHA256 from the server's side: what the gateway computes from the request it received (CS 3.3)."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote, unquote

from reconciler.simulator.http.messages import Request

ALGORITHM = "SDK-HMAC-SHA256"
MAX_SKEW_SECONDS = 15 * 60

_AUTHORIZATION = re.compile(
    ALGORITHM
    + r" Access=(?P<access>[A-Za-z0-9]+), SignedHeaders=(?P<signed>[a-z0-9;-]+), Signature=(?P<signature>[0-9a-f]{64})"
)


class Signed(NamedTuple):
    """The parts of an Authorization header."""

    access: str
    headers: tuple[str, ...]
    signature: str


def parse_authorization(text: str) -> Signed | None:
    """Read an Authorization header; None if it is not of this algorithm or form."""
    match = _AUTHORIZATION.fullmatch(text.strip())
    return Signed(match["access"], tuple(match["signed"].split(";")), match["signature"]) if match else None


def canonical_request(request: Request, signed: Sequence[str]) -> str:
    """Return the canonical request over the received headers named in `signed`."""
    # A newline after each, and one more from join(): the block is followed by an empty line (CS 3.3).
    headers = "".join(f"{name}:{request.headers.get(name, '').strip()}\n" for name in sorted(signed))
    return "\n".join(
        (
            request.method,
            _canonical_path(request.path),
            _canonical_query(request.pairs()),
            headers,
            ";".join(sorted(signed)),
            _payload_hash(request.body, request.headers),
        )
    )


def signature(request: Request, signed: Sequence[str], secret: str) -> str:
    """Return the lower-case hex signature that the request must carry."""
    digest = hashlib.sha256(canonical_request(request, signed).encode()).hexdigest()
    text = f"{ALGORITHM}\n{request.headers.get('x-sdk-date', '')}\n{digest}"
    # The secret itself is the key; AWS's scheme, much the same otherwise, derives one for day and region.
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def why_refused(request: Request, signed: Signed, secret: str, now: datetime) -> str:
    """Return why the gateway refuses the signature, "" if it does not."""
    date = request.headers.get("x-sdk-date", "")
    # Unsigned, it could be replaced, and a captured request sent again at any time.
    if "x-sdk-date" not in signed.headers:
        return "X-Sdk-Date is not among the signed headers"
    try:
        sent = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return "X-Sdk-Date has no valid format"
    if abs((now - sent).total_seconds()) > MAX_SKEW_SECONDS:
        return "the request time exceeds 15 minutes"
    missing = [name for name in signed.headers if name not in request.headers]
    if missing:
        return f"signed header {missing[0]} is missing"
    if not hmac.compare_digest(signature(request, signed.headers, secret), signed.signature):
        shown = canonical_request(request, signed.headers).replace("\n", "|")
        return f"verify aksk signature fail, canonicalRequest:{shown}"
    return ""


def _encode(text: str) -> str:
    return quote(text, safe="-_.~")


def _canonical_path(path: str) -> str:
    # Decoded before it is split, so %2F becomes a separator: the vendor's signer does so too (CS 3.3).
    encoded = "/".join(_encode(segment) for segment in unquote(path).split("/"))
    return encoded if encoded.endswith("/") else encoded + "/"


def _canonical_query(pairs: Sequence[tuple[str, str]]) -> str:
    # Sorted before they are encoded, as Huawei's SDK does it; `%` would sort below most characters.
    return "&".join(f"{_encode(name)}={_encode(value)}" for name, value in sorted(pairs))


def _payload_hash(body: bytes, headers: Mapping[str, str]) -> str:
    # Huawei's SDK says UNSIGNED-PAYLOAD here for a body that is neither JSON nor BSON (CS 3.3).
    if body and "x-sdk-content-sha256" in headers:
        return headers["x-sdk-content-sha256"]
    return hashlib.sha256(body).hexdigest()
