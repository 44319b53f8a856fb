"""A project that is called by its name: its id is asked for once, and nothing is guessed where it can't be told."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.errors import AuthError, Exit, IncompleteError, NoReply, ReconcilerError, UnreachableError, UsageError
from reconciler.model import Bound, Call
from reconciler.settings.model import Auth, NameOrId
from tests.support.api_targets import AKSK, ENV, PASSWORD, PROJECT, TOKEN, csms
from tests.support.raw_server import Asked, Scripted, answer

NAMED = NameOrId("cn-north-4")
ROW = {"id": PROJECT, "name": "cn-north-4", "enabled": True}
TIMES = {"issued_at": "2026-11-22T12:00:00.000000Z", "expires_at": "2026-11-23T12:00:00.000000Z"}


def iam(projects: Any = (ROW,), granted: Any = None) -> Callable[[Asked], bytes]:
    """Answer as IAM and as CSMS; what isn't a list of rows is the whole answer."""

    def script(asked: Asked) -> bytes:
        if asked.path == "/v3/projects":
            return answer(200, {"projects": list(projects)} if isinstance(projects, list | tuple) else projects)
        if asked.path == "/v3/auth/tokens":
            token = {**TIMES, "project": {"id": PROJECT} if granted is None else granted}
            return answer(201, {"token": token}, {"X-Subject-Token": "token-number-1"})
        return answer(200, {"events": [], "page_info": {}})

    return script


@pytest.mark.parametrize("auth", [AKSK, TOKEN])
def test_iam_is_asked_once_with_the_same_credentials(auth: Auth) -> None:
    """For reading, for writing and for what a plan is bound to."""
    with Scripted(iam()) as server, csms(server.url, auth, NAMED) as api:
        assert server.asked == []
        path = f"{api.read.root}/events"
        api.read.rows(path)
        api.send(Call("csms", "PUT", f"{path}/x", {}))
        assert api.bound() == Bound("csms", server.url, PROJECT)
    assert path == f"/v1/{PROJECT}/csms/events"
    assert [(asked.method, asked.path) for asked in server.asked] == [
        ("GET", "/v3/projects"),
        ("GET", path),
        ("PUT", f"{path}/x"),
    ]
    assert server.asked[0].query == {"name": "cn-north-4"}
    projects = [asked.headers.get("x-project-id") for asked in server.asked]
    assert projects == ([None, PROJECT, PROJECT] if auth == AKSK else [None] * 3)
    for asked in server.asked:
        assert ("authorization" in asked.headers, "x-auth-token" in asked.headers) == (auth == AKSK, auth == TOKEN)


def test_a_user_asks_for_a_token_of_the_project_and_is_told_its_id() -> None:
    """One request for both."""
    with Scripted(iam()) as server, csms(server.url, PASSWORD, NAMED) as api:
        api.read.rows(f"{api.read.root}/events")
        assert (api.bound().project, len(server.asked), server.logins) == (PROJECT, 2, 1)
    assert json.loads(server.asked[0].body)["auth"]["scope"] == {"project": {"name": "cn-north-4"}}


def test_a_user_and_an_account_are_called_as_the_settings_call_them() -> None:
    """By name and account, by the account's id, by the user's own."""
    ways: list[tuple[tuple[NameOrId, NameOrId], dict[str, Any]]] = [
        ((NameOrId("u"), NameOrId("d")), {"name": "u", "domain": {"name": "d"}}),
        ((NameOrId("u"), NameOrId(id="7")), {"name": "u", "domain": {"id": "7"}}),
        ((NameOrId(id="9"), NameOrId()), {"id": "9"}),
    ]
    for (user, domain), said in ways:
        auth = type(PASSWORD)(user, domain, PASSWORD.password)
        with Scripted(iam()) as server, csms(server.url, auth) as api:
            api.read.rows(f"{api.read.root}/events")
        asked = json.loads(server.asked[0].body)["auth"]
        assert asked["identity"]["password"]["user"] == {**said, "password": ENV["PASSWORD"]}
        assert asked["scope"] == {"project": {"id": PROJECT}}


UNTOLD: list[tuple[str, Any, type[ReconcilerError], str]] = [
    ("none", (), UsageError, "no project of the name cn-north-4"),
    ("another", ({**ROW, "name": "cn-north-4_x"},), UsageError, "no project of the name cn-north-4"),
    ("two", (ROW, {**ROW, "id": "f" * 32}), UsageError, "2 projects of the name cn-north-4"),
    ("no list", {"items": []}, IncompleteError, "holds no list of projects"),
    ("a list of words", ("cn-north-4",), IncompleteError, "holds no list of projects"),
    ("no id", ({"name": "cn-north-4"},), IncompleteError, "holds no usable id"),
    ("an id that leads elsewhere", ({**ROW, "id": "../x"},), IncompleteError, "holds no usable id"),
    ("a number", ({**ROW, "id": 7},), IncompleteError, "holds no usable id"),
]


@pytest.mark.parametrize(("projects", "error", "words"), [pytest.param(*row[1:], id=row[0]) for row in UNTOLD])
def test_an_answer_that_names_no_one_project_ends_it(projects: Any, error: type[ReconcilerError], words: str) -> None:
    """Nothing is asked of CSMS, nothing is sent, and IAM isn't asked a second time."""
    with Scripted(iam(projects)) as server, csms(server.url, AKSK, NAMED) as api:
        for _ in range(2):
            with pytest.raises(error, match=words) as caught:
                api.read.rows(f"{api.read.root}/events")
        assert f"csms GET {server.url}/v3/projects: " in str(caught.value)
        with pytest.raises(NoReply, match=words) as unsent:
            api.send(Call("csms", "PUT", f"/v1/{PROJECT}/csms/events/x", {}))
        assert unsent.value.sent is False
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, {"error_msg": "no", "error_code": "APIGW.0301"}, AuthError),
        (403, {"error": {"code": 403, "message": "no", "title": "Forbidden"}}, AuthError),
        (404, b"", IncompleteError),
        (503, b"", UnreachableError),
        (302, b"", IncompleteError),
        (200, b"<html>", IncompleteError),
    ],
)
def test_an_iam_that_does_not_tell_is_told_apart(status: int, body: Any, error: type[ReconcilerError]) -> None:
    """Refused, forbidden, absent, failing, elsewhere, not JSON."""
    with Scripted(lambda asked: answer(status, body)) as server, csms(server.url, AKSK, NAMED) as api:
        with pytest.raises(error):
            api.bound()
        with pytest.raises(error):
            api.read.root  # noqa: B018 - it is asked for where paths are made
    assert {asked.path for asked in server.asked} == {"/v3/projects"}


@pytest.mark.parametrize("granted", [{}, {"id": "a/b"}, {"id": 7}, "x", []])
def test_a_token_that_does_not_tell_its_project_ends_it(granted: Any) -> None:
    """The settings have to say the id then; with the id said nobody needs to be told."""
    with Scripted(iam(granted=granted)) as server:
        with (
            csms(server.url, PASSWORD, NAMED) as api,
            pytest.raises(AuthError, match="has to be said as projectId") as no,
        ):
            api.read.rows(f"{api.read.root}/events")
        assert no.value.exit is Exit.AUTH
        with csms(server.url, PASSWORD) as api:
            assert api.read.rows(f"{api.read.root}/events") == []


def test_nobody_listening_at_iam_is_unreachable() -> None:
    """Its own address stands in the message."""
    with (
        csms("http://127.0.0.1:9", AKSK, NAMED) as api,
        pytest.raises(UnreachableError, match=r"csms GET http://127\.0\.0\.1:9/v3/projects: no answer"),
    ):
        api.bound()
