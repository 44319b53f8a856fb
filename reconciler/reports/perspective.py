"""From which side a difference is told: what a plan will do to a server, or what a server has become.

A plan's arrows and signs lead from what was found to what is declared; those of drift lead from what is declared to
what was found, so that a right which somebody added by hand is told as an addition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from reconciler.model import Action, Bound, Change
from reconciler.plans.masking import MaskedStep

BuildHeaders = Callable[[str, int], Mapping[str, str]]
"""Gives the headers of a write that matter, by the API's name and `Call.version`; never a credential."""


class ActionWords(NamedTuple):
    """How an action is told: the sign and its style, one word for a table, and how a headline counts such objects."""

    symbol: str
    style: str
    word: str
    counted: str


PLANNED = {
    Action.CREATE: ActionWords("+", "green", "create", "to create"),
    Action.UPDATE: ActionWords("~", "yellow", "update", "to update"),
    Action.CLEAR: ActionWords("-", "magenta", "clear", "to clear"),
    Action.DENY: ActionWords("!", "bold red", "deny", "to deny"),
}
FOUND = {
    Action.CREATE: ActionWords("-", "bold red", "missing", "missing"),
    Action.UPDATE: ActionWords("~", "yellow", "changed", "changed"),
    Action.CLEAR: ActionWords("+", "bold yellow", "not empty", "not empty"),
    Action.DENY: ActionWords("!", "bold red", "not denied", "not denied"),
}


NOT_THERE = ActionWords("-", "bold red", "not there", "not there")
"""How drift tells of an object that would not be created."""


class View(NamedTuple):
    """What a reader is shown. `targets` are those of the run; `headers` is given where each request is shown whole."""

    targets: Mapping[str, Bound] = {}
    from_server: bool = False
    headers: BuildHeaders | None = None

    def find_words(self, step: MaskedStep) -> ActionWords:
        """Return how a step is told."""
        if self.from_server and step.finds_nothing and step.action is not Action.CREATE:
            return NOT_THERE
        return (FOUND if self.from_server else PLANNED)[step.action]

    def list_changes(self, step: MaskedStep) -> tuple[Change, ...]:
        """Return what a step changes; to drift a member that is missing has no parts of its own.

        What a new claim would be described by need not be declared: a request has to say something.
        """
        if not self.from_server:
            return step.changes
        fields = {change.path for change in step.changes}
        return tuple(
            change
            for change in step.changes
            if change.before is not None or "." not in change.path or change.path.partition(".")[0] not in fields
        )

    @property
    def names_targets(self) -> bool:
        """True where an object has to be told with its target, since there is more than one."""
        return len(self.targets) > 1

    @property
    def is_full(self) -> bool:
        """True where nothing is grouped, cut or left out."""
        return self.headers is not None

    @property
    def remainder_hint(self) -> str:
        """Where the reader finds what was left out; "" where nothing is."""
        if self.is_full:
            return ""
        return "see --format json" if self.from_server else "see --full"
