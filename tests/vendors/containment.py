"""What the vendors' clients may not do: write to the user's home, read his credentials, leave the machine, chatter."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

import pytest

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def _allowed(host: object) -> None:
    """Refuse to connect or to look up anything but loopback, below every HTTP library."""
    if host is not None and host not in _LOOPBACK:
        raise PermissionError(f"a vendor's client wants to leave the machine: {host}")


def _guard(patch: pytest.MonkeyPatch) -> None:
    """Guard this process's sockets for as long as the patch lasts.

    Not by an audit hook: that stays for good, and while it runs a thread that starts elsewhere can't be traced.
    """
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def connects(one: socket.socket, address: Any) -> None:
        _allowed(address[0] if isinstance(address, tuple) else None)
        connect(one, address)

    def looks_up(host: Any, *more: Any, **named: Any) -> Any:
        _allowed(host)
        return look_up(host, *more, **named)

    patch.setattr(socket.socket, "connect", connects)
    patch.setattr(socket, "getaddrinfo", looks_up)


@contextmanager
def contained() -> Iterator[pytest.MonkeyPatch]:
    """Give the clients a home of their own and no proxies, and let them reach loopback alone.

    Importing the Huawei SDK writes `$HOME/.huaweicloud/application_id`, so this must be entered before the import.
    """
    with TemporaryDirectory(prefix="vendors-") as home, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", home)
        patch.setenv("USERPROFILE", home)
        patch.setenv("NO_PROXY", "127.0.0.1")
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"):
            patch.delenv(name, raising=False)
            patch.delenv(name.lower(), raising=False)
        # The SDK's logger has no handler and does not propagate: Python would print its errors to stderr.
        logging.getLogger("HuaweiCloud-SDK-CsmsClient").addHandler(logging.NullHandler())
        _guard(patch)
        yield patch
