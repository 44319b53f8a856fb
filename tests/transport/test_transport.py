"""The one place that sends: deadlines, limits, one origin, and whether anything left."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Iterable
from pathlib import Path

import pytest

from reconciler.errors import NoReply, UsageError
from reconciler.transport.options import PUBLIC_TRUST, Trust
from reconciler.transport.options import TransportOptions as Travel
from reconciler.transport.transport import Transport, UnusableReply
from tests.support.raw_server import Asked, Scripted, answer, dripped

MEBIBYTE = 1024 * 1024


def transport(url: str, timeout: float = 30.0, trust: Trust = PUBLIC_TRUST) -> Transport:
    return Transport(url, Travel(timeout=timeout, trust=trust))


def no_reply(sender: Transport, url: str, method: str = "GET", body: bytes | None = None) -> NoReply:
    with pytest.raises(NoReply) as caught:
        sender.send(method, url, {}, body)
    return caught.value


@pytest.fixture
def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_an_answer_is_returned_whatever_its_status() -> None:
    with Scripted(lambda asked: answer(418, {"a": 1}, {"X-One": "1", "x-two": "2"})) as server:
        reply = transport(server.url).send("GET", f"{server.url}/x?y=%20z", {"X-Mine": "m"})
    assert (reply.status, reply.body) == (418, b'{"a": 1}')
    assert (reply.headers["x-one"], reply.headers["x-two"]) == ("1", "2")
    (asked,) = server.asked
    assert (asked.path, asked.query, asked.headers["x-mine"]) == ("/x", {"y": " z"}, "m")
    assert asked.headers["accept-encoding"] == "gzip"


def test_reads_share_a_connection_and_every_write_has_its_own() -> None:
    with Scripted(lambda asked: answer(200, b"{}")) as server:
        sender = transport(server.url)
        for method in ("GET", "GET", "PUT", "GET", "POST", "PUT"):
            sender.send(method, server.url, {}, None if method == "GET" else b"{}")
    by_method = [(asked.method, asked.connection) for asked in server.asked]
    assert [connection for method, connection in by_method if method == "GET"] == [1, 1, 1]
    assert len({connection for method, connection in by_method if method != "GET"}) == 3
    assert {asked.headers["connection"] for asked in server.asked if asked.method != "GET"} == {"close"}
    assert len(server.asked) == 6


def test_a_refused_connection_sent_nothing(closed_port: str) -> None:
    for method in ("GET", "PUT"):
        error = no_reply(transport(closed_port), closed_port, method, None if method == "GET" else b"{}")
        assert (error.sent, str(error)) == (False, "the connection was refused")


def test_an_unknown_host_sent_nothing() -> None:
    url = "https://no-such-host.invalid"
    error = no_reply(transport(url), url)
    assert error.sent is False
    assert "resolved" in str(error)


def test_a_failed_handshake_sent_nothing() -> None:
    with Scripted(lambda asked: b"") as server:
        url = server.url.replace("http:", "https:")
        threading.Timer(0.2, server.__exit__, (None, None, None)).start()
        error = no_reply(transport(url, 1.0), f"{url}/x", "POST", b"{}")
    assert error.sent is False
    assert not [asked for asked in server.asked if asked.method == "POST"]  # a hello may hold line breaks by chance


@pytest.mark.parametrize(
    "given", [b"", b"HTTP/1.1 200 O", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab"]
)
@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
def test_whatever_breaks_after_the_request_left_counts_as_sent_and_is_sent_once(method: str, given: bytes) -> None:
    with Scripted(lambda asked: [given]) as server:
        error = no_reply(transport(server.url, 2.0), server.url, method, None if method == "GET" else b"{}")
        time.sleep(0.05)
    assert error.sent is True
    assert len(server.asked) == 1


def test_a_stale_kept_connection_does_not_swallow_a_write() -> None:
    """The server hangs up after each answer although it promised to keep the connection."""

    def once(asked: Asked) -> Iterable[bytes]:
        yield answer(200, b"{}").replace(b"Content-Length", b"content-length")  # this spelling makes the server hang up

    with Scripted(once) as server:
        sender = transport(server.url)
        for number, method in enumerate(("GET", "PUT", "GET", "POST", "GET")):
            assert server.hung_up(number)
            assert sender.send(method, server.url, {}, None if method == "GET" else b"{}").status == 200
    assert [asked.method for asked in server.asked] == ["GET", "PUT", "GET", "POST", "GET"]


@pytest.mark.parametrize(
    "given",
    [
        answer(200, b"x" * 1000),
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % number for number in range(90)) + b"\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 200,
    ],
    ids=["body", "headers", "chunks"],
)
def test_a_server_that_drips_meets_the_deadline(given: bytes) -> None:
    with Scripted(lambda asked: dripped(given, 0.02)) as server:
        begun = time.monotonic()
        error = no_reply(transport(server.url, 1.0), server.url, "PUT", b"{}")
        taken = time.monotonic() - begun
    assert error.sent is True
    assert "no complete answer within 1 seconds" in str(error)
    assert 0.9 < taken < 10, "all of it would have taken twenty"


def test_a_server_that_says_nothing_meets_the_deadline_too() -> None:
    release = threading.Event()
    with Scripted(lambda asked: answer() if release.wait(20) else b"") as server:
        begun = time.monotonic()
        no_reply(transport(server.url, 1.1), server.url)
        assert time.monotonic() - begun < 10, "it says nothing for twenty"
        release.set()


def test_closing_ends_a_waiting_read_at_once() -> None:
    release = threading.Event()

    def never(asked: Asked) -> bytes:
        release.wait(20)
        return b""

    with Scripted(never) as server:
        sender = transport(server.url, 30.0)
        threading.Timer(0.3, sender.close).start()
        begun = time.monotonic()
        no_reply(sender, server.url)
        assert time.monotonic() - begun < 10, "the request had thirty"
        release.set()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
def test_no_redirect_is_followed(method: str, status: int) -> None:
    with Scripted(lambda asked: answer(200, b"{}")) as other:
        location = {"Location": f"{other.url}/x", "Set-Cookie": "session=1"}
        with Scripted(lambda asked: answer(status, b"", location)) as server:
            sender = transport(server.url)
            reply = sender.send(method, server.url, {"X-Auth-Token": "t"}, None if method == "GET" else b"{}")
            sender.send("GET", server.url, {})
    assert reply.status == status
    assert other.asked == []
    assert len(server.asked) == 2
    assert "cookie" not in server.asked[1].headers


def test_nothing_goes_to_another_origin() -> None:
    with Scripted(lambda asked: answer(200)) as other:
        sender = transport("http://127.0.0.1:9")
        for url in (f"{other.url}/x", "http://127.0.0.1:10/x", "https://127.0.0.1:9/x", "http://127.0.0.9:9/"):
            error = no_reply(sender, url, "PUT", b"{}")
            assert (error.sent, "another host" in str(error)) == (False, True)
    assert other.connections == 0


@pytest.mark.parametrize("value", ["a\r\nX-Other: 1", "a\nb", "a\rb", "a\x00b", "ä"])
def test_a_header_that_could_split_is_not_sent(value: str) -> None:
    with Scripted(lambda asked: answer(200)) as server, pytest.raises(NoReply) as caught:
        transport(server.url).send("PUT", server.url, {"X-Mine": value}, b"{}")
    assert caught.value.sent is False
    assert server.connections == 0


def test_gzip_is_decoded_whole_and_in_members() -> None:
    data = gzip.compress(b"one ") + gzip.compress(b"two")
    with Scripted(lambda asked: answer(200, data, {"Content-Encoding": "gzip"})) as server:
        assert transport(server.url).send("GET", server.url, {}).body == b"one two"


def test_a_bomb_ends_at_the_cap() -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(MEBIBYTE)) for _ in range(100)) + packer.flush()
    assert len(bomb) < MEBIBYTE
    with (
        Scripted(lambda asked: answer(200, bomb, {"Content-Encoding": "gzip"})) as server,
        pytest.raises(UnusableReply, match="larger than 4 MiB"),
    ):
        transport(server.url).send("GET", server.url, {}, cap=4 * MEBIBYTE)


def test_a_bomb_is_not_unpacked_beyond_the_cap() -> None:
    bomb = gzip.compress(bytes(64 * MEBIBYTE))
    with Scripted(lambda asked: answer(200, bomb, {"Content-Encoding": "gzip"})) as server:
        sender = transport(server.url)
        tracemalloc.start()
        with pytest.raises(UnusableReply):
            sender.send("GET", server.url, {}, cap=MEBIBYTE)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 8 * MEBIBYTE


def test_a_large_plain_body_ends_at_the_cap() -> None:
    with Scripted(lambda asked: answer(200, bytes(3 * MEBIBYTE))) as server:
        with pytest.raises(UnusableReply, match="larger than 2 MiB"):
            transport(server.url).send("GET", server.url, {}, cap=2 * MEBIBYTE)
        assert len(transport(server.url).send("GET", server.url, {}, cap=3 * MEBIBYTE).body) == 3 * MEBIBYTE


@pytest.mark.parametrize(
    ("encoding", "body", "words"),
    [
        ("br", b"x", "not asked for"),
        ("deflate", b"x", "not asked for"),
        ("gzip, gzip", b"x", "not asked for"),
        ("gzip", b"not gzip", "damaged"),
        ("gzip", gzip.compress(b"one", mtime=0) + b"rest", "damaged"),
    ],
)
def test_an_encoding_that_can_not_be_undone_is_refused(encoding: str, body: bytes, words: str) -> None:
    with (
        Scripted(lambda asked: answer(200, body, {"Content-Encoding": encoding})) as server,
        pytest.raises(UnusableReply, match=words),
    ):
        transport(server.url).send("GET", server.url, {})


def test_gzip_that_ends_early_is_cut_off() -> None:
    with Scripted(lambda asked: answer(200, gzip.compress(bytes(1000))[:-9], {"Content-Encoding": "gzip"})) as server:
        assert "cut off" in str(no_reply(transport(server.url), server.url))


FLOODS = {"of lines": b"X: y\r\n" * 200, "in one line": b"X: " + b"y" * 100_000 + b"\r\n"}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_a_flood_of_headers_is_not_an_answer(flood: bytes) -> None:
    with Scripted(lambda asked: b"HTTP/1.1 200 OK\r\n" + flood + b"\r\n") as server:
        assert no_reply(transport(server.url), server.url).sent is True


def test_certificates_that_can_not_be_used_are_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("not pem")
    for trust in (
        Trust(tmp_path / "bad.pem"),
        Trust(tmp_path / "none.pem"),
        Trust(ca_text="-----BEGIN CERTIFICATE-----x"),
    ):
        with pytest.raises(UsageError, match="can't be used as a certificate"):
            transport("https://kf.example.com", trust=trust)
