"""What an observer of a transport is shown: each request as it went out, and what came of it."""

from __future__ import annotations

import socket

import pytest

from reconciler.errors import NoReply
from reconciler.transport.exchanges import WireExchange
from reconciler.transport.options import TransportOptions
from reconciler.transport.transport import OBJECT_CAP, Transport, UnusableReply
from tests.support.raw_server import Scripted, answer


def send(url: str, method: str = "GET", body: bytes | None = None, rate: float = 0.0) -> list[WireExchange]:
    """Send a request, whatever comes of it; returns what was shown."""
    seen: list[WireExchange] = []
    sender = Transport(url, TransportOptions(timeout=5.0, rate=rate), on_exchange=seen.append)
    try:
        sender.send(method, f"{url}/x?y=1", {"X-Mine": "m"}, body)
    except NoReply:
        pass
    finally:
        sender.close()
    return seen


def test_an_exchange_holds_what_went_over_the_wire() -> None:
    """The headers that the transport adds as well; of the answer each header, one that comes twice too."""
    reply = b"HTTP/1.1 201 Made\r\nX-Two: a\r\nX-Two: b\r\nX-Request-Id: r-1\r\nContent-Length: 2\r\n\r\n{}"
    with Scripted(lambda asked: reply) as server:
        (seen,) = send(server.url, "POST", b'{"a":1}')
    (asked,) = server.asked
    assert {name.lower(): value for name, value in seen.request_headers}.items() <= asked.headers.items()
    assert (seen.method, seen.url, seen.request_body) == ("POST", f"{server.url}/x?y=1", b'{"a":1}')
    assert seen.head is not None
    assert (seen.head.status, seen.head.reason, seen.head.version) == (201, "Made", "HTTP/1.1")
    assert [value for name, value in seen.head.headers if name == "X-Two"] == ["a", "b"]
    assert (seen.body, seen.failure, seen.request_id) == (b"{}", "", "r-1")
    assert all(seconds >= 0 for seconds in seen.times)
    assert seen.seconds == sum(seen.times) > 0


def test_a_request_without_an_answer_is_shown_with_its_reason() -> None:
    """Nothing listens there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    (seen,) = send(url)
    assert (seen.head, seen.body, seen.failure, seen.request_id) == (None, None, "the connection was refused", "")


def test_an_answer_that_cannot_be_used_is_shown_as_far_as_it_came() -> None:
    """Its head is there, and why its body is not."""
    with Scripted(lambda asked: answer(200, b"x" * (OBJECT_CAP + 1))) as server:
        (seen,) = send(server.url)
    assert seen.head is not None
    assert (seen.head.status, seen.body) == (200, None)
    assert seen.failure == "the answer can't be used: it is larger than 4 MiB"


def test_nobody_watches_unless_asked_to() -> None:
    """And what is raised is the same with an observer and without."""
    with Scripted(lambda asked: answer(200, b"x" * (OBJECT_CAP + 1))) as server:
        for observer in (None, lambda exchange: None):
            sender = Transport(server.url, TransportOptions(timeout=5.0), on_exchange=observer)
            with pytest.raises(UnusableReply):
                sender.send("GET", server.url, {})
            sender.close()
