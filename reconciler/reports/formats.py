"""The formats of `--report`: what draws each, imported when it is asked for, and how a file of it begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from importlib import import_module
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from reconciler.reports.run_report import RunReport


class FormatContext(NamedTuple):
    """What a format may need beside what a run came to: things that differ between two runs with the same result.

    `moment` is when the run began (UTC), `seconds` how long it took, `requests` how many it made. `scope` names what a
    run of the same command is about (its targets and its selection), so that one report can take another's place.
    `folder` leads from the repository's root to the folder that file names are relative to, and `settings_file` stands
    for a place that is in no file. `whole_result` says where all of it is for a report that has to leave something out,
    `link` where the job's log is, and `former` is the text of the report of before in the same place: each "" where
    there is none. With `ascii_only` whoever takes the report can't be sent anything else.
    """

    moment: datetime
    seconds: float = 0.0
    requests: int = 0
    version: str = ""
    scope: str = "all"
    folder: str = ""
    settings_file: str = "reconciler.yaml"
    whole_result: str = ""
    link: str = ""
    former: str = ""
    ascii_only: bool = False


RenderFormat: TypeAlias = Callable[[RunReport, FormatContext], str]


class Format(NamedTuple):
    """A format: the module and the function that draw it, how a report in it begins (a pattern), and a name for one.

    `mode` is who may read it: only its owner, since it holds what servers hold; numbers are for everybody. With
    `needs_former` it goes on from the report before it in the same place. `package` is what has to be installed for it,
    by the extra of the format's name.
    """

    module: str
    function: str
    start: bytes
    example: str
    mode: int = 0o600
    needs_former: bool = False
    package: str = ""

    @property
    def render(self) -> RenderFormat:
        """What draws a report."""
        function: RenderFormat = getattr(import_module(f"reconciler.reports.{self.module}"), self.function)
        return function


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        # Its second member tells it from a saved plan, which begins alike and is not to be written over.
        "json": Format(
            "json_document", "render_json_report", rb'\{\s*"format_version": *"[^"]*",\s*"command"', "report.json"
        ),
        "markdown": Format("markdown", "render_markdown", b"<!-- reconciler:", "report.md"),
        "html": Format("html_page", "render_html", rb"<!doctype html>\s*<html", "report.html", package="jinja2"),
        "junit": Format("junit", "render_junit", rb"<\?xml[^>]*>\s*<testsuites name=\"reconciler ", "junit.xml"),
        "sarif": Format("sarif", "render_sarif", rb'\{\s*"\$schema": "[^"]*sarif', "reconciler.sarif"),
        "prometheus": Format(
            "prometheus", "render_prometheus", b"# HELP reconciler_", "reconciler.prom", mode=0o644, needs_former=True
        ),
        "github": Format("github", "render_github", b"::notice title=reconciler ", "annotations.txt"),
        "gitlab": Format("gitlab", "render_gitlab", rb'\[\s*(?:\]|\{\s*"description")', "codequality.json"),
    }
)
"""The formats by their names, in the order in which they are told."""
