"""What can go wrong around a command: files, edits by hand, faults on the server's side, a signal.

Each arrangement is a function of the world in which the command then runs.
"""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from reconciler.simulator import Simulator
from tests.cli.conftest import Run
from tests.support.rival_runs import hold_targets, leave_open

CLASS = "CSS.CMS.Monitoring.EventHandling.Denied.DeniedLogger"
HANDLERS = "/EventHandlerRegistration"
HANDLER = (
    f"kind: EventHandler\nmetadata: {{name: log}}\nspec: {{className: {CLASS}, displayName: Log, enabled: true}}\n"
)
PROJECTS = "/v3/projects"
ROLE = "kind: SecurityRole\nmetadata: {name: Auditors}\nspec: {description: Auditors}\n"
EVENT = "kind: SecretEvent\nmetadata: {name: expiry-prod}\nspec: {state: ENABLED}\n"


class World(NamedTuple):
    """A running server, the current folder with `reconciler.yaml` and `manifests/`, and the command line.

    `secrets` are what no stream may ever show.
    """

    server: Simulator
    folder: Path
    run: Run
    secrets: list[str]
    held: ExitStack

    def declare(self, *documents: str) -> None:
        """Let these be the manifests, and no others."""
        text = "---\n".join(f"apiVersion: reconciler/v1\n{one}" for one in documents)
        (self.folder / "manifests" / "all.yaml").write_text(text)

    def configure(self, old: str, new: str) -> None:
        """Replace words of the settings."""
        file = self.folder / "reconciler.yaml"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    def sent(self) -> list[str]:
        """Return what the server really did for the reconciler, and not for somebody by hand."""
        return [one["path"] for one in self.server.ledger if one["actor"] == "reconciler"]


@contextmanager
def open_world(server: Simulator, folder: Path, run: Run) -> Iterator[World]:
    """Yield a world whose three manifests the server does not fulfil."""
    (folder / "reconciler.yaml").write_text(server.settings.read_text())
    named = (("keyfactor", "password client_secret"), ("csms", "access_key secret_key password"))
    secrets = [server.credentials[api][name] for api, names in named for name in names.split()]
    world = World(server, folder, run, secrets, ExitStack())
    world.declare(HANDLER, ROLE, EVENT)
    with world.held:
        yield world


Arrange = Callable[[World], None]


def as_it_is(_world: World) -> None:
    """Arrange nothing."""


def declared(*documents: str) -> Arrange:
    """The manifests say this instead."""
    return lambda world: world.declare(*documents)


def settings(more: str) -> Arrange:
    """The settings say this too."""
    return lambda world: world.configure("targets:\n", f"{more}\ntargets:\n")


def fault(method: str, path: str, kind: str, **params: Any) -> Arrange:
    """The server breaks these requests, always."""

    def arrange(world: World) -> None:
        world.server.fault(method, path, kind, 0, **params)

    return arrange


def renamed(world: World) -> None:
    """Somebody renames the handler by hand."""
    world.server.edit("PUT", f"{HANDLERS}/1", {"DisplayName": "By hand", "Enabled": False})


def hostile(world: World) -> None:
    """Somebody gives a role a name that no manifest may hold."""
    with world.server.lock:
        world.server.world.roles[2]["Name"] = "\x1b[2J"


def renamed_meanwhile(world: World) -> None:
    """Somebody renames it between the comparison and the sending."""
    world.server.fault("GET", HANDLERS, "edit", 1, 2, call=lambda: renamed(world))


def interrupted(method: str) -> Arrange:
    """Somebody presses Ctrl-C while the server is at work on such a request."""
    main = threading.main_thread().ident
    assert main is not None

    def arrange(world: World) -> None:
        world.server.fault(method, HANDLERS, "edit", 1, call=lambda: signal.pthread_kill(main, signal.SIGINT))
        world.server.fault(method, HANDLERS, "delay", 1, seconds=0.2)

    return arrange


def in_sync(world: World) -> None:
    """Everything is already as declared."""
    assert world.run(["apply", "--yes"])[0] == 0


def held_by_another(world: World) -> None:
    """Another run holds every target, and lives."""
    hold_targets(world.folder)


def left_open(world: World) -> None:
    """An earlier run intended everything that is declared, sent it, and never told."""
    leave_open(world.folder, send=True)


def stranger(world: World) -> None:
    """Command is the only target in question, and its identity provider doesn't know us."""
    world.configure('clientId: "reconciler"', 'clientId: "stranger"')
    world.declare(HANDLER)


def gone(world: World) -> None:
    """The server no longer runs; the settings and the secrets are still there."""
    kept = world.folder / ".secrets"
    kept.mkdir()
    for file in world.server.settings.parent.iterdir():
        if file.is_file():
            (kept / file.name).write_text(file.read_text())
            (kept / file.name).chmod(0o600)
    world.configure(str(world.server.settings.parent), str(kept))
    port = int(world.server.url.rpartition(":")[2])
    world.server.stop()
    # The system gives a free port to whoever asks next, which may be a simulator of a test beside this one: that would
    # answer, and refuse the credentials. A socket that is bound and doesn't listen keeps the port and takes nobody.
    holder = world.held.enter_context(socket.socket())
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", port))


def all_of(*arrangements: Arrange) -> Arrange:
    """One after the other."""

    def arrange(world: World) -> None:
        for one in arrangements:
            one(world)

    return arrange


def by_name(name: str = "cn-north-4") -> Arrange:
    """The settings call the project by its name."""
    return lambda world: world.configure(f'projectId: "{world.server.world.project}"', f"projectName: {name}")


def elsewhere(world: World) -> None:
    """The settings come to name another place."""
    world.configure("/KeyfactorAPI", "/OtherAPI")


def saved(then: Arrange = as_it_is) -> Arrange:
    """A plan is saved and approved, and after that this happens."""

    def arrange(world: World) -> None:
        assert world.run(["plan", "--out", "plan.json"])[0] == 0
        then(world)

    return arrange


def flipped(world: World) -> None:
    """One byte of the saved plan is changed, and one at that which nothing reads."""
    file = world.folder / "plan.json"
    data = file.read_bytes()
    at = data.index(b'"manifests": "') + len(b'"manifests": "')
    file.write_bytes(data[:at] + (b"0" if data[at : at + 1] != b"0" else b"1") + data[at + 1 :])


def misplaced(world: World) -> None:
    """The saved plan comes to lie among the manifests."""
    (world.folder / "plan.json").rename(world.folder / "manifests" / "plan.json")
