"""README's table of what a trouble is worth: each cell is run. The words of a row say what is arranged."""

from __future__ import annotations

from collections.abc import Iterator
from errno import ENOSPC
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest

from reconciler.cli import main
from reconciler.simulator import Simulator
from tests.cli.conftest import Run
from tests.support import disturbances as a
from tests.test_readme import rows

HEADER = "| trouble | plan | drift | apply | export | adopt | doctor |"
PAGE = "<html><h1>Blocked</h1></html>"
COMMAND_ALONE = ("--target", "command")
COMMANDS: dict[str, list[str]] = {
    "plan": ["plan"],
    "drift": ["drift"],
    "apply": ["apply", "--yes"],
    "export": ["export", "--kind", "EventHandler", "--kind", "SecretEvent"],
    "adopt": ["adopt"],
    "doctor": ["doctor"],
}


def without_secret(*members: str) -> a.Arrange:
    """The settings name variables that nobody has set."""

    def arrange(world: a.World) -> None:
        for member in members:
            name = {"clientSecret": "client_secret", "secretKey": "secret_key"}[member]
            world.configure(f'{member}: {{file: "{world.server.settings.parent / name}"}}', f"{member}: {{env: NONE}}")

    return arrange


def unanswered(target: str) -> a.Arrange:
    """Nobody listens at a target's address. Port 9 is discard (RFC 863), which hardly a host offers today."""
    start = {"command": "    api: keyfactor\n    url: ", "csms": "    api: csms\n    url: "}[target]
    return lambda world: world.configure(f'{start}"{world.server.url}', f'{start}"http://127.0.0.1:9')


def forbidden_write(path: str, **more: str) -> a.Arrange:
    return a.fault("PUT", path, "status", status=403, **more)


def without_writes(world: a.World) -> None:
    """The tool's own role may no longer change handlers."""
    for role in world.server.world.roles.values():
        role["Permissions"] = [name for name in role["Permissions"] if "registration/modify" not in name]


def unwritable_state(world: a.World) -> None:
    """A file lies where the folder of the state should be."""
    place = world.folder / "file"
    place.write_text("")
    _place_state(world, f"{place}/state/")


def other_store(world: a.World) -> None:
    _place_state(world, "{sqlite: {folder: state/}, id: 0123456789abcdef0123456789abcdef}")


def _place_state(world: a.World, value: str) -> None:
    file = world.folder / "reconciler.yaml"
    lines = [line for line in file.read_text().splitlines() if not line.startswith("state:")]
    file.write_text("\n".join([*lines, f"state: {value}", ""]))


class Row(NamedTuple):
    """What is arranged; `is_alone` where Command is the only target in question."""

    arrange: a.Arrange
    is_alone: bool = False
    is_full: bool = False


STRANGER: a.Arrange = lambda world: world.configure('clientId: "reconciler"', 'clientId: "stranger"')  # noqa: E731
TROUBLES: dict[str, Row] = {
    "a secret is missing, of the one target": Row(without_secret("clientSecret"), is_alone=True),
    "a secret is missing, of every target": Row(without_secret("clientSecret", "secretKey")),
    "a secret is missing, and another target was compared": Row(without_secret("clientSecret")),
    "a secret is missing, and another target does not answer": Row(
        a.all_of(without_secret("clientSecret"), unanswered("csms"))
    ),
    "credentials are refused, of the one target": Row(STRANGER, is_alone=True),
    "credentials are refused, and another target was compared": Row(STRANGER),
    "the permission to read is missing, for everything": Row(a.fault("GET", "", "status", status=403)),
    "the permission to read is missing, and something else was compared": Row(
        a.fault("GET", a.HANDLERS, "status", status=403)
    ),
    "the permission to write is missing, for the first that is sent": Row(forbidden_write(a.HANDLERS)),
    "the permission to write is missing, after something was written": Row(forbidden_write("/csms/events")),
    "the permission to write is missing, said on a page of the server's own": Row(
        a.all_of(without_writes, lambda world: world.server.switch(forbidden_body="html"))
    ),
    "a write is turned away by a firewall's page": Row(forbidden_write(a.HANDLERS, body=PAGE)),
    "a firewall's page in the place of every answer": Row(a.fault("GET", "", "status", status=403, body=PAGE)),
    "the path of the API is wrong": Row(a.elsewhere, is_alone=True),
    "no answer, of the one target": Row(unanswered("command"), is_alone=True),
    "no answer, and another target was compared": Row(unanswered("command")),
    "stdout can't be written (a full disk)": Row(a.as_it_is, is_full=True),
    "another run holds the target": Row(a.held_by_another),
    "what keeps the state takes no writes": Row(unwritable_state),
    "what keeps the state is another store than the settings pin": Row(other_store),
}
CELLS = [
    pytest.param(trouble, command, int(cell), id=f"{cell} {command} {trouble}")
    for trouble, *cells in rows(HEADER)
    for command, cell in zip(COMMANDS, cells, strict=True)
]


class Full(StringIO):
    """A stream into a disk that is full."""

    def write(self, text: str) -> int:
        raise OSError(ENOSPC, "No space left on device")


@pytest.fixture
def world(folder: Path, run: Run) -> Iterator[a.World]:
    (folder / "manifests").mkdir()
    with Simulator(certificates=1) as simulator, a.open_world(simulator, folder, run) as made:
        yield made


def test_each_row_of_the_readme_is_arranged_and_no_other() -> None:
    assert [trouble for trouble, *_ in rows(HEADER)] == list(TROUBLES)


@pytest.mark.parametrize(("trouble", "command", "code"), CELLS)
def test_each_cell_of_the_readme_holds(world: a.World, trouble: str, command: str, code: int) -> None:
    """A trouble is worth what the table says, with every command."""
    row, argv = TROUBLES[trouble], COMMANDS[command]
    row.arrange(world)
    world.declare(*((a.HANDLER,) if row.is_alone else (a.HANDLER, a.EVENT)))
    if row.is_alone and command in {"export", "doctor"}:
        argv = [*argv, *COMMAND_ALONE]
    stdout, stderr = Full() if row.is_full else StringIO(), StringIO()
    assert main(argv, {}, stdout, stderr, StringIO()) == code, stderr.getvalue()
    assert stderr.getvalue().splitlines()[-1].startswith(f"exit {code}: ")
    if not (row.is_full and code == 0):
        assert "in sync:" not in stderr.getvalue() + ("" if row.is_full else stdout.getvalue())
