"""What reads the reports of each format for real: each judge takes a text, and raises where its reader would not.

`judge_*` return what the report says of the run, so that a test can ask for it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from html.parser import HTMLParser
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import jsonschema
import xmlschema
from markdown_it import MarkdownIt
from prometheus_client.parser import text_string_to_metric_families

from reconciler.reports.formats import FORMATS

DATA = Path(__file__).parents[1] / "reports"
# As GitLab's documentation has it (Code Quality report format).
CODE_QUALITY_SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^[^/]"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}
_OUR_TAGS = frozenset(
    {"h3", "p", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "code", "pre", "details", "summary"}
    | {"strong", "em"}
)
_CELLS = {"td", "th"}
# What GitHub or GitLab makes a link or a notification of, in text that is no code.
_LIVE_TEXT = re.compile(
    r"@\w|#\d|\bGH-\d|[A-Za-z]+-\d|://|\bwww\.|\b[0-9a-fA-F]{7,}\b|[!$%~&^]\d|\[[^\]]*\]|<|\bmailto:|:\w+:"
)


class _Page(HTMLParser):
    """The elements of a rendered report, and its text outside of code."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.rows: list[int] = []
        self.code_depth = 0
        self.open_tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open_tags.append(tag)
        self.code_depth += tag == "code"
        if tag == "tr":
            self.rows.append(0)
        elif tag in _CELLS:
            self.rows[-1] += 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags.pop() == tag
        self.code_depth -= tag == "code"

    def handle_data(self, data: str) -> None:
        if not self.code_depth:
            self.text.append(data)

    def handle_comment(self, data: str) -> None:
        assert re.fullmatch(r" reconciler:[a-z]+:[\w.,:-]+ ", data), data
        assert "--" not in data


@cache
def _load_markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True}).enable("table").enable("strikethrough")


@cache
def _load_sarif_schema() -> jsonschema.Draft4Validator:
    # The schema that OASIS publishes, as its `id` says.
    return jsonschema.Draft4Validator(json.loads((DATA / "sarif-2.1.0.schema.json").read_text("utf-8")))


@cache
def _load_junit_schema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(str(DATA / "junit.xsd"))


def split_row(line: str) -> list[str]:
    """Return the cells of a row as cmark-gfm splits it: what a backslash escapes is no border, were it in code."""
    return re.findall(r"((?:\\[!-/:-@\[-`{-~]|[^|\n])+)(?:\||$)", line.strip().removeprefix("|"))


def judge_markdown(text: str) -> str:
    """Render it: nothing but our own elements, no link but to the job, rows that are whole, no live text."""
    page = _Page()
    page.feed(_load_markdown().render(text))
    page.close()
    assert page.open_tags == []
    for tag, attributes in page.tags:
        assert tag in _OUR_TAGS or (tag, list(attributes)) == ("a", ["href"]), tag
        assert set(attributes) <= {"class", "href"}, attributes
        assert (attributes.get("href") or "https://ci.example/").startswith("https://ci.example/")
    runs = groupby(text.split("\n"), lambda line: line.startswith("|"))
    tables = [list(lines) for is_table, lines in runs if is_table]
    for rows in tables:
        assert rows[1].strip("|-") == "", rows
        assert len({len(split_row(row)) for row in rows}) == 1, rows
    assert sum(map(len, tables)) == len(page.rows) + len(tables)
    live = [found for part in page.text for found in _LIVE_TEXT.findall(part)]
    assert live == []
    assert len(text.encode("utf-16-le")) // 2 <= 65_536
    code = re.search(r"exit (\d+) \(", text)
    return code[1] if code else ""


def judge_junit(text: str) -> str:
    """Validate it, and count."""
    _load_junit_schema().validate(text)
    root = ElementTree.fromstring(text.encode("utf-8"))
    cases = list(root.iter("testcase"))
    counts = Counter(child.tag for case in cases for child in case)
    assert int(root.attrib["tests"]) == len(cases)
    assert (int(root.attrib["failures"]), int(root.attrib["errors"])) == (counts["failure"], counts["error"])
    names = [(case.attrib["classname"], case.attrib["name"]) for case in cases]
    assert names[0][0] == "run"
    return "passed" if not len(cases[0]) else cases[0][0].attrib["type"]


def judge_sarif(text: str) -> str:
    """Validate it; each result names a rule that is described."""
    log = json.loads(text)
    _load_sarif_schema().validate(log)
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert "](" not in result["message"]["text"]
    fingerprints = [result["partialFingerprints"]["reconciler/v1"] for result in run["results"]]
    assert len(set(fingerprints)) == len(fingerprints)
    return str(run["invocations"][0]["exitCode"])


def judge_prometheus(text: str) -> str:
    """Parse it; no series twice, and each metric with its words."""
    families = list(text_string_to_metric_families(text))
    series = [(sample.name, tuple(sorted(sample.labels.items()))) for family in families for sample in family.samples]
    assert len(set(series)) == len(series)
    assert all(family.documentation and family.type == "gauge" for family in families)
    (code,) = (family.samples[0].value for family in families if family.name == "reconciler_run_exit_code")
    return str(int(code))


def judge_github(text: str) -> str:
    """Read it as a runner does: every line is one command of ours, and ten of a level at most."""
    counts: Counter[str] = Counter()
    title = ""
    for line in text.removesuffix("\n").split("\n"):
        match = re.fullmatch(r"::(error|warning|notice) ([^:]*)::([^\r\n]+)", line)
        assert match, line
        counts[match[1]] += 1
        properties = dict(pair.split("=", 1) for pair in match[2].split(","))
        assert set(properties) <= {"file", "line", "col", "title"}
        assert "##[" not in line
        title = title or unquote(properties["title"])
    assert max(counts.values()) <= 10
    return title.rpartition(": ")[2]


def judge_gitlab(text: str) -> str:
    """Validate it; no fingerprint twice. Returns the gravest severity."""
    entries = json.loads(text)
    jsonschema.validate(entries, CODE_QUALITY_SCHEMA)
    fingerprints = [entry["fingerprint"] for entry in entries]
    assert len(set(fingerprints)) == len(fingerprints)
    return entries[0]["severity"] if entries else ""


def judge_json(text: str) -> str:
    """Parse it."""
    document: dict[str, Any] = json.loads(text)
    return str(document["outcome"]["code"])


JUDGES: Mapping[str, Callable[[str], str]] = {
    "json": judge_json,
    "markdown": judge_markdown,
    "junit": judge_junit,
    "sarif": judge_sarif,
    "prometheus": judge_prometheus,
    "github": judge_github,
    "gitlab": judge_gitlab,
}
"""The judges by their formats; a page in HTML has tests of its own."""


def judge_format(name: str, text: str) -> str:
    """Ask a format's own reader, after what holds for all: visible characters, and a beginning that is known."""
    assert all(line.isprintable() for line in text.replace("\ufe0f", "").split("\n"))
    assert re.match(FORMATS[name].start, text.encode("utf-8"))
    return JUDGES[name](text)
