"""A fleet's report in every format: what hundreds of targets share is told once, and foreign names do nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from io import StringIO

import pytest

from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.output import build_result, print_result
from reconciler.deferrals import Deferral
from reconciler.diagnostics import Address, Diagnostic, Source
from reconciler.errors import Exit
from reconciler.model import Action, Bound, Change, Coverage, Gap, Outcome, Plan, Risk, Verdict
from reconciler.reports.fleet_facts import FleetFacts, LostTarget
from reconciler.reports.fleet_text import MAX_FLEET_ROWS, render_fleet
from reconciler.reports.formats import FORMATS
from reconciler.reports.html_page import render_html
from reconciler.reports.layout import Layout
from reconciler.reports.run_report import RunReport
from reconciler.reports.run_text import render_run_text
from reconciler.rights import Principal, RightsChange
from tests.reports.test_formats import CONTEXT, HOSTILE
from tests.reports.test_hostile import harmless
from tests.reports.test_html_page import Markup
from tests.support.fleet_samples import (
    cover_targets,
    explain_silence,
    make_fleet_outcomes,
    make_fleet_report,
    make_mixed_report,
    name_targets,
)
from tests.support.format_judges import JUDGES, judge_format
from tests.support.html_samples import CONTEXT as PAGE_CONTEXT
from tests.support.report_plans import mask_outcomes, mask_plan, step

GOLDEN = """\
Partial run (shard 1/3): Drift (declared -> found): 3 of 16 objects not as declared: 3 changed; 13 unchanged  \
(compared 16 of 16, 3 of 4 targets answered)
3 targets of shard 1/3: 2 differ, 1 in sync

target       state    SecretEvent  SecurityRole
prod-eu-001  differs  1 differs    not declared
prod-eu-002  differs  1 differs    1 differs
(and 1 target in sync)

Shared by several targets: 1 change

~ changed SecretEvent rotation: the same in 2 of 3 targets  base/events.yaml:11:1
    not in prod-ap-003
    secrets  - "b"   missing on the server
               1 as declared
    repair   PUT /v1/68f37b7a0215175d5ed7a844ad3d834c/csms/events and 1 more like it

Not shared: 1 step

   drift    target       kind          name           object  risk  fields       source
~  changed  prod-eu-002  SecurityRole  PKI Operators          low   description  roles/ops.yaml:8:3

~ SecurityRole PKI Operators  target prod-eu-002  roles/ops.yaml:8:3
    description  "b" -> "a"
    repair       PUT /Security/Roles
"""

APPLIED = """\
NOT ALL APPLIED: 20 applied, 1 NOT APPLIED, 1 UNKNOWN, 2 not reached  (of 24
  changes; 12 of 12 targets answered)
12 targets: 1 unknown, 1 not applied, 10 applied

target       state        SecretEvent
prod-eu-004  unknown      1 unknown, 1 not reached
prod-eu-005  not applied  1 not applied, 1 not reached
(and 10 targets where all is applied)

Not shared: 2 steps
"""


def test_a_small_fleet_reads_like_this() -> None:
    assert render_fleet(make_mixed_report()) == render_run_text(make_mixed_report()) == GOLDEN


def test_of_an_apply_what_went_wrong_comes_first() -> None:
    """Also where it is no other target's, and what was applied is that of most."""
    shown = render_fleet(make_fleet_outcomes(), Layout(80))
    assert shown.startswith(APPLIED)
    assert render_run_text(make_fleet_outcomes(), Layout(80)) == shown
    assert shown.index("UNKNOWN  SecretEvent/expiry-prod") < shown.index("Shared by several targets: 3 changes")
    assert "applied ~ update SecretEvent rotation: the same in 10 of 12 targets" in shown


@pytest.mark.parametrize("width", [0, 80, 120])
def test_hundreds_of_targets_fit_on_a_page(width: int) -> None:
    """One entry for what 313 share; the worst have a row, the others are counted, and nothing crosses the edge."""
    report = make_fleet_report()
    shown = render_fleet(report, Layout(width))
    assert shown.count("the same in 313 of 340 targets") == 1
    assert shown.count("\n") < 85
    assert len(re.findall(r"(?m)^prod-\S+ +(?:no answer|refused|differs)", shown)) == MAX_FLEET_ROWS
    assert "(and 296 more targets that differ, see --format json)\n(and 24 targets in sync)" in shown
    assert not width or max(map(len, shown.splitlines())) <= width
    whole = render_fleet(report, Layout(width), lambda api, version: {})
    assert (whole.count("SecretEvent expiry-prod  target"), "Shared" in whole) == (314, False)


def test_a_matrix_without_room_names_the_kinds_that_are_not_in_sync() -> None:
    report = make_fleet_report(60)
    kinds = ("CertificateOwner", "EventHandler", "RequestDenial", "SecurityRole")
    more = [
        document._replace(address=document.address._replace(kind=kind))
        for document in report.plan.documents
        for kind in kinds
    ]
    wide = replace(report, plan=replace(report.plan, documents=(*report.plan.documents, *more)))
    assert "prod-ap-003  differs    in sync           in sync       in sync" in render_fleet(wide)
    narrow = render_fleet(wide, Layout(80))
    assert "prod-ap-003  differs    SecretEvent 1 differs\n" in narrow
    assert "prod-ap-006  no answer  nothing was read\n" in narrow


def make_lost_report(number: int) -> RunReport:
    """Return a drift of which no target gave an answer."""
    targets = name_targets(number)
    silence = tuple(LostTarget(target, explain_silence(target)) for target in targets)
    gaps = tuple(Gap(lost.problem, Exit.UNREACHABLE) for lost in silence)
    plan = Plan((), Coverage(0, 5 * number), gaps=gaps, documents=cover_targets(targets, targets))
    return RunReport("drift", Exit.UNREACHABLE, mask_plan(plan), fleet=FleetFacts(tuple(sorted(targets)), silence))


def make_hostile_fleet(word: str) -> RunReport:
    """Return a fleet with a word in every place, in what two targets share and in what one has."""
    targets = [word or "t", f"{word}x", f"{word}y"]
    changes = (Change(word or "f", word, f"{word}x", Risk.HIGH, word), Change("set", [word], [{word: word}], Risk.LOW))
    more = {"object": word, "source": Source(word, 3, 2), "path": word}
    steps = [step(word, word, Action.UPDATE, changes, target=target, **more) for target in targets[:2]]
    steps.append(step(word, word, Action.CREATE, changes, target=targets[2], refusal=word or "no", **more))
    problem = Diagnostic("live.refused", Source(word), word, word, word)
    told = replace(problem, address=Address(targets[0], word, word))
    plan = Plan(tuple(steps), Coverage(3, 3), targets={name: Bound("csms", word, word[:9]) for name in targets},
                absences=(told, told), problems=(told,))  # fmt: skip
    facts = FleetFacts((*targets, f"{word}z"), (LostTarget(f"{word}z", problem),), word)
    return RunReport("drift", Exit.INCOMPLETE, mask_plan(plan), headline=word, fleet=facts)


def make_hostile_outcomes(word: str) -> RunReport:
    """Return the same, applied."""
    fleet = make_hostile_fleet(word)
    outcomes = mask_outcomes([Outcome(each, Verdict.UNKNOWN, word) for each in fleet.plan.steps])
    return replace(fleet, command="apply", outcomes=outcomes)


@pytest.mark.parametrize("name", JUDGES)
def test_every_format_stands_a_fleet(name: str) -> None:
    """Its reader takes what most share, what nobody answered, and hostile names."""
    for report in (make_fleet_report(60), make_fleet_outcomes(), make_lost_report(60)):
        assert judge_format(name, FORMATS[name].render(report, CONTEXT))
    for number, word in enumerate(HOSTILE if name == "markdown" else HOSTILE[::8]):
        make = make_hostile_outcomes if number % 3 == 2 else make_hostile_fleet
        judge_format(name, FORMATS[name].render(make(word), CONTEXT))


def test_foreign_names_do_nothing_in_a_text_or_a_page() -> None:
    shape = Markup(render_html(make_hostile_fleet("word"), PAGE_CONTEXT)).shape
    for number, word in enumerate(filter(None, HOSTILE)):
        make = make_hostile_outcomes if number % 3 == 2 else make_hostile_fleet
        assert harmless(render_fleet(make(word), Layout(80, color=True) if number % 2 else Layout())), word
        if number % 4:
            continue
        assert Markup(render_html(make_hostile_fleet(word), PAGE_CONTEXT)).shape == shape, word


def test_a_comment_has_room_whatever_the_fleet() -> None:
    """GitHub takes 65,536 characters: the worst targets are seen first, what is left out is counted."""
    text = FORMATS["markdown"].render(make_lost_report(1000), CONTEXT)
    assert len(text) < 65_000
    assert text.index("| `prod-ap-003` | 🟥 no answer | 🟥 5 unread |") < text.index("**To be mended: 1**")
    assert re.search(r"\*\(\d+ more targets; all of it is in `plan.json`\)\*", text)
    assert text.count("<details>") == text.count("</details>")
    shared = FORMATS["markdown"].render(make_fleet_report(1000), CONTEXT)
    assert "| 926 of 1,000 | changed | `SecretEvent/expiry-prod` | **high** |" in shared
    assert shared.count("`SecretEvent/expiry-prod`") == 2


def test_what_fails_alike_everywhere_is_mended_once() -> None:
    """A login that is down is one thing, and names whom it keeps from being read; JUnit and SARIF have each."""
    report = make_lost_report(1000)
    page = Markup(render_html(report, PAGE_CONTEXT)).text
    assert "To be mended 1 1,000 targets (prod-ap-003, prod-ap-006, " in page
    assert "and 992 more), such as prod-ap-003 GET https://csms.example.com/v1/" in page
    counts = {name: FORMATS[name].render(report, CONTEXT).count("no answer within 30 s") for name in JUDGES}
    assert [counts[name] for name in ("markdown", "github", "gitlab")] == [1, 1, 1]
    assert (counts["sarif"], counts["junit"]) == (1000, 2000)
    gitlab = [FORMATS["gitlab"].render(each, CONTEXT) for each in (report, make_lost_report(3))]
    assert len({re.findall(r'"fingerprint": "(\w+)"', text)[0] for text in gitlab}) == 1
    assert FORMATS["github"].render(replace(report, fleet=None), CONTEXT).count("::error") == 10


def test_what_fails_alike_everywhere_is_one_line_of_a_log() -> None:
    """Beside the matrix on stdout, as every command's answer is printed."""
    session = Session(StringIO(), stdout := StringIO(), stderr := StringIO(), 0.0, {})
    print_result(session, "drift", build_result(replace(make_lost_report(1000), headline="INCOMPLETE")))
    assert "(and 980 more targets without an answer, see --format json)" in stdout.getvalue()
    problem, code = stderr.getvalue().splitlines()
    assert problem.startswith("1,000 targets (prod-ap-003, ")
    assert problem.endswith(": no answer within 30 s; nothing is known of the target")
    assert code == "exit 12: unreachable"


def test_annotations_are_folded_where_targets_share_them() -> None:
    """A line that is wrong in 313 targets has one annotation, with the same fingerprint whichever these are."""
    report = make_fleet_report()
    lines = FORMATS["github"].render(report, CONTEXT).splitlines()
    (annotation,) = [line for line in lines if "the same in 313 of 340 targets" in line]
    assert annotation.startswith("::warning file=ops/base/events.yaml,line=3,col=1,title=SecretEvent/expiry-prod::")
    entries = [
        re.findall(r'"fingerprint": "(\w+)"', FORMATS["gitlab"].render(each, CONTEXT))
        for each in (report, make_fleet_report(200))
    ]
    assert len(entries[0]) == 7
    assert len(set(entries[0]) & set(entries[1])) == 7
    assert FORMATS["sarif"].render(report, CONTEXT).count('"drift.difference"') == 327 + 1


def test_each_target_has_a_series_with_its_state() -> None:
    shown = FORMATS["prometheus"].render(make_fleet_report(60), CONTEXT)
    series = re.findall(
        r'reconciler_fleet_target\{command="drift",scope="all",target="[^"]+",state="([^"]+)"\} 1', shown
    )
    assert (len(series), series.count("no answer"), series.count("in sync")) == (60, 2, 4)
    assert "reconciler_fleet_target" not in FORMATS["prometheus"].render(
        replace(make_fleet_report(60), fleet=None), CONTEXT
    )


def test_a_page_has_a_table_of_words() -> None:
    """With a scope for each heading, so that a cell is told with its target and its kind; quiet targets are folded."""
    page = render_html(make_fleet_report(60), PAGE_CONTEXT)
    scopes = [attributes.get("scope") for tag, attributes in Markup(page).tags if tag == "th"]
    assert None not in scopes
    assert '<th scope="row">prod-ap-006 <span class="faint">no answer within 30 s</span></th>' in page
    assert '<td class="cell bad">5 unread</td>' in page
    assert page.count('<li class="step') == 6
    links = re.findall(r'href="#(change-\d+)"', page)
    assert links == ["change-1", "change-2"]
    applied = render_html(make_fleet_outcomes(), PAGE_CONTEXT)
    assert re.findall(r'href="#(change-\d+)"', applied) == ["change-3", "change-4", "change-5"]


BESIDE = """\
- SecretEvent audit  not there  in 2 of 3 targets  base/events.yaml:9:1
    the event is not there

Acknowledged and left alone:

= acknowledged SecretEvent rotation: the same in 2 of 3 targets  base/events.yaml:11:1
    not in prod-ap-003
    secrets       - "b"   missing on the server
                    1 as declared
    acknowledged  until 2027-01-31: until the move (known, known.yaml:1:1)

unmanaged: 7 secret events
"""


def test_what_is_no_step_is_told_once_as_well() -> None:
    """Objects that are only told to be missing, what is left alone, and a count of what nobody declares."""
    report = make_mixed_report()
    deferral = Deferral("known", Source("known.yaml", 1, 1), date(2027, 1, 31), "until the move")
    left_alone = tuple(replace(each, request=None, deferral=deferral) for each in report.plan.steps[:2])
    absence = Diagnostic("live.absent", Source("base/events.yaml", 9, 1), "the event is not there")
    addresses = (each.address._replace(name="audit") for each in left_alone)
    absences = tuple(replace(absence, address=address) for address in addresses)
    unmanaged = {"SecretEvent": dict.fromkeys(name_targets(3), 2) | {"prod-ap-003": 3}}
    plan = replace(report.plan, steps=(), acknowledged=left_alone, absences=absences, unmanaged=unmanaged)
    assert BESIDE in render_fleet(replace(report, plan=plan))
    page = Markup(render_html(replace(report, plan=plan), PAGE_CONTEXT)).text
    assert "SecretEvent rotation acknowledged 2 of 3 targets" in page
    comment = FORMATS["markdown"].render(replace(report, plan=plan, notes=absences), CONTEXT)
    told = "the event is not there, for 2 targets (prod-eu-001, prod-eu-002)"
    assert [text.replace("`", "").count(told) for text in (page, comment)] == [1, 2]


def test_rights_that_many_targets_change_alike_are_one_line() -> None:
    """Of three servers two let the same principal in, and the third another one."""
    report = make_mixed_report()
    rights = [
        RightsChange(target, Principal("OAuthRole", name, "Entra"), ("R",), ("/a/",), (), (), ())
        for target, name in zip(name_targets(3), ("ops", "ops", "audit"), strict=True)
    ]
    report = replace(report, command="plan", plan=replace(report.plan, rights=tuple(rights)))
    told = ("OAuthRole ops (Entra) on 2 targets", "OAuthRole audit (Entra) on prod-ap-003")
    pages = (
        render_fleet(report),
        FORMATS["markdown"].render(report, CONTEXT),
        Markup(render_html(report, CONTEXT)).text,
    )
    for page in pages:
        assert "2 principals gain" in page
        assert [page.count(line) for line in told] == [1, 1]
