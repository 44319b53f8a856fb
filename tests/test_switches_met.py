"""Both settings of every undocumented switch reach the tool itself, not only a raw client; or it is said why not."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from reconciler.cli import main
from reconciler.simulator import Simulator
from reconciler.simulator.deliveries import Delivery
from reconciler.simulator.http.messages import HttpRequest
from reconciler.simulator.settings_file import write_private_file
from reconciler.simulator.world.switches import DECLARED
from tests.support.scenarios import SCENARIOS, UNMET, UNMET_SETTINGS, Scenario, Setting
from tests.test_laws import CHOSEN, MANIFESTS, PLANNED

DEMO = Scenario("".join(path.read_text("utf-8") + "\n---\n" for path in sorted(MANIFESTS.glob("*.yaml"))))
OTHERS = {"query_string_max": (512,), "csms_token_lifetime": (0,)}
"""Settings beside those that the laws try, where these would not show."""
_VOLATILE = re.compile(
    rb'"(?:access_token|event_id)":"[^"]*"|"(?:create_time|update_time)":|20\d\d-\d\d-\d\dT[\d:.]+|\d{3}(?=\d{7})'
)
_UNTOLD = ("X-Request-Id", "X-Subject-Token")

Answers = Counter[tuple[Any, ...]]


class Listening(Simulator):
    """A simulator that keeps what it answered."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(certificates=12, **settings)
        self.answers: Answers = Counter()

    def _answer(self, request: HttpRequest) -> Delivery:
        delivery = super()._answer(request)
        if delivery.reply is not None:
            reply = delivery.reply
            told = tuple(sorted((name, value) for name, value in reply.headers if name not in _UNTOLD))
            body = _VOLATILE.sub(b"", re.sub(rb"\d{10,}", lambda digits: b"#" * len(digits[0]), reply.body))
            with self.lock:
                self.answers[request.method, request.path, request.query, reply.status, told, body] += 1
        return delivery


def answers(scenario: Scenario, **switches: Setting) -> Answers:
    """Return everything that apply and then plan were answered."""
    with Listening(switches={**scenario.beside, **switches}) as simulator, TemporaryDirectory() as folder:
        scenario.prepare(simulator)
        config = simulator.settings
        write_private_file(config.parent / "iam_password", simulator.credentials["csms"]["password"])
        text = config.read_text("utf-8")
        for old, new in scenario.settings:
            text = text.replace(old, new)
        # One by one: which looks several steps share in a list is never twice the same.
        text = text.replace("    api: keyfactor\n", "    api: keyfactor\n    parallelism: {writes: 1}\n")
        write_private_file(config, text)
        (Path(folder) / "all.yaml").write_text(scenario.manifests, "utf-8")
        for command in (["apply", "--yes"], ["plan"]):
            argv = [*command, folder, "--config", str(config), "--format", "json"]
            main(argv, {}, stdout := io.StringIO(), io.StringIO(), io.StringIO())
            assert json.loads(stdout.getvalue())
        return simulator.answers


@cache
def by_default(switch: str) -> Answers:
    """Return the answers of a switch's scenario with its default."""
    return answers(SCENARIOS.get(switch, DEMO))


def others(switch: str) -> tuple[Setting, ...]:
    allowed = DECLARED[switch].allowed
    tried = OTHERS.get(switch) or (allowed if isinstance(allowed, tuple) else CHOSEN[switch])
    return tuple(setting for setting in tried if setting != DECLARED[switch].default)


CASES = [(switch, setting) for switch in PLANNED for setting in others(switch)]


@pytest.mark.no_cover
@pytest.mark.parametrize(("switch", "setting"), CASES, ids=str)
def test_a_setting_changes_what_the_tool_is_answered(switch: str, setting: Setting) -> None:
    """By the switch's scenario, else by the demo; where it can't be, the list of the unmet says why."""
    unmet = UNMET.get(switch) or UNMET_SETTINGS.get((switch, setting))
    scenario = SCENARIOS.get(switch, DEMO)

    assert (answers(scenario, **{switch: setting}) == by_default(switch)) is (unmet is not None), unmet


@pytest.mark.no_cover
def test_answers_are_the_same_every_time() -> None:
    """Else the comparison above would show nothing."""
    assert {
        switch for switch in (*SCENARIOS, "demo") if answers(SCENARIOS.get(switch, DEMO)) != by_default(switch)
    } == set()


def test_the_lists_speak_of_switches_that_there_are() -> None:
    """And of none twice."""
    assert set(SCENARIOS) | set(UNMET) | {name for name, _ in UNMET_SETTINGS} <= set(DECLARED)
    assert set(SCENARIOS) & set(UNMET) == set()
