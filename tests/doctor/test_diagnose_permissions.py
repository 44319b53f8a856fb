"""What `doctor` finds of an account's permissions, on servers that tell and on servers that don't."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from reconciler.doctor.diagnose import diagnose
from reconciler.doctor.model import Ability, Health, combine_abilities
from reconciler.errors import Exit
from reconciler.kinds.registry import KINDS
from reconciler.reports.doctor import summarize_target
from reconciler.simulator import Simulator
from tests.support.doctor_targets import QUICK, choose_exit, command, csms, found, secrets, take, verdicts


@pytest.fixture
def server() -> Iterator[Simulator]:
    with Simulator(certificates=5) as running:
        yield running


READS = [
    ("/security/read/", "list roles", {"SecurityRole", "CertificateOwner"}),
    ("/monitoring/handlers/registration/read/", "list event handlers", {"EventHandler"}),
    ("/monitoring/alerts/read/", "list pending requests", {"RequestDenial"}),
    ("/certificates/collections/read/", "list certificates", {"CertificateOwner"}),
]


@pytest.mark.parametrize(("permission", "check", "kinds"), READS)
def test_a_missing_read_permission_is_named_with_the_kinds_that_need_it(
    server: Simulator, permission: str, check: str, kinds: set[str]
) -> None:
    """Auth; plan stays possible for the other kinds, and the line says for which."""
    take(server, permission)
    examined = diagnose(command(server.url), secrets(server), KINDS, QUICK)
    assert choose_exit([examined]) is Exit.AUTH
    assert check in [one.check for one in examined.failed]
    assert permission in found(examined)[check].remedy
    assert all(kind in found(examined)[check].remedy for kind in kinds)
    assert {kind for kind, able in examined.plan.items() if able is Ability.IMPOSSIBLE} == kinds
    assert "plan possible for" in summarize_target(examined)
    assert "not possible for" in summarize_target(examined)


@pytest.mark.parametrize(("permission", "check", "kinds"), READS)
def test_what_no_declared_kind_needs_is_a_warning(
    server: Simulator, permission: str, check: str, kinds: set[str]
) -> None:
    """An account with the least that its manifests need is healthy; one of them less, and it is not."""
    take(server, permission)
    others = frozenset({"SecurityRole", "EventHandler", "CertificateOwner", "RequestDenial"} - kinds)
    examined = diagnose(command(server.url), secrets(server), KINDS, QUICK, others)
    assert (choose_exit([examined]), verdicts(examined, check)) == (Exit.OK, ["warning"])
    assert found(examined)[check].remedy.endswith("need it, and no manifest declares one")
    for kind in kinds:
        assert choose_exit([diagnose(command(server.url), secrets(server), KINDS, QUICK, others | {kind})]) is Exit.AUTH


def test_what_only_some_documents_need_is_a_warning(server: Simulator) -> None:
    """Containers are for documents that name one."""
    take(server, "/certificate_stores/read/")
    examined = diagnose(command(server.url), secrets(server), KINDS, QUICK)
    assert verdicts(examined, "list containers") == ["warning"]
    assert "that name a container" in found(examined)["list containers"].remedy
    assert choose_exit([examined]) is Exit.OK


WRITES = [
    ("SecurityRole", ("/security/modify/",)),
    ("EventHandler", ("/monitoring/handlers/registration/modify/",)),
    ("RequestDenial", ("/certificates/requests/manage/",)),
    ("CertificateOwner", ("/certificates/collections/change_owner/", "/certificates/expanded_change_owner/")),
]


@pytest.mark.parametrize(("kind", "permissions"), WRITES)
def test_an_account_that_may_only_plan_is_healthy(server: Simulator, kind: str, permissions: tuple[str, ...]) -> None:
    """A missing write permission is warned of where the server tells, and the code stays 0."""
    take(server, *permissions)
    examined = diagnose(command(server.url), secrets(server), KINDS, QUICK)
    assert verdicts(examined, f"write {kind}") == ["warning"]
    assert all(permission in found(examined)[f"write {kind}"].detail for permission in permissions)
    assert [name for name, able in examined.apply.items() if able is Ability.IMPOSSIBLE] == [kind]
    assert choose_exit([examined]) is Exit.OK
    assert summarize_target(examined).startswith("command: plan possible; apply ")


def test_either_way_to_change_an_owner_is_enough(server: Simulator) -> None:
    """Only the one that is held is told."""
    take(server, "/certificates/expanded_change_owner/")
    examined = diagnose(command(server.url), secrets(server), KINDS, QUICK)
    detail = found(examined)["write CertificateOwner"].detail
    assert ("expanded" in detail, "change_owner" in detail) == (False, True)


def test_roles_are_written_from_the_global_permission_set_alone(server: Simulator) -> None:
    """The same permission held elsewhere brings 403 (contract: 9, row 17)."""
    other = "5d1ab2c3-8f0e-4c65-9a3e-2b7d1c4e6f01"
    with server.lock:
        for role in server.world.roles.values():
            if "/monitoring/handlers/registration/modify/" in role["Permissions"]:
                role["PermissionSetId"] = other
    examined = diagnose(command(server.url), secrets(server), KINDS, QUICK)
    assert verdicts(examined, "write SecurityRole", "write EventHandler") == ["warning", "ok"]
    assert "in the permission set Global" in found(examined)["write SecurityRole"].detail


@pytest.mark.parametrize(
    "fault", [{"kind": "status", "status": 404}, {"kind": "wrong_shape"}, {"kind": "drop"}, {"kind": "html"}]
)
def test_where_the_server_does_not_tell_writing_is_not_provable(server: Simulator, fault: Mapping[str, Any]) -> None:
    """Older servers have no /PermissionSets/My."""
    server.fault("GET", "/PermissionSets/My", times=0, **fault)
    examined = diagnose(command(server.url), secrets(server), KINDS, QUICK)
    assert "not told by this server" in found(examined)["identity"].detail
    assert {found(examined)[f"write {kind}"].verdict for kind, _ in WRITES} == {Health.SKIPPED}
    assert summarize_target(examined) == "command: plan possible; apply not provable without writing"


def test_a_server_that_contradicts_itself_is_not_believed(server: Simulator) -> None:
    """It says that nothing is held, yet the lists can be read."""
    server.fault("GET", "/PermissionSets/My", kind="wrong_shape", times=0, body=[])
    examined = diagnose(command(server.url), secrets(server), KINDS, QUICK)
    assert combine_abilities(examined.apply) is Ability.UNPROVEN
    assert choose_exit([examined]) is Exit.OK


def test_who_may_list_may_not_see_each(server: Simulator) -> None:
    """One row is read by itself: plan needs that of roles, apply of events."""
    server.fault("GET", "/Security/Roles/[0-9]", times=0, status=403)
    server.fault("GET", "/csms/events/", times=0, status=403)
    roles, events = (diagnose(one, secrets(server), KINDS, QUICK) for one in (command(server.url), csms(server.url)))
    assert verdicts(roles, "list roles", "read one of the roles") == ["ok", "failed"]
    assert [kind for kind, able in roles.plan.items() if able is Ability.IMPOSSIBLE] == ["SecurityRole"]
    assert verdicts(events, "list events", "read one of the events") == ["ok", "warning"]
    assert "csms:event:get" in found(events)["read one of the events"].remedy
    assert (choose_exit([roles]), choose_exit([events])) == (Exit.AUTH, Exit.OK)
    assert combine_abilities(events.apply) is Ability.IMPOSSIBLE


def test_an_object_that_goes_meanwhile_is_only_a_warning(server: Simulator) -> None:
    """Somebody may delete what was just listed."""
    server.fault("GET", "/Security/Roles/[0-9]", times=0, status=404)
    examined = diagnose(command(server.url), secrets(server), KINDS, QUICK)
    assert verdicts(examined, "read one of the roles") == ["warning"]
    assert choose_exit([examined]) is Exit.OK


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"status": 500}, Exit.UNREACHABLE),
        ({"status": 404}, Exit.INCOMPLETE),
        ({"kind": "drop"}, Exit.UNREACHABLE),
        ({"kind": "wrong_shape"}, Exit.INCOMPLETE),
        ({"kind": "html"}, Exit.INCOMPLETE),
        ({"kind": "redirect", "location": "https://elsewhere.example.com/"}, Exit.INCOMPLETE),
    ],
)
def test_a_list_that_fails_by_itself_has_its_own_cause(server: Simulator, fault: Mapping[str, Any], code: Exit) -> None:
    """The one that `plan` would end with; the others are tried all the same."""
    server.fault("GET", "^/EventHandlerRegistration", times=0, **fault)
    examined = diagnose(command(server.url), secrets(server), KINDS, QUICK)
    assert [one.check for one in examined.failed] == ["list event handlers"]
    assert choose_exit([examined]) is code
    assert examined.plan["EventHandler"] is Ability.IMPOSSIBLE
    assert examined.plan["RequestDenial"] is Ability.POSSIBLE


def test_credentials_that_are_refused_on_the_way_are_not_shown_again(server: Simulator) -> None:
    """Directories lock the account of who tries too often."""
    server.fault("GET", "^/Security/Roles$", times=0, status=401)
    examined = diagnose(command(server.url), secrets(server), KINDS, QUICK)
    assert [one.check for one in examined.failed] == ["list roles"]
    assert verdicts(examined, "list certificates", "list event handlers") == ["ok", "skipped"]
    assert choose_exit([examined]) is Exit.AUTH
    assert not any(entry["path"] == "/EventHandlerRegistration" for entry in server.requests)
    assert examined.plan["EventHandler"] is Ability.IMPOSSIBLE
