"""The first thing that anyone sees: the whole story, really run."""

from __future__ import annotations

import re

from tests.cli.conftest import Run


def test_the_demo_tells_the_whole_story(run: Run) -> None:
    """Plan, apply, nothing left, drift by hand, repair; and the server did what the plans showed, no more, no less."""
    code, stdout, stderr = run(["demo"])

    assert (code, stderr) == (0, "exit 0: ok\n"), stdout
    assert re.findall(r"^exit .*", stdout, re.MULTILINE) == [
        "exit 0: ok",  # validate
        "exit 0: ok",  # plan
        "exit 0: ok",  # apply
        "exit 0: ok",  # plan again
        "exit 2: changes",  # drift
        "exit 2: changes",  # drift as JSON
        "exit 0: ok",  # repair
        "exit 0: ok",  # drift
    ]
    assert "In sync: compared 9 of 9, nothing to do." in stdout
    assert '- "/security/modify/"' in stdout
    assert "11 requests performed; plan.json and drift.json showed 11 beforehand, the very same." in stdout


def test_the_demo_is_drawn_on_a_terminal(run: Run) -> None:
    """With colour the headings need no rules below them."""
    _, stdout, _ = run(["demo"], terminal=True)

    assert "\x1b[1;36m1. What should be\x1b[0m" in stdout
    assert "====" not in stdout
