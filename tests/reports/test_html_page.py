"""The HTML report as markup: one file that does nothing and asks for nothing, whatever names stand in it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest

from reconciler.errors import Exit
from reconciler.model import Change, Coverage, Plan, Risk
from reconciler.reports.html_page import render_html
from reconciler.reports.page_steps import MAX_PAGE_BLOCKS
from reconciler.reports.run_report import RunReport
from tests.reports.test_hostile import CORPUS
from tests.support.html_samples import CONTEXT, SAMPLES, spread_word
from tests.support.report_plans import TARGETS, mask_plan, owners, step

HOSTILE = [
    *CORPUS,
    "</style></title><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"'><svg onload=alert(1)>",
    "javascript:alert(1)",
    "https://evil.example/",
    "{{ 7 * 7 }}{% raw %}",
    "-->]]><!--",
    "&lt;b&gt; &amp; &#0;",
]
VOID = frozenset({"meta", "link", "input"})


class Markup(HTMLParser):
    """A page's elements with their attributes, each opened and closed in its turn, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID and not self.get_starttag_text().endswith("/>"):  # type: ignore[union-attr]
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.get_starttag_text().endswith("/>") or self._open[-1] == tag:  # type: ignore[union-attr]
            assert self._open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        """The elements with the names of their attributes."""
        return [(tag, tuple(attributes)) for tag, attributes in self.tags]

    @property
    def text(self) -> str:
        """All text, with one blank where there is space."""
        return re.sub(r"\s+", " ", " ".join(self.texts))


def list_addresses(markup: Markup) -> Iterator[str]:
    """Yield whatever an element may fetch or lead to."""
    for _, attributes in markup.tags:
        yield from (
            value or "" for name, value in attributes.items() if name in {"href", "src", "action", "xlink:href"}
        )


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_page_holds_nothing_that_acts(sample: str) -> None:
    """No script, no style of an element's own, no address but its own places and the job's; a policy that says so."""
    page = render_html(SAMPLES[sample], CONTEXT)
    markup = Markup(page)
    names = {name for _, attributes in markup.tags for name in attributes}
    assert not {tag for tag, _ in markup.tags} & {"script", "iframe", "object", "embed", "img", "base"}
    assert not {name for name in names if name.startswith("on") or name == "style"}
    assert all(place.startswith("#") or place in {"data:,", CONTEXT.link} for place in list_addresses(markup))
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'; ")
    ids = [attributes["id"] for _, attributes in markup.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_foreign_text_is_text() -> None:
    """Whatever the word is, the page has the elements and attributes that it has with a harmless one."""
    unlinked = CONTEXT._replace(link="")
    shapes = [Markup(render_html(report, unlinked)).shape for report in spread_word("word")]
    for word in filter(None, HOSTILE):
        # Only what is an address of the web leads anywhere, and only from the place of the job.
        context = unlinked._replace(link="" if word.startswith("https://") else word, whole_result=word)
        for report, shape in zip(spread_word(word), shapes, strict=True):
            page = render_html(report, context)
            markup = Markup(page)
            assert markup.shape == shape, word
            assert all(line.isprintable() for line in page.split("\n")), word
            assert all(place.startswith("#") or place == "data:," for place in list_addresses(markup))


SAYINGS = {
    "plan": [
        "Incomplete", "exit 10: incomplete", "1 thing could not be read", "What to do: did you mean",
        "roles/ops.yaml 8:3", "~ update SecurityRole PKI Operators", "high risk",
        "Risk: adds a right to 2 claims and takes a right from 2 claims",
        '- removed "/dashboard/read/" + added "/security/modify/" 1 unchanged', "Request PUT /Security/Roles",
        '{ "Id": 5 }', "Not sent: the role is immutable", "3 objects alike", "test.example.com, requester CORP\\nina",
        "Not there 1", "unmanaged: 4 roles", "project 0123"],
    "drift": [
        'declared "Day-to-day operations" found "a"', '+ added on the server "/dashboard/read/"',
        '- missing on the server "/security/modify/" 1 as declared', "known since 2026-11-20, 9 runs",
        "description known since 2026-11-20, 9 runs", "permissions new high risk", "changed since 2026-11-28",
        "certificate 5B7E is not there known since 2026-11-21, 7 runs",
        "Cleared since the last run 1 SecurityRole/Auditors permissions", "r-1", "Risk of the repair:"],
    "apply": [
        "Partial", "2 applied", "requests.23 test.example.com, requester CORP\\nina applied", "1 stale",
        "What happened: nothing was sent: it changed", "NOT APPLIED"],
    "in sync": ["In sync", "compared 214 of 214", "214 unchanged"],
    "validate": ["Invalid", "command GET https://keyfactor", 'unknown key "descripton"', "document.unknown-key"],
    "history": [
        "1 partial", "20261128T223234-de0d514e", "4.5 s", "ada on ci-7", "commit 3f2a91c0aa, plan 9d01c2d4aab0",
        "! deny RequestDenial d applied target command not kept", "what it changed is not in this store",
        "no result was recorded",
        "SecurityRole/Auditors permissions: since 2026-11-20, cleared 2026-11-24", "still there"],
    "posture": [
        "! Findings 12 findings", "4 of high urgency", "Certificates that end within 30 days",
        "high 213 certificates are owned by roles that nobody holds target command",
        "What to do: give the role a claim in its SecurityRole document", "posture.owner-not-held",
        "Platform Engineering 0 212", "1 more; as many as are kept: --report json=FILE",
        "day 4: 6 with an owner that somebody holds, 5 without",
        "Not judged", "csms : posture.event-disabled"],
    "fleet": [
        "Targets 60 targets: 2 no answer, 1 refused, 53 differ, 4 in sync", "Target State SecretEvent",
        "prod-ap-006 no answer within 30 s no answer 5 unread", "prod-ap-021 differs 2 differ",
        "4 targets in sync prod-ap-057, prod-ap-060, prod-eu-058, prod-eu-059",
        "SecretEvent expiry-prod changed 53 of 60 targets not in prod-ap-006", "(2 of these not read whole)",
        "the same in 53 of 60 targets", "prod-ap-003: expiry-prod", "{project} stands for the project of each target",
        "targets prod-ap-003 to prod-eu-059, 58 that gave an answer"],
}  # fmt: skip


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_page_says_what_there_is_to_say(sample: str) -> None:
    text = Markup(render_html(SAMPLES[sample], CONTEXT)).text
    assert [saying for saying in SAYINGS[sample] if saying not in text] == []


def test_equal_input_gives_an_equal_page_in_any_encoding() -> None:
    """What a stream can't take is spelled in ASCII, and reads the same."""
    pages = [
        render_html(SAMPLES["plan"], CONTEXT._replace(ascii_only=ascii_only)) for ascii_only in (False, False, True)
    ]
    assert pages[0] == pages[1] != pages[2]
    assert pages[2].isascii()
    assert Markup(pages[2]).text == Markup(pages[0]).text


def test_a_page_of_very_many_steps_is_bounded_and_says_what_it_leaves_out() -> None:
    """Equal ones are told together; of different ones those of the highest risk stay."""
    alike = mask_plan(Plan(owners(2000), Coverage(2000, 2000), targets=TARGETS))
    text = Markup(render_html(RunReport("plan", Exit.OK, alike), CONTEXT)).text
    assert "2,000 objects alike" in text
    assert "and 1,900 more; all of them: --report json=FILE" in text
    risks = [Risk.LOW] * 1000 + [Risk.HIGH]
    steps = (step(changes=(Change("description", number, "b", risk),)) for number, risk in enumerate(risks))
    differing = mask_plan(Plan(tuple(steps), Coverage(1001, 1001), targets=TARGETS))
    page = render_html(RunReport("plan", Exit.OK, differing), CONTEXT._replace(whole_result="r.json"))
    assert page.count('<li class="step') == MAX_PAGE_BLOCKS
    assert f"{1001 - MAX_PAGE_BLOCKS} more steps are not on this page" in page
    assert "<code>1000</code>" in page


def test_one_huge_object_does_not_make_a_huge_page() -> None:
    body = {"Permissions": [f"/very/long/{number}/" for number in range(20_000)]}
    changes = (
        Change("permissions", [], body["Permissions"], Risk.LOW),
        Change("description", "a", "x" * 10**6, Risk.LOW),
    )
    plan = mask_plan(Plan((step(body=body, changes=changes),), Coverage(1, 1)))
    page = render_html(RunReport("plan", Exit.OK, plan), CONTEXT)
    assert len(page) < 100_000
    assert "19,950 more" in page
