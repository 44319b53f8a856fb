"""What an answer means that is neither what was asked for nor a word about credentials: said alike by all commands."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from reconciler.apis.dialect import Dialect, describe_reply
from reconciler.credentials.redaction import Redactor
from reconciler.diagnostics import Explanation
from reconciler.model import Reply
from reconciler.transport.retry import is_proxy_demand, is_worth_repeating

_LONG_QUERY = 1000
"""Characters from which on a query's length is worth a word."""
# Of 404 this is IIS's habit (its substatus 404.15); the others say by their meaning that something is too long.
_PROXY_REMEDY = "say `proxy` and `proxyAuth` in the settings, or ask who runs it to let this through"
_TOO_LONG_STATUSES = frozenset({400, 404, 413, 414, 431})


class AnswerContext(NamedTuple):
    """What was asked: the target's address, the query as it was sent, and whether this API was seen there before."""

    url: str
    query: str = ""
    is_known_api: bool = False


def explain_odd_answer(reply: Reply, dialect: Dialect, redact: Redactor, context: AnswerContext) -> Explanation:
    """Say what an answer means that is no word about credentials or permissions, and what to do about it."""
    status, description = reply.status, describe_reply(reply, redact)
    # HTTP libraries take Authorization away when a redirect leads to another host, but not X-Auth-Token: followed, it
    # would hand the token over. And most turn a PUT into a GET after a 302, whose 200 looks like success.
    if 300 <= status < 400:
        where = _describe_redirect(reply, redact)
        summary = f"the answer is a redirect ({status}){where}, which is never followed with credentials"
        return _explain_untrusted(summary, "set `url` to the address that answers itself")
    if status == 403 or is_proxy_demand(status):
        return _explain_middle(status, description)
    if status == 429 or status >= 500:
        again = " although it was asked again" if is_worth_repeating(status) else ""
        return Explanation("api.server-failing", f"the server fails ({description}){again}", remedy="try again later")
    if status in _TOO_LONG_STATUSES and len(context.query) >= _LONG_QUERY:
        summary = f"the server can't answer this ({description}), whose query has {len(context.query):,} characters"
        remedy = "make it shorter: IIS takes no more than 2,048 where it is not told otherwise (maxQueryString)"
        return _explain_untrusted(summary, remedy)
    if status == 404:
        return _explain_absence(dialect, context, description)
    return _explain_untrusted(f"the server can't answer this ({description})", "check the server's version and its log")


def _explain_middle(status: int, description: str) -> Explanation:
    """Tell of a firewall or a proxy that answers in the server's place."""
    if status == 403:
        summary = f"the answer is a web page ({status}) and not this API's: something before it said no"
        return _explain_untrusted(summary, "ask who runs the firewall or proxy before the server to let it through")
    return _explain_untrusted(f"a proxy on the way asks who we are ({description})", _PROXY_REMEDY)


def _explain_absence(dialect: Dialect, context: AnswerContext, description: str) -> Explanation:
    """Tell an API that isn't there from one thing that it doesn't have."""
    if context.is_known_api:
        summary = f"the server has nothing there ({description})"
        return _explain_untrusted(summary, f"check {dialect.address_setting} and the server's version")
    remedy = f"correct {dialect.address_setting}" + (f"; {dialect.address_hint}" if dialect.address_hint else "")
    return Explanation("api.no-such-api", f"there is no such API at {context.url} ({description})", remedy=remedy)


def _explain_untrusted(summary: str, remedy: str) -> Explanation:
    return Explanation("api.untrusted-answer", summary, "nothing was concluded from it", remedy)


def _describe_redirect(reply: Reply, redact: Redactor) -> str:
    """Say where a redirect leads to: its host, without what may stand in front of it; "" where it names none."""
    # The WHATWG URL Standard, and so every browser, takes a backslash for a slash; urlsplit does not.
    location = redact(reply.headers.get("location", "")).replace("\\", "/")
    try:
        # RFC 3986, 3.2.1: what stands before the @ may be a user and a password.
        host = urlsplit(location).netloc.rpartition("@")[2]
    except ValueError:  # such as brackets that hold no address
        return ""
    return f" to {redact.line(host, 100)}" if host else ""
