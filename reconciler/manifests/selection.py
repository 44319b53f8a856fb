"""Which of the declared objects a run is about: the same filters for every command."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from shlex import quote

from reconciler.cli.commands.explain import kind_named
from reconciler.cli.options import Chosen
from reconciler.errors import UsageError
from reconciler.kinds.kind import Wanted
from reconciler.patterns import matches

Test = Callable[[Wanted], bool]


def select(wanted: Sequence[Wanted], chosen: Chosen, targets: Collection[str]) -> list[Wanted]:
    """Return what is selected, in the given order. Raises UsageError for a filter that can't match anything."""
    selecting = [_pattern(text, "--only") for text in chosen.only]
    excluding = [_pattern(text, "--exclude") for text in chosen.exclude]
    labels = [_label(text) for text in chosen.label]
    check_targets(chosen, targets)
    kept = [
        one
        for one in wanted
        if (not selecting or any(test(one) for test in selecting))
        and not any(test(one) for test in excluding)
        and all(test(one) for test in labels)
        and (not chosen.target or one.address.target in chosen.target)
    ]
    if wanted and not kept:
        raise UsageError(
            f"the selection {described(chosen)} matches none of the {len(wanted)} documents; "
            "a run about nothing would look like success; correct it"
        )
    return kept


def check_targets(chosen: Chosen, targets: Collection[str]) -> None:
    """Raise UsageError for a --target that the settings don't have."""
    for name in chosen.target:
        if name not in targets:
            known = ", ".join(sorted(targets)) or "none"
            raise UsageError(f"--target {name}: the settings have no such target; known: {known}")


def described(chosen: Chosen) -> str:
    """Return the filters as they would be typed; empty for a whole run."""
    filters: Iterable[tuple[str, tuple[str, ...]]] = (
        ("--only", chosen.only),
        ("--exclude", chosen.exclude),
        ("--label", chosen.label),
        ("--target", chosen.target),
    )
    return " ".join(f"{option} {quote(value)}" for option, values in filters for value in values)


def _pattern(text: str, option: str) -> Test:
    # At the first slash: an object's name may hold one, a kind's never does.
    kind, slash, name = text.partition("/")
    kind_named(kind)
    if slash and not name:
        raise UsageError(f"{option} {text}: the name after the slash is empty; give KIND or KIND/NAME-PATTERN")
    return lambda one: one.address.kind == kind and matches(name or "*", one.address.name)


def _label(text: str) -> Test:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise UsageError(f"--label {text}: a label is KEY=VALUE; write it like team=pki")
    return lambda one: one.labels.get(key) == value
