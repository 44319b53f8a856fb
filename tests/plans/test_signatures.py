"""Signatures of plan files: what they cover, and that no key takes another's or those of another purpose."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from reconciler.errors import StaleError
from reconciler.kinds.registry import KINDS
from reconciler.plans.planfile import load_plan
from reconciler.plans.signatures import (
    IsSigned,
    PlanSignature,
    Sign,
    make_ed25519_signing,
    make_ed25519_verifying,
    make_hmac_signing,
)
from tests.support.plan_files import dump, seal, small

DATA = b"what is signed\n"


class Pair(NamedTuple):
    """A private key and its public one, PEM."""

    private: bytes
    public: bytes


def make_pair() -> Pair:
    key = Ed25519PrivateKey.generate()
    return Pair(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    )


ONE, OTHER = make_pair(), make_pair()
METHODS: dict[str, tuple[Sign, IsSigned, IsSigned]] = {
    "hmac-sha256": (*make_hmac_signing(b"k" * 32), make_hmac_signing(b"K" * 32)[1]),
    "ed25519": (
        make_ed25519_signing(ONE.private)[0],
        make_ed25519_verifying(ONE.public),
        make_ed25519_verifying(OTHER.public),
    ),
}
each_method = pytest.mark.parametrize("method", METHODS)


@each_method
def test_a_signature_holds_for_its_bytes_and_its_key_alone(method: str) -> None:
    sign, is_signed, is_signed_by_other = METHODS[method]
    signature = sign(DATA)

    assert signature.method == method
    assert is_signed(DATA, signature)
    assert not is_signed(DATA + b" ", signature)
    assert not is_signed_by_other(DATA, signature)
    for name in METHODS.keys() - {method}:
        assert not METHODS[name][1](DATA, signature)
        assert not is_signed(DATA, signature._replace(method=name))


@each_method
@pytest.mark.parametrize("value", ["", "00", "0" * 64, "0" * 128, "zz"])
def test_no_other_value_is_a_signature(method: str, value: str) -> None:
    assert not METHODS[method][1](DATA, PlanSignature(method, value))


def test_what_the_key_signs_elsewhere_is_no_signature_of_a_plan() -> None:
    """The key may serve for other things, and whoever gets those signed gets no plan signed."""
    bare = hmac.digest(b"k" * 32, DATA, "sha256").hex()
    assert not METHODS["hmac-sha256"][1](DATA, PlanSignature("hmac-sha256", bare))
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert not make_ed25519_signing(private)[1](DATA, PlanSignature("ed25519", key.sign(DATA).hex()))


def test_a_private_key_verifies_too() -> None:
    """Where it is the only one that is said."""
    sign, is_signed = make_ed25519_signing(ONE.private)
    assert is_signed(DATA, sign(DATA))
    assert not make_ed25519_signing(OTHER.private)[1](DATA, sign(DATA))


_X25519 = X25519PrivateKey.generate()
NO_KEY = r"is no key in PEM|is a key, but not one of Ed25519"
NO_KEYS = {
    "no PEM": b"hunter22",
    "the public key": ONE.public,
    "nothing": b"",
    "a key for something else": _X25519.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    "an encrypted key": Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")
    ),
}


@pytest.mark.parametrize("key", NO_KEYS.values(), ids=NO_KEYS)
def test_no_other_key_is_taken_and_none_is_repeated(key: bytes) -> None:
    with pytest.raises(ValueError, match=NO_KEY) as caught:
        make_ed25519_signing(key)
    assert "hunter22" not in str(caught.value)
    if key != ONE.public:
        with pytest.raises(ValueError, match=NO_KEY):
            make_ed25519_verifying(key)


# --- in a file


def believe_nobody(_signed: bytes, _signature: PlanSignature | None) -> str:
    raise LookupError("asked")


@each_method
def test_a_signature_covers_every_byte_before_it(method: str) -> None:
    """With the seal made anew, as anybody can: whatever else is changed, the signature no longer holds."""
    sign, is_signed, _ = METHODS[method]
    data = dump(small(), sign=sign)
    assert load_plan(data, KINDS).signature == method
    members = json.loads(data)
    changes: dict[str, Callable[[], object]] = {
        "nonce": lambda: "f" * 32,
        "created": lambda: "2026-11-22T13:00:00.000Z",
        "expires": lambda: "2027-11-22T12:00:00.000Z",
        "commit": lambda: "a" * 40,
        "tool": lambda: "9",
        "paths": lambda: ["x"],
        "selection": lambda: "--only SecurityRole",
        "manifests": lambda: "sha256:00",
        "steps": list,
        "targets": dict,
    }
    asked: list[bool] = []

    def verify(signed: bytes, signature: PlanSignature | None) -> str:
        asked.append(signature is not None and is_signed(signed, signature))
        return ""

    load_plan(data, KINDS, verify=verify)
    for name, change in changes.items():
        load_plan(seal({**members, name: change()}), KINDS, verify=verify)
    assert asked == [True, *[False] * len(changes)]


@each_method
def test_no_byte_of_a_signed_plan_can_be_flipped(method: str) -> None:
    """Those of the signature included, with no key at hand."""
    data = dump(small(), sign=METHODS[method][0])

    for at in range(0, len(data), 7):
        with pytest.raises(StaleError, match="a byte of it was changed or lost"):
            load_plan(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], KINDS)


def test_nothing_is_parsed_before_the_signature_was_looked_at() -> None:
    """What is no JSON at all, or a million brackets, is refused by whoever looks at signatures."""
    members = json.loads(dump(small()))
    for hostile in ({**members, "steps": "x"}, {**members, "format_version": "3.0"}, {**members, "kind": "Other"}):
        with pytest.raises(LookupError, match="asked"):
            load_plan(seal(hostile), KINDS, verify=believe_nobody)
