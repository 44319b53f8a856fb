"""Laws that hold for every kind, over real HTTP, whatever the server does where its documents are silent.

The manifests are the demo's: all five kinds, a role that is created, one that is changed, owners that need the created
one, a batch of denials, an event.
"""

from __future__ import annotations

import copy
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli import main
from reconciler.errors import Exit
from reconciler.kinds.registry import KINDS
from reconciler.simulator import Simulator
from reconciler.simulator.world.switches import DECLARED, TRAIL_SWITCHES
from tests.support.concurrency import order_owner_writes

MANIFESTS = Path(__file__).parent.parent / "reconciler" / "demo" / "manifests"

CHOSEN: dict[str, tuple[str | int, ...]] = {
    "product_version": ("", "24.4.0.0"),
    "return_limit_max": (1, 3),
    "query_string_max": (2048,),
    "read_lag": (1, 3),
    "token_lifetime": (1, 61),
    "permission_added": ("/certificates/archive/",),
    "permission_removed": ("/ssh/user/",),
    "role_extra_member": ("Notes",),
    "claim_description_lag": (1, 4),
    "claim_provider_null": ("Entra", "Active Directory"),
    "claim_scheme_returned": ("Entra=entra", "Entra=unknown", "Entra=EntraID"),
    "deny_refused_ids": ("25",),
    "csms_extra_event_type": ("SECRET_VERSION_NEAR_EXPIRY",),
    "csms_quota": (3,),
    "csms_limit_max": (1, 2),
    "csms_token_lifetime": (60,),
}
"""What is tried of the switches that take any text or number; a new one of these has to be added here."""

REFUSES: dict[tuple[str, str | int], Exit] = {
    ("v2_reply_shape", "v1"): Exit.INCOMPLETE,
    ("claim_provider_null", "Entra"): Exit.UNKNOWN,
    ("claim_provider_null", "Active Directory"): Exit.PARTIAL,
    ("text_stored", "upper"): Exit.UNKNOWN,
    ("text_stored", "truncated"): Exit.UNKNOWN,
    ("deny_refused_ids", "25"): Exit.PARTIAL,
    ("claim_creation", "400"): Exit.PARTIAL,
    ("claim_scheme_returned", "Entra=unknown"): Exit.PARTIAL,
    ("claim_scheme_returned", "Entra=EntraID"): Exit.PARTIAL,
    ("owner_permission_rule", "12.3"): Exit.PARTIAL,
}
"""Settings with which the server can't be brought to what is declared: the tool says so, with this outcome."""


def settings_of(name: str) -> tuple[str | int, ...]:
    allowed = DECLARED[name].allowed
    return allowed if isinstance(allowed, tuple) else CHOSEN[name]


PLANNED = [name for name in DECLARED if name not in TRAIL_SWITCHES]
"""Those of the audit trails reach no plan and no apply: `tests/engine/test_attribution.py` holds that."""
CASES = [(name, setting) for name in PLANNED for setting in settings_of(name)]


@pytest.fixture
def anything() -> Iterator[Simulator]:
    with Simulator(certificates=12) as simulator:
        yield simulator


def run(simulator: Simulator, command: str, *more: str) -> tuple[Exit, dict[str, Any]]:
    """Run a command on the demo's manifests and return its outcome and its report."""
    stdout, stderr = io.StringIO(), io.StringIO()
    config = str(simulator.credentials["settings"])
    argv = [command, str(MANIFESTS), "--config", config, "--format", "json", *more]
    code = main(argv, {}, stdout, stderr, io.StringIO())
    return Exit(code), json.loads(stdout.getvalue())


def sent(calls: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Return requests in a form in which equal ones are equal."""
    shown = [(call["method"], call["path"], json.dumps(call["body"], sort_keys=True)) for call in calls]
    return order_owner_writes(shown)


@pytest.mark.no_cover
@pytest.mark.parametrize(("name", "setting"), CASES, ids=str)
def test_the_tool_passes_with_every_setting(name: str, setting: str | int) -> None:
    """Applying leaves nothing to plan, and the report equals the server's ledger; or the tool says why not."""
    with Simulator(certificates=12, switches={name: setting}) as simulator:
        code, report = run(simulator, "apply", "--yes")
        settled = [step for step in report["steps"] if step.get("verdict") == "applied"]
        open_ = [step for step in report["steps"] if step.get("verdict") == "unknown"]

        assert code is REFUSES.get((name, setting), Exit.OK), report["problems"] or report["steps"]
        ledger = sent(simulator.ledger)
        claimed = sent([step["call"] for step in settled])
        allowed = sent([step["call"] for step in (*settled, *open_)])
        assert [call for call in claimed if call not in ledger] == [], "reported as applied, and never performed"
        if (name, setting) not in REFUSES:
            assert ledger == allowed
            code, report = run(simulator, "apply", "--yes")
            assert (code, report["steps"]) == (Exit.OK, []), "nothing is left to plan"
            assert sent(simulator.ledger) == ledger, "a second apply sends nothing"


def test_every_switch_is_tried() -> None:
    """A switch that takes any value names here which values are tried."""
    assert {name for name in PLANNED if not isinstance(DECLARED[name].allowed, tuple)} == set(CHOSEN)


def test_the_demo_is_about_every_kind(anything: Simulator) -> None:
    """The laws below would say nothing of a kind that no manifest declares."""
    _, report = run(anything, "plan")

    assert {step["address"]["kind"] for step in report["steps"]} == set(KINDS)


def test_every_field_the_manifests_do_not_mention_is_the_same_afterwards(anything: Simulator) -> None:
    """The whole world but for the declared fields, compared store by store."""
    world = anything.world
    with anything.lock:
        before: dict[str, Any] = copy.deepcopy(
            {"roles": world.roles, "handlers": world.handlers, "events": world.events, "requests": world.requests}
        )
        claims = copy.deepcopy(world.claims)
        owners = {number: row.owner for number, row in world.certificates.items()}

    assert run(anything, "apply", "--yes")[0] is Exit.OK

    with anything.lock:
        assert _changed(before["roles"], world.roles) == {2: {"Description", "Permissions", "Claims"}, 9: {"*"}}
        assert {"*"} == set().union(*_changed(claims, world.claims).values()), "new claims, and none described anew"
        assert set(before["roles"][2]["Claims"]) < set(world.roles[2]["Claims"])
        assert _changed(before["handlers"], world.handlers) == {1: {"Enabled"}}
        changed = _changed(before["events"], world.events)
        assert changed == {"expiry-prod": {"state", "event_types", "update_time"}}
        assert _changed(before["requests"], world.requests) == {n: {"State", "DenialComment"} for n in (24, 25, 26)}
        moved = {number for number, row in world.certificates.items() if row.owner != owners[number]}
        assert {str(world.certificates[number].cn).split(".", 1)[1] for number in moved} <= {
            "pay.example.com",
            "shop.example.com",
        }


OWN = {"Extra", "_written"}
"""Members that the simulator keeps for itself."""


def _changed(before: dict[Any, Any], after: dict[Any, Any]) -> dict[Any, set[str]]:
    """Return the members that differ, by object; "*" for one that is new."""
    found: dict[Any, set[str]] = {}
    for key, value in after.items():
        if key not in before:
            found[key] = {"*"}
        elif names := {name for name in value if name not in OWN and value[name] != before[key].get(name)}:
            found[key] = names
    return found


def test_planning_and_drift_send_nothing_but_gets(anything: Simulator) -> None:
    """Read-only means that no other method leaves, the token's POST aside."""
    for command in ("plan", "drift"):
        run(anything, command)

    methods = {entry["method"] for entry in anything.requests if not str(entry["path"]).endswith("/oauth/token")}
    assert methods == {"GET"}
    assert anything.ledger == []


def test_equal_input_gives_byte_equal_plans(anything: Simulator, tmp_path: Path) -> None:
    """The order of files, documents, members and set members is not part of the input.

    What is approved and its digest are equal; only the stamp, by which each file is applied once, is another.
    """
    stdout = []
    texts = {path.name: path.read_text("utf-8") for path in sorted(MANIFESTS.glob("*.yaml"))}
    for number, order in enumerate((list(texts), list(reversed(texts)))):
        folder = tmp_path / "manifests"
        folder.mkdir(exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
        for name in order:
            (folder / name).write_text(texts[name])
        out = io.StringIO()
        file = tmp_path / f"{number}.json"
        config = str(anything.credentials["settings"])
        argv = ["plan", str(folder), "--config", config, "--format", "json", "--out", str(file)]
        assert main(argv, {}, out, io.StringIO(), io.StringIO()) == 0
        stamp = r'(?m)^  "(nonce|created|expires|seal)": .*\n'
        stdout.append((out.getvalue(), re.sub(stamp, "", file.read_text("utf-8"))))

    assert stdout[0] == stdout[1]
