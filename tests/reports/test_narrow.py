"""Reports at a terminal: whole words, hanging indents, and names that outlive numbers."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.diagnostics import Address, Source
from reconciler.doctor.model import Ability, Check, Health, TargetDiagnosis
from reconciler.model import Action, Bound, Change, Coverage, Outcome, Plan, Risk, Verdict
from reconciler.reports import text
from reconciler.reports.doctor import render_diagnoses
from reconciler.reports.layout import Layout, build_line, render_parts
from reconciler.reports.perspective import View
from reconciler.reports.problems import render_notes, render_problems
from reconciler.reports.reference import render_explanation
from reconciler.reports.step_table import rank_fields
from reconciler.reports.table import build_table
from tests.support.problems import make_problem
from tests.support.report_plans import (
    DENIAL,
    PLAN,
    ROLE,
    TARGETS,
    mask_outcomes,
    mask_plan,
    mask_step,
    named_owner,
    step,
)

NAME = "www.pay.example.com"
WIDE_ROLE = step(
    changes=tuple(
        Change(path, "a", "b", risk, "moves it" if risk is Risk.HIGH else "")
        for path, risk in (
            ("description", Risk.LOW),
            ("emailAddress", Risk.LOW),
            ("permissionSet", Risk.HIGH),
            ("permissions", Risk.HIGH),
            ("claims", Risk.HIGH),
        )
    ),
    object="PKI Operators (id 5)",
)


def split_words(shown: str) -> set[str]:
    """Return what stands between blanks, without the comma at its end."""
    return {word.rstrip(",") for word in shown.split()}


@pytest.mark.parametrize("width", [80, 100, 120])
def test_no_word_of_a_report_is_broken(width: int) -> None:
    """Every word that a narrow report holds stands in the wide one too; nothing but long words crosses the edge."""
    plan = mask_plan(Plan((WIDE_ROLE, named_owner(NAME), DENIAL), Coverage(9, 9), targets=TARGETS))
    outcomes = mask_outcomes([Outcome(one, Verdict.STALE, "it changed since " * 20) for one in plan.steps])
    views = (text.render_plan, text.render_drift, lambda *args: text.render_outcomes(outcomes, *args[1:]))
    for render in views:
        narrow, wide = render(plan, Layout(width)), render(plan, Layout())
        known = split_words(wide) | {"356A192B.."}
        assert split_words(narrow) <= known
        for line in narrow.splitlines():
            assert len(line) <= width or " " not in line.strip()


@pytest.mark.parametrize(
    ("width", "row"),
    [
        (
            0,
            (
                f"~  update  CertificateOwner  payments  {NAME}, expires 2027-01-31  "
                "356A192B7913B04C54574D18C28D46E6395428AB (id 1)  HIGH  owner   owners.yaml:3:1"
            ),
        ),
        (120, f"~  update  CertificateOwner  payments  {NAME}, expires 2027-01-31  356A192B..  HIGH  owner"),
        (90, f"~  update  payments  {NAME}, expires 2027-01-31  356A192B..  HIGH  owner"),
        (76, f"~  update  payments  {NAME}  356A192B..  HIGH  owner"),
    ],
)
def test_the_name_outlives_the_thumbprint(width: int, row: str) -> None:
    """With less room the facts go, then most of the thumbprint, never the name."""
    shown = text.render_plan(mask_plan(Plan((named_owner(NAME),), Coverage(1, 1))), Layout(width))
    assert row in shown.splitlines()


def test_a_name_that_says_all_stands_alone() -> None:
    """Where there is no room for a thumbprint: unless two certificates have the same name."""
    names = ["a." * 15 + "example", "b." * 15 + "example", "b." * 15 + "example"]
    steps = tuple(named_owner(name, number) for number, name in enumerate(names, 1))
    table = text.render_plan(mask_plan(Plan(steps, Coverage(3, 3))), Layout(60)).split("\n\n")[1]
    assert "356A192B" not in table
    assert "DA4B9237.." in table
    assert "77DE68DA.." in table


def test_the_riskiest_fields_come_first_and_each_is_named() -> None:
    """No number stands for a field whose change deserves thought."""
    for width in (0, 80):
        shown = text.render_plan(mask_plan(Plan((WIDE_ROLE,), Coverage(1, 1))), Layout(width))
        table = " ".join(shown.split("\n\n")[1].split())
        assert "HIGH permissionSet, permissions, claims, description, emailAddress" in table


def test_what_a_changed_field_holds_goes_with_it() -> None:
    """A claim's description is named where the claims themselves stay as they are, and else goes without saying."""
    text = Change("claims.ops.description", None, "Operators", Risk.LOW)
    claims = Change("claims", [], ["ops"], Risk.HIGH, "gives a right to 1 claim")

    assert rank_fields(mask_step(changes=(text,))) == ["claims.ops.description"]
    assert rank_fields(mask_step(changes=(text, claims))) == ["claims"]


def test_blocks_give_the_reason_of_a_risk() -> None:
    """In words, and nothing where there is nothing to think about."""
    shown = text.render_plan(mask_plan(Plan((ROLE, step()), Coverage(2, 2))))
    assert shown.count("    risk  ") == 1
    assert "    risk         high: adds a right to 2 claims and takes a right from 2 claims\n" in shown


def test_a_group_names_its_objects() -> None:
    """Equal steps share a block; each of the first is on a line, by name."""
    steps = tuple(named_owner(f"www{at}.example.com", at) for at in range(1, 6))
    block = text.render_plan(mask_plan(Plan(steps, Coverage(5, 5)))).split("\n\n")[2].splitlines()
    assert block[0] == "~ CertificateOwner payments  5 objects alike"
    assert block[1].startswith("    www1.example.com, expires 2027-01-31  356A192B")
    assert block[4] == "    and 2 more, each in the table"


TWO_COMMANDS = {name: Bound("keyfactor", f"https://{name}.example.com/KeyfactorAPI") for name in ("dev", "prod")}
TWIN_STEPS = tuple(step(target=name) for name in TWO_COMMANDS)


@pytest.mark.parametrize("width", [0, 60, 80, 120])
def test_equal_objects_of_two_targets_are_told_apart(width: int) -> None:
    """In the table, in the blocks, and in what became of them."""
    layout, view = Layout(width), View(TWO_COMMANDS)
    outcomes = mask_outcomes([Outcome(one, Verdict.UNKNOWN, "no answer") for one in TWIN_STEPS])
    plan = text.render_plan(mask_plan(Plan(TWIN_STEPS, Coverage(2, 2), targets=TWO_COMMANDS)), layout)
    _, table, *blocks = plan.split("\n\n")
    details = text.render_outcomes(outcomes, layout, view=view).split("\n\n")[2:]
    assert ("target dev" in table and "target prod" in table) or re.search(r"~  update  prod ", table)
    for shown in (blocks, details):
        assert [name for part in shown for name in TWO_COMMANDS if f"target {name}" in part] == ["dev", "prod"]


def test_a_problem_names_its_target_where_there_are_several() -> None:
    """Only then: with one target there is nothing to tell apart."""
    place = Source("roles.yaml", 3, 1)
    problem = make_problem(place, "no such role", address=Address("prod", "SecurityRole", "x"))
    assert render_problems([problem]) == "roles.yaml:3:1: no such role\n"
    assert render_problems([problem], names_targets=True) == "roles.yaml:3:1: target prod: no such role\n"
    assert render_notes([problem], names_targets=True) == "note: roles.yaml:3:1: target prod: no such role\n"


def test_a_remedy_of_doctor_hangs_below_its_check() -> None:
    """At 80 columns the words go on where they began."""
    check = Check("command", "credentials", Health.FAILED, "were refused " * 10, remedy="look at " * 12)
    diagnosis = TargetDiagnosis("command", "keyfactor", "https://x.example", (check,), {"A": Ability.POSSIBLE}, {})
    first, *more = render_diagnoses([diagnosis], Layout(80)).splitlines()[1:-1]
    start = first.index("were refused")
    assert max(map(len, [first, *more])) <= 80
    assert all(line[:start].isspace() for line in more)


@given(st.lists(st.text("ab .", max_size=12), min_size=1, max_size=9), st.integers(4, 30), st.integers(0, 12))
def test_a_line_loses_nothing_where_it_is_broken(words: list[str], width: int, hang: int) -> None:
    """Only blanks change, and a part is too long only where it is one word."""
    line = " ".join(words)
    parts = render_parts([build_line(line, hang=hang)], Layout(width)).splitlines()
    assert " ".join(parts).split() == line.split()
    assert all(len(part) <= width or " " not in part.strip() for part in parts)


@given(st.lists(st.text("ab. ", max_size=20), min_size=1, max_size=4), st.integers(20, 60))
def test_a_table_keeps_to_its_width_and_loses_nothing(cells: list[str], width: int) -> None:
    """However little room there is."""
    rows = [{f"h{number}": (cell, "") for number, cell in enumerate(cells)}]
    shown = render_parts(build_table(rows, Layout(width)), Layout(width))
    assert max(map(len, shown.splitlines())) <= width
    assert sorted("".join(cells).replace(" ", "")) == sorted(re.sub(r"h\d|\s", "", shown))


def test_a_refused_step_is_marked_in_table_and_block() -> None:
    """What is not sent can't be taken for what is."""
    refused = step(action=Action.UPDATE, refusal="the role is immutable")
    shown = text.render_plan(mask_plan(Plan((refused, *PLAN.steps), Coverage(9, 9))))
    assert "\nx SecurityRole PKI Operators" in shown


def test_a_line_of_a_manifest_is_cut_and_not_broken() -> None:
    """The caret would point at nothing."""
    place = Source("a.yaml", 4, 70)
    shown = render_problems([make_problem(place, "what")], Layout(60), {place: "x " * 100})
    _, line, caret = shown.splitlines()
    assert max(len(line), len(caret)) <= 60
    assert line[caret.index("^")] == " "


def test_an_example_is_never_broken() -> None:
    """It is there to be copied."""
    example = "spec: {" + "a: b, " * 30 + "}"
    assert example in render_explanation({"path": "x", "description": "y", "example": example}, Layout(60))
