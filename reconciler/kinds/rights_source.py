"""What a kind has to do with rights: which of its steps change who may do what, and how that is read.

A kind that gives nobody a right leaves it as it is here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

from reconciler.model import Step
from reconciler.reader import Read
from reconciler.rights import CallingAccount, OwnerReach, RightsWorld, RoleRights


class OwnerTransfer(NamedTuple):
    """A role that a step gives an object to, by id, or by name where the same run creates it."""

    role_id: int | None
    role_name: str


class RightsSource:
    """Knows the rights that lie in the steps of one kind. Stateless; this one knows of none."""

    def changes_rights(self, step: Step) -> bool:
        """Say whether anybody may do something else after a step than before it."""
        return False

    def name_role(self, step: Step) -> str:
        """Return by which key a world knows the role that a step changes or creates; "" for none."""
        return ""

    def compare_role(self, step: Step) -> tuple[RoleRights | None, RoleRights]:
        """Return a role before and after a step that changes rights, as its request alone tells it."""
        raise NotImplementedError

    def carries_on(self, step: Step, roles: frozenset[str]) -> bool:
        """Say whether a step has to stay behind those of these roles, since they send along what it changes."""
        return False

    def read_world(
        self, read: Read, steps: Sequence[Step], live: Any, on_progress: Callable[[str], None]
    ) -> RightsWorld:
        """Read all roles, and return them before and after these steps; `live` is what the kind read already."""
        raise NotImplementedError

    def read_account(self, read: Read) -> CallingAccount:
        """Return what the server tells of whoever asks; nothing is tried to find it out."""
        return CallingAccount()

    def find_transfer(self, step: Step) -> OwnerTransfer | None:
        """Return to which role a step gives an object, None where it gives none to any."""
        return None

    def read_reach(self, read: Read, transfers: Collection[OwnerTransfer]) -> OwnerReach | None:
        """Return from which roles the account could take an object back; None where the server does not tell it."""
        return None
