"""Which targets are meant, by name or by their labels: one syntax, in environments and in documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

TargetSelector: TypeAlias = Sequence[str] | Mapping[str, str | Sequence[str]]
"""Names of targets; or labels that a target has all of, each with the text that it has or texts of which it has one."""


def select_target_names(selector: TargetSelector, labels_by_target: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return the names of the targets that are meant, sorted; names that no target has are left out.

    `labels_by_target` has every target, one without labels too. Nothing at all may come of it, which is for the caller
    to refuse; a selector that says nothing means nothing.
    """
    if not selector:
        return []
    if isinstance(selector, Mapping):
        return sorted(name for name, labels in labels_by_target.items() if _has_labels(labels, selector))
    return sorted(labels_by_target.keys() & set(selector))


def find_unknown_names(selector: TargetSelector, names: Mapping[str, object]) -> list[tuple[int, str]]:
    """Return what a selector names that is no target, with its index in the list; nothing of one by labels."""
    if isinstance(selector, Mapping):
        return []
    return [(index, name) for index, name in enumerate(selector) if name not in names]


def describe_selector(selector: TargetSelector) -> str:
    """Return a selector in words: `dev, prod`, or `env=prod, region=eu or ap`."""
    if not isinstance(selector, Mapping):
        return ", ".join(selector)
    return ", ".join(f"{label}={' or '.join(_list_texts(texts))}" for label, texts in selector.items())


def _has_labels(labels: Mapping[str, str], selector: Mapping[str, str | Sequence[str]]) -> bool:
    return all(labels.get(label) in _list_texts(texts) for label, texts in selector.items())


def _list_texts(texts: str | Sequence[str]) -> Sequence[str]:
    # A text is a sequence, too, and `in` would look for a part of it.
    return (texts,) if isinstance(texts, str) else texts
