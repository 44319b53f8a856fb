"""What the vendors' clients may not do: write to the user's home, read his credentials, leave the machine, chatter."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

import pytest

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_guarded = False


def _guard(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse to connect or to look up anything but loopback, below every HTTP library."""
    if not _guarded or event not in ("socket.connect", "socket.getaddrinfo"):
        return
    address = arguments[1] if event == "socket.connect" else arguments
    host = address[0] if isinstance(address, tuple) else None
    if host is not None and host not in _LOOPBACK:
        raise PermissionError(f"a vendor's client wants to leave the machine: {host}")


sys.addaudithook(_guard)


@contextmanager
def contained() -> Iterator[pytest.MonkeyPatch]:
    """Give the clients a home of their own and no proxies, and let them reach loopback alone.

    Importing the Huawei SDK writes `$HOME/.huaweicloud/application_id`, so this must be entered before the import.
    """
    global _guarded  # noqa: PLW0603 - an audit hook can't be taken away again
    with TemporaryDirectory(prefix="vendors-") as home, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", home)
        patch.setenv("USERPROFILE", home)
        patch.setenv("NO_PROXY", "127.0.0.1")
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"):
            patch.delenv(name, raising=False)
            patch.delenv(name.lower(), raising=False)
        # The SDK's logger has no handler and does not propagate: Python would print its errors to stderr.
        logging.getLogger("HuaweiCloud-SDK-CsmsClient").addHandler(logging.NullHandler())
        _guarded = True
        try:
            yield patch
        finally:
            _guarded = False
