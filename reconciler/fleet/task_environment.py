"""Which environment variables a target's process may know: all but those that hold the secrets of other targets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from reconciler.credentials.sources import FromEnvironment
from reconciler.settings.model import Settings


class TaskEnvironment:
    """The environment of each target's process, and what all of them share."""

    def __init__(self, settings: Settings, env: Mapping[str, str]) -> None:
        self._env = env
        self._own = {name: frozenset(_find_variables(target)) for name, target in settings.targets.items()}
        # A store or a key may well be somebody's too: what the run itself needs every process needs.
        common = frozenset(_find_variables(replace(settings, targets={})))
        self._private = frozenset().union(*self._own.values()) - common

    @property
    def shared(self) -> dict[str, str]:
        """What every process may know: no secret of any target."""
        return {name: value for name, value in self._env.items() if name not in self._private}

    def choose(self, target: str) -> dict[str, str]:
        """Return what the process of a target may know."""
        hidden = self._private - self._own.get(target, frozenset())
        return {name: value for name, value in self._env.items() if name not in hidden}


def _find_variables(value: Any) -> Iterator[str]:
    if isinstance(value, FromEnvironment):
        yield value.name
    elif is_dataclass(value):
        for field in fields(value):
            yield from _find_variables(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from _find_variables(member)
    elif isinstance(value, tuple | list | frozenset):
        for member in value:
            yield from _find_variables(member)
