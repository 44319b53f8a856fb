"""What an account must be allowed to do for a kind, as the kind's own file declares it.

Command's strings are those of its version two model (contract: Version Two Permission Model), CSMS's the actions of its
policies. Lists of servers differ by version: these are what the documents name, and a server has the last word.
"""

from __future__ import annotations

from typing import NamedTuple


class ListPermission(NamedTuple):
    """A list that comparing or exporting reads: GET of `path` below the API's root, and the permission for it.

    `condition` says which documents need it, "" for all. `item` is the member of a row whose value, put behind the
    path, reads that row alone; `item_permission` is what that needs where it isn't `permission`. `is_vital` is false of
    one that documents can do without, by saying the same otherwise: who loses it is not locked out.
    """

    noun: str
    path: str
    permission: str
    version: int = 1
    condition: str = ""
    item: str = ""
    item_permission: str = ""
    is_vital: bool = True


class PermissionGrant(NamedTuple):
    """What a write needs: any one of these. `within` names the permission set that must hold it, `remark` the rest."""

    any_of: tuple[str, ...]
    within: str = ""
    remark: str = ""

    def __str__(self) -> str:
        words = " or ".join(self.any_of) + (f" in the permission set {self.within}" if self.within else "")
        return words + (f" ({self.remark})" if self.remark else "")


class Permissions(NamedTuple):
    """Of a kind: `read` for plan, drift and export; `write`, every one of them, for apply in addition."""

    read: tuple[ListPermission, ...] = ()
    write: tuple[PermissionGrant, ...] = ()
