"""What makes a difference the same difference in the next run, and how new a step is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.diagnostics import Address
from reconciler.kinds.registry import KINDS
from reconciler.model import Change, Coverage, Obstacle, Plan, Risk, Step, Subject
from reconciler.plans.drift_items import (
    DriftAge,
    DriftStatus,
    compare_with_memory,
    list_plan_items,
    name_document,
    pick_target_items,
)
from reconciler.plans.masking import SecretMasker
from reconciler.state.records import DriftItem
from tests.support.problems import make_problem
from tests.support.report_plans import DENIAL, EVENT, ROLE, owners, step

OWNERS = owners(2)
COMMENT = Change("comment", None, "no", Risk.LOW)
MISSING = replace(OWNERS[0], request=None, refusal="none", obstacle=Obstacle.ABSENT, object="AB12")


def list_items(*steps: Step, masker: SecretMasker = SecretMasker([])) -> list[DriftItem | None]:  # noqa: B008
    plan = masker.mask_plan(Plan(steps, Coverage(9, 9)))
    return [item for group in list_plan_items(plan, KINDS).steps for item in group]


def change(original: Step, **more: object) -> Step:
    """Return a step whose changes are otherwise."""
    return replace(original, changes=tuple(change._replace(**more) for change in original.changes))  # type: ignore[arg-type]


def deny(*numbers: int) -> Step:
    """Return one batch."""
    changes = (*(Change(f"requests.{number}", "pending", "denied", Risk.LOW) for number in numbers), COMMENT)
    subjects = tuple(Subject(str(number), (), f"requests.{number}") for number in numbers)
    return replace(DENIAL, changes=changes, subjects=subjects, object=str(numbers))


# Two plans, and whether their differences are the same.
PAIRS = {
    "the manifest says something else now": ([ROLE], [change(ROLE, after="other")], True),
    "another thing was found": ([ROLE], [change(ROLE, before="other")], False),
    "a number is no text": ([change(ROLE, before=1)], [change(ROLE, before="1")], False),
    "the document stands elsewhere": ([ROLE], [replace(ROLE, source=EVENT.source)], True),
    "the role has another id or name": ([ROLE], [replace(ROLE, object="Operators (id 7)")], True),
    "it can't be sent for now": ([ROLE], [replace(ROLE, request=None, refusal="held back")], True),
    "another document": ([ROLE], [replace(ROLE, address=ROLE.address._replace(name="x"))], False),
    "another kind": ([ROLE], [replace(ROLE, address=ROLE.address._replace(kind="EventHandler"))], False),
    "another name for the target": ([ROLE], [replace(ROLE, address=ROLE.address._replace(target="prod"))], True),
    "another certificate of the document": ([OWNERS[0]], [OWNERS[1]], False),
    "a certificate that is gone": ([OWNERS[0]], [MISSING], False),
    "no owner": ([MISSING], [replace(MISSING, obstacle=Obstacle.REFUSED)], False),
    "an object to be created, of which more is declared": (
        [EVENT],
        [replace(EVENT, changes=(*EVENT.changes, Change("notification", None, "x", Risk.LOW)))],
        True,
    ),
    "requests in other batches": ([deny(1, 2), deny(3)], [deny(1), deny(2, 3)], True),
    "another request": ([deny(1, 2)], [deny(1, 3)], False),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_a_difference_is_its_place_and_what_was_found(pair: str) -> None:
    first, second, are_same = PAIRS[pair]
    assert (set(list_items(*first)) == set(list_items(*second))) is are_same


def test_a_digest_is_of_what_is_shown() -> None:
    """Whoever has the store could else try out guesses at our own secrets."""
    masker = SecretMasker([lambda text: text.replace("hunter22", "***")])
    (item,) = list_items(change(step(), before="it is hunter22"), masker=masker)
    assert [item] == list_items(change(step(), before="it is ***"))
    assert [item] != list_items(change(step(), before="it is hunter22"))


def test_an_absence_is_the_same_as_a_step_that_finds_nothing() -> None:
    """Between `missing: refuse` and `missing: report` nothing is new."""
    absence = replace(make_problem(MISSING.source, "gone", MISSING.address), object_name="AB12")
    absences = (absence, make_problem(MISSING.source, "of no document"))
    plan = SecretMasker([]).mask_plan(Plan((), Coverage(1, 1), absences=absences))
    items = list_plan_items(plan, KINDS)
    assert items.absences[0] == list_items(MISSING)[0]
    assert pick_target_items(plan, items, frozenset({"command"})) == list_items(MISSING)
    assert pick_target_items(plan, items, frozenset({"other"})) == []


NEW = DriftAge(DriftStatus.NEW, "2026-11-20", 1)
CHANGED = DriftAge(DriftStatus.CHANGED, "2026-11-20", 1)
OLD, OLDER = DriftAge(DriftStatus.KNOWN, "2026-11-10", 5), DriftAge(DriftStatus.KNOWN, "2026-11-01", 3)
STEPS: dict[str, tuple[list[DriftAge | None], DriftAge | None]] = {
    "the youngest": ([OLD, NEW], DriftAge(DriftStatus.NEW, "2026-11-10", 5)),
    "new before changed": ([CHANGED, NEW], NEW),
    "changed before known": ([OLDER, CHANGED], DriftAge(DriftStatus.CHANGED, "2026-11-01", 3)),
    "since the first of them": ([OLD, OLDER], DriftAge(DriftStatus.KNOWN, "2026-11-01", 5)),
    "what is not remembered": ([None, OLD], OLD),
    "nothing is remembered": ([None, None], None),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_step_is_as_new_as_its_youngest_change(name: str) -> None:
    ages, expected = STEPS[name]
    plan = SecretMasker([]).mask_plan(Plan((ROLE,), Coverage(1, 1)))
    items = list_plan_items(plan, KINDS)
    remembered = {item: age for item, age in zip(items.steps[0], ages, strict=True) if item and age}
    (drift,) = compare_with_memory(plan, items, {"command": remembered}, ()).steps
    assert (drift and drift.step) == expected
    assert drift is None or list(drift.changes) == ages


def test_a_comment_is_no_difference() -> None:
    """It goes with the denials, and comes to nothing without them."""
    *requests, comment = list_items(deny(1, 2))
    assert [item.path for item in requests if item] == ["requests.1", "requests.2"]
    assert comment is None


def test_two_names_of_one_server_count_once() -> None:
    """What is remembered has no name of a target, and neither is it counted by it."""
    steps = (ROLE, replace(ROLE, address=ROLE.address._replace(target="again")))
    plan = SecretMasker([]).mask_plan(Plan(steps, Coverage(2, 2)))
    items = list_plan_items(plan, KINDS)
    ages = dict.fromkeys(pick_target_items(plan, items, frozenset({"command", "again"})), OLD)
    comparison = compare_with_memory(plan, items, {"command": ages, "again": ages}, ())
    assert [drift and drift.step for drift in comparison.steps] == [OLD, OLD]
    assert len(comparison.ages) == 2


def test_a_document_is_called_by_kind_and_name() -> None:
    assert name_document(Address("command", "SecurityRole", "x ")) == "SecurityRole/x "
