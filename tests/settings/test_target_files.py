"""`targets: FOLDER/`: targets in files of their own, each mistake at its place in them, and where they may not lie."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import jsonschema
import pytest
import yaml

from reconciler.diagnostics import Source
from reconciler.documents import limits
from reconciler.errors import UsageError
from reconciler.kinds.registry import KINDS
from reconciler.schema import build_schemas
from reconciler.settings.load import load_settings
from reconciler.settings.locations import check_settings_location
from reconciler.settings.model import Settings

HEAD = "apiVersion: reconciler/v1\nkind: Settings\n"
CSMS = "{api: csms, region: cn-north-4, projectId: '0123', auth: {type: token, token: {file: token}}}"
COMMAND = """\
command:
  api: keyfactor
  url: https://kf.example.com/KeyfactorAPI
  caBundle: ca.pem
  auth: {type: bearer, token: {file: ../token}}
"""
SPLIT = f"{HEAD}targets: targets/\n"

# the files beside `targets: targets/`, and how the problems begin
MISTAKES: dict[str, tuple[dict[str, str], list[str]]] = {
    "a name in three files, at all its places": (
        {"a.yaml": f"x: {CSMS}", "b.yml": f"w: {CSMS}\nx: {CSMS}", "c/d.json": json.dumps({"x": yaml.safe_load(CSMS)})},
        [
            "targets/a.yaml:1:1: target x is at targets/b.yml:2:1 too",
            "targets/b.yml:2:1: target x is at targets/c/d.json:1:2 too",
            "targets/c/d.json:1:2: target x is at targets/a.yaml:1:1 too",
        ],
    ),
    "everything that is wrong, in every file": (
        {
            "a.yaml": "x: [",
            "b.yaml": f"x: {{regon: x, {CSMS[1:]}\nW: {CSMS}\nz: null",
            "c.yaml": "- x",
            "d.yaml": "",
            "e.yaml": "{}",
            "f.yaml": f"x: {CSMS}\n---\nw: {CSMS}",
            "g.yaml": "x: {api: csms, region: cn-north-4, projectId: '0', auth: {type: token, token: hunter22}}",
        },
        [
            "targets/a.yaml:2:1: a value is missing here",
            'targets/b.yaml:1:5: unknown field "regon" in x; a field that nobody reads would be silently ignored',
            'targets/b.yaml:2:1: "W" is not a valid name in the file of targets',
            "targets/b.yaml:3:4: z is null",
            "targets/c.yaml:1:1: this is a list; the file of targets is a mapping",
            "targets/d.yaml: a file of targets holds one document, this one holds 0",
            "targets/e.yaml:1:1: the file of targets is empty",
            "targets/f.yaml:3:1: a file of targets holds one document, this one holds 2",
            "targets/g.yaml:1:79: a secret is never written into a file",
        ],
    ),
    "no file of targets": ({"README.md": "x", ".x.yaml": f"x: {CSMS}"}, ["targets: no file of targets lies here"]),
    "settings as targets": (
        {"reconciler.yaml": HEAD},
        [
            'targets/reconciler.yaml:1:1: "apiVersion" is not a valid name',
            "targets/reconciler.yaml:1:13: reconciler/v1 reads as text; apiVersion is a mapping",
            "targets/reconciler.yaml:2:7: Settings reads as text; kind is a mapping",
        ],
    ),
}


def read(folder: Path, files: Mapping[str, str], environment: str | None = None) -> Settings:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return load_settings(None, env={}, cwd=folder, kinds=KINDS, environment=environment)


def list_problems(folder: Path, files: Mapping[str, str]) -> list[str]:
    with pytest.raises(UsageError) as caught:
        read(folder, files)
    return [str(problem) for problem in caught.value.problems]


def test_targets_may_have_files_of_their_own(tmp_path: Path) -> None:
    """One a file or many; relative paths begin at the file's own folder, and the place is the file's."""
    environments = f"{SPLIT}environments: {{eu: {{layers: [base], targets: [eu]}}}}\n"
    labelled = f"eu: {{labels: {{env: prod}}, {CSMS[1:]}\nap: {CSMS}\n"
    files = {"reconciler.yaml": environments, "targets/eu/all.yml": labelled, "targets/command.yaml": COMMAND}
    settings = read(tmp_path, {**files, "targets/notes.txt": "x", "targets/.x.yaml": "["})
    assert list(settings.targets) == ["ap", "command", "eu"]
    command, eu = settings.targets["command"], settings.targets["eu"]
    assert command.transport.trust.ca_bundle == tmp_path / "targets/ca.pem"
    assert str(tmp_path / "token") in repr(command.auth)
    assert str(tmp_path / "targets/eu/token") in repr(eu.auth)
    assert (command.source, eu.source) == (Source("targets/command.yaml", 1, 1), Source("targets/eu/all.yml"))
    assert (eu.labels, settings.target_files) == ({"env": "prod"}, tmp_path / "targets")
    assert list(read(tmp_path, {}, "eu").targets) == ["eu"]
    one_file = read(tmp_path, {"reconciler.yaml": f"{HEAD}targets: targets/eu/all.yml\n"})
    assert list(one_file.targets) == ["ap", "eu"]


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_told_in_the_files_where_they_stand(tmp_path: Path, name: str) -> None:
    """Beside those of the settings themselves; none is told twice, and no secret is."""
    files, expected = MISTAKES[name]
    files = {f"targets/{path}": text for path, text in files.items()}
    problems = list_problems(tmp_path, {**files, "reconciler.yaml": f"{SPLIT}limts: {{}}\n"})
    assert problems[0].startswith('reconciler.yaml:4:1: unknown field "limts"')
    assert len(problems) == len(expected) + 1, "\n".join(problems)
    assert all(map(str.startswith, problems[1:], expected)), problems
    assert "hunter22" not in "".join(problems)


def test_a_place_that_holds_no_targets_is_no_lack_of_them(tmp_path: Path) -> None:
    """The vendors' variables are not asked in its place; a link is not followed."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real/a.yaml").write_text(f"x: {CSMS}", "utf-8")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked/a.yaml").symlink_to("../real/a.yaml")
    rows = {
        "none": "none: there is no such folder",
        "none.yaml": "none.yaml: does not exist",
        "reconciler.txt": "reconciler.txt: there is no such folder",
        "link": "link: is a symbolic link",
        "linked": "linked/a.yaml: is a symbolic link",
    }
    for place, words in rows.items():
        (problem,) = list_problems(tmp_path, {"reconciler.yaml": f"{HEAD}targets: {place}\n"})
        assert problem.startswith(words), problem
    (problem,) = list_problems(tmp_path, {"reconciler.yaml": f"{HEAD}targets: ~/x\n"})
    assert "`~` is not expanded" in problem


def test_a_file_of_targets_is_bounded_and_so_is_what_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = "".join(f"t{number}: {{}}\n" for number in range(130))
    problems = list_problems(tmp_path, {"reconciler.yaml": SPLIT, "targets/a.yaml": many})
    assert len(problems) == limits.PROBLEMS + 1
    assert "30 more problems in this file" in problems[-1]
    problems = list_problems(tmp_path, {"reconciler.yaml": f"{HEAD}targets:\n{many.replace('t', '  t')}"})
    assert len(problems) == limits.PROBLEMS + 1
    assert "30 more problems in this file" in problems[-1]
    monkeypatch.setattr(limits, "TOTAL_BYTES", 20)
    problems = list_problems(tmp_path, {"reconciler.yaml": SPLIT, "targets/a.yaml": f"x: {CSMS}"})
    assert "TOTAL_BYTES" in problems[0]


@pytest.mark.parametrize(
    ("manifests", "targets", "words"),
    [
        ("manifests", "manifests/targets", "manifests/targets: the settings lie inside the manifest folder manifests"),
        ("targets/m", "targets", "targets: the manifests targets/m lie inside this folder of targets"),
        ("targets", "targets", "targets: the settings lie inside the manifest folder targets"),
        ("link", "targets", "targets: the settings lie inside the manifest folder link"),
    ],
)
def test_targets_and_manifests_lie_apart(tmp_path: Path, manifests: str, targets: str, words: str) -> None:
    """In both directions, by links as well, for the folder of the settings, a layer, and a path that is named."""
    (tmp_path / "link").symlink_to("targets")
    role = {f"{manifests}/role.yaml": "kind: SecurityRole"} if manifests != "link" else {}
    files = {f"{targets}/a.yaml": f"x: {CSMS}", **role}
    settings = f"{HEAD}targets: {targets}\n"
    for place in (f"manifests: {manifests}\n", f"manifests: m\nenvironments: {{x: {{layers: [{manifests}]}}}}\n"):
        problems = list_problems(tmp_path, {"reconciler.yaml": settings + place, **files})
        assert [problem[: len(words)] for problem in problems] == [words]
    with pytest.raises(UsageError, match=r"then change where credentials are sent"):
        check_settings_location([tmp_path / "reconciler.yaml", tmp_path / targets], tmp_path / manifests, tmp_path)


def test_an_editor_takes_what_the_tool_takes() -> None:
    validator = jsonschema.Draft202012Validator(json.loads(json.dumps(build_schemas(KINDS)["targets.json"])))
    assert validator.is_valid(yaml.safe_load(COMMAND))
    for wrong in ("{}", "- x", f"W: {CSMS}", f"x: {{regon: x, {CSMS[1:]}", HEAD):
        assert not validator.is_valid(yaml.safe_load(wrong)), wrong
