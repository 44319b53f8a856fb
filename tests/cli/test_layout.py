"""Colour, width and progress: decided by the reader's side, never by what is shown."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest

from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.progress import HEARTBEAT_SECONDS, Progress
from reconciler.reports.layout import Layout
from tests.cli.conftest import Run, Terminal

# what the stream is, environment, --no-color -> colour
COLOR = [
    (Terminal, {}, False, True),
    (Terminal, {"NO_COLOR": "1"}, False, False),
    (Terminal, {"NO_COLOR": ""}, False, True),
    (Terminal, {"TERM": "dumb"}, False, False),
    (Terminal, {}, True, False),
    (Terminal, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
    (Terminal, {"FORCE_COLOR": "1"}, True, False),
    (StringIO, {}, False, False),
    (StringIO, {"FORCE_COLOR": "1"}, False, True),
    (StringIO, {"CLICOLOR_FORCE": "1"}, False, True),
    (StringIO, {"FORCE_COLOR": "0"}, False, False),
]


def session(stream: StringIO, env: dict[str, str] | None = None, *, plain: bool = False) -> Session:
    """Return a session whose streams are all the same."""
    return Session(stream, stream, stream, 0.0, env or {}, plain=plain)


@pytest.mark.parametrize(("stream", "env", "plain", "color"), COLOR)
def test_colour(stream: type[StringIO], env: dict[str, str], plain: bool, color: bool) -> None:
    """The flag outranks NO_COLOR, which outranks FORCE_COLOR, which outranks the stream."""
    one = stream()
    assert session(one, env, plain=plain).choose_layout(one).color is color


@pytest.mark.parametrize(
    ("stream", "env", "width"),
    [
        (Terminal, {"COLUMNS": "100"}, 100),
        (Terminal, {"COLUMNS": "no"}, 0),
        (Terminal, {}, 0),
        (StringIO, {"COLUMNS": "100"}, 0),
    ],
)
def test_only_a_terminal_has_a_width(stream: type[StringIO], env: dict[str, str], width: int) -> None:
    """A pipe is never wrapped, whatever COLUMNS says."""
    one = stream()
    assert session(one, env).choose_layout(one).width == width


def test_a_command_uses_what_was_decided(run: Run) -> None:
    """The same words, coloured or not."""
    plain, colored = run(["kinds"])[1], run(["kinds"], {"COLUMNS": "200"}, terminal=True)[1]
    assert "\x1b[1m" in colored
    assert "\x1b" not in plain
    assert "\x1b" not in run(["kinds", "--no-color"], terminal=True)[1]
    assert Layout() == Layout(0, color=False)


BROKEN = """\
apiVersion: reconciler/v1
kind: SecurityRole
metadata: {name: PKI Operators}
spec: {descripton: x}
"""


def test_a_terminal_gets_the_line_and_a_caret(run: Run, folder: Path) -> None:
    """A log gets the position alone."""
    (folder / "a.yaml").write_text(BROKEN)
    lines = run(["validate", "a.yaml", "--no-color"], {"COLUMNS": "200"}, terminal=True)[1].splitlines()
    assert lines[0].startswith("a.yaml:4:8: ")
    assert lines[1:3] == ["  4 | spec: {descripton: x}", "    |        ^"]
    assert len(run(["validate", "a.yaml"])[1].splitlines()) == len(lines) - 2


def test_a_line_of_the_settings_is_never_shown(run: Run, folder: Path) -> None:
    """It may hold a secret that should not be there."""
    (folder / "reconciler.yaml").write_text(
        "apiVersion: reconciler/v1\nkind: Settings\ntargets:\n  command: {api: keyfactor, url: 'https://a.example', "
        "auth: {type: bearer, token: hunter2}}\n"
    )
    code, stdout, stderr = run(["validate"], {"COLUMNS": "200"}, terminal=True)
    assert code == 3
    assert "reconciler.yaml:4:" in stderr
    assert "hunter2" not in stdout + stderr


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_nothing_is_told_while_nothing_is_slow() -> None:
    """Quiet for a second, then a line, then one each quarter of a minute; whatever is finished is told at once."""
    stream, clock = StringIO(), Clock()
    with Progress(session(stream), clock=clock) as progress:
        progress.tell("a")
        clock.now = 2.0
        progress.tell("b")
        progress.tell("c")
        clock.now += HEARTBEAT_SECONDS
        progress.tell("d\x1b[2J")
        progress.done("::e")
    assert stream.getvalue() == "b\nd\\x1b[2J\n\\x3a:e\n"


@pytest.mark.parametrize(("env", "redrawn"), [({}, True), ({"CI": "true"}, False), ({"TERM": "dumb"}, False)])
def test_only_a_terminal_is_drawn_over(env: dict[str, str], redrawn: bool) -> None:
    """In a CI log and on a dumb terminal progress is lines."""
    stream = Terminal()
    with Progress(session(stream, env), patience=-1) as progress:
        progress.done("reading command")
    assert ("\x1b[" in stream.getvalue()) is redrawn
    assert (stream.getvalue() == "reading command\n") is not redrawn
