"""Permissions by name are the same as those by id, once both are looked up."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.diagnostics import Diagnostic, Source
from reconciler.engine.observe import observe
from reconciler.errors import AuthError, Exit
from reconciler.kinds.kind import Run
from reconciler.kinds.registry import KINDS
from reconciler.model import Json, Query, Step
from reconciler.plans.planner import plan
from tests.support.sample_plans import TODAY, document, planned, role
from tests.support.toy_reader import World

NAMES = st.text("aA/{}: .#é", min_size=1, max_size=6).map(str.strip).filter(lambda name: name and "}/" not in name)
AREAS = {
    "collection": ("/certificates/collections/read/", "/CertificateCollections"),
    "container": ("/certificate_stores/modify/", "/CertificateStoreContainers"),
}


@settings(max_examples=60)
@given(st.data())
def test_names_and_ids_make_equal_requests(data: st.DataObject) -> None:
    """Whatever characters a name holds, and whatever the role had; the names stand beside the ids that are shown."""
    world: dict[str, Json] = {}
    by_name, by_id = ["/portal/read/"], ["/portal/read/"]
    for noun, (permission, path) in AREAS.items():
        names = data.draw(st.lists(NAMES, max_size=4, unique_by=str.casefold))
        world[path] = [{"Id": number, "Name": name} for number, name in enumerate(names, 7)]
        chosen = data.draw(st.sets(st.sampled_from(range(len(names))))) if names else set()
        by_name += [f"{permission}{{{noun}: {names[index]}}}/" for index in sorted(chosen)]
        by_id += [f"{permission}{7 + index}/" for index in sorted(chosen)]
    held = data.draw(st.lists(st.sampled_from([*by_id, "/certificates/collections/read/99/"]), unique=True))
    world |= {"/Security/Roles": [{"Id": 1, "Name": "R"}], "/Security/Roles/1": role(1, "R", Permissions=held)}
    is_additive = data.draw(st.booleans())

    plans = [
        planned([document("SecurityRole", "R", {"permissions": listed, **_add(is_additive)})], world)
        for listed in (by_name, by_id)
    ]

    assert not plans[0].problems
    assert [step.request for step in plans[0].steps] == [step.request for step in plans[1].steps]
    for step in plans[0].steps:
        named = {member for change in step.changes for member, _ in change.names}
        gained = set(step.changes[0].after or ()) - set(held)
        assert {member for member in gained if member != "/portal/read/"} <= named


def _add(is_additive: bool) -> dict[str, list[str]]:
    return {"additive": ["permissions"]} if is_additive else {}


class NarrowWorld(World):
    """A world whose collections the account may not list."""

    def rows(self, path: str, *, query: Query = (), version: int = 1, key: str = "Id") -> list[Json]:
        if path == "/CertificateCollections":
            problem = Diagnostic("api.permission-missing", Source(f"GET {path}"), "the permission is missing", "r", "g")
            raise AuthError(problem)
        return super().rows(path, query=query, version=version, key=key)


def test_names_that_may_not_be_looked_up_are_a_gap_of_their_documents_alone() -> None:
    """It names the right that is missing; other roles are compared, and what needs the role waits."""
    grown = {"description": "d", "permissionSet": "00000000-0000-4000-8000-0000000000a1"}
    documents = [
        document("SecurityRole", "New", {**grown, "permissions": ["/certificates/collections/read/{collection: A}/"]}),
        document("SecurityRole", "R", {"description": "other"}, line=2),
        document("SecurityRole", "S", {"permissions": ["/certificates/collections/read/{collection: B}/"]}, line=3),
        document("CertificateOwner", "c", {"owner": "New", "certificates": {"ids": [1]}}, line=4),
    ]
    roles = [{"Id": 1, "Name": "R"}, {"Id": 2, "Name": "S"}]
    world = NarrowWorld(
        {
            "/Security/Roles": roles,
            "/Security/Roles/1": role(1, "R"),
            "/Security/Roles/2": role(2, "S"),
            "/Certificates": [{"Id": 1, "Thumbprint": "AB", "OwnerRoleId": 1, "OwnerRoleName": "R"}],
        }
    )

    made = planned(documents, world)

    (gap,) = made.gaps
    assert gap.cause is Exit.AUTH
    assert gap.problem.message == (
        "the permission is missing; the collections that permissions name can't be looked up; r; "
        "grant /certificates/collections/read/ to read /CertificateCollections, or write ids"
    )
    assert made.compared == (2, 4)
    assert _list_sent(made.steps) == ["R"]


def _list_sent(steps: Sequence[Step]) -> list[str]:
    return [step.address.name for step in steps if step.request]


def test_one_document_for_two_servers_sends_each_its_own_id() -> None:
    """What names are for."""
    spec = {"permissions": ["/certificates/collections/read/{collection: Payments}/"]}
    documents = [document("SecurityRole", "R", spec, target=target) for target in ("dev", "prod")]
    common = {"/Security/Roles": [{"Id": 1, "Name": "R"}], "/Security/Roles/1": role(1, "R")}
    worlds = {
        target: World({**common, "/CertificateCollections": [{"Id": number, "Name": "Payments"}]})
        for target, number in (("dev", 4), ("prod", 9))
    }
    run = Run.of_documents(TODAY, documents)

    made = plan(documents, observe(documents, worlds, run, KINDS), run, KINDS)

    sent = {step.address.target: step.request.call.body["Permissions"] for step in made.steps if step.request}
    assert sent == {"dev": ["/certificates/collections/read/4/"], "prod": ["/certificates/collections/read/9/"]}
