"""What a new repository is begun with, apart from what a server has: files of the package, and the kinds' examples."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias

from reconciler.documents.writer import format_yaml_text
from reconciler.engine.exporting.file_names import name_kind_files
from reconciler.kinds.registry import Registry
from reconciler.model import Risk

Ci: TypeAlias = Literal["github", "gitlab", "none"]
"""Who runs the jobs of a repository."""

_FOLDER: Final = Path(__file__).parents[2] / "starter"
_CI_FILES: Final[Mapping[Ci, Mapping[str, str]]] = {
    "github": {f".github/workflows/{job}.yml": f"github/{job}.yml" for job in ("plan", "apply", "drift")},
    "gitlab": {".gitlab-ci.yml": "gitlab-ci.yml", ".gitlab/tell.py": "gitlab-tell"},
    "none": {},
}
"""The files of a repository by where they are in the package."""
_EXAMPLE_NAME: Final = re.compile(r"^metadata: \{name: ([^}]*)\}$", re.MULTILINE)
_EXAMPLE_HEAD: Final = "# An example: what is named here does not exist on your servers. Change it, or remove it.\n"
_ACT_HEAD: Final = "# An example, as a comment, since what it asks for can't be undone.\n"


def read_starter_file(name: str) -> bytes:
    """Return a file that every repository begins with, by its name in the package."""
    return (_FOLDER / name).read_bytes()


def read_ci_files(ci: Ci) -> dict[str, bytes]:
    """Return the files that say what is run on a pull request, after a merge and every night, by their paths."""
    return {path: read_starter_file(name) for path, name in _CI_FILES[ci].items()}


class ExampleFile(NamedTuple):
    """An example of a kind as a file; it declares nothing where all of it is a comment."""

    path: str
    data: bytes
    is_comment: bool


def build_example_manifests(kinds: Registry, targets: Mapping[str, str]) -> list[ExampleFile]:
    """Return an example of each kind that the targets, which are given with their APIs, have."""
    return list(_build_examples(kinds, targets))


def _build_examples(kinds: Registry, targets: Mapping[str, str]) -> Iterator[ExampleFile]:
    for kind in kinds.values():
        names = sorted(name for name, api in targets.items() if api == kind.api)
        if not names:
            continue
        text = kind.example
        if len(names) > 1:
            text = _EXAMPLE_NAME.sub(rf"metadata: {{name: \1, target: {format_yaml_text(names[0])}}}", text)
        is_act = any(assessment.risk is Risk.IRREVERSIBLE for assessment in kind.risks.values())
        file_text = _ACT_HEAD + re.sub("(?m)^", "# ", text.rstrip("\n")) + "\n" if is_act else _EXAMPLE_HEAD + text
        yield ExampleFile(f"{name_kind_files(kind.name)}.yaml", file_text.encode(), is_act)
