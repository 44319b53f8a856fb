"""A run as plain values while it goes on: what is a part of what, what is kept, and what is only counted."""

from __future__ import annotations

from itertools import count
from threading import Barrier

import pytest

from reconciler.apis.context_pool import ContextPool
from reconciler.telemetry import recording
from reconciler.telemetry.recording import RunRecording


def record() -> RunRecording:
    return RunRecording(clock=count(1).__next__)


def test_phases_lie_in_each_other_and_steps_in_the_phase_that_is_open() -> None:
    """With what was known at the end, and the requests that were answered meanwhile."""
    run = record()
    with run.observe_phase("load", {}) as facts:
        facts["documents"] = 3
    with run.observe_phase("apply", {"steps": 2}):
        first, second = run.mark_time(), run.mark_time()
        run.count_request("command", str, None)
        run.note_step(second, {"verdict": "applied"})
        run.note_step(first, {"verdict": "unknown"})
    load, apply, second_step, first_step = run.list_spans()
    assert load == ("load", 1, 2, {"documents": 3, "requests": 0}, None, False)
    assert (apply.began, apply.ended, apply.parent, apply.facts["requests"]) == (3, 8, None, 1)
    assert [(step.began, step.ended, step.parent, step.is_failure) for step in (second_step, first_step)] == [
        (5, 6, 1, False),
        (4, 7, 1, True),
    ]


def test_requests_of_other_threads_belong_to_what_asked_for_them() -> None:
    """Also where lists are read at once, and each of them page by page in threads of its own."""
    run = record()
    both_begun = Barrier(2)

    def read(kind: str, pages: int) -> None:
        with run.observe_phase("read", {"kind": kind}):
            both_begun.wait()
            list(pool.map(run.count_request, range(pages)))

    with ContextPool(4) as pool, run.observe_phase("observe", {}):
        for future in [pool.submit(read, "a", 3), pool.submit(read, "b", 1)]:
            future.result()
    observe, *reads = run.list_spans()
    assert {span.facts["kind"]: (span.facts["requests"], span.parent) for span in reads} == {"a": (3, 0), "b": (1, 0)}
    assert (observe.facts["requests"], run.requests) == (4, 4)


def test_what_breaks_off_is_a_failure_and_what_has_not_ended_ends_now() -> None:
    """Whatever ends a phase, it is told and goes on its way."""
    run = record()
    with pytest.raises(KeyboardInterrupt), run.observe_phase("read", {}):
        raise KeyboardInterrupt
    run.observe_phase("apply", {}).__enter__()
    read, apply = run.list_spans()
    assert (read.is_failure, read.ended) == (True, 2)
    assert (apply.is_failure, apply.ended) == (True, 4)


def test_of_very_many_steps_those_are_kept_that_did_not_end_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are counted."""
    monkeypatch.setattr(recording, "MOST_STEPS", 3)
    run = record()
    for verdict in ("applied", "unchanged", "applied", "applied", "unchanged", "not_applied"):
        run.note_step(0, {"verdict": verdict})
    kept = [span.facts["verdict"] for span in run.list_spans()]
    assert (kept, run.left_out) == (["applied", "unchanged", "applied", "not_applied"], 2)


def test_names_can_be_encoded_and_shown() -> None:
    """A lone surrogate is no UTF-8, an escape steers a terminal, and a name may be of any length."""
    run = record()
    run.note_step(0, {"name": "\ud800\x1b[31m" + "x" * 999, "weight": 7})
    (step,) = run.list_spans()
    name = str(step.facts["name"])
    assert name.startswith("\\ud800\\x1b[31mx")
    assert (len(name) < 250, step.facts["weight"]) == (True, 7)
