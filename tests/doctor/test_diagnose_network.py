"""What `doctor` finds on the way to a server, before anything is sent to it: connections, TLS, proxies."""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.credentials.sources import FromEnvironment
from reconciler.doctor.diagnose import diagnose
from reconciler.errors import Exit, NoReply
from reconciler.kinds.registry import KINDS
from reconciler.simulator import Simulator
from reconciler.transport.options import ProxyAuth, TransportOptions, Trust
from reconciler.transport.probe import Probe
from tests.support.doctor_targets import QUICK, choose_exit, command, found, secrets, verdicts
from tests.support.listening import Listener
from tests.support.proxy import Proxy
from tests.support.tls_certificates import authority, issued, serving


@pytest.fixture
def server() -> Iterator[Simulator]:
    with Simulator(certificates=5) as running:
        yield running


def test_a_server_that_is_down_is_unreachable() -> None:
    """The connection fails; credentials are told of all the same."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    examined = diagnose(command(url), {"PASSWORD": "secret"}, KINDS, QUICK)
    assert choose_exit([examined]) is Exit.UNREACHABLE
    assert verdicts(examined, "credentials", "dns", "connection", "tls", "login") == [
        "ok",
        "skipped",
        "failed",
        "skipped",
        "skipped",
    ]


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 64 + ".invalid"])
def test_a_name_that_does_not_resolve_is_unreachable(host: str) -> None:
    """The reserved top-level domain never resolves, and a label is never that long."""
    examined = diagnose(command(f"https://{host}"), {"PASSWORD": "secret"}, KINDS, QUICK)
    assert [one.check for one in examined.failed] == ["dns"]
    assert choose_exit([examined]) is Exit.UNREACHABLE


TLS = [
    ("trusted", ("api", "127.0.0.1"), False, "ok", "trusted", Exit.OK),
    ("of a stranger", ("stranger", "127.0.0.1"), False, "failed", "caBundle", Exit.UNREACHABLE),
    ("for another name", ("api", "other.example.com"), False, "failed", "another name", Exit.UNREACHABLE),
    ("expired", ("api", "127.0.0.1"), True, "failed", "expired", Exit.UNREACHABLE),
]


def trusting(folder: Path, **more: Any) -> TransportOptions:
    authority("api").cert_pem.write_to_path(folder / "trusted.pem")
    return TransportOptions(timeout=30, trust=Trust(ca_bundle=folder / "trusted.pem"), **more)


@pytest.mark.parametrize(
    ("shown", "expired", "health", "word", "code"), [pytest.param(*case[1:], id=case[0]) for case in TLS]
)
def test_a_certificate_is_judged_before_anything_is_sent(
    tmp_path: Path, shown: tuple[str, str], expired: bool, health: str, word: str, code: Exit
) -> None:
    """Protocol, names and end where it is trusted; why and what to do where it isn't."""
    context = serving(issued(*shown, expired=expired))
    with Simulator(certificates=5, tls=context) as server:
        examined = diagnose(command(server.url, transport=trusting(tmp_path)), secrets(server), KINDS, QUICK)
        assert verdicts(examined, "connection", "tls") == ["ok", health]
        tls = found(examined)["tls"]
        assert word in tls.detail + tls.remedy
        assert choose_exit([examined]) is code
        if health == "failed":
            assert server.requests == []
        else:
            assert "TLSv1." in tls.detail
            assert "days left" in tls.detail


@pytest.mark.parametrize(
    ("version", "said"),
    [
        (ssl.TLSVersion.TLSv1_3, "the server wants a certificate of ours"),
        (ssl.TLSVersion.TLSv1_2, "TLS failed (sslv3 alert handshake failure)"),
    ],
)
def test_a_server_that_wants_a_certificate_says_so_with_the_handshake(
    tmp_path: Path, version: ssl.TLSVersion, said: str
) -> None:
    """And not later, where it would look like a trouble of the credentials; with the certificate all is well."""
    tls = serving(issued("api", "127.0.0.1"), client_authority="clients", at_most=version)
    own = issued("clients", "reconciler.example.com")
    own.cert_chain_pems[0].write_to_path(tmp_path / "own.pem")
    own.private_key_pem.write_to_path(tmp_path / "own.key")
    with Simulator(certificates=5, tls=tls) as server:
        travel = trusting(tmp_path)
        examined = diagnose(command(server.url, transport=travel), secrets(server), KINDS, QUICK)
        assert [one.check for one in examined.failed] == ["tls"]
        assert said in found(examined)["tls"].detail
        assert "clientCertificate" in found(examined)["tls"].remedy
        trust = replace(travel.trust, certificate=tmp_path / "own.pem", key=tmp_path / "own.key")
        examined = diagnose(command(server.url, transport=replace(travel, trust=trust)), secrets(server), KINDS, QUICK)
        assert choose_exit([examined]) is Exit.OK


def test_a_certificate_that_soon_ends_is_warned_of(tmp_path: Path) -> None:
    """Thirty days before; nothing has failed yet."""
    until = datetime.now(UTC) + timedelta(days=10)
    context = serving(authority("api").issue_cert("127.0.0.1", not_after=until))
    with Simulator(certificates=5, tls=context) as server:
        examined = diagnose(command(server.url, transport=trusting(tmp_path)), secrets(server), KINDS, QUICK)
    assert verdicts(examined, "tls") == ["warning"]
    assert f"until {until:%Y-%m-%d} (9 days left)" in found(examined)["tls"].detail
    assert choose_exit([examined]) is Exit.OK


@pytest.mark.parametrize(("refuse", "health", "code"), [(0, "ok", Exit.OK), (407, "failed", Exit.UNREACHABLE)])
def test_a_proxy_is_passed_or_named(tmp_path: Path, refuse: int, health: str, code: Exit) -> None:
    """The tunnel is part of the connection; the target's name is the proxy's to find."""
    with Simulator(certificates=5, tls=serving(issued("api", "127.0.0.1"))) as server, Proxy(refuse) as proxy:
        travel = trusting(tmp_path, proxy=proxy.url)
        examined = diagnose(command(server.url, transport=travel), secrets(server), KINDS, QUICK)
    assert verdicts(examined, "connection") == [health]
    assert choose_exit([examined]) is code
    assert proxy.url in found(examined)["settings"].detail
    if refuse:
        assert "407" in found(examined)["connection"].detail


def test_a_proxy_that_speaks_tls_is_left_to_the_login(tmp_path: Path) -> None:
    """The handshake in the handshake is not looked at by itself."""
    travel = trusting(tmp_path, proxy="https://127.0.0.1:9")
    examined = diagnose(command("https://127.0.0.1:9", transport=travel), {"PASSWORD": "secret"}, KINDS, QUICK)
    assert verdicts(examined, "dns", "connection", "tls") == ["skipped"] * 3
    assert choose_exit([examined]) is Exit.UNREACHABLE


def test_a_server_that_speaks_no_tls_is_unreachable(tmp_path: Path, server: Simulator) -> None:
    """Connected, and then no handshake."""
    target = command(server.url.replace("http:", "https:"), transport=trusting(tmp_path))
    examined = diagnose(target, secrets(server), KINDS, QUICK)
    assert verdicts(examined, "connection", "tls") == ["ok", "failed"]
    assert choose_exit([examined]) is Exit.UNREACHABLE


def dripping(first: bytes, drop: bytes) -> Callable[[socket.socket], None]:
    """Return what says something, then a little every now and then, without an end."""

    def drip(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.recv(4096)
            client.sendall(first)
            while True:
                client.sendall(drop)
                time.sleep(0.1)

    return drip


SLOW = [
    ("connection", b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a"),
    ("tls", b"\x16\x03\x03\x40\x00", b"\x02"),
]


@pytest.mark.parametrize(("check", "first", "drop"), SLOW)
def test_who_drips_is_not_waited_for_longer_than_the_timeout(check: str, first: bytes, drop: bytes) -> None:
    """A proxy in the headers before the tunnel, a server in its handshake: every byte is in time, and all are late."""
    with Listener(dripping(first, drop)) as listener:
        port = listener.port
        place = f"127.0.0.1:{port}"
        travel = TransportOptions(timeout=1, proxy=f"http://{place}" if check == "connection" else "")
        url = "https://kf.example.com" if check == "connection" else f"https://{place}"
        begun = time.monotonic()
        examined = diagnose(command(url, transport=travel), {"PASSWORD": "secret"}, KINDS, QUICK)
        assert time.monotonic() - begun < 60, "they would drip for ever"
    assert [one.check for one in examined.failed] == [check]
    assert "no complete answer within 1 seconds" in examined.failed[0].detail
    assert choose_exit([examined]) is Exit.UNREACHABLE


@pytest.mark.parametrize(("name", "well"), [("server.example.com.", True), ("other.example.com.", False)])
def test_a_final_dot_is_no_part_of_the_name_in_a_certificate(tmp_path: Path, name: str, well: bool) -> None:
    """As the transport has it; another name stays another name."""

    def serve(client: socket.socket) -> None:
        with contextlib.suppress(OSError), context.wrap_socket(client, server_side=True) as secured:
            secured.recv(1)

    context = serving(issued("api", "server.example.com"))
    with (
        Listener(serve) as listener,
        socket.create_connection(("127.0.0.1", listener.port), timeout=30) as connection,
    ):
        probe = Probe(f"https://{name}:{listener.port}", trusting(tmp_path))
        if well:
            assert probe.handshake(connection).protocol.startswith("TLSv1.")
        else:
            with pytest.raises(NoReply, match="for another name"):
                probe.handshake(connection)


@pytest.mark.parametrize(
    ("env", "failed"),
    [({"WAY": "canary-way"}, []), ({"WAY": "canary-wrong"}, ["connection"]), ({}, ["credentials"])],
)
def test_a_proxy_is_told_who_we_are(tmp_path: Path, env: dict[str, str], failed: list[str]) -> None:
    """Its password is a credential like the others, and a wrong one the proxy's to refuse."""
    login = ProxyAuth("svc", FromEnvironment("WAY"))
    with (
        Simulator(certificates=5, tls=serving(issued("api", "127.0.0.1"))) as server,
        Proxy(wants="Basic " + base64.b64encode(b"svc:canary-way").decode()) as proxy,
    ):
        travel = trusting(tmp_path, proxy=proxy.url, proxy_auth=login)
        examined = diagnose(command(server.url, transport=travel), {**secrets(server), **env}, KINDS, QUICK)
    assert [one.check for one in examined.failed] == failed
    said = found(examined)["credentials"].detail
    assert "proxyAuth.password" in said
    assert ("password in the environment variable PASSWORD, proxyAuth.password in" in said) is bool(env)
    assert "canary" not in repr(examined)
    if not env:
        assert verdicts(examined, "connection", "tls", "login") == ["skipped"] * 3
