"""Exit codes: which one is told where several hold, and what an error carries."""

from __future__ import annotations

from itertools import chain, combinations

import pytest

from reconciler import errors
from reconciler.diagnostics import Source
from reconciler.errors import EXIT_MEANINGS, Exit, ReconcilerError, find_worst_exit
from tests.support.problems import make_problem

E = Exit
WORST = [
    ([], E.OK),
    ([E.OK], E.OK),
    ([E.OK, E.CHANGES], E.CHANGES),
    ([E.CHANGES, E.INTERNAL], E.INTERNAL),
    ([E.CHANGES, E.USAGE], E.USAGE),
    ([E.CHANGES, E.INTERRUPTED], E.INTERRUPTED),
    ([E.INVALID, E.AUTH, E.REFUSED], E.INVALID),
    ([E.AUTH, E.UNREACHABLE], E.AUTH),
    ([E.LOCKED, E.INCOMPLETE], E.INCOMPLETE),
    ([E.INCOMPLETE, E.INVALID], E.INCOMPLETE),
    ([E.PARTIAL, E.INCOMPLETE], E.PARTIAL),
    ([E.STALE, E.PARTIAL, E.INCOMPLETE], E.STALE),
    ([E.UNKNOWN, E.STALE, E.PARTIAL, E.INCOMPLETE], E.UNKNOWN),
    ([E.UNKNOWN, E.INTERNAL], E.UNKNOWN),
    ([E.INTERRUPTED, E.UNKNOWN], E.UNKNOWN),
    ([E.INTERRUPTED, E.REFUSED], E.REFUSED),
]


@pytest.mark.parametrize(("held", "told"), WORST)
def test_worst(held: list[Exit], told: Exit) -> None:
    """unknown > stale > partial > incomplete > the rest, whatever the order."""
    assert find_worst_exit(held) is told
    assert find_worst_exit(reversed(held)) is told
    assert find_worst_exit([*held, *held]) is told


def test_the_four_outrank_everything_in_their_order() -> None:
    """For every set of codes, not only those of the table."""
    ranked = [E.UNKNOWN, E.STALE, E.PARTIAL, E.INCOMPLETE]
    for held in chain.from_iterable(combinations(Exit, size) for size in range(1, 4)):
        told = find_worst_exit(held)
        assert told in held
        expected = next((code for code in ranked if code in held), None)
        if expected:
            assert told is expected
        elif set(held) - {E.OK, E.CHANGES}:
            assert told not in {E.OK, E.CHANGES}, "an error hides behind nothing"


def test_the_published_codes() -> None:
    """Users and CI jobs depend on them to the letter; each has a name and a meaning."""
    assert {code.word: int(code) for code in Exit} == {
        "ok": 0, "internal": 1, "changes": 2, "usage": 3, "invalid": 4, "auth": 5, "refused": 6, "stale": 7,
        "locked": 8, "partial": 9, "incomplete": 10, "unknown": 11, "unreachable": 12, "interrupted": 130,
    }  # fmt: skip
    assert list(EXIT_MEANINGS) == list(Exit)


ERRORS = {
    errors.UsageError: 3, errors.InvalidError: 4, errors.AuthError: 5, errors.RefusedError: 6, errors.StaleError: 7,
    errors.IncompleteError: 10, errors.UnreachableError: 12,
}  # fmt: skip


def test_each_error_ends_a_command_with_its_own_code() -> None:
    """No two errors share a code, and none is left out."""
    # What the store can't do has several codes: `state.store_errors` says which.
    kinds = set(ReconcilerError.__subclasses__()) - {errors.StateError}
    assert {kind: int(kind.exit) for kind in kinds} == ERRORS
    assert errors.StateError(Exit.LOCKED).exit is Exit.LOCKED
    assert ReconcilerError.exit is Exit.INTERNAL


def test_an_error_tells_its_problems_once_and_in_order() -> None:
    """Problems are sorted by place, and two that read the same are one."""
    late, early = make_problem(Source("a.yaml", 10, 1), "x; y; z"), make_problem(Source("a.yaml", 9, 5), "x; y; z")

    error = errors.InvalidError(late, early, late)

    assert error.problems == (early, late)
    assert str(error).splitlines() == ["a.yaml:9:5: x; y; z", "a.yaml:10:1: x; y; z"]
