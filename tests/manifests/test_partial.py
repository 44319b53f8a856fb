"""One wrong field hides nothing: a document gets every check that its other fields allow."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.documents.validation import salvage_fields
from reconciler.errors import InvalidError
from reconciler.kinds.registry import KINDS
from reconciler.manifests.load import load_manifests
from tests.support.declared_targets import TARGETS
from tests.support.toy_kinds import KINDS as TOYS
from tests.support.toy_kinds import write

Spec = dict[str, Any]
ATTRIBUTE = {"template": "WebServer"}
CLAIM = {"type": "User", "value": "v", "provider": "p"}
# What only several fields or members together can tell, by kind: the spec, and what is told of it.
RULES: dict[str, tuple[str, Spec, str]] = {
    "a redundant permission": ("SecurityRole", {"permissions": ["/a/", "/a/b/"]}, "is already granted by /a/"),
    "a permission twice": ("SecurityRole", {"permissions": ["/a/", "/b/", "/a/"]}, "/a/ is listed twice"),
    "a claim twice": ("SecurityRole", {"claims": [CLAIM, CLAIM]}, "claim 'v' is listed twice"),
    "nothing to add": ("SecurityRole", {"additive": ["claims"]}, "claims is not declared"),
    "declared and cleared": (
        "SecurityRole",
        {"clear": ["claims"], "claims": [CLAIM]},
        "claims is both declared and cleared",
    ),
    "two scopes": (
        "CertificateOwner",
        {"owner": "o", "certificates": {"ids": [1]}, "collection": "c", "container": "d"},
        "collection and container are both given",
    ),
    "an owner twice": ("CertificateOwner", {"owner": "o", "certificates": {"ids": [1, 1]}}, "listed more than once"),
    "two selections": (
        "CertificateOwner",
        {"owner": "o", "certificates": {"ids": [1], "query": "q"}},
        "needs exactly one of thumbprints",
    ),
    "no owner": ("CertificateOwner", {"certificates": {"ids": [1]}}, "needs either owner or clear"),
    "requests and a pattern": (
        "RequestDenial",
        {"requests": [{"id": 1, **ATTRIBUTE}], "match": ATTRIBUTE},
        "needs exactly one of requests and match",
    ),
    "a request twice": (
        "RequestDenial",
        {"requests": [{"id": 1, **ATTRIBUTE}, {"id": 1, **ATTRIBUTE}]},
        "request 1 is listed twice",
    ),
    "whatever is pending": ("RequestDenial", {"match": {"commonName": "*"}}, "matches whatever is pending"),
    "an event type twice": ("SecretEvent", {"eventTypes": ["SECRET_ROTATED"] * 2}, "SECRET_ROTATED is listed twice"),
    "no event type": (
        "SecretEvent",
        {"notification": {"targetName": "t"}, "additive": ["eventTypes"]},
        "which is not declared",
    ),
    "nothing managed": ("EventHandler", {"className": "c"}, "declares nothing to manage"),
}
FAULTS: dict[str, Spec] = {
    "an unknown field": {"colour": "red"},
    "a field of another type": {"description": 1, "comment": 1, "allowEmpty": 1, "state": 1, "className": 1},
    "an empty field": {"description": "", "comment": "", "allowEmpty": "", "state": "", "className": ""},
    "null": {"description": None, "comment": None, "allowEmpty": None, "state": None, "className": None},
}


def write_document(folder: Path, kind: str, spec: Spec, metadata: Spec | None = None) -> Path:
    document = {"apiVersion": "reconciler/v1", "kind": kind, "metadata": metadata or {"name": "x"}, "spec": spec}
    return write(folder, {"a.json": json.dumps(document)})


def find_problems(folder: Path) -> list[str]:
    with pytest.raises(InvalidError) as caught:
        load_manifests([folder], kinds=KINDS, targets=TARGETS, base=folder)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_of_several_fields_is_told(rule: str, tmp_path: Path) -> None:
    """By itself: once."""
    kind, spec, words = RULES[rule]
    assert sum(words in line for line in find_problems(write_document(tmp_path, kind, spec))) >= 1


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("rule", RULES)
def test_a_wrong_field_hides_no_rule_of_the_others(rule: str, fault: str, tmp_path: Path) -> None:
    """Both are told, the rule at the very place that it has without the fault."""
    kind, spec, words = RULES[rule]
    alone = [line for line in find_problems(write_document(tmp_path, kind, spec)) if words in line]
    fields = {field.alias for field in KINDS[kind].spec.model_fields.values()}
    wrong = {name: value for name, value in FAULTS[fault].items() if name in fields or name == "colour"}
    found = find_problems(write_document(tmp_path, kind, {**spec, **wrong}))
    assert set(alone) <= set(found)
    assert len(found) > len(alone)


@pytest.mark.parametrize(
    ("kind", "spec", "expected"),
    [
        ("SecurityRole", {"permissions": ["/B/", "/a/", "/c/", "/a/b/"]}, "a.json:1:130: /a/b/ is already granted"),
        ("SecurityRole", {"claims": [{**CLAIM, "type": "x"}, CLAIM, {}, CLAIM]}, "a.json:1:203: the User claim 'v'"),
        ("CertificateOwner", {"owner": "o", "certificates": {"ids": ["x", 1, 0, 1]}}, "certificate id 1 is listed"),
        ("SecurityRole", {"permissions": ["/B/"], "clear": ["permissions"]}, "permissions is both declared and"),
        ("SecurityRole", {"claims": [CLAIM, {**CLAIM, "description": 5}]}, "the User claim 'v' is listed twice"),
        (
            "RequestDenial",
            {"requests": [{"id": 1, **ATTRIBUTE}, {"id": 1, "template": 5}]},
            "request 1 is listed twice",
        ),
    ],
)
def test_a_wrong_member_hides_nothing_of_its_list(kind: str, spec: Spec, expected: str, tmp_path: Path) -> None:
    """And the others stand where they stood."""
    found = find_problems(write_document(tmp_path, kind, spec))
    assert any(expected in line for line in found), found


@pytest.mark.parametrize(
    ("kind", "spec", "absent"),
    [
        ("SecurityRole", {"description": ""}, "declares nothing to manage"),
        ("RequestDenial", {"requests": [{"id": 1, "template": 5}]}, "gives no expected attribute"),
        ("SecurityRole", {"permisions": ["/a/"]}, "declares nothing to manage"),
        ("CertificateOwner", {"owner": 1, "certificates": {"ids": [1]}}, "needs either owner or clear"),
        ("CertificateOwner", {"ownr": "o", "certificates": {"ids": [1]}}, "needs either owner or clear"),
        ("CertificateOwner", {"owner": "o", "certificates": {"ids": [0]}}, "needs exactly one of thumbprints"),
        ("CertificateOwner", {"owner": "o", "certificates": {"querry": "q"}}, "needs exactly one of thumbprints"),
        ("CertificateOwner", {"owner": "o", "certificates": 5}, "does not say which certificates"),
        ("RequestDenial", {"match": {"commonName": "*", "template": 1}}, "matches whatever is pending"),
        ("RequestDenial", {"requests": [{"id": 1, "templat": "x"}]}, "gives no expected attribute"),
        ("SecretEvent", {"eventTypes": ["SECRET_X"], "additive": ["eventTypes"]}, "which is not declared"),
    ],
)
def test_what_was_taken_out_counts_as_given(kind: str, spec: Spec, absent: str, tmp_path: Path) -> None:
    """A wrong field is no missing one, nor is one whose name is misspelt."""
    found = find_problems(write_document(tmp_path, kind, spec))
    assert not any(absent in line for line in found), found


def test_a_wrong_document_still_clashes_with_others(tmp_path: Path) -> None:
    """By its name and by what it manages."""
    write_document(tmp_path, "SecurityRole", {"description": ""})
    write_document(tmp_path / "b", "SecurityRole", {"description": "d"}, {"name": "X"})
    write_document(tmp_path / "c", "CertificateOwner", {"owner": "o", "certificates": {"ids": [7, 0]}})
    write_document(tmp_path / "d", "CertificateOwner", {"owner": "o", "certificates": {"ids": [7]}}, {"name": "y"})
    found = find_problems(tmp_path)
    assert any('b/a.json:1:78: SecurityRole "X" is already declared at a.json:1:78' in line for line in found), found
    assert any('id 7 is already managed by "x" at c/a.json' in line for line in found), found


def test_an_event_with_a_bad_name_is_told_at_its_name(tmp_path: Path) -> None:
    """Wrong fields or not."""
    for spec in ({"state": "ENABLED"}, {"state": "?"}):
        found = find_problems(write_document(tmp_path, "SecretEvent", spec, {"name": "a b"}))
        assert any(line.startswith("a.json:1:77: the event name 'a b' is not") for line in found), found


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-1, 3)
    | st.sampled_from(["", "x", " ", "ENABLED"])
    | st.dates(date(2027, 1, 1)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "makerName", "x"]), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["socket", "label", "colours", "bulbs", "watts", "room", "clear", "x"]), VALUES))
def test_whatever_is_wrong_something_valid_is_left(spec: Spec) -> None:
    """And what is left is what was written, at the place that it is said to have."""
    salvage = salvage_fields(TOYS["Lamp"].spec, spec)
    assert salvage is not None
    for name, value in salvage.instance.declared().items():
        if isinstance(value, tuple):
            for index, member in enumerate(value):
                restored, number = salvage.restore((name, index))
                original = spec[str(restored)][number]
                assert member == original if isinstance(member, str) else isinstance(original, dict)
        else:
            assert value == spec[name]
