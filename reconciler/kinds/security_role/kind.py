"""Security roles of Keyfactor Command: /Security/Roles, version 2.

The list carries neither permissions nor claims, so each declared role is read once more by id. PUT clears what is not
sent: its body is the whole role as read, with the declared fields over it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints, model_validator

from reconciler.errors import Problem
from reconciler.kinds.fields import Form, Name, Text, pick, unmanaged
from reconciler.kinds.kind import Exported, Finding, Match, Path, Read, Resource, Run, Tables, Wanted
from reconciler.kinds.requirements import Grant, Listing, Permissions
from reconciler.kinds.security_role.claim_index import Defined, check_descriptions, defined
from reconciler.kinds.security_role.claims import (
    Claim,
    Described,
    Known,
    ambiguous,
    contradictory,
    descriptions,
    doubt,
    joining,
    outgoing_words,
    unsaid,
    words_of,
)
from reconciler.kinds.security_role.export import exported, manifest_of
from reconciler.kinds.security_role.permission_sets import Sets, guid_of, is_guid, name_of, permission_sets
from reconciler.kinds.security_role.permissions import redundant
from reconciler.model import Call, Json, Request, Risk, Step
from reconciler.payloads.claims import PATH as CLAIMS
from reconciler.payloads.claims import ClaimKey, identified, outgoing, partners, read_key, redescribed, same, same_set
from reconciler.payloads.roles import PATH, canonical, details, expected, folded_name, listed, writable

_WIRE = {
    "description": "Description",
    "emailAddress": "EmailAddress",
    "permissionSet": "PermissionSetId",
    "permissions": "Permissions",
    "claims": "Claims",
}

Permission = Annotated[
    str,
    StringConstraints(max_length=512),
    Form(
        # A pattern, not a list: the strings differ by version, and the last segment may be an id or a GUID.
        r"/([a-z0-9_\-]+/)*",
        "is not a version two permission; Command would refuse it; write it in lower case, "
        "beginning and ending with a slash, such as /portal/read/",
    ),
]
EmailAddress = Annotated[
    str,
    # 64 octets before the @ and 255 after it (RFC 5321, 4.5.3.1.1 and 4.5.3.1.2).
    StringConstraints(max_length=320),
    Form(r"[^@\s]+@[^@\s]+", "is not an e-mail address; nobody could be reached; write name@domain"),
]


class SecurityRole(Resource):
    """A security role: its description, permission set, permissions and the claims that hold it."""

    api: ClassVar[str] = "keyfactor"
    last: ClassVar[tuple[str, ...]] = (CLAIMS,)
    requires: ClassVar[Permissions] = Permissions(
        read=(
            Listing("roles", PATH, "/security/read/", version=2, item="Id"),
            Listing("permission sets", "/PermissionSets", "/security/read/", when="that declare one by name"),
            Listing("claims", CLAIMS, "/security/read/", when="that give a role a claim"),
        ),
        # Command checks which permission set holds it: held in another one it still gives 403.
        write=(Grant(("/security/modify/",), within="Global"),),
    )
    example: ClassVar[str] = """\
apiVersion: reconciler/v1
kind: SecurityRole
metadata: {name: PKI Operators}
spec:
  description: Day-to-day certificate operations
  emailAddress: pki-ops@example.com
  permissionSet: Global
  permissions: [/portal/read/, /certificates/collections/read/]
  claims:
    - {type: OAuthRole, value: pki-operators, provider: Entra, description: PKI operators}
  additive: [claims]
"""

    description: Text = unmanaged("What the role is for. Command requires one.")
    email_address: EmailAddress = unmanaged("Where workflows reach the owner of certificates.")
    permission_set: Name = unmanaged("The permission set that bounds the role's permissions, by name or GUID.")
    permissions: Annotated[tuple[Permission, ...], Field(strict=False, min_length=1)] = unmanaged(
        "Version two permission strings, as a set. A string grants everything that starts with it."
    )
    claims: Annotated[tuple[Claim, ...], Field(strict=False, min_length=1)] = unmanaged("Who holds the role, as a set.")
    additive: Annotated[tuple[Literal["permissions", "claims"], ...], Field(strict=False, min_length=1)] = unmanaged(
        "Lists that gain the declared members and keep the others."
    )
    clear: Annotated[
        tuple[Literal["emailAddress", "permissions", "claims"], ...], Field(strict=False, min_length=1)
    ] = unmanaged("Fields to empty.")

    @model_validator(mode="after")
    def _says_something(self) -> SecurityRole:
        if not self.model_fields_set - {"additive"}:
            raise ValueError("declares nothing to manage; give at least one field, such as permissions")
        return self

    def check(self, name: str, tables: Tables) -> Iterator[tuple[Path, str]]:
        declared = self.declared()
        for index, field in enumerate(declared.get("clear", ())):
            if field in declared:
                yield ("clear", index), f"{field} is both declared and cleared; only one can be meant; remove the other"
        for index, field in enumerate(declared.get("additive", ())):
            if field not in declared:
                yield (
                    ("additive", index),
                    f"{field} is not declared, so there is nothing to add; declare it or remove this",
                )
        permissions: tuple[str, ...] = declared.get("permissions", ())
        for child, parent in redundant(permissions):
            yield ("permissions", permissions.index(child)), f"{_already(child, parent)}; remove it"
        for index, permission in enumerate(permissions):
            if permission in permissions[:index]:
                yield ("permissions", index), f"{permission} is listed twice; permissions are a set; remove one"
        claims: tuple[Claim, ...] = declared.get("claims", ())
        for index, claim in enumerate(claims):
            if any(same(claim.key, other.key) for other in claims[:index]):
                yield ("claims", index), f"the {claim.type} claim {claim.value!r} is listed twice; remove one"

    def identities(self, name: str, tables: Tables) -> Iterator[tuple[str, Path]]:
        # Command's rule for letter case is not documented; SQL Server's usual collation folds it.
        yield name.casefold(), ()

    @classmethod
    def observe(cls, read: Read, wanted: Sequence[Wanted], run: Run) -> Live:
        """One list, each declared role by id; permission sets if one is declared by name, claims if one is to join."""
        names = {one.address.name.casefold() for one in wanted}
        ids = [int(pick(row, "Id")) for row in listed(read) if folded_name(row) in names]
        roles: dict[str, list[Json]] = {}
        for raw in details(read, ids):
            roles.setdefault(folded_name(raw), []).append(raw)
        declared = (one.resource.declared().get("permissionSet") for one in wanted)
        named = any(name is not None and not is_guid(name) for name in declared)
        sets = permission_sets(read) if named else {}
        joins = any(joining(one, raw) for one in wanted for raw in roles.get(one.address.name.casefold(), [None])[:1])
        return Live(roles, sets, Known(defined(read) if joins else Defined(), words_of(wanted)))

    @classmethod
    def compare(cls, wanted: Wanted, live: Any, run: Run) -> Iterator[Finding]:
        roles = live.roles.get(wanted.address.name.casefold(), [])
        raw = roles[0] if roles else None
        problems = [
            *_ambiguous_name(wanted, roles),
            *_bad_permission_set(wanted, live.sets),
            *contradictory(wanted, live.known.words),
            *ambiguous(wanted, raw, live.known),
            *(_incomplete_creation(wanted) if raw is None else ()),
        ]
        if problems:
            yield from problems
            return
        yield _match(wanted, raw, live)
        yield from descriptions(wanted, raw, live.known)

    @classmethod
    def request(cls, match: Match) -> Request:
        if isinstance(match.found, Described):
            return redescribed(match.wanted.address.target, match.found.raw, match.found.words)
        raw, set_id, words = match.found
        target, name = match.wanted.address.target, match.wanted.address.name
        after = match.after
        body: dict[str, Json] = writable(raw) if raw else {"Name": name, "EmailAddress": None}
        body |= {_WIRE[field]: after[field] for field in ("description", "emailAddress") if field in after}
        if "permissionSet" in after:
            body["PermissionSetId"] = set_id
        # The server keeps no order: the vendor's Terraform provider had to turn its list into a set.
        body["Permissions"] = sorted(after.get("permissions", body.get("Permissions", ())))
        body["Claims"] = outgoing(raw, after.get("claims"), words)
        if raw is None:
            return Request(Call(target, "POST", PATH, body, version=2), None, expected(body))
        # There is no /{id} form of this PUT: the id stands in the body.
        return Request(Call(target, "PUT", PATH, body, version=2), canonical(raw), expected(body))

    @classmethod
    def risk(cls, path: str, before: Json, after: Json) -> Risk:
        """Rights and those who hold them are high, words about them low."""
        return Risk.LOW if path in {"description", "emailAddress"} or path.startswith("claims.") else Risk.HIGH

    @classmethod
    def reread(cls, read: Read, step: Step) -> Json:
        if _is_claim(step):
            raw = read.get(f"{CLAIMS}/{int(step.request.call.body['Id'])}") if step.request else None
            return None if raw is None else identified(raw)
        number = step.request.call.body.get("Id") if step.request else None
        if number is None:
            name = step.address.name.casefold()
            rows = listed(read)
            # A role that is to be created has no id: by name the list shows whether somebody else was faster.
            number = next((pick(row, "Id") for row in rows if folded_name(row) == name), None)
        found = [] if number is None else details(read, [int(number)])
        if step.request:
            held = [read_key(claim) for claim in pick(found[0], "Claims")] if found else []
            # After the role, so that claims which other roles share are read as close to the write as can be.
            check_descriptions(read, step.request.call.body["Claims"], held)
        return canonical(found[0]) if found else None

    @classmethod
    def unmet(cls, step: Step, live: Json) -> tuple[str, ...]:
        """Claims are compared as the server folds them; everything else to the letter."""
        if _is_claim(step):
            return super().unmet(step, live)
        if live is None or step.request is None:
            return ("the role",)
        expect = dict(step.request.expect)
        wanted = [ClaimKey(*key) for key in expect.pop("Claims")]
        missing = [] if same_set(wanted, [ClaimKey(*claim[:3]) for claim in live["Claims"]]) else ["Claims"]
        return tuple(missing + [name for name, value in expect.items() if live.get(name) != value])

    @classmethod
    def export(cls, read: Read) -> Iterator[Exported]:
        rows = listed(read)
        sets = permission_sets(read)
        for raw in details(read, [int(pick(row, "Id")) for row in rows]):
            yield exported(raw, sets)


@dataclass(frozen=True, slots=True)
class Live:
    """The declared roles as read by id, by folded name; the permission sets; what is known of claims."""

    roles: Mapping[str, list[Json]]
    sets: Sets
    known: Known


def _is_claim(step: Step) -> bool:
    return step.request is not None and step.request.call.path == CLAIMS


def _match(wanted: Wanted, raw: Mapping[str, Json] | None, live: Live) -> Match:
    """Return a role beside its document; a description that a new claim gets without a word is one of the changes."""
    set_id = guid_of(wanted.resource.declared().get("permissionSet"), live.sets)
    after = _after(wanted.resource.declared(), raw, set_id, live.sets)
    words = outgoing_words(wanted, raw, live.known)
    unsure = doubt(wanted, words, live.known)
    new, found = unsaid(wanted, words, live.known), (raw, set_id, words)
    if raw is None:
        return Match(wanted, None, after | new, found, "new", None, unsure)
    before = {name: value for name, value in manifest_of(raw, live.sets).items() if name in after}
    refusal = _refusal(raw, before, after) or unsure
    about = f"{pick(raw, 'Name')} (id {pick(raw, 'Id')})"
    return Match(wanted, before | dict.fromkeys(new), after | new, found, about, None, refusal)


def _after(
    declared: Mapping[str, Any], raw: Mapping[str, Json] | None, set_id: str | None, sets: Sets
) -> dict[str, Any]:
    """Return the declared fields as they are to be: AD claims as the server spells them, additive lists merged."""
    live = manifest_of(raw, sets) if raw else {"permissions": frozenset(), "claims": frozenset()}
    after: dict[str, Any] = {name: declared[name] for name in ("description", "emailAddress") if name in declared}
    if set_id is not None:
        after["permissionSet"] = name_of(set_id, sets)
    if "permissions" in declared:
        after["permissions"] = frozenset(declared["permissions"])
    if "claims" in declared:
        keys = (claim.key for claim in declared["claims"])
        after["claims"] = frozenset(next(iter(partners(key, live["claims"])), key) for key in keys)
    for name in declared.get("additive", ()):
        after[name] |= live[name]
    for name in declared.get("clear", ()):
        after[name] = None if name == "emailAddress" else frozenset()
    return {name: after[name] for name in _WIRE if name in after}


def _refusal(raw: Mapping[str, Json], before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    if before == after:
        return ""
    # Set for the built-in administrator role alone; how the API answers a PUT of it is not documented.
    if pick(raw, "Immutable"):
        return "the role is built in and immutable; Command does not let it be changed; take it out of the manifests"
    clash = next(redundant(after.get("permissions", ())), None)
    if clash:
        return (
            f"{_already(*clash)} on the live role; Command refuses the pair; remove one from the manifest or the role"
        )
    return ""


def _already(child: str, parent: str) -> str:
    return f"{child} is already granted by {parent}"


def _bad_permission_set(wanted: Wanted, sets: Sets) -> Iterator[Problem]:
    declared = wanted.resource.declared().get("permissionSet")
    if declared is not None and guid_of(declared, sets) is None:
        known = ", ".join(sorted(sets.values()))
        why = f"permission set {declared!r} does not exist, is not visible, or several have the name"
        yield Problem(
            wanted.at(("spec", "permissionSet")), f"{why}; the server has {known}; use one of them or its GUID"
        )


def _ambiguous_name(wanted: Wanted, roles: Sequence[Mapping[str, Json]]) -> Iterator[Problem]:
    if len(roles) > 1:
        twins = ", ".join(sorted(f"{pick(raw, 'Name')!r} (id {pick(raw, 'Id')})" for raw in roles))
        why = f"{len(roles)} roles have this name, letter case aside: {twins}; which one is meant can't be told"
        yield Problem(wanted.source, f"{why}; rename or delete the surplus in the portal")


def _incomplete_creation(wanted: Wanted) -> Iterator[Problem]:
    declared = wanted.resource.declared()
    # The API requires a description; which permission set an omitted one stands for is not documented.
    missing = [name for name in ("description", "permissionSet") if name not in declared]
    if missing:
        needs = " and ".join(missing)
        why = f"role {wanted.address.name!r} does not exist or is not visible, and creating it needs {needs}"
        yield Problem(wanted.source, f"{why}; declare them or correct the name")
