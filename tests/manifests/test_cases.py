"""Every case under `cases/`: these files, exactly these complaints, in this order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.declared_targets import TARGETS, declare_targets
from tests.support.toy_kinds import complaints, write

FOLDER = Path(__file__).parent / "cases"
CASES = [
    pytest.param(case, id=f"{file.stem}: {case['says']}")
    for file in sorted(FOLDER.glob("*.yaml"))
    for case in yaml.safe_load(file.read_text("utf-8"))
]


@pytest.mark.parametrize("case", CASES)
def test_files_lead_to_exactly_these_complaints(case: dict[str, Any], tmp_path: Path) -> None:
    """A complaint is expected as the beginning of its place and the fragments that its message holds, between `...`."""
    files = case.get("files") or {"a.yaml": case["text"]}
    write(tmp_path, files)
    found = complaints(tmp_path, declare_targets(case["targets"]) if "targets" in case else TARGETS)
    expected = case.get("problems", [])
    assert len(found) == len(expected), "\n".join(found)
    for complaint, wanted in zip(found, expected, strict=True):
        place, *fragments = [part.strip() for part in wanted.split("...")]
        assert complaint.startswith(f"{place}: "), found
        for fragment in fragments:
            assert fragment in complaint
        message = complaint.removeprefix(f"{place}: ")
        assert ";" in message, f"says what, but neither why nor what to do: {message}"
