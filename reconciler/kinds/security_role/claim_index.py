"""The claims that a server knows, whether or not a role holds them: GET /Security/Claims (version 1), one list.

A role's body carries a description with each claim, and what that does to the claim's own, which other roles share, is
not documented. So a claim that joins a role goes out with the very description that it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reconciler.errors import IncompleteError, Problem, Source, StaleError
from reconciler.kinds.fields import pick
from reconciler.kinds.kind import Read
from reconciler.model import Json
from reconciler.payloads.claims import PATH, ClaimKey, loose, partners, read_key, sent_key

# Provider is null on some servers, and "unknown" is among the schemes that have been seen.
_UNTOLD = frozenset({"", "unknown"})
"""What stands where a server does not tell a claim's provider."""
_LOST = "its description might be overwritten"
_MEMBERS = ("Id", "Description", "ClaimType", "ClaimValue", "Provider")


class Defined:
    """A server's claims as read, found by what they say."""

    def __init__(self, rows: Iterable[Mapping[str, Json]] = ()) -> None:
        self._rows: dict[tuple[str, str], list[Mapping[str, Json]]] = {}
        self._providers: set[str] = set()
        for raw in rows:
            key = read_key(raw)
            self._rows.setdefault(loose(key), []).append(raw)
            self._providers.add(key.provider.casefold())

    def alike(self, key: ClaimKey) -> list[Mapping[str, Json]]:
        """Return the claims that the server may take for this one, by id; more than one can't be told apart."""
        rows = self._rows.get(loose(key), [])
        meant = set(partners(key, map(read_key, rows)))
        return sorted((raw for raw in rows if read_key(raw) in meant), key=_number)

    def unsure(self, key: ClaimKey, *, described: bool) -> str:
        """Say why it can't be told whether the server has this claim; "" if it can.

        A server may return a provider under another name than it was sent (contract: 1.3). Where it returns the
        declared name for no claim at all, one that is otherwise the same may be the same; with a description of its
        own nothing would be lost by that.
        """
        alike = self._rows.get(loose(key), [])
        if not alike or self.alike(key):
            return ""
        twin = next((raw for raw in alike if read_key(raw).provider.casefold() in _UNTOLD), None)
        if twin is not None:
            which = f"the server names no provider for its {key.type} claim {key.value!r} (id {pick(twin, 'Id')})"
            return f"{which}, which may be the one to add; {_LOST}; give that claim a provider in the portal first"
        if described or key.provider.casefold() in self._providers:
            return ""
        number, other = pick(alike[0], "Id"), read_key(alike[0]).provider
        which = (
            f"the server names {key.provider!r} as the provider of no claim, and {other!r} as that of its {key.type}"
        )
        mend = "name the provider as the server does, or say the claim's description too"
        return f"{which} claim {key.value!r} (id {number}), which may be the one to add; {_LOST}; {mend}"


def defined(read: Read) -> Defined:
    """Read all claims; raises IncompleteError for rows that aren't claims, since one missed would be overwritten."""
    rows = read.rows(PATH)
    for raw in rows:
        folded = {name.casefold() for name in raw}
        # Names alone are checked: any value may be null, but a member that is missing means another answer.
        if missing := [name for name in _MEMBERS if name.casefold() not in folded]:
            why = f"a row of the list has no {' and no '.join(missing)}; a claim that is not recognised would lose its"
            told = f"{why} description; check the server's version and the proxy before it"
            raise IncompleteError(Problem(Source(f"GET {PATH}"), told))
    return Defined(rows)


def _number(raw: Mapping[str, Json]) -> tuple[bool, int, str]:
    """Order by id as numbers, whatever stands there in place of one at the end."""
    number = pick(raw, "Id")
    return (False, number, "") if isinstance(number, int) else (True, 0, str(number))


def description_of(raw: Mapping[str, Json]) -> str:
    """Return a claim's description as it is sent; "" for none."""
    return str(pick(raw, "Description") or "")


def check_descriptions(read: Read, claims: Sequence[Mapping[str, Json]], held: Sequence[ClaimKey]) -> None:
    """Raise StaleError if a role's body, as sent, describes a claim that joins the role otherwise than it is by now.

    Reads nothing where the role holds all of them: what is held is part of the role as read.
    """
    joining = [claim for claim in claims if not partners(sent_key(claim), held)]
    if not joining:
        return
    known = defined(read)
    for claim in joining:
        for raw in known.alike(sent_key(claim)):
            now, meant = description_of(raw), claim["Description"]
            if now != meant:
                why = (
                    f"claim {claim['ClaimValue']} (id {pick(raw, 'Id')}) is described as {now!r} by now, not {meant!r}"
                )
                raise StaleError(Problem(Source(f"GET {PATH}"), f"{why}, which would be overwritten; plan again"))
