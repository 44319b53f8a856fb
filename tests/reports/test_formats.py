"""Every format in every outcome, and every hostile name in every place of every format: the format's reader decides."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reconciler.coverage import DocumentCoverage
from reconciler.diagnostics import Address, Diagnostic, Source
from reconciler.engine.run_history import PastRun
from reconciler.errors import Exit
from reconciler.model import Action, Bound, Change, Coverage, Gap, Outcome, Plan, Risk, Verdict
from reconciler.plans.drift_items import ClearedDifference, DriftAge, DriftComparison, DriftStatus, StepDrift
from reconciler.reports.findings import find_position, list_findings, make_fingerprints
from reconciler.reports.formats import FORMATS, FormatContext
from reconciler.reports.markdown_text import quote_cell, quote_words
from reconciler.reports.run_report import RunReport
from reconciler.reports.sarif import render_sarif
from tests.reports.test_history_text import ENDED, RECORD, STEP
from tests.reports.test_hostile import CORPUS
from tests.support.format_judges import JUDGES, judge_format, judge_markdown, split_row
from tests.support.html_samples import make_posture_report
from tests.support.problems import make_problem
from tests.support.report_plans import (
    DENIAL,
    EMPTY,
    EVENT,
    GAP,
    IMMUTABLE,
    OUTCOMES,
    PLAN,
    ROLE,
    TARGETS,
    mask_outcomes,
    mask_plan,
    owners,
    step,
)

CONTEXT = FormatContext(
    datetime(2026, 11, 29, 10, 30, tzinfo=UTC),
    1.25,
    7,
    "0.1.0",
    folder="ops",
    whole_result="plan.json",
    link="https://ci.example/1",
)
PROBLEM = make_problem(Source("roles/ops.yaml", 4, 9), "no such thing; it would be refused; name another")
LOCAL = make_problem(Source("command line"), "no such option '--bogus'; nothing was done; see `reconciler plan --help`")
AGE = DriftAge(DriftStatus.KNOWN, "2026-11-20T10:30:00Z", 4)
GONE = ClearedDifference(ROLE.address, "PKI Operators (id 5)", "description", "2026-11-01T00:00:00Z", 3)


def documents(*coverages: tuple[int, int]) -> tuple[DocumentCoverage, ...]:
    """Return a document for each (compared, of)."""
    return tuple(
        DocumentCoverage(Address("command", "SecurityRole", f"role {number}"), Source("r.yaml", number, 1), *coverage)
        for number, coverage in enumerate(coverages, 1)
    )


IN_SYNC = Plan((), Coverage(2, 2), targets=TARGETS, documents=documents((1, 1), (1, 1), (0, 0)))
PARTLY = Plan((), Coverage(1, 2), (), (GAP,), targets=TARGETS, documents=documents((1, 1), (0, 1)))
KNOWN = DriftComparison((StepDrift(AGE, (AGE, AGE)), None, None), (), (AGE,), (GONE,))
PARTIAL_RUN = replace(ENDED, steps=(STEP,))
GOOD_RUN = PastRun(RECORD, ("command",), Exit.OK, {"applied": 1})
RUNNING = PastRun(RECORD, ("command", "csms"), None, {}, is_under_way=True)
BASE = {
    "no_longer_declared": [
        {
            "address": ROLE.address._asdict(),
            "source": "a.yaml:1:1",
            "document": "gone",
            "objects": ["a"],
            "existing": 1,
        },
    ]
}
REPORTS = {
    "in sync": RunReport("drift", Exit.OK, mask_plan(IN_SYNC), drift=DriftComparison((), (), (), ())),
    "changes": RunReport("plan", Exit.OK, mask_plan(PLAN), headline="3 to change"),
    "drift": RunReport("drift", Exit.CHANGES, mask_plan(PLAN), drift=KNOWN),
    "saved": RunReport("show", Exit.OK, mask_plan(PLAN), members={"digest": "5b7e" * 16}),
    "refused": RunReport("plan", Exit.REFUSED, mask_plan(PLAN), problems=(PROBLEM,)),
    "a gap": RunReport("drift", Exit.INCOMPLETE, mask_plan(PARTLY)),
    "invalid": RunReport("validate", Exit.INVALID, problems=(PROBLEM, make_problem(Source("x.yaml", 1, 1), "bad"))),
    "valid": RunReport("validate", Exit.OK, members={"documents": 2, "files": 1}),
    "usage": RunReport("plan", Exit.USAGE, problems=(LOCAL,)),
    "auth": RunReport("plan", Exit.AUTH, problems=(make_problem(Source("command POST https://idp/token"), "refused"),)),
    "unreachable": RunReport("plan", Exit.UNREACHABLE, problems=(GAP.problem,)),
    "locked": RunReport("apply", Exit.LOCKED, problems=(LOCAL,)),
    "applied": RunReport("apply", Exit.OK, mask_plan(PLAN), mask_outcomes([Outcome(ROLE, Verdict.APPLIED)])),
    "partial": RunReport("apply", Exit.PARTIAL, mask_plan(PLAN), mask_outcomes(OUTCOMES)),
    "stale": RunReport(
        "apply", Exit.STALE, mask_plan(PLAN), mask_outcomes([Outcome(EVENT, Verdict.STALE, "it moved")])
    ),
    "unknown": RunReport("apply", Exit.UNKNOWN, mask_plan(PLAN), mask_outcomes([Outcome(DENIAL, Verdict.UNKNOWN)])),
    "interrupted": RunReport(
        "apply",
        Exit.INTERRUPTED,
        mask_plan(PLAN),
        mask_outcomes([Outcome(ROLE, Verdict.NOT_REACHED, "it was stopped")]),
    ),
    "interrupted early": RunReport("plan", Exit.INTERRUPTED),
    "internal": RunReport("plan", Exit.INTERNAL, problems=(make_problem(Source("internal"), "KeyError at a/b.py:1"),)),
    "no runs": RunReport("history", Exit.OK, members={"runs": []}, headline="0 runs"),
    "base": RunReport("plan", Exit.OK, mask_plan(PLAN), members=BASE),
    "runs": RunReport("history", Exit.OK, headline="3 runs", runs=(PARTIAL_RUN, GOOD_RUN, RUNNING)),
    "posture": make_posture_report("command", "Web Team"),
    "posture with a gap": make_posture_report("command", "Web Team", Exit.INCOMPLETE),
}
EXIT_SAID = {"json", "markdown", "sarif", "prometheus"}

HOSTILE = [
    *CORPUS,
    *("| a | b |", "a\\|b", "a\\\\|", "`code`", "```\n# x", "~~~", "a`` `b", "\\", "`", "|", "x` @team `y"),
    *("@team", "(@team)", "a@team", "#12", "GH-12", "ABC-123", "org/repo#12", "!12", "$12", "%12", "~bug", "&12"),
    *("https://evil.example", "www.evil.example", "user@evil.example", "0123456789abcdef0123", "deadbeef"),
    *("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</details>", "</code>", "<!--", "-->", "<b"),
    *("![x](https://evil.example)", "[x](javascript:alert(1))", "[x]: https://evil.example", "<https://evil.example>"),
    *("&lt;b&gt;", "&#64;team", "**b**", "__b__", "# h", "> q", "- i", "1. i", "---", "===", "    code"),
    *("]]>", "<![CDATA[", "</testsuite>", "&amp;", "=cmd|' /C calc'!A0", "+1", "{0}", "{{7*7}}", '"', '\\"', "a,b=c"),
    *("::error file=a::b", "%0A::error::x", "##[error]x", "# HELP a b", "a\ufffeb", "e\u0301", "\ufe0f", "’", "a; b"),
]  # fmt: skip


@pytest.mark.parametrize("name", JUDGES)
def test_every_format_tells_every_outcome(name: str) -> None:
    """Its reader takes it, and it says how the run ended: with the code, the word, or a case that did not pass."""
    for outcome, report in REPORTS.items():
        said = judge_format(name, FORMATS[name].render(report, CONTEXT))
        if name in EXIT_SAID:
            assert said == str(int(report.exit)), outcome
        elif name == "junit":
            assert said == ("passed" if report.exit in {Exit.OK, Exit.CHANGES} else report.exit.word), outcome
        elif name == "github":
            assert (said == report.exit.word) == (report.exit not in {Exit.OK, Exit.CHANGES}), outcome
        elif name == "gitlab":
            assert (said == "critical") == (report.exit not in {Exit.OK, Exit.CHANGES}), outcome


def make_hostile_report(words: list[str]) -> RunReport:
    """Return a run with each word in each place that holds foreign text."""
    steps, problems = [], []
    for word in words:
        changes = (
            Change(word or "f", word, word + "x", Risk.HIGH, word),
            Change("set", [word], [{word: word}], Risk.LOW),
            Change("new", None, word, Risk.LOW),
        )
        place, target = Source(word, 3, 2), word or "t"
        steps.append(step(word, word, Action.UPDATE, changes, object=word, source=place, path=word, target=target))
        steps.append(step(word, word, Action.CREATE, changes, object=word, source=place, refusal=word or "no"))
        problems.append(Diagnostic("live.refused", place, word, word, word, address=Address(target, word, word)))
        problems.append(Diagnostic("live.refused", Source(word), word))
    targets = {word or "t": Bound("keyfactor", word, word) for word in words}
    plan = Plan(
        tuple(steps), Coverage(2, 2), tuple(problems), (Gap(problems[0], Exit.AUTH),), tuple(problems[:2]),
        "--only " + " ".join(words)[:200], targets, absences=tuple(problems[:4]),
        documents=tuple(DocumentCoverage(step.address, step.source, 1, 1) for step in steps[::2]),
    )  # fmt: skip
    headline = "\n".join(words)
    return RunReport("plan", Exit.INCOMPLETE, mask_plan(plan), headline=headline, notes=(problems[-1],))


def make_hostile_history(words: list[str]) -> RunReport:
    """Return runs and withdrawals with each word in each place."""
    holder = RECORD.holder
    runs = tuple(
        replace(
            ENDED,
            record=replace(RECORD, id=word, command=word, started=word, holder=holder._replace(actor=word, host=word)),
            targets=(word,),
            counts={word: 1},
            steps=(replace(STEP, target=word, intent=STEP.intent._replace(run=word, step=f"{word}/{word}")),),
        )
        for word in words
    )
    gone = [
        {
            "address": {"kind": word, "name": word},
            "source": word,
            "document": "gone",
            "objects": [word],
            "existing": None,
        }
        for word in words
    ]
    return RunReport("history", Exit.OK, runs=runs, members={"no_longer_declared": gone})


@pytest.mark.parametrize("name", JUDGES)
def test_no_hostile_name_does_anything_in_any_format(name: str) -> None:
    """All of them in one run, and each alone where the reader is a cheap one."""
    scope = "a--b--> ]]> \"'<&\n\\ @team"
    for number in range(0, len(HOSTILE), 12):
        words = HOSTILE[number : number + 12]
        for report in (
            make_hostile_report(words),
            make_hostile_history(words),
            make_posture_report(words[0], words[-1]),
        ):
            judge_format(name, FORMATS[name].render(report, CONTEXT._replace(scope=scope)))
    for word in HOSTILE if name == "markdown" else ():
        for report in (make_hostile_report([word]), make_hostile_history([word]), make_posture_report(word, word)):
            judge_format(name, FORMATS[name].render(report, CONTEXT))


BROKEN = {
    "markdown": (
        "exit 0 (ok) @team",
        "exit 0 (ok) <b>x</b>",
        "exit 0 (ok) [x](https://evil.example)",
        "| a |\n|-|\n| b | c |",
    ),
    "junit": ("<testsuites/>", "<testsuites>&</testsuites>"),
    "sarif": ('{"version": "2.1.0", "runs": [{}]}',),
    "prometheus": ('a{b="c} 1\n',),
    "github": ("::error file=a\n", "::notice title=a::b\nc\n"),
    "gitlab": ('[{"description": "a"}]',),
}


@pytest.mark.parametrize("name", BROKEN)
def test_the_judges_see_what_is_broken(name: str) -> None:
    """A reader that takes everything would prove nothing."""
    for text in BROKEN[name]:
        with pytest.raises((AssertionError, ValueError, SyntaxError, jsonschema.ValidationError)):
            JUDGES[name](text)


@settings(max_examples=100)
@given(st.text(alphabet="`|\\@#*_[]()<>!&~:/-. \na1", max_size=24), st.text(alphabet="`|\\ a", max_size=8))
def test_no_mixture_leaves_its_place_in_markdown(word: str, other: str) -> None:
    """Two cells stay two, a sentence stays one paragraph of words and code."""
    row = f"| a | b |\n|---|---|\n| {quote_cell(word)} | {quote_cell(other)} |\n"
    sentence = f"- {quote_words(word)} {quote_words(other)}\n"
    judge_markdown(f"exit 0 (ok)\n\n{row}\n{sentence}")
    page = MarkdownIt("commonmark").enable("table").render(row)
    cells = re.findall(r"<td>(.*?)</td>", page, re.DOTALL)
    assert len(cells) == 2 == len(split_row(row.splitlines()[-1]))
    assert all(not cell or (cell.startswith("<code>") and cell.endswith("</code>")) for cell in cells)


def test_a_comment_has_room_whatever_the_plan() -> None:
    """The riskiest stay, with their fields; the rest is counted, and the report says where it is."""
    long = Change("description", "x" * 5_000, "\U0001f511" * 5_000, Risk.LOW)
    plan = Plan((*owners(3_000), step(name="big", changes=(long,)), ROLE), Coverage(3_002, 3_002))
    problems = tuple(make_problem(Source("o.yaml", at, 1), "bad " * 50) for at in range(1, 900))
    text = FORMATS["markdown"].render(RunReport("plan", Exit.REFUSED, mask_plan(plan), problems=problems), CONTEXT)
    judge_markdown(text)
    assert len(text.encode("utf-16-le")) // 2 > 50_000
    assert "| update | `SecurityRole/PKI Operators` `(id 5)` | **high** |" in text
    assert "adds a right to 2 claims" in text
    assert re.search(r"^  3,000  update +CertificateOwner +low +owner$", text, re.MULTILINE)
    shown = text.count("| update |")
    assert f"({3_002 - shown:,} more objects of no higher risk; all of it is in `plan.json`)" in text
    assert re.search(r"\(\d+ more; all of it is in `plan.json`\)", text)
    batch = step(changes=tuple(Change(f"requests.{at}", "pending", "denied", Risk.HIGH) for at in range(3_000)))
    text = FORMATS["markdown"].render(RunReport("plan", Exit.OK, mask_plan(Plan((batch,), Coverage(1, 1)))), CONTEXT)
    assert "# and 2,900 more\n" in text
    small = FORMATS["markdown"].render(RunReport("plan", Exit.OK, mask_plan(PLAN)), CONTEXT)
    assert "all of it is in" not in small


def test_annotations_count_what_they_leave_out() -> None:
    """Ten of a level, the gravest first."""
    problems = tuple(make_problem(Source("o.yaml", at, 1), "bad") for at in range(1, 15))
    report = RunReport("plan", Exit.REFUSED, mask_plan(Plan(owners(30), Coverage(30, 30))), problems=problems)
    lines = FORMATS["github"].render(report, CONTEXT).splitlines()
    assert sum(line.startswith("::error file=ops/o.yaml,line=") for line in lines) == 10
    assert lines[-1].endswith("::4 more errors, 22 more notices; see plan.json")


def test_a_command_can_not_be_ended_by_what_is_escaped_already() -> None:
    """A runner turns %25 into a per cent sign, and %0A into a line break of the message."""
    problem = make_problem(Source("o.yaml", 1, 1), "100%0A::error::x")
    text = FORMATS["github"].render(RunReport("plan", Exit.REFUSED, problems=(problem,)), CONTEXT)
    assert "::100%250A::error::x\n" in text


def test_what_stands_between_backticks_is_one_span() -> None:
    """And two spans don't touch, or their backticks would be read as one run."""
    assert quote_words("see `reconciler plan --help`.") == "see `reconciler plan --help` `.`"
    assert quote_words("@a`b c`@d") == "`@a` `b c` `@d`"
    assert quote_words("3 to change (compared 7 of 7)") == "3 to change (compared 7 of 7)"
    assert quote_words("1. x") == "`1.` x"


def test_code_scanning_gets_no_more_than_it_takes() -> None:
    """The gravest, and it is told how many there are besides."""
    plan = mask_plan(Plan((*owners(30), ROLE), Coverage(31, 31)))
    text = render_sarif(RunReport("plan", Exit.OK, plan), CONTEXT, limit=20)
    judge_format("sarif", text)
    assert text.count('"ruleId"') == 20
    assert "SecurityRole/PKI Operators" in text
    assert "11 more results, of no graver level, are left out; all of it is in plan.json" in text


def test_a_finding_is_the_same_wherever_it_moves() -> None:
    """A line further down it has the same fingerprint, and two of the same have two."""
    moved = PROBLEM.source._replace(line=90)
    first, second, twice = (
        list(make_fingerprints(list_findings(RunReport("plan", Exit.REFUSED, problems=problems))))
        for problems in (
            (PROBLEM,),
            (make_problem(moved, PROBLEM.message),),
            (PROBLEM, make_problem(moved, PROBLEM.message)),
        )
    )
    assert first == second == twice[:1]
    assert len(set(twice)) == 2


POSITIONS = {
    "a manifest": (Source("manifests/a.yaml", 3, 2), "ops/manifests/a.yaml"),
    "a file without a position": (Source("manifests/a.yaml"), "ops/manifests/a.yaml"),
    "a file above": (Source("../a.yaml", 1, 1), "a.yaml"),
    "elsewhere": (Source("/srv/a.yaml", 1, 1), "/srv/a.yaml"),
    "a request": (Source("command GET https://x/y.json"), None),
    "a flag": (Source("--report"), None),
}


@pytest.mark.parametrize("row", POSITIONS)
def test_places_are_told_from_the_root_of_the_repository(row: str) -> None:
    """As whoever annotates files wants them; what is no file has none."""
    source, expected = POSITIONS[row]
    position = find_position(source, CONTEXT)
    assert (position.path if position else None) == expected


def test_a_case_for_each_object() -> None:
    """In sync passes, what differs fails, what was not read is an error, what is not compared is skipped."""
    coverages = documents((1, 1), (5, 5), (0, 1), (0, 0), (2, 2))
    unselected = coverages[0]._replace(address=Address("command", "SecurityRole", "other"), is_selected=False)
    differing = step(name="role 2", object="part 1")
    both = [step(name="role 5", object=f"part {number}") for number in (1, 2)]
    plan = Plan((differing, *both, IMMUTABLE), Coverage(5, 6), documents=(*coverages, unselected), targets=TARGETS)
    text = FORMATS["junit"].render(RunReport("drift", Exit.CHANGES, mask_plan(plan)), CONTEXT)
    judge_format("junit", text)
    results = dict(re.findall(r'name="(SecurityRole/[^"]+)" time="0"(?:>\s*<(\w+))?', text))
    assert results == {
        "SecurityRole/role 1": "",
        "SecurityRole/role 2 part 1": "failure",
        "SecurityRole/role 2: all other objects": "",
        "SecurityRole/role 3": "error",
        "SecurityRole/role 4": "skipped",
        "SecurityRole/role 5 part 1": "failure",
        "SecurityRole/role 5 part 2": "failure",
        "SecurityRole/other": "skipped",
        "SecurityRole/Administrator": "failure",
    }


def test_the_last_success_outlives_a_failure() -> None:
    """It is taken over from the file before, of the same command and scope alone; drift has its age."""
    render = FORMATS["prometheus"].render
    good = render(REPORTS["drift"], CONTEXT)
    assert 'reconciler_drift_oldest_age_seconds{command="drift",scope="all"} 777600\n' in good
    assert re.search(r'reconciler_objects_drifted\{.*kind="SecurityRole",status="known"\} 1\n', good)
    success = re.search(r"reconciler_last_success_timestamp_seconds\{.*\} .*\n", good)
    assert success
    later = CONTEXT._replace(moment=datetime(2026, 11, 30, tzinfo=UTC), former=good)
    failed = RunReport("drift", Exit.AUTH)
    assert success[0] in render(failed, later)
    assert success[0] not in render(RunReport("drift", Exit.OK), later)
    assert "last_success" not in render(failed, later._replace(scope="other"))
    assert "objects" not in render(failed, later)


def test_an_old_stream_gets_the_same_as_ascii() -> None:
    """What reads XML or JSON reads the same from it."""
    name = "Zertifikate für 证书"
    plan = mask_plan(Plan((step(name=name),), Coverage(1, 1), targets=TARGETS))
    report = RunReport("plan", Exit.OK, plan)
    for format_ in ("json", "junit", "sarif", "gitlab"):
        plain = FORMATS[format_].render(report, CONTEXT)
        ascii_ = FORMATS[format_].render(report, CONTEXT._replace(ascii_only=True))
        assert name in plain
        assert ascii_.isascii()
        judge_format(format_, ascii_)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1 known (since 2026-11-20), 2 new", "1 known (since 2026-11-20), 2 new"),
        ("on 2026-11-20; 2026-11-20x ab-2026-11-20", "on 2026-11-20; `2026-11-20x` `ab-2026-11-20`"),
    ],
)
def test_a_date_is_a_word(text: str, shown: str) -> None:
    """The line on what is new has one each night."""
    assert quote_words(text) == shown


def test_a_case_of_junit_keeps_its_name_whether_it_passes_or_not() -> None:
    """And two cases of one run never share theirs: a claim of a role is beside it, and so is what is wrong with it."""
    claim = step(*ROLE.address[1:], changes=ROLE.changes, object="claim CORP\\ops (id 11)")
    coverage = (DocumentCoverage(ROLE.address, ROLE.source, 1, 1),)
    differs = Plan((ROLE, claim), Coverage(1, 1), (replace(PROBLEM, address=ROLE.address),), documents=coverage)
    reports: tuple[tuple[RunReport, list[str]], ...] = (
        (RunReport("drift", Exit.OK, mask_plan(Plan((), Coverage(1, 1), documents=coverage))), []),
        (RunReport("drift", Exit.INCOMPLETE, mask_plan(differs)), [" claim CORP\\ops (id 11)", ": problems"]),
        (RunReport("apply", Exit.OK, mask_plan(PLAN), mask_outcomes([Outcome(ROLE, Verdict.APPLIED)])), []),
    )
    for report, others in reports:
        text = FORMATS["junit"].render(report, CONTEXT)
        assert re.findall(r'SecurityRole" name="SecurityRole/PKI Operators(.*?)"', text) == ["", *others]


def test_nothing_differs_without_a_plan() -> None:
    """An empty list is a good Code Quality report."""
    assert FORMATS["gitlab"].render(RunReport("drift", Exit.OK, mask_plan(EMPTY)), CONTEXT) == "[]\n"
