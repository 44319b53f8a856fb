"""The simulator as a process and as an object: the ready file, the settings, the secrets, the end; and the wire."""

from __future__ import annotations

import ast
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

import reconciler.simulator
from reconciler.simulator import Simulator, run_simulator
from tests.simulator.conftest import Client

PACKAGE = Path(reconciler.simulator.__file__).parent
MEMBERS = {
    "keyfactor": {"url", "username", "password", "client_id", "client_secret", "token_url"},
    "csms": {"url", "project_id", "access_key", "secret_key", "iam_url", "user", "domain", "password"},
}


def _wait(path: Path) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_the_ready_file_says_all_that_a_client_needs(tmp_path: Path) -> None:
    """It appears complete when the simulator listens, is private, and goes with the simulator."""
    ready, stop = tmp_path / "sim.json", threading.Event()
    thread = threading.Thread(target=run_simulator, args=(0, 20, 0, ready, stop))
    thread.start()
    told = _wait(ready)
    assert set(told) == {"url", "settings", "keyfactor", "csms", "ledger"}
    assert {name: set(told[name]) for name in MEMBERS} == MEMBERS
    assert told["keyfactor"]["url"] == f"{told['url']}/KeyfactorAPI"
    assert (told["csms"]["url"], told["csms"]["iam_url"]) == (told["url"], f"{told['url']}/v3")
    assert requests.get(str(told["ledger"]), timeout=60).json() == []
    assert stat.S_IMODE(ready.stat().st_mode) == 0o600
    settings = Path(str(told["settings"]))
    assert settings.is_absolute()
    stop.set()
    thread.join(60)
    assert not thread.is_alive()
    assert (ready.exists(), settings.parent.exists()) == (False, False)


def test_the_settings_file_is_ready_and_its_secrets_are_private(client: Client) -> None:
    """DESIGN section 4: absolute paths, both targets, secrets as files that only the owner may read."""
    path = client.sim.settings
    text = path.read_text()
    loaded = yaml.safe_load(text)
    assert (loaded["apiVersion"], loaded["kind"]) == ("reconciler/v1", "Settings")
    assert loaded["manifests"] == f"{Path.cwd()}/manifests/"
    command, csms = loaded["targets"]["command"], loaded["targets"]["csms"]
    assert (command["api"], command["url"]) == ("keyfactor", client.keyfactor["url"])
    assert (csms["api"], csms["url"], csms["projectId"]) == ("csms", client.csms["url"], client.csms["project_id"])
    files = {
        command["auth"]["clientSecret"]["file"]: client.keyfactor["client_secret"],
        csms["auth"]["accessKey"]["file"]: client.csms["access_key"],
        csms["auth"]["secretKey"]["file"]: client.csms["secret_key"],
    }
    for file, secret in files.items():
        assert Path(file).read_text() == secret
        assert stat.S_IMODE(Path(file).stat().st_mode) == 0o600
        assert secret not in text
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_ends_the_process_cleanly(number: int, tmp_path: Path) -> None:
    """Exit code 0, nothing on stderr, nothing left behind."""
    ready = tmp_path / "sim.json"
    program = f"from reconciler.simulator import run_simulator; run_simulator(0, 10, 0, {str(ready)!r}, None)"
    process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE)
    settings = Path(str(_wait(ready)["settings"]))
    os.kill(process.pid, number)
    _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (0, b"")
    assert (ready.exists(), settings.parent.exists()) == (False, False)


def test_a_taken_port_is_an_oserror_and_leaves_nothing(client: Client) -> None:
    """The caller says what to do about it."""
    port = int(client.sim.url.rpartition(":")[2])
    with pytest.raises(OSError, match=r"[Aa]ddress already in use"), Simulator(port=port, certificates=1):
        pass


def test_a_stopped_simulator_closes_what_is_open() -> None:
    """Keep-alive connections end with it, so that nothing is left to warn about."""
    with Simulator(certificates=1) as sim:
        connection = socket.create_connection(("127.0.0.1", int(sim.url.rpartition(":")[2])), timeout=60)
        connection.sendall(b"GET /KeyfactorAPI/x HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 401"
    while connection.recv(4096):
        pass
    connection.close()
    with pytest.raises(RuntimeError, match="does not run"):
        _ = sim.url


RAW = {
    "no host": (b"GET / HTTP/1.1\r\n\r\n", b"400"),
    "no version": (b"GET /\r\nHost: x\r\n\r\n", b"400"),
    "a header without a colon": (b"GET / HTTP/1.1\r\nHost\r\n\r\n", b"400"),
    "a blank before the colon": (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", b"400"),
    "a length that is no number": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"400"),
    "too long a line": (b"GET /" + b"a" * 70_000, b"414"),
    "too many headers": (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 200 + b"\r\n", b"431"),
    "too long a body": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n", b"413"),
    "chunks": (
        (
            b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n5\r\ngrant\r\n8\r\n_type=xy\r\n0\r\n\r\n"
        ),
        b"400",
    ),
    "bad chunks": (b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
    "an expectation": (b"POST /x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na", b"100"),
}


@pytest.mark.parametrize("name", RAW)
def test_the_wire_is_read_strictly(name: str, client: Client) -> None:
    """What is no HTTP/1.1 request is answered as such, and never with a traceback."""
    sent, status = RAW[name]
    with socket.create_connection(("127.0.0.1", int(client.sim.url.rpartition(":")[2])), timeout=60) as connection:
        connection.sendall(sent)
        assert connection.recv(12)[9:12] == status


def test_connections_are_kept_alive_and_pipelined_answers_come_in_order(client: Client) -> None:
    """Two requests in one packet get two answers on the same connection; `Connection: close` ends it."""
    request = b"GET /KeyfactorAPI/status/healthcheck HTTP/1.1\r\nHost: x\r\n"
    with socket.create_connection(("127.0.0.1", int(client.sim.url.rpartition(":")[2])), timeout=60) as connection:
        connection.sendall(request + b"\r\n" + request + b"Connection: close\r\n\r\n")
        received = b""
        while part := connection.recv(4096):
            received += part
    assert received.count(b"HTTP/1.1 401") == 2
    assert received.count(b"Connection: close") == 1


def test_the_simulator_says_what_the_administration_offers(client: Client) -> None:
    """An unknown address below /_sim/ lists the known ones."""
    reply = client.admin("GET", "nothing")
    assert reply.status_code == 404
    assert "POST /_sim/faults" in reply.json()["error"]
    edited = client.admin(
        "POST",
        "edit",
        {"method": "PUT", "path": "/EventHandlerRegistration/1", "body": {"DisplayName": "x", "Enabled": True}},
    )
    assert edited.json()["status"] == 200


def test_the_simulator_imports_nothing_of_the_tool() -> None:
    """It is a second statement of the contract: the standard library and itself, nothing else."""
    foreign = set()
    for path in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [node.module or ""]
            else:
                continue
            foreign |= {
                m
                for m in modules
                if not m.startswith("reconciler.simulator") and m.partition(".")[0] not in sys.stdlib_module_names
            }
    assert foreign == set()
