"""Documents edited in place: what is read back is what was meant, and every other line is as it was."""

from __future__ import annotations

import copy
import difflib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.documents.document import SourceFile
from reconciler.documents.editing.document_edits import FileEdit, edit_documents
from reconciler.documents.editing.scalar_edits import format_like
from reconciler.documents.editing.text_edits import CannotEdit
from reconciler.documents.reader import parse_documents

Change = Callable[[Any], None]


def edit(text: str, change: Change, name: str = "a.yaml", **parts: Any) -> str:
    """Return the text with its first document changed."""
    documents, problems = parse_documents(text.encode(), name)
    assert not problems
    value = copy.deepcopy(documents[0].value)
    change(value)
    return edit_documents(SourceFile(name, text), documents, FileEdit({0: value}, **parts))


def put(**fields: Any) -> Change:
    """Set fields of `spec`; None takes one away."""

    def change(value: Any) -> None:
        for name, member in fields.items():
            value["spec"].pop(name) if member is None else value["spec"].__setitem__(name, member)

    return change


CASES: dict[str, tuple[str, Change, list[str]]] = {
    # a document, what changes, and the lines that the diff takes away and adds
    "a plain value": ("spec:\n  a: one  # why\n  b: 1\n", put(a="two"), ["-  a: one  # why", "+  a: two  # why"]),
    "a value that needs quotes": ("spec: {a: one}\n", put(a="yes"), ["-spec: {a: one}", '+spec: {a: "yes"}']),
    "single quotes": ("spec:\n  a: 'p'\n", put(a="it's"), ["-  a: 'p'", "+  a: 'it''s'"]),
    "double quotes": ('spec:\n  a: "p"\n', put(a='"'), ['-  a: "p"', '+  a: "\\""']),
    "a switch": ("spec:\n  a: true\n", put(a=False), ["-  a: true", "+  a: false"]),
    "a switch for a number": ("spec: {a: 1}\n", put(a=True), ["-spec: {a: 1}", "+spec: {a: true}"]),
    "lines": ("spec:\n  a: |-\n    p\n    q\n  b: 1\n", put(a="p\n\nr"), ["-    q", "+", "+    r"]),
    "folded lines": (
        "spec:\n  a: >-  # c\n    p\n    q\n  b: 1\n",
        put(a="r s\nt"),
        ["-    p", "-    q", "+    r s", "+", "+    t"],
    ),
    "lines of another indent": (
        "spec:\n  a: |-\n      p\n",
        put(a="  q"),
        ["-  a: |-", "-      p", '+  a: "  q"'],
    ),
    "a member of a list": (
        "spec:\n  a:\n    - p  # the p\n    # about q\n    - q\n  b: 1\n",
        put(a=["q", "r"]),
        ["-    - p  # the p", "+    - r"],
    ),
    "a list that is not indented": ("spec:\n  a:\n  - p\n  - q\n", put(a=["p", "r"]), ["-  - q", "+  - r"]),
    "quotes of the neighbours": ("spec:\n  a:\n  - 'p'\n", put(a=["p", "q r"]), ["+  - 'q r'"]),
    "the first of a list": ("spec:\n  a:\n  # all\n  - b\n", put(a=["a", "b"]), ["+  - a"]),
    "a list in brackets": (
        "spec: {a: [p, q, r]}  # c\n",
        put(a=["q", "s"]),
        ["-spec: {a: [p, q, r]}  # c", "+spec: {a: [q, s]}  # c"],
    ),
    "brackets of several lines": (
        "spec:\n  a: [\n    p,  # p\n    q,\n    r  # r\n  ]\n",
        put(a=["q", "r", "s"]),
        ["-    p,  # p", "-    r  # r", "+    r,  # r", "+    s"],
    ),
    "brackets that are broken anywhere": (
        "spec:\n  a: [p, q,\n      r, s]\n",
        put(a=["p", "r"]),
        ["-  a: [p, q,", "-      r, s]", "+  a: [p, r]"],
    ),
    "all of a list in brackets": ("spec:\n  a: [p]\n", put(a=["q", "r"]), ["-  a: [p]", "+  a: [q, r]"]),
    "a field that comes": ("spec:\n  a: 1\n\n# end\n", put(b=["p"]), ["+  b: [p]"]),
    "a field that comes last of all": ("spec:\n  a: 1", put(b="p"), ["+  b: p", "+"]),
    "a field that goes": ("spec:\n  # about a\n  a: 1  # one\n  b: 2\n", put(a=None), ["-  a: 1  # one"]),
    "one for another": ("spec:\n  a: 1\n  b: [p]\n", put(b=None, c="d"), ["-  b: [p]", "+  c: d"]),
    "a mapping in a list": (
        "spec:\n  a:\n    - {t: 1, v: p}\n    - t: 2\n      v: q  # q\n",
        put(a=[{"t": 2, "v": "r"}, {"t": 3, "v": "s"}]),
        ["-    - {t: 1, v: p}", "-      v: q  # q", "+      v: r  # q", "+    - t: 3", "+      v: s"],
    ),
    "mappings in brackets": (
        "spec:\n  a:\n  - {t: 1, v: p}\n",
        put(a=[{"t": 1, "v": "p"}, {"t": 3, "v": "q, r"}]),
        ['+  - {t: 3, v: "q, r"}'],
    ),
    "the key behind a dash": (
        "spec:\n  a:\n  - t: 1\n    v: p\n",
        put(a=[{"v": "p"}]),
        ["-  - t: 1", "-    v: p", "+  - v: p"],
    ),
    "line ends of Windows": ("spec:\r\n  a: 1\r\n", put(b="p"), ["+  b: p\r"]),
}


@pytest.mark.parametrize(("text", "change", "diff"), CASES.values(), ids=CASES)
def test_only_what_changes_is_touched(text: str, change: Change, diff: list[str]) -> None:
    """The lines of the diff, in order."""
    new_text = edit(text, change)
    lines = difflib.unified_diff(text.split("\n"), new_text.split("\n"), lineterm="", n=0)
    assert [line for line in list(lines)[2:] if not line.startswith("@@")] == diff


JSON_TEXT = (
    '{\n  "spec": {\n    "a": [\n      "p",\n      "q"\n    ],\n    "b": {"c": 1, "d": [1]},\n    "e": "f"\n  }\n}\n'
)
JSON_CASES: dict[str, tuple[Change, list[str]]] = {
    "a list": (put(a=["q", "r"]), ['-      "p",', '-      "q"', '+      "q",', '+      "r"']),
    "the last of a list": (put(a=["p"]), ['-      "p",', '-      "q"', '+      "p"']),
    "a mapping": (
        put(b={"d": [1, 2], "g": "ü"}),
        ['-    "b": {"c": 1, "d": [1]},', '+    "b": {"d": [1, 2], "g": "ü"},'],
    ),
    "the last field": (put(e=None), ['-    "b": {"c": 1, "d": [1]},', '-    "e": "f"', '+    "b": {"c": 1, "d": [1]}']),
    "a new field": (put(g=True), ['-    "e": "f"', '+    "e": "f",', '+    "g": true']),
}


@pytest.mark.parametrize(("change", "diff"), JSON_CASES.values(), ids=JSON_CASES)
@pytest.mark.parametrize("indent", ["  ", "\t"])
def test_json_stays_json(change: Change, diff: list[str], indent: str) -> None:
    """Commas are put and taken as its grammar wants them, whatever it is indented with."""
    text = JSON_TEXT.replace("  ", indent)
    new_text = edit(text, change, "a.json")
    json.loads(new_text)
    lines = difflib.unified_diff(text.split("\n"), new_text.split("\n"), lineterm="", n=0)
    shown = [line for line in list(lines)[2:] if not line.startswith("@@")]
    assert shown == [line.replace("  ", indent) for line in diff]


REFUSED: dict[str, tuple[str, Change, str, dict[str, Any]]] = {
    "control characters": ("spec: {a: 1}\n", put(a="\x1b[2J"), r"U\+001B", {}),
    "an empty list": ("spec: {a: [x]}\n", put(a=[]), "nothing would be left", {}),
    "an empty block": ("spec:\n  a:\n  - x\n", put(a=[]), "nothing would be left", {}),
    "another order": ("spec: {a: [p, q]}\n", put(a=["q", "p"]), "change their order", {}),
    "comments between brackets": (
        "spec:\n  a: [p, # c\n    q, r]\n",
        put(a=["p", "r"]),
        "comments between brackets",
        {},
    ),
    "JSON takes no second document": ("[]", put(), "no further document", {"additions": ({"a": 1},)}),
}


@pytest.mark.parametrize(("text", "change", "reason", "parts"), REFUSED.values(), ids=REFUSED)
def test_what_has_no_place_is_refused(text: str, change: Change, reason: str, parts: dict[str, Any]) -> None:
    """Nothing is guessed: whoever asked is told why."""
    name = "a.json" if parts else "a.yaml"
    text = '{"spec": {"a": 1}}' if parts else text
    with pytest.raises(CannotEdit, match=reason):
        edit(text, change, name, **parts)


def test_a_document_comes_behind_the_last() -> None:
    """With the comments that were given, and with a line end where the file has none."""
    added = {"kind": "B", "spec": {"ids": [7, 8]}}
    text = edit("kind: A\nspec: {a: 1}", put(), additions=(added,), comments={8: "eight"})
    assert text == "kind: A\nspec: {a: 1}\n---\nkind: B\nspec:\n  ids:\n    - 7\n    - 8  # eight\n"


WORDS = [
    "a",
    "b c",
    "yes",
    "1",
    "a: b",
    "x#y",
    "'q'",
    '"',
    "- d",
    "é",
    "/p/q/",
    "",
    "null",
    "a,b",
    "{x}",
    " s ",
    "#h",
    "l\nm",
]
SCALARS = st.sampled_from(WORDS) | st.booleans() | st.integers(0, 99)
MAPPINGS = st.dictionaries(st.sampled_from("tuvw"), SCALARS, min_size=1, max_size=4)
VALUES = (
    SCALARS
    | st.lists(st.sampled_from(WORDS), min_size=1, max_size=5, unique=True)
    | st.lists(MAPPINGS, min_size=1, max_size=3, unique_by=json.dumps)
)
SPECS = st.dictionaries(st.sampled_from(["a", "b", "c", "d", "e"]), VALUES | MAPPINGS, min_size=1, max_size=5)


def try_to_edit(text: str, change: Change) -> tuple[str, str]:
    """Return the new text, or "" and why there is none."""
    try:
        return edit(text, change), ""
    except CannotEdit as reason:
        return "", str(reason)


class Writer:
    """Writes a value in styles that are drawn, with a comment of its own behind each line of a block."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data
        self.lines: list[str] = []
        self.comments: dict[tuple[Any, ...], str] = {}

    def scalar(self, value: Any) -> str:
        style = self.data.draw(st.sampled_from(["", "'", '"']))
        return format_like(value, style, is_json=False)

    def flow(self, value: Any) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{key}: {self.flow(member)}" for key, member in value.items()) + "}"
        return "[" + ", ".join(map(self.flow, value)) + "]" if isinstance(value, list) else self.scalar(value)

    def add(self, text: str, path: tuple[Any, ...]) -> None:
        self.comments[path] = f"# {len(self.lines)};"
        self.lines.append(f"{text}  {self.comments[path]}")

    def block(self, head: str, indent: str, value: Any, path: tuple[Any, ...]) -> None:
        """Write `head` (a key or a dash) with its value."""
        if not isinstance(value, dict | list) or self.data.draw(st.booleans()):
            self.add(f"{head} {self.flow(value)}", path)
            return
        if self.data.draw(st.booleans()):
            self.lines.append(f"{indent}# own {len(self.lines)};")
        members = list(value.items() if isinstance(value, dict) else enumerate(value))
        if head.endswith(":"):
            self.lines.append(f"{head}  # own {len(self.lines)};")
            inner, first = f"{indent}  ", f"{indent}  "
        else:
            inner, first = f"{indent}  ", f"{head} "
        for key, member in members:
            sign = f"{key}:" if isinstance(value, dict) else "-"
            self.block(f"{first}{sign}", inner, member, (*path, key))
            first = inner


@settings(max_examples=150)
@given(old=SPECS, new=SPECS, data=st.data())
def test_any_value_becomes_any_other(old: dict[str, Any], new: dict[str, Any], data: st.DataObject) -> None:
    """What is read back is what was meant; the comments of all that stays, and those on lines of their own, stay."""
    writer = Writer(data)
    writer.block("spec:", "", old, ("spec",))
    text = "\n".join(writer.lines) + "\n"
    new = {name: _order_like(old.get(name), value) for name, value in new.items()}
    kept = {name: new[name] for name in old if name in new} | new
    new_text, reason = try_to_edit(text, lambda value: value.update(spec=kept))
    if reason:
        assert reason in {"nothing would be left of it", "it stands on one line with something that stays"}
        return
    (document,), problems = parse_documents(new_text.encode(), "a.yaml")
    assert not problems
    assert document.value == {"spec": kept}
    for path, comment in writer.comments.items():
        if _has_place(path, old, kept):
            assert comment in new_text
    assert new_text.count("# own") == text.count("# own") or _takes_blocks(old, kept)


def _order_like(old: Any, new: Any) -> Any:
    """Return a list with the members that stay in the order that they have."""
    if not isinstance(old, list) or not isinstance(new, list):
        return new
    stays = iter([member for member in old if member in new])
    return [next(stays) if member in old else member for member in new]


def _has_place(path: tuple[Any, ...], old: Any, new: Any) -> bool:
    """Say whether a field of the spec, or a text of one of its lists, is the same in both."""
    if len(path) == 2:
        return path[1] in new and new[path[1]] == old[path[1]]
    if len(path) == 3 and isinstance(old[path[1]], list) and isinstance(new.get(path[1]), list):
        return old[path[1]][path[2]] in new[path[1]]
    return len(path) > 2 and path[1] in new and new[path[1]] == old[path[1]]


def _takes_blocks(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Say whether a whole block goes, and so whatever stands in it."""
    return any(isinstance(value, dict | list) and new.get(name) != value for name, value in old.items())
