"""Lock-outs: plans that close a way back are refused with the right reason, and all others let through.

Each plan is made by the tool itself from a world that is only data; the cases are generated from what can differ.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from reconciler.credentials.sources import FromEnvironment
from reconciler.diagnostics import Source
from reconciler.engine.observe import observe
from reconciler.engine.plan_rights import RightsInputs, WeighedPlan, list_declared_kinds, weigh_rights
from reconciler.errors import AuthError, IncompleteError
from reconciler.kinds.kind import Run, Wanted
from reconciler.kinds.registry import KINDS
from reconciler.model import Json
from reconciler.plans.planner import plan
from reconciler.rights import Principal
from reconciler.settings.model import Auth, BasicAuth, BearerAuth, OauthAuth
from tests.support.problems import make_problem
from tests.support.sample_plans import GUID, TODAY, document, role
from tests.support.toy_reader import World

NARROW = "00000000-0000-4000-8000-0000000000b2"
AD, ENTRA = "Active Directory", "Entra"
TYPES = {"User": AD, "Group": AD, "OAuthClientId": ENTRA, "OAuthRole": ENTRA}
SECRET = FromEnvironment("X")
BASIC, OAUTH, BEARER = (
    BasicAuth("CORP\\svc", SECRET),
    OauthAuth("https://idp", "reconciler", SECRET),
    BearerAuth(SECRET),
)
OWN: Mapping[type[Auth], tuple[str, str]] = {
    BasicAuth: ("User", "corp\\SVC"),
    OauthAuth: ("OAuthClientId", "reconciler"),
    BearerAuth: ("OAuthRole", "automation"),
}
"""The claim by which an account holds its role, by how it logs in."""


def claim(type_: str, value: str) -> dict[str, Json]:
    return {
        "ClaimType": type_,
        "ClaimValue": value,
        "Provider": {"AuthenticationScheme": TYPES[type_]},
        "Description": "d",
    }


def declare_claims(*claims: tuple[str, str]) -> list[Json]:
    return [{"type": type_, "value": value, "provider": TYPES[type_]} for type_, value in claims]


class Reader(World):
    """A toy server that forbids, or garbles, what is named."""

    forbidden: Mapping[str, type[AuthError | IncompleteError]] = {}

    def get(self, path: str, **more: Any) -> Json:
        answer = super().get(path, **more)
        if path in self.forbidden:
            raise self.forbidden[path](make_problem(Source("x"), "it was not told"))
        return answer


def serve(*roles: Json, told: Mapping[str, Json] | None = None, **more: Json) -> Reader:
    """Return a server with these roles beside the built-in one; `told` is what it tells an account of itself."""
    admins = role(1, "Administrators", Immutable=True, Permissions=["/"], Claims=[claim("Group", "CORP\\admins")])
    rows = [admins, *roles]
    answers: dict[str, Json] = {f"/Security/Roles/{row['Id']}": row for row in rows}
    claims = [{"Id": number, **held} for number, held in enumerate((held for row in rows for held in row["Claims"]), 1)]
    answers |= {
        "/Security/Roles": rows,
        "/Security/Claims": claims,
        "/PermissionSets": [
            {"Id": GUID, "Name": "Global", "Permissions": ["/"]},
            {"Id": NARROW, "Name": "Narrow", "Permissions": ["/security/", "/portal/", "/certificates/"]},
        ],
        "/Permissions": [
            "/portal/read/",
            "/security/modify/",
            "/security/read/",
            "/certificates/collections/read/",
            "/certificates/expanded_change_owner/",
        ],
    }
    return Reader(answers | {f"/Security/{name}": value for name, value in (told or {}).items()} | more)


def weigh(
    read: Reader,
    documents: list[Wanted],
    auth: Auth = BASIC,
    *,
    with_report: bool = True,
    on_progress: Callable[[str], None] = lambda _line: None,
) -> WeighedPlan:
    """Plan and weigh, as the command line does."""
    run = Run.of_documents(TODAY, documents)
    observed = observe(documents, {"command": read}, run, KINDS)
    api: Any = SimpleNamespace(read=read, target=SimpleNamespace(auth=auth))
    inputs = RightsInputs(
        {"command": api}, KINDS, list_declared_kinds(documents), observed.live, on_progress, with_report
    )
    unweighed_plan = plan(documents, observed, run, KINDS)
    assert unweighed_plan.sendable_steps, unweighed_plan.problems
    return weigh_rights(unweighed_plan, inputs)


class Way(NamedTuple):
    """A change that takes a right from who holds a role: what the role holds, and what is declared of it."""

    permissions: tuple[str, ...]
    spec: Callable[[list[tuple[str, str]]], Mapping[str, Any]]


OTHERS = ("User", "CORP\\eve")
WAYS = {
    "drops the permission": Way(("/security/modify/", "/portal/read/"), lambda _: {"permissions": ["/portal/read/"]}),
    "narrows a wider one": Way(("/security/",), lambda _: {"permissions": ["/security/read/"]}),
    "narrows every right": Way(("/",), lambda _: {"permissions": ["/portal/", "/security/read/"]}),
    "clears all": Way(("/security/modify/",), lambda _: {"clear": ["permissions"]}),
    "takes the claim": Way(
        ("/security/modify/",), lambda held: {"claims": declare_claims(*held[1:], ("User", "CORP\\new"))}
    ),
    "clears the claims": Way(("/security/",), lambda _: {"clear": ["claims"]}),
    "takes the claim and adds": Way(
        ("/security/modify/",),
        lambda held: {"claims": declare_claims(*held[1:]), "permissions": ["/security/", "/portal/"]},
    ),
    "leaves Global with more": Way(
        ("/security/modify/",), lambda _: {"permissionSet": "Narrow", "permissions": ["/security/", "/portal/"]}
    ),
    "leaves Global": Way(("/security/modify/",), lambda _: {"permissionSet": "Narrow"}),
}
SPARE = {"claims": [claim("User", "CORP\\sue")], "permissions": ["/security/", "/certificates/"]}
TOLD = ("all", "roles", "nothing")


def tell(level: str, permissions: tuple[str, ...]) -> dict[str, Json]:
    """Return what a server tells an account that holds the role Tool: by version all, the roles alone, or nothing."""
    told: dict[str, Json] = {"My": {"Roles": ["Tool"]}, "My/Permissions": {"Permissions": list(permissions)}}
    return {name: value for name, value in told.items() if level == "all" or (level == "roles" and name == "My")}


def list_account_cases() -> list[Any]:
    """Return plans that take from the account what it needs: by way, login, and what the server tells."""
    return [
        pytest.param(way, auth, level, id=f"{way}, {type(auth).__name__}, told {level}")
        for way, auth, level in product(WAYS, (BASIC, OAUTH, BEARER), TOLD)
    ]


def arrange_tool(way: str, auth: Auth, level: str, *more: Json) -> tuple[Reader, list[tuple[str, str]]]:
    """Return a server on which the account holds the role Tool; what it may lose, Sue keeps."""
    held = [OWN[type(auth)], OTHERS]
    tool = role(2, "Tool", Permissions=list(WAYS[way].permissions), Claims=[claim(*key) for key in held])
    spare = role(3, "Spare", Permissions=SPARE["permissions"], Claims=SPARE["claims"])
    return serve(tool, spare, *more, told=tell(level, WAYS[way].permissions)), held


@pytest.mark.parametrize(("way", "auth", "level"), list_account_cases())
def test_a_plan_that_locks_the_account_out_is_refused(way: str, auth: Auth, level: str) -> None:
    """Whatever the server tells of the account, and however it logs in."""
    server, held = arrange_tool(way, auth, level)
    weighed = weigh(server, [document("SecurityRole", "Tool", WAYS[way].spec(held))], auth)
    assert [(danger.value, problem.rule) for danger, problem in weighed.lockouts] == [
        ("account", "plan.lockout-account")
    ]
    assert "/security/modify/" in weighed.lockouts[0].problem.summary


@pytest.mark.parametrize(("way", "auth", "level"), list_account_cases())
def test_the_same_plan_is_let_through_where_another_role_of_the_account_keeps_it(
    way: str, auth: Auth, level: str
) -> None:
    """It is let through where the server tells the roles, or the account's own claim is in the other role."""
    backup = role(4, "Backup", Permissions=["/security/"], Claims=[claim(*OWN[type(auth)])])
    server, held = arrange_tool(way, auth, level, backup)
    if level != "nothing":
        server.answers = {**server.answers, "/Security/My": {"Roles": ["Tool", "Backup"]}}
    weighed = weigh(server, [document("SecurityRole", "Tool", WAYS[way].spec(held))], auth)
    # A bearer token tells none of its claims, so that each role of such a claim may be the only one; a claim that
    # leaves one role and holds the other as well leads there.
    is_doubtful = (auth, level) == (BEARER, "nothing") and "claim" not in way
    assert len(weighed.lockouts) == (1 if is_doubtful else 0)


SECURITY_WAYS = list(product(WAYS, (1, 2, 3)))


@pytest.mark.parametrize(("way", "count"), SECURITY_WAYS)
@pytest.mark.parametrize("is_spared", [False, True])
def test_the_last_who_may_change_roles_are_not_taken(way: str, count: int, is_spared: bool) -> None:
    """Of so many roles each loses the right: refused, unless one more holds it. The account is an administrator."""
    held = [("User", "CORP\\ann"), OTHERS]
    roles = [
        role(number, f"R{number}", Permissions=list(WAYS[way].permissions), Claims=[claim(*key) for key in held])
        for number in range(2, 2 + count)
    ]
    # In the claims' own ways both go, since either would still hold the role.
    spec = {"clear": ["claims"]} if way.startswith("takes the claim") else WAYS[way].spec(held)
    spared = [role(9, "Spared", Permissions=["/security/modify/"], Claims=[claim("User", "CORP\\sue")])]
    server = serve(*roles, *(spared if is_spared else []), told={"My": {"Roles": ["Administrators"]}})
    weighed = weigh(server, [document("SecurityRole", row["Name"], spec, line) for line, row in enumerate(roles, 1)])
    assert [problem.rule for _, problem in weighed.lockouts] == ([] if is_spared else ["plan.lockout-security"] * count)


@pytest.mark.parametrize(
    ("permissions", "claims", "spec"),
    [
        (["/portal/read/", "/security/modify/"], [OTHERS], {"permissions": ["/security/"]}),
        (["/portal/read/", "/security/modify/"], [OTHERS], {"permissions": ["/security/modify/", "/portal/"]}),
        (["/portal/read/", "/security/modify/"], [OTHERS], {"permissions": ["/security/modify/"]}),
        (["/security/modify/"], [OTHERS, ("User", "CORP\\svc")], {"claims": declare_claims(("User", "CORP\\svc"))}),
        (["/security/modify/"], [("User", "CORP\\svc")], {"description": "new"}),
        (["/portal/read/"], [("User", "CORP\\svc")], {"clear": ["claims"]}),
        (["/portal/read/"], [("Group", "CORP\\ops")], {"clear": ["permissions"]}),
    ],
)
@pytest.mark.parametrize("level", TOLD)
def test_what_takes_nothing_that_is_needed_is_let_through(
    permissions: list[str], claims: list[tuple[str, str]], spec: Mapping[str, Any], level: str
) -> None:
    """A wider right, a right that this tool does not need, a claim of somebody else, a text."""
    tool = role(2, "Tool", Permissions=permissions, Claims=[claim(*key) for key in claims])
    spare = role(3, "Spare", Permissions=["/security/"], Claims=[claim("User", "CORP\\sue")])
    weighed = weigh(serve(tool, spare, told=tell(level, tuple(permissions))), [document("SecurityRole", "Tool", spec)])
    assert weighed.lockouts == ()


@pytest.mark.parametrize("level", TOLD)
def test_a_role_that_is_not_the_accounts_may_lose_anything(level: str) -> None:
    """Nobody logs in with a token and is a user of the directory."""
    tool = role(2, "Tool", Permissions=["/security/"], Claims=[claim(*OWN[BearerAuth])])
    other = role(3, "Other", Permissions=["/security/modify/"], Claims=[claim(*OTHERS)])
    server = serve(tool, other, told=tell(level, ("/security/",)))
    weighed = weigh(server, [document("SecurityRole", "Other", {"clear": ["permissions"]})], BEARER)
    assert weighed.lockouts == ()


@pytest.mark.parametrize("auth", [BASIC, OAUTH, BEARER], ids=lambda auth: type(auth).__name__)
@pytest.mark.parametrize("is_moved", [True, False])
def test_a_claim_that_moves_to_another_role_takes_its_rights_along(auth: Auth, is_moved: bool) -> None:
    """Nobody knows which claim is the account's own, but all that leave arrive elsewhere."""
    movable = ("Group", "CORP\\automation") if auth is BASIC else ("OAuthRole", "robots")
    tool = role(2, "Tool", Permissions=["/security/"], Claims=[claim(*movable), claim(*OTHERS)])
    spare = role(3, "Spare", Permissions=["/security/"], Claims=[claim("User", "CORP\\sue")])
    new_holders = [("User", "CORP\\sue"), *([movable] if is_moved else [("Group", "CORP\\else")])]
    server = serve(tool, spare, told=tell("all", ("/security/",)))
    documents = [
        document("SecurityRole", "Tool", {"claims": declare_claims(OTHERS)}),
        document("SecurityRole", "Spare", {"claims": declare_claims(*new_holders)}, 2),
    ]
    assert len(weigh(server, documents, auth).lockouts) == (0 if is_moved else 1)


def test_one_of_several_permissions_is_enough_where_each_permits_the_same() -> None:
    """Who may change any owner need not be permitted to change some."""
    before, after = ["/certificates/collections/change_owner/"], ["/certificates/expanded_change_owner/"]
    tool = role(2, "Tool", Permissions=[*before, "/security/"], Claims=[claim("User", "CORP\\svc")])
    server = serve(tool, told=tell("all", ("/security/", *before)), **owned(1))
    documents = [
        document("SecurityRole", "Tool", {"permissions": [*after, "/security/"]}),
        document("CertificateOwner", "x", {"clear": ["owner"], "certificates": {"ids": [1]}}, 2),
    ]
    assert weigh(server, documents).lockouts == ()
    documents[0] = document("SecurityRole", "Tool", {"permissions": ["/security/"]})
    ((danger, problem),) = weigh(serve(tool, told=tell("all", ("/security/", *before)), **owned(1)), documents).lockouts
    assert (danger.value, "change_owner/; this tool needs that for CertificateOwner" in problem.message) == (
        "account",
        True,
    )


def owned(*certificates: int) -> dict[str, Json]:
    return {
        "/Certificates": [
            {"Id": n, "Thumbprint": f"{n:040X}", "IssuedCN": "x", "OwnerRoleId": None, "OwnerRoleName": None}
            for n in certificates
        ]
    }


@pytest.mark.parametrize(
    ("roles", "permissions", "owner_set", "expected"),
    [
        (["Tool", "Web"], ["/certificates/collections/change_owner/"], GUID, []),
        (["Tool"], ["/certificates/collections/change_owner/"], GUID, ["plan.lockout-owner"]),
        (["Tool"], ["/certificates/expanded_change_owner/"], GUID, []),
        (["Tool"], ["/certificates/"], GUID, []),
        (["Tool"], ["/certificates/"], NARROW, []),
        (["Caged"], ["/certificates/"], NARROW, []),
        (["Caged"], ["/certificates/"], GUID, ["plan.lockout-owner"]),
        (["Tool", "Caged"], ["/certificates/"], GUID, []),
        (["Caged", "Reader"], ["/certificates/"], GUID, ["plan.lockout-owner"]),
        ([], [], GUID, []),
        (["Reader"], ["/certificates/collections/read/", "/security/read/"], GUID, []),
        (["Tool"], ["/certificates/collections/change_owner/7/"], GUID, ["plan.lockout-owner"]),
        (["Caged"], None, GUID, ["plan.lockout-owner"]),
        (["Tool"], None, GUID, []),
        (["Reader"], None, GUID, []),
        (None, [], GUID, []),
    ],
)
def test_owners_are_not_given_away_for_good(
    roles: list[str] | None, permissions: list[str] | None, owner_set: str, expected: list[str]
) -> None:
    """Whoever holds the owner's role takes a certificate back, or the expanded permission in its set, or in Global.

    Who can change no owner only plans.
    """
    rows = [
        role(2, "Tool", Permissions=["/certificates/"]),
        role(3, "Caged", Permissions=["/certificates/"], PermissionSetId=NARROW),
        role(4, "Reader", Permissions=["/portal/read/"]),
        role(5, "Web", PermissionSetId=owner_set),
    ]
    answers = {"My/Permissions": ("Permissions", permissions), "My": ("Roles", roles)}
    told = {path: {name: values} for path, (name, values) in answers.items() if values is not None}
    server = serve(*rows, told=told, **owned(1, 2))
    thumbprints = [f"{number:040X}" for number in (1, 2)]
    weighed = weigh(
        server, [document("CertificateOwner", "web", {"owner": "Web", "certificates": {"thumbprints": thumbprints}})]
    )
    assert [problem.rule for _, problem in weighed.lockouts] == expected
    assert [note.rule for note in weighed.plan.notes] == (["plan.account-unknown"] if roles is None else [])


def test_own_roles_run_last_and_before_the_descriptions_that_they_carry() -> None:
    """After owners, whom roles are otherwise created for; a description stays behind each role that sends it along."""
    own, other = ("User", "CORP\\svc"), ("User", "CORP\\eve")
    rows = [
        role(2, "A Tool", Permissions=["/security/"], Claims=[claim(*own)]),
        role(3, "B Other", Permissions=["/portal/read/"], Claims=[claim(*other)]),
    ]
    server = serve(*rows, told={"My": {"Roles": ["A Tool"]}}, **owned(1))
    described = [{**declare_claims(own)[0], "description": "another"}]
    weighed = weigh(
        server,
        [
            document("SecurityRole", "A Tool", {"permissions": ["/security/", "/portal/read/"], "claims": described}),
            document("SecurityRole", "B Other", {"clear": ["permissions"]}, 2),
            document("CertificateOwner", "x", {"owner": "A Tool", "certificates": {"ids": [1]}}, 3),
        ],
    )
    assert [(step.address.name, step.request.call.path) for step in weighed.plan.steps if step.request] == [
        ("B Other", "/Security/Roles"),
        ("x", "/Certificates/1/Owner"),
        ("A Tool", "/Security/Roles"),
        ("A Tool", "/Security/Claims"),
    ]


def test_a_role_of_another_account_that_loses_what_is_needed_runs_last_too() -> None:
    """One account plans and another one applies: the step that takes the right is behind those that need it."""
    rows = [
        role(2, "Apply", Permissions=["/security/"], Claims=[claim("User", "CORP\\apply")]),
        role(3, "Other", Permissions=["/portal/read/"], Claims=[claim(*OTHERS)]),
        role(4, "Plan", Permissions=["/security/read/"], Claims=[claim("User", "CORP\\svc")]),
    ]
    documents = [
        document("SecurityRole", "Apply", {"permissions": ["/security/read/"]}),
        document("SecurityRole", "Other", {"clear": ["permissions"]}, 2),
    ]
    weighed = weigh(serve(*rows, told={"My": {"Roles": ["Plan"]}}), documents)
    assert [step.address.name for step in weighed.plan.steps] == ["Other", "Apply"]


def count_role_reads(server: Reader) -> int:
    return sum(path.startswith("/Security/Roles/") for path in server.asked)


@pytest.mark.parametrize(
    ("spec", "with_report", "reads", "asks_account"),
    [
        ({"description": "new"}, True, 1, False),
        ({"permissions": ["/portal/read/", "/portal/"][:1]}, True, 4, True),
        ({"permissions": ["/portal/read/", "/security/", "/certificates/collections/read/"]}, True, 4, False),
        ({"permissions": ["/portal/read/", "/security/", "/certificates/collections/read/"]}, False, 1, False),
        ({"permissions": ["/portal/read/"]}, False, 4, True),
    ],
)
def test_roles_are_read_only_where_rights_change(
    spec: Mapping[str, Any], with_report: bool, reads: int, asks_account: bool
) -> None:
    """Each once; without the report only where a step may lock somebody out."""
    rows = [
        role(2, "Tool", Permissions=["/security/", "/portal/read/"], Claims=[claim("User", "CORP\\svc")]),
        role(3, "X"),
        role(4, "Y"),
    ]
    server = serve(*rows, told=tell("all", ("/security/", "/portal/read/")))
    lines: list[str] = []
    weighed = weigh(server, [document("SecurityRole", "Tool", spec)], with_report=with_report, on_progress=lines.append)
    told = ["command: reading 3 more roles, for the rights that the plan gives and takes"]
    assert lines == (told if reads > 1 else [])
    assert (count_role_reads(server), "/Security/My" in server.asked) == (reads, asks_account)
    assert [note.rule for note in weighed.plan.notes] == ([] if with_report else ["plan.rights-skipped"])


@pytest.mark.parametrize(
    ("error", "unread"), [(AuthError, "3 roles: Administrators, X, Y"), (IncompleteError, "role X")], ids=str
)
def test_what_can_not_be_read_makes_the_analysis_incomplete(
    error: type[AuthError | IncompleteError], unread: str
) -> None:
    """A note names it, once more where one row is bad; a refused call is not repeated role by role."""
    tool = role(2, "Tool", Permissions=["/portal/read/"], Claims=[claim("User", "CORP\\ann")])
    server = serve(tool, role(3, "X"), role(4, "Y"))
    server.forbidden = {"/Security/Roles/3": error}
    weighed = weigh(server, [document("SecurityRole", "Tool", {"clear": ["permissions"]})])
    (note,) = weighed.plan.notes
    assert note.rule == "plan.rights-incomplete"
    assert f"not read were {unread} (it was not told)" in note.summary
    assert [change.principal for change in weighed.plan.rights] == [Principal("User", "CORP\\ann", AD)]
    assert count_role_reads(server) == (3 if error is AuthError else 7)


def test_an_account_without_its_domain_is_the_one_with_it() -> None:
    """Joining another role by its bare name, a principal keeps what the first one gave."""
    rows = [
        role(2, "Old", Permissions=["/portal/read/"], Claims=[claim("User", "CORP\\ann")]),
        role(3, "New", Permissions=["/portal/"], Claims=[claim("User", "CORP\\bob")]),
    ]
    spec = {"claims": declare_claims(("User", "ANN"), ("User", "CORP\\bob"))}
    weighed = weigh(serve(*rows), [document("SecurityRole", "New", spec)])
    (change,) = weighed.plan.rights
    assert (change.principal.value, change.roles, change.gained) == ("CORP\\ann", ("New", "Old"), ("/portal/",))
