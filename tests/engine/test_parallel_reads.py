"""Reading kinds and targets at once: the same as one after the other, whichever of them ends first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.diagnostics import Diagnostic, Source
from reconciler.engine.observe import observe
from reconciler.engine.parallel_reads import Readers, ReadTask, read_together
from reconciler.errors import AuthError, IncompleteError, UnreachableError
from reconciler.kinds.kind import Run
from reconciler.kinds.registry import KINDS
from reconciler.model import Json, Query
from reconciler.plans.planner import plan
from reconciler.reader import Page
from tests.support.sample_plans import TODAY, document, event, handler, pending, registered, role
from tests.support.toy_reader import World

PATIENCE = 20
WANTED = [
    document("CertificateOwner", "o", {"owner": "R", "certificates": {"ids": [1]}}),
    handler("a"),
    document("RequestDenial", "d", {"match": {"template": "t"}}),
    document("SecurityRole", "R", {"description": "d"}),
    document("EventHandler", "a", {"className": "a", "enabled": True}, target="other"),
    document("SecretEvent", "e", {"state": "ENABLED"}),
]
LISTS = ["/Certificates", "/EventHandlerRegistration", "/Workflow/Certificates/Pending", "/Security/Roles"]
ANSWERS: dict[str, Json] = {
    "/Certificates": [],
    "/EventHandlerRegistration": registered("a"),
    "/Workflow/Certificates/Pending": [pending(1)],
    "/Security/Roles": [{"Id": 1, "Name": "R"}],
    "/Security/Roles/1": role(1, "R"),
    "/v1/0123/csms/events": [event("e")],
}


def at_once(tell: Callable[[], None]) -> None:
    tell()


class Turns:
    """Lets lists end in a given order, once all of them are under way."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._left, self._here = list(paths), set[str]()
        self._changed = threading.Condition()

    def take(self, path: str) -> None:
        with self._changed:
            if path not in self._left:
                return
            self._here.add(path)
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: path == self._left[0] and {*self._left} <= self._here, PATIENCE)
            self._left.remove(path)
            self._changed.notify_all()


class Taking(World):
    """Answers when it is a list's turn; some lists fail."""

    def __init__(self, turns: Turns, faults: Mapping[str, Exception]) -> None:
        super().__init__(ANSWERS)
        self._turns, self._faults = turns, faults

    def pages(self, path: str, **options: Any) -> Iterator[Page]:
        self._turns.take(path)
        if path in self._faults:
            raise self._faults[path]
        yield from super().pages(path, **options)

    def rows(self, path: str, *, query: Query = (), version: int = 1, key: str = "Id") -> list[Json]:
        # The list of roles is wanted by two kinds at once, and which of them reads it is of no account here.
        return [row for page in self.pages(path, query=query, version=version) for row in page.rows]


def make_fault(error: type[Exception], path: str) -> Exception:
    return error(Diagnostic("api.unreachable", Source(f"GET {path}"), "no answer"))


@given(
    order=st.permutations([path for path in LISTS if path != "/Security/Roles"]),
    faults=st.dictionaries(st.sampled_from(LISTS), st.sampled_from([AuthError, IncompleteError, UnreachableError])),
)
def test_what_is_read_and_what_is_not_is_the_same_in_any_order(
    order: list[str], faults: dict[str, type[Exception]]
) -> None:
    """Gaps and their order too, wherever several reads fail at once."""
    errors = {path: make_fault(error, path) for path, error in faults.items()}
    lists = [path for path in order if not (path == "/Certificates" and "/Security/Roles" in errors)]
    plain = Taking(Turns([]), errors)
    others = {"other": World(ANSWERS), "csms": World(ANSWERS)}
    alone = observe(WANTED, {"command": plain, **others}, Run(TODAY), KINDS)

    with ThreadPoolExecutor(4) as pool:
        worlds = {"command": Taking(Turns(lists), errors), **others}
        together = observe(WANTED, worlds, Run(TODAY), KINDS, readers=dict.fromkeys(worlds, Readers(pool, at_once)))

    assert list(together.live) == list(alone.live)
    assert together.gaps == alone.gaps
    assert plan(WANTED, together, Run(TODAY), KINDS) == plan(WANTED, alone, Run(TODAY), KINDS)
    assert len(alone.gaps) == len(errors) + ("/Security/Roles" in errors and "/Certificates" not in errors)


class Proof:
    """Whose credentials are taken when a test says so."""

    def __init__(self) -> None:
        self._waiting: list[Callable[[], None]] = []

    def when_proved(self, tell: Callable[[], None]) -> None:
        self._waiting.append(tell)

    def give(self) -> None:
        for tell in self._waiting:
            tell()


def test_until_the_credentials_were_taken_one_goes_alone() -> None:
    """Four reads: the second begins when the first has ended; the others as soon as the second has shown it, before it
    ends.
    """
    proof, lock = Proof(), threading.Lock()
    here, most = [0], list[int]()
    all_here = threading.Barrier(3)

    def read(number: int, tell: Callable[[str], None]) -> int:
        if not number:
            tell("in 3 pages")
        with lock:
            here[0] += 1
            most.append(here[0])
        if number == 1:
            proof.give()
        if number:
            all_here.wait(PATIENCE)
        with lock:
            here[0] -= 1
        return number

    told: list[str] = []
    threads: set[int] = set()

    def tell_all(line: str) -> None:
        threads.add(threading.get_ident())
        told.append(line)

    tasks = [ReadTask("command", f"kind {number}", 2, partial(read, number)) for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        futures = read_together(tasks, {"command": Readers(pool, proof.when_proved)}, tell_all, "objects")

    assert [future.result() for future in futures] == [0, 1, 2, 3]
    assert most == [1, 1, 2, 3]
    assert threads == {threading.get_ident()}, "whoever shows them need not be safe for many threads"
    assert told == [
        "[0/8 objects] reading kind 0",
        "[0/8 objects] reading kind 0: in 3 pages",
        "[2/8 objects] reading kind 1",
        "[2/8 objects] reading kind 2",
        "[2/8 objects] reading kind 3",
    ]


def test_a_bug_is_raised_once_all_has_ended_and_the_first_of_them() -> None:
    """As if one had followed the other: which thread was quicker is no part of what is told."""
    is_over = threading.Event()

    def fail_late(_tell: Callable[[str], None]) -> None:
        is_over.wait(PATIENCE)
        raise ZeroDivisionError

    def fail_early(_tell: Callable[[str], None]) -> None:
        is_over.set()
        raise KeyError

    tasks = [ReadTask("a", "late", 1, fail_late), ReadTask("b", "early", 1, fail_early)]
    with ThreadPoolExecutor(2) as pool:
        late, early = read_together(tasks, dict.fromkeys("ab", Readers(pool, at_once)), lambda _line: None, "lists")

    assert isinstance(late.exception(), ZeroDivisionError)
    assert isinstance(early.exception(), KeyError)
