"""Which live role a document is about: found by its name, or by the name that it had before.

Whether letter case tells two roles apart is not documented, so the exact spelling is tried first, and a role of another
spelling is only taken where it is the one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from reconciler.diagnostics import Diagnostic, Explanation
from reconciler.kinds.kind import Wanted
from reconciler.model import Json
from reconciler.payloads.members import pick_member

LiveRole = Mapping[str, Json]
RolesByName = Mapping[str, Sequence[LiveRole]]
"""Roles as read by id, by folded name."""


class FoundRole(NamedTuple):
    """The live role of a document, None where there is none, or why it can't be told."""

    raw: LiveRole | None = None
    problem: Diagnostic | None = None


def list_role_names(document: Wanted) -> tuple[str, ...]:
    """Return the folded names under which the role of a document may be found."""
    names = (document.address.name, document.renamed_from)
    return tuple(dict.fromkeys(name.casefold() for name in names if name))


def find_live_role(document: Wanted, roles: RolesByName) -> FoundRole:
    """Return the role that has the document's name, or the one that is to be given it."""
    name, former_name = document.address.name, document.renamed_from
    if not former_name or former_name == name:
        return _pick_role(document, name, roles)
    if former_name.casefold() == name.casefold():
        return _find_respelled_role(document, roles)
    found, former = _pick_role(document, name, roles), _pick_role(document, former_name, roles)
    if found.problem or former.problem:
        return FoundRole(problem=found.problem or former.problem)
    if found.raw is not None and former.raw is not None:
        return FoundRole(problem=_locate_rename(document, _explain_both(found.raw, former.raw)))
    if found.raw is None and former.raw is None:
        return FoundRole(problem=_locate_rename(document, _explain_neither(document)))
    return former if found.raw is None else found


def _find_respelled_role(document: Wanted, roles: RolesByName) -> FoundRole:
    """Of two spellings of one name the server may know both; where it folds them it has one of them at most."""
    found = _pick_role(document, document.address.name, roles)
    if found.problem:
        return found
    if found.raw is None:
        return FoundRole(problem=_locate_rename(document, _explain_neither(document)))
    others = [raw for raw in roles[document.renamed_from.casefold()] if raw is not found.raw]
    former = next((raw for raw in others if pick_member(raw, "Name") == document.renamed_from), None)
    return found if former is None else FoundRole(problem=_locate_rename(document, _explain_both(found.raw, former)))


def _pick_role(document: Wanted, name: str, roles: RolesByName) -> FoundRole:
    candidates = roles.get(name.casefold(), ())
    matches = [raw for raw in candidates if pick_member(raw, "Name") == name] or candidates
    if len(matches) > 1:
        return FoundRole(problem=_explain_ambiguous_name(matches).locate(document.source, document.address))
    return FoundRole(matches[0] if matches else None)


def _explain_ambiguous_name(roles: Sequence[LiveRole]) -> Explanation:
    labels = ", ".join(sorted(map(_describe_role, roles)))
    return Explanation(
        "live.ambiguous",
        f"{len(roles)} roles have this name, letter case aside: {labels}",
        "which one is meant can't be told",
        "write the name as the one that is meant has it, or rename the surplus in the portal",
    )


def _explain_both(raw: LiveRole, former: LiveRole) -> Explanation:
    return Explanation(
        "live.ambiguous",
        f"the server has both {_describe_role(raw)} and {_describe_role(former)}",
        "a role can't be given the name of another one",
        "remove renamedFrom if the rename is done; or else remove one of the two roles in the portal",
    )


def _explain_neither(document: Wanted) -> Explanation:
    return Explanation(
        "live.not-found",
        f"the server has neither {document.renamed_from!r} nor {document.address.name!r}",
        "there is nothing to rename, or it is not visible to this account",
        "correct renamedFrom, or remove it to create the role",
    )


def _locate_rename(document: Wanted, explanation: Explanation) -> Diagnostic:
    return explanation.locate(document.at(("metadata", "renamedFrom")), document.address)


def _describe_role(raw: LiveRole) -> str:
    return f"{pick_member(raw, 'Name')!r} (id {pick_member(raw, 'Id')})"
