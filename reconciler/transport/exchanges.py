"""What went over the wire and when, for whoever watches a run. Nobody does unless asked to, and that costs nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from reconciler.model import Reply

WireHeaders = tuple[tuple[str, str], ...]
"""Names and values as they stand on the wire: a name may come twice."""
_VERSIONS = {10: "HTTP/1.0", 11: "HTTP/1.1"}


class ExchangeTimes(NamedTuple):
    """Seconds: held back by our own cap on requests, until the headers of an answer came, and for its body."""

    blocked: float = 0.0
    waited: float = 0.0
    received: float = 0.0


class AnswerHead(NamedTuple):
    """The first part of an answer, which may be all that came of it."""

    status: int
    reason: str
    version: str
    headers: WireHeaders


@dataclass(frozen=True, slots=True)
class WireExchange:
    """One request, as it was sent, and what came of it. Secrets are in it: only what is redacted may be shown.

    `started` is in seconds since the epoch. `head` is None where no answer came, `body` where none could be taken;
    `failure` then says why. An answer's body is decoded, as the tool read it.
    """

    method: str
    url: str
    request_headers: WireHeaders
    request_body: bytes | None
    started: float
    times: ExchangeTimes
    head: AnswerHead | None = None
    body: bytes | None = None
    failure: str = ""

    @property
    def seconds(self) -> float:
        """How long all of it took."""
        return sum(self.times)

    @property
    def request_id(self) -> str:
        """What the server calls the request, "" if it doesn't say."""
        headers = {name.lower(): value for name, value in self.head.headers} if self.head else {}
        return Reply(0, headers, b"").request_id


@dataclass(frozen=True, slots=True)
class TrafficWatch:
    """Who is shown the exchanges of a run as they end: with the target's name, and what blots out its secrets.

    `show` is called from many threads. What it is handed to redact with may learn more secrets afterwards.
    """

    show: Callable[[str, Callable[[str], str], WireExchange], None]


class ExchangeRecord:
    """One exchange while it goes on."""

    def __init__(self, request: Any) -> None:
        self._request = (request.method, request.url, tuple(request.headers.items()), request.body)
        self._started = time.time()
        # Not the clock of the deadlines: in a campaign that one stands still while nobody waits.
        self._marks = [time.perf_counter()]
        self._head: AnswerHead | None = None
        self._body: bytes | None = None

    def note_start(self) -> None:
        """Mark that nothing holds the request back any longer."""
        self._marks.append(time.perf_counter())

    def note_head(self, response: Any) -> None:
        """Keep the status and the headers of urllib3's answer."""
        self._marks.append(time.perf_counter())
        version = _VERSIONS.get(response.version, "")
        headers = tuple((str(name), str(value)) for name, value in response.headers.items())
        self._head = AnswerHead(response.status, response.reason or "", version, headers)

    def note_body(self, body: bytes) -> None:
        """Keep the body of the answer."""
        self._body = body

    def finish(self, failure: str = "") -> WireExchange:
        """Return what there is to know; `failure` says why there is no answer, or none that can be used."""
        marks = [*self._marks, time.perf_counter()]
        phases = [later - earlier for earlier, later in pairwise(marks)]
        return WireExchange(
            *self._request, self._started, ExchangeTimes(*phases), head=self._head, body=self._body, failure=failure
        )


@contextmanager
def record_exchange(
    on_exchange: Callable[[WireExchange], None] | None, request: Any
) -> Iterator[ExchangeRecord | None]:
    """Give what keeps the exchange of a prepared request, and show it in the end, however it ends; None for nobody."""
    if on_exchange is None:
        yield None
        return
    record = ExchangeRecord(request)
    try:
        yield record
    except Exception as error:
        on_exchange(record.finish(str(error)))
        raise
    except BaseException:  # a signal
        on_exchange(record.finish("it was broken off"))
        raise
    on_exchange(record.finish())
