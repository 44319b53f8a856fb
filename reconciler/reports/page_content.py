"""What a page says of a run, from top to bottom, as values: its template only puts them in their places. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from typing import TYPE_CHECKING, NamedTuple

from reconciler.diagnostics import Diagnostic
from reconciler.errors import EXIT_MEANINGS, Exit
from reconciler.model import Action, Bound, Risk
from reconciler.reports.fleet_matrix import is_fleet, list_bounds
from reconciler.reports.fleet_problems import fold_diagnostics, fold_notes
from reconciler.reports.fleet_sharing import fold_rights
from reconciler.reports.formats import FormatContext
from reconciler.reports.headline import summarize_news
from reconciler.reports.page_filters import PageFilters, build_filters
from reconciler.reports.page_fleet import FleetPage, build_fleet_content
from reconciler.reports.page_history import HistoryPage, build_history_page
from reconciler.reports.page_posture import PosturePage, build_posture_page, count_urgencies
from reconciler.reports.page_steps import VERDICT_TONES, Mark, PageSteps, build_page_steps, mark_age
from reconciler.reports.perspective import FOUND, PLANNED, View
from reconciler.reports.problems import limit_by_file
from reconciler.reports.rights import RightsWords, describe_rights, summarize_rights
from reconciler.reports.run_report import RunReport
from reconciler.reports.run_verdict import describe_verdict, summarize_run
from reconciler.reports.unmanaged import summarize_unmanaged

if TYPE_CHECKING:
    from reconciler.plans.drift_items import DriftAge

MAX_PAGE_PROBLEMS = 500
"""Problems, and notes, and absences, that a page shows of each."""

MAX_PAGE_RIGHTS = 100
"""Principals whose rights a page shows."""

MAX_PAGE_BOUNDS = 20
"""Targets that are told with their address; of more only how many they are."""

_SYMBOLS = {"good": "✓", "calm": "•", "wary": "!", "bad": "✕"}


class PageVerdict(NamedTuple):
    """What it came to: a word and its tone, the headline, and the exit code with what that means."""

    word: str
    tone: str
    sentences: Sequence[str]
    exit: str
    meaning: str

    @property
    def symbol(self) -> str:
        """A sign that tells the tone without its colour."""
        return _SYMBOLS[self.tone]


class Tile(NamedTuple):
    """A number and what it counts."""

    number: int
    label: str
    tone: str


class ToldThing(NamedTuple):
    """A problem or a note beside its place, in its three parts; `age` is how long something has been so."""

    place: str
    rule: str
    target: str
    summary: str
    reason: str
    remedy: str
    age: Mark | None


class ToldFile(NamedTuple):
    """What is told of one file, or of one request."""

    name: str
    things: Sequence[ToldThing]


class ToldList(NamedTuple):
    """What is told by file, how many things that are, and how many more there are."""

    files: Sequence[ToldFile]
    total: int
    hidden: int


class RightsPage(NamedTuple):
    """Who gains and who loses rights: the heading, the greatest changes, and how many more there are."""

    heading: str
    rows: Sequence[RightsWords]
    hidden: int


class ClearedThing(NamedTuple):
    """A difference that is gone."""

    name: str
    path: str
    since: str
    runs: int


@dataclass(frozen=True, slots=True)
class PageContent:
    """A page. What is empty has no section."""

    command: str
    verdict: PageVerdict
    facts: Sequence[tuple[str, str]]
    tiles: Sequence[Tile]
    problems: ToldList
    steps: PageSteps
    filters: PageFilters
    rights: RightsPage | None
    absences: ToldList
    cleared: Sequence[ClearedThing]
    notes: ToldList
    withdrawn: Sequence[str]
    unmanaged: str
    history: HistoryPage | None
    posture: PosturePage | None
    link: str
    is_drift: bool
    fleet: FleetPage | None = None


def build_page_content(report: RunReport, context: FormatContext) -> PageContent:
    """Return all that a page says."""
    view = View(list_bounds(report), from_server=report.command == "drift")
    plan = report.plan
    fleet, steps = build_fleet_content(report, view) if is_fleet(report) else (None, _build_steps(report, view))
    return PageContent(
        report.command,
        _judge(report),
        list(_list_facts(report, context)),
        list(_count_tiles(report)),
        _tell(fold_diagnostics(report, report.all_problems), view, {}),
        steps,
        build_filters(steps.blocks),
        _build_rights_page(report) if plan.rights else None,
        _tell(fold_diagnostics(report, plan.absences), view, report.absence_ages),
        _list_cleared(report),
        _tell(fold_notes(report), view, {}),
        _list_withdrawn(report),
        summarize_unmanaged(plan.unmanaged),
        build_history_page(report.runs, report.differences, context.moment) if report.command == "history" else None,
        build_posture_page(report.posture) if report.posture else None,
        # The address comes from a variable of the environment: `javascript:` is one as well.
        context.link if context.link.startswith(("https://", "http://")) else "",
        view.from_server,
        fleet,
    )


def _build_steps(report: RunReport, view: View) -> PageSteps:
    return build_page_steps(chain(report.steps, report.acknowledged), view)


def _build_rights_page(report: RunReport) -> RightsPage:
    changes, names_target = fold_rights(report), len(report.plan.targets) > 1
    rows = [describe_rights(change, names_target=names_target) for change in changes[:MAX_PAGE_RIGHTS]]
    return RightsPage(summarize_rights(changes), rows, len(changes) - len(rows))


def _judge(report: RunReport) -> PageVerdict:
    word = describe_verdict(report).word
    exit_ = f"exit {int(report.exit)}: {report.exit.word}"
    # What these two mean stands above, in the command's own words.
    meaning = "" if report.exit in {Exit.OK, Exit.CHANGES} else EXIT_MEANINGS[report.exit].replace("`", "")
    sentences = [sentence for sentence in _split_summary(report) if sentence and sentence != meaning]
    return PageVerdict(f"{word[:1].upper()}{word[1:]}", _find_tone(report, word), sentences, exit_, meaning)


def _split_summary(report: RunReport) -> tuple[str, str]:
    """Return the headline, and what is new since earlier runs. A line end inside of either is foreign, and no end."""
    summary, news = summarize_run(report), summarize_news(report.drift)
    return (summary.removesuffix(f"\n{news}"), news) if news and not report.outcomes else (summary, "")


def _find_tone(report: RunReport, word: str) -> str:
    if report.exit not in {Exit.OK, Exit.CHANGES}:
        return "bad"
    return (
        "wary"
        if word in {"drift", "changes", "findings"}
        else "calm"
        if report.command in {"history", "show"}
        else "good"
    )


def _list_facts(report: RunReport, context: FormatContext) -> Iterable[tuple[str, str]]:
    """Yield (name, text) of what the run was: where it looked, at what, and which run it was."""
    yield from _list_bound_facts(report.plan.targets)
    members = report.members
    saved, run = members.get("saved_plan") or {}, members.get("run") or {}
    facts = {
        "selection": report.plan.selection,
        "plan": report.plan_digest,
        "run": run.get("id"),
        "commit": run.get("commit") or saved.get("commit"),
        "base": (members.get("base") or {}).get("revision"),
    }
    yield from ((name, str(text)) for name, text in facts.items() if text)
    yield "when", f"{context.moment:%Y-%m-%d %H:%M:%S} UTC, {context.seconds:,.1f} s"
    if context.requests:
        yield "requests", f"{context.requests:,}"
    yield "tool", f"reconciler {context.version}".rstrip()


def _list_bound_facts(bounds: Mapping[str, Bound]) -> Iterable[tuple[str, str]]:
    targets = sorted(bounds.items())
    # Their addresses are in the settings: hundreds of them would hide which run it was.
    if len(targets) > MAX_PAGE_BOUNDS:
        yield "targets", f"{targets[0][0]} to {targets[-1][0]}, {len(targets):,} that gave an answer"
        return
    for name, bound in targets:
        yield f"target {name}", f"{bound.url}{f' project {bound.project}' if bound.project else ''}"


def _count_tiles(report: RunReport) -> Iterable[Tile]:
    """Yield the numbers that are not 0: of what became of the steps, or of what they are."""
    if report.posture:
        yield from (Tile(number, label, tone) for number, label, tone in count_urgencies(report.posture) if number)
        return
    summary, words = report.summary, FOUND if report.command == "drift" else PLANNED
    if report.outcomes:
        verdicts = summary.verdicts.items()
        tiles = [Tile(number, verdict.value.replace("_", " "), VERDICT_TONES[verdict]) for verdict, number in verdicts]
    else:
        tiles = [Tile(summary.actions[action], words[action].counted, "calm") for action in Action]
        tiles.append(Tile(summary.risks[Risk.HIGH], "high risk", "wary"))
        tiles.append(Tile(summary.risks[Risk.IRREVERSIBLE], "irreversible", "bad"))
        tiles.append(Tile(summary.refused, "not sent", "bad"))
    tiles += [
        Tile(summary.absent, "not there", "wary"),
        Tile(summary.acknowledged, "acknowledged", "calm"),
        Tile(summary.unchanged, "unchanged", "good"),
        Tile(report.plan.compared.of - report.plan.compared.objects, "not compared", "bad"),
    ]
    yield from (tile for tile in tiles if tile.number > 0)


def _tell(diagnostics: Iterable[Diagnostic], view: View, ages: Mapping[object, DriftAge | None]) -> ToldList:
    """Return what is told by file, of each as much as the text has of it."""
    limited = list(limit_by_file(diagnostics))
    shown = limited[:MAX_PAGE_PROBLEMS]
    files = [
        ToldFile(file, [_tell_thing(diagnostic, view, ages.get(diagnostic.identity)) for diagnostic in group])
        for file, group in groupby(shown, key=lambda diagnostic: diagnostic.source.file)
    ]
    return ToldList(files, len(limited), len(limited) - len(shown))


def _tell_thing(diagnostic: Diagnostic, view: View, age: DriftAge | None) -> ToldThing:
    source, address = diagnostic.source, diagnostic.address
    target = f"target {address.target}" if address and view.names_targets else ""
    place = f"{source.line}:{source.column}" if source.line else ""
    words = diagnostic.summary, diagnostic.reason, diagnostic.remedy
    return ToldThing(place, diagnostic.rule, target, *words, mark_age(age) if age else None)


def _list_cleared(report: RunReport) -> list[ClearedThing]:
    gone = report.drift.cleared if report.drift else ()
    return [
        ClearedThing(f"{item.address} {item.object}".rstrip(), item.path, item.since[:10], item.runs) for item in gone
    ]


def _list_withdrawn(report: RunReport) -> list[str]:
    """Return the documents that are no longer declared since a revision, as the JSON document has them."""
    entries = report.members.get("no_longer_declared") or []
    return [f"{entry['address']['kind']}/{entry['address']['name']}  {entry['source']}" for entry in entries]
