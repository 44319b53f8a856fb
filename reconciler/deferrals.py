"""Until when differences are left alone, and who said so: a value that plans, files and reports hand on."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from reconciler.diagnostics import Source


class Deferral(NamedTuple):
    """An acknowledgement of differences: the document that says so, the day (UTC) from which on they count again, why.

    `fields` are the manifest fields whose differences are meant; none are all, with an object that is not there.
    """

    name: str
    source: Source
    until: date
    reason: str
    fields: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        """Until when, why and by which document, in words."""
        return f"until {self.until}: {self.reason} ({self.name}, {self.source})"

    def covers_field(self, path: str) -> bool:
        """Say whether it is about a change of that path, which starts with a field's name."""
        return not self.fields or path.partition(".")[0] in self.fields

    def is_in_force(self, today: date) -> bool:
        """True before the day on which it ends."""
        return today < self.until
