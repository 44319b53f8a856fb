"""Every change of what layers declare says which line decided it: in text, in every report, and in a saved plan."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.errors import Exit
from reconciler.model import Plan
from reconciler.plans.change_origins import find_declared_field
from reconciler.reports import text
from reconciler.reports.html_page import render_html
from reconciler.reports.json_document import encode_report, render_report
from reconciler.reports.layout import Layout
from reconciler.reports.markdown import render_markdown
from reconciler.reports.report_reader import read_report
from reconciler.reports.run_report import RunReport
from tests.manifests.test_layers import load_layers
from tests.support.html_samples import CONTEXT
from tests.support.plan_files import BOUNDS, dump, load
from tests.support.report_plans import mask_plan
from tests.support.sample_plans import certificate, event, pending, planned, registered

HEAD = "apiVersion: reconciler/v1\nkind: {}\nmetadata: {{name: {}}}\nspec:\n"
EVENT, HANDLER = HEAD.format("SecretEvent", "e"), HEAD.format("EventHandler", "h")
OWNER, DENIAL = HEAD.format("CertificateOwner", "o"), HEAD.format("RequestDenial", "d")
WORLD = {
    "/EventHandlerRegistration": registered("H"),
    "/v1/0123/csms/events": [event("e")],
    "/Certificates": [certificate(1, "Role A"), certificate(2, "Role A")],
    "/Workflow/Certificates/Pending": [pending(7)],
}


def plan_layers(folder: Path, *layers: str) -> Plan:
    """Return the plan of what layers declare."""
    return replace(planned(load_layers(folder, layers).documents, WORLD), targets=BOUNDS)


@pytest.fixture
def made(tmp_path: Path) -> Plan:
    """Return a plan of two documents of two layers."""
    low = f"{EVENT}  state: ENABLED\n  notification: {{targetName: a, targetId: 'urn:smn:cn-north-4:0123:a'}}\n"
    high = f"{EVENT}  state: DISABLED\n  notification:\n    targetName: b\n"
    handlers = f"{HANDLER}  className: H\n  displayName: X\n  enabled: true\n", f"{HANDLER}  clear: [displayName]\n"
    return plan_layers(tmp_path, f"{low}---\n{handlers[0]}", f"{high}---\n{handlers[1]}")


BLOCKS = """\
~ EventHandler h  H (id 1)  target command  0/a.yaml:8:1
    enabled      false -> true
                 decided at 0/a.yaml:14
    displayName  "H" -> (none)
                 decided at 1/a.yaml:13, over 0/a.yaml:13
"""


@pytest.mark.parametrize("width", [80, 120])
def test_the_text_says_it_below_each_field(made: Plan, width: int) -> None:
    """In a line of its own, which is not cut at the width of a terminal."""
    lines = text.render_plan(mask_plan(made), Layout(width=width)).splitlines()
    below = [line.strip() for line in lines if "decided at" in line]
    assert below == [
        "decided at 0/a.yaml:14",
        "decided at 1/a.yaml:13, over 0/a.yaml:13",
        "decided at 1/a.yaml:5, over 0/a.yaml:5",
        "decided at 0/a.yaml:6",
        "decided at 1/a.yaml:7, over 0/a.yaml:6",
    ]
    start = next(number for number, line in enumerate(lines) if line.startswith("~ EventHandler"))
    assert [" ".join(line.split()) for line in lines[start : start + 5]] == [
        " ".join(line.split()) for line in BLOCKS.splitlines()
    ]
    assert max(map(len, below)) < width


def test_each_report_has_it(made: Plan) -> None:
    """JSON as members, Markdown and HTML as words; the step's own place stays where it is declared."""
    report = RunReport("plan", Exit.OK, mask_plan(made), headline="h")
    steps = encode_report(report)["steps"]
    assert [step["source"] for step in steps] == ["0/a.yaml:8:1", "0/a.yaml:1:1"]
    origins = {change["path"]: change["origin"] for step in steps for change in step["changes"]}
    assert origins["notification.targetName"] == {"source": "1/a.yaml:7:17", "overridden": ["0/a.yaml:6:30"]}
    assert origins["enabled"] == {"source": "0/a.yaml:14:12", "overridden": []}
    assert "# notification.targetName: decided at 1/a.yaml:7, over 0/a.yaml:6\n" in render_markdown(report, CONTEXT)
    assert ">decided at 1/a.yaml:7, over 0/a.yaml:6<" in render_html(report, CONTEXT)
    again = read_report(render_report(report).encode(), "r.json")
    assert encode_report(again)["steps"] == steps


def test_a_saved_plan_keeps_it_under_its_digest(made: Plan) -> None:
    """What was decided where is part of what is approved; a plan without layers is as it ever was."""
    data = dump(made)
    assert load(data) == made
    assert load(data).steps[0].changes[0].origin is not None
    moved = replace(
        made,
        steps=tuple(
            replace(step, changes=tuple(change._replace(origin=None) for change in step.changes)) for step in made.steps
        ),
    )
    assert load(dump(moved)) == moved
    assert b'"origin"' not in dump(moved)
    assert dump(moved)[-200:] != data[-200:]


def test_what_no_field_says_has_the_line_of_its_object(tmp_path: Path) -> None:
    """An owner that is cleared, owners in a table, and a request that is denied."""
    row = f"thumbprint,owner\n{1:040X},Role B\n{2:040X},Role B\n"
    (tmp_path / "t" / "1").mkdir(parents=True)
    (tmp_path / "t" / "1" / "o.csv").write_text(row, "utf-8")
    cases = {
        "c": (f"{OWNER}  owner: Role B\n  certificates: {{ids: [1]}}\n", f"{OWNER}  clear: [owner]\n", "1/a.yaml:5", 1),
        "t": (
            f"{OWNER}  clear: [owner]\n  certificates: {{ids: [1]}}\n",
            f"{OWNER}  assignments: o.csv\n",
            "1/a.yaml:5",
            2,
        ),
        "d": (
            f"{DENIAL}  match: {{commonName: r8}}\n",
            f"{DENIAL}  requests:\n  - {{id: 7, commonName: r7*}}\n",
            "1/a.yaml:5",
            1,
        ),
    }
    for name, (low, high, line, overridden) in cases.items():
        for step in plan_layers(tmp_path / name, low, high).steps:
            for change in step.changes:
                assert change.origin is not None
                assert str(change.origin.source).startswith(f"{line}:"), name
                assert len(change.origin.overridden) == overridden, name


def test_what_stands_in_the_place_of_a_field_decides_it(tmp_path: Path) -> None:
    """A topic for its URN, a table for an owner, a word for what it empties; what nobody says has no field."""
    layers = [f"{EVENT}  notification: {{topic: t}}\n---\n{HANDLER}  className: H\n  clear: [displayName]\n"]
    documents = {wanted.address.kind: wanted for wanted in load_layers(tmp_path, layers).documents}
    fields = {
        ("SecretEvent", "notification.targetId"): ("notification", "topic"),
        ("SecretEvent", "notification.topic.x"): ("notification", "topic"),
        ("EventHandler", "displayName"): ("clear",),
        ("EventHandler", "enabled"): (),
    }
    assert {key: find_declared_field(documents[key[0]], key[1]) for key in fields} == fields
