"""The one place that sends.

A request goes to one origin, once, with the credentials of that request alone; no redirect is followed, no cookie kept,
nothing is taken from the environment, and everything has a limit. Each write travels on a connection of its own, so
that no dead kept-alive connection can make an outcome doubtful.
"""

from __future__ import annotations

import http.client
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any, Protocol

from requests import PreparedRequest, RequestException
from requests.structures import CaseInsensitiveDict
from urllib3 import Timeout
from urllib3.exceptions import HTTPError

from reconciler import __version__
from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import NoReply, UsageError
from reconciler.model import Reply
from reconciler.transport.adapter import SingleSendAdapter
from reconciler.transport.body import TruncatedBody, UnusableBody, read_body
from reconciler.transport.exchanges import ExchangeRecord, WireExchange, record_exchange
from reconciler.transport.failures import UnansweredRequest, explain_failure
from reconciler.transport.options import TransportOptions, Trust
from reconciler.transport.proxy_environment import find_ignored_proxy
from reconciler.transport.rate_limit import RateLimiter
from reconciler.transport.sockets import Wire
from reconciler.transport.tls import TlsContexts, pair_tls_contexts
from reconciler.transport.urls import extract_origin

OBJECT_CAP = 4 * 1024 * 1024
LIST_CAP = 16 * 1024 * 1024
"""Bytes of the largest answer, decoded: ten times what the longest page of certificates takes."""
_HEADER = re.compile(r"[\x20-\x7e]*")
_LIBRARY_ERRORS = (RequestException, HTTPError, http.client.HTTPException, OSError, ValueError)


class UnusableReply(NoReply):
    """An answer came and can't be taken: too large, or damaged. Asking again would bring the same."""

    def __init__(self, message: str) -> None:
        super().__init__(message, sent=True)


class Sender(Protocol):
    """What a client sends through: `Transport`, or in a campaign what stands in for everything below it."""

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None, *, cap: int = OBJECT_CAP
    ) -> Reply:
        """As `Transport.send` has it."""

    @property
    def stopped(self) -> bool:
        """As `Transport.stopped` has it."""

    def close(self) -> None:
        """As `Transport.close` has it."""


class Transport:
    """Sends requests to one origin. Safe for many threads. `on_exchange` is shown each of them when it is over."""

    def __init__(
        self,
        url: str,
        options: TransportOptions,
        *,
        proxy_login: Callable[[], str] = lambda: "",
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        on_exchange: Callable[[WireExchange], None] | None = None,
    ) -> None:
        self._on_exchange = on_exchange
        self._origin = extract_origin(url)
        self._options = options
        self._wire = Wire(clock)
        self._rate_limiter = RateLimiter(options.rate, clock, sleep, lambda: self._wire.stopped)
        is_https = self._origin.startswith("https:")
        tls = _make_tls_contexts(options) if is_https else None
        self._proxies = {"https": options.proxy} if options.proxy and is_https else {}
        self._proxy_login = proxy_login if self._proxies else lambda: ""
        open_adapter = partial(SingleSendAdapter, self._wire, tls=tls, proxy_login=self._proxy_login)
        # Several pools of threads read through here: their sizes alone would not keep it to that many.
        self._read_slots = threading.BoundedSemaphore(options.parallelism)
        self._reads = open_adapter(connections=options.parallelism)
        self._open_write_adapter = partial(open_adapter, connections=1)
        # Each write has one to itself: closing it would take the connection of another that is under way.
        self._idle_write_adapters: list[SingleSendAdapter] = []

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None, *, cap: int = OBJECT_CAP
    ) -> Reply:
        """Send one request and return the whole answer, whatever its status.

        Raises NoReply, `sent` False only if no byte of the request can have left; its subclass UnusableReply where an
        answer came that can't be taken; AuthError, nothing sent, where the proxy's password is missing.
        """
        request = self._prepare_request(method, url, headers, body)
        # Ahead of the deadline's start: a helper program that prints the secret has a time of its own.
        self._proxy_login()
        with record_exchange(self._on_exchange, request) as record, self._lend_slot(method):
            self._rate_limiter.wait()
            if self.stopped:
                raise NoReply("everything is being stopped; nothing was sent", sent=False)
            if record:
                record.note_start()
            return self._send_prepared(request, url, cap, record)

    @property
    def stopped(self) -> bool:
        """Whether the connections were closed: nothing more will be sent."""
        return self._wire.stopped

    def close(self) -> None:
        """Close the connections; a read that is still waiting gives up."""
        self._wire.stop()
        self._reads.close()

    def _prepare_request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> PreparedRequest:
        """Build the request as it goes out: for this origin alone, and with no header that could split in two."""
        if extract_origin(url) != self._origin:
            raise NoReply("the request was for another host than the target's and was not sent", sent=False)
        default_headers = {
            "User-Agent": f"reconciler/{__version__}",
            "Accept": "application/json",
            # Not br or zstd: urllib3 decodes them only where their packages happen to be installed.
            "Accept-Encoding": "gzip",
            "Connection": "keep-alive" if method == "GET" else "close",
        }
        # Not by a Session: it adds cookies and .netrc's login, and quotes anew the URL that was signed.
        request = PreparedRequest()
        request.method, request.url, request.body = method, url, body
        request.headers = CaseInsensitiveDict({**default_headers, **headers})
        if body is not None:
            request.headers["Content-Length"] = str(len(body))
        for name, value in request.headers.items():
            # RFC 9110, 5.5: a line break in a value would begin another header; requests' own check is in the
            # preparation that is left out here.
            if not _HEADER.fullmatch(value) or not _HEADER.fullmatch(name):
                raise NoReply(
                    f"the header {name} has characters that no header can carry; nothing was sent", sent=False
                )
        return request

    def _send_prepared(self, request: PreparedRequest, url: str, cap: int, record: ExchangeRecord | None) -> Reply:
        """Send a request within its deadline, and say why no answer came where none did."""
        self._wire.start(self._options.timeout)
        try:
            with self._lend_adapter(str(request.method)) as adapter:
                return self._exchange(adapter, request, cap, record)
        except UnusableBody as body_error:
            raise UnusableReply(f"the answer can't be used: {body_error}") from None
        except TruncatedBody:
            raise NoReply("the answer was cut off", sent=True) from None
        except _LIBRARY_ERRORS as error:
            known_to_proxy = bool(self._proxy_login())
            raise UnansweredRequest(
                explain_failure(error, self._options.timeout, known_to_proxy=known_to_proxy),
                sent=self._wire.has_begun,
                ignored_proxy=find_ignored_proxy(url, self._options),
            ) from None

    def _lend_slot(self, method: str) -> AbstractContextManager[Any]:
        """Wait until a read may be under way beside the others. A write waits for none of them."""
        return self._read_slots if method == "GET" else nullcontext()

    @contextmanager
    def _lend_adapter(self, method: str) -> Iterator[SingleSendAdapter]:
        """Give what a request goes through; a write's connection is closed behind it."""
        if method == "GET":
            yield self._reads
            return
        try:
            adapter = self._idle_write_adapters.pop()
        except IndexError:
            adapter = self._open_write_adapter()
        try:
            yield adapter
        finally:
            adapter.close()
            self._idle_write_adapters.append(adapter)

    def _exchange(
        self, adapter: SingleSendAdapter, request: PreparedRequest, cap: int, record: ExchangeRecord | None
    ) -> Reply:
        timeout = Timeout(total=self._options.timeout)
        response = adapter.send(request, stream=True, timeout=timeout, proxies=self._proxies)  # type: ignore[arg-type]
        try:
            if record:
                record.note_head(response.raw)
            headers = {name.lower(): value for name, value in response.raw.headers.items()}
            body = read_body(response.raw, headers.get("content-encoding", ""), cap)
            if record:
                record.note_body(body)
        except BaseException:
            # On interrupts too: a connection with half an answer in it must not return to the pool.
            response.raw.close()
            raise
        response.raw.release_conn()
        return Reply(response.status_code, headers, body)


def _make_tls_contexts(options: TransportOptions) -> TlsContexts:
    trust = options.trust
    try:
        return pair_tls_contexts(trust, options.proxy)
    except (OSError, ValueError) as error:
        files = ", ".join(str(path) for path in (trust.ca_bundle, trust.certificate, trust.key) if path)
        raise UsageError(
            Diagnostic(
                "tls.unusable-certificate",
                Source("reconciler"),
                f"{files or 'the given authority'}: can't be used as a certificate "
                f"({_describe_file_error(error, trust)})",
                "without it the server can't be verified",
                "name PEM files that can be read",
            )
        ) from None


def _describe_file_error(error: BaseException, trust: Trust) -> str:
    key = trust.key or trust.certificate
    if isinstance(error, ssl.SSLError) and key and key.is_file() and b"ENCRYPTED" in key.read_bytes():
        return "the key is encrypted, and nobody is here to type its passphrase"
    if isinstance(error, ssl.SSLError):
        return str(error.reason or "not PEM").replace("_", " ").lower()
    return getattr(error, "strerror", None) or "not PEM"
