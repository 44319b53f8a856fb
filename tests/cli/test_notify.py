"""`notify:` from a run to receivers on loopback: who is told what, once, and what is said where that fails."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from reconciler.engine.run_store import RunOrigin, begin_run, identify_bound
from reconciler.model import Bound
from reconciler.simulator import Simulator
from reconciler.state.locations import LocalState
from reconciler.state.open_store import open_store
from tests.cli.conftest import Run
from tests.support.mail_box import open_mail_box
from tests.support.raw_server import Scripted, answer

# Of the standard library, in what Apprise imports for PGP.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")
OPERATORS, WEB = 2, 3
HOSTILE = "<!channel> @here *b* [x](https://evil) <img src=x>"
MANIFEST = """\
apiVersion: reconciler/v1
kind: SecurityRole
metadata: {name: PKI Operators}
spec: {description: as declared}
---
apiVersion: reconciler/v1
kind: SecurityRole
metadata: {name: "%s"}
spec: {description: secret-value}
"""
NOTIFY = """\
notify:
  - {url: {env: HOOK}, events: [drift.new, drift.cleared, lock.stale]}
  - {url: {env: MAIL}, events: [drift.cleared, apply.failed, apply.unknown]}
"""
TOKEN = "T0ken-in-the-path"


@dataclass
class World:
    """A server, a webhook that takes what it is told, and the variables of a run; `script` may answer otherwise."""

    server: Simulator
    folder: Path
    answer: bytes = answer(200, b"ok")
    told: list[dict[str, Any]] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)

    def take(self) -> list[dict[str, Any]]:
        """Return what the webhook was told since the last time."""
        told, self.told[:] = list(self.told), []
        return told

    def write_settings(self, notify: str) -> None:
        """Write settings that tell whom these lines name."""
        lines = self.server.settings.read_text().splitlines()
        lines = ["state: .reconciler/" if line.startswith("state:") else line for line in lines]
        (self.folder / "reconciler.yaml").write_text("\n".join(lines) + "\n" + notify)

    def set_description(self, text: str) -> None:
        with self.server.lock:
            self.server.world.roles[OPERATORS] |= {"Description": text}


@pytest.fixture
def world(folder: Path) -> Iterator[World]:
    (folder / "manifests").mkdir()
    (folder / "manifests" / "all.yaml").write_text(MANIFEST % HOSTILE)
    with Simulator(certificates=1) as server:
        world = World(server, folder)
        server.world.roles[WEB] |= {"Name": HOSTILE}

        def script(asked: Any) -> bytes:
            world.told.append(json.loads(asked.body) | {"path": asked.path})
            return world.answer

        with Scripted(script) as hook:
            world.env = {"HOOK": f"json://{hook.url.removeprefix('http://')}/{TOKEN}", "MAIL": "json://127.0.0.1:9/"}
            world.write_settings(NOTIFY)
            yield world


def test_each_piece_of_news_is_told_once_to_whom_it_concerns(world: World, run: Run) -> None:
    """By webhook and mail, in numbers alone: no name that a manifest or a server holds, no value, no secret."""
    with open_mail_box() as box:
        world.env["MAIL"] = f"mailto://127.0.0.1:{box.port}?from=a@example.com&to=b@example.com&mode=insecure"
        assert run(["drift", "--link", "https://ci.example.com/7?a=b&c=d"], world.env)[0] == 2
        (first,) = world.take()
        assert (first["title"], first["type"], first["path"]) == ("reconciler drift.new: 2 new", "warning", f"/{TOKEN}")
        assert first["message"].splitlines()[-1] == "https://ci.example.com/7?a=b&c=d"
        assert "2 of 2 objects not as declared" in first["message"]

        run(["drift"], world.env)
        assert world.take() == []

        world.set_description("otherwise")
        run(["drift", "--only", f"SecurityRole/{HOSTILE.replace('*', '?')}"], world.env)
        run(["drift", "--only", "SecurityRole/PKI*"], world.env)
        (changed,) = world.take()
        assert changed["title"] == "reconciler drift.new: 1 changed"
        assert "Partial run (a selection)" in changed["message"]
        assert box.letters == []

        world.set_description("as declared")
        run(["drift"], world.env)
        (cleared,) = world.take()
        assert (cleared["title"], cleared["type"]) == ("reconciler drift.cleared: 1 cleared", "success")
        (letter,) = box.letters
        assert letter["subject"] == cleared["title"]
        told = json.dumps([first, changed, cleared])
        for text in (*"<@[*`", "evil", "Operators", 'declared"', "secret-value", "otherwise"):
            assert text not in told.replace("[{", "").replace('"attachments": []', "")


def test_an_apply_that_does_not_end_well_is_told(world: World, run: Run) -> None:
    """With its exit code; one that ends well is no news, nor is a mistyped flag. `test_run_events` has all of them."""
    world.write_settings("notify: [{url: {env: HOOK}, events: [apply.failed, apply.unknown]}]\n")
    job = {"CI_JOB_URL": "https://gitlab.example.com/-/jobs/7"}
    world.server.fault("PUT", "/Security/Roles", status=400)
    code, _, _ = run(["apply", "--yes", "--only", "SecurityRole/PKI*"], world.env | job)
    (told,) = world.take()
    assert (code, told["title"]) == (9, "reconciler apply.failed: exit 9 (partial)")
    assert told["message"].splitlines()[1:] == [job["CI_JOB_URL"]]
    assert run(["apply", "--yes", "--only", "SecurityRole/PKI*"], world.env)[0] == 0
    assert run(["apply", "--yes", "--same-manifests"], world.env)[0] == 3
    assert world.take() == []


# What is wrong with a receiver -> a part of what is said.
FAILURES = {
    "nobody listens": ("json://127.0.0.1:9/{token}", "Connection"),
    "a URL that Apprise doesn't know": ("nosuch://{token}/", "Apprise knows no such URL"),
    "a variable that isn't set": (None, "is not set"),
    "it refuses": ("{hook}", "error=500"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_message_that_fails_is_a_note_and_no_outcome(world: World, run: Run, failure: str) -> None:
    """On stderr and in the document, with no part of the URL; the code is that of the run."""
    world.answer = answer(500, b"no")
    url, words = FAILURES[failure]
    env = world.env | ({"HOOK": url.format(token=TOKEN, hook=world.env["HOOK"])} if url else {})
    if url is None:
        del env["HOOK"]
    code, stdout, stderr = run(["drift", "--format", "json"], env)
    (note,) = (note for note in json.loads(stdout)["notes"] if "was not told" in note["message"])
    assert code == 2
    assert note["message"].startswith("notify[0].url, the environment variable HOOK: drift.new was not told: ")
    assert words in note["message"]
    assert note["message"] in stderr
    assert TOKEN not in stdout + stderr


@pytest.mark.parametrize("way", [[], ["--jobs", "1"]], ids=["one process", "a task a target"])
def test_what_could_not_be_told_is_told_by_the_next_drift(way: list[str], world: World, run: Run) -> None:
    """Once, to whom it was meant for, and beside what is new; also of an apply, and as often as it fails."""
    world.write_settings(NOTIFY + "  - {url: {env: ALSO}, events: [drift.new, apply.failed]}\n")
    also = world.env | {"ALSO": world.env["HOOK"].replace(TOKEN, "also")}
    dead = also | {"HOOK": "json://127.0.0.1:9/"}
    assert "the next drift tells it again" in run(["drift", *way], dead)[2]
    assert [told["path"] for told in world.take()] == ["/also"]
    assert "the next drift tells it again" in run(["drift", *way], dead)[2]
    assert world.take() == []

    run(["drift", *way], also)
    (late,) = world.take()
    assert (late["path"], late["title"].startswith("reconciler drift.new: told late, of 20")) == (f"/{TOKEN}", True)
    assert late["message"].startswith("a message of an earlier run could not be sent\nDrift")
    run(["drift", *way], also)
    assert world.take() == []

    world.server.fault("PUT", "/Security/Roles", status=400)
    code, _, stderr = run(["apply", "--yes", "--only", "SecurityRole/PKI*", *way], also | {"ALSO": dead["HOOK"]})
    assert (code, "notify[2].url, the environment variable ALSO: apply.failed was not told" in stderr) == (9, True)
    world.set_description("otherwise")
    run(["drift", *way], also)
    told = {told["path"]: told["title"].partition(", of")[0] for told in world.take()}
    new = "reconciler drift.new: 1 changed"
    assert told == {f"/{TOKEN}": new, "/also": f"{new}; apply.failed: told late"}


def test_a_signal_while_people_are_told_changes_nothing(world: World, run: Run) -> None:
    """The message arrives, and the run ends as it would have."""

    def interrupt(_: Any) -> bytes:
        os.kill(os.getpid(), signal.SIGINT)
        return answer(200, b"ok")

    with Scripted(interrupt) as hook:
        told = run(["drift"], world.env | {"HOOK": f"json://{hook.url.removeprefix('http://')}/"})
    assert len(hook.asked) == 1
    assert told[0] == 2
    assert "not told" not in told[2]


def test_who_insists_gets_the_report_of_the_run(world: World, run: Run) -> None:
    """A second signal breaks off the telling, and nothing of the run."""
    is_over = threading.Event()

    def insist(_: Any) -> bytes:
        stops: Any = signal.getsignal(signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        while not stops._first_received:
            pass
        os.kill(os.getpid(), signal.SIGINT)
        is_over.wait()
        return answer(200, b"ok")

    with Scripted(insist) as hook:
        code, stdout, stderr = run(["drift"], world.env | {"HOOK": f"json://{hook.url.removeprefix('http://')}/"})
        is_over.set()
    assert (code, "not as declared" in stdout) == (2, True)
    assert "telling others was broken off" in stderr


def test_who_has_no_news_needs_no_apprise_and_who_asks_for_it_must_have_it(
    world: World, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told before anything is read, with what to install; offline, and with nobody to tell, it is no matter."""
    run(["drift"], world.env)
    world.take()
    tripwire = ModuleType("apprise")  # which has nothing that could be used
    tripwire.__spec__ = sys.modules["apprise"].__spec__
    monkeypatch.setitem(sys.modules, "apprise", tripwire)
    assert "not told" not in run(["drift"], world.env)[2]
    world.set_description("otherwise")
    assert "was not told: Apprise failed (AttributeError)" in run(["drift"], world.env)[2]

    monkeypatch.setitem(sys.modules, "apprise", None)
    world.server.forget_requests()
    for argv in (["drift"], ["apply", "--yes"]):
        code, _, stderr = run(argv, world.env)
        assert (code, world.server.requests) == (3, [])
        assert "reconciler.yaml: notify: the package apprise can't be imported" in stderr
        assert "pip install 'pki-reconciler[notify]'" in stderr
    assert run(["plan"], world.env)[0] == run(["validate"], world.env)[0] == 0
    world.write_settings("")
    assert run(["drift"], world.env)[0] == 2


def test_the_doctor_looks_at_who_is_told_and_tells_nobody(
    world: World, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wrong with a receiver fails no run; what keeps drift and apply from running does."""
    world.write_settings(NOTIFY + "  - {url: {env: NOBODY}, events: [drift.new]}\n")
    code, text, stderr = run(["doctor"], world.env | {"MAIL": f"nosuch://{TOKEN}"})
    assert (code, world.take(), TOKEN in text + stderr) == (0, [], False)
    assert re.findall(r"  (ok|warn) +(notify\[\d\]) +(.*)", text) == [
        ("ok", "notify[0]", "the environment variable HOOK: drift.cleared, drift.new, lock.stale"),
        ("warn", "notify[1]", "Apprise knows no such URL, or a part of it is missing; nobody would be told"),
        ("warn", "notify[2]", "notify[2].url: the environment variable NOBODY is not set"),
    ]
    document = json.loads(run(["doctor", "--format", "json"], world.env)[1])
    assert [check["verdict"] for check in document["notify"]["checks"]] == ["ok", "ok", "warning"]
    monkeypatch.setitem(sys.modules, "apprise", None)
    code, text, _ = run(["doctor"], world.env)
    assert (code, "pip install 'pki-reconciler[notify]'" in text) == (3, True)


LINKS = {
    "javascript:alert(1)": False,
    "https://user:pw@example.com/": False,
    "https://example.com/a b": False,
    "https://example.com/<!channel>": False,
    "example.com": False,
    "https://dev.azure.com/o/My%20Project/_build/results?buildId=7": True,
    "http://[::1]:8080/job/7/#x": True,
}


@pytest.mark.parametrize("link", LINKS)
def test_a_link_is_a_url_to_click_on_and_nothing_else(run: Run, link: str) -> None:
    """Refused before anything is done where somebody gave it; else the run ends for want of settings."""
    code, _, stderr = run(["drift", "--link", link])
    assert (code, "--link needs" in stderr) == (3, not LINKS[link])


def test_a_lease_whose_process_is_gone_is_told_once(world: World, run: Run) -> None:
    """By the first drift that meets it; `test_stale_leases` has those of other machines."""
    target = identify_bound(Bound("keyfactor", f"{world.server.url}/KeyfactorAPI"))
    store = open_store(LocalState(world.folder / ".reconciler"), env={})
    record = begin_run(RunOrigin(), target, {}, started=0.0)
    # The start of a process that had our number before us.
    lease = store.claim(replace(record, holder=record.holder._replace(started="1")))
    run(["drift"], world.env)
    run(["drift"], world.env)
    store.close()
    (told,) = world.take()
    assert told["title"] == "reconciler drift.new: 2 new; lock.stale: target command"
    assert told["message"].splitlines()[0] == (
        f"target command is held since {lease.since} by run {lease.run}, which shows no sign of life"
    )
