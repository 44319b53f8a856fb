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
from reconciler.transport.sockets import ConnectTimeout

_CHECK_NETWORK = "check the address and the network, then run again"
_REFUSED_BY_PROXY = re.compile(r"Tunnel connection failed: ([0-9]{3})")
_NOT_YET_VALID, _EXPIRED = 9, 10
# UNABLE_TO_GET_ISSUER_CERT, of an authority that was looked up and found.
_ISSUER_OF_TRUSTED_MISSING = 2
# DEPTH_ZERO_SELF_SIGNED_CERT, SELF_SIGNED_CERT_IN_CHAIN,
# UNABLE_TO_GET_ISSUER_CERT_LOCALLY, UNABLE_TO_VERIFY_LEAF_SIGNATURE.
_UNKNOWN_AUTHORITY = frozenset({18, 19, 20, 21})
# HOSTNAME_MISMATCH and IP_ADDRESS_MISMATCH.
_WRONG_NAME = frozenset({62, 64})
"""What OpenSSL calls verification errors: X509_V_ERR_*."""
_CERTIFICATE_ALERT = re.compile(
    r"alert (unknown ca|bad certificate|unsupported certificate|certificate (?:expired|revoked|unknown)|access denied)$"
)
"""What a server says of the certificate that we showed; some say the first ones where we showed none."""
_TRUST_ADVICE = "name the PEM file of its authority as {bundle}, if you trust it"


class FailureReason(NamedTuple):
    """What happened, what to do, and whether asking again would bring the same.

    `reason` is what else there is to know; it is told between the two.
    """

    summary: str
    remedy: str = _CHECK_NETWORK
    is_permanent: bool = False
    reason: str = ""


class UnansweredRequest(NoReply):
    """No answer came, and it is known why.

    `ignored_proxy` is the variable of the environment that names a proxy where the settings name none: it is told
    where no connection came about.
    """

    def __init__(self, failure: FailureReason, *, sent: bool, ignored_proxy: str = "") -> None:
        super().__init__(failure.summary, sent=sent)
        is_hint_due = ignored_proxy and not sent and not failure.is_permanent
        self.why = suggest_proxy(failure, ignored_proxy) if is_hint_due else failure


def suggest_proxy(failure: FailureReason, variable: str) -> FailureReason:
    """Add that a variable of the environment names a proxy, which nobody here obeys."""
    return failure._replace(
        reason=f"{variable} is set in the environment, which is not obeyed here",
        remedy=f"say `proxy` in the settings if the way leads through one; else {failure.remedy}",
    )


class Advice(NamedTuple):
    """What is said of a failure after what happened: what to know, "" for nothing, and what to do."""

    reason: str
    remedy: str

    def __str__(self) -> str:
        return "; ".join(filter(None, self))


def advise_on_failure(error: NoReply, bundle: str, certificate: str = "clientCertificate") -> Advice:
    """Return what to do about it, with the names that an authority and our certificate have in the settings there."""
    failure = error.why if isinstance(error, UnansweredRequest) else FailureReason(str(error))
    names = {"bundle": bundle, "certificate": certificate}
    return Advice(failure.reason.format(**names), failure.remedy.format(**names))


def explain_failure(error: BaseException, seconds: float, *, known_to_proxy: bool = False) -> FailureReason:
    """Say why no answer came within so many seconds; `known_to_proxy` says that the proxy was told who we are."""
    causes = list(_walk_causes(error))
    peer = "proxy" if any(isinstance(cause, ProxyError) for cause in causes) else "server"
    for cause in causes:
        # An SSLError as well, so it has to be looked for first; a proxy that speaks TLS itself brings it too.
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _explain_distrust(cause, peer)
    if tls_error := next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None):
        return _explain_tls_failure(tls_error)
    if peer == "proxy":
        return _explain_proxy_failure(causes, known_to_proxy)
    for kind, failure in _REASON_BY_ERROR:
        if any(isinstance(cause, kind) for cause in causes):
            return failure._replace(summary=failure.summary.format(seconds=f"{seconds:g}"))
    return FailureReason(f"the connection failed ({type(causes[-1]).__name__})")


_REASON_BY_ERROR: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], FailureReason], ...] = (
    (socket.gaierror, FailureReason("the host's name could not be resolved")),
    (ConnectionRefusedError, FailureReason("the connection was refused")),
    # A TimeoutError as well, so it stands before that.
    (ConnectTimeout, FailureReason(str(ConnectTimeout()))),
    (TimeoutError, FailureReason("there was no complete answer within {seconds} seconds")),
    ((IncompleteRead, http.client.IncompleteRead), FailureReason("the answer was cut off")),
    (
        (ConnectionError, http.client.RemoteDisconnected),
        FailureReason("the connection was closed before an answer came"),
    ),
    # Last: IncompleteRead and RemoteDisconnected are HTTPExceptions as well.
    (http.client.HTTPException, FailureReason("the answer is not HTTP")),
)
"""The first that is found decides: libraries wrap one in the other."""


def _explain_distrust(error: ssl.SSLCertVerificationError, peer: str) -> FailureReason:
    code, message = error.verify_code, error.verify_message.rstrip(".")
    if code in _WRONG_NAME:
        return FailureReason(
            f"the {peer}'s certificate is for another name ({message})",
            "use the name that stands in it, or have it issued for this one",
            is_permanent=True,
            reason="somebody may be in between",
        )
    if code in (_EXPIRED, _NOT_YET_VALID):
        summary = "has expired" if code == _EXPIRED else "is not valid yet"
        return FailureReason(
            f"the {peer}'s certificate {summary}", "have it renewed, or mend this machine's clock", is_permanent=True
        )
    # OpenSSL says this of an authority that is trusted and was not its own issuer: a chain has to reach a root.
    if code == _ISSUER_OF_TRUSTED_MISSING:
        return FailureReason(
            f"the {peer}'s certificate is not trusted ({message})",
            "add the authorities above it, up to the root, to the PEM file named as {bundle}",
            is_permanent=True,
            reason="the authority in {bundle} is not a root, and who issued it is not there",
        )
    remedy = _TRUST_ADVICE if code in _UNKNOWN_AUTHORITY else f"have the {peer}'s certificate mended"
    return FailureReason(f"the {peer}'s certificate is not trusted ({message})", remedy, is_permanent=True)


_CERTIFICATE_WANTED = FailureReason(
    "the server wants a certificate of ours", "say {certificate} in the settings", is_permanent=True
)
_PROXY_REFUSED_US = FailureReason(
    "the proxy refused the credentials of proxyAuth (407)", "correct proxyAuth", is_permanent=True
)
_PROXY_ASKS_WHO = FailureReason(
    "the proxy wants to know who we are (407)", "say proxyAuth beside `proxy`", is_permanent=True
)
_PROXY_GONE = FailureReason(
    "the proxy did not let the request through: it can't be reached", "check `proxy`, then run again"
)


def _explain_tls_failure(error: ssl.SSLError) -> FailureReason:
    """Say why TLS failed. In TLS 1.3 it is the first request that hears what the server thinks of our certificate."""
    message = str(error.reason or "").replace("_", " ").lower()
    # TLS 1.3 alone has this alert (RFC 8446, 6.2); before, it was a handshake failure (RFC 5246, 7.4.6).
    if "alert certificate required" in message:
        return _CERTIFICATE_WANTED
    if alert := _CERTIFICATE_ALERT.search(message):
        summary = f"the server wants a certificate of ours that it trusts ({alert[1]})"
        return FailureReason(
            summary, "name one as {certificate} in the settings whose authority it knows", is_permanent=True
        )
    remedy = "check that the address speaks HTTPS, and whether it wants a certificate of ours ({certificate})"
    if isinstance(error, ssl.SSLEOFError):
        return FailureReason("the server closed the connection during TLS", remedy)
    return FailureReason(
        f"TLS failed ({message or 'unknown'})", remedy, is_permanent="alert" in message and "internal" not in message
    )


def _explain_proxy_failure(causes: list[BaseException], known_to_proxy: bool) -> FailureReason:  # noqa: FBT001
    """Tell a proxy that says no from one that isn't there. What it says is no word of the server's."""
    status = next((match[1] for cause in causes if (match := _REFUSED_BY_PROXY.search(str(cause)))), "")
    if status == "407" and known_to_proxy:
        return _PROXY_REFUSED_US
    if status == "407":
        return _PROXY_ASKS_WHO
    if status:
        summary = f"the proxy did not let the request through ({status})"
        return FailureReason(
            summary, "check `proxy` and that it may connect there", is_permanent=not status.startswith("5")
        )
    return _PROXY_GONE


def _walk_causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what the libraries wrapped in it, the outermost first."""
    seen_ids: set[int] = set()
    queue: list[object] = [error]
    while queue:
        cause = queue.pop(0)
        if isinstance(cause, BaseException) and id(cause) not in seen_ids:
            seen_ids.add(id(cause))
            yield cause
            queue += [*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__]
