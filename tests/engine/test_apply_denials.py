"""Denials: HTTP 200 says nothing, and each id is ruled on by itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.engine.apply import apply
from reconciler.errors import NoReply
from reconciler.model import Outcome, Reply, Verdict
from tests.support.sample_plans import document, pending, planned
from tests.support.scripted_servers import LOST, PATIENCE, Server, answer

SILENT, ANSWERED = len(PATIENCE.after_silence) - 1, len(PATIENCE.after_answer) - 1
DENIED, PENDING, ISSUED = 3, 5, 1


def denial(numbers: Iterable[int], reply: Reply | NoReply, states: Mapping[int, int]) -> tuple[Outcome, Server]:
    """Deny these requests; afterwards they have these states, or are gone where none is given."""
    requests = {number: pending(number) for number in numbers}
    wanted = document("RequestDenial", "d", {"match": {"template": "Web"}, "comment": "no"})
    plan = planned([wanted], {"/Workflow/Certificates/Pending": list(requests.values())})
    path = "/Workflow/Certificates/{}".format
    after = {
        path(number): {**raw, "State": states[number]} if number in states else None for number, raw in requests.items()
    }
    server = Server({path(number): raw for number, raw in requests.items()}, reply, after)
    (outcome,) = apply(plan, server.seams())
    assert [call.body["CertificateRequestIds"] for call in server.sent] == [sorted(requests)]
    return outcome, server


def result(successes: Iterable[Any] = (), failures: Iterable[Any] = (), denials: Iterable[Any] = ()) -> Reply:
    """Return the server's answer; a number stands for an item of that id, anything else for itself."""

    def items(given: Iterable[Any]) -> list[Any]:
        return [{"KeyfactorRequestId": n, "Comment": f"about {n}"} if isinstance(n, int) else n for n in given]

    lists = {"Successes": items(successes), "Failures": items(failures), "Denials": items(denials)}
    return answer(200, json.dumps(lists).encode())


A, N, U = Verdict.APPLIED, Verdict.NOT_APPLIED, Verdict.UNKNOWN
BOTH = {1: DENIED, 2: DENIED}
NONE = {1: PENDING, 2: PENDING}
PARTITIONS: dict[str, tuple[Reply | NoReply, dict[int, int], list[Verdict], str]] = {
    "all done": (result([1, 2]), BOTH, [A, A], ""),
    "one done, one failed": (result([1], [2]), {1: DENIED, 2: ISSUED}, [A, N], "the server could not deny it: about 2"),
    "one done, one not permitted": (
        result([1], [], [2]),
        {1: DENIED, 2: PENDING},
        [A, N],
        "the server did not permit it; the account needs",
    ),
    "all failed, with a 200": (result([], [1, 2]), NONE, [N, N], "about 1"),
    "failed and gone": (result([1], [2]), {1: DENIED}, [A, N], "could not deny it"),
    "all not permitted": (result([], [], [1, 2]), NONE, [N, N], "/certificates/requests/manage/"),
    "reported as done, reads as pending": (
        result([1, 2]),
        {1: DENIED, 2: PENDING},
        [A, U],
        "request 2 is reported as denied, but",
    ),
    "reported as done, gone": (result([1, 2]), {1: DENIED}, [A, U], "does not read as denied"),
    "reported as failed, reads as denied": (result([1], [2]), BOTH, [A, U], "yet it reads as denied"),
    "one not named, reads as denied": (result([1]), BOTH, [A, A], "the answer does not name it; it reads as denied"),
    "one not named, reads as pending": (
        result([1]),
        {1: DENIED, 2: PENDING},
        [A, U],
        "request 2 is not named in the answer",
    ),
    "one named twice as done": (result([1, 2, 2]), BOTH, [A, A], ""),
    "one named twice as failed": (result([1], [2, 2]), {1: DENIED, 2: PENDING}, [A, N], "could not deny it"),
    "one in two lists, reads as denied": (result([1, 2], [2]), BOTH, [A, A], ""),
    "one in two lists, reads as pending": (
        result([1, 2], [2]),
        {1: DENIED, 2: PENDING},
        [A, U],
        "stands in several lists",
    ),
    "one failed and not permitted": (result([1], [2], [2]), {1: DENIED, 2: PENDING}, [A, N], "could not deny it"),
    "a foreign id": (result([1, 2, 99], [98]), BOTH, [A, A], ""),
    "a foreign id in the place of ours": (result([1, 99]), {1: DENIED, 2: PENDING}, [A, U], "not named"),
    "items that are texts": (result(["1", "2"]), BOTH, [A, A], "the answer does not name it"),
    "items that are texts, reads as pending": (result([], ["1", "2"]), NONE, [U, U], "not named"),
    "items without an id": (result([{"Comment": "x"}, None, [1]]), NONE, [U, U], "not named"),
    "an id as a text": (result([{"KeyfactorRequestId": "1"}, {"KeyfactorRequestId": "2"}]), BOTH, [A, A], ""),
    "the CA's ids in the place of ours": (result([{"CARowId": 1}, {"CARequestId": "2"}]), NONE, [U, U], "not named"),
    "members in lower case": (
        answer(200, b'{"successes": [{"keyfactorRequestId": 1}, {"keyfactorRequestId": 2}]}'),
        BOTH,
        [A, A],
        "",
    ),
    "three empty lists": (result(), NONE, [U, U], "answered 200; request 1 is not named"),
    "no lists": (answer(200, b"{}"), BOTH, [A, A], "it reads as denied"),
    "lists that are none": (
        answer(200, b'{"Successes": {"KeyfactorRequestId": 1}, "Failures": 2}'),
        NONE,
        [U, U],
        "not named",
    ),
    "a list in the place of the object": (answer(200, b"[1, 2]"), NONE, [U, U], "not named"),
    "no JSON": (answer(200, b"<html>"), NONE, [U, U], "not named"),
    "bytes that are no text": (answer(200, b"\xff\xfe\x00"), BOTH, [A, A], "it reads as denied"),
    "nested beyond measure": (answer(200, b"[" * 100_000), BOTH, [A, A], "it reads as denied"),
    "silence, all done": (LOST, BOTH, [A, A], "reading shows that it was done"),
    "silence, one done": (LOST, {1: DENIED, 2: PENDING}, [A, U], "no answer (connection reset)"),
    "silence, none done": (
        LOST,
        NONE,
        [U, U],
        "no answer (connection reset); request 1 does not read as denied; request 2 does not read as denied",
    ),
    "500, none done": (answer(500, b"oops"), NONE, [U, U], "answered 500 oops"),
    "500, all done": (answer(500, b"oops"), BOTH, [A, A], "answered 500 oops; reading shows that it was done"),
    "500, one done": (
        answer(500, b"oops"),
        {1: DENIED, 2: PENDING},
        [A, U],
        "answered 500 oops; request 2 does not read as denied",
    ),
    "500 with lists is not read": (result([], [1, 2])._replace(status=500), NONE, [U, U], "answered 500"),
}


@pytest.mark.parametrize("row", PARTITIONS.values(), ids=PARTITIONS)
def test_a_denial_is_ruled_on_id_by_id(row: tuple[Reply | NoReply, dict[int, int], list[Verdict], str]) -> None:
    """HTTP 200 says nothing: the three lists and what is read do. Denied at most once."""
    reply, states, verdicts, detail = row

    outcome, server = denial([1, 2], reply, states)

    assert list(outcome.step.pick_object_verdicts(outcome.verdicts)) == verdicts
    assert outcome.verdicts[-1] is (A if A in verdicts else U if U in verdicts else N), "the comment went with them"
    assert outcome.verdict is next(verdict for verdict in (U, N, A) if verdict in verdicts)
    assert detail in outcome.detail
    answered = isinstance(reply, Reply) and reply.status == 200
    assert len(server.slept) == (0 if U not in verdicts else ANSWERED if answered else SILENT)


SOME = st.lists(st.integers(1, 4), max_size=5)


@given(SOME, SOME, SOME, st.dictionaries(st.integers(1, 3), st.sampled_from([DENIED, PENDING, ISSUED])))
def test_a_denial_is_never_called_what_reading_contradicts(
    successes: list[int], failures: list[int], denials: list[int], states: dict[int, int]
) -> None:
    """Whatever the lists hold: applied is only what reads as denied, not applied what doesn't and was said to fail."""
    outcome, _ = denial([1, 2, 3], result(successes, failures, denials), states)

    verdicts = outcome.step.pick_object_verdicts(outcome.verdicts)
    for number, verdict in zip((1, 2, 3), verdicts, strict=True):
        denied = states.get(number) == DENIED
        failed = number in {*failures, *denials} and number not in successes
        assert verdict is (N if failed and not denied else A if denied and not failed else U)
