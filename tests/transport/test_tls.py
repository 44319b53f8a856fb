"""TLS and tunnels as the one place that sends sees them: what is verified, what is said, what is asked again."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from reconciler.errors import NoReply, UnreachableError
from reconciler.simulator import Simulator
from reconciler.transport.failures import UnansweredRequest, advise_on_failure
from reconciler.transport.options import TransportOptions as Travel
from reconciler.transport.options import Trust
from reconciler.transport.retry import ATTEMPTS
from reconciler.transport.tls import make_tls_context
from reconciler.transport.transport import Transport
from tests.support.api_targets import Time, command
from tests.support.listening import Listener
from tests.support.proxy import Proxy
from tests.support.tls_certificates import API, authority, issued, serving


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
    for context in (make_tls_context(Trust()), make_tls_context(trust)):
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_an_authority_as_text_serves_like_a_file() -> None:
    """As KEYFACTOR_CA_CERT has it."""
    trust = Trust(ca_text=authority("api").cert_pem.bytes().decode())
    with Simulator(certificates=1, tls=serving(issued("api", API))) as simulator:
        sender = Transport(simulator.url, Travel(timeout=30, trust=trust))
        assert sender.send("GET", f"{simulator.url}/_sim/ledger", {}).body.strip() == b"[]"


@pytest.mark.parametrize("is_root", [True, False])
def test_an_authority_that_is_no_root_is_told_as_that(tmp_path: Path, is_root: bool) -> None:
    """OpenSSL wants a chain up to a root; "name the file" would be no help to somebody who has just done so."""
    root = trustme.CA(organization_name="root")
    between = root.create_child_ca()
    (root if is_root else between).cert_pem.write_to_path(tmp_path / "ca.pem")
    with Simulator(certificates=1, tls=serving(between.issue_cert(API))) as simulator:
        sender = Transport(simulator.url, Travel(timeout=30, trust=Trust(tmp_path / "ca.pem")))
        if is_root:
            assert sender.send("GET", f"{simulator.url}/_sim/ledger", {}).status == 200
            return
        with pytest.raises(UnansweredRequest, match="unable to get issuer certificate") as caught:
            sender.send("GET", f"{simulator.url}/x", {})
    advice = advise_on_failure(caught.value, "caBundle")
    assert advice.reason == "the authority in caBundle is not a root, and who issued it is not there"
    assert advice.remedy == "add the authorities above it, up to the root, to the PEM file named as caBundle"


def test_a_certificate_for_another_name_has_its_advice_in_its_place() -> None:
    """What it may mean is the reason, what to do the remedy."""
    trust = Trust(ca_text=authority("api").cert_pem.bytes().decode())
    with Simulator(certificates=1, tls=serving(issued("api", "other.example.com"))) as simulator:
        sender = Transport(simulator.url, Travel(timeout=30, trust=trust))
        with pytest.raises(UnansweredRequest) as caught:
            sender.send("GET", f"{simulator.url}/x", {})
    advice = advise_on_failure(caught.value, "caBundle")
    assert advice == ("somebody may be in between", "use the name that stands in it, or have it issued for this one")


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_write_to_an_untrusted_server_never_left(method: str) -> None:
    """So it may be called unsent, and not unknown."""
    with Simulator(certificates=1, tls=serving(issued("stranger", API))) as simulator:
        sender = Transport(simulator.url, Travel(timeout=30))
        with pytest.raises(NoReply, match="not trusted") as caught:
            sender.send(method, f"{simulator.url}/KeyfactorAPI/x", {}, None if method == "GET" else b"{}")
        assert simulator.requests == []
    assert caught.value.sent is False


V1_2, V1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
# Whose our certificate is ("" for none), and what a server that wants one says of it.
OURS = [
    ("", V1_2, "TLS failed (sslv3 alert handshake failure)"),
    ("stranger", V1_2, "the server wants a certificate of ours that it trusts (unknown ca)"),
    ("expired", V1_2, "the server wants a certificate of ours that it trusts (certificate expired)"),
    ("", V1_3, "the server wants a certificate of ours"),
    ("stranger", V1_3, "the server wants a certificate of ours that it trusts (unknown ca)"),
    ("expired", V1_3, "the server wants a certificate of ours that it trusts (certificate expired)"),
]


@contextmanager
def choosy(version: ssl.TLSVersion, *, lingers: bool = True) -> Iterator[str]:
    """Yield the URL of a server that wants a certificate of its clients; whom it refuses it hears out if it lingers."""
    context = serving(issued("api", API), client_authority="clients", at_most=version)

    def serve(connection: socket.socket) -> None:
        refused = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with suppress(ssl.SSLError):
            refused.do_handshake()
        with socket.socket(fileno=refused.detach()) as plain, suppress(OSError):
            plain.settimeout(30)
            while lingers and plain.recv(65536):
                pass

    with Listener(serve, socket.create_server((API, 0))) as listener:
        yield f"https://{API}:{listener.port}"


def shown(trust: Trust, whose: str, folder: Path) -> Trust:
    """Return the trust with a certificate of ours: a stranger's, an expired one, the right one, or none."""
    if not whose:
        return trust
    own = issued("stranger" if whose == "stranger" else "clients", "reconciler.example.com", expired=whose == "expired")
    own.cert_chain_pems[0].write_to_path(folder / "own.pem")
    own.private_key_pem.write_to_path(folder / "own.key")
    return replace(trust, certificate=folder / "own.pem", key=folder / "own.key")


@pytest.mark.parametrize("lingers", [True, False], ids=["lingers", "hangs up"])
@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize(("whose", "version", "said"), OURS)
def test_a_server_that_refuses_our_certificate_is_told_as_that(
    whose: str, version: ssl.TLSVersion, said: str, method: str, lingers: bool, trust: Trust, tmp_path: Path
) -> None:
    """In TLS 1.2 nothing has left by then; in 1.3 the request may have, and a write is not called unsent."""
    with choosy(version, lingers=lingers) as url:
        sender = Transport(url, Travel(timeout=30, trust=shown(trust, whose, tmp_path)))
        with pytest.raises(UnansweredRequest) as caught:
            sender.send(method, f"{url}/x", {}, None if method == "GET" else b"{}")
    assert str(caught.value) == said
    assert (caught.value.sent, caught.value.why.is_permanent) == (version is V1_3, True)
    assert "clientCertificate" in advise_on_failure(caught.value, "caBundle").remedy


def test_a_certificate_that_is_wanted_is_not_asked_for_again(trust: Trust) -> None:
    """It would be wanted again."""
    slept = Time()
    with (
        choosy(V1_3) as url,
        command(url, time=slept, trust=trust) as api,
        pytest.raises(UnreachableError, match="wants a certificate of ours; say clientCertificate in the settings"),
    ):
        api.read.get("/x")
    assert slept.slept == []


def test_a_server_that_hangs_up_during_the_handshake_is_told_as_that() -> None:
    """It may do otherwise the next time, so it may be asked again."""
    with socket.create_server((API, 0)) as listener:
        url = f"https://{API}:{listener.getsockname()[1]}"

        def hang_up() -> None:
            with listener.accept()[0] as connection:
                connection.recv(65536)

        threading.Thread(target=hang_up, daemon=True).start()
        with pytest.raises(UnansweredRequest, match="the server closed the connection during TLS") as caught:
            Transport(url, Travel(timeout=30)).send("PUT", f"{url}/x", {}, b"{}")
    assert (caught.value.sent, caught.value.why.is_permanent) == (False, False)


@pytest.mark.parametrize("version", [V1_2, V1_3])
def test_our_certificate_opens_the_door(version: ssl.TLSVersion, trust: Trust, tmp_path: Path) -> None:
    """Where its authority is the one that the server knows."""
    context = serving(issued("api", API), client_authority="clients", at_most=version)
    with Simulator(certificates=1, tls=context) as simulator:
        sender = Transport(simulator.url, Travel(timeout=30, trust=shown(trust, "ours", tmp_path)))
        for method in ("GET", "PUT"):
            assert sender.send(method, f"{simulator.url}/_sim/switches", {}, b"{}").status == 200


@pytest.mark.parametrize("tunnel", [False, True], ids=["handshake", "tunnel"])
def test_a_server_or_a_proxy_that_says_nothing_meets_the_deadline(tunnel: bool) -> None:
    """Neither a handshake nor a tunnel may take longer than the request that they are for; nothing was sent."""
    with silent() as place:
        travel = Travel(timeout=1, proxy=f"http://{place}" if tunnel else "")
        url = "https://kf.example.com" if tunnel else f"https://{place}"
        begun = time.monotonic()
        with pytest.raises(NoReply) as caught:
            Transport(url, travel).send("PUT", f"{url}/x", {}, b"{}")
        assert 0.9 < time.monotonic() - begun < 60, "they would say nothing for ever"
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
    assert bool(slept.slept) is (times > 1)


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
        sender = Transport(simulator.url, Travel(timeout=30, trust=trust, proxy=proxy.url))
        for _ in range(2):
            assert sender.send("PUT", f"{simulator.url}/_sim/switches", {}, b"{}").status == 200
    assert len(proxy.asked) == 2
