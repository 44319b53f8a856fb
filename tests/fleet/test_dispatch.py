"""Handing out tasks: one a slot, and each that is lost judged by itself."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import Future

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import Exit
from reconciler.fleet.dispatch import Dispatch, LostTask, run_tasks
from reconciler.fleet.task import FleetTask
from reconciler.fleet.task_process import TaskLost


def make_task(target: str) -> FleetTask:
    return FleetTask("run", "drift", target, "1", "s", "m")


class ScriptedEngine:
    """Ends each task at once, as its target's script has it: "ok", or how often it is lost before that."""

    def __init__(self, losses: dict[str, int], slots: dict[str, int]) -> None:
        self.losses, self.slots = losses, slots
        self.zone_of: dict[str, str] = {}
        self.under_way: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.begun: list[FleetTask] = []
        self.is_stopped = False

    def count_slots(self, zone: str) -> int:
        return self.slots.get(zone, 0)

    def submit(self, task: FleetTask, zone: str) -> Future[bytes]:
        assert zone == self.zone_of[task.target]
        self.begun.append(task)
        self.under_way[zone] += 1
        self.most[zone] = max(self.most[zone], self.under_way[zone])
        future: Future[bytes] = Future()

        def end() -> None:
            self.under_way[zone] -= 1
            if task.attempt <= self.losses.get(task.target, 0):
                future.set_exception(TaskLost("gone"))
            else:
                future.set_result(task.target.encode())

        threading.Timer(0.001, end).start()
        return future

    def stop(self) -> None:
        self.is_stopped = True

    def close(self) -> None:
        raise AssertionError("whoever opens an engine closes it")


def repeat_twice(task: FleetTask, error: BaseException) -> FleetTask | LostTask:
    assert isinstance(error, TaskLost)
    if task.attempt < 3:
        return task.retry()
    return LostTask(Diagnostic("fleet.task-lost", Source(task.target), "gone"), Exit.INCOMPLETE)


@settings(max_examples=30)
@given(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 4), min_size=1), st.integers(1, 3))
def test_each_target_ends_once_and_no_slot_has_two(losses: dict[str, int], slots: int) -> None:
    zones = {target: "dmz" if target in "abc" else "" for target in losses}
    engine = ScriptedEngine(losses, {"": slots, "dmz": 1})
    engine.zone_of = zones
    told: list[str] = []
    ends = run_tasks(
        [make_task(target) for target in losses], Dispatch(engine, zones, repeat_twice, on_end=told.append)
    )
    assert sorted(told) == sorted(ends) == sorted(losses)
    assert {target for target, end in ends.items() if isinstance(end, bytes)} == {t for t, n in losses.items() if n < 3}
    assert engine.most[""] <= slots
    assert engine.most["dmz"] <= 1
    assert Counter(task.target for task in engine.begun) == {t: min(n, 2) + 1 for t, n in losses.items()}


def test_a_zone_without_workers_is_an_error_and_no_wait() -> None:
    engine = ScriptedEngine({}, {"": 1})
    engine.zone_of = zones = {"a": "", "b": "dmz"}
    ends = run_tasks([make_task("a"), make_task("b")], Dispatch(engine, zones, repeat_twice))
    assert ends["a"] == b"a"
    assert isinstance(ends["b"], LostTask)
    assert ends["b"].problem.summary == "no worker offers the zone dmz"


def test_a_zone_whose_workers_went_is_given_time_and_then_up() -> None:
    """Whatever looks after a worker starts another one; but a run doesn't wait for ever."""
    moments = iter(range(0, 10_000, 20))

    class Deserted(ScriptedEngine):
        def count_slots(self, zone: str) -> int:
            return 0 if self.begun else 1

    engine = Deserted({"a": 9}, {})
    engine.zone_of = zones = {"a": ""}
    ends = run_tasks([make_task("a")], Dispatch(engine, zones, repeat_twice, clock=lambda: float(next(moments))))
    assert isinstance(ends["a"], LostTask)
    assert ends["a"].problem.rule == "fleet.no-worker"
    assert len(engine.begun) == 1


def test_who_asks_to_stop_is_told_what_was_not_begun() -> None:
    engine = ScriptedEngine({}, {"": 1})
    engine.zone_of = zones = dict.fromkeys("abc", "")
    ends = run_tasks(
        [make_task(target) for target in "abc"],
        Dispatch(engine, zones, repeat_twice, is_stopped=lambda: bool(engine.begun)),
    )
    assert engine.is_stopped
    assert ends["a"] == b"a"
    assert {target: end.problem.rule for target, end in ends.items() if isinstance(end, LostTask)} == {
        "b": "fleet.not-begun",
        "c": "fleet.not-begun",
    }


def test_what_is_lost_after_a_stop_is_not_begun_again() -> None:
    """As tasks are that wait for a process of an engine which begins none any more."""

    class Stopping(ScriptedEngine):
        def submit(self, task: FleetTask, zone: str) -> Future[bytes]:
            self.begun.append(task)
            self.future: Future[bytes] = Future()
            return self.future

        def stop(self) -> None:
            self.future.set_exception(TaskLost("it was not begun"))

    engine = Stopping({}, {"": 1})
    stop = Dispatch(engine, {"a": ""}, repeat_twice, is_stopped=lambda: len(engine.begun) == 1)
    end = run_tasks([make_task("a")], stop)["a"]
    assert isinstance(end, LostTask)
    assert (end.problem.rule, end.cause) == ("fleet.not-begun", Exit.INTERRUPTED)
    assert len(engine.begun) == 1


def test_an_interrupt_stops_what_is_under_way_and_is_raised() -> None:
    engine = ScriptedEngine({}, {"": 1})
    engine.zone_of = zones = dict.fromkeys("ab", "")

    def interrupt(_target: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_tasks([make_task(target) for target in "ab"], Dispatch(engine, zones, repeat_twice, on_end=interrupt))
    assert engine.is_stopped
    assert [task.target for task in engine.begun] == ["a"]
    assert not any(thread.name.startswith("fleet") for thread in threading.enumerate())
