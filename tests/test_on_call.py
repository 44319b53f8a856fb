"""The page for on-call is typed as it stands, each section after a run on the simulator that ended with its code."""

from __future__ import annotations

import io
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from reconciler.cli import main
from reconciler.engine.timing import Timing
from reconciler.errors import Exit
from reconciler.simulator import Simulator
from tests.support import disturbances as a
from tests.support.rival_runs import RIVAL, leave_open

PAGE = (Path(__file__).parents[1] / "docs" / "on-call.md").read_text("utf-8")
SECTIONS = {
    int(code): (name, [shlex.split(line, comments=True) for line in re.findall(r"^    (\S.*)$", text, re.MULTILINE)])
    for code, name, text in re.findall(r"^## (\d+): (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
}
DENIAL = (
    "kind: RequestDenial\nmetadata: {name: no-test}\nspec: {requests: [{id: 23, commonName: test.example.com}], "
    "comment: Test names}\n"
)


def denial_left_open(world: a.World) -> None:
    """A run was killed while it may have denied a request."""
    world.declare(DENIAL)
    leave_open(world.folder)


class Night(NamedTuple):
    """What has happened, what was typed then ("" where the outcome tables have it), and the section's codes."""

    arrange: a.Arrange
    typed: str
    codes: list[int]


NIGHTS = {
    # A bug leaves what a run leaves that was killed.
    1: Night(a.left_open, "", [0, 0, 0]),
    2: Night(a.as_it_is, "drift", [2, 0, 0, 0, 0]),
    3: Night(a.settings("limit: 3"), "plan", [3, 0]),
    4: Night(a.declared(a.HANDLER, a.HANDLER), "plan", [4]),
    5: Night(a.stranger, "plan", [5]),
    6: Night(a.settings("protected: ['SecurityRole/Aud*']"), "apply --yes", [6]),
    7: Night(a.saved(a.renamed), "apply plan.json", [0, 0, 0]),
    8: Night(a.saved(a.held_by_another), "apply plan.json", [8, 0]),
    9: Night(a.fault("PUT", a.HANDLERS, "status", status=400), "apply --yes", [0, 0]),
    10: Night(a.fault("GET", a.HANDLERS, "status", status=403), "drift", [5, 10]),
    11: Night(denial_left_open, "recover", [11, 0, 0]),
    12: Night(a.gone, "", [12]),
    130: Night(a.interrupted("PUT"), "apply --yes", [0, 0, 0]),
}


def run(argv: Sequence[str]) -> tuple[int, str, str]:
    """Run a command, for which no time passes where it waits."""
    stdout, stderr = io.StringIO(), io.StringIO()
    code = main(argv, {}, stdout, stderr, io.StringIO(), timing=Timing(sleep=lambda _seconds: None))
    return code, stdout.getvalue(), stderr.getvalue()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[a.World]:
    """The current folder, with a server whose objects are not as declared."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "manifests").mkdir()
    with Simulator(certificates=12) as simulator, a.open_world(simulator, tmp_path, run) as made:
        yield made


def test_the_page_has_a_section_for_every_code_but_0() -> None:
    """By its name; and the table at its head names each once."""
    assert {code: name for code, (name, _) in SECTIONS.items()} == {int(code): code.word for code in Exit if code}
    table = [int(code) for row in re.findall(r"^\| ([\d, ]+) \|", PAGE, re.MULTILINE) for code in row.split(", ")]
    assert sorted(table) == sorted(SECTIONS) == sorted(NIGHTS)


@pytest.mark.parametrize("due", NIGHTS)
def test_a_section_is_typed(due: int, world: a.World) -> None:
    """The run ends with the section's code, and each line with the one that is due; only what says so writes."""
    night, (_, lines) = NIGHTS[due], SECTIONS[due]
    night.arrange(world)
    if night.typed:
        assert world.run(night.typed.split())[0] == due
    before, ended, output = world.sent(), list[int](), ""
    for words in lines:
        step = re.search(r"--settle (\S+)", output)
        known = {"RUN": RIVAL, "STEP": step[1] if step else "", "5m": "0s"}
        argv = [known.get(word, word) for word in words[1:]]
        code, output, _ = world.run(argv)
        ended.append(code)
        assert world.sent() == before or argv[0] == "apply", words
        before = world.sent()
    assert ended == night.codes
