"""`make pictures`: the pictures of the docs' reports, taken in Chromium of what `reconciler demo` tells."""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import chdir
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from reconciler.cli import main
from reconciler.cli.commands.demo import _list_edits
from reconciler.errors import Exit
from reconciler.reports.html_page import render_html
from reconciler.simulator import Simulator
from tests.support.browser import open_browser
from tests.support.fleet_samples import make_fleet_report
from tests.support.html_samples import CONTEXT, RUNS, SAMPLES, make_run

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "images"
MAX_BYTES = 100_000


class Picture(NamedTuple):
    """A page, the screen that it is shown on, and how much of it is in the picture."""

    page: str
    width: int
    height: int
    scheme: str


PICTURES: Mapping[str, Picture] = {
    "plan-report.png": Picture("plan.html", 920, 760, "light"),
    "drift-report-phone.png": Picture("drift.html", 390, 844, "dark"),
    "history-report.png": Picture("history.html", 920, 560, "light"),
    "fleet-report.png": Picture("fleet.html", 920, 680, "light"),
}


def run_command(*argv: str, expect: Sequence[Exit] = (Exit.OK,)) -> None:
    """Run a command of the tool in the current folder."""
    stderr = io.StringIO()
    code = main(argv, {}, io.StringIO(), stderr, io.StringIO())
    assert code in expect, stderr.getvalue()


def write_pages() -> None:
    """Write the pages into the current folder."""
    shutil.copytree(ROOT / "reconciler" / "demo" / "manifests", "manifests")
    with Simulator(certificates=12) as server:
        shutil.copy(server.credentials["settings"], "reconciler.yaml")
        run_command("plan", "--report", "html=plan.html")
        run_command("apply", "--yes")
        for _, method, path, change in _list_edits(server):
            server.edit(method, path, change)
        run_command("drift", "--report", "html=drift.html", expect=[Exit.CHANGES])
    # Runs of one minute make no timeline.
    runs = [*RUNS, *(make_run(day, Exit.OK) for day in range(19, 8, -1))]
    month = replace(SAMPLES["history"], runs=runs, headline=f"{len(runs)} runs")
    Path("history.html").write_text(render_html(month, CONTEXT), "utf-8")
    Path("fleet.html").write_text(render_html(make_fleet_report(), CONTEXT), "utf-8")


def take_pictures() -> None:
    """Take each picture of the pages in the current folder."""
    FOLDER.mkdir(exist_ok=True)
    with open_browser() as browser:
        for name, picture in PICTURES.items():
            page = browser.new_page(
                viewport={"width": picture.width, "height": picture.height},
                color_scheme=picture.scheme,  # type: ignore[arg-type]
            )
            page.goto(Path(picture.page).resolve().as_uri())
            page.screenshot(path=FOLDER / name)
            size = (FOLDER / name).stat().st_size
            assert size <= MAX_BYTES, f"{name} has {size:,} bytes"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch, chdir(Path(scratch).resolve()):
        write_pages()
        take_pictures()
    sys.stdout.write(f"{', '.join(PICTURES)} are in docs/images/\n")
