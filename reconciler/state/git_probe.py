"""Whether a remote can keep the state: tried out on one ref of its own, since no table of hosts is right for long."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import NamedTuple

from reconciler.state.git_process import GitProgram
from reconciler.state.git_remote import GitRefs, PushAnswer, PushVerdict, Snapshot
from reconciler.state.store_errors import StoreError

PROBE_SECONDS = 60.0
ANSWERS = "the remote answers"
"""The name of the step that fails where nothing could be tried out."""
FALLBACK_REF = "refs/heads/reconciler-state"
"""What every host takes: a branch. Jobs that start on every branch have to leave it out."""


class ProbeStep(NamedTuple):
    """One thing that the state needs of a remote, whether it was so, and what the remote said."""

    name: str
    is_good: bool
    reason: str = ""


def probe_remote(git: GitProgram, ref: str) -> tuple[ProbeStep, ...]:
    """Create a ref, be refused a second time, move it, be refused upon an old tip, and delete it.

    Stops at the first thing that is not so. The ref is deleted in any case, if that can be done.
    """
    refs, until = GitRefs(git), time.monotonic() + PROBE_SECONDS
    probe = f"{ref.rstrip('/')}/v1/probe-{secrets.token_hex(8)}"
    steps: list[ProbeStep] = []
    try:
        first = refs.write_commit(None, {"probe": b"1"}, "probe", until)
        # As the store does it, always upon what is there: some hosts take nothing else.
        base = Snapshot(first, {"probe": b"1"}, whole=True)
        second, third = (refs.write_commit(base, {"probe": data}, "probe", until) for data in (b"2", b"3"))
        trials: list[tuple[str, Callable[[], PushAnswer], bool]] = [
            ("a ref can be created", lambda: refs.push_commit(probe, "", first, until), True),
            ("a second creation is refused", lambda: refs.push_commit(probe, "", third, until), False),
            ("the ref can be moved", lambda: refs.push_commit(probe, first, second, until), True),
            ("who builds on an old tip is refused", lambda: refs.push_commit(probe, first, third, until), False),
            ("the ref can be deleted", lambda: refs.push_commit(probe, second, "", until), True),
        ]
        for title, push, wins in trials:
            answer = push()
            is_good = answer.verdict is (PushVerdict.WON if wins else PushVerdict.DECLINED)
            name = ANSWERS if answer.verdict is PushVerdict.NO_ANSWER else title
            steps.append(ProbeStep(name, is_good, answer.reason))
            if not is_good:
                break
    except StoreError as error:
        steps.append(ProbeStep(ANSWERS, is_good=False, reason=error.explanation.summary))
    _clean_up(refs, probe, until)
    return tuple(steps)


def _clean_up(refs: GitRefs, name: str, until: float) -> None:
    """Delete the ref if a failed trial left it behind; one that can't be deleted is harmless."""
    try:
        tip = refs.list_tips([name], until).get(name)
    except StoreError:
        return
    if tip:
        refs.push_commit(name, tip, "", until)
