"""A run as JUnit XML, as Jenkins, GitLab and Azure Pipelines read it: a test case for each declared object.

In sync is passed, different or faulty is a failure, what could not be read is an error, what was not compared is
skipped. Objects of a document that names many (certificates) have a case where they differ; the others are one. Beside
them stands the run itself, so that a report of a refused login is not an empty one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple
from xml.sax.saxutils import escape, quoteattr

from reconciler.coverage import DocumentCoverage
from reconciler.diagnostics import Address, Diagnostic
from reconciler.errors import EXIT_MEANINGS, Exit
from reconciler.reports.findings import DONE, Finding, find_position, list_findings, title_step
from reconciler.reports.layout import format_count
from reconciler.reports.perspective import View
from reconciler.reports.run_report import RunReport
from reconciler.reports.run_verdict import describe_verdict, summarize_run
from reconciler.reports.step_table import rank_fields
from reconciler.sanitize import escape_invisible

if TYPE_CHECKING:
    from reconciler.engine.run_history import PastRun
    from reconciler.reports.formats import FormatContext

_PASSED, _FAILURE, _ERROR, _SKIPPED = "passed", "failure", "error", "skipped"
_RUN_SUITE = "run"
_OWN_OBJECT = re.compile(r"(?: \(id [^)]*\)| new)?")
"""What a server calls the object that a document is about, behind the document's name."""
_FAULTS = frozenset({Exit.INVALID, Exit.REFUSED, Exit.STALE, Exit.PARTIAL})
"""Outcomes that say something of what is declared, and not that the run was kept from its work."""


class TestCase(NamedTuple):
    """One case: `texts` say why it did not pass, each with the rule that says so."""

    suite: str
    name: str
    result: str
    texts: tuple[tuple[str, str], ...] = ()


def render_junit(report: RunReport, context: FormatContext) -> str:
    """Return the run as XML."""
    suites: dict[str, list[TestCase]] = {}
    for case in _list_cases(report, context):
        suites.setdefault(case.suite, []).append(case)
    counts = Counter(case.result for cases in suites.values() for case in cases)
    name = quoteattr(f"reconciler {report.command} {escape_invisible(context.scope)}")
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        # The schema has no `skipped` here.
        f'<testsuites name={name} {_format_counts(counts).partition(" skipped")[0]} time="{context.seconds:.3f}">',
        *(line for suite, cases in suites.items() for line in _format_suite(suite, cases, context)),
        "</testsuites>",
        "",
    ]
    document = "\n".join(lines)
    return document.encode("ascii", "xmlcharrefreplace").decode() if context.ascii_only else document


def _list_cases(report: RunReport, context: FormatContext) -> Iterator[TestCase]:
    """Yield the run, then each object with what is said of it, then what is said of no document."""
    yield _make_run_case(report)
    yield from map(_make_past_case, report.runs)
    yield from _list_posture_cases(report)
    unread = {gap.problem for gap in report.plan.gaps}
    by_address: dict[Address, list[Diagnostic]] = {}
    others: dict[str, list[Diagnostic]] = {}
    for problem in report.all_problems:
        if problem.address:
            by_address.setdefault(problem.address, []).append(problem)
        else:
            others.setdefault(problem.source.file, []).append(problem)
    told: Counter[Address] = Counter()
    for case, address, weight in (*_list_step_cases(report, context), *_list_acknowledged_cases(report)):
        told[address] += weight
        yield case
    documents = {document.address: document for document in report.plan.documents}
    for address in sorted({*documents, *by_address}):
        problems = by_address.get(address, [])
        document = documents.get(address)
        if document is None or problems or document.objects > told[address] or not told[address]:
            yield _make_document_case(address, document, problems, unread, is_rest=told[address] > 0)
    for file, problems in sorted(others.items()):
        result = _ERROR if unread.intersection(problems) or report.exit not in _FAULTS else _FAILURE
        texts = tuple((problem.rule, str(problem)) for problem in problems)
        yield TestCase("manifests" if problems[0].source.line else _RUN_SUITE, escape_invisible(file), result, texts)


def _list_step_cases(report: RunReport, context: FormatContext) -> Iterator[tuple[TestCase, Address, int]]:
    """Yield a case for each object that differs, or was written, and how many objects it is about."""
    view = View(report.plan.targets, from_server=report.command == "drift")
    for finding in list_findings(report):
        if finding.address and finding.is_difference:
            yield _make_step_case(finding, finding.address, context), finding.address, finding.weight
    for step, outcome, _ in report.steps:
        if outcome is not None and outcome.verdict in DONE:
            name = _name_case(step.address, title_step(step, view))
            yield TestCase(_name_suite(step.address), name, _PASSED), step.address, step.weight


def _name_case(address: Address, title: str) -> str:
    """Return the name of an object's case: the document's alone where it is its only object, whether it differs or not.

    A job tells by the names what has begun to fail and what is mended.
    """
    name = escape_invisible(str(address))
    return name if _OWN_OBJECT.fullmatch(title.removeprefix(name)) else title


def _list_acknowledged_cases(report: RunReport) -> Iterator[tuple[TestCase, Address, int]]:
    """Yield a skipped case for each difference that is left alone, and how many objects have no other case."""
    view = View(report.plan.targets, from_server=report.command == "drift")
    counted = {(step.address, step.object) for step, _, _ in report.steps}
    for step, _, _ in report.acknowledged:
        fields = ", ".join(rank_fields(step))
        name = escape_invisible(f"{_name_case(step.address, title_step(step, view))}: {fields}")
        text = f"acknowledged {step.deferral.description}" if step.deferral else ""
        weight = 0 if (step.address, step.object) in counted else step.weight
        counted.add((step.address, step.object))
        yield TestCase(_name_suite(step.address), name, _SKIPPED, (("acknowledged", text),)), step.address, weight


def _make_run_case(report: RunReport) -> TestCase:
    """Return the case of the run itself, which passes where the comparison or the writes were carried through."""
    if report.exit in {Exit.OK, Exit.CHANGES}:
        return TestCase(_RUN_SUITE, report.command, _PASSED)
    text = f"{describe_verdict(report).word}: {EXIT_MEANINGS[report.exit]}\n{summarize_run(report)}"
    return TestCase(
        _RUN_SUITE, report.command, _FAILURE if report.exit in _FAULTS else _ERROR, ((report.exit.word, text),)
    )


def _make_past_case(run: PastRun) -> TestCase:
    """Return a run that `history` tells of; of one that goes on nothing can be said yet."""
    name = escape_invisible(f"{run.id} {run.record.command} {run.record.started}")
    if run.exit in {Exit.OK, Exit.CHANGES}:
        return TestCase("history", name, _PASSED)
    result = _SKIPPED if run.exit is None and run.is_under_way else _FAILURE
    return TestCase("history", name, result, ((run.outcome, f"it ended as: {run.outcome}"),))


def _list_posture_cases(report: RunReport) -> Iterator[TestCase]:
    """Yield each rule by target: it passes where it finds nothing, and is an error where it could not be asked."""
    if report.posture is None:
        return
    findings = {(finding.target, finding.rule.id): finding for finding in report.posture.findings}
    for reading in report.posture.readings:
        suite = escape_invisible(f"{reading.target}.posture")
        for rule in reading.judged:
            finding = findings.get((reading.target, rule.id))
            texts = ((rule.id, f"{finding.summary}; {rule.reason}; {rule.remedy}"),) if finding else ()
            yield TestCase(suite, rule.id, _FAILURE if finding else _PASSED, texts)
        for rule in reading.unjudged:
            yield TestCase(suite, rule.id, _ERROR, ((rule.id, "what it needs could not be read"),))


def _make_step_case(finding: Finding, address: Address, context: FormatContext) -> TestCase:
    position = find_position(finding.source, context)
    text = f"{position.path}:{position.line}: {finding.message}" if position else finding.message
    return TestCase(_name_suite(address), _name_case(address, finding.title), _FAILURE, ((finding.rule, text),))


def _make_document_case(
    address: Address,
    document: DocumentCoverage | None,
    problems: Iterable[Diagnostic],
    unread: Iterable[Diagnostic],
    *,
    is_rest: bool,
) -> TestCase:
    suite, name = _name_suite(address), escape_invisible(str(address))
    if texts := tuple((problem.rule, str(problem)) for problem in problems):
        name += ": problems" if is_rest else ""
        return TestCase(suite, name, _ERROR if set(unread).intersection(problems) else _FAILURE, texts)
    if document is None or not document.is_selected:
        return TestCase(suite, name, _SKIPPED, (("not selected", "the selection leaves it out"),))
    if not document.of:
        return TestCase(
            suite, name, _SKIPPED, (("inert", "it declares nothing any more, such as one that has expired"),)
        )
    if not document.is_complete:
        text = f"compared {document.objects:,} of {format_count(document.of, 'object')}"
        return TestCase(suite, name, _ERROR, (("not compared", text),))
    more = ": all other objects" if is_rest else ""
    return TestCase(suite, f"{name}{more}", _PASSED)


def _name_suite(address: Address) -> str:
    return escape_invisible(f"{address.target}.{address.kind}")


def _format_suite(suite: str, cases: list[TestCase], context: FormatContext) -> Iterator[str]:
    counts = Counter(case.result for case in cases)
    moment = f"{context.moment:%Y-%m-%dT%H:%M:%S}"
    yield f'  <testsuite name={quoteattr(suite)} {_format_counts(counts)} time="0" timestamp="{moment}">'
    yield from (line for case in cases for line in _format_case(case))
    yield "  </testsuite>"


def _format_counts(counts: Counter[str]) -> str:
    total = sum(counts.values())
    return f'tests="{total}" failures="{counts[_FAILURE]}" errors="{counts[_ERROR]}" skipped="{counts[_SKIPPED]}"'


def _format_case(case: TestCase) -> Iterator[str]:
    head = f'    <testcase classname={quoteattr(case.suite)} name={quoteattr(case.name)} time="0"'
    if case.result == _PASSED:
        yield f"{head}/>"
        return
    yield f"{head}>"
    # One element a case: some readers take the first alone.
    lines = ["\n".join(escape_invisible(line) for line in text.split("\n")) for _, text in case.texts]
    rule, first = case.texts[0][0], lines[0].partition("\n")[0]
    if case.result == _SKIPPED:
        yield f"      <skipped message={quoteattr(first)}/>"
    else:
        yield f"      <{case.result} type={quoteattr(rule)} message={quoteattr(first)}>"
        yield f"{escape(chr(10).join(lines))}</{case.result}>"
    yield "    </testcase>"
