"""Layers of an environment: what a patch changes, what its words do, whose line decided, and what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.errors import InvalidError
from reconciler.kinds.kind import Wanted
from reconciler.kinds.registry import KINDS
from reconciler.manifests.declared_target import DeclaredTarget, DeclaredTargets
from reconciler.manifests.load import LoadedManifests, load_manifests
from tests.support.toy_kinds import write

TARGETS = {name: DeclaredTarget(api) for name, api in (("command", "keyfactor"), ("csms", "csms"))}
TWO = {name: DeclaredTarget("csms", {"region": name, "env": "prod"}) for name in ("eu", "us")}


class Layer(NamedTuple):
    """A layer as the settings have it."""

    name: str
    folder: Path


def load_layers(
    folder: Path, texts: Sequence[str | Mapping[str, str]], targets: DeclaredTargets = TARGETS
) -> LoadedManifests:
    """Load layers called 0, 1 and so on, each one file `a.yaml` or several."""
    layers = []
    for number, text in enumerate(texts):
        files = {"a.yaml": text} if isinstance(text, str) else text
        layers.append(Layer(str(number), write(folder / str(number), files)))
        layers[-1].folder.mkdir(exist_ok=True)
    return load_manifests([], kinds=KINDS, targets=targets, base=folder, layers=layers, may_be_empty=True)


def find_complaints(
    folder: Path, texts: Sequence[str | Mapping[str, str]], targets: DeclaredTargets = TARGETS
) -> list[str]:
    """Return the problems of layers as they are printed."""
    try:
        load_layers(folder, texts, targets)
    except InvalidError as error:
        return [str(problem) for problem in error.problems]
    return []


def document(kind: str, spec: object, name: str = "x", **others: Any) -> str:
    """Return a document, its spec in flow style on line 4."""
    metadata = {"name": name, **others.pop("metadata", {})}
    lines = ["apiVersion: reconciler/v1", f"kind: {kind}", f"metadata: {json.dumps(metadata)}"]
    lines += [f"{word}: {json.dumps(value)}" for word, value in {"spec": spec, **others}.items() if value is not None]
    return "\n".join(lines) + "\n"


def list_spec(wanted: Wanted) -> Any:
    """Return what a document declares, plainly."""
    return json.loads(wanted.spec.model_dump_json(by_alias=True, exclude_unset=True))


A, B = {"type": "OAuthRole", "value": "a", "provider": "P"}, {"type": "OAuthRole", "value": "b", "provider": "P"}
TOPIC = {"targetType": "SMN", "targetId": "urn:smn:cn-north-4:0123:pki", "targetName": "pki"}
QUERY = {"query": 'IssuedCN -eq "a"'}
MERGES: dict[str, tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "a field replaces a field": (
        "SecurityRole",
        {"description": "d", "permissionSet": "Global"},
        {"description": "e"},
        {"description": "e", "permissionSet": "Global"},
    ),
    "a list replaces a list": ("SecurityRole", {"claims": [A]}, {"claims": [B]}, {"claims": [B]}),
    "an additive list gains": (
        "SecurityRole",
        {"claims": [A], "permissions": ["/a/"]},
        {"claims": [B, A], "permissions": ["/b/"], "additive": ["claims"]},
        {"claims": [A, B], "permissions": ["/b/"]},
    ),
    "what an earlier layer says of the server's lists stays": (
        "SecurityRole",
        {"claims": [A], "additive": ["claims"]},
        {"claims": [B]},
        {"claims": [B], "additive": ["claims"]},
    ),
    "a field is unmanaged again": (
        "SecurityRole",
        {"description": "d", "claims": [A], "additive": ["claims"]},
        {"unset": ["claims"]},
        {"description": "d"},
    ),
    "what is cleared is unmanaged again": (
        "SecurityRole",
        {"description": "d", "clear": ["claims", "emailAddress"]},
        {"unset": ["claims"]},
        {"description": "d", "clear": ["emailAddress"]},
    ),
    "a mapping changes member by member": (
        "SecretEvent",
        {"state": "ENABLED", "notification": TOPIC},
        {"notification": {"targetName": "q"}},
        {"state": "ENABLED", "notification": TOPIC | {"targetName": "q"}},
    ),
    "a member is unmanaged again": (
        "SecretEvent",
        {"notification": TOPIC},
        {"unset": ["notification.targetName", "notification.targetType"]},
        {"notification": {"targetId": TOPIC["targetId"]}},
    ),
    "a mapping goes with its last member": (
        "SecretEvent",
        {"state": "ENABLED", "notification": {"targetName": "q"}},
        {"unset": ["notification.targetName"]},
        {"state": "ENABLED"},
    ),
    "a topic displaces what it stands for": (
        "SecretEvent",
        {"state": "ENABLED", "notification": TOPIC},
        {"notification": {"topic": "t"}},
        {"state": "ENABLED", "notification": {"topic": "t"}},
    ),
    "another way to choose certificates displaces the first": (
        "CertificateOwner",
        {"owner": "o", "certificates": {**QUERY, "except": {"ids": [3]}}},
        {"certificates": {"ids": [1]}},
        {"owner": "o", "certificates": {"ids": [1]}},
    ),
    "a list in a mapping gains": (
        "CertificateOwner",
        {"owner": "o", "certificates": {"ids": [1]}},
        {"certificates": {"ids": [2]}, "additive": ["certificates.ids"]},
        {"owner": "o", "certificates": {"ids": [1, 2]}},
    ),
    "clear displaces an owner": (
        "CertificateOwner",
        {"owner": "o", "certificates": QUERY},
        {"clear": ["owner"]},
        {"clear": ["owner"], "certificates": QUERY},
    ),
    "an owner displaces clear": (
        "CertificateOwner",
        {"clear": ["owner"], "certificates": QUERY},
        {"owner": "o"},
        {"owner": "o", "certificates": QUERY},
    ),
    "a container displaces a collection": (
        "CertificateOwner",
        {"owner": "o", "certificates": QUERY, "collection": "c"},
        {"container": 3},
        {"owner": "o", "certificates": QUERY, "container": 3},
    ),
    "a pattern displaces requests": (
        "RequestDenial",
        {"requests": [{"id": 1, "commonName": "c"}], "comment": "no"},
        {"match": {"commonName": "d"}},
        {"match": {"commonName": "d"}, "comment": "no"},
    ),
    "a text displaces an exact one": (
        "RequestDenial",
        {"match": {"commonName": {"exact": "*"}, "template": "t"}},
        {"match": {"commonName": "d"}},
        {"match": {"commonName": "d", "template": "t"}},
    ),
    "a field that is given is no longer cleared": (
        "SecurityRole",
        {"clear": ["claims", "emailAddress"]},
        {"claims": [A]},
        {"claims": [A], "clear": ["emailAddress"]},
    ),
    "a field that is cleared is no longer given": (
        "EventHandler",
        {"className": "A", "displayName": "d", "enabled": True},
        {"clear": ["displayName"]},
        {"className": "A", "enabled": True, "clear": ["displayName"]},
    ),
    "a patch that says nothing changes nothing": ("EventHandler", {"className": "A", "enabled": True}, {}, {}),
}


def test_a_patch_changes_what_it_says(tmp_path: Path) -> None:
    """Everything else of the earlier layers stays; the words stand in the spec or beside it."""
    for number, (says, (kind, low, high, merged)) in enumerate(MERGES.items()):
        words = {word: high[word] for word in ("additive", "unset") if word in high}
        outside = {name: value for name, value in high.items() if name not in words}
        for place, patch in enumerate((document(kind, high), document(kind, outside or None, **words))):
            if place and not words:
                continue
            loaded = load_layers(tmp_path / f"{number}.{place}", [document(kind, low), patch])
            assert [list_spec(wanted) for wanted in loaded.documents] == [merged or low], says


FAULTS: dict[str, tuple[Sequence[str], list[str]]] = {
    "an additive list that nobody declared": (
        [
            document("SecurityRole", {"description": "d"}),
            document("SecurityRole", {"claims": [A], "additive": ["claims"]}),
        ],
        ["1/a.yaml:4: additive names claims, which no earlier layer declares"],
    ),
    "an additive list that the patch lacks": (
        [document("SecurityRole", {"claims": [A]}), document("SecurityRole", {"additive": ["claims"]})],
        ["1/a.yaml:4: additive names claims, which this patch doesn't give"],
    ),
    "nothing to unset": (
        [document("SecurityRole", {"claims": [A]}), document("SecurityRole", None, unset=["clams", "claims"])],
        ["1/a.yaml:4: declares nothing to manage", "1/a.yaml:4: unset names clams, which no earlier layer declares"],
    ),
    "unset and declared": (
        [
            document("SecurityRole", {"claims": [A]}),
            document("SecurityRole", {"unset": ["claims"], "claims": [B]}),
        ],
        ["1/a.yaml:4: unset names claims, which this patch declares as well"],
    ),
    "words that are no lists": (
        [document("SecurityRole", {"claims": [A]}), document("SecurityRole", {"unset": "claims", "additive": [1]})],
        ["1/a.yaml:4: unset is no list of fields", "1/a.yaml:4: additive is no list of fields"],
    ),
    "words in both places": (
        [document("SecurityRole", {"claims": [A]}), document("SecurityRole", {"unset": ["a"]}, unset=["a"])],
        ["1/a.yaml:5: unset is said both in the spec and beside it"],
    ),
    "words in the lowest layer": (
        [document("SecurityRole", {"claims": [A], "unset": ["claims"]}, remove=False)],
        ["0/a.yaml:4: unset is a word of a patch, and no earlier", "0/a.yaml:5: remove is a word of a patch"],
    ),
    "nothing to remove": (
        [document("SecurityRole", {"claims": [A]}, "y"), document("SecurityRole", None, remove=True)],
        ["1/a.yaml:4: remove is a word of a patch, and no earlier layer declares this object"],
    ),
    "removed twice": (
        [
            document("SecurityRole", {"claims": [A]}),
            document("SecurityRole", None, remove=True),
            document("SecurityRole", {"remove": True}),
        ],
        ["2/a.yaml:4: remove is a word of a patch"],
    ),
    "remove that is not true": (
        [document("SecurityRole", {"claims": [A]}), document("SecurityRole", None, remove=False)],
        ["1/a.yaml:4: remove is there and is not true"],
    ),
    "remove with something beside it": (
        [
            document("SecurityRole", {"claims": [A]}),
            document("SecurityRole", {"claims": [A]}, remove=True, metadata={"labels": {"a": "b"}}),
        ],
        ['1/a.yaml:3: "labels" stands beside remove', '1/a.yaml:4: "claims" stands beside remove'],
    ),
    "two patches in a layer": (
        [
            document("SecurityRole", {"claims": [A]}),
            document("SecurityRole", {"description": "a"}) + "---\n" + document("SecurityRole", {"description": "b"}),
        ],
        ['1/a.yaml:8: SecurityRole "x" is already declared at 1/a.yaml:3'],
    ),
    "removed and declared in a layer": (
        [
            document("SecurityRole", {"claims": [A]}),
            document("SecurityRole", None, remove=True) + "---\n" + document("SecurityRole", {"claims": [B]}),
        ],
        ['1/a.yaml:8: SecurityRole "x" is already declared at 1/a.yaml:3'],
    ),
    "one object under two names": (
        [
            document("EventHandler", {"className": "A", "enabled": True}),
            document("EventHandler", {"className": "A", "enabled": False}, "y"),
        ],
        ['1/a.yaml:4: A is already managed by "x" at 0/a.yaml:4'],
    ),
    "a wrong field of a patch": (
        [document("SecretEvent", {"state": "ENABLED"}), document("SecretEvent", {"state": "on", "stat": 1})],
        ["1/a.yaml:4: unknown state", '1/a.yaml:4: unknown field "stat"'],
    ),
    "a wrong field below a patch": (
        [document("SecretEvent", {"state": "on"}), document("SecretEvent", {"eventTypes": ["SECRET_ROTATED"]})],
        ["0/a.yaml:4: "],
    ),
    "a patch without its version": (
        [document("SecretEvent", {"state": "ENABLED"}), "kind: SecretEvent\nmetadata: {name: x}\nspec: {}\n"],
        ["1/a.yaml:1: apiVersion is missing"],
    ),
    "a patch for a target that isn't there": (
        [
            document("SecretEvent", {"state": "ENABLED"}),
            document("SecretEvent", {"state": "DISABLED"}, metadata={"target": "csm"}),
        ],
        ['1/a.yaml:3: unknown target "csm"'],
    ),
}


@pytest.mark.parametrize("says", FAULTS)
def test_what_is_wrong_with_a_patch_is_told_at_its_line(says: str, tmp_path: Path) -> None:
    """Each at the line that is to be mended, all at once, and with what to do."""
    layers, expected = FAULTS[says]
    complaints = find_complaints(tmp_path, layers)
    assert len(complaints) == len(expected), complaints
    for complaint, beginning in zip(complaints, expected, strict=True):
        place, words = beginning.split(": ", 1)
        assert complaint.startswith(f"{place}:"), complaints
        assert words in complaint, complaints
        assert ";" in complaint


def test_of_a_merged_document_the_layers_are_named(tmp_path: Path) -> None:
    """Who reads what is wrong with it knows where to look for the rest; and a clash says how to patch."""
    base, other = document("SecurityRole", {"claims": [A]}), document("SecurityRole", {"claims": [A, A]})
    assert "0 and 1 say together" in find_complaints(tmp_path / "a", [base, other])[0]
    assert "together" not in find_complaints(tmp_path / "b", [other])[0]
    handlers = [document("EventHandler", {"className": "A", "enabled": True}, name) for name in "xy"]
    assert "the same name, so that it is a patch" in find_complaints(tmp_path / "c", handlers)[0]
    assert "the same name" not in find_complaints(tmp_path / "d", ["---\n".join(handlers)])[0]


def test_a_removed_document_is_gone_and_can_come_anew(tmp_path: Path) -> None:
    """Removal is about the documents of earlier layers; a later one may declare the object as if it were new."""
    base, gone = (
        document("SecurityRole", {"description": "d", "claims": [A]}),
        document("SecurityRole", {"remove": True}),
    )
    assert load_layers(tmp_path / "a", [base, gone]).documents == ()
    anew = load_layers(tmp_path / "b", [base, gone, document("SecurityRole", {"claims": [B], "additive": ["claims"]})])
    assert [list_spec(wanted) for wanted in anew.documents] == [{"claims": [B], "additive": ["claims"]}]


def test_labels_merge_and_targets_are_those_of_the_patch(tmp_path: Path) -> None:
    """A patch that names a target is for that one alone; where nobody has the object there, it is a whole document."""
    base = document("SecretEvent", {"state": "ENABLED"}, metadata={"target": "eu", "labels": {"a": "1", "b": "2"}})
    patch = document("SecretEvent", {"state": "DISABLED"}, metadata={"labels": {"b": "3", "c": "4"}})
    other = document("SecretEvent", {"eventTypes": ["SECRET_ROTATED"]}, metadata={"target": "us"})
    loaded = load_layers(tmp_path, [base, {"a.yaml": patch, "b.yaml": other}], TWO)
    found = {wanted.address.target: (list_spec(wanted), wanted.labels) for wanted in loaded.documents}
    assert found == {
        "eu": ({"state": "DISABLED"}, {"a": "1", "b": "3", "c": "4"}),
        "us": ({"eventTypes": ["SECRET_ROTATED"]}, {}),
    }


def test_a_patch_for_some_targets_leaves_the_others_as_they_are(tmp_path: Path) -> None:
    """One document for many targets may be patched on all of them, on those with a label, and removed on one."""
    base = document("SecretEvent", {"state": "ENABLED"}, metadata={"targets": {"env": "prod"}})
    layers = [
        base,
        document("SecretEvent", {"eventTypes": ["SECRET_ROTATED"]}),
        document("SecretEvent", {"state": "DISABLED"}, metadata={"targets": {"region": ["us", "ap"]}}),
        document("SecretEvent", None, metadata={"target": "eu"}, remove=True),
    ]
    found = [
        {
            wanted.address.target: list_spec(wanted)
            for wanted in load_layers(tmp_path / str(end), layers[:end], targets).documents
        }
        for end in range(1, 5)
        for targets in [TWO | {"ap": DeclaredTarget("csms", {"region": "ap"})}]
    ]
    rotated = {"state": "ENABLED", "eventTypes": ["SECRET_ROTATED"]}
    off = rotated | {"state": "DISABLED"}
    assert found[:2] == [{name: {"state": "ENABLED"} for name in ("eu", "us")}, dict.fromkeys(("eu", "us"), rotated)]
    assert found[2:] == [
        {"ap": {"state": "DISABLED"}, "eu": rotated, "us": off},
        {"ap": {"state": "DISABLED"}, "us": off},
    ]
    partly = [base, document("SecretEvent", {"unset": ["state"]}, metadata={"targets": ["ap", "eu"]})]
    (complaint,) = find_complaints(tmp_path / "p", partly, TWO | {"ap": DeclaredTarget("csms")})
    assert "for some of its targets no earlier layer declares this object" in complaint


def test_a_value_of_the_target_is_one_scalar_of_a_patch(tmp_path: Path) -> None:
    """It replaces a text and is replaced by one; it is looked up in what the layers say together."""
    targets = {"csms": DeclaredTarget("csms", {}, {"topic": "own", "other": "more"})}
    low, high = ({"notification": TOPIC | {"targetName": {"targetValue": name}}} for name in ("other", "topic"))
    for number, (first, second, name) in enumerate(
        ((low, high, "own"), (low, {"notification": {"targetName": "q"}}, "q"))
    ):
        (wanted,) = load_layers(
            tmp_path / str(number), [document("SecretEvent", part) for part in (first, second)], targets
        ).documents
        assert wanted.spec.notification.target_name == name
        assert wanted.origin is not None
        assert wanted.origin(("spec", "notification", "targetName")).source.file == "1/a.yaml"
    wrong = find_complaints(
        tmp_path / "w", [document("SecretEvent", high), document("SecretEvent", {"state": "ENABLED"})]
    )
    assert [complaint.partition(":")[0] for complaint in wrong] == ["0/a.yaml"]


def test_a_table_lies_beside_the_layer_that_names_it(tmp_path: Path) -> None:
    """Each layer may have its own owners.csv; the field that decided says which is read."""
    low, high = (
        document("CertificateOwner", {"assignments": "o.csv"}),
        document("CertificateOwner", {}, metadata={"labels": {"a": "b"}}),
    )
    rows = [f"thumbprint,owner\n{digit * 40},Role {digit}\n" for digit in "AB"]
    layers = [{"a.yaml": low, "o.csv": rows[0]}, {"a.yaml": high, "o.csv": rows[1]}]
    for folder, texts, owner in (("a", layers, "Role A"), ("b", [layers[0], {**layers[1], "a.yaml": low}], "Role B")):
        (wanted,) = load_layers(tmp_path / folder, texts).documents
        assert list(wanted.tables["assignments"].columns["owner"]) == [owner]


def test_an_origin_is_the_line_that_decided_and_those_below_it(tmp_path: Path) -> None:
    """Nearest first; what displaces something else is over that."""
    base = "spec:\n  owner: o\n  certificates:\n    ids: [1]\n"
    texts = [base, "spec:\n  certificates:\n    ids: [2]\n", "spec:\n  clear: [owner]\n  certificates: {ids: [3]}\n"]
    head = "apiVersion: reconciler/v1\nkind: CertificateOwner\nmetadata: {name: x}\n"
    (wanted,) = load_layers(tmp_path, [head + text for text in texts]).documents
    assert wanted.origin is not None
    origins = {path: wanted.origin(("spec", *path.split("."))) for path in ("clear", "certificates.ids")}
    assert {
        path: [str(place) for place in (origin.source, *origin.overridden)] for path, origin in origins.items()
    } == {
        "clear": ["2/a.yaml:5:3", "0/a.yaml:5:10"],
        "certificates.ids": ["2/a.yaml:6:18", "1/a.yaml:6:5", "0/a.yaml:7:5"],
    }
    assert (wanted.layers, str(wanted.source)) == (("0", "1", "2"), "0/a.yaml:1:1")


NAMES = st.sampled_from(["claims", "description", "clear", "additive", "unset", "remove", "certificates", "ids", "x.y"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)
MEMBERS = st.dictionaries(NAMES, ANYTHING, max_size=4)
HOSTILE = st.fixed_dictionaries(
    {"apiVersion": st.just("reconciler/v1"), "kind": st.sampled_from(["SecurityRole", "CertificateOwner", "Waiver"])},
    optional={
        "metadata": st.just({"name": "x"}) | st.fixed_dictionaries({"name": ANYTHING, "targets": ANYTHING}) | ANYTHING,
        "spec": MEMBERS | ANYTHING,
        **dict.fromkeys(("additive", "unset", "remove"), ANYTHING),
    },
)


@settings(max_examples=60)
@given(layers=st.lists(st.lists(HOSTILE | ANYTHING, min_size=1, max_size=2), min_size=2, max_size=3))
def test_whatever_layers_hold_it_is_told(layers: list[list[Any]]) -> None:
    """Each complaint has a place in one of the files, and nothing breaks."""
    texts = ["---\n".join(f"{json.dumps(value)}\n" for value in values) for values in layers]
    with TemporaryDirectory() as folder:
        for complaint in find_complaints(Path(folder), texts):
            assert re.match(r"[012]/a\.yaml:\d+:\d+: ", complaint)


def test_one_layer_is_what_plain_manifests_are(tmp_path: Path) -> None:
    """Also where files and documents are wrong: the same documents, or the same complaints."""
    good = "---\n".join(
        document(kind, low, f"n{number}") for number, (kind, low, _, _) in enumerate(MERGES.values()) if number < 2
    )
    for name, text in {
        "good": good,
        "wrong": "x: [",
        "twice": f"{good}---\n{good}",
        "fault": document("Lamp", {}),
    }.items():
        folder = write(tmp_path / name, {"0/a.yaml": text})
        outcomes: list[object] = []
        for layers in ([], [Layer("0", folder / "0")]):
            try:
                loaded = load_manifests([folder / "0"], kinds=KINDS, targets=TARGETS, base=folder, layers=layers)
                outcomes.append((loaded.documents, loaded.digest, loaded.files))
            except InvalidError as error:
                outcomes.append(error.problems)
        assert outcomes[0] == outcomes[1], name
        assert bool(outcomes[0])
