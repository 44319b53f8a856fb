"""The HTML report as a browser shows it: nothing is fetched, nothing complains, everybody can read and use it.

Pictures of each page are left in build/screenshots/, for the eye.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Page

from reconciler.reports.html_page import render_html
from reconciler.reports.run_report import RunReport
from tests.reports.test_html_page import HOSTILE
from tests.support.browser import find_barriers, open_browser
from tests.support.html_samples import CONTEXT, SAMPLES, spread_word

PICTURES = Path(__file__).parents[2] / "build" / "screenshots"


class Reader(NamedTuple):
    """One tab, with what it asked for and what it said on its console since it was opened."""

    page: Page
    requests: list[str]
    messages: list[str]

    def open_report(self, report: RunReport, folder: Path) -> None:
        """Show a report from a file, as somebody does who took it from a job."""
        (folder / "report.html").write_text(render_html(report, CONTEXT), "utf-8")
        self.requests.clear()
        self.page.goto((folder / "report.html").as_uri())


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with open_browser() as browser:
        reader = Reader(browser.new_page(), [], [])
        reader.page.on("request", lambda request: reader.requests.append(request.url))
        reader.page.on("console", lambda message: reader.messages.append(message.text))
        reader.page.on("pageerror", lambda error: reader.messages.append(str(error)))
        yield reader


# What the other pages have is on these five as well.
@pytest.mark.parametrize("sample", ["drift", "apply", "history", "posture", "fleet"])
def test_a_page_is_for_everybody(reader: Reader, tmp_path: Path, sample: str) -> None:
    """On a wide screen in the light, on a phone in the dark: contrast, landmarks, names, and no line is cut off."""
    page = reader.page
    PICTURES.mkdir(parents=True, exist_ok=True)
    for width, scheme in ((1280, "light"), (360, "dark")):
        page.set_viewport_size({"width": width, "height": 844})
        page.emulate_media(media="screen", color_scheme=scheme)  # type: ignore[arg-type]
        reader.open_report(SAMPLES[sample], tmp_path)
        assert reader.requests == [page.url]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.screenshot(path=PICTURES / f"{sample}-{width}-{scheme}.png", full_page=True)
        assert find_barriers(page) == []
    assert reader.messages == []


def count_visible_steps(page: Page) -> int:
    return page.locator(".step:visible").count()


def test_check_boxes_filter_without_a_script(reader: Reader, tmp_path: Path) -> None:
    """With the keyboard alone; one button shows all again, and where nothing is left the page says why."""
    page = reader.page
    reader.open_report(SAMPLES["drift"], tmp_path)
    total = count_visible_steps(page)
    page.locator("summary", has_text="Filter by kind, change, risk, news, target").press("Enter")
    box = page.get_by_label("SecurityRole")
    box.focus()
    page.keyboard.press("Space")
    assert count_visible_steps(page) == total - 2
    # What some browsers do at Enter in a check box.
    page.evaluate("document.forms[0].requestSubmit()")
    page.get_by_label("known").uncheck()
    assert count_visible_steps(page) == 1
    assert not page.locator(".none-left").is_visible()
    page.get_by_role("button", name="Show all").press("Enter")
    assert count_visible_steps(page) == total
    for risk in ("low", "high", "irreversible"):
        page.get_by_role("group", name="Risk").get_by_label(risk).uncheck()
    assert count_visible_steps(page) == 0
    assert page.locator(".none-left").is_visible()
    assert (reader.requests, reader.messages) == ([page.url], [])


def test_on_paper_it_is_light_and_unfolded(reader: Reader, tmp_path: Path) -> None:
    """Whatever the screen is; check boxes are for screens."""
    page = reader.page
    reader.open_report(SAMPLES["plan"], tmp_path)
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert page.get_by_text('"Id": 5').first.is_visible()
    assert not page.get_by_role("button", name="Show all").is_visible()
    page.screenshot(path=PICTURES / "plan-print.png", full_page=True)
    page.emulate_media(media="screen")


def test_hostile_names_are_shown_and_do_nothing(reader: Reader, tmp_path: Path) -> None:
    """A browser finds the elements that it finds with a harmless word; nothing runs, nothing is fetched."""
    words = ["word", " ".join(HOSTILE)]
    for harmless, hostile in zip(*map(spread_word, words), strict=True):
        elements = []
        for report in (harmless, hostile):
            reader.open_report(report, tmp_path)
            elements.append(reader.page.evaluate("Array.from(document.querySelectorAll('*'), e => e.localName)"))
            assert (reader.requests, reader.messages) == ([reader.page.url], [])
        assert elements[0] == elements[1]
