"""Texts of several lines: one rule for those of all kinds."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from reconciler.kinds.registry import KINDS

CLAIM = {"type": "User", "value": "v", "provider": "p"}
TEXTS: dict[str, Any] = {
    "a role's description": lambda text: ("SecurityRole", {"description": text}),
    "a claim's description": lambda text: ("SecurityRole", {"claims": [{**CLAIM, "description": text}]}),
    "a denial's comment": lambda text: ("RequestDenial", {"match": {"template": "x"}, "comment": text}),
}
TEXTS_OF_ONE_LINE: dict[str, Any] = {
    "a claim's value": lambda text: ("SecurityRole", {"claims": [{**CLAIM, "value": text}]}),
    "a claim's provider": lambda text: ("SecurityRole", {"claims": [{**CLAIM, "provider": text}]}),
    "a permission set": lambda text: ("SecurityRole", {"permissionSet": text}),
    "a permission": lambda text: ("SecurityRole", {"permissions": [text]}),
    "an address": lambda text: ("SecurityRole", {"emailAddress": text}),
    "a handler's class": lambda text: ("EventHandler", {"className": text, "enabled": True}),
    "a handler's name": lambda text: ("EventHandler", {"className": "c", "displayName": text}),
    "an owner": lambda text: ("CertificateOwner", {"owner": text, "certificates": {"ids": [1]}}),
    "a collection": lambda text: ("CertificateOwner", {"owner": "o", "certificates": {"ids": [1]}, "collection": text}),
    "a query": lambda text: ("CertificateOwner", {"owner": "o", "certificates": {"query": text}}),
    "a requester": lambda text: ("RequestDenial", {"match": {"requester": text}}),
    "a topic": lambda text: ("SecretEvent", {"notification": {"targetName": text}}),
}


def is_taken(kind: str, spec: dict[str, Any]) -> bool:
    try:
        KINDS[kind].spec.load(spec)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(
    ("value", "taken"),
    [
        ("one\ntwo", True),
        ("with\u00a0a no-break space", True),
        ("one\n", False),
        ("one\n\n", False),
        ("\none", False),
        (" one", False),
        ("one\u00a0", False),
    ],
)
def test_texts_of_several_lines_have_one_rule(text: str, value: str, *, taken: bool) -> None:
    """Lines inside are taken, what stands around them is not."""
    assert is_taken(*TEXTS[text](value)) is taken


@pytest.mark.parametrize("text", TEXTS_OF_ONE_LINE)
@pytest.mark.parametrize("blank", ["\t", "\n", "\r\n", "\u00a0", "\u2003", "\u3000", "\u0085", "\u2028"])
def test_a_text_of_one_line_takes_no_blank_but_a_space(text: str, blank: str) -> None:
    """Wherever it stands."""
    for value in (f"a{blank}b", f"a{blank}", f"{blank}a"):
        assert not is_taken(*TEXTS_OF_ONE_LINE[text](value))


@pytest.mark.parametrize("day", ["2027-W05-7", "2027W057", "20270131", "2027-031", "2027-1-31", "2027-01-32", ""])
def test_a_day_has_one_form(day: str) -> None:
    """A week's day is read by Python, and by nobody who looks for a date."""
    assert is_taken("RequestDenial", {"match": {"template": "x"}, "expires": "2027-01-31"})
    assert not is_taken("RequestDenial", {"match": {"template": "x"}, "expires": day})
