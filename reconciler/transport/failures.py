"""Why no answer came, in words. The libraries' own texts hold addresses of objects, and queries."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from collections.abc import Iterator
from typing import NamedTuple

from urllib3.exceptions import IncompleteRead, ProxyError

from reconciler.errors import NoReply
from reconciler.transport.sockets import NotTaken

_LOOK = "check the address and the network, then run again"
_REFUSED_BY_PROXY = re.compile(r"Tunnel connection failed: ([0-9]{3})")
_EARLY, _EXPIRED = 9, 10
# UNABLE_TO_GET_ISSUER_CERT, DEPTH_ZERO_SELF_SIGNED_CERT, SELF_SIGNED_CERT_IN_CHAIN,
# UNABLE_TO_GET_ISSUER_CERT_LOCALLY, UNABLE_TO_VERIFY_LEAF_SIGNATURE.
_STRANGERS = frozenset({2, 18, 19, 20, 21})
# HOSTNAME_MISMATCH and IP_ADDRESS_MISMATCH.
_ELSEWHERE = frozenset({62, 64})
"""What OpenSSL calls verification errors: X509_V_ERR_*."""
_OURS = re.compile(
    r"alert (unknown ca|bad certificate|unsupported certificate|certificate (?:expired|revoked|unknown)|access denied)$"
)
"""What a server says of the certificate that we showed; some say the first ones where we showed none."""
_AUTHORITY = "name the PEM file of its authority as {bundle}, if you trust it"


class Why(NamedTuple):
    """What happened, what to do, and whether asking again would bring the same."""

    what: str
    advice: str = _LOOK
    lasting: bool = False


class Unanswered(NoReply):
    """No answer came, and it is known why."""

    def __init__(self, why: Why, *, sent: bool) -> None:
        super().__init__(why.what, sent=sent)
        self.why = why


def advice(error: NoReply, bundle: str, certificate: str = "clientCertificate") -> str:
    """Return what to do about it, with the names that an authority and our certificate have in the settings there."""
    words = error.why.advice if isinstance(error, Unanswered) else _LOOK
    return words.format(bundle=bundle, certificate=certificate)


def reason(error: BaseException, seconds: float, *, known_to_proxy: bool = False) -> Why:
    """Say why there was no answer to a request that had so many seconds.

    `known_to_proxy` says that the proxy was told who we are.
    """
    causes = list(_chain(error))
    peer = "proxy" if any(isinstance(cause, ProxyError) for cause in causes) else "server"
    for cause in causes:
        # An SSLError as well, so it has to be looked for first; a proxy that speaks TLS itself brings it too.
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _distrust(cause, peer)
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return _handshake(cause)
    if peer == "proxy":
        return _proxy(causes, known_to_proxy)
    for kind, why in _KNOWN:
        if any(isinstance(cause, kind) for cause in causes):
            return why._replace(what=why.what.format(seconds=f"{seconds:g}"))
    return Why(f"the connection failed ({type(causes[-1]).__name__})")


_KNOWN: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], Why], ...] = (
    (socket.gaierror, Why("the host's name could not be resolved")),
    (ConnectionRefusedError, Why("the connection was refused")),
    # A TimeoutError as well, so it stands before that.
    (NotTaken, Why(str(NotTaken()))),
    (TimeoutError, Why("there was no complete answer within {seconds} seconds")),
    ((IncompleteRead, http.client.IncompleteRead), Why("the answer was cut off")),
    ((ConnectionError, http.client.RemoteDisconnected), Why("the connection was closed before an answer came")),
    # Last: IncompleteRead and RemoteDisconnected are HTTPExceptions as well.
    (http.client.HTTPException, Why("the answer is not HTTP")),
)
"""The first that is found decides: libraries wrap one in the other."""


def _distrust(error: ssl.SSLCertVerificationError, peer: str) -> Why:
    code, said = error.verify_code, error.verify_message.rstrip(".")
    if code in _ELSEWHERE:
        return Why(
            f"the {peer}'s certificate is for another name ({said})",
            "use the name that stands in it, or have it issued for this one; somebody may be in between",
            lasting=True,
        )
    if code in (_EXPIRED, _EARLY):
        what = "has expired" if code == _EXPIRED else "is not valid yet"
        return Why(f"the {peer}'s certificate {what}", "have it renewed, or mend this machine's clock", lasting=True)
    todo = _AUTHORITY if code in _STRANGERS else f"have the {peer}'s certificate mended"
    return Why(f"the {peer}'s certificate is not trusted ({said})", todo, lasting=True)


def _handshake(error: ssl.SSLError) -> Why:
    """Say why TLS failed. In TLS 1.3 it is the first request that hears what the server thinks of our certificate."""
    said = str(error.reason or "").replace("_", " ").lower()
    # TLS 1.3 alone has this alert (RFC 8446, 6.2); before, it was a handshake failure (RFC 5246, 7.4.6).
    if "alert certificate required" in said:
        return Why("the server wants a certificate of ours", "say {certificate} in the settings", lasting=True)
    if refused := _OURS.search(said):
        what = f"the server wants a certificate of ours that it trusts ({refused[1]})"
        return Why(what, "name one as {certificate} in the settings whose authority it knows", lasting=True)
    todo = "check that the address speaks HTTPS, and whether it wants a certificate of ours ({certificate})"
    if isinstance(error, ssl.SSLEOFError):
        return Why("the server closed the connection during TLS", todo)
    return Why(f"TLS failed ({said or 'unknown'})", todo, lasting="alert" in said and "internal" not in said)


def _proxy(causes: list[BaseException], known: bool) -> Why:  # noqa: FBT001
    """Tell a proxy that says no from one that isn't there. What it says is no word of the server's."""
    status = next((found[1] for cause in causes if (found := _REFUSED_BY_PROXY.search(str(cause)))), "")
    if status == "407" and known:
        return Why("the proxy refused the credentials of proxyAuth (407)", "correct proxyAuth", lasting=True)
    if status == "407":
        return Why("the proxy wants to know who we are (407)", "say proxyAuth beside `proxy`", lasting=True)
    if status:
        what = f"the proxy did not let the request through ({status})"
        return Why(what, "check `proxy` and that it may connect there", lasting=not status.startswith("5"))
    return Why("the proxy did not let the request through: it can't be reached", "check `proxy`, then run again")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what the libraries wrapped in it, the outermost first."""
    seen: set[int] = set()
    todo: list[object] = [error]
    while todo:
        one = todo.pop(0)
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            todo += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]
