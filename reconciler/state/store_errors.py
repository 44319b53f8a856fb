"""Why the store did not do what it was asked.

    StoreError                    nothing was sent because of it, and nothing may be; `exit` is its exit code
    ├── StoreUnreachable       12 no answer, or none in time; what was asked may have been done all the same
    ├── StoreFull              10 no room
    ├── StoreReadOnly          10 it takes no writes, from us or from anybody
    ├── StoreDamaged           10 it is not what a store is
    ├── StoreTooNew             3 a newer version of the tool wrote it
    ├── StoreForeign            6 it is another store than the settings pin
    ├── StoreVanished           6 the settings pin a store, or one was here, and it is gone
    ├── StoreUnsafe             6 its place can't keep it whole or private
    ├── ExportDamaged           7 a file that is to be imported is no whole export
    ├── StoreOccupied           6 there are records where an export is to be imported
    ├── ImportUnfinished       10 an import was broken off, and part of the records is wanting
    ├── KeyUnfit                3 the settings' key can't be used
    ├── RemoteUnknown           3 the settings name a remote that the checkout doesn't have, or git is not there
    ├── StoreLocked             8 another run holds the target; `lease` says who
    ├── Overtaken               8 this run held the target, and another one does now: nothing more may be sent
    ├── NonceUsed               7 the saved plan was used before; `run` says by which run
    └── ActsClaimed             7 irreversible acts that were done, or may have been; `acts` says which

After any of them the whole operation was not done, except where the class says otherwise. Each is an explanation that
whoever asked puts in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from reconciler.diagnostics import Explanation
from reconciler.errors import Exit
from reconciler.sanitize import escape_and_shorten
from reconciler.state.records import ActRecord, Lease

_NOTHING_SENT = "nothing is sent that can't be remembered"


class StoreError(Exception):
    """Why an operation was not done, as words for a person, and the exit code of a run that ends by it."""

    exit: ClassVar[Exit] = Exit.INCOMPLETE

    def __init__(self, explanation: Explanation) -> None:
        super().__init__(explanation.message)
        self.explanation = explanation


class StoreUnreachable(StoreError):
    """No answer. The operation may have been done: asking for it again, as it was, is safe."""

    exit = Exit.UNREACHABLE

    def __init__(self, store: str, reason: str) -> None:
        remedy = "try again; what was asked for is safe to ask again"
        super().__init__(Explanation("state.unreachable", f"{store} gives no answer: {reason}", _NOTHING_SENT, remedy))


class StoreFull(StoreError):
    """There is no room; nothing of the operation is there."""

    def __init__(self, store: str) -> None:
        super().__init__(Explanation("state.full", f"{store} has no room left", _NOTHING_SENT, "make room"))


class StoreReadOnly(StoreError):
    """It can't be written to."""

    def __init__(self, store: str, reason: str, remedy: str = "give this account the right to write there") -> None:
        super().__init__(Explanation("state.read-only", f"{store} takes no writes: {reason}", _NOTHING_SENT, remedy))


class StoreDamaged(StoreError):
    """What is there is no store, or not a whole one."""

    def __init__(self, store: str, reason: str) -> None:
        remedy = "put a backup in its place, or move it away, look at what is open, and say `reconciler state init`"
        super().__init__(Explanation("state.damaged", f"{store} is damaged: {reason}", _NOTHING_SENT, remedy))


class StoreTooNew(StoreError):
    """Its format is newer than what this version knows."""

    exit = Exit.USAGE

    def __init__(self, store: str, version: int) -> None:
        summary = f"{store} has the format {version}, which this version does not know"
        super().__init__(Explanation("state.newer-format", summary, _NOTHING_SENT, "use a newer version of the tool"))


class StoreForeign(StoreError):
    """It is not the store that `state.id` names."""

    exit = Exit.REFUSED

    def __init__(self, store: str, identity: str, pinned: str) -> None:
        summary = f"{store} is {_show(identity)}, and the settings pin {pinned}"
        reason = "what another store remembers says nothing of what was done here"
        remedy = "point `state` at the right one; if it is gone, say `reconciler state init` and pin the new id"
        super().__init__(Explanation("state.other-identity", summary, reason, remedy))


class StoreVanished(StoreError):
    """There was a store, and now there is none."""

    exit = Exit.REFUSED

    def __init__(self, store: str, missing: str) -> None:
        summary = f"{store} is gone: {missing} is not there"
        reason = "an empty memory looks like a fresh start, and acts that were done would be done again"
        remedy = "bring it back, or say `reconciler state init` if it is gone for good, and pin the new id"
        super().__init__(Explanation("state.vanished", summary, reason, remedy))


class StoreUnsafe(StoreError):
    """The place of the store can't keep it whole, or keeps it open to others."""

    exit = Exit.REFUSED


class ExportDamaged(StoreError):
    """A file that is to be imported is no export, or not a whole one."""

    exit = Exit.STALE

    def __init__(self, reason: str) -> None:
        summary = f"no whole export of the state: {reason}"
        remedy = "export again with: reconciler state export --out FILE"
        super().__init__(Explanation("state.export-damaged", summary, "nothing was imported", remedy))


class StoreOccupied(StoreError):
    """A store that something is to be imported into has records of its own."""

    exit = Exit.REFUSED

    def __init__(self, store: str, why: str) -> None:
        reason = "two memories can't be made one: what either of them says of an act or a lease may be wrong then"
        remedy = "import into a store that is empty"
        super().__init__(Explanation("state.occupied", f"{store} {why}", reason, remedy))


class ImportUnfinished(StoreError):
    """A store that holds part of an export alone."""

    def __init__(self, store: str, identity: str) -> None:
        summary = f"{store} is not whole: the import of store {_show(identity)} into it was broken off"
        remedy = "import the same file again with: reconciler state import FILE"
        super().__init__(Explanation("state.import-unfinished", summary, _NOTHING_SENT, remedy))


class KeyUnfit(StoreError):
    """The key that bodies are to be encrypted with can't be used."""

    exit = Exit.USAGE

    def __init__(self, summary: str, remedy: str) -> None:
        reason = "what is pushed can't be taken back, so nothing is pushed that others could read"
        super().__init__(Explanation("state.unfit-key", summary, reason, remedy))


class RemoteUnknown(StoreError):
    """There is no such remote, or no program to reach it with."""

    exit = Exit.USAGE

    def __init__(self, summary: str, remedy: str) -> None:
        super().__init__(Explanation("state.no-remote", summary, _NOTHING_SENT, remedy))


class StoreLocked(StoreError):
    """Another run holds the target."""

    exit = Exit.LOCKED

    def __init__(self, lease: Lease) -> None:
        summary = describe_holding(lease)
        reason = "two runs that write at once would mix what they decided"
        remedy = f"wait for it with --lock-timeout, or, if it is dead, `reconciler unlock {_show(lease.run)}`"
        super().__init__(Explanation("state.locked", summary, reason, remedy))
        self.lease = lease


class Overtaken(StoreError):
    """The lease of this run is another's, or was taken away; `by` is the lease that there is now, if any."""

    exit = Exit.LOCKED

    def __init__(self, lease: Lease, by: Lease | None) -> None:
        now = f"run {_show(by.run)} on {_show(by.holder.host)} holds it" if by else "nobody holds it"
        summary = f"run {lease.run} no longer holds the target: {now}"
        reason = "this run was silent for too long, or somebody unlocked it"
        super().__init__(Explanation("state.overtaken", summary, reason, "plan again"))
        self.lease, self.by = lease, by


class NonceUsed(StoreError):
    """A saved plan is used once."""

    exit = Exit.STALE

    def __init__(self, run: str) -> None:
        summary = f"this plan was applied before, by run {_show(run)}"
        super().__init__(Explanation("state.plan-used", summary, "a plan is good for one run", "plan again"))
        self.run = run


class ActsClaimed(StoreError):
    """Some of the acts were done, or may have been; none of the others was claimed."""

    exit = Exit.STALE

    def __init__(self, acts: Sequence[ActRecord]) -> None:
        names = ", ".join(f"{_show(act.key)} (run {_show(act.run)}, {act.outcome or 'no result'})" for act in acts)
        reason = "what can't be undone is done at most once"
        remedy = "plan again; what has no result is settled by `reconciler recover`"
        super().__init__(Explanation("state.act-claimed", f"done before: {names}", reason, remedy))
        self.acts = tuple(acts)


def describe_holding(lease: Lease) -> str:
    """Return who holds a target, where they run and since when."""
    holder = lease.holder
    # Whoever can write to the store chose these texts.
    parts = (holder.actor, f"on {holder.host}", holder.job)
    who = ", ".join(escape_and_shorten(part, 200) for part in parts if part)
    return f"run {_show(lease.run)} ({who}) holds the target since {_show(lease.since)}"


def _show(text: str) -> str:
    return escape_and_shorten(text)
