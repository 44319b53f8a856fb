"""Parts of a fleet killed in the middle of an apply: three trials of the campaign (`make fleet-kills`)."""

from __future__ import annotations

import pytest

from tests.kills.fleet_trial import Victim, run_fleet_trial

# What it goes through is counted by other tests, and counting takes half as long again.
pytestmark = pytest.mark.no_cover


@pytest.mark.parametrize(("victim", "seed"), [("worker", 2), ("process", 1), ("patience", 2)])
def test_what_is_reported_is_what_was_done_and_nothing_is_done_twice(victim: Victim, seed: int) -> None:
    trial = run_fleet_trial(victim, seed, projects=3)
    assert not trial.faults, trial
