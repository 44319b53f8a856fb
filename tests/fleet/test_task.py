"""Tasks and parts of a fleet as values."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import UsageError
from reconciler.fleet.shards import parse_shard
from reconciler.fleet.task import FleetTask, TaskAnswer, decode_answer, decode_task

_TEXTS = st.text(max_size=20)
_LISTS = st.lists(_TEXTS, max_size=4).map(tuple)
_TASKS = st.builds(
    FleetTask,
    fleet=_TEXTS,
    command=st.sampled_from(["plan", "drift", "apply"]),
    target=_TEXTS,
    tool=_TEXTS,
    settings=_TEXTS,
    manifests=_TEXTS,
    commit=_TEXTS,
    paths=_LISTS,
    config=st.none() | _TEXTS,
    environment=st.none() | _TEXTS,
    selection=_TEXTS,
    base=st.none() | _TEXTS,
    words=_LISTS,
    plan=st.binary(max_size=40),
    attempt=st.integers(1, 9),
)


@given(_TASKS)
def test_a_task_comes_back_from_its_bytes(task: FleetTask) -> None:
    assert decode_task(task.encode()) == task


@given(st.integers(0, 130), st.text(max_size=30), st.binary(max_size=30))
def test_an_answer_comes_back_from_its_bytes(code: int, report: str, plan: bytes) -> None:
    answer = TaskAnswer(code, report.encode("utf-8", "replace"), plan)
    assert decode_answer(answer.encode()) == answer


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b'{"format": 2}', b"\xff", b"[" * 100_000, TaskAnswer(0, b"").encode()]
)
def test_what_is_no_task_is_told_as_such(data: bytes) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        decode_task(data)


def test_a_task_holds_names_digests_words_and_a_plan() -> None:
    """No member could hold a secret or a URL: whoever adds one decides it here."""
    names = {field.name for field in fields(FleetTask)}
    assert names == {
        *("fleet", "command", "target", "attempt", "tool", "settings", "manifests", "commit"),
        *("paths", "config", "environment", "selection", "base", "words", "plan"),
    }


@given(st.integers(1, 12), st.sets(st.text("abcdef", min_size=1, max_size=4), max_size=30))
def test_parts_are_the_whole_whichever_end_is_counted_from(parts: int, names: set[str]) -> None:
    """Kubernetes counts from 0 and GitLab from 1: either way each target has one job."""
    targets = sorted(names)
    for first in (0, 1):
        shards = [parse_shard(f"{number}/{parts}") for number in range(first, first + parts)]
        assert sorted(target for shard in shards for target in shard.pick(targets)) == targets
    assert parse_shard(f"0/{parts}") == parse_shard(f"{parts}/{parts}")


@pytest.mark.parametrize("text", ["", "1", "4/3", "1/0", "0/0", "-1/3", "a/3", "1/3/5", "1/ 3", "\u0661/3", "1/100000"])
def test_what_is_no_part_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="write I/N"):
        parse_shard(text)
