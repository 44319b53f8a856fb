"""What a history says of a run of which little is known, and of what people and later runs said of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.engine.run_history import PastRun, RecordedStep
from reconciler.errors import Exit
from reconciler.reports.history import encode_runs, render_run, render_runs
from reconciler.reports.layout import PLAIN_LAYOUT
from reconciler.state.records import Intent, IntentKind, IntentResult, RunHolder, RunRecord, SettledAs, SettledBy

RUN, LATER = "20261128T223234-de0d514e", "20261129T080000-00000001"
RECORD = RunRecord(
    RUN, "0" * 16, "apply", "1.0", RunHolder("ci-7", actor="ada"), "3f2a91c0aa77", "sha256:9d01c2d4aab0ffff",
    "2026-11-28T22:32:34.000Z", "2026-11-28T22:32:38.500Z")  # fmt: skip
ENDED = PastRun(RECORD, ("command",), Exit.PARTIAL, {"applied": 2, "not_applied": 1})
DENIAL = Intent(RUN, 0, "RequestDenial/d", "POST", "/Deny", "", "", IntentKind.IRREVERSIBLE, ("deny/1", "deny/2"))
AT = "2026-11-29 08:00:01"
HOLDERS = {LATER: RunHolder("", actor="", job="https://ci.example.com/8"), RUN: RECORD.holder}


def make_result(act: str, outcome: SettledAs, via: SettledBy, run: str = RUN, detail: str = "") -> IntentResult:
    return IntentResult(RUN, 0, outcome, via, run, detail, act, at="2026-11-29T08:00:01.000Z", id=act or "whole")


STEP = RecordedStep("command", DENIAL, "2026-11-28T22:32:35.000Z", (), None)
LISTS = {
    "it ended": (ENDED, [
        f"{RUN}  apply  partial  2 applied, 1 not applied",
        "    2026-11-28 22:32:34 UTC (4.5 s), target command",
        "    ada on ci-7; commit 3f2a91c0aa; plan 9d01c2d4aab0"]),
    "it goes on": (
        replace(ENDED, exit=None, counts={}, is_under_way=True, record=replace(RECORD, ended="", commit="", plan="")),
        [f"{RUN}  apply  running", "    2026-11-28 22:32:34 UTC, target command", "    ada on ci-7"]),
    "it was killed": (
        replace(ENDED, exit=None, counts={}, targets=("a", "b"),
                record=replace(RECORD, ended="", holder=RunHolder(""))),
        [f"{RUN}  apply  unfinished", "    2026-11-28 22:32:34 UTC, targets a, b",
         "    nobody knows who; commit 3f2a91c0aa; plan 9d01c2d4aab0"]),
    "there was nothing to send": (
        replace(ENDED, exit=Exit.OK, counts={}, record=replace(RECORD, ended="somewhen")),
        [f"{RUN}  apply  ok  nothing to send", "    2026-11-28 22:32:34 UTC, target command",
         "    ada on ci-7; commit 3f2a91c0aa; plan 9d01c2d4aab0"]),
    "somebody wrote what steers a terminal": (
        replace(ENDED, record=replace(RECORD, holder=RunHolder("::error::x\x1b[2J"), commit="", plan="")),
        [f"{RUN}  apply  partial  2 applied, 1 not applied", "    2026-11-28 22:32:34 UTC (4.5 s), target command",
         "    \\x3a:error::x\\x1b[2J"]),
}  # fmt: skip


@pytest.mark.parametrize(("run", "lines"), LISTS.values(), ids=LISTS)
def test_a_run_in_the_list(run: PastRun, lines: list[str]) -> None:
    assert render_runs([run], PLAIN_LAYOUT).splitlines() == lines


STEPS = {
    "nothing is known but that it was about to be sent": (STEP, "UNKNOWN", [
        "    what it changed is not in this store, and if it was kept, then on the machine that ran it",
        "    POST /Deny; intended 2026-11-28 22:32:35",
        "    no result was recorded: see `reconciler recover`"]),
    "two acts ended differently, a person saw one": (
        replace(STEP, results=(
            make_result("deny/1", SettledAs.APPLIED, SettledBy.ANSWER),
            make_result("deny/2", SettledAs.UNKNOWN, SettledBy.LATER_RUN, LATER, "it is gone"),
            make_result("deny/2", SettledAs.NOT_APPLIED, SettledBy.PERSON, "20261130T000000-ffffffff"))),
        "NOT APPLIED", [
        "    what it changed is not in this store, and if it was kept, then on the machine that ran it",
        "    POST /Deny; intended 2026-11-28 22:32:35",
        "    deny/1 applied 2026-11-29 08:00:01, by the run itself",
        f"    deny/2 unknown {AT}, settled by reading, in run {LATER} (https://ci.example.com/8): it is gone",
        "    deny/2 not applied 2026-11-29 08:00:01, settled by a person, in run 20261130T000000-ffffffff"]),
}  # fmt: skip


@pytest.mark.parametrize(("step", "verdict", "lines"), STEPS.values(), ids=STEPS)
def test_a_step_of_which_no_body_was_kept(step: RecordedStep, verdict: str, lines: list[str]) -> None:
    report = render_run(replace(ENDED, steps=(step,)), PLAIN_LAYOUT, HOLDERS).splitlines()
    assert report[4:] == [f"1  ! RequestDenial d  {verdict}  not kept", *lines]
    (members,) = encode_runs([replace(ENDED, steps=(step,))], HOLDERS)
    (encoded,) = members["steps"]
    assert (encoded["kept"], encoded["source"], encoded["risk"], encoded["action"]) == (False, "", None, "deny")
