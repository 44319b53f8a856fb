"""Who gains and who loses rights, in a report: in few lines, and without secrets."""

from __future__ import annotations

import pytest

from reconciler.model import Coverage, Plan
from reconciler.plans.masking import SecretMasker
from reconciler.plans.stored_rights import decode_rights_change, encode_rights_change
from reconciler.reports.rights import MAX_RIGHTS_LINES, render_rights
from reconciler.reports.text import render_plan
from reconciler.rights import Principal, RightsChange


def make_change(number: int, *, is_escalating: bool = False) -> RightsChange:
    gained = ("/security/modify/",) if is_escalating else ("/a/", "/b/", "/c/", "/d/", "/e/")
    principal = Principal("OAuthRole", f"p{number}", "Entra")
    return RightsChange("command", principal, ("R",), gained, (), (), gained if is_escalating else ())


@pytest.mark.parametrize(
    ("number", "last"), [(1, "p0"), (19, "p18"), (20, "(2 more principals, rest)"), (500, "482 more")]
)
def test_the_section_has_few_lines_and_counts_the_rest(number: int, last: str) -> None:
    """The heading and the count of the rest are among them."""
    lines = [line.plain for line in render_rights([make_change(n) for n in range(number)], "rest")]
    assert len(lines) == min(number + 1, MAX_RIGHTS_LINES)
    assert lines[0] == f"Rights: {number} principal{'s gain' if number > 1 else ' gains'}"
    assert last in lines[-1]
    assert lines[1] == "    OAuthRole p0 (Entra)  gains /a/, /b/, /c/ and 2 more"


def test_an_escalation_is_marked_and_said_in_words() -> None:
    (_, line) = render_rights([make_change(1, is_escalating=True)], "rest", names_target=True)
    words = "OAuthRole p1 (Entra) on command  gains /security/modify/  escalation: may give itself any right"
    assert line.plain == f"  ! {words}"


def test_a_principal_that_quotes_a_secret_is_masked() -> None:
    """A claim's value is what somebody typed, and a report is read by more people than the server."""
    change = make_change(1)._replace(principal=Principal("User", "hunter22", "AD"), roles=("of hunter22",))
    masked_plan = SecretMasker([lambda text: text.replace("hunter22", "***")]).mask_plan(
        Plan((), Coverage(0, 0), rights=(change,))
    )
    assert "User *** (AD)  gains" in render_plan(masked_plan)
    assert masked_plan.rights[0].roles == ("of ***",)


def test_a_stored_change_is_read_back_and_anything_else_refused() -> None:
    change = make_change(1, is_escalating=True)._replace(lost=("/x/",), remaining=("/x/y/",))
    members = encode_rights_change(change)
    assert decode_rights_change(members) == change
    for wrong in (
        {"gained": "/"},
        {"lost": [1]},
        {"target": None},
        {"principal": {"type": 1, "value": "", "provider": ""}},
    ):
        with pytest.raises(TypeError):
            decode_rights_change({**members, **wrong})
