"""The part of GitLab's REST API that the pipeline uses: notes, issues and users of https://docs.gitlab.com/api."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Entry = dict[str, Any]
MAX_PAGE = 100


class GitLabServer:
    """One project with its issues, and the notes by what they are on, such as `merge_requests/7`."""

    def __init__(self) -> None:
        self.token, self.bot = "glpat-of-the-project", 42
        self.issues: list[Entry] = []
        self.notes: dict[str, list[Entry]] = {"merge_requests/7": []}
        self.requests: list[str] = []
        owner = self

        class _Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.answer(self)

            def do_POST(self) -> None:
                owner.answer(self)

            def do_PUT(self) -> None:
                owner.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/api/v4"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(request.path)
        path, query = parts.path.removeprefix("/api/v4"), dict(parse_qsl(parts.query))
        fields = json.loads(request.rfile.read(int(request.headers.get("Content-Length") or 0)) or b"{}")
        self.requests.append(f"{request.command} {path}")
        status, content = 401, {"message": "401 Unauthorized"}
        if request.headers.get("PRIVATE-TOKEN") == self.token:
            status, content = self._answer(request.command, path, query, fields)
        body = json.dumps(content).encode()
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def _answer(self, method: str, path: str, query: dict[str, str], fields: Entry) -> tuple[int, Any]:
        if path == "/user":
            return 200, {"id": self.bot}
        if not (found := re.fullmatch(r"/projects/1/(.*?)(issues|notes)(?:/(\d+))?", path)):
            return 404, {"message": "404 Not found"}
        entries = self.issues if found[2] == "issues" else self.notes.setdefault(found[1].rstrip("/"), [])
        if method == "GET":
            page, size = int(query["page"]), min(int(query["per_page"]), MAX_PAGE)
            listed = [one for one in entries if query.get("state") in (None, one.get("state"))]
            return 200, listed[(page - 1) * size : page * size]
        if method == "POST":
            return 201, self.add(entries, **fields)
        (entry,) = (one for one in entries if one["iid"] == int(found[3]))
        if entry["author"]["id"] != self.bot:
            return 403, {"message": "403 Forbidden"}
        if fields.pop("state_event", "") == "close":
            entry["state"] = "closed"
        entry.update(fields)
        return 200, entry

    def add(self, entries: list[Entry], author: int = 42, **fields: Any) -> Entry:
        """Put an entry into a list, as somebody."""
        number = len(entries) + 1
        entry = {"id": number, "iid": number, "author": {"id": author}, "state": "opened", **fields}
        entries.append(entry)
        return entry


@contextmanager
def serving_gitlab() -> Iterator[GitLabServer]:
    """Serve a project until the end of the `with` statement."""
    server = GitLabServer()
    try:
        yield server
    finally:
        server.close()
