"""The first words of every report: how a run ended, never better than it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from reconciler.diagnostics import Source
from reconciler.errors import Exit
from reconciler.reports.run_report import RunReport
from reconciler.reports.run_verdict import describe_verdict, summarize_run
from tests.support.problems import make_problem
from tests.support.report_plans import EMPTY, mask_plan

PART = mask_plan(replace(EMPTY, selection="--only SecurityRole"))
FAULTS = tuple(
    make_problem(Source(file, line, 1), "wrong") for file, line in (("a.yaml", 1), ("a.yaml", 2), ("b.yaml", 1))
)
WORDS: Mapping[str, tuple[RunReport, str, str]] = {
    "all compared": (RunReport("drift", Exit.OK, mask_plan(EMPTY)), "in sync", ""),
    "a part is never called in sync": (RunReport("drift", Exit.OK, PART), "no difference in a partial run", ""),
    "faults in manifests": (RunReport("validate", Exit.INVALID, problems=FAULTS), "invalid", "3 problems in 2 files"),
}


@pytest.mark.parametrize("row", WORDS)
def test_a_run_is_called_what_it_came_to(row: str) -> None:
    report, word, summary = WORDS[row]
    assert describe_verdict(report).word == word
    assert not summary or summarize_run(report) == summary


def test_the_plan_is_named_by_its_digest_whichever_command_tells_of_it() -> None:
    planned, applied = {"digest": "abc"}, {"saved_plan": {"digest": "abc"}}
    assert {RunReport("plan", Exit.OK, members=members).plan_digest for members in (planned, applied)} == {"abc"}
    assert RunReport("drift", Exit.OK).plan_digest == ""
