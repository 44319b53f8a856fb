"""From the names of collections and containers in permissions to the ids that are sent, and back where ids are shown.

Names are looked up when a plan is made, and never again: what is approved and sent is the id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from reconciler.diagnostics import Diagnostic
from reconciler.errors import AuthError, IncompleteError, ReconcilerError, UnreachableError
from reconciler.kinds.kind import Wanted
from reconciler.kinds.security_role.named_resources import (
    NamedResource,
    find_resource_noun,
    format_resource,
    read_named_resource,
)
from reconciler.kinds.security_role.permissions import split_trailing_id
from reconciler.kinds.security_role.spec import SecurityRole
from reconciler.model import Gap
from reconciler.payloads.scopes import SCOPE_LISTS, NamedScope, explain_unclear_name, find_scopes, read_scopes
from reconciler.reader import Read

LIST_PERMISSIONS = {"collection": "/certificates/collections/read/", "container": "/certificate_stores/read/"}
"""What an account needs to see the collections or the containers of a server."""


@dataclass(frozen=True, slots=True)
class ResourceLists:
    """The collections and containers of a server by what documents call one; `gaps` say why a list was not read."""

    scopes: Mapping[str, Sequence[NamedScope]] = field(default_factory=dict)
    gaps: Mapping[str, Sequence[Gap]] = field(default_factory=dict)

    def find_id(self, resource: NamedResource) -> str:
        """Return the id of what a permission names; "" where that can't be told."""
        matches = find_scopes(self.scopes.get(resource.noun, ()), resource.name)
        return matches[0].id if len(matches) == 1 else ""


class ResolvedDocument(NamedTuple):
    """A document with ids in the place of names, or why there is none."""

    document: Wanted[SecurityRole]
    faults: Sequence[Diagnostic | Gap] = ()


def read_resource_lists(read: Read, documents: Iterable[Wanted[SecurityRole]]) -> ResourceLists:
    """Read each list of which a document names something; one that can't be read keeps no other document back."""
    scopes: dict[str, Sequence[NamedScope]] = {}
    gaps: dict[str, Sequence[Gap]] = {}
    # Each list once, whatever the documents: they may be long, and reading them needs rights of their own.
    for noun in sorted({resource.noun for document in documents for _, resource in _list_named(document)}):
        try:
            scopes[noun] = read_scopes(read, noun)
        except (AuthError, IncompleteError, UnreachableError) as error:
            gaps[noun] = list(_build_gaps(error, noun))
    return ResourceLists(scopes, gaps)


def resolve_names(document: Wanted[SecurityRole], lists: ResourceLists) -> ResolvedDocument:
    """Return the document with the permissions as they are sent."""
    resources = dict(_list_named(document))
    if not resources:
        return ResolvedDocument(document)
    faults = [*_find_name_faults(document, resources, lists)]
    if faults:
        return ResolvedDocument(document, faults)
    permissions = [
        fill_id(resources[index], lists.find_id(resources[index])) if index in resources else permission
        for index, permission in enumerate(document.spec.permissions)
    ]
    # Only now: offline nobody can tell that a name and an id, or two spellings of a name, are one permission.
    faults = [*_find_repetitions(document, permissions)]
    spec = document.spec.model_copy(update={"permissions": tuple(permissions)})
    return ResolvedDocument(replace(document, spec=spec), faults)


def fill_id(resource: NamedResource, resource_id: str) -> str:
    """Return a permission as it is sent."""
    return f"{resource.permission}{resource_id}/"


def name_permissions(permissions: Iterable[str], lists: ResourceLists) -> dict[str, str]:
    """Return what people call what these permissions are about, by permission, as far as it was read."""
    names: dict[str, str] = {}
    for permission in permissions:
        start, resource_id = split_trailing_id(permission)
        noun = find_resource_noun(start)
        # By id alone: what was approved is true whatever the thing is called, even where two have the name.
        for scope in lists.scopes.get(noun, ()):
            if resource_id == f"{scope.id}/" and scope.name:
                names[permission] = format_resource(noun, scope.name)
    return names


def _list_named(document: Wanted[SecurityRole]) -> Iterator[tuple[int, NamedResource]]:
    for index, permission in enumerate(document.spec.declared().get("permissions", ())):
        if resource := read_named_resource(permission):
            yield index, resource


def _find_name_faults(
    document: Wanted[SecurityRole], resources: Mapping[int, NamedResource], lists: ResourceLists
) -> Iterator[Diagnostic | Gap]:
    for index, (_, noun, name) in resources.items():
        if noun in lists.gaps:
            yield from (
                gap._replace(problem=replace(gap.problem, address=document.address)) for gap in lists.gaps[noun]
            )
        elif fault := explain_unclear_name(noun, name, lists.scopes[noun], "which id to send can't be told"):
            yield fault.locate(document.at(("spec", "permissions", index)), document.address)


def _find_repetitions(document: Wanted[SecurityRole], permissions: Sequence[str]) -> Iterator[Diagnostic]:
    """Yield a problem for each name whose permission the list has by id, or by another spelling of the name."""
    for index, permission in enumerate(permissions):
        if permission in permissions[:index]:
            texts = document.spec.permissions
            yield Diagnostic(
                "manifest.duplicate-entry",
                document.at(("spec", "permissions", index)),
                f"{texts[index]} and {texts[permissions.index(permission)]} are the same permission, {permission}",
                "permissions are a set",
                "remove one",
                address=document.address,
            )


def _build_gaps(error: ReconcilerError, noun: str) -> Iterator[Gap]:
    for problem in error.problems:
        reason = f"the {noun}s that permissions name can't be looked up; {problem.reason}"
        remedy = problem.remedy
        if problem.rule == "api.permission-missing":
            remedy = f"grant {LIST_PERMISSIONS[noun]} to read {SCOPE_LISTS[noun]}, or write ids"
        yield Gap(replace(problem, reason=reason, remedy=remedy), error.exit)
