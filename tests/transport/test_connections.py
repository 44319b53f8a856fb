"""Each request gets its own answer, within its own time, and nothing is sent once everything is being stopped."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator

import pytest
import trustme

from reconciler.apis.connect import connect
from reconciler.errors import NoReply, ReconcilerError, UnreachableError
from reconciler.model import Call
from reconciler.settings.model import Target
from reconciler.transport.options import TransportOptions as Travel
from reconciler.transport.options import Trust
from reconciler.transport.transport import Transport
from tests.support.api_targets import BEARER, ENV, command
from tests.support.listening import Listener
from tests.support.raw_server import Asked, Scripted, answer
from tests.support.tls_certificates import API, authority, issued

EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
WORKING = b"HTTP/1.1 102 Processing\r\n\r\n"
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"
STOWAWAY = answer(200, {"Id": 66})
READ_AT_ONCE = 8192
"""Bytes of the buffer through which an answer is read."""


def same_id(asked: Asked) -> bytes:
    """Answer an object with the id that the path ends with."""
    return answer(200, {"Id": int(asked.path.rpartition("/")[2])})


@pytest.mark.parametrize("interim", [EARLY, WORKING, GO_ON, EARLY + WORKING + GO_ON + EARLY])
def test_interim_answers_are_not_the_answer(interim: bytes) -> None:
    """RFC 9110, 15.2: they come before it; a client that counts them gives every later request the wrong answer."""
    with Scripted(lambda asked: interim + same_id(asked)) as server, command(server.url) as api:
        assert [api.read.get(f"/x/{number}") for number in (1, 2, 3)] == [{"Id": 1}, {"Id": 2}, {"Id": 3}]
        reply = api.send(Call("command", "PUT", "/x/4", {}))
    assert (reply.status, json.loads(reply.body)) == (200, {"Id": 4})
    assert len(server.asked) == 4


@pytest.mark.parametrize("interim", [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", EARLY * 200])
def test_what_never_comes_to_an_answer_is_none(interim: bytes) -> None:
    """Another protocol, and hints without end; a write that met them may have happened."""
    with Scripted(lambda asked: interim + same_id(asked)) as server, command(server.url) as api:
        with pytest.raises(UnreachableError, match="the answer is not HTTP"):
            api.read.get("/x/1")
        with pytest.raises(NoReply) as silence:
            api.send(Call("command", "PUT", "/x/2", {}))
    assert silence.value.sent is True


@contextlib.contextmanager
def secured(script: bytes, surplus: bytes) -> Iterator[tuple[str, trustme.CA]]:
    """Yield the URL of a TLS server that answers every request with the same, and with more in the same record."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    def serve(client: socket.socket) -> None:
        with contextlib.suppress(OSError), context.wrap_socket(client, server_side=True) as peer:
            while peer.recv(65536):
                peer.sendall(script + surplus)

    with Listener(serve) as listener:
        yield f"https://127.0.0.1:{listener.port}", authority


@pytest.mark.parametrize("filler", [0, 20_000])
def test_what_follows_an_answer_unasked_is_no_answer_to_the_next_request(filler: int) -> None:
    """The connection ends with it, whether the surplus was read already or not."""

    def script(asked: Asked) -> bytes:
        return answer(200, {"Id": asked.number, "Filler": "x" * filler}) + STOWAWAY

    with Scripted(script) as server, command(server.url) as api:
        found = [api.read.get("/x")["Id"] for _ in range(4)]
    assert found == [1, 2, 3, 4]
    assert len({asked.connection for asked in server.asked}) == 4


def of_length(length: int) -> bytes:
    """Return an answer of so many bytes in all."""
    bare = len(answer(200, {"Id": 1, "Filler": ""})) - len("23") + len(str(length))
    return answer(200, {"Id": 1, "Filler": "x" * (length - bare)})


@pytest.mark.parametrize("length", [900, READ_AT_ONCE, 12_000])
def test_nor_is_what_tls_holds_back(length: int) -> None:
    """One record may hold more than was read of it: the whole surplus, where the answer alone fills the buffer."""
    script = of_length(length)
    assert len(script) == length
    with secured(script, STOWAWAY) as (url, authority):
        trust = authority.cert_pem.bytes().decode()
        transport = Transport(url, Travel(trust=Trust(ca_text=trust)))
        for _ in range(4):
            assert json.loads(transport.send("GET", f"{url}/x", {}).body)["Id"] == 1
        transport.close()


def test_a_comment_beside_an_authority_does_no_harm() -> None:
    """PEM is text around what counts, and people write their names into it."""
    with secured(answer(200, {"Id": 1}), b"") as (url, authority):
        text = f"# Ausgestellt von Jörg Müller\n{authority.cert_pem.bytes().decode()}\n# Ende\n"
        transport = Transport(url, Travel(trust=Trust(ca_text=text)))
        assert transport.send("GET", f"{url}/x", {}).status == 200
        transport.close()


@contextlib.contextmanager
def full() -> Iterator[int]:
    """Yield a port whose queue is full, so that nobody's connection is taken and nobody is told."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(8):
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0.05)
            with contextlib.suppress(OSError):
                waiting.connect(listener.getsockname())
        yield listener.getsockname()[1]


def test_a_connection_that_nobody_takes_meets_the_deadline() -> None:
    """And nothing was sent."""
    with full() as port:
        url = f"http://127.0.0.1:{port}"
        begun = time.monotonic()
        with pytest.raises(NoReply, match="within 1 seconds") as caught:
            Transport(url, Travel(timeout=1)).send("PUT", f"{url}/x", {}, b"{}")
        assert 0.9 < time.monotonic() - begun < 8, "an address alone may take ten"
    assert caught.value.sent is False


def test_a_connection_that_nobody_takes_is_given_up_when_everything_stops() -> None:
    """Long before its own deadline."""
    with full() as port:
        url = f"http://127.0.0.1:{port}"
        transport = Transport(url, Travel(timeout=60))
        threading.Timer(0.3, transport.close).start()
        begun = time.monotonic()
        with pytest.raises(NoReply):
            transport.send("GET", f"{url}/x", {})
        assert time.monotonic() - begun < 8, "the address alone had ten, the request sixty"


def test_sending_has_what_is_left_of_the_time_and_not_all_of_it_anew() -> None:
    """Most of a minute went by before the connection stood, and nobody reads what is sent."""
    times, over = iter([0.0]), threading.Event()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued("api", API).configure_cert(context)

    def hold() -> None:
        with contextlib.suppress(OSError), context.wrap_socket(listener.accept()[0], server_side=True):
            over.wait(60)

    with socket.create_server((API, 0)) as listener:
        threading.Thread(target=hold, daemon=True).start()
        url = f"https://{API}:{listener.getsockname()[1]}"
        trust = Trust(ca_text=authority("api").cert_pem.bytes().decode())
        sender = Transport(url, Travel(timeout=60, trust=trust), clock=lambda: next(times, 55.0))
        begun = time.monotonic()
        with pytest.raises(NoReply) as caught:
            sender.send("PUT", f"{url}/x", {}, b"x" * 50_000_000)
        over.set()
        assert time.monotonic() - begun < 30
    assert caught.value.sent is True


def test_nothing_is_sent_once_everything_stops() -> None:
    """Neither a read nor a write, whoever still asks."""
    with Scripted(same_id) as server:
        with command(server.url) as api:
            pass
        with pytest.raises(ReconcilerError):
            api.read.get("/x/1")
        with pytest.raises(NoReply) as caught:
            api.send(Call("command", "PUT", "/x/2", {}))
    assert caught.value.sent is False
    assert server.asked == []


@pytest.mark.parametrize("status", [429, 503])
def test_who_waits_to_ask_again_gives_up_when_everything_stops(status: int) -> None:
    """A server's wish to wait a minute must not hold a program that is at its end."""
    with Scripted(lambda _asked: answer(status, b"", {"Retry-After": "60"})) as server:
        api = connect(Target("command", "keyfactor", server.url, BEARER), ENV)
        failed: list[Exception] = []

        def read() -> None:
            try:
                api.read.get("/x")
            except ReconcilerError as error:
                failed.append(error)

        reader = threading.Thread(target=read)
        reader.start()
        while not server.asked:
            time.sleep(0.01)
        api.close()
        reader.join(60)
        assert not reader.is_alive()
    assert (len(failed), len(server.asked)) == (1, 1)
