"""The HTTP session that a library is handed which would open one of its own."""

from __future__ import annotations

from typing import Any

from requests import RequestException, Response, Session


def open_foreign_session() -> Session:
    """Return a session that follows no redirect: headers go along with one, and a secret may be among them."""
    session = Session()
    session.hooks["response"].append(_refuse_redirect)
    return session


def _refuse_redirect(response: Response, **_: Any) -> None:
    if 300 <= response.status_code < 400:
        response.close()
        summary = f"it answered with a redirect ({response.status_code}), which is not followed"
        raise RequestException(summary, response=response)
