"""A bare repository over git's own HTTP back end, whose answers can get lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

GIT = shutil.which("git") or "git"


def run_git(*arguments: str | Path, folder: Path | None = None) -> str:
    """Run git without anybody's configuration, and return what it prints."""
    env = {"PATH": os.defpath, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/nonexistent"}
    return subprocess.run(
        [GIT, *arguments], cwd=folder, env=env, check=True, capture_output=True, text=True
    ).stdout.strip()


def make_bare(folder: Path) -> Path:
    """Return a new bare repository that takes pushes over HTTP."""
    run_git("init", "--quiet", "--bare", folder)
    run_git("config", "http.receivepack", "true", folder=folder)
    return folder


class GitServer:
    """Serves one repository. The switches are about the pushes that come next.

    `lose_answers` pushes are carried out, and the connection is then closed without an answer; `lose_requests` are not
    carried out, and closed likewise; `hang` lets one wait until `release`. `wanted_login` is the header to show.
    """

    def __init__(self, repository: Path) -> None:
        self.lose_answers = self.lose_requests = self.hang = 0
        self.wanted_login = ""
        self.requests: list[str] = []
        self.release = threading.Event()
        self._repository = repository
        owner = self

        class _Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                owner.answer(self)

            def do_POST(self) -> None:
                owner.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/{repository.name}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Carry out one request, or what the switches say."""
        parts = urlsplit(request.path)
        self.requests.append(f"{request.command} {parts.path}")
        body = self._read_body(request)
        if self.wanted_login and request.headers.get("Authorization") != self.wanted_login:
            self._send(request, 401, [("WWW-Authenticate", 'Basic realm="x"')], b"")
            return
        is_push = request.command == "POST" and parts.path.endswith("git-receive-pack")
        if is_push and self.hang:
            self.hang -= 1
            self.release.wait(60)
        if is_push and self.lose_requests:
            self.lose_requests -= 1
            request.close_connection = True
            return
        status, headers, content = self._run_backend(request, body)
        if is_push and self.lose_answers:
            self.lose_answers -= 1
            request.close_connection = True
            return
        self._send(request, status, headers, content)

    def close(self) -> None:
        """Stop serving."""
        self.release.set()
        self._server.shutdown()
        self._server.server_close()

    def _read_body(self, request: BaseHTTPRequestHandler) -> bytes:
        if request.headers.get("Transfer-Encoding") != "chunked":
            return request.rfile.read(int(request.headers.get("Content-Length") or 0))
        body = b""
        while size := int(request.rfile.readline().strip() or b"0", 16):
            body += request.rfile.read(size)
            request.rfile.readline()
        request.rfile.readline()
        return body

    def _run_backend(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        parts = urlsplit(request.path)
        env = {
            "PATH": os.defpath,
            "GIT_PROJECT_ROOT": str(self._repository.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "REQUEST_METHOD": request.command,
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
            "REMOTE_USER": "ci",
        }
        output = subprocess.run([GIT, "http-backend"], env=env, input=body, capture_output=True, check=True).stdout
        head, _, content = output.partition(b"\r\n\r\n")
        headers = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n")]
        status = next((int(value.split()[0]) for name, value in headers if name == "Status"), 200)
        return status, [(name, value) for name, value in headers if name != "Status"], content

    def _send(
        self, request: BaseHTTPRequestHandler, status: int, headers: list[tuple[str, str]], content: bytes
    ) -> None:
        request.send_response(status)
        for name, value in headers:
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)


@contextmanager
def serving(repository: Path) -> Iterator[GitServer]:
    """Serve a repository until the end of the `with` statement."""
    server = GitServer(repository)
    try:
        yield server
    finally:
        server.close()
