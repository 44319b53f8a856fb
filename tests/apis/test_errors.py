"""What an answer means, and that no message holds a secret, a query or an escape."""

from __future__ import annotations

import gzip

import pytest

from reconciler.apis.connect import connect
from reconciler.diagnostics import Explanation
from reconciler.errors import (
    AuthError,
    IncompleteError,
    NoReply,
    ReconcilerError,
    UnreachableError,
    UsageError,
)
from reconciler.model import Call
from reconciler.settings.model import NoAuth, Target
from reconciler.transport.transport import LIST_CAP, OBJECT_CAP
from tests.support.api_targets import EVENTS, command, csms
from tests.support.raw_server import Asked, Scripted, answer


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, IncompleteError),
        (401, AuthError),
        (403, AuthError),
        (405, IncompleteError),
        (409, IncompleteError),
        (418, IncompleteError),
        (429, UnreachableError),
        (500, UnreachableError),
        (501, UnreachableError),
        (502, UnreachableError),
        (503, UnreachableError),
        (504, UnreachableError),
        (201, IncompleteError),
        (204, IncompleteError),
        (301, IncompleteError),
        (304, IncompleteError),
    ],
)
def test_a_status_means_one_outcome(status: int, error: type[ReconcilerError]) -> None:
    with (
        Scripted(lambda asked: answer(status, {"Message": "told"})) as server,
        command(server.url) as api,
        pytest.raises(error) as caught,
    ):
        api.read.get("/Security/Roles/5")
    (problem,) = caught.value.problems
    assert problem.source.file == f"command GET {server.url}/KeyfactorAPI/Security/Roles/5"
    assert str(status) in problem.message
    assert problem.message.count(";") >= 1 or error is UnreachableError


def test_absent_is_none_and_only_for_an_object() -> None:
    with Scripted(lambda asked: answer(404, {"Message": "no role 5"})) as server, command(server.url) as api:
        assert api.read.get("/Security/Roles/5") is None
        assert api.read.each(["/a", "/b", "/c"]) == [None, None, None]
        with pytest.raises(IncompleteError):
            api.read.rows("/Security/Roles")


def test_each_keeps_the_order_and_the_version() -> None:
    def script(asked: Asked) -> bytes:
        return answer(200, {"path": asked.path, "version": asked.headers["x-keyfactor-api-version"]})

    with Scripted(script) as server, command(server.url) as api:
        found = api.read.each([f"/{number}" for number in range(50)], version=2)
        assert api.read.each([]) == []
    assert [one["path"] for one in found] == [f"/KeyfactorAPI/{number}" for number in range(50)]
    assert {one["version"] for one in found} == {"2"}


def test_one_failure_among_many_is_raised() -> None:
    def script(asked: Asked) -> bytes:
        return answer(403 if asked.path.endswith("/7") else 200, b"{}")

    with Scripted(script) as server, command(server.url) as api, pytest.raises(AuthError, match="permission"):
        api.read.each([f"/{number}" for number in range(20)])


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"NaN", b'{"a":1,"a":2}', b"\xff", b"[" * 200])
def test_an_object_that_can_not_be_read_is_incomplete(body: bytes) -> None:
    with (
        Scripted(lambda asked: answer(200, body)) as server,
        command(server.url) as api,
        pytest.raises(IncompleteError, match="nothing was concluded from it"),
    ):
        api.read.get("/x")


@pytest.mark.parametrize(
    "path", ["x", "", "/a/../b", "/a/%2e%2E/b", "/a/./b", "/a b", "/a?b", "/a#b", "/a\r\nX: y", "/ä", "/%zz", "\\"]
)
def test_a_path_that_could_be_read_differently_is_not_sent(path: str) -> None:
    with Scripted(lambda asked: answer(200, b"{}")) as server, command(server.url) as api:
        with pytest.raises(IncompleteError):
            api.read.get(path)
        with pytest.raises(NoReply) as caught:
            api.send(Call("command", "PUT", path, {}))
        assert caught.value.sent is False
    assert server.asked == []


def test_a_write_goes_out_as_the_plan_has_it() -> None:
    body = {"Zeta": 1, "Alpha": ["ü", None, True], "Deep": {"b": 1, "a": 2}}
    with Scripted(lambda asked: answer(200, {"Id": 7}, {"X-Thing": "t"})) as server, command(server.url) as api:
        reply = api.send(Call("command", "PUT", "/Security/Roles", body, (("a", "b c"),), version=2))
        assert (reply.status, reply.headers["x-thing"], reply.body) == (200, "t", b'{"Id": 7}')
        assert api.explain(reply) == ""
    (asked,) = server.asked
    assert asked.body == b'{"Zeta":1,"Alpha":["\\u00fc",null,true],"Deep":{"b":1,"a":2}}'
    assert (asked.method, asked.path, asked.query) == ("PUT", "/KeyfactorAPI/Security/Roles", {"a": "b c"})
    assert (asked.headers["content-type"], asked.headers["x-keyfactor-api-version"]) == ("application/json", "2")
    assert asked.headers["x-keyfactor-requested-with"] == "APIClient"


def test_the_servers_version_is_known_after_an_answer() -> None:
    version = {"x-keyfactor-product-version": "25.1.1.0"}
    with Scripted(lambda asked: answer(200, b"{}", version)) as server, command(server.url) as api:
        assert api.product == ""
        api.read.get("/x")
        assert api.product == "25.1.1.0"


@pytest.mark.parametrize(("listing", "most"), [(False, OBJECT_CAP), (True, LIST_CAP)])
def test_an_object_and_a_list_have_limits_of_their_own(listing: bool, most: int) -> None:
    """To the byte; a list may be larger."""
    assert OBJECT_CAP < LIST_CAP
    for size, fits in ((most, True), (most + 1, False)):
        body = b'["' + b"x" * (size - 4) + b'"]' if not listing else b"[" + b" " * (size - 2) + b"]"
        with (
            Scripted(lambda asked: answer(200, gzip.compress(body, 1), {"Content-Encoding": "gzip"})) as server,  # noqa: B023
            command(server.url) as api,
        ):
            read = (lambda: api.read.rows("/x")) if listing else (lambda: api.read.get("/x"))
            if fits:
                assert read() is not None
            else:
                with pytest.raises(IncompleteError, match="larger than"):
                    read()


def test_what_a_server_says_can_not_draw_on_a_terminal() -> None:
    with (
        Scripted(lambda asked: answer(400, {"Message": "a\x1b]0;owned\x07\n\u202e" + "x" * 5000})) as server,
        command(server.url) as api,
        pytest.raises(IncompleteError) as caught,
    ):
        api.read.get("/x")
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 700


def test_a_target_that_lacks_something_can_not_be_connected() -> None:
    target = Target(
        "csms", "csms", "", NoAuth(Explanation("", "")), lacking=Explanation("", "HW_PROJECT_ID is not set")
    )
    with pytest.raises(UsageError, match="target csms: HW_PROJECT_ID is not set"):
        connect(target, {})


def test_roots_differ_and_connecting_sends_nothing() -> None:
    with Scripted(lambda asked: answer(200)) as server, command(server.url) as one, csms(server.url) as other:
        assert (one.read.root, other.read.root) == ("", EVENTS.removesuffix("/events"))
        assert server.connections == 0
