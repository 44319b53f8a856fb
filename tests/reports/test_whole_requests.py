"""`--full`: each request as it is sent, whole, with nothing grouped, cut or left out."""

from __future__ import annotations

import json

import pytest

from reconciler.apis.connect import find_dialect
from reconciler.model import Change, Coverage, Plan, Risk
from reconciler.reports import text
from reconciler.reports.layout import Layout
from tests.support.report_plans import EVENT, TARGETS, mask_plan, owners, step

BODY = {"Id": 5, "Name": "Ünïted", "Permissions": ["/portal/read/", "/security/modify/"], "EmailAddress": None}
ROLE = step(body=BODY, query=(("collectionId", "3 4"),))
REQUEST = """\
    request      PUT https://keyfactor.example.com/KeyfactorAPI/Security/Roles?collectionId=3%204
                 Content-Type: application/json
                 x-keyfactor-requested-with: APIClient
                 x-keyfactor-api-version: 2
                 {
                   "Id": 5,
                   "Name": "Ünïted",
                   "Permissions": [
                     "/portal/read/",
                     "/security/modify/"
                   ],
                   "EmailAddress": null
                 }
"""


def draw_whole(*steps: object, layout: Layout = Layout()) -> str:  # noqa: B008 - a frozen value
    """Return the report of these steps with the headers that the two APIs send."""
    plan = mask_plan(Plan(steps, Coverage(len(steps), len(steps)), targets=TARGETS))  # type: ignore[arg-type]
    return text.render_plan(plan, layout, 0, lambda api, version: find_dialect(api).build_write_headers(version))


def test_a_request_reads_like_this() -> None:
    """Method, address with its query, headers that matter, and every member of the body in its order."""
    assert draw_whole(ROLE).endswith(REQUEST)


def test_each_api_has_its_own_headers() -> None:
    """No version and no mark of Command's in a request to CSMS, and a credential in neither."""
    shown = draw_whole(EVENT)
    assert "request     POST https://csms.example.com/v1/0123/csms/events\n" in shown
    assert "x-keyfactor" not in shown
    assert "authorization" not in draw_whole(ROLE, EVENT).lower()


def test_nothing_is_grouped_or_capped() -> None:
    """Hundreds of equal steps, long sets and long texts: each is there."""
    change = Change("permissions", [], [f"/p{number:03}/" for number in range(40)], Risk.HIGH)
    long_text = Change("description", "", "x" * 999, Risk.LOW)
    shown = draw_whole(*owners(600), step(changes=(change, long_text)))
    assert shown.count("    request") == 601
    assert sum(line.startswith("~  update") for line in shown.splitlines()) == 601
    assert shown.count('+ "/p') == 40
    assert "x" * 999 in shown
    assert " more" not in shown
    assert "see --" not in shown


@pytest.mark.parametrize("width", [0, 80, 120])
def test_the_body_is_all_there_at_any_width(width: int) -> None:
    """Broken lines or not, the words of the body are the words of the body."""
    shown = draw_whole(ROLE, layout=Layout(width))
    body = shown[shown.index("{") :]
    assert json.loads(" ".join(body.split())) == BODY
