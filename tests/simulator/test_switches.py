"""Every switch with every setting: what a client sees of it. A setting without a case fails a test."""

from __future__ import annotations

import pytest

from reconciler.simulator import Switches
from reconciler.simulator.world.switches import DECLARED, TRAIL_SWITCHES
from tests.simulator.conftest import Client, Start, claim_body
from tests.support.switch_cases import CASES, Case


@pytest.mark.parametrize("case", CASES, ids=[f"{i}-{case.switch}-{case.setting}" for i, case in enumerate(CASES)])
def test_a_setting_shows(case: Case, start: Start) -> None:
    """Under the setting, the probe sees what the switch says."""
    assert case.probe(start(switches={case.switch: case.setting}, certificates=200)) == case.seen


def test_every_setting_of_every_switch_has_a_case() -> None:
    """A switch that nobody looks at may as well not exist; `test_trails.py` has those of the audit trails."""
    shown = {(case.switch, case.setting) for case in CASES}
    for switch in (switch for switch in DECLARED.values() if switch.name not in TRAIL_SWITCHES):
        if isinstance(switch.allowed, tuple):
            assert {(switch.name, setting) for setting in switch.allowed} - shown == set()
        else:
            assert any(name == switch.name and setting != switch.default for name, setting in shown), switch.name


def test_a_switch_or_setting_that_is_not_declared_is_refused_and_changes_nothing(client: Client) -> None:
    """The message lists what there is; of several settings, none is taken."""
    with pytest.raises(ValueError, match="no switch is called nothing; known are audit_category_number"):
        client.sim.switch(nothing="x")
    with pytest.raises(ValueError, match="handler_put_omitted has no setting 'sometimes'; it has reset, keep"):
        client.sim.switch(role_names="sensitive", handler_put_omitted="sometimes")
    with pytest.raises(ValueError, match="it has 0 or any int"):
        client.sim.switch(return_limit_max=-1)
    assert client.sim.world.switches["role_names"] == "insensitive"


def test_switches_are_read_and_set_over_http(client: Client) -> None:
    """GET and PUT /_sim/switches; a wrong setting is 400."""
    assert client.admin("GET", "switches").json() == Switches().values()
    assert client.admin("PUT", "switches", {"read_lag": 3}).json()["read_lag"] == 3
    assert client.admin("PUT", "switches", {"read_lag": "x"}).status_code == 400
    assert client.admin("PUT", "switches", [1]).status_code == 400
    assert len(client.admin("GET", "switches/described").json()) == len(DECLARED)


def test_every_switch_is_described_in_a_line_with_its_source() -> None:
    """`Switches.describe()` is the manual."""
    lines = Switches.describe().splitlines()
    assert len(lines) == len(DECLARED)
    assert all(
        line.endswith(")") and switch.text in line for line, switch in zip(lines, DECLARED.values(), strict=True)
    )


def test_a_claim_whose_provider_is_hidden_can_be_told_apart(start: Start) -> None:
    """KF 9 row 5: the other schemes keep their providers."""
    client = start(switches={"claim_provider_null": "entra"})
    first, second = client.role()["Claims"]
    assert first["Provider"]["AuthenticationScheme"] == "Active Directory"
    assert second["Provider"] is None
    assert claim_body(second)["ProviderAuthenticationScheme"] == "Entra"
