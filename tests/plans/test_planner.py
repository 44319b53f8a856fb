"""From documents and a world to an ordered plan: order, counts, refusals, exit codes."""

from __future__ import annotations

import random
from datetime import date
from itertools import permutations

import pytest

from reconciler.diagnostics import Source
from reconciler.errors import AuthError, Exit, IncompleteError, UnreachableError
from reconciler.kinds.kind import Run, Wanted
from reconciler.kinds.registry import KINDS
from reconciler.model import Bound, Coverage, Gap, Json, Plan, Query
from reconciler.plans.exit_code import exit_code
from reconciler.plans.planner import Observed, PlanScope, plan
from tests.support.problems import make_problem
from tests.support.sample_plans import (
    GUID,
    TODAY,
    certificate,
    document,
    event,
    handler,
    pending,
    planned,
    registered,
    role,
)
from tests.support.toy_reader import World

EVERYTHING: dict[str, Json] = {
    "/Security/Roles": [{"Id": 1, "Name": "Ops"}],
    "/Security/Roles/1": role(1, "Ops"),
    "/EventHandlerRegistration": registered("A"),
    "/Certificates": [certificate(7), certificate(30), certificate(100)],
    "/Workflow/Certificates/Pending": [pending(5)],
    "/v1/0123/csms/events": [event("e")],
}
EVERY_KIND = [
    document("SecretEvent", "e", {"state": "DISABLED"}, 1),
    document("RequestDenial", "d", {"match": {"template": "Web"}}, 2),
    document("CertificateOwner", "o", {"owner": "New", "certificates": {"ids": [100, 7, 30]}}, 3),
    document("EventHandler", "h", {"className": "A", "enabled": True}, 4),
    document("SecurityRole", "New", {"description": "d", "permissionSet": GUID}, 5),
    document("SecurityRole", "Ops", {"description": "new"}, 6),
]


def test_what_is_referred_to_comes_first() -> None:
    """Roles before owners, handlers (which tell of denials) before denials; ids count as numbers."""
    steps = [f"{step.address} {step.object}" for step in planned(EVERY_KIND, EVERYTHING).steps]

    assert steps == [
        "EventHandler/h A (id 1)",
        "SecurityRole/New new",
        "SecurityRole/Ops Ops (id 1)",
        "SecretEvent/e e",
        f"CertificateOwner/o {7:040X} (id 7)",
        f"CertificateOwner/o {30:040X} (id 30)",
        f"CertificateOwner/o {100:040X} (id 100)",
        "RequestDenial/d 5 r5.example.com",
    ]


def test_every_kind_runs_after_the_kinds_it_names() -> None:
    """Whatever kinds join: no step runs before one of a kind that its own refers to."""
    kinds = [step.address.kind for step in planned(EVERY_KIND, EVERYTHING).steps]

    assert set(kinds) == set(KINDS)
    for at, kind in enumerate(kinds):
        assert not set(KINDS[kind].after) & set(kinds[at:])


def test_the_order_of_documents_changes_nothing() -> None:
    """Equal input in whatever order gives an equal plan."""
    straight = planned(EVERY_KIND, EVERYTHING)
    for order in random.Random(1).sample(list(permutations(EVERY_KIND)), 40):
        assert planned(order, EVERYTHING) == straight


def test_documents_of_one_kind_are_ordered_by_target_and_name() -> None:
    """Ties are broken by the address, so that a plan can be read and compared."""
    wanted = [
        document("EventHandler", "b", {"className": "B", "enabled": True}, 1, "other"),
        document("EventHandler", "c", {"className": "C", "enabled": True}, 2),
        document("EventHandler", "a", {"className": "A", "enabled": True}, 3),
    ]

    steps = planned(wanted, {"/EventHandlerRegistration": registered("A", "B", "C")}).steps

    assert [(step.address.target, step.address.name) for step in steps] == [
        ("command", "a"), ("command", "c"), ("other", "b"),
    ]  # fmt: skip


def test_batches_of_denials_run_by_id() -> None:
    """Ids are numbers: 100 comes after 11, in a batch and between batches."""
    numbers = [*range(2, 14), *range(95, 110)]
    wanted = [document("RequestDenial", "d", {"match": {"template": "Web"}})]

    steps = planned(wanted, {"/Workflow/Certificates/Pending": [pending(number) for number in numbers]}).steps

    bodies = [step.request.call.body["CertificateRequestIds"] for step in steps if step.request]
    assert bodies == [numbers[:10], numbers[10:20], numbers[20:]]


OWNER = {"owner": "Ops", "certificates": {"ids": [30]}}
COMPARED: dict[str, tuple[list[Wanted], list[str]]] = {
    "each that was compared": (
        [document("SecurityRole", "Ops", {"description": "new"}), document("CertificateOwner", "o", OWNER, 2)],
        ["o", "Ops"],
    ),
    "with a pattern that finds nothing, too": (
        [document("RequestDenial", "d", {"match": {"template": "Other"}})],
        ["d"],
    ),
    "not one that has a problem beside its step": ([document("SecurityRole", "New", {"description": "d"})], []),
    "not one whose certificate is another document's problem": (
        [document("CertificateOwner", name, OWNER, line) for line, name in enumerate("ab", 1)],
        [],
    ),
    "not one that is expired": (
        [document("RequestDenial", "d", {"match": {"template": "Web"}, "expires": date(2020, 1, 1)})],
        [],
    ),
    "not one whose kind could not be read": ([handler("A")], []),
}


@pytest.mark.parametrize("name", COMPARED)
def test_a_plan_knows_which_documents_were_compared_whole(name: str) -> None:
    """What has no step in these is as declared; of all others nothing is known."""
    documents, expected = COMPARED[name]
    world = {path: body for path, body in EVERYTHING.items() if path != "/EventHandlerRegistration"}
    assert [address.name for address in sorted(planned(documents, world).compared_addresses)] == expected


def test_what_is_as_declared_makes_no_step() -> None:
    """A plan on a world that is right is empty, complete and in sync."""
    made = planned([handler("a"), handler("b")], {"/EventHandlerRegistration": registered("A", "B", enabled=True)})

    assert (made.steps, made.compared, made.complete, exit_code(made)) == ((), Coverage(2, 2), True, Exit.OK)


CSMS_DOWN = Gap(make_problem(Source("GET events"), "no answer"), Exit.UNREACHABLE)
COUNTS: dict[str, tuple[list[Wanted], dict[str, Json], Coverage]] = {
    "an object that differs was compared": (
        [handler("a")], {"/EventHandlerRegistration": registered("A")}, Coverage(1, 1),
    ),
    "an object that can't be planned was not": ([handler("a")], {"/EventHandlerRegistration": []}, Coverage(0, 1)),
    "a denial counts each request": (
        [document("RequestDenial", "d", {"match": {"template": "Web"}})],
        {"/Workflow/Certificates/Pending": [pending(1), pending(2), pending(3)]},
        Coverage(3, 3),
    ),
    "a pattern without a match counts as one": (
        [document("RequestDenial", "d", {"match": {"template": "Web"}})], {}, Coverage(1, 1),
    ),
    "refused requests were compared": (
        [document("RequestDenial", "d", {"requests": [{"id": 1, "template": "x"}, {"id": 2, "template": "x"}]})],
        {},
        Coverage(2, 2),
    ),
    "an expired document counts for nothing": (
        [document("RequestDenial", "d", {"requests": [{"id": 1, "template": "x"}], "expires": "2026-11-22"})],
        {},
        Coverage(0, 0),
    ),
    "each certificate counts": (
        [document("CertificateOwner", "o", {"clear": ["owner"], "certificates": {"ids": [1, 2, 3]}})],
        {"/Certificates": [certificate(1), certificate(2, "x")]},
        Coverage(3, 3),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("wanted", "world", "compared"), COUNTS.values(), ids=COUNTS)
def test_compared(wanted: list[Wanted], world: dict[str, Json], compared: Coverage) -> None:
    """N of M: what was set beside its live state, of what is declared."""
    assert planned(wanted, world).compared == compared


def test_what_was_not_read_is_counted_but_never_compared() -> None:
    """A gap is neither an absent object nor a shorter list of objects."""
    wanted = [handler("a"), document("CertificateOwner", "o", {"owner": "x", "certificates": {"ids": [1, 2]}})]

    made = plan(wanted, Observed({("command", "EventHandler"): {}}, (CSMS_DOWN,)), Run(TODAY), KINDS)

    assert made.compared == Coverage(0, 3)
    assert not made.complete
    assert not made.steps


def test_a_part_of_the_whole_says_of_how_much() -> None:
    """What a selection leaves out counts as not compared, and the plan says what was selected."""
    wanted = [
        handler("a"),
        handler("b"),
        document("CertificateOwner", "o", {"owner": "x", "certificates": {"ids": [1, 2]}}),
    ]
    bounds = {"command": Bound("keyfactor", "https://kf.example.com")}
    scope = PlanScope(wanted, "--only EventHandler/a", bounds, "3f2a")

    made = planned(wanted[:1], {"/EventHandlerRegistration": registered("A", "B", enabled=True)}, scope=scope)

    assert made.compared == Coverage(1, 4)
    assert (made.selection, made.targets, made.manifests) == ("--only EventHandler/a", bounds, "3f2a")


def test_problems_and_notes_are_told_once_and_in_order() -> None:
    """Complaints come all at once, sorted by place, whoever asked first."""
    wanted = [handler("z", line=9), handler("a", line=2), handler("z", line=9)]

    made = planned(wanted, {"/EventHandlerRegistration": []})

    assert [problem.source.line for problem in made.problems] == [2, 9]
    assert (made.complete, exit_code(made)) == (False, Exit.INCOMPLETE)


def _plan(compared: int, *causes: Exit, invalid: bool = False) -> Plan:
    gaps = tuple(Gap(make_problem(Source(f"GET {number}"), "x"), cause) for number, cause in enumerate(causes))
    problems = (make_problem(Source("a.yaml", 1, 1), "x"),) if invalid else ()
    return Plan((), Coverage(compared, 9), problems, gaps)


EXITS = {
    "all compared": (_plan(9), Exit.OK),
    "nothing declared": (_plan(0), Exit.OK),
    "a document that has a problem": (_plan(8, invalid=True), Exit.INCOMPLETE),
    "nothing could be read for want of credentials": (_plan(0, Exit.AUTH), Exit.AUTH),
    "nothing could be read for want of credentials, twice": (_plan(0, Exit.AUTH, Exit.AUTH), Exit.AUTH),
    "no answer at all": (_plan(0, Exit.UNREACHABLE), Exit.UNREACHABLE),
    "nothing could be trusted": (_plan(0, Exit.INCOMPLETE), Exit.INCOMPLETE),
    "nothing read, credentials among the causes": (_plan(0, Exit.AUTH, Exit.UNREACHABLE), Exit.AUTH),
    "nothing read, for two other causes": (_plan(0, Exit.INCOMPLETE, Exit.UNREACHABLE), Exit.INCOMPLETE),
    "a part read, credentials refused for another": (_plan(1, Exit.AUTH), Exit.INCOMPLETE),
    "a part read, no answer for another": (_plan(1, Exit.UNREACHABLE), Exit.INCOMPLETE),
    "a part unread and a fault besides": (_plan(1, Exit.UNREACHABLE, invalid=True), Exit.INCOMPLETE),
}  # fmt: skip


@pytest.mark.parametrize(("made", "code"), EXITS.values(), ids=EXITS)
def test_exit_of(made: Plan, code: Exit) -> None:
    """Whatever is unread makes the whole incomplete; its cause counts where nothing was read."""
    assert exit_code(made) is code


class Failing(World):
    """A world in which one path can't be read."""

    def __init__(self, answers: dict[str, Json], path: str, error: Exception) -> None:
        super().__init__(answers)
        self.path, self.error = path, error

    def get(self, path: str, *, query: Query = (), version: int = 1) -> Json:
        if path == self.path:
            raise self.error
        return super().get(path, query=query, version=version)

    def rows(self, path: str, *, query: Query = (), version: int = 1, key: str = "Id") -> list[Json]:
        if path == self.path:
            raise self.error
        return super().rows(path, query=query, version=version, key=key)


X = make_problem(Source("x"), "x")
CAUSES = [AuthError(X), IncompleteError(X), UnreachableError(X)]
PATHS = ["/Security/Roles", "/Security/Roles/1", "/EventHandlerRegistration", "/Workflow/Certificates/Pending"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("error", CAUSES, ids=lambda error: type(error).__name__)
def test_a_failing_read_only_ever_takes_steps_away(path: str, error: Exception) -> None:
    """Knowledge is monotone: no step exists with less knowledge that would not exist with all of it."""
    whole = planned(EVERY_KIND, EVERYTHING)

    made = planned(EVERY_KIND, Failing(EVERYTHING, path, error))

    assert set(map(str, made.steps)) < set(map(str, whole.steps))
    assert made.gaps
    assert exit_code(made) is Exit.INCOMPLETE


def test_a_day_is_all_that_a_plan_knows_of_time() -> None:
    """The same day gives the same plan; the next may make a document inert."""
    wanted = [document("RequestDenial", "d", {"match": {"template": "Web"}, "expires": "2026-11-23"})]
    world = {"/Workflow/Certificates/Pending": [pending(1)]}

    assert planned(wanted, world) == planned(wanted, world)
    assert planned(wanted, world, date(2026, 11, 23)).steps == ()
