"""Bodies under a key of the settings, so that a store which others can read may keep them.

    encrypted:1:<key id>:<base64 of nonce and ciphertext>

AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits; the key comes from the secret by scrypt (RFC 7914), since
on what was pushed secrets can be tried for ever, and its salt is the store's id. The place of a body is authenticated
with it, so that nobody can put the body of one step in the place of another's.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from reconciler.sanitize import escape_and_shorten
from reconciler.state.records import Intent, PreviousObject
from reconciler.state.store_errors import KeyUnfit

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MIN_SECRET = 16
"""Characters of the shortest secret that is taken: whoever can read the repository may try secrets without end."""
_PREFIX: Final = "encrypted:1:"
_NONCE_BYTES: Final = 12
# RFC 7914, section 2: about 100 ms and 32 MiB, once a run.
_SCRYPT: Final[dict[str, Any]] = {"n": 2**15, "r": 8, "p": 1, "maxmem": 2**26, "dklen": 32}


class BodyPlace(NamedTuple):
    """Which step a body belongs to, in a store."""

    target: str
    run: str
    number: int


class BodyCipher:
    """Encrypts and decrypts the bodies of one store with the key that comes from a secret."""

    def __init__(self, secret: str, store: str) -> None:
        """Raise KeyUnfit for a secret that is short, or where `cryptography` is missing."""
        if len(secret) < MIN_SECRET:
            summary = f"`state.key` has {len(secret)} characters, and {MIN_SECRET} are the fewest that are taken"
            raise KeyUnfit(summary, "make one with: openssl rand -base64 32")
        try:
            # 40 ms, for those who have a key.
            from cryptography.hazmat.primitives.ciphers import aead  # noqa: PLC0415
        except ImportError:
            remedy = "pip install 'pki-reconciler[crypto]'"
            raise KeyUnfit("cryptography, which `state.key` encrypts with, can't be imported", remedy) from None
        self._make_cipher, self._secret, self._store = aead.AESGCM, secret, store

    @cached_property
    def key_id(self) -> str:
        """Which key it is, in 8 hex digits that say nothing of it."""
        return hashlib.sha256(b"reconciler key id" + self._key).hexdigest()[:8]

    def encrypt(self, body: str, place: BodyPlace) -> str:
        """Return a body encrypted; one that is so already, or empty, stays as it is."""
        if not body or is_encrypted(body):
            return body
        nonce = secrets.token_bytes(_NONCE_BYTES)
        data = self._cipher.encrypt(nonce, body.encode(), self._describe_place(place))
        return f"{_PREFIX}{self.key_id}:{base64.b64encode(nonce + data).decode('ascii')}"

    def encrypt_intent(self, target: str, intent: Intent) -> Intent:
        """Return an intent as it is written."""
        if not intent.previous:
            return intent
        body = self.encrypt(intent.previous.body, BodyPlace(target, intent.run, intent.number))
        return intent._replace(previous=intent.previous._replace(body=body))

    def decrypt(self, body: str, place: BodyPlace) -> str:
        """Return a body that this key encrypted at this place; raises ValueError where that is not so."""
        key_id, _, text = body.removeprefix(_PREFIX).partition(":")
        if key_id != self.key_id:
            raise ValueError(f"another key, {key_id}")
        data = base64.b64decode(text, validate=True)
        try:
            plain: bytes = self._cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], self._describe_place(place))
        # `cryptography` has an exception of its own for what was changed, and is not imported here.
        except Exception as error:
            raise ValueError("not what was encrypted there") from error
        return plain.decode()

    @cached_property
    def _key(self) -> bytes:
        return hashlib.scrypt(self._secret.encode(), salt=f"reconciler state {self._store}".encode(), **_SCRYPT)

    @cached_property
    def _cipher(self) -> AESGCM:
        return self._make_cipher(self._key)

    def _describe_place(self, place: BodyPlace) -> bytes:
        return json.dumps([self._store, *place]).encode()


def is_encrypted(body: str) -> bool:
    """Say whether a body, which is JSON otherwise, is encrypted."""
    return body.startswith(_PREFIX)


def decrypt_intent(cipher: BodyCipher | None, target: str, intent: Intent, *, plain_allowed: bool) -> Intent:
    """Return an intent as its reader may have it: decrypted, or without its body where this is not its key.

    Where bodies may not be plain, one that is was put there by somebody else.
    """
    previous = intent.previous
    if not previous or not previous.body:
        return intent
    if not is_encrypted(previous.body):
        return intent if plain_allowed else intent._replace(previous=PreviousObject(previous.digest))
    key_id = escape_and_shorten(previous.body.removeprefix(_PREFIX).partition(":")[0])
    try:
        body = cipher.decrypt(previous.body, BodyPlace(target, intent.run, intent.number)) if cipher else ""
    except ValueError:
        body = ""
    return intent._replace(previous=PreviousObject(previous.digest, body, "" if body else key_id))
