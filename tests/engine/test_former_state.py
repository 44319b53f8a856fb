"""From what is remembered of steps to documents of before, without a server: each obstacle, and what each kind says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from reconciler.diagnostics import Source
from reconciler.engine.former_state import FormerState, restore_steps
from reconciler.engine.intent_records import RecordedBody
from reconciler.engine.run_history import PastRun, RecordedStep
from reconciler.errors import Exit
from reconciler.kinds.registry import KINDS
from reconciler.model import Action, Change, Risk
from reconciler.state.records import (
    Intent,
    IntentKind,
    IntentResult,
    RunHolder,
    RunRecord,
    SettledAs,
    SettledBy,
)

RUN = "20261128T223234-de0d514e"
RECORD = RunRecord(RUN, "0" * 16, "apply", "1.0", RunHolder("ci-7"), commit="3f2a91c0aa")


def make_step(
    step: str, number: int = 0, identity: Mapping[str, Any] | None = None, **changes: tuple[Any, Any]
) -> RecordedStep:
    """A step that was applied; `changes` are (before, after) by path, `__` standing for a dot."""
    fields = tuple(Change(path.replace("__", "."), *sides, Risk.LOW) for path, sides in changes.items())
    body = RecordedBody(Action.UPDATE, Source("m.yaml", 1, 1), "it", (), fields, identity or {}, is_masked=False)
    intent = Intent(RUN, number, step, "PUT", "/x", "", "")
    result = IntentResult(RUN, number, SettledAs.APPLIED, SettledBy.ANSWER, RUN)
    return RecordedStep("command", intent, "2026-11-28T22:32:35.000Z", (result,), body)


def restore(*steps: RecordedStep) -> FormerState:
    return restore_steps(PastRun(RECORD, ("command",), Exit.OK, {}, steps=steps), steps, KINDS)


EVENT = make_step("SecretEvent/e", state=("DISABLED", "ENABLED"))
HANDLER = make_step("EventHandler/log", enabled=(False, True))
CLAIM = {"type": "OAuthRole", "value": "web", "provider": "Entra"}
ALICE = {"type": "User", "value": "CORP\\alice", "provider": "Active Directory"}
NAMED = {"claims": [CLAIM]}

OBSTACLES = {
    "nothing was kept": (replace(EVENT, body=None), "is not in this store"),
    "nobody knows what came of it": (replace(EVENT, results=()), "nobody knows what came of it"),
    "it was not applied": (
        replace(EVENT, results=(replace(EVENT.results[0], outcome=SettledAs.NOT_APPLIED),)),
        "it was not applied",
    ),
    "its body is gone, but it created": (
        replace(EVENT, body=None, intent=EVENT.intent._replace(kind=IntentKind.CREATE)),
        "nothing is ever deleted",
    ),
    "a kind of another version": (make_step("Widget/w", size=(1, 2)), "knows no kind Widget"),
    "a handler without its class": (HANDLER, "no manifest can say what was there before: className"),
    "a description that was empty": (make_step("SecurityRole/R", description=(None, "x")), "an empty description"),
    "a type of event that no manifest knows": (
        make_step("SecretEvent/e", eventTypes=(["X"], ["SECRET_DELETED"])),
        "what was there before: eventTypes",
    ),
    "permissions of which one holds another": (
        make_step("SecurityRole/R", permissions=(["/a/", "/a/b/"], ["/a/"])),
        "/a/b/ is already granted by /a/",
    ),
    "a certificate without an id": (make_step("CertificateOwner/o", owner=("A", "B")), "not recorded in a form"),
    "somebody wrote nonsense into the store": (
        make_step("SecurityRole/R", identity={"claims": 7}, description=("a", "b")),
        "not recorded in a form",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("step", "reason"), OBSTACLES.values(), ids=OBSTACLES)
def test_what_can_not_be_taken_back_says_why(step: RecordedStep, reason: str) -> None:
    former = restore(step)
    (obstacle,) = former.obstacles
    assert (obstacle.numbers, former.documents) == ((0,), ())
    assert reason in obstacle.reason


DOCUMENTS: dict[str, tuple[tuple[RecordedStep, ...], list[tuple[str, str, dict[str, Any]]]]] = {
    "what was empty is cleared, what was false is said": (
        (make_step("EventHandler/log", identity={"className": "C.D"}, enabled=(False, True), displayName=("", "x")),),
        [("log", "", {"className": "C.D", "enabled": False, "clear": ["displayName"]})],
    ),
    "members of a notification": (
        (make_step("SecretEvent/e", notification__targetName=("pki", "ops"), state=("ENABLED", "DISABLED")),),
        [("e", "", {"state": "ENABLED", "notification": {"targetName": "pki"}})],
    ),
    "a role gets its name back, and lets claims go with their descriptions": (
        (make_step("SecurityRole/New", name=("Old", "New"), claims=([CLAIM], [CLAIM, ALICE]),
                   claims__alice__description=(None, "Alice")),),
        [("Old", "New", {"claims": [CLAIM]})],
    ),
    "claims described in the list that their role gets back": (
        (make_step("SecurityRole/R", claims=([CLAIM], [CLAIM, ALICE])),
         make_step("SecurityRole/R", 1, NAMED, claims__web__description=("before", "after"))),
        [("R", "", {"claims": [{**CLAIM, "description": "before"}]})],
    ),
    "a claim that the server may have forgotten comes back with its description": (
        (make_step("SecurityRole/R", 0, {"claims": [CLAIM | {"description": "Web"}]},
                   claims=([ALICE, CLAIM], [ALICE])),),
        [("R", "", {"claims": [ALICE, CLAIM | {"description": "Web"}]})],
    ),
    "claims described where their role's list was not changed": (
        (make_step("SecurityRole/R", 0, NAMED, claims__web__description=("before", "after")),
         make_step("SecurityRole/R", 1, {"claims": [ALICE]}, claims__alice__description=("a", "b"))),
        [("R", "", {"claims": [CLAIM | {"description": "before"}, ALICE | {"description": "a"}],
                    "additive": ["claims"]})],
    ),
    "certificates by owner and scope": (
        (make_step("CertificateOwner/o", 0, {"certificates": {"ids": [1]}}, owner=("A", "B")),
         make_step("CertificateOwner/o", 1, {"certificates": {"ids": [2]}}, owner=(None, "B")),
         make_step("CertificateOwner/o", 2, {"certificates": {"ids": [3]}}, owner=("A", "B")),
         make_step("CertificateOwner/o", 3, {"certificates": {"ids": [4]}, "collection": 5}, owner=("A", "B"))),
        [("o (1: A)", "", {"owner": "A", "certificates": {"ids": [1, 3]}}),
         ("o (2: no owner)", "", {"clear": ["owner"], "certificates": {"ids": [2]}}),
         ("o (3: A)", "", {"owner": "A", "certificates": {"ids": [4]}, "collection": 5})],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("steps", "documents"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_each_kind_says_what_was_before(
    steps: tuple[RecordedStep, ...], documents: list[tuple[str, str, dict[str, Any]]]
) -> None:
    former = restore(*steps)
    assert former.obstacles == ()
    assert [
        (
            document.address.name,
            document.renamed_from,
            document.spec.model_dump(by_alias=True, exclude_unset=True, mode="json"),
        )
        for document in former.documents
    ] == documents


def test_each_place_of_a_document_names_its_step() -> None:
    """A plan's steps are found again by it, and a reviewer reads it."""
    steps, _ = DOCUMENTS["certificates by owner and scope"]
    first = restore(*steps).documents[0]
    assert [first.at(("spec", "certificates", "ids", index)).file for index in (0, 1)] == [
        f"undo of run {RUN}, step 1",
        f"undo of run {RUN}, step 3",
    ]
    steps, _ = DOCUMENTS["claims described in the list that their role gets back"]
    (role,) = restore(*steps).documents
    assert role.source.file.endswith("step 1")
    assert role.at(("spec", "claims", 0, "description")).file.endswith("step 2")


def test_a_claim_that_its_role_lets_go_can_not_be_described() -> None:
    """The role itself can be taken back without it."""
    steps = (
        make_step("SecurityRole/R", claims=([ALICE], [CLAIM, ALICE])),
        make_step("SecurityRole/R", 1, NAMED, claims__web__description=("before", "after")),
    )
    former = restore(*steps)
    assert [obstacle.numbers for obstacle in former.obstacles] == [(1,)]
    assert [document.address.name for document in former.documents] == ["R"]


SAME = {
    "an account in other letters": ("claims", [ALICE], [ALICE | {"value": "corp\\Alice"}], True),
    "a provider in other letters": ("claims", [CLAIM], [CLAIM | {"provider": "entra"}], True),
    "a role of a provider in other letters": ("claims", [CLAIM], [CLAIM | {"value": "WEB"}], False),
    "a claim more": ("claims", [CLAIM], [CLAIM, ALICE], False),
    "nobody": ("claims", None, [], True),
    "words in other letters": ("description", "a", "A", False),
    "the same words": ("description", "a", "a", True),
}


@pytest.mark.parametrize(("path", "value", "other", "is_same"), SAME.values(), ids=SAME)
def test_what_a_server_spells_otherwise_has_not_moved(path: str, value: Any, other: Any, is_same: bool) -> None:
    assert KINDS["SecurityRole"].is_same_value(path, value, other) is is_same
