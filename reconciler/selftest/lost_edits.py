"""Which edits of other people a PUT of ours undid, and whether any client could have known of them."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.selftest.evidence_index import EvidenceIndex, simplify_state
from reconciler.selftest.history import ReadAnswered, StoreTouched, Violation, WriteSent


def find_lost_edits(case: EvidenceIndex) -> Iterator[tuple[Violation, bool]]:
    """Yield each edit of others that a PUT of ours undid, and whether it came in the window."""
    ledger, windows = case.evidence.ledger, _list_windows(case)
    for landing in case.landings:
        for index in range(landing.first, landing.last):
            entry, window = ledger[index], windows.get((landing.run, landing.call))
            # Of what is new nobody can have edited anything; a denial is judged by its acts.
            if entry.before is None or entry.acts or window is None:
                continue
            planned_on = _list_states(case, entry.subject, *case.spans.get(landing.run, (0, 0)))
            looked_at = _list_states(case, entry.subject, *window)
            if not any(state in planned_on for state in looked_at):
                detail = f"{entry.subject} had moved before it was sent: {entry.call}"
                yield Violation("lost", landing.run, detail), False
            for edit in range(window[1], index):
                if _is_undone(case, edit, index):
                    yield Violation("lost", landing.run, f"{entry.subject}, in the window"), True


def _list_windows(case: EvidenceIndex) -> dict[tuple[str, str], tuple[int, int]]:
    """Return, by run and call, how old and how new what it saw may be when it looked last before it sent."""
    looks: dict[str, list[int]] = {}
    windows: dict[tuple[str, str], tuple[int, int]] = {}
    for fact in case.evidence.facts:
        if isinstance(fact, ReadAnswered):
            looks.setdefault(fact.run, []).append(fact.ledger)
        elif isinstance(fact, StoreTouched):
            looks.pop(fact.run, None)
        elif isinstance(fact, WriteSent):
            indexes = looks.pop(fact.run, [fact.ledger])
            windows[fact.run, fact.call] = min(indexes), max(indexes)
    return windows


def _list_states(case: EvidenceIndex, subject: str, first: int, last: int) -> list[object]:
    """Return the states that an object was in between two points of the ledger."""
    entries = [(index, entry) for index, entry in enumerate(case.evidence.ledger) if entry.subject == subject]
    states: list[object] = []
    if entries and first <= entries[0][0]:
        states.append(simplify_state(entries[0][1].before))
    for channel, (index, entry) in enumerate(entries):
        until = entries[channel + 1][0] if channel + 1 < len(entries) else len(case.evidence.ledger)
        # The state after entry `index` is seen by whoever looks when the ledger has index + 1 entries or more.
        if index + 1 <= last and until >= first:
            states.append(simplify_state(entry.after))
    return states


def _is_undone(case: EvidenceIndex, edit: int, put: int) -> bool:
    """Say whether a member that somebody's edit changed is another one after our PUT."""
    theirs, ours = case.evidence.ledger[edit], case.evidence.ledger[put]
    if theirs.is_ours or theirs.subject != ours.subject or not (theirs.after and ours.after):
        return False
    before = theirs.before or {}
    changed = [name for name, value in theirs.after.items() if before.get(name) != value]
    return any(ours.after.get(name) != theirs.after[name] for name in changed)
