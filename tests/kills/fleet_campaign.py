"""Kills in the middle of an apply over a fleet: a worker, the scheduler, the client, a target's process.

`python -m tests.kills.fleet_campaign --seeds 20 --projects 60` is 300 writes a trial, 80 trials.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from typing import get_args

from tests.kills.fleet_trial import Victim, run_fleet_trial
from tests.support.trust_document import tell


def run_campaign() -> int:
    """Run the trials that were asked for, say what each came to, and return 1 if any showed a violation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--projects", type=int, default=60)
    parser.add_argument("--victim", choices=get_args(Victim), action="append")
    asked = parser.parse_args()
    faulty = 0
    for victim in asked.victim or get_args(Victim):
        unknown: Counter[bool] = Counter()
        for seed in range(asked.first, asked.first + asked.seeds):
            trial = run_fleet_trial(victim, seed, asked.projects)
            faulty += bool(trial.faults)
            unknown[bool(trial.unknown)] += 1
            tell(str(trial))
        tell(f"{victim}: {asked.seeds} trials, {unknown[True]} with something unknown\n")
    tell(f"{faulty} trials with a violation")
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(run_campaign())
