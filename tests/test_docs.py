"""What the guides say is so: links lead somewhere, commands can be typed, files and tests that are named exist."""

from __future__ import annotations

import io
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from reconciler.cli import main
from reconciler.errors import Exit
from reconciler.kinds.registry import KINDS

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/**/*.md")])
FILES = sorted(
    path
    for pattern in ("**/*.yml", "**/*.service", "base/*.yaml", "kubernetes/*.yaml", "tekton.yaml", "Jenkinsfile")
    for folder in ("09-gitops-repository", "10-drift-cron", "14-fleet", "kubernetes", "ci")
    for path in (ROOT / "examples" / folder).glob(pattern)
)
NAMED = re.compile(r"`((?:tests|reconciler|examples|docs|schemas)/[^`<]+)`")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(text: str) -> Iterator[list[str]]:
    """Yield what is typed after `reconciler`, from the code of a page and from the files of jobs and units."""
    before = r"^(?: {4,}|\s*(?:- (?:run: |script: )?|steps \{ sh '|ExecStart=|exec |command: ))"
    shown = before + r"(?:\S*/)?(?:\[?reconciler[, ])(.*)$"
    for line in re.findall(shown, text, re.MULTILINE):
        words = line.partition("#")[0].split(" > ")[0].split("' }")[0].split(" || ")[0].strip().rstrip("]")
        yield shlex.split(words.replace('"$CONFIG"', "x"))
    for code in re.findall(r"`reconciler ([a-z][^`]*)`", text):
        words = code.replace("\\|", "|")
        if not re.search(r"[|\[\].,A-Z]", words):
            yield shlex.split(words)


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_relative_links_lead_somewhere(page: Path) -> None:
    """To a file of this repository, or a heading of the page that is linked."""
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text("utf-8")):
        path, _, heading = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        assert file.is_relative_to(ROOT)
        if heading:
            headings = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.MULTILINE)
            assert heading in {re.sub(r"[^a-z0-9 -]", "", one.lower()).replace(" ", "-") for one in headings}


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_files_and_tests_that_are_named_exist(page: Path) -> None:
    """A path in backticks is a path here; `file::test` is a test in it."""
    for path, test in (named.partition("::")[::2] for named in NAMED.findall(page.read_text("utf-8"))):
        assert (ROOT / path).exists(), path
        assert not test or re.search(rf"^def {test}\(", (ROOT / path).read_text("utf-8"), re.MULTILINE), test


@pytest.mark.parametrize("path", [*PAGES, *FILES], ids=_name)
def test_commands_can_be_typed(path: Path) -> None:
    """Each is a command with options that it has: `--help` behind it is answered with help."""
    for words in commands(path.read_text("utf-8")):
        stdout, stderr = io.StringIO(), io.StringIO()
        code = main([*words, "--help"], {}, stdout, stderr, io.StringIO())
        assert code == 0, f"reconciler {' '.join(words)}: {stderr.getvalue()}"


def test_commands_are_found_where_they_are_typed() -> None:
    """Or the test above would hold of nothing."""
    found = {_name(path): [words[0] for words in commands(path.read_text("utf-8"))] for path in [*PAGES, *FILES]}
    assert {"validate", "plan", "apply"} <= set(found["docs/ci.md"])
    assert found["examples/kubernetes/base/cronjob.yaml"] == ["drift"]
    assert found["examples/10-drift-cron/systemd/reconciler-drift.service"] == ["drift"]
    assert found["examples/09-gitops-repository/.github/workflows/plan.yml"] == ["validate", "plan"]
    assert found["examples/09-gitops-repository/.github/workflows/apply.yml"] == ["plan", "apply"]
    assert found["examples/09-gitops-repository/.gitlab-ci.yml"] == ["validate", "plan", "apply", "drift"]
    assert found["examples/14-fleet/.github/workflows/fleet.yml"] == ["drift", "merge"]
    assert found["examples/14-fleet/.gitlab-ci.yml"] == ["drift", "drift", "merge"]
    assert found["examples/14-fleet/kubernetes/drift.yaml"] == ["drift"]
    assert found["examples/14-fleet/kubernetes/merge.yaml"] == ["merge"]
    for name in ("Jenkinsfile", "azure-pipelines.yml", "tekton.yaml"):
        assert found[f"examples/ci/{name}"] == ["plan", "apply", "drift"]
    assert {"plan", "drift", "apply", "export"} <= set(found["README.md"])


def test_every_guide_is_found_from_the_front_page_and_in_the_site() -> None:
    """A page that nobody is led to might as well not be there."""
    guides = {_name(page) for page in ROOT.glob("docs/*.md")}
    assert guides <= set(re.findall(r"\]\((docs/[\w-]+\.md)", (ROOT / "README.md").read_text("utf-8")))
    sections = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["nav"]
    pages = [page for section in sections for below in section.values() if isinstance(below, list) for page in below]
    assert sorted(path for page in pages for path in page.values()) == sorted(guides)


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_blocks_of_code_are_what_they_say(page: Path, tmp_path: Path) -> None:
    """Manifests validate, settings that are whole are read, and JSON is JSON."""
    text = page.read_text("utf-8")
    for block in _blocks(text, "json"):
        json.loads(block)
    for number, block in enumerate(_blocks(text, "yaml")):
        document = yaml.safe_load(block)
        if document.get("kind") not in {*KINDS, "Settings"}:
            continue
        folder = tmp_path / str(number)
        (folder / "manifests").mkdir(parents=True)
        settings = document["kind"] == "Settings"
        (folder / ("reconciler.yaml" if settings else "manifests/one.yaml")).write_text(block, "utf-8")
        if settings:
            (folder / "manifests/one.yaml").write_text(f"apiVersion: reconciler/v1\n{_ROLE}", "utf-8")
        config = ["--config", str(folder / "reconciler.yaml")] if settings else []
        stdout, stderr = io.StringIO(), io.StringIO()
        code = main(["validate", str(folder / "manifests"), *config], {}, stdout, stderr, io.StringIO())
        assert code == 0, stderr.getvalue()


_ROLE = "kind: SecurityRole\nmetadata: {name: PKI Operators}\nspec: {description: x}\n"


def test_every_kind_is_on_the_map_and_its_document_once() -> None:
    """A document of a vendor that nobody implements, or a kind without a document, would be missed here."""
    rows = re.findall(r"^\| .+? \| `(\w+)` \| `(PUT|POST) (\S+)`", (ROOT / "docs/api-map.md").read_text("utf-8"), re.M)
    assert sorted(kind for kind, _, _ in rows) == sorted(KINDS)
    for kind, method, path in rows:
        module = KINDS[kind].spec.__module__.replace(".", "/")
        folder = ROOT / "tests" / "kinds" / kind
        sent = [case.read_text("utf-8") for case in folder.iterdir()]
        tail = re.escape(path.rpartition("/csms")[2] if "/csms/" in path else path)
        pattern = re.sub(r"\\\{\w+\\\}", r"[^/\\s]+", tail)
        assert any(re.search(pattern, text) and method in text for text in sent), (kind, module)


def test_the_exit_codes_that_are_explained_exist() -> None:
    """With the names that the tool prints."""
    for page in PAGES:
        for code, name in re.findall(r"`(\d+): (\w+)`", page.read_text("utf-8")):
            assert Exit(int(code)).name.lower() == name
