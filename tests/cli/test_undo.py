"""What can't be taken back is told with its reason, all at once; what somebody did since is never taken back unseen."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli import main
from reconciler.cli.terminal.step_numbers import StepNumbers
from reconciler.engine.undo import format_numbers
from reconciler.simulator import Simulator

MANIFESTS = Path(__file__).parents[2] / "reconciler" / "demo" / "manifests"
MORE = """apiVersion: reconciler/v1
kind: SecurityRole
metadata: {{name: Web Team}}
spec: {{description: 'The password is {secret}', claims: [{{type: OAuthRole, value: web-team, provider: Entra}}]}}
---
apiVersion: reconciler/v1
kind: SecurityRole
metadata: {{name: Help Desk}}
spec: {{emailAddress: help@example.com}}
---
apiVersion: reconciler/v1
kind: SecurityRole
metadata: {{name: Platform Engineering}}
spec: {{claims: [{{type: OAuthRole, value: web-team, provider: Entra}}]}}
"""


class Applied:
    """A server on which everything was applied in one run, and the command line in front of it."""

    def __init__(self, server: Simulator, folder: Path) -> None:
        self.server, self.plan = server, folder / "undo.json"
        manifests = folder / "manifests"
        manifests.mkdir()
        for path in MANIFESTS.glob("*.yaml"):
            (manifests / path.name).write_text(path.read_text())
        (manifests / "more.yaml").write_text(MORE.format(secret=server.credentials["keyfactor"]["client_secret"]))
        code, stdout, stderr = self.run("apply", str(manifests), "--yes", "--format", "json")
        assert code == 0, stderr
        self.id = json.loads(stdout)["run"]["id"]

    def run(self, *argv: str) -> tuple[int, str, str]:
        stdout, stderr = StringIO(), StringIO()
        config = [] if argv[0] == "show" else ["--config", str(self.server.credentials["settings"])]
        return main([*argv, *config], {}, stdout, stderr, StringIO()), stdout.getvalue(), stderr.getvalue()

    def undo(self, *argv: str) -> tuple[int, str, str]:
        self.plan.unlink(missing_ok=True)
        return self.run("undo", self.id, "--out", str(self.plan), *argv)


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Applied]:
    """Undo only reads: the rows can share a world."""
    with Simulator(certificates=12) as server:
        yield Applied(server, tmp_path_factory.mktemp("applied"))


IMPOSSIBLE = {
    "a creation": ("4", "it created its object, and nothing is ever deleted by this tool; remove the object"),
    "a denial": ("9", "a denial can't be undone; have the certificates requested anew"),
    "what a secret was in": ("11", "a secret in it is masked, so that what was there before is not known"),
}


@pytest.mark.parametrize(("steps", "reason"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_has_no_way_back_says_why(applied: Applied, steps: str, reason: str) -> None:
    code, _, stderr = applied.undo("--step", steps)
    assert code == 6
    assert f"undo of run {applied.id}, step {steps}: " in stderr
    assert reason in stderr
    assert not applied.plan.exists()


def test_a_secret_is_in_no_history(applied: Applied) -> None:
    secret = str(applied.server.credentials["keyfactor"]["client_secret"])
    texts = [applied.run("history", *argv)[1] for argv in ([applied.id], ["export"], [applied.id, "--format", "json"])]
    assert "    a secret in it is masked\n" in texts[0]
    assert not any(secret in text for text in texts)


def test_all_reasons_are_told_at_once_with_what_can_be_done_instead(applied: Applied) -> None:
    code, stdout, stderr = applied.undo()
    assert (code, applied.plan.exists()) == (6, False)
    assert all(reason in stderr for _, reason in IMPOSSIBLE.values())
    assert (
        "3 of 11 steps can't be taken back; nothing was saved; the others can be by themselves: --step 1-3,5-8,10"
        in stderr
    )
    assert stdout.endswith("Not saved.\n")


def test_steps_that_are_picked_make_a_plan_that_names_them(applied: Applied) -> None:
    code, stdout, _ = applied.undo("--step", "1-3", "--step", "5,6-8,10", "--format", "json")
    report = json.loads(stdout)
    assert (code, report["saved"], report["undo"]) == (0, True, {"run": applied.id, "steps": [1, 2, 3, 5, 6, 7, 8, 10]})
    assert report["selection"] == f"undo of run {applied.id}, step 1-3,5-8,10"
    # Roles come last where they lose what the tool itself needs.
    assert [step["source"] for step in report["steps"]] == [
        f"undo of run {applied.id}, step {n}" for n in (1, 2, 5, 6, 7, 8, 3, 10)
    ]
    shown = json.loads(applied.run("show", str(applied.plan), "--format", "json")[1])
    assert shown["steps"] == report["steps"]


WRONG = {
    "a step that there is not": (["--step", "99"], "was never about to send a step 99; there are: 1, 2, 3,"),
    "no number": (["--step", "x"], "'x' names no steps"),
    "a range that ends before it begins": (["--step", "3-1"], "'3-1' names no steps"),
    "a manifest": (["--out", "undo.yaml"], "--out would look like a manifest"),
}


@pytest.mark.parametrize(("argv", "reason"), WRONG.values(), ids=WRONG)
def test_what_was_typed_wrongly_is_told(applied: Applied, argv: list[str], reason: str) -> None:
    code, _, stderr = applied.undo(*argv)
    assert code == 3
    assert reason in stderr


def edit(store: str, key: Any, **members: Any) -> Callable[[Simulator], None]:
    """Somebody changes members of an object by hand."""

    def change(server: Simulator) -> None:
        with server.lock:
            getattr(server.world, store)[key].update(members)

    return change


def give_away(server: Simulator) -> None:
    with server.lock:
        server.world.certificates[7] = server.world.certificates[7]._replace(owner=4)


def remove_event(server: Simulator) -> None:
    with server.lock:
        del server.world.events["expiry-prod"]


MOVED = {
    "a handler that was switched off again, renamed too": (1, edit("handlers", 1, Enabled=False, DisplayName="x"), ""),
    "a field that the run did not change": (2, edit("roles", 7, Description="By hand"), ""),
    "a role that got another right": (
        3,
        edit("roles", 2, Permissions=["/portal/read/", "/agents/auto/"]),
        "permissions is",
    ),
    "a claim that left, and was described anew": (
        10,
        edit("claims", 10, Description="By hand"),
        "claims.platform.description would change as well",
    ),
    "an event that is gone": (5, remove_event, "the object is gone"),
    "a certificate that has another owner": (6, give_away, 'owner is "Web Team" now, and the run left "Payments PKI"'),
    "a certificate that nobody touched": (7, lambda _: None, ""),
}


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Applied]:
    """The same, and then somebody was at work by hand."""
    with Simulator(certificates=12) as server:
        world = Applied(server, tmp_path_factory.mktemp("moved"))
        for _, change, _ in MOVED.values():
            change(server)
        yield world


@pytest.mark.parametrize(("step", "reason"), [(step, reason) for step, _, reason in MOVED.values()], ids=list(MOVED))
def test_what_moved_since_is_not_taken_back(moved: Applied, step: int, reason: str) -> None:
    """Exactly the fields that the run changed decide; what is as it was before already is no difference."""
    code, _, stderr = moved.undo("--step", str(step))
    assert (code, moved.plan.exists()) == ((7, False) if reason else (0, True)), stderr
    assert reason in stderr
    if reason:
        assert f"undo of run {moved.id}, step {step}: " in stderr
        assert "has moved since" in stderr
    if step == 1:
        assert "EventHandler/denied-logger: all that it changed is as it was before" in stderr


def test_a_way_back_that_the_server_does_not_take_is_not_saved(moved: Applied) -> None:
    """A plan saves what can be sent of it; half a way back is none."""
    edit("roles", 7, Immutable=True)(moved.server)
    code, stdout, stderr = moved.undo("--step", "2")
    edit("roles", 7, Immutable=False)(moved.server)
    assert (code, moved.plan.exists(), stdout.endswith("Not saved.\n")) == (6, False, True)
    assert "the role is built in and immutable" in stderr


def test_a_way_back_is_said_to_come_from_no_manifests(applied: Applied) -> None:
    """A job that sends what is declared refuses it; and its words are about that, and not about a filter."""
    assert applied.undo("--step", "1")[0] == 0
    code, _, stderr = applied.run("apply", str(applied.plan), "--same-manifests")
    assert code == 7
    assert f"was made from no manifests (undo of run {applied.id}, step 1)" in stderr
    assert "filter" not in stderr


def test_limits_and_protections_hold_for_an_undo_as_well(applied: Applied) -> None:
    settings = Path(str(applied.server.credentials["settings"]))
    text = settings.read_text()
    settings.write_text(text.replace("targets:\n", "limits: {CertificateOwner: {changes: 1}}\ntargets:\n", 1))
    try:
        code, _, stderr = applied.undo("--step", "6-8")
    finally:
        settings.write_text(text)
    assert (code, applied.plan.exists()) == (6, False)
    assert "would change 3 objects of kind CertificateOwner" in stderr


@pytest.mark.parametrize(("text", "numbers"), [("1", (1,)), ("3,1-2", (1, 2, 3)), ("1-2,4,6-8", (1, 2, 4, 6, 7, 8))])
def test_numbers_are_read_and_written(text: str, numbers: tuple[int, ...]) -> None:
    assert StepNumbers().convert(text, None, None) == numbers
    assert StepNumbers().convert(format_numbers(numbers), None, None) == numbers
