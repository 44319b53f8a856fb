"""Who asks, as Command tells it: GET /Security/My and /Security/My/Permissions, which any account may ask.

Neither is there in every version, and no version tells an account its own claims. Contract: audit trails, Who am I.
"""

from __future__ import annotations

from reconciler.errors import AuthError, IncompleteError, UnreachableError
from reconciler.payloads.members import pick_member
from reconciler.reader import Read
from reconciler.rights import CallingAccount

_MY_ROLES_PATH = "/Security/My"
_MY_PERMISSIONS_PATH = "/Security/My/Permissions"


def read_calling_account(read: Read) -> CallingAccount:
    """Return the names of the account's roles and what they grant, each None where the server does not tell it."""
    # Beside the roles the first one has permissions in the words of version one, which name none of version two.
    return CallingAccount(
        _read_texts(read, _MY_ROLES_PATH, "Roles"), _read_texts(read, _MY_PERMISSIONS_PATH, "Permissions")
    )


def find_global_set(read: Read) -> str:
    """Return the GUID of the permission set Global, "" where it is not told."""
    # Many actions count only where they are held in it (contract: Version Two Permission Model).
    rows = read.rows("/PermissionSets")
    guids = [str(pick_member(row, "Id")).lower() for row in rows if pick_member(row, "Name") == "Global"]
    return guids[0] if len(guids) == 1 else ""


def _read_texts(read: Read, path: str, member: str) -> frozenset[str] | None:
    try:
        answer = read.get(path)
    # Whether it tells is all that is asked for: what a plan needs is read elsewhere, and fails there.
    except (AuthError, IncompleteError, UnreachableError):
        return None
    if not isinstance(answer, dict):
        return None
    # Servers differ in the letter case of members, and this one is documented for two versions alone.
    values = {name.casefold(): value for name, value in answer.items()}.get(member.casefold())
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        return None
    return frozenset(values)
