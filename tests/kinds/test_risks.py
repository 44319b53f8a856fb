"""How much thought a change deserves, and why: in words, and the same in the reference as in a plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from reconciler.kinds.registry import KINDS
from reconciler.model import ObjectSides, Risk

ROLE = {"permissions": ["/a/", "/b/"], "claims": frozenset({"x", "y"})}
# kind, path, before, after, the object, which is else as it will be -> risk, reason
RISKS = [
    ("SecurityRole", "permissions", [], ["/a/"], ROLE, "high", "adds a right to 2 claims"),
    (
        "SecurityRole",
        "permissions",
        ["/a/", "/c/"],
        ["/a/"],
        {"claims": frozenset({"x"})},
        "high",
        "takes a right from 1 claim",
    ),
    (
        *("SecurityRole", "permissions", ["/c/"], ["/a/", "/b/"], ROLE, "high"),
        "adds 2 rights to 2 claims and takes a right from them",
    ),
    ("SecurityRole", "claims", ["x"], ["x", "y"], ROLE, "high", "gives 2 rights to 1 claim"),
    ("SecurityRole", "claims", ["x", "y", "z"], ["x"], ROLE, "high", "takes 2 rights from 2 claims"),
    ("SecurityRole", "permissionSet", "A", "B", ROLE, "high", "changes what the role may hold at most"),
    ("SecurityRole", "permissionSet", None, "B", ROLE, "high", "bounds what a new role may hold"),
    ("SecurityRole", "description", "a", "b", ROLE, "low", ""),
    ("CertificateOwner", "owner", "A", "B", {}, "high", "takes the certificate from its present owner"),
    ("CertificateOwner", "owner", None, "B", {}, "low", ""),
    ("EventHandler", "enabled", True, False, {}, "high", "disables a handler that others rely on"),
    ("EventHandler", "enabled", False, True, {}, "low", ""),
    ("RequestDenial", "requests.23", "pending", "denied", {}, "irreversible", "a denial can't be undone"),
    ("RequestDenial", "comment", None, "no", {}, "low", ""),
    ("SecretEvent", "state", "ENABLED", "DISABLED", {}, "high", "stops the notifications of this event"),
    ("SecretEvent", "state", "DISABLED", "ENABLED", {}, "low", ""),
    ("SecretEvent", "eventTypes", ["A", "B"], ["B"], {}, "high", "no longer tells of A"),
    ("SecretEvent", "notification.targetId", "a", "b", {}, "high", "sends the notifications elsewhere"),
]


@pytest.mark.parametrize(("kind", "path", "before", "after", "fields", "risk", "reason"), RISKS)
def test_a_risk_has_its_reason(
    kind: str, path: str, before: Any, after: Any, fields: Mapping[str, Any], risk: str, reason: str
) -> None:
    """A right that is added is said to be added; whatever is more than low says why."""
    sides = ObjectSides(fields if before is not None else None, fields)
    assert KINDS[kind].assess(path, before, after, sides) == (Risk(risk), reason)


@pytest.mark.parametrize("kind", KINDS)
def test_the_reference_knows_every_risky_field(kind: str) -> None:
    """What `explain` calls risky is what a plan calls risky at worst, and a field of the manifest."""
    worst = {path.partition(".")[0]: Risk(risk) for name, path, *_, risk, _ in RISKS if name == kind and risk != "low"}
    told = {field: assessment.risk for field, assessment in KINDS[kind].risks.items()}
    assert told.items() >= worst.items()
    assert all(assessment.reason for assessment in KINDS[kind].risks.values())
    assert told.keys() <= {field.alias for field in KINDS[kind].spec.model_fields.values()}
