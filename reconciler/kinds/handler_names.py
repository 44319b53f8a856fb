"""Short names for classes: `CSS.CMS.Monitoring.EventHandling.Denied.DeniedLogger` is `denied-logger`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Final

# .NET separates namespaces by dots and nested classes by a plus; an assembly's name comes behind a comma, the number of
# type arguments behind a backtick.
_ASSEMBLY: Final = re.compile(r"[,`\[].*", re.DOTALL)
_SEPARATOR: Final = re.compile(r"[.+]")
_HUMP: Final = re.compile(r"(?<=[^\W_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD: Final = re.compile(r"[^\W_]+")
_MAX_NAME_LENGTH: Final = 120


def shorten_class_names(class_names: Collection[str]) -> dict[str, str]:
    """Return a short name for each class, no two alike; which one depends on the set of classes, not on their order.

    Those that would be alike get more of their class names, from the end; a class that has no words to be called by
    keeps its whole name.
    """
    words = {name: _split_class_name(name) for name in sorted(set(class_names))}
    counts = dict.fromkeys(words, 1)
    while True:
        short_names = {name: _join_words(words[name], counts[name]) or name for name in words}
        uses = Counter(short_name.casefold() for short_name in short_names.values())
        alike = [name for name, short_name in short_names.items() if uses[short_name.casefold()] > 1]
        longer = [name for name in alike if counts[name] < len(words[name])]
        if not longer:
            return {**short_names, **{name: name for name in alike}}
        for name in longer:
            counts[name] += 1


def _split_class_name(class_name: str) -> list[str]:
    """Return the parts of a class's name, each in kebab case; the class itself comes last."""
    parts = _SEPARATOR.split(_ASSEMBLY.sub("", class_name))
    return [words for part in parts if (words := "-".join(_WORD.findall(_HUMP.sub("-", part))).lower())]


def _join_words(parts: Sequence[str], count: int) -> str:
    name = "-".join(parts[len(parts) - count :])
    return name if len(name) <= _MAX_NAME_LENGTH else ""
