"""The lists that a target's kinds read, each once, with who reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.kinds.kind import Resource
from reconciler.kinds.requirements import Listing

Kinds = Mapping[str, type[Resource]]
"""The kinds of one API by name."""


@dataclass(slots=True)
class Use:
    """A list with the kinds that always read it, that do for some documents, and that read its rows singly."""

    listing: Listing
    always: list[str] = field(default_factory=list)
    sometimes: dict[str, str] = field(default_factory=dict)
    singly: list[str] = field(default_factory=list)

    @property
    def needed_by(self) -> str:
        """Which commands and kinds need it."""
        if self.always:
            return f"plan, drift and export of {' and '.join(self.always)} need it"
        return " and ".join(f"{kind} documents {when} need it" for kind, when in self.sometimes.items())


def uses(kinds: Kinds) -> list[Use]:
    """Return each list once, in the kinds' order, with the kinds that read it."""
    found: dict[tuple[str, int], Use] = {}
    for name, kind in kinds.items():
        for listing in kind.requires.read:
            # One path is two lists: the header x-keyfactor-api-version selects rows of another shape.
            use = found.setdefault((listing.path, listing.version), Use(listing))
            if listing.item and not use.listing.item:
                use.listing = use.listing._replace(item=listing.item, item_permission=listing.item_permission)
            if listing.item:
                use.singly.append(name)
            if listing.when:
                use.sometimes[name] = listing.when
            else:
                use.always.append(name)
    return list(found.values())
