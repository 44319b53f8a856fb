"""The system's Chromium, without a window, as far as the machine has one: what a reader of a page would see."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Start it once for many pages; where there is none the test that asks says so."""
    if CHROMIUM is None:
        pytest.skip("NO CHROMIUM HERE: nobody looks at the HTML report as a browser shows it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


def find_barriers(page: Page) -> list[str]:
    """Return what axe-core finds on a page that some people can't use, by its rule and the element."""
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
    results: dict[str, Any] = page.evaluate("axe.run({resultTypes: ['violations']})")
    return [f"{found['id']}: {node['html']}" for found in results["violations"] for node in found["nodes"]]
