"""Foreign text in every place of every report: it is drawn, and does nothing."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.diagnostics import Source
from reconciler.errors import Exit
from reconciler.model import Action, Bound, Change, Coverage, Gap, Outcome, Plan, Risk, Verdict
from reconciler.reports import text
from reconciler.reports.layout import Layout, escape_ci_commands, sanitize_message
from reconciler.reports.posture import render_posture
from reconciler.reports.problems import render_notes, render_problems, render_validation
from tests.support.html_samples import make_posture_report
from tests.support.problems import make_problem
from tests.support.report_plans import TARGETS, mask_outcomes, mask_plan, step

# What it goes through is counted by other tests, and counting takes half as long again.
pytestmark = pytest.mark.no_cover

CORPUS = [
    "\x1b[2J\x1b[31mred",
    "\x1b]0;title\x07",
    "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "\x1b]52;c;cm0gLXJm\x07",
    "\x9b31m",
    "\rIn sync: compared 3 of 3, nothing to do.",
    "a\nexit 0: ok",
    "\u2028\u2029\x85\x0b\x0c",
    "\u202eeorelur\u202c",
    "\u2066\u2067\u2068\u2069\u200e\u200f",
    "ze\u200bro\u200d\ufeff",
    "\U000e0041\U000e0042",
    "\ud800 half",
    "\x00\x07\x08\x7f",
    "::add-mask::secret",
    "  ::error file=a::b",
    "x\n::set-output name=a::b",
    "##vso[task.setvariable variable=a]b",
    "##[add-mask]x",
    "##teamcity[buildStatus]",
    "section_start:1:a\r\x1b[0K",
    "[bold red]markup[/] :smile: [link=https://evil.example]x[/link]",
    "x" * 10_000,
    "",
]
_OURS = re.compile(r"\x1b\[[0-9;]*m")
_COMMAND = re.compile(r"^\s*(::|section_(start|end):)|##\w*\[", re.MULTILINE)


def reports(word: str, look: Layout) -> list[str]:
    """Return every report with the word in every place that holds foreign text."""
    place = Source(word, 3, 2)
    changes = (
        Change(word, word, word + "x", Risk.HIGH),
        Change("set", [word], [{word: word}], Risk.LOW),
        Change("new", None, word, Risk.LOW),
    )
    steps = (
        step(word, word, Action.UPDATE, changes, object=word, source=place, path=word, query=((word, word),)),
        step(word, word, Action.CREATE, changes, object=word, source=place, refusal=word or "no"),
    )
    problem = make_problem(place, word)
    targets = {word: Bound("keyfactor", word, word), **TARGETS}
    plan = Plan(steps, Coverage(2, 2), (problem,), (Gap(problem, Exit.AUTH),), (problem,), word, targets)
    posture = make_posture_report(word, word)
    outcomes = [Outcome(one, Verdict.UNKNOWN, word, (Verdict.UNKNOWN, Verdict.APPLIED, Verdict.STALE)) for one in steps]
    return [
        text.render_plan(mask_plan(plan), look),
        text.render_drift(mask_plan(plan), look),
        text.render_outcomes(mask_outcomes(outcomes), look),
        sanitize_message(f"{word}\n{word}"),
        render_problems([problem], look, {place: word}),
        render_validation([problem], 0, 0, look, {place: word}),
        render_notes([problem], look),
        render_posture(posture.posture, posture.plan, look) if posture.posture else "",
    ]


def harmless(shown: str) -> bool:
    """Only printable characters, line ends and our own colours; no line that a CI system would run."""
    bare = _OURS.sub("", shown)
    return all(line.isprintable() for line in bare.split("\n")) and not _COMMAND.search(bare)


@pytest.mark.parametrize("word", CORPUS, ids=range(len(CORPUS)))
@pytest.mark.parametrize("look", [Layout(), Layout(100, color=True)], ids=["pipe", "terminal"])
def test_foreign_text_does_nothing(word: str, look: Layout) -> None:
    """No escape, no line break, no bidirectional control, no CI command comes out of any report."""
    for shown in reports(word, look):
        assert harmless(shown), shown


def test_colour_is_not_foreign() -> None:
    """The judge itself: an escape that is not ours, or a command, is found."""
    assert harmless("\x1b[1;31mred\x1b[0m ok\n")
    assert not any(harmless(word) for word in ("\x1b[2J", "a\rb", " ::x::", "a ##[b]", "\u202e", "section_end:1"))


@given(st.text(alphabet="#:[s \n\tvection_stard", max_size=30))
def test_no_mixture_makes_a_command(word: str) -> None:
    """However the pieces fall, the sink breaks them, and twice is like once."""
    assert not _COMMAND.search(escape_ci_commands(word))
    assert escape_ci_commands(escape_ci_commands(word)) == escape_ci_commands(word)


def test_ordinary_text_passes_as_it_is() -> None:
    """Names of every script and backslashes of domains are not foreign to a terminal."""
    for word in ("Zertifikate für PKI", "证书 管理员", "CORP\\svc", "a::b", "# 1 [x]"):
        assert word in text.render_plan(mask_plan(Plan((step(name=word),), Coverage(1, 1))))


@pytest.fixture
def at_place() -> Callable[[str, int], str]:
    """Draw one problem with its line."""

    def draw(line: str, column: int) -> str:
        place = Source("roles.yaml", 12, column)
        return render_problems([make_problem(place, "what; why; do")], Layout(100), {place: line})

    return draw


@pytest.mark.parametrize(
    ("line", "column", "below"),
    [
        ("  typ: User", 3, "  ^"),
        ("\ttyp: User", 2, "  ^"),
        ("证书: x", 5, "      ^"),
        ("ab", 99, "  ^"),
        ("x" * 300 + "!", 301, " " * 40 + "^"),
    ],
)
def test_the_caret_stands_below_its_character(
    at_place: Callable[[str, int], str], line: str, column: int, below: str
) -> None:
    """However wide the characters before it are, and however long the line is."""
    first, shown, caret = at_place(line, column).splitlines()
    assert first == f"roles.yaml:12:{column}: what; why; do"
    assert shown.startswith("  12 | ")
    assert caret == f"     | {below}"
