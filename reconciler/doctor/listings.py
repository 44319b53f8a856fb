"""The lists that a target's kinds read, each once, with who reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.kinds.kind import Kind
from reconciler.kinds.requirements import ListPermission

ApiKinds = Mapping[str, Kind]
"""The kinds of one API by name."""


@dataclass(slots=True)
class ListUse:
    """A list with the kinds that always read it, that do for some documents, and that read its rows singly."""

    listing: ListPermission
    always_read_by: list[str] = field(default_factory=list)
    sometimes_read_by: dict[str, str] = field(default_factory=dict)
    singly_read_by: list[str] = field(default_factory=list)

    @property
    def needed_by(self) -> str:
        """Which commands and kinds need it."""
        if self.always_read_by:
            return f"plan, drift and export of {' and '.join(self.always_read_by)} need it"
        return " and ".join(
            f"{kind} documents {condition} need it" for kind, condition in self.sometimes_read_by.items()
        )


def collect_list_uses(kinds: ApiKinds) -> list[ListUse]:
    """Return each list once, in the kinds' order, with the kinds that read it."""
    uses_by_list: dict[tuple[str, int], ListUse] = {}
    for name, kind in kinds.items():
        for listing in kind.requires.read:
            # One path is two lists: the header x-keyfactor-api-version selects rows of another shape.
            use = uses_by_list.setdefault((listing.path, listing.version), ListUse(listing))
            if listing.item and not use.listing.item:
                use.listing = use.listing._replace(item=listing.item, item_permission=listing.item_permission)
            if listing.item:
                use.singly_read_by.append(name)
            if listing.condition:
                use.sometimes_read_by[name] = listing.condition
            else:
                use.always_read_by.append(name)
    return list(uses_by_list.values())
