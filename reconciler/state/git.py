"""The store in refs of a git repository: what ephemeral CI runners share without any server of its own.

`<ref>/v1/store` holds the identity and which targets there are; `<ref>/v1/<target>` holds all records of one target. An
operation is run on the records of the tip, and what came of it is pushed upon that tip and no other. Whoever lost reads
the new tip and runs the operation again: there its own fence may be gone, and it raises Overtaken; or its own records
are there already, since the push that failed had landed, and nothing is left to do.

Everybody who can read the repository can read what is pushed, for ever: no body of an object is in it.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from typing import TypeVar

from reconciler.state.backend import Scope
from reconciler.state.git_process import GitProgram
from reconciler.state.git_remote import GitRefs, PushAnswer, PushVerdict, Snapshot
from reconciler.state.git_tree import run_on_files
from reconciler.state.schema import Transaction, insert_row
from reconciler.state.store_errors import StoreDamaged, StoreForeign, StoreReadOnly, StoreUnreachable, StoreVanished

T = TypeVar("T")
OPERATION_SECONDS = 60.0
"""How long one operation may take, with all its tries."""
CALL_SECONDS = 30.0
"""How long one call of git may take: after it the ref is read again, whatever became of the call."""
_TARGET = re.compile(r"[0-9a-f]{8,64}")
_STUBBORN = 4
"""How often a server declines on a ref that nobody moves until it is believed."""


class GitBackend:
    """Refs below `ref`, which is `refs/...` with at least one more part."""

    keeps_bodies = False
    is_remote = True

    def __init__(self, git: GitProgram, ref: str, *, seconds: float = OPERATION_SECONDS) -> None:
        self._git, self._refs, self._seconds = git, GitRefs(git), seconds
        self._root = f"{ref.rstrip('/')}/v1"
        self._known: dict[str, Snapshot] = {}

    @property
    def name(self) -> str:
        """As `Backend` has it."""
        return f"git {self._git.name} {self._root}"

    def find(self) -> bool:
        """As `Backend` has it."""
        self._refresh(Scope("find", writes=False), time.monotonic() + self._seconds)
        return self._find_ref("") in self._known

    def create(self) -> None:
        """As `Backend` has it: the first commit is that of the identity."""

    def list_targets(self) -> tuple[str, ...]:
        """As `Backend` has it."""
        # By the refs, since whoever was killed right after its first push has not noted its target yet.
        names = self._refs.list_below(self._root, time.monotonic() + self._seconds)
        targets = (name.removeprefix(f"{self._root}/") for name in names)
        return tuple(sorted(target for target in targets if _TARGET.fullmatch(target)))

    def transact(self, work: Callable[[Transaction], T], scope: Scope) -> T:
        """As `Backend` has it."""
        until = time.monotonic() + self._seconds
        if scope.label == "init":
            # What was here in this process no longer counts.
            self._known.clear()
        return self._write(work, scope, until) if scope.writes else self._read(work, scope, until)

    def close(self) -> None:
        """As `Backend` has it."""
        self._git.close()

    def _read(self, work: Callable[[Transaction], T], scope: Scope, until: float) -> T:
        # Right after `find` there is no need to look again; and an identity is for ever.
        known = self._known.get(self._find_ref("")) if scope.label == "open" else None
        base = known or self._refresh(scope, until)
        return run_on_files(self._get_files(scope.target, base), work, self.name)[0]

    def _write(self, work: Callable[[Transaction], T], scope: Scope, until: float) -> T:
        # Upon what we know, unread: who holds a lease is the one who moves the ref, and the push itself is the check.
        base = self._known.get(self._find_ref(scope.target))
        is_fresh = base is None or (scope.history and not base.whole)
        # Right after `find` said that there is none: whoever was faster is seen at the push.
        if is_fresh and scope.label != "create":
            base = self._refresh(scope, until)
        refusal, declined = PushAnswer(PushVerdict.WON), 0
        while True:
            old = self._get_files(scope.target, base)
            try:
                result, files = run_on_files(old, work, self.name)
            except Exception:
                if is_fresh:
                    raise
                # What was known may be old: another run's lease may be over by now.
            else:
                has_news = base is None or files != old
                if has_news:
                    refusal = self._push(scope, base, files, until)
                if refusal.verdict is PushVerdict.WON and (has_news or is_fresh):
                    self._register(scope.target, until)
                    return result
            last, base, is_fresh = base, self._refresh(scope, until), True
            if refusal.verdict is not PushVerdict.WON:
                declined = declined + 1 if base == last else 0
                self._give_up(refusal, declined, until)
                refusal = PushAnswer(PushVerdict.WON)

    def _push(self, scope: Scope, base: Snapshot | None, files: dict[str, bytes], until: float) -> PushAnswer:
        """Return whether the files are the tip now, and if that is not known, why."""
        ref = self._find_ref(scope.target)
        commit = self._refs.write_commit(base, files, f"{scope.label} {scope.target}".strip(), until)
        call_until = min(until, time.monotonic() + CALL_SECONDS)
        answer = self._refs.push_commit(ref, base.commit if base else "", commit, call_until)
        if answer.verdict is not PushVerdict.WON:
            # A push that failed may have landed. This look has time of its own, so that it happens at all.
            tips = self._refs.list_tips([ref], max(until, time.monotonic() + CALL_SECONDS))
            if tips.get(ref) != commit:
                return answer
        self._known[ref] = Snapshot(commit, files, base.whole if base else True)
        return PushAnswer(PushVerdict.WON)

    def _give_up(self, answer: PushAnswer, declined: int, until: float) -> None:
        """Wait a moment before the next try, or say why there is none."""
        if declined >= _STUBBORN and answer.verdict is PushVerdict.DECLINED:
            remedy = "allow pushes to these refs, or choose refs/heads/reconciler-state as `ref`"
            if ".lock" in answer.reason or "lock ref" in answer.reason:
                remedy += "; a lock that a killed server left behind only its administrator can remove"
            raise StoreReadOnly(self.name, answer.reason, remedy)
        if time.monotonic() >= until or declined >= _STUBBORN:
            raise StoreUnreachable(self.name, answer.reason)
        # Apart from each other: two that lost together would meet again.
        time.sleep(random.uniform(0.02, 0.05) * (1 + declined))  # noqa: S311 - no secret

    def _refresh(self, scope: Scope, until: float) -> Snapshot | None:
        """Return the newest snapshot of a target, or of the store itself for ""; None where there is none yet."""
        target, store_ref, ref = scope.target, self._find_ref(""), self._find_ref(scope.target)
        tips = self._refs.list_tips(sorted({store_ref, ref}), until)
        for name in {store_ref, ref}:
            self._load_tip(name, tips.get(name, ""), until, whole=scope.history and name == ref)
        snapshot = self._known.get(ref)
        if target and store_ref not in self._known:
            raise StoreVanished(self.name, store_ref)
        # An import notes first which targets are to come.
        if target and snapshot is None and self._is_registered(target) and scope.label != "import":
            raise StoreVanished(self.name, ref)
        if snapshot and target:
            self._check_identity(snapshot)
        return snapshot

    def _load_tip(self, ref: str, tip: str, until: float, *, whole: bool) -> None:
        """Bring what is known of a ref to its tip, "" if it has none; raises StoreVanished where there was one."""
        base = self._known.get(ref)
        if base and base.commit == tip and (base.whole or not whole):
            return
        if base and base.commit == tip:
            self._known[ref] = self._refs.read_snapshot(tip, until, whole=True)
            return
        snapshot = self._refs.fetch_files(ref, until, whole=whole) if tip else None
        if snapshot:
            self._known[ref] = snapshot
        elif base:
            raise StoreVanished(self.name, ref)

    def _register(self, target: str, until: float) -> None:
        """Note in the store's own ref that a target has one, so that its absence is known to be a loss."""
        if not target or self._is_registered(target):
            return
        self._write(lambda tx: insert_row(tx, "known_target", target=target, since=""), Scope("register", ""), until)

    def _is_registered(self, target: str) -> bool:
        store = self._known.get(self._find_ref(""))
        return store is not None and f"targets/{target}.json" in store.files

    def _get_files(self, target: str, base: Snapshot | None) -> dict[str, bytes]:
        """Return the files of a snapshot; a target that has none begins with the store's identity."""
        if base:
            return dict(base.files)
        store = self._known.get(self._find_ref(""))
        return {"store.json": store.files["store.json"]} if target and store else {}

    def _check_identity(self, snapshot: Snapshot) -> None:
        """Raise StoreForeign if a target's ref is of another store than the store's own ref."""
        own, other = self._known[self._find_ref("")].files.get("store.json"), snapshot.files.get("store.json")
        if own is None or other is None:
            raise StoreDamaged(self.name, "its file store.json is not there")
        # `declared` is only ever changed in the store's own ref.
        identities = [run_on_files({"store.json": data}, _read_id, self.name)[0] for data in (other, own)]
        if identities[0] != identities[1]:
            raise StoreForeign(self.name, *identities)

    def _find_ref(self, target: str) -> str:
        # No slash, since a ref `a/b` blocks one that is called `a`; and no name that is another ref's.
        if target and not _TARGET.fullmatch(target):
            raise ValueError(f"{target} is no id of a target")
        return f"{self._root}/{target or 'store'}"


def _read_id(transaction: Transaction) -> str:
    return str(transaction.run("select id from store")[0][0])
