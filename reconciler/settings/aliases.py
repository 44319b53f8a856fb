"""Variables that stand for the same thing: the first that holds something wins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from reconciler.settings.patterns import Spelling


class Said(NamedTuple):
    """What was said, "" for nothing, and what said it: a variable, or a member of a file."""

    text: str = ""
    by: str = ""

    def wrong(self, spelling: Spelling) -> str:
        """Say why that can't be used; "" where it can, or where nothing is said."""
        if not self.text or spelling.fits(self.text):
            return ""
        return f"{self.by} can't be used: {spelling.words}; correct it"


NOTHING = Said()


def first(env: Mapping[str, str], names: tuple[str, ...]) -> str:
    """Return the first of these variables that holds something, "" where none does."""
    # CI systems pass on a variable that has no value as "": that is unset, not a value.
    return next((name for name in names if env.get(name, "").strip()), "")


def value(env: Mapping[str, str], names: tuple[str, ...]) -> str:
    """Return what the first of them holds, without the blanks around it; "" where none does."""
    name = first(env, names)
    return env[name].strip() if name else ""


def said(env: Mapping[str, str], names: tuple[str, ...], otherwise: Said = NOTHING) -> Said:
    """Return what the first of them holds, with its name; `otherwise` where none does."""
    name = first(env, names)
    return Said(env[name].strip(), name) if name else otherwise
