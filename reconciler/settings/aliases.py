"""Variables that stand for the same thing: the first that holds something wins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from reconciler.diagnostics import Explanation
from reconciler.settings.patterns import Spelling


class SourcedText(NamedTuple):
    """What was said, "" for nothing, and what said it: a variable, or a member of a file."""

    text: str = ""
    source_name: str = ""

    def wrong(self, spelling: Spelling) -> Explanation | None:
        """Say why that can't be used; None where it can, or where nothing is said."""
        if not self.text or spelling.fits(self.text):
            return None
        summary = f"{self.source_name} can't be used: {spelling.words}"
        return Explanation("settings.invalid-value", summary, remedy="correct it")


NO_TEXT = SourcedText()


def find_variable(env: Mapping[str, str], names: tuple[str, ...]) -> str:
    """Return the first of these variables that holds something, "" where none does."""
    # CI systems pass on a variable that has no value as "": that is unset, not a value.
    return next((name for name in names if env.get(name, "").strip()), "")


def read_variable(env: Mapping[str, str], names: tuple[str, ...]) -> str:
    """Return what the first of them holds, without the blanks around it; "" where none does."""
    name = find_variable(env, names)
    return env[name].strip() if name else ""


def read_sourced_text(env: Mapping[str, str], names: tuple[str, ...], fallback: SourcedText = NO_TEXT) -> SourcedText:
    """Return what the first of them holds, with its name; `otherwise` where none does."""
    name = find_variable(env, names)
    return SourcedText(env[name].strip(), name) if name else fallback
