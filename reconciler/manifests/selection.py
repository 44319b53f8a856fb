"""Which of the declared objects a run is about: the same filters for every command."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from shlex import quote, split
from typing import NamedTuple

from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import UsageError
from reconciler.kinds.kind import Wanted
from reconciler.kinds.registry import Registry
from reconciler.patterns import matches_pattern

DocumentTest = Callable[[Wanted], bool]


class Selection(NamedTuple):
    """Which of the declared objects a run is about: the same four filters everywhere, as they were typed."""

    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    label: tuple[str, ...] = ()
    target: tuple[str, ...] = ()


def make_document_test(
    selection: Selection, targets: Collection[str], kinds: Registry, environment: str = ""
) -> DocumentTest:
    """Return what says of a document whether it is selected. Raises UsageError for a filter that can't match.

    `targets` are those of the settings, or of an environment.
    """
    selecting = [_parse_pattern(text, "--only", kinds) for text in selection.only]
    excluding = [_parse_pattern(text, "--exclude", kinds) for text in selection.exclude]
    labels = [_parse_label(text) for text in selection.label]
    check_target_filter(selection.target, targets, environment)
    return lambda document: (
        (not selecting or any(test(document) for test in selecting))
        and not any(test(document) for test in excluding)
        and all(test(document) for test in labels)
        and (not selection.target or document.address.target in selection.target)
    )


def select_documents(documents: Sequence[Wanted], selection: Selection, is_selected: DocumentTest) -> list[Wanted]:
    """Return what is selected, in the given order; raises UsageError where that is nothing."""
    selected = list(filter(is_selected, documents))
    if not selected:
        problem = Diagnostic(
            "usage.selection-empty",
            Source("reconciler"),
            f"the selection {format_filters(selection)} matches none of the {len(documents)} documents",
            "a run about nothing would look like success",
            "correct it",
        )
        raise UsageError(problem)
    return selected


def check_target_filter(names: Sequence[str], targets: Collection[str], environment: str = "") -> None:
    """Raise UsageError for a --target that the settings, or the environment, don't have."""
    holder = f'the environment "{environment}" has' if environment else "the settings have"
    for name in names:
        if name not in targets:
            target_names = ", ".join(sorted(targets)) or "none"
            problem = Diagnostic(
                "usage.unknown-target",
                Source("reconciler"),
                f"--target {name}: {holder} no such target",
                remedy=f"known: {target_names}",
            )
            raise UsageError(problem)


def format_filters(selection: Selection) -> str:
    """Return the filters as they would be typed; empty for a whole run."""
    filters: Iterable[tuple[str, tuple[str, ...]]] = (
        ("--only", selection.only),
        ("--exclude", selection.exclude),
        ("--label", selection.label),
        ("--target", selection.target),
    )
    return " ".join(f"{option} {quote(value)}" for option, values in filters for value in values)


def parse_filters(text: str) -> Selection:
    """Return the selection of `format_filters`; raises ValueError for anything else."""
    words = split(text)
    values: dict[str, list[str]] = {f"--{name}": [] for name in Selection._fields}
    for option, value in zip(words[::2], words[1::2], strict=True):
        if option not in values:
            raise ValueError(f"{option} is no filter")
        values[option].append(value)
    return Selection(*(tuple(values[f"--{name}"]) for name in Selection._fields))


def _parse_pattern(text: str, option: str, kinds: Registry) -> DocumentTest:
    kind, pattern = split_object_pattern(text, option, kinds)
    return lambda document: document.address.kind == kind and matches_pattern(pattern, document.address.name)


def split_object_pattern(text: str, option: str, kinds: Registry) -> tuple[str, str]:
    """Return the kind and the name pattern of KIND or KIND/NAME-PATTERN; raises UsageError for what is neither."""
    # At the first slash: an object's name may hold one, a kind's never does.
    kind, slash, name = text.partition("/")
    kinds.find(kind)
    if slash and not name:
        problem = Diagnostic(
            "usage.invalid-filter",
            Source("reconciler"),
            f"{option} {text}: the name after the slash is empty",
            remedy="give KIND or KIND/NAME-PATTERN",
        )
        raise UsageError(problem)
    return kind, name or "*"


def _parse_label(text: str) -> DocumentTest:
    key, equals, value = text.partition("=")
    if not key or not equals:
        problem = Diagnostic(
            "usage.invalid-filter",
            Source("reconciler"),
            f"--label {text}: a label is KEY=VALUE",
            remedy="write it like team=pki",
        )
        raise UsageError(problem)
    return lambda document: document.labels.get(key) == value
