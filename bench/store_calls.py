"""What an apply of one change asks of a local store; with --imports-only nothing but the modules of a plan."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import reconciler.apis.connect
import reconciler.engine.pipeline  # noqa: F401 - what an apply has imported in any case


def main() -> None:
    """Claim the target, settle one intent, release; on a store that is there."""
    from reconciler.state.locations import LocalState
    from reconciler.state.open_store import open_store
    from reconciler.state.records import Intent, IntentResult, RunHolder, RunRecord, SettledAs, SettledBy
    from reconciler.state.store import RunEnding

    with tempfile.TemporaryDirectory() as folder:
        store = open_store(LocalState(Path(folder) / "state"), env={})
        store.read_lease("t"), store.list_open("t"), store.list_forbidden_acts("t")
        intent = Intent("run-1", 0, "K/n", "PUT", "/1", "r", "b")
        lease = store.claim(RunRecord("run-1", "t", "apply", "1", RunHolder("h")), intents=[intent])
        store.list_open("t")
        lease = store.renew(lease, [IntentResult("run-1", 0, SettledAs.APPLIED, SettledBy.ANSWER, "run-1")])
        store.release(lease, RunEnding(0))
        store.close()


if __name__ == "__main__":
    if "--imports-only" not in sys.argv:
        main()
