"""TLS and tunnels as the one place that sends sees them: what is verified, what is said, what is asked again."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.apis.retry import ATTEMPTS
from reconciler.apis.sockets import tls_context
from reconciler.apis.transport import Transport
from reconciler.errors import NoReply, UnreachableError
from reconciler.settings.target import Transport as Travel
from reconciler.settings.target import Trust
from reconciler.simulator import Simulator
from tests.apis.connected import Time, command
from tests.auth.certificates import API, authority, issued, serving
from tests.auth.proxy import Proxy


@contextmanager
def silent() -> Iterator[str]:
    """Yield the address of a server that takes connections and never says a word."""
    with socket.create_server((API, 0)) as listener:
        yield f"{API}:{listener.getsockname()[1]}"


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    """Trust in the authority of the test's servers."""
    authority("api").cert_pem.write_to_path(tmp_path / "api.pem")
    return Trust(tmp_path / "api.pem")


def test_nothing_loosens_the_context(trust: Trust) -> None:
    """Chain and name are verified, and nothing older than TLS 1.2 is spoken."""
    for context in (tls_context(Trust()), tls_context(trust)):
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_an_authority_as_text_serves_like_a_file() -> None:
    """As KEYFACTOR_CA_CERT has it."""
    trust = Trust(ca_text=authority("api").cert_pem.bytes().decode())
    with Simulator(certificates=1, tls=serving(issued("api", API))) as simulator:
        sender = Transport(simulator.url, Travel(timeout=5, trust=trust))
        assert sender.send("GET", f"{simulator.url}/_sim/ledger", {}).body.strip() == b"[]"


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_write_to_an_untrusted_server_never_left(method: str) -> None:
    """So it may be called unsent, and not unknown."""
    with Simulator(certificates=1, tls=serving(issued("stranger", API))) as simulator:
        sender = Transport(simulator.url, Travel(timeout=5))
        with pytest.raises(NoReply, match="not trusted") as caught:
            sender.send(method, f"{simulator.url}/KeyfactorAPI/x", {}, None if method == "GET" else b"{}")
        assert simulator.requests == []
    assert caught.value.sent is False


@pytest.mark.parametrize("tunnel", [False, True], ids=["handshake", "tunnel"])
def test_a_server_or_a_proxy_that_says_nothing_meets_the_deadline(tunnel: bool) -> None:
    """Neither a handshake nor a tunnel may take longer than the request that they are for; nothing was sent."""
    with silent() as place:
        travel = Travel(timeout=1, proxy=f"http://{place}" if tunnel else "")
        url = "https://kf.example.com" if tunnel else f"https://{place}"
        begun = time.monotonic()
        with pytest.raises(NoReply) as caught:
            Transport(url, travel).send("PUT", f"{url}/x", {}, b"{}")
        assert 0.9 < time.monotonic() - begun < 2.5
    assert caught.value.sent is False


@pytest.mark.parametrize(("status", "times"), [(407, 1), (403, 1), (502, ATTEMPTS)])
def test_only_what_may_pass_is_asked_again(status: int, times: int, trust: Trust) -> None:
    """A proxy that says no will say no; one that fails may have mended itself."""
    with Proxy(status) as proxy:
        slept = Time()
        with (
            command("https://kf.example.com", time=slept, proxy=proxy.url, trust=trust) as api,
            pytest.raises(UnreachableError),
        ):
            api.read.get("/x")
    assert proxy.asked == ["kf.example.com:443"] * times
    assert len(slept.slept) == times - 1


def test_an_untrusted_certificate_is_not_asked_for_again() -> None:
    """It would be the same one."""
    with Simulator(certificates=1, tls=serving(issued("stranger", API))) as simulator:
        slept = Time()
        with command(simulator.url, time=slept) as api, pytest.raises(UnreachableError):
            api.read.get("/x")
    assert slept.slept == []


def test_writes_through_a_proxy_arrive_once(trust: Trust) -> None:
    """The tunnel itself counts for nothing that was sent."""
    with Proxy() as proxy, Simulator(certificates=1, tls=serving(issued("api", API))) as simulator:
        sender = Transport(simulator.url, Travel(timeout=5, trust=trust, proxy=proxy.url))
        for _ in range(2):
            assert sender.send("PUT", f"{simulator.url}/_sim/switches", {}, b"{}").status == 200
    assert len(proxy.asked) == 2
