"""How the simulator frames requests (RFC 9112): what is ambiguous, cut or malformed is refused, and all ends there."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.simulator import Simulator

START = b"POST /oauth/token HTTP/1.1\r\nHost: x\r\n"
CHUNKED = START + b"Transfer-Encoding: chunked\r\n\r\n"
REFUSED = {
    "a start that ends in a line feed alone": b"GET / HTTP/1.1\nHost: x\r\n\r\n",
    "a field that ends in a line feed alone": b"GET / HTTP/1.1\r\nHost: x\n\r\n",
    "an end of fields that is a line feed alone": b"GET / HTTP/1.1\r\nHost: x\r\n\nx\r\n\r\n",
    "a carriage return inside a field": b"GET / HTTP/1.1\r\nHost: x\rTransfer-Encoding: chunked\r\n\r\n",
    "a NUL inside a field": b"GET / HTTP/1.1\r\nHost: x\r\nA: \0\r\n\r\n",
    "two blanks in the start": b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a method that is no token": b"G(T / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a target that is no path": b"GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "a target with a fragment": b"GET /#a HTTP/1.1\r\nHost: x\r\n\r\n",
    "a target beyond ASCII": "GET /\xe9 HTTP/1.1\r\nHost: x\r\n\r\n".encode("latin-1"),
    "a version with more to it": b"GET / HTTP/1.1x\r\nHost: x\r\n\r\n",
    "blank lines without an end": b"\r\n" * 50,
    "two hosts": b"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
    "a host that is none": b"GET / HTTP/1.1\r\nHost: x/y\r\n\r\n",
    "a tab before the colon": b"GET / HTTP/1.1\r\nHost\t: x\r\n\r\n",
    "a folded field": b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
    "a field without a name": b"GET / HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n",
    "a name that is no token": b"GET / HTTP/1.1\r\nHost: x\r\nA(b: c\r\n\r\n",
    "two lengths": START + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "the same length twice": START + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
    "a list of lengths": START + b"Content-Length: 1, 1\r\n\r\na",
    "a length with a sign": START + b"Content-Length: +1\r\n\r\na",
    "a length with a low line": START + b"Content-Length: 1_0\r\n\r\n0123456789",
    "a length of nothing": START + b"Content-Length:\r\n\r\n",
    "a length in raised digits": (START + b"Content-Length: 1\r\n\r\na").replace(b"1\r\n\r\n", b"\xb2\r\n\r\n"),
    "a length beside chunks": START + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks in HTTP/1.0": CHUNKED.replace(b"/1.1", b"/1.0") + b"0\r\n\r\n",
    "chunks that are not the last coding": START + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "chunks in chunks": START + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a coding that only sounds like chunks": START + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a coding of nothing": START + b"Transfer-Encoding:\r\n\r\n",
    "a chunk of negative size": CHUNKED + b"-1\r\nabc\r\n0\r\n\r\n",
    "a chunk's size with a sign": CHUNKED + b"+1\r\na\r\n0\r\n\r\n",
    "a chunk's size with a prefix": CHUNKED + b"0x1\r\na\r\n0\r\n\r\n",
    "a chunk's size with a low line": CHUNKED + b"1_0\r\n0123456789abcdef\r\n0\r\n\r\n",
    "a chunk's size after a blank": CHUNKED + b" 1\r\na\r\n0\r\n\r\n",
    "a chunk's size before a blank": CHUNKED + b"1 \r\na\r\n0\r\n\r\n",
    "a chunk without a size": CHUNKED + b"\r\n0\r\n\r\n",
    "a chunk's extension without a name": CHUNKED + b"1;\r\na\r\n0\r\n\r\n",
    "a chunk's extension that is not closed": CHUNKED + b'1;a="b\r\na\r\n0\r\n\r\n',
    "a chunk's extension with a line feed": CHUNKED + b"1;a\nb\r\na\r\n0\r\n\r\n",
    "a size that ends in a line feed alone": CHUNKED + b"1\na\r\n0\r\n\r\n",
    "a chunk longer than its size": CHUNKED + b"1\r\nab\r\n0\r\n\r\n",
    "a chunk that ends in something else": CHUNKED + b"1\r\naxy0\r\n\r\n",
    "a chunk that ends in a line feed alone": CHUNKED + b"1\r\na\n0\r\n\r\n",
    "a trailer without a colon": CHUNKED + b"0\r\nabc\r\n\r\n",
}
OTHERWISE = {
    "another version": (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", b"505"),
    "an unknown coding": (START + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", b"501"),
    "an unknown expectation": (START + b"Expect: more\r\nContent-Length: 1\r\n\r\na", b"417"),
    "a length beyond every number": (START + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", b"413"),
    "a chunk beyond every number": (CHUNKED + b"f" * 5000 + b"\r\n", b"413"),
    "chunks that are too much together": (CHUNKED + (b"80000\r\n" + b"a" * 0x80000 + b"\r\n") * 33, b"413"),
    "too many trailers": (CHUNKED + b"0\r\n" + b"a: b\r\n" * 200, b"431"),
    "a field that is too long": (START + b"A: " + b"a" * 70_000, b"431"),
}
CUT = {
    "in the start": b"GET /",
    "after the start": b"GET / HTTP/1.1\r\n",
    "in a field": b"GET / HTTP/1.1\r\nHost",
    "before the end of the fields": b"GET / HTTP/1.1\r\nHost: x\r\n",
    "in the body": START + b"Content-Length: 5\r\n\r\nabc",
    "before the first chunk": CHUNKED,
    "in a chunk": CHUNKED + b"5\r\nabc",
    "after a chunk": CHUNKED + b"3\r\nabc",
    "before the last chunk": CHUNKED + b"3\r\nabc\r\n",
    "in the trailers": CHUNKED + b"0\r\nA: b\r\n",
}
TAKEN = {
    "chunks with extensions and trailers": CHUNKED + b'3;a;b=c ; d = "e\\"f"\r\nabc\r\n000;x\r\nA: b\r\n\r\n',
    "a coding in capitals": CHUNKED.replace(b"chunked", b"Chunked") + b"0A\r\n0123456789\r\n0\r\n\r\n",
    "a blank line before it": b"\r\n" + START + b"Content-Length: 3\r\n\r\nabc",
    "a length with zeros before it": START + b"Content-Length: 003\r\n\r\nabc",
}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a simulator that all of these talk to."""
    with Simulator(certificates=1) as sim:
        yield int(sim.url.rpartition(":")[2])


def answered(port: int, sent: bytes, *, cut: bool = False) -> bytes:
    """Return all that is answered until the simulator closes; with `cut` the client says that nothing more comes."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(sent)
        if cut:
            connection.shutdown(socket.SHUT_WR)
        received = b""
        while part := connection.recv(65_536):
            received += part
    return received


@pytest.mark.parametrize("name", REFUSED)
def test_what_two_readers_could_read_differently_is_refused(name: str, port: int) -> None:
    """With 400, once, and the connection ends: what follows would be somebody's second request."""
    received = answered(port, REFUSED[name])
    assert received.startswith(b"HTTP/1.1 400 ")
    assert received.count(b"HTTP/1.1") == 1
    assert b"\r\nContent-Length: 0\r\nConnection: close\r\n" in received


def test_a_refusal_ends_at_once_and_arrives_whatever_was_still_sent(port: int) -> None:
    """The simulator lingers for the sender, who needn't wait for that: the answer's end comes before the sender's."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(REFUSED["two lengths"] + b"a" * 300_000)
        ended = threading.Event()

        def send_on() -> None:
            with contextlib.suppress(OSError):
                while not ended.wait(0.02):
                    connection.sendall(b"a")

        sender = threading.Thread(target=send_on)
        sender.start()
        try:
            received = b""
            while part := connection.recv(65_536):
                received += part
        finally:
            ended.set()
            sender.join()
    assert received.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("name", OTHERWISE)
def test_what_has_a_status_of_its_own_is_answered_with_that(name: str, port: int) -> None:
    """And ends the connection too."""
    sent, status = OTHERWISE[name]
    assert answered(port, sent)[9:12] == status


@pytest.mark.parametrize("where", CUT)
def test_a_request_that_ends_too_early_is_answered(where: str, port: int) -> None:
    """The client may still listen; nothing is carried out."""
    assert answered(port, CUT[where], cut=True).startswith(b"HTTP/1.1 400 Bad Request\r\n")


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_rare_and_right_is_taken(name: str, port: int) -> None:
    """It reaches the token endpoint, which wants a form, and the connection stays."""
    then = b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, close\r\n\r\n"
    received = answered(port, TAKEN[name] + then)
    assert re.findall(rb"HTTP/1.1 (\d+)", received) == [b"400", b"404"]
    assert b"invalid_request" in received or b"unsupported" in received


def test_head_is_answered_without_a_body(port: int) -> None:
    """Or the client would take the body for the next answer."""
    received = answered(port, b"HEAD /_sim/nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 404 ")
    assert received.endswith(b"\r\n\r\n")
    assert b"Content-Length: 0" not in received


PARTS = st.sampled_from(
    [
        *(b"\r\n", b"\n", b"\r", b"GET ", b"POST ", b"/", b" HTTP/1.1", b" HTTP/1.0", b"Host: x", b": ", b"0", b"1"),
        *(b"Content-Length: 3", b"Content-Length: ", b"Transfer-Encoding: chunked", b"Expect: 100-continue", b"abc"),
        *(START, CHUNKED, b"-1", b";", b"=", b'"', b"\0", b" ", b"\xb2", b"3\r\nabc\r\n", b"0\r\n\r\n"),
    ]
)


@settings(max_examples=150)
@given(sent=st.lists(PARTS | st.binary(max_size=8), max_size=12).map(b"".join))
def test_whatever_arrives_is_answered_and_ends(sent: bytes, port: int) -> None:
    """Never silence where something was said, never a wait for what can't come, never anything but HTTP."""
    received = answered(port, sent, cut=True)
    if sent.replace(b"\r\n", b""):
        assert re.match(rb"HTTP/1\.1 \d{3} ", received)
