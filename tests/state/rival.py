"""One of several processes that write to one store: what it won is printed, one JSON line a round.

`python -m tests.state.rival LOCATION NAME ROUNDS JOB`; the location is a pickle in hex.
"""

from __future__ import annotations

import pickle
import sys
import threading

from reconciler.state.locations import StateLocation
from reconciler.state.open_store import open_store
from reconciler.state.records import DriftItem, PlanNonce
from reconciler.state.store import RunEnding, Store
from reconciler.state.store_errors import ActsClaimed, NonceUsed, StoreLocked
from tests.support.store_places import ENV, TARGET, make_intent, make_result, make_run

PAUSE = threading.Event()
"""Never set."""


def tell(*words: object) -> None:
    """Write one line."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def race_for_leases(store: Store, name: str, rounds: int) -> None:
    """Claim one target a round; whoever has it keeps it."""
    for number in range(rounds):
        target = f"{number:016x}"
        try:
            lease = store.claim(make_run(f"{name}-{number}", target))
        except StoreLocked as error:
            tell(number, "lost", error.lease.run)
        else:
            tell(number, "won", lease.run)


def race_for_nonces(store: Store, name: str, rounds: int) -> None:
    """Claim one target again and again, each time with the next plan that is not used yet."""
    number = attempts = 0
    while number < rounds:
        attempts += 1
        try:
            lease = store.claim(make_run(f"{name}-{attempts}"), nonce=PlanNonce(f"plan-{number}", "2999"))
        except StoreLocked:
            # Whoever asks without a pause keeps a SQLite file locked: its holder would hardly get to write.
            PAUSE.wait(0.002)
            continue
        except NonceUsed:
            number += 1
            continue
        store.release(lease, RunEnding(0))
        tell(number, "won", f"{name}-{attempts}")


def race_for_acts(store: Store, name: str, rounds: int) -> None:
    """Do acts that overlap with those of others, whenever the lease can be had."""
    number = attempts = 0
    while number < rounds:
        attempts += 1
        run = f"{name}-{attempts}"
        try:
            lease = store.claim(make_run(run))
        except StoreLocked:
            # Whoever asks without a pause keeps a SQLite file locked: its holder would hardly get to write.
            PAUSE.wait(0.002)
            continue
        try:
            store.intend(lease, [make_intent(run, 1, f"deny/{number}", f"deny/{number + 1}")])
        except ActsClaimed:
            store.release(lease, RunEnding(7))
        else:
            tell(number, "won", run)
            store.release(lease, RunEnding(0), [make_result(run, 1)])
        number += 1


def remember_all(store: Store, name: str, rounds: int) -> None:
    """See one difference a round, each at an address of its own."""
    for number in range(rounds):
        address = f"Kind/{name}-{number}"
        store.remember_drift(TARGET, f"{name}-{number}", [DriftItem(address, "x", "1")], [address])


def act_alone(store: Store, name: str, rounds: int) -> None:
    """Do two acts a run that nobody else does, and say so once they are claimed and once they are settled."""
    for number in range(rounds):
        run = f"{name}-{number}"
        lease = store.claim(make_run(run))
        store.intend(lease, [make_intent(run, 1, f"{run}/x", f"{run}/y")])
        tell("claimed", run)
        store.settle(lease, [make_result(run, 1)])
        tell("settled", run)
        store.release(lease, RunEnding(0))


JOBS = {
    "leases": race_for_leases,
    "nonces": race_for_nonces,
    "acts": race_for_acts,
    "alone": act_alone,
    "drift": remember_all,
}


def main() -> None:
    """Open the store, and do the job."""
    location, name, rounds, job = sys.argv[1:]
    place: StateLocation = pickle.loads(bytes.fromhex(location))
    JOBS[job](open_store(place, env=ENV), name, int(rounds))


if __name__ == "__main__":
    main()
