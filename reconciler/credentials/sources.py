"""Secrets: where they come from, and a value that can't be printed by accident.

An origin is a frozen reference that is safe to print, compare and keep. Only `resolve_secret` turns it into a `Secret`,
and only when a request needs it: `validate` and `show` run without any credential.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeAlias

from reconciler.credentials import command as helper
from reconciler.credentials.private_file import MAX_FILE_BYTES, Unavailable, read_private_file
from reconciler.diagnostics import Explanation, Source
from reconciler.documents.vendor_file import find_member
from reconciler.errors import AuthError

_MAX_SECRET = 64 * 1024
"""Bytes of the longest secret: a token with a whole service catalogue stays below it."""
_MAX_LINE_BREAK = 2
"""Bytes of the longest line break that may follow it."""
_BAD_PROFILE = Explanation(
    "settings.secret-unreadable",
    "can't be read: the file is neither JSON nor INI nor YAML",
    remedy="mend it or use variables",
)


class Secret:
    """A value that shows as *** wherever it is printed and that can't be pickled or copied out."""

    __hash__ = None  # type: ignore[assignment]
    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself, for the one header or form field that carries it."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __format__(self, _spec: str) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        # In constant time. Bytes, since compare_digest takes text only if it is ASCII.
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        # pickle, copy.copy and copy.deepcopy all come through here.
        raise TypeError("a secret is not written anywhere")


@dataclass(frozen=True, slots=True)
class FromEnvironment:
    """`{env: NAME}`."""

    name: str

    def __str__(self) -> str:
        return f"the environment variable {self.name}"

    def fetch(self, env: Mapping[str, str]) -> str:
        if self.name not in env:
            raise Unavailable(
                Explanation(
                    "settings.secret-missing",
                    "is not set",
                    remedy=f"export {self.name} or say another origin in the settings",
                )
            )
        return env[self.name]


@dataclass(frozen=True, slots=True)
class FromFile:
    """`{file: PATH}`: a regular file that nobody but us and root can read or put another in the place of."""

    path: Path

    def __str__(self) -> str:
        return f"the file {self.path}"

    def fetch(self, env: Mapping[str, str]) -> str:  # noqa: ARG002
        return _decode_secret(read_private_file(self.path, _MAX_SECRET + _MAX_LINE_BREAK))


@dataclass(frozen=True, slots=True)
class FromCommand:
    """`{command: [argv]}`: what a program prints that runs in `folder`."""

    argv: tuple[str, ...]
    folder: Path

    def __str__(self) -> str:
        return f"the command {self.argv[0]}"

    def fetch(self, env: Mapping[str, str]) -> str:
        return _decode_secret(helper.run_helper(self.argv, self.folder, env, max_bytes=_MAX_SECRET + _MAX_LINE_BREAK))


@dataclass(frozen=True, slots=True)
class FromProfile:
    """One member of a vendor's own credentials file: JSON, INI or YAML."""

    path: Path
    keys: tuple[str, ...]

    def __str__(self) -> str:
        return f"{'.'.join(self.keys)} in {self.path}"

    def fetch(self, env: Mapping[str, str]) -> str:  # noqa: ARG002
        data = read_private_file(self.path, MAX_FILE_BYTES)
        try:
            value = find_member(data, self.path, self.keys)
        except ValueError:
            raise Unavailable(_BAD_PROFILE) from None
        if value is None:
            raise Unavailable(
                Explanation("settings.secret-missing", "is not there", remedy="fill it in or use variables")
            )
        if not isinstance(value, str):
            raise _make_invalid("is no text", "put it in quotes")
        return value


Origin: TypeAlias = FromEnvironment | FromFile | FromCommand | FromProfile
"""Where a secret comes from."""


def resolve_secret(origin: Origin, env: Mapping[str, str], *, purpose: str, source: Source) -> Secret:
    """Fetch a secret. `purpose` names its use ("target command: auth.password").

    Raises AuthError, naming the use and the origin but never the value, where there is none or where it could not be
    sent as it is: empty, with blanks around it, or with a control character such as a line break inside.
    """
    return _resolve(origin, env, _check_value, purpose, source)


def resolve_key(origin: Origin, env: Mapping[str, str], *, purpose: str, source: Source) -> Secret:
    """Fetch a key that is never sent and so may have line breaks, as PEM has; raises as `resolve_secret` does."""
    return _resolve(origin, env, _check_presence, purpose, source)


def _resolve(
    origin: Origin, env: Mapping[str, str], check: Callable[[str], None], purpose: str, source: Source
) -> Secret:
    try:
        value = origin.fetch(env)
        check(value)
    except Unavailable as refusal:
        raise AuthError(refusal.explanation.add_subject(f"{purpose}: {origin}").locate(source)) from None
    return Secret(value)


def _check_presence(value: str) -> None:
    if not value.strip():
        raise Unavailable(Explanation("settings.secret-missing", "is empty", remedy="give it its value"))


def _check_value(value: str) -> None:
    _check_presence(value)
    # Windows editors write one, and str.strip() doesn't count it among the blanks.
    if value.startswith("\ufeff"):
        raise _make_invalid("starts with a byte order mark, which would be sent along", "save it as plain UTF-8")
    # RFC 9110, section 5.5: whoever reads a header drops the blanks around its value.
    if value != value.strip():
        raise _make_invalid("starts or ends with a blank or a line break", "remove it")
    # RFC 9110, section 5.5: CR, LF and NUL are dangerous in a header (a line break starts another one),
    # and of the other control characters only the tab is allowed.
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in value):
        raise _make_invalid(
            "has a line break or another control character inside, which no header can carry", "remove it"
        )
    # PEP 383: a variable's bytes that are no UTF-8 arrive as lone surrogates, which can't be encoded.
    if any(0xD800 <= ord(character) <= 0xDFFF for character in value):
        raise _make_invalid("is not UTF-8 text", "check that it is the right one")
    if len(value) > _MAX_SECRET:
        raise _make_invalid(f"is longer than {_MAX_SECRET} characters", "it is hardly the secret that was meant")


def _decode_secret(data: bytes) -> str:
    """Decode what an editor or a program wrote, less the one line break that it ends with."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise _make_invalid("is not UTF-8 text", "check that it is the right one") from None
    # POSIX ends every line so, and `echo` and editors obey; a second line break is refused later.
    return text[:-2] if text.endswith("\r\n") else text.removesuffix("\n")


def _make_invalid(summary: str, remedy: str) -> Unavailable:
    return Unavailable(Explanation("settings.secret-invalid", summary, remedy=remedy))
