"""Secrets: where they come from, and a value that can't be printed by accident.

An origin is a frozen reference that is safe to print, compare and keep. Only `resolve` turns it into a `Secret`, and
only when a request needs it: `validate` and `show` run without any credential.
"""

from __future__ import annotations

import configparser
import hmac
import os
import stat
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeAlias

from reconciler.errors import AuthError, Problem, Source
from reconciler.settings.vendor_file import content

_LIMIT = 64 * 1024
"""Bytes of the longest secret: a token with a whole service catalogue stays below it."""
_PATIENCE = 30.0
"""Seconds that a helper command may take."""
_INHERITED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TMPDIR", "XDG_RUNTIME_DIR", "GNUPGHOME")
"""All that a helper command sees of our environment, which may hold other secrets."""


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
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("a secret is not written anywhere")


class _Unavailable(Exception):
    """Why an origin gives no value; the message never holds the value."""


@dataclass(frozen=True, slots=True)
class FromEnvironment:
    """`{env: NAME}`."""

    name: str

    def __str__(self) -> str:
        return f"the environment variable {self.name}"

    def fetch(self, env: Mapping[str, str]) -> str:
        if self.name not in env:
            raise _Unavailable(f"is not set; export {self.name} or say another origin in the settings")
        return env[self.name]


@dataclass(frozen=True, slots=True)
class FromFile:
    """`{file: PATH}`: a regular file that nobody but its owner (us or root) can read."""

    path: Path

    def __str__(self) -> str:
        return f"the file {self.path}"

    def fetch(self, env: Mapping[str, str]) -> str:  # noqa: ARG002
        return _without_newline(_private(self.path))


@dataclass(frozen=True, slots=True)
class FromCommand:
    """`{command: [argv]}`: what a program prints. No shell, a minimal environment, 30 seconds; it runs in `folder`."""

    argv: tuple[str, ...]
    folder: Path

    def __str__(self) -> str:
        return f"the command {self.argv[0]}"

    def fetch(self, env: Mapping[str, str]) -> str:
        inherited = {name: env[name] for name in _INHERITED if name in env}
        try:
            done = subprocess.run(  # noqa: S603 - the operator's own argv, never a manifest's, and no shell
                self.argv,
                check=False,
                env=inherited,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_PATIENCE,
            )
        except subprocess.TimeoutExpired:
            raise _Unavailable(f"did not finish within {_PATIENCE:.0f} seconds; run it by hand to see why") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is not a valid command line"
            raise _Unavailable(f"can't be run ({reason}); give the program's full path") from None
        if done.returncode:
            raise _Unavailable(f"failed with status {done.returncode}; run it by hand to see why")
        return _without_newline(done.stdout)


@dataclass(frozen=True, slots=True)
class FromProfile:
    """One member of a vendor's own credentials file: JSON, INI or YAML."""

    path: Path
    keys: tuple[str, ...]

    def __str__(self) -> str:
        return f"{'.'.join(self.keys)} in {self.path}"

    def fetch(self, env: Mapping[str, str]) -> str:  # noqa: ARG002
        data = _private(self.path)
        try:
            value = profile_value(data, self.path, self.keys)
        except ValueError:
            raise _Unavailable(
                "can't be read: the file is neither JSON nor INI nor YAML; mend it or use variables"
            ) from None
        if not isinstance(value, str):
            raise _Unavailable("is not there; fill it in or use variables")
        return value


Origin: TypeAlias = FromEnvironment | FromFile | FromCommand | FromProfile
"""Where a secret comes from."""


def resolve(origin: Origin, env: Mapping[str, str], *, what: str, at: Source) -> Secret:
    """Fetch a secret. `what` names its use ("target command: auth.password").

    Raises AuthError, naming the use and the origin but never the value, where there is none or where it could not be
    sent as it is: empty, with blanks around it, or with a control character such as a line break inside.
    """
    try:
        value = origin.fetch(env)
        _check(value)
    except _Unavailable as why:
        raise AuthError(Problem(at, f"{what}: {origin} {why}")) from None
    return Secret(value)


def profile_value(data: bytes, path: Path, keys: tuple[str, ...]) -> object:
    """Return a member of a credentials file, None where it is absent; raises ValueError if the file can't be parsed."""
    text = data.decode("utf-8")
    if path.suffix != ".json" and _is_ini(text):
        parser = configparser.RawConfigParser()
        try:
            parser.read_string(text)
        except configparser.Error:
            raise ValueError("not an INI file") from None
        return parser.get(*keys, fallback=None)
    value: object = content(data)
    if not isinstance(value, dict):
        raise ValueError("no members")  # noqa: TRY004 - what a file holds, not what a caller gives
    for key in keys:
        if isinstance(value, list) and key.isdigit():
            value = value[int(key)] if int(key) < len(value) else None
        else:
            value = value.get(key) if isinstance(value, dict) else None
    return value


def _is_ini(text: str) -> bool:
    """Tell INI by its first line that is no comment: a section's name; a file without any says nothing."""
    lines = (line.strip() for line in text.splitlines())
    return next((line for line in lines if line and line[0] not in "#;"), "[").startswith("[")


def _check(value: str) -> None:
    if not value.strip():
        raise _Unavailable("is empty; give it its value")
    if value != value.strip():
        raise _Unavailable("starts or ends with a blank or a line break; remove it")
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in value):
        raise _Unavailable("has a line break or another control character inside, which no header can carry; remove it")
    if any(0xD800 <= ord(character) <= 0xDFFF for character in value):
        raise _Unavailable("is not UTF-8 text; check that it is the right one")
    if len(value) > _LIMIT:
        raise _Unavailable(f"is longer than {_LIMIT} characters; it is hardly the secret that was meant")


def _without_newline(data: bytes) -> str:
    """Decode what an editor or a program wrote, less the one line break that it ends with."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise _Unavailable("is not UTF-8 text; check that it is the right one") from None
    return text[:-2] if text.endswith("\r\n") else text.removesuffix("\n")


def _private(path: Path) -> bytes:
    """Read a file that is regular, ours (or root's) and closed to everybody else; judged after opening, so no race."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        if path.is_symlink():
            raise _Unavailable(
                "is a symbolic link, which may be made to point elsewhere; name the file itself"
            ) from None
        raise _Unavailable(f"can't be read ({error.strerror}); create it and `chmod 600` it") from None
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise _Unavailable("is not a regular file; name a file that holds just the secret")
        if found.st_uid not in (os.geteuid(), 0):
            raise _Unavailable(f"belongs to another user; run: chown {os.geteuid()} {path}")
        if found.st_mode & 0o077:
            mode = stat.S_IMODE(found.st_mode)
            raise _Unavailable(f"is open to other users (mode {mode:04o}); run: chmod 600 {path}")
        return _all_of(handle)
    finally:
        os.close(handle)


def _all_of(handle: int) -> bytes:
    data = b""
    while len(data) <= _LIMIT + 2 and (chunk := os.read(handle, _LIMIT)):
        data += chunk
    return data
