"""One message to one receiver through Apprise, the only place that imports it."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from reconciler.credentials.redaction import Redactor

if TYPE_CHECKING:
    from types import ModuleType


_UNKNOWN_URL = "Apprise knows no such URL, or a part of it is missing"


def is_apprise_installed() -> bool:
    """Say whether messages can be sent at all, without importing what sends them."""
    return importlib.util.find_spec("apprise") is not None


def explain_url(url: str) -> str:
    """Return why Apprise takes a URL for none of a receiver, "" if it takes it; nobody is asked."""
    import apprise  # noqa: PLC0415 - as below

    return "" if apprise.Apprise(asset=_make_asset(apprise)).add(url) else _UNKNOWN_URL


def send_message(url: str, title: str, body: str, *, is_good: bool) -> str:
    """Send plain text to a receiver; returns why that was not possible, without what its URL holds; "" if it was."""
    import apprise  # noqa: PLC0415 - a quarter of a second, for whoever has news

    redactor = _learn_url(url)
    receiver = apprise.Apprise(asset=_make_asset(apprise))
    if not receiver.add(url):
        return _UNKNOWN_URL
    kind = apprise.NotifyType.SUCCESS if is_good else apprise.NotifyType.WARNING
    sent = receiver.notify(body=body, title=title, notify_type=kind, body_format=apprise.NotifyFormat.TEXT)
    complaints = [entry.message for entry in sent.logs() if entry.level in {"WARNING", "ERROR"}]
    return "" if sent else redactor.line(complaints[-1] if complaints else "the receiver did not take it", 200)


def _make_asset(apprise: ModuleType) -> Any:
    """Return what Apprise is to be: it follows no redirect, with a token in it, and writes nothing to this machine."""
    return apprise.AppriseAsset(
        app_id="reconciler",
        app_desc="reconciler",
        app_url="",
        async_mode=False,
        http_redirects=False,
        pem_autogen=False,
        pgp_autogen=False,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
    )


def _learn_url(url: str) -> Redactor:
    """Return what blots out a URL and its parts: in most of them the tokens are its host and its path."""
    redactor = Redactor()
    # By hand: what can't be parsed as a URL may hold a secret as well.
    parts = url.partition("://")[2].replace("?", "/").replace("&", "/").replace("@", "/").replace("=", "/").split("/")
    words = [word for part in parts for word in (part, *part.split(":"))]
    redactor.learn(url, *words, *map(unquote, words), *_read_login(url))
    return redactor


def _read_login(url: str) -> list[str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return []
    return [unquote(part) for part in (parts.username, parts.password) if part]
