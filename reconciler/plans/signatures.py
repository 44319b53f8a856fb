"""Signatures of saved plans: what is signed, and the two ways to sign it with keys of our own.

Which way counts is said by the settings of whoever verifies, never by the file.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

HMAC_METHOD: Final = "hmac-sha256"
ED25519_METHOD: Final = "ed25519"


class PlanSignature(NamedTuple):
    """How a plan was signed, and what came of it: hex digits in lower case."""

    method: str
    value: str


Sign: TypeAlias = Callable[[bytes], PlanSignature]
"""Signs the bytes of a plan file up to its signature."""
IsSigned: TypeAlias = Callable[[bytes, PlanSignature], bool]
"""Says whether a signature of these bytes holds."""


def make_hmac_signing(key: bytes) -> tuple[Sign, IsSigned]:
    """Return both hands of one secret key: HMAC-SHA256, RFC 2104."""

    def sign(data: bytes) -> PlanSignature:
        return PlanSignature(HMAC_METHOD, hmac.digest(key, _prefix(data, HMAC_METHOD), "sha256").hex())

    def is_signed(data: bytes, signature: PlanSignature) -> bool:
        # In constant time: how far a guess is right must not be told by how long its refusal takes.
        return signature.method == HMAC_METHOD and hmac.compare_digest(sign(data).value, signature.value)

    return sign, is_signed


def make_ed25519_signing(private_key: bytes) -> tuple[Sign, IsSigned]:
    """Return both hands of a private key, PEM; raises ImportError without `cryptography`, ValueError for another."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415 - an extra
        Ed25519PrivateKey,
    )
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key  # noqa: PLC0415

    key = _load_key(lambda: load_pem_private_key(private_key, password=None))
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("is a key, but not one of Ed25519")  # noqa: TRY004 - of the text that was given

    def sign(data: bytes) -> PlanSignature:
        return PlanSignature(ED25519_METHOD, key.sign(_prefix(data, ED25519_METHOD)).hex())

    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return sign, make_ed25519_verifying(public)


def make_ed25519_verifying(public_key: bytes) -> IsSigned:
    """Return the hand of a public key, PEM, that verifies; raises as `make_ed25519_signing` does."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - an extra
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    key = _load_key(lambda: load_pem_public_key(public_key))
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("is a key, but not one of Ed25519")  # noqa: TRY004 - of the text that was given

    def is_signed(data: bytes, signature: PlanSignature) -> bool:
        try:
            key.verify(bytes.fromhex(signature.value), _prefix(data, ED25519_METHOD))
        except (InvalidSignature, ValueError):
            return False
        return signature.method == ED25519_METHOD

    return is_signed


def _load_key(load: Callable[[], object]) -> object:
    try:
        return load()
    # cryptography says TypeError of an encrypted key without a password, and its own errors of a method that it lacks.
    except Exception:  # noqa: BLE001
        raise ValueError("is no key in PEM, or an encrypted one") from None


def _prefix(data: bytes, method: str) -> bytes:
    """Put before what is signed what it is, so that no signature of the same bytes for another purpose passes."""
    return b"reconciler plan signature 2 %s\n%s" % (method.encode(), data)
