"""What an acknowledgement may say, beside what is declared and the day: offline."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from reconciler.diagnostics import Address
from reconciler.directives.acknowledgement import list_deferrals
from reconciler.errors import InvalidError, RefusedError
from reconciler.kinds.registry import KINDS
from reconciler.manifests.load import LoadedManifests, load_manifests
from tests.support.declared_targets import declare_targets

TODAY = date(2026, 11, 22)
TARGETS = declare_targets({"command": "keyfactor", "other": "keyfactor", "csms": "csms"})
DECLARED = """\
apiVersion: reconciler/v1
kind: SecurityRole
metadata: {name: PKI/Operators, target: command}
spec: {description: one}
---
apiVersion: reconciler/v1
kind: SecurityRole
metadata: {name: PKI/Operators, target: other}
spec: {description: two}
---
apiVersion: reconciler/v1
kind: RequestDenial
metadata: {name: denial, target: command}
spec: {requests: [{id: 1, commonName: a}]}
"""
ROLE = "object: SecurityRole/PKI/Operators"
WHY = "reason: INC-1"


def write_acknowledgements(*specs: str) -> str:
    """Return documents with these specs, named `a`, `b`, ...; what stands before a bar goes into the metadata."""
    documents = []
    for name, spec in zip("abcdefgh", specs, strict=False):
        more, _, rest = spec.rpartition("|")
        documents.append(
            f"apiVersion: reconciler/v1\nkind: Acknowledgement\nmetadata: {{name: {name}{more}}}\nspec: {{{rest}}}\n"
        )
    return "---\n".join(documents)


def load(folder: Path, *specs: str, declared: str = DECLARED) -> LoadedManifests:
    (folder / "a.yaml").write_text(declared)
    (folder / "acks.yaml").write_text(write_acknowledgements(*specs))
    return load_manifests([folder], kinds=KINDS, targets=TARGETS, base=folder, today=TODAY)


# Specs; the parts of what is wrong, problem by problem, and of what is only told.
ROWS: dict[str, tuple[tuple[str, ...], list[str], list[str]]] = {
    "all of an object, for as long as may be": ((f"{ROLE}, until: 2027-05-21, {WHY}",), [], []),
    "a day too long": (
        (f"{ROLE}, until: 2027-05-22, {WHY}",),
        ["acks.yaml:4:51: 2027-05-22 is more than 180 days ahead; ... write 2027-05-21 at the latest"],
        [],
    ),
    "eight days to go": ((f"{ROLE}, until: 2026-11-30, {WHY}",), [], []),
    "seven days to go": (
        (f"{ROLE}, until: 2026-11-29, {WHY}",),
        [],
        ["acks.yaml:4:51: ... ends on 2026-11-29, in 7 days"],
    ),
    "the last day": ((f"{ROLE}, until: 2026-11-23, {WHY}",), [], ["ends on 2026-11-23, tomorrow; ... count again"]),
    "its day has come": (
        (f"{ROLE}, until: 2026-11-22, {WHY}",),
        [],
        ["ended on 2026-11-22; the differences count again"],
    ),
    "its day has come, and another goes on": (
        (f"{ROLE}, fields: [claims], until: 2026-11-22, {WHY}", f"{ROLE}, until: 2026-12-24, {WHY}"),
        [],
        ["ended on 2026-11-22; another one is in force; remove the document"],
    ),
    "its day has come, and another goes on with a part": (
        (f"{ROLE}, until: 2026-11-22, {WHY}", f"{ROLE}, fields: [claims], until: 2026-12-24, {WHY}"),
        [],
        ["ended on 2026-11-22; the differences count again"],
    ),
    "what it is about is nowhere declared, and the end is near": (
        tuple(f"object: SecurityRole/None, until: 2026-11-{day}, {WHY}" for day in (20, 25)),
        [],
        ["no document declares SecurityRole/None", "no document declares SecurityRole/None"],
    ),
    "what it is about is nowhere declared": (
        (f"object: SecurityRole/PKI-Operators, until: 2027-01-01, {WHY}",),
        [],
        ['acks.yaml:4:16: no document declares SecurityRole/PKI-Operators; ... did you mean "PKI/Operators"?'],
    ),
    "it is declared for another target": (
        (f", target: csms|{ROLE}, until: 2027-01-01, {WHY}",),
        [],
        ["no document declares SecurityRole/PKI/Operators for target csms"],
    ),
    "for several targets, told once": (
        (f", targets: [command, other]|{ROLE}, until: 2026-11-23, {WHY}",),
        [],
        ["acks.yaml:4:51: ... ends on 2026-11-23, tomorrow"],
    ),
    "it is declared for none of its targets": (
        (f", targets: [command, other]|object: SecurityRole/None, until: 2027-01-01, {WHY}",),
        [],
        ["no document declares SecurityRole/None for target command and 1 more; ..."],
    ),
    "two of them for targets that they share": (
        (
            f", targets: [command, other]|{ROLE}, until: 2027-01-01, {WHY}",
            f", targets: [other, command]|{ROLE}, until: 2027-01-02, {WHY}",
            f", target: csms|{ROLE}, until: 2027-01-02, {WHY}",
        ),
        ['acks.yaml:9:16: SecurityRole/PKI/Operators is already acknowledged by "a" at acks.yaml:1:1; ...'],
        [],
    ),
    "its target is unknown": (
        (f", target: nowhere|{ROLE}, until: 2027-01-01, {WHY}",),
        ['unknown target "nowhere"'],
        [],
    ),
    "of no kind": (
        (f"object: Role/x, until: 2027-01-01, {WHY}",),
        ['acks.yaml:4:16: no object is of a kind "Role"; nothing would be acknowledged; ...'],
        [],
    ),
    "of no object": ((f"object: SecurityRole, until: 2027-01-01, {WHY}",), ["... is no object; ... KIND/NAME"], []),
    "of itself": (
        (f"object: Acknowledgement/a, until: 2027-01-01, {WHY}",),
        ['no object is of a kind "Acknowledgement"'],
        [],
    ),
    "a field that the kind does not have": (
        (f"{ROLE}, fields: [permissions, rights], until: 2027-01-01, {WHY}",),
        ['acks.yaml:4:66: SecurityRole has no field "rights" that could differ'],
        [],
    ),
    "a field that says how others are meant": (
        (f"{ROLE}, fields: [additive], until: 2027-01-01, {WHY}",),
        ['SecurityRole has no field "additive" that could differ'],
        [],
    ),
    "a field of what goes as a whole": (
        (f"object: RequestDenial/denial, fields: [requests], until: 2027-01-01, {WHY}",),
        ["RequestDenial has no field that could be left alone by itself; ... leave out `fields`"],
        [],
    ),
    "a field twice": (
        (f"{ROLE}, fields: [claims, claims], until: 2027-01-01, {WHY}",),
        ['acks.yaml:4:61: "claims" is listed twice'],
        [],
    ),
    "no day": ((f"{ROLE}, {WHY}",), ["until ... missing"], []),
    "no reason": ((f"{ROLE}, until: 2027-01-01",), ["reason ... missing"], []),
    "a blank reason": ((f"{ROLE}, until: 2027-01-01, reason: ' '",), ["starts or ends with blanks"], []),
    "a moment in the place of a day": ((f"{ROLE}, until: 2027-01-01T00:00:00Z, {WHY}",), ["until"], []),
    "a former name": (
        (f", renamedFrom: x|{ROLE}, until: 2027-01-01, {WHY}",),
        ["renamedFrom is for kinds whose objects can be renamed"],
        [],
    ),
    "one object twice": (
        (f"{ROLE}, until: 2027-01-01, {WHY}", f"{ROLE}, until: 2027-02-01, {WHY}"),
        ['acks.yaml:9:16: SecurityRole/PKI/Operators is already acknowledged by "a" at acks.yaml:1:1'],
        [],
    ),
    "a field beside the whole": (
        (f"{ROLE}, until: 2027-01-01, {WHY}", f"{ROLE}, fields: [claims], until: 2027-02-01, {WHY}"),
        ["claims of SecurityRole/PKI/Operators is already acknowledged"],
        [],
    ),
    "one field of several": (
        (
            f"{ROLE}, fields: [claims, description], until: 2027-01-01, {WHY}",
            f"{ROLE}, fields: [permissions, claims], until: 2027-02-01, {WHY}",
        ),
        ["claims of SecurityRole/PKI/Operators is already acknowledged"],
        [],
    ),
    "other fields": (
        (
            f"{ROLE}, fields: [claims], until: 2027-01-01, {WHY}",
            f"{ROLE}, fields: [description], until: 2027-02-01, {WHY}",
        ),
        [],
        [],
    ),
    "each on its target": (
        (f", target: command|{ROLE}, until: 2027-01-01, {WHY}", f", target: other|{ROLE}, until: 2027-01-01, {WHY}"),
        [],
        [],
    ),
    "one after the other": (
        (f"{ROLE}, until: 2026-11-01, {WHY}", f"{ROLE}, until: 2027-02-01, {WHY}"),
        [],
        ["ended on 2026-11-01"],
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_what_may_be_acknowledged(row: str, tmp_path: Path) -> None:
    """Everything that is wrong at once, at its place; what is only told stops nothing."""
    specs, problems, notes = ROWS[row]
    messages, note_messages = [], []
    try:
        note_messages = [str(note) for note in load(tmp_path, *specs).notes]
    except InvalidError as error:
        messages = [str(problem) for problem in error.problems]
    for texts, expected in ((messages, problems), (note_messages, notes)):
        assert len(texts) == len(expected), texts
        for text, fragments in zip(texts, expected, strict=True):
            assert all(fragment.strip() in text for fragment in fragments.split("...")), text


def test_it_is_about_each_target_or_about_one(tmp_path: Path) -> None:
    """By the very name, and while it is in force."""
    about_all = load(tmp_path, f"{ROLE}, until: 2026-11-23, {WHY}")
    about_one = load(tmp_path, f", targets: [other, csms]|{ROLE}, fields: [description], until: 2026-11-23, {WHY}")
    targets = [
        [address.target for address in list_deferrals(loaded.directives, loaded.documents, day)]
        for loaded in (about_all, about_one)
        for day in (TODAY, date(2026, 11, 23))
    ]
    assert targets == [["command", "other"], [], ["other"], []]
    (deferral,) = list_deferrals(about_one.directives, about_one.documents, TODAY)[
        Address("other", "SecurityRole", "PKI/Operators")
    ]
    assert (deferral.name, deferral.fields, deferral.until) == ("a", ("description",), date(2026, 11, 23))
    assert str(deferral.source) == "acks.yaml:1:1"


def test_it_is_a_part_of_what_is_declared_and_declares_nothing(tmp_path: Path) -> None:
    """The digest of the manifests covers it; names are there once; it alone is an empty set."""
    digests = [load(tmp_path, f"{ROLE}, until: 2027-01-0{day}, {WHY}").digest for day in "12"]
    assert len({*digests, load(tmp_path).digest}) == 3
    assert all(document.address.kind != "Acknowledgement" for document in load(tmp_path).documents)
    with pytest.raises(RefusedError, match="2 files hold no object of a server"):
        load(tmp_path, f"{ROLE}, until: 2027-01-01, {WHY}", declared="")
    twice = write_acknowledgements(f", target: other|{ROLE}, until: 2027-01-01, {WHY}")
    with pytest.raises(InvalidError, match=r'Acknowledgement "a" is already declared at a\.yaml:18:18'):
        load(tmp_path, f", target: command|{ROLE}, until: 2027-01-01, {WHY}", declared=f"{DECLARED}---\n{twice}")


def test_one_with_errors_stops_even_what_it_is_not_about(tmp_path: Path) -> None:
    """Without it a run would send what somebody wants left alone."""
    (tmp_path / "a.yaml").write_text(DECLARED)
    (tmp_path / "acks.yaml").write_text(write_acknowledgements(f"{ROLE}, until: never, {WHY}"))
    with pytest.raises(InvalidError, match="until"):
        load_manifests(
            [tmp_path], kinds=KINDS, targets=TARGETS, base=tmp_path, is_selected=lambda _: False, today=TODAY
        )
