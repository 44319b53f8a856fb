"""The part of GitHub's REST API that the workflows use through `gh api`, and a stand-in for that command.

Of https://docs.github.com/rest/issues: lists of issues (which pull requests are, too) and of comments, by the page, and
writing both with a token that may. `python -m tests.support.github_issues FILE ...` is `gh ...` on the world in FILE.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jq

BOT = "github-actions[bot]"
MAX_BODY = 65_536


class Refused(Exception):
    """An answer other than 2xx."""


def make_token(permissions: Mapping[str, str]) -> str:
    """Return a token for a job with these permissions."""
    return f"ghs_{json.dumps(permissions)}"


class GitHubWorld:
    """Issues and pull requests by number, and comments by id, kept in a file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.entries: list[dict[str, Any]] = json.loads(file.read_text("utf-8")) if file.exists() else []

    def save(self) -> None:
        self._file.write_text(json.dumps(self.entries), "utf-8")

    def add(self, body: str | None, login: str = BOT, **members: Any) -> dict[str, Any]:
        """Put an issue, or with `issue` a comment on that, into the world."""
        entry = {"id": 1000 + len(self.entries), "user": {"login": login}, "body": body, **members}
        self.entries.append(entry)
        return entry

    def open_issue(self, body: str | None, login: str = BOT, **members: Any) -> int:
        """Open one, or with `pull_request` a pull request; returns its number."""
        number = 1 + sum("number" in entry for entry in self.entries)
        self.add(body, login, number=number, state="open", **members)
        return number

    def issues(self, *states: str) -> list[dict[str, Any]]:
        return [one for one in self.entries if "number" in one and one["state"] in (states or ("open", "closed"))]

    def comments(self, number: int) -> list[dict[str, Any]]:
        return [entry for entry in self.entries if entry.get("issue") == number]

    def list_entries(self, path: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        if path == "issues":
            return self.issues(query.get("state", "open"))[::-1]
        if found := re.fullmatch(r"issues/(\d+)/comments", path):
            return self.comments(int(found[1]))
        raise Refused("HTTP 404")

    def write(self, method: str, path: str, fields: Mapping[str, str], permissions: Mapping[str, str]) -> None:
        """Create or change what a path names; raises Refused."""
        if len(fields.get("body", "")) > MAX_BODY:
            raise Refused("HTTP 422: body is too long")
        if (method, path) == ("POST", "issues"):
            _check("issues" in permissions)
            self.open_issue(fields["body"], title=fields["title"])
        elif method == "POST" and (found := re.fullmatch(r"issues/(\d+)/comments", path)):
            self._check_issue(int(found[1]), permissions)
            self.add(fields["body"], issue=int(found[1]))
        elif method == "PATCH" and (found := re.fullmatch(r"issues/(comments/)?(\d+)", path)):
            member = "id" if found[1] else "number"
            (entry,) = (one for one in self.entries if one.get(member) == int(found[2]))
            self._check_issue(entry.get("issue") or entry["number"], permissions)
            _check(entry["user"]["login"] == BOT)
            entry.update(fields)
        else:
            raise Refused("HTTP 404")

    def _check_issue(self, number: int, permissions: Mapping[str, str]) -> None:
        (issue,) = (one for one in self.issues() if one["number"] == number)
        wanted = {"issues", "pull-requests"} if "pull_request" in issue else {"issues"}
        _check(any(permissions.get(one) == "write" for one in wanted))


def _check(allowed: bool) -> None:
    if not allowed:
        raise Refused("HTTP 403: Resource not accessible by integration")


def _read_fields(given: argparse.Namespace) -> Iterator[tuple[str, str]]:
    for name, _, value in (one.partition("=") for one in given.field):
        yield name, Path(value[1:]).read_text("utf-8") if value.startswith("@") else value
    yield from (one.partition("=")[::2] for one in given.raw_field)


def _call_api(world: GitHubWorld, given: argparse.Namespace, repository: str, permissions: Mapping[str, str]) -> None:
    parts = urlsplit(given.endpoint)
    owned = f"repos/{repository}/"
    if not parts.path.startswith(owned):
        raise Refused("HTTP 404: Not Found")
    path, query, fields = parts.path.removeprefix(owned), dict(parse_qsl(parts.query)), dict(_read_fields(given))
    if given.method == "GET" and not fields:
        entries, size = world.list_entries(path, query), int(query.get("per_page", 100 if given.paginate else 30))
        pages = [entries[at : at + size] for at in range(0, max(len(entries), 1), size)]
        for page in pages if given.paginate else pages[:1]:
            for value in jq.compile(given.jq).input_value(page):
                print(value if isinstance(value, str) else json.dumps(value))
    else:
        world.write("POST" if given.method == "GET" else given.method, path, fields, permissions)
        world.save()
        assert given.silent


def main(words: list[str]) -> int:
    """Do what `gh api` does, with the statuses that it ends with."""
    parser = argparse.ArgumentParser(prog="gh api", allow_abbrev=False)
    parser.add_argument("file", type=Path)
    parser.add_argument("command", choices=["api"])
    parser.add_argument("endpoint")
    for flag in ("--paginate", "--silent"):
        parser.add_argument(flag, action="store_true")
    for option in ("--method", "--jq"):
        parser.add_argument(option, default={"--method": "GET", "--jq": "."}[option])
    for option in ("--field", "--raw-field"):
        parser.add_argument(option, action="append", default=[])
    given = parser.parse_args(words)
    token = os.environ.get("GH_TOKEN", "")
    if not token:
        print(
            "gh: To use GitHub CLI in a GitHub Actions workflow, set the GH_TOKEN environment variable", file=sys.stderr
        )
        return 4
    repository = os.environ["GITHUB_REPOSITORY"]
    try:
        _call_api(GitHubWorld(given.file), given, repository, json.loads(token.removeprefix("ghs_")))
    except Refused as error:
        print(f"gh: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
