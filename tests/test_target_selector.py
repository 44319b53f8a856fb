"""Which targets a selector means: by name, or by all of its labels."""

from __future__ import annotations

import pytest

from reconciler.target_selector import (
    TargetSelector,
    describe_selector,
    find_unknown_names,
    select_target_names,
)

LABELS = {
    "command": {},
    "dev": {"env": "dev", "region": "eu"},
    "prod-ap": {"env": "prod", "region": "ap"},
    "prod-eu": {"env": "prod", "region": "eu"},
}

# selector, the targets that it means, what it names that is none, how it is called
ROWS: list[tuple[TargetSelector, list[str], list[tuple[int, str]], str]] = [
    (["prod-eu", "dev"], ["dev", "prod-eu"], [], "prod-eu, dev"),
    (["dev", "dve"], ["dev"], [(1, "dve")], "dev, dve"),
    ({"env": "prod"}, ["prod-ap", "prod-eu"], [], "env=prod"),
    ({"env": "prod", "region": ["eu", "us"]}, ["prod-eu"], [], "env=prod, region=eu or us"),
    ({"env": ["dev", "prod"]}, ["dev", "prod-ap", "prod-eu"], [], "env=dev or prod"),
    ({"env": "pro"}, [], [], "env=pro"),
    ({"team": "pki"}, [], [], "team=pki"),
    ([], [], [], ""),
    ({}, [], [], ""),
]


@pytest.mark.parametrize(("selector", "names", "unknown", "words"), ROWS, ids=[row[3] or "nothing" for row in ROWS])
def test_selectors(selector: TargetSelector, names: list[str], unknown: list[tuple[int, str]], words: str) -> None:
    """All labels hold, a part of a text doesn't, and what says nothing means nothing."""
    assert select_target_names(selector, LABELS) == names
    assert find_unknown_names(selector, LABELS) == unknown
    assert describe_selector(selector) == words
