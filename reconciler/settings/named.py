"""Variables that stand for the same thing: the first that holds something wins."""

from __future__ import annotations

from collections.abc import Mapping


def first(env: Mapping[str, str], names: tuple[str, ...]) -> str:
    """Return the first of these variables that holds something, "" where none does."""
    return next((name for name in names if env.get(name, "").strip()), "")


def value(env: Mapping[str, str], names: tuple[str, ...]) -> str:
    """Return what the first of them holds, without the blanks around it; "" where none does."""
    name = first(env, names)
    return env[name].strip() if name else ""
