"""The whole way against the simulator: settings, login, lists, objects and one write, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from pathlib import Path

import pytest

from reconciler.apis.connect import Api, connect
from reconciler.errors import UnreachableError
from reconciler.kinds.registry import KINDS
from reconciler.model import Call
from reconciler.settings.load import load_settings
from reconciler.settings.model import Settings
from reconciler.simulator import Simulator


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(certificates=2500) as running:
        yield running


def settings(simulator: Simulator) -> Settings:
    return load_settings(simulator.settings, env={}, cwd=Path.cwd(), kinds=KINDS)


def api(simulator: Simulator, name: str) -> Api:
    return connect(settings(simulator).targets[name], {}, sleep=lambda _seconds: None)


def test_the_simulators_own_settings_load_and_log_in(simulator: Simulator) -> None:
    loaded = settings(simulator)
    assert {target.api for target in loaded.targets.values()} == {"keyfactor", "csms"}
    with api(simulator, "command") as command, api(simulator, "csms") as csms:
        roles = command.read.rows("/Security/Roles", version=2)
        assert {"Id", "Name"} <= roles[0].keys()
        assert command.product
        details = command.read.each([f"/Security/Roles/{role['Id']}" for role in roles], version=2)
        assert [one["Id"] for one in details] == [role["Id"] for role in roles]
        assert command.read.get("/Security/Roles/999999", version=2) is None
        events = csms.read.rows(f"{csms.read.root}/events", key="name")
        assert csms.read.get(f"{csms.read.root}/events/{events[0]['name']}")["event"] == events[0]
        assert csms.read.get(f"{csms.read.root}/events/no-such-event") is None


def test_thousands_of_certificates_take_one_request_a_thousand(simulator: Simulator) -> None:
    with api(simulator, "command") as command:
        pages = list(command.read.pages("/Certificates", columns=("Id", "Thumbprint", "OwnerRoleId")))
        ids = [row[0] for page in pages for row in page.rows]
        assert len(ids) == len(set(ids)) == pages[0].total
        assert len(ids) > 1000
    asked = [entry["path"] for entry in simulator.requests]
    assert asked.count("/Certificates") == ceil(len(ids) / 1000)


@pytest.mark.parametrize("total_count", ["present", "absent"])
@pytest.mark.parametrize("limit", [0, 1, 7, 1000])
def test_every_list_is_whole_whatever_the_server_leaves_open(
    simulator: Simulator, total_count: str, limit: int
) -> None:
    simulator.switch(total_count=total_count, return_limit_max=limit)
    lists = ("/Security/Roles", "/Security/Claims", "/PermissionSets", "/EventHandlerRegistration")
    with api(simulator, "command") as command:
        limited = {path: len(command.read.rows(path, version=1)) for path in lists}
    simulator.switch(total_count="present", return_limit_max=0)
    with api(simulator, "command") as command:
        assert limited == {path: len(command.read.rows(path, version=1)) for path in lists}
        assert min(limited.values()) > 1


def test_a_small_page_limit_a_fault_and_an_expired_token_change_nothing(simulator: Simulator) -> None:
    with api(simulator, "command") as command:
        before = command.read.rows("/Security/Roles", version=2)
        simulator.expire_tokens()
        simulator.fault("GET", "/KeyfactorAPI/Security/Roles", "status", times=2, status=503)
        assert command.fresh.rows("/Security/Roles", version=2) == before
        simulator.clear_faults()


def test_a_write_arrives_once_and_is_in_the_ledger(simulator: Simulator) -> None:
    with api(simulator, "csms") as csms:
        path = f"{csms.read.root}/events"
        name = csms.read.rows(path, key="name")[0]["name"]
        event = csms.fresh.get(f"{path}/{name}")["event"]
        state = "DISABLED" if event["state"] == "ENABLED" else "ENABLED"
        count = len(simulator.ledger)
        body = {"state": state, "event_types": event["event_types"], "notification": event["notification"]}
        assert csms.send(Call("csms", "PUT", f"{path}/{name}", body)).status == 200
        assert csms.fresh.get(f"{path}/{name}")["event"]["state"] == state
    assert len(simulator.ledger) == count + 1


def test_a_server_that_stopped_is_unreachable() -> None:
    with Simulator(certificates=1) as running:
        command = api(running, "command")
        command.read.rows("/Security/Roles", version=2)
    with pytest.raises(UnreachableError), command:
        command.fresh.rows("/Security/Roles", version=2)
