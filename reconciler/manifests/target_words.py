"""What is told of the targets that a document names, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from reconciler.diagnostics import Explanation
from reconciler.documents.suggestions import quote_text, suggest_option
from reconciler.kinds.document_kind import DocumentKind
from reconciler.sanitize import escape_and_shorten

_MOST_NAMED: Final = 8
"""Targets that a message names: settings may have a thousand of them."""
Labels = Mapping[str, str | Sequence[str]]


def list_target_names(names: Iterable[str], conjunction: str = "and") -> str:
    """Return names of targets as they are read out: the first few, and how many more there are."""
    ordered = sorted(names)
    # A message is read by people, and ends in comments of pull requests.
    if len(ordered) > _MOST_NAMED:
        return f"{', '.join(map(escape_and_shorten, ordered[:_MOST_NAMED]))} and {len(ordered) - _MOST_NAMED} more"
    return f" {conjunction} ".join(map(escape_and_shorten, ordered))


def describe_label(label: str, texts: str | Iterable[str]) -> str:
    """Return a label with the texts that it may have: `region=eu or ap`."""
    options = [texts] if isinstance(texts, str) else [*texts]
    return f"{escape_and_shorten(label)}={' or '.join(map(escape_and_shorten, options[:_MOST_NAMED]))}"


def explain_both_fields() -> Explanation:
    """Say that a document names its targets in two ways."""
    summary, reason = "target and targets are both there", "which of the two is meant is unclear"
    return Explanation(
        "manifest.inconsistent", summary, reason, "keep one: `target` for one target, `targets` for many"
    )


def explain_unclear_target(kind: DocumentKind, candidates: Sequence[str], environment: str) -> Explanation:
    """Say that a document that names no target has none, or none for certain."""
    if not candidates:
        where = f"no target of the environment {quote_text(environment)}" if environment else "no target"
        summary = f"{where} speaks the {kind.api} API, which {kind.name} needs"
        return Explanation("manifest.no-target", summary, remedy="add one to the settings")
    return Explanation(
        "manifest.ambiguous-target",
        f"several targets speak the {kind.api} API",
        "which one is meant is unclear, and --target only selects among documents that say theirs",
        f"add `target: {list_target_names(candidates, 'or')}`, or `targets:` for several of them",
    )


def explain_unknown_target(name: str, options: Iterable[str]) -> Explanation:
    """Say that the settings have no such target."""
    return Explanation(
        "manifest.unknown-target",
        f"unknown target {quote_text(name)}",
        "the settings don't name it",
        suggest_option(name, options),
    )


def explain_wrong_target(name: str, kind: DocumentKind, api: str, candidates: Sequence[str]) -> Explanation:
    """Say that a target speaks another API."""
    return Explanation(
        "manifest.wrong-target",
        f"target {quote_text(name)} speaks the {api} API",
        f"{kind.name} needs {kind.api}",
        f"write {list_target_names(candidates, 'or')}" if candidates else "add such a target to the settings",
    )


def explain_wrong_apis(labels: Labels, names: Sequence[str], kind: DocumentKind, api: str) -> Explanation:
    """Say that labels choose targets of another API alone."""
    words = ", ".join(describe_label(label, texts) for label, texts in labels.items())
    return Explanation(
        "manifest.wrong-target",
        f"{words} chooses only targets that speak the {api} API: {list_target_names(names)}",
        f"{kind.name} needs {kind.api}",
        "choose other labels, or give them to such a target in the settings",
    )


def explain_repeated_target(name: str) -> Explanation:
    """Say that a list names a target twice."""
    summary, reason = f"target {quote_text(name)} is listed twice", "a document is for each target once"
    return Explanation("manifest.duplicate-entry", summary, reason, "remove one")


def explain_no_match(summary: str, suggestion: str) -> Explanation:
    """Say that labels, or one of them, are those of no target."""
    reason = "a document that is for no target would silently do nothing"
    return Explanation("manifest.no-matching-target", summary, reason, suggestion)


def explain_other_environment(environment: str, names: Sequence[str]) -> Explanation:
    """Say that a document is for targets outside of the environment."""
    return Explanation(
        "manifest.other-environment",
        f"left aside: it is for {list_target_names(names)}, outside of the environment {quote_text(environment)}",
        "nothing is compared or sent for it in this run",
    )
