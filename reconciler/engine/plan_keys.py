"""The keys of the settings that sign and verify saved plans, fetched when one is needed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from reconciler.credentials.private_file import Unavailable, read_regular_file
from reconciler.credentials.sources import Origin, resolve_key
from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import AuthError, UsageError
from reconciler.plans.signatures import (
    IsSigned,
    Sign,
    make_ed25519_signing,
    make_ed25519_verifying,
    make_hmac_signing,
)

_KEY, _PRIVATE_KEY, _PUBLIC_KEY = "plans: key", "plans: ed25519.privateKey", "plans: ed25519.publicKey"
_OPENSSL = "openssl genpkey -algorithm ed25519 -out plan.key; openssl pkey -in plan.key -pubout -out plan.pub"


def load_hmac_key(origin: Origin, env: Mapping[str, str], source: Source) -> tuple[Sign, IsSigned]:
    """Return both hands of a secret key; raises AuthError where it can't be had."""
    return make_hmac_signing(resolve_key(origin, env, purpose=_KEY, source=source).reveal().encode())


def load_private_key(origin: Origin, env: Mapping[str, str], source: Source) -> tuple[Sign, IsSigned]:
    """Return both hands of a private key; raises AuthError where it can't be had, UsageError without the library."""
    key = resolve_key(origin, env, purpose=_PRIVATE_KEY, source=source)
    try:
        return make_ed25519_signing(key.reveal().encode())
    except ImportError:
        raise _make_library_error(source) from None
    except ValueError as error:
        raise _make_key_error(f"{_PRIVATE_KEY}: {origin} {error}", source) from None


def load_public_key(path: Path, source: Source) -> IsSigned:
    """Return the verifying hand of a public key in a file; raises as `load_private_key` does."""
    try:
        return make_ed25519_verifying(read_regular_file(path))
    except ImportError:
        raise _make_library_error(source) from None
    except Unavailable as refusal:
        raise _make_key_error(f"{_PUBLIC_KEY}: the file {path} {refusal.explanation.summary}", source) from None
    except ValueError as error:
        raise _make_key_error(f"{_PUBLIC_KEY}: the file {path} {error}", source) from None


def _make_library_error(source: Source) -> UsageError:
    summary = "plans: ed25519: the package cryptography can't be imported"
    reason, remedy = "without it a plan is neither signed nor verified", "pip install 'pki-reconciler[crypto]'"
    return UsageError(Diagnostic("settings.missing-extra", source, summary, reason, remedy))


def _make_key_error(summary: str, source: Source) -> AuthError:
    return AuthError(Diagnostic("settings.unusable-key", source, summary, remedy=f"make a pair with: {_OPENSSL}"))
