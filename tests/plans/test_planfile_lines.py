"""The lines of a plan file: read one by one, they are judged as the whole text would be."""

from __future__ import annotations

import json
import re
from hashlib import sha256

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reconciler.errors import ReconcilerError
from reconciler.kinds.registry import KINDS
from reconciler.model import Plan
from reconciler.plans.planfile import load_plan
from reconciler.plans.serial import PLAN_FORMAT_VERSION
from tests.plans.test_planfile import PLANS, real
from tests.support.plan_files import dump, seal


def seal_bytes(data: bytes) -> bytes:
    """Put the right digest and the right seal into a file whose bytes somebody has changed."""
    approved = data[data.find(b'  "compared"') : data.rfind(b',\n  "digest"')]
    digest = sha256(b"reconciler plan digest 2\n{\n" + approved + b"\n}\n").hexdigest().encode()
    data = re.sub(rb'\n  "digest": "sha256:[0-9a-f]{64}"', rb'\n  "digest": "sha256:%s"' % digest, data)
    signed = data[: data.rfind(b',\n  "seal"')]
    mark = sha256(b"reconciler plan seal 2\n" + signed + b"\n}\n").hexdigest().encode()
    return signed + b',\n  "seal": "sha256:%s"\n}\n' % mark


def is_as_written(data: bytes) -> bool:
    """Say whether a file is exactly what the tool writes, the slow way: all of it is read, and written again."""
    try:
        return seal(json.loads(data)) == data
    except (ValueError, RecursionError, AttributeError, TypeError, KeyError):
        return False


def is_taken(data: bytes) -> bool:
    """Say whether `load_plan` takes a file for what the tool wrote, whatever it thinks of what stands in it."""
    return find_rule(data) not in {"plan.damaged", "plan.no-plan"}


def find_rule(data: bytes) -> str:
    """Return why a file is refused, "" if it is not."""
    try:
        load_plan(data, KINDS)
    except ReconcilerError as error:
        return error.problems[0].rule
    return ""


# What is changed, into what; each time the digest and the seal are made anew.
OTHERWISE_WRITTEN: dict[str, tuple[bytes | re.Pattern[bytes], bytes]] = {
    "a blank more": (b'    {"address"', b'     {"address"'),
    "a blank inside": (b'{"address":', b'{"address": '),
    "a tab": (b'    {"address"', b'\t   {"address"'),
    "a blank at the end of a line": (b"},\n    {", b"}, \n    {"),
    "a step on two lines": (b'{"address":', b'{"address":\n    '),
    "two steps on one line": (b"},\n    {", b"},{"),
    "a step on two lines, as steps are parted": (b',"action":', b',\n    "action":'),
    "a comma and a line of nothing after the last step": (b'\n  ],\n  "digest"', b',\n    \n  ],\n  "digest"'),
    "no comma between two steps": (b"},\n    {", b"}\n    {"),
    "a comma after the last step": (b'\n  ],\n  "digest"', b',\n  ],\n  "digest"'),
    "a line that is empty": (b"},\n    {", b"},\n\n    {"),
    "an end of line of another system": (b"},\n    {", b"},\r\n    {"),
    "a member twice": (b'"action":', b'"action":"create","action":'),
    "a letter as an escape": (b'"action"', b'"\\u0061ction"'),
    "a letter that is not escaped": (rb"Pr\u00fcfer", "Prüfer".encode()),
    "an escape in capitals": (rb"\u00fc", rb"\u00FC"),
    "a letter that is no UTF-8": (rb"\u00fc", b"\xfc"),
    "a number in other words": (b'"version":1', b'"version":1.0e0'),
    "what is no number": (b'"version":1', b'"version":NaN'),
    "the steps twice": (b'  "steps": [\n', b'  "steps": [],\n  "steps": [\n'),
    "other steps after them": (b'\n  ],\n  "digest"', b'\n  ],\n  "steps": [],\n  "digest"'),
    "the lines of no step": (re.compile(rb'\[\n    \{"address".*\n  \]', re.DOTALL), b"[\n  ]"),
    "no step on one line": (re.compile(rb'\[\n    \{"address".*\n  \]', re.DOTALL), b"[ ]"),
    "no step": (re.compile(rb'\[\n    \{"address".*\n  \]', re.DOTALL), b"[]"),
    "steps that have no end": (b"\n  ],\n", b"\n   ],\n"),
    "the steps elsewhere": (b'  "selection"', b'  "steps": [\n    1\n  ],\n  "selection"'),
}
TAKEN = {"no step"}


@pytest.mark.parametrize("name", OTHERWISE_WRITTEN)
def test_steps_that_are_written_otherwise_are_no_plan(name: str) -> None:
    """However right its digest and seal are: there is one way to write a plan, so that nothing hides in another."""
    old, new = OTHERWISE_WRITTEN[name]
    data = dump(real())
    changed = old.sub(lambda _: new, data) if isinstance(old, re.Pattern) else data.replace(old, new)
    assert changed != data
    assert seal_bytes(data) == data

    assert is_taken(seal_bytes(changed)) == is_as_written(seal_bytes(changed)) == (name in TAKEN)


def test_a_plan_that_was_changed_is_told_as_that_whatever_else_is_wrong_with_it() -> None:
    """A step that the tool never writes stands before one whose line was changed."""
    data = dump(real()).replace(b'"PUT"', b'"GET"').replace(b'"method":"POST"', b'"method": "POST"')

    assert not is_taken(seal_bytes(data))
    assert not is_as_written(seal_bytes(data))


PIECES = st.sampled_from(
    [b"\n", b" ", b",", b'"', b"{", b"]", b"\\", b"    ", b"},\n", b"\n  ]", b'\n  "steps": [\n', b"1"]
)


@settings(max_examples=60)
@given(PLANS, st.data())
def test_a_changed_plan_is_judged_as_its_whole_text_would_be(plan: Plan, data: st.DataObject) -> None:
    """Pieces put in, taken out and doubled anywhere, under a digest and a seal that hold."""
    file = dump(plan)
    for _ in range(data.draw(st.integers(1, 2))):
        at = data.draw(st.integers(0, len(file)))
        gone = data.draw(st.integers(0, 12))
        file = file[:at] + data.draw(PIECES | st.just(file[at : at + 40])) + file[at + gone :]
    file = seal_bytes(file)
    # Another format has other bytes, and is told as that first.
    assume(f'\n  "format_version": "{PLAN_FORMAT_VERSION}",\n'.encode() in file)

    # Of another format nothing is compared: it has other lines.
    assert find_rule(file) == "plan.other-format" or is_taken(file) == is_as_written(file)
