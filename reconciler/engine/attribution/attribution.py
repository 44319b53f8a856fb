"""Who changed what differs: each trail is asked once a run, and what can't be read is told as a note.

A hint, which changes neither the plan nor the exit code: nothing is raised here but what a bug is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from reconciler.diagnostics import Diagnostic, Severity, Source
from reconciler.engine.attribution.trail_reading import (
    PERMISSIONS,
    read_audit_log,
    read_owner_history,
    read_traces,
)
from reconciler.errors import AuthError, ReconcilerError
from reconciler.kinds.registry import Registry
from reconciler.kinds.trail_names import Trail, TrailNames
from reconciler.model import Change, Plan, Step
from reconciler.payloads.audit_xml import is_xml_reader_installed
from reconciler.payloads.trail_entries import TrailEntry
from reconciler.plans.attribution import (
    Grade,
    TrailEvidence,
    TrailWindow,
    attribute_change,
    attribute_request,
    name_trail_subject,
)
from reconciler.plans.masking import SecretMasker

if TYPE_CHECKING:
    from reconciler.apis.connect import Api
    from reconciler.transport.exchanges import TrafficWatch

MOST_HISTORIES = 50
"""Certificates whose history is read in a run."""
_UNRECORDED = "nobody writes down changes of this kind"

StepEvidence: TypeAlias = tuple[TrailEvidence | None, ...]
"""The evidence for each change of a step; None for one that is no difference by itself, such as a denial's comment."""


class Attribution(NamedTuple):
    """Who changed what, for each step of a plan, and why some of it can't be told."""

    steps: tuple[StepEvidence, ...]
    notes: tuple[Diagnostic, ...] = ()


class _Unread(NamedTuple):
    reason: str


class TrailAccess(NamedTuple):
    """What trails are read through: the connected targets by name, the kinds, and what another host takes."""

    apis: Mapping[str, Api]
    kinds: Registry
    env: Mapping[str, str]
    traffic: TrafficWatch | None = None


def attribute_drift(
    access: TrailAccess,
    plan: Plan,
    windows: Sequence[Sequence[TrailWindow]],
    mask: SecretMasker,
    now: datetime,
) -> Attribution:
    """Return who changed what; `windows` are those of each change of each step."""
    steps: list[StepEvidence] = []
    with ExitStack() as stack:
        begins = [window.begin for step_windows in windows for window in step_windows]
        begin = min(begins, default=now)
        trails = {name: _Trails(access, api, begin, now, stack) for name, api in access.apis.items()}
        for step, step_windows in zip(plan.steps, windows, strict=True):
            own, names = trails[step.address.target], access.kinds[step.address.kind].trails
            evidence = [
                _find_evidence(own, step, change, names, window)
                for change, window in zip(step.changes, step_windows, strict=True)
            ]
            steps.append(tuple(found and _mask_evidence(found, mask) for found in evidence))
    notes = [note for own in trails.values() for note in own.notes]
    return Attribution(tuple(steps), mask.mask_diagnostics(notes))


def _find_evidence(
    trails: _Trails, step: Step, change: Change, all_names: Sequence[TrailNames], window: TrailWindow
) -> TrailEvidence | None:
    """Return the best evidence of the trails of a kind, the first of them that has any."""
    reasons: list[str] = []
    best: TrailEvidence | None = None
    for names in all_names:
        if names.trail is Trail.REQUEST:
            return attribute_request(step, change)
        entries = trails.read(names, step)
        if isinstance(entries, _Unread):
            reasons.append(entries.reason)
            continue
        found = attribute_change(step, change, names, entries, window)
        if found and (best is None or found.grade is Grade.EXACT):
            best = found
        if found and found.grade is Grade.EXACT:
            return found
        since = window.begin.strftime("%Y-%m-%dT%H:%M:%SZ")
        reasons.append(f"the {names.trail} has no such change since {since}, or does not show it yet")
    return best or TrailEvidence(Grade.NONE, reason="; ".join(reasons) or _UNRECORDED)


def _mask_evidence(evidence: TrailEvidence, mask: SecretMasker) -> TrailEvidence:
    texts = {name: mask(text) for name, text in evidence._asdict().items() if name != "grade"}
    return TrailEvidence(evidence.grade, **texts)


class _Trails:
    """The trails of one target, each read at most once for what it is asked; the first refusal ends one."""

    def __init__(self, access: TrailAccess, api: Api, begin: datetime, now: datetime, stack: ExitStack) -> None:
        self._access, self._api, self._begin, self._now, self._stack = access, api, begin, now, stack
        self._entries: dict[tuple[Trail, str], list[TrailEntry] | _Unread] = {}
        self._ended: dict[Trail, _Unread] = {}
        self.notes: list[Diagnostic] = []

    def read(self, names: TrailNames, step: Step) -> Sequence[TrailEntry] | _Unread:
        """Return the entries of a trail that can be about a step, or why there are none."""
        trail = names.trail
        if ended := self._ended.get(trail):
            return ended
        if not self._api.target.audit:
            return self._end(trail, f"`audit: true` is not set for target {self._api.target.name}", "set it there")
        number = name_trail_subject(step).id if trail is Trail.HISTORY else ""
        if trail is Trail.HISTORY and not number:
            return _Unread("the certificate is not known")
        key = (trail, number or names.category)
        if key not in self._entries:
            if trail is Trail.HISTORY and len(self._entries) >= MOST_HISTORIES:
                return self._end(trail, f"only the first {MOST_HISTORIES} certificates are looked up")
            self._entries[key] = self._ask(trail, key[1])
        return self._entries[key]

    def _ask(self, trail: Trail, subject: str) -> list[TrailEntry] | _Unread:
        read = self._api.read
        questions: dict[Trail, Callable[[], list[TrailEntry]]] = {
            Trail.AUDIT_LOG: lambda: read_audit_log(read, subject, self._begin),
            Trail.HISTORY: lambda: read_owner_history(read, subject),
            Trail.TRACES: self._read_traces,
        }
        try:
            entries = questions[trail]()
        except ReconcilerError as error:
            summary = "; ".join(dict.fromkeys(problem.summary for problem in error.problems))
            is_refused = isinstance(error, AuthError)
            remedy = f"the account needs {PERMISSIONS[trail]}" if is_refused else ""
            return self._end(trail, f"the {trail} can't be read: {summary}", remedy)
        if trail is Trail.AUDIT_LOG and not is_xml_reader_installed():
            self._note(trail, "which fields a change was about is not looked at", "install the extra `audit`")
        return entries

    def _read_traces(self) -> list[TrailEntry]:
        # requests takes 114 ms to import: what works offline does without.
        from reconciler.apis.connect import Machine, connect  # noqa: PLC0415

        target = self._api.target
        machine = Machine(traffic=self._access.traffic)
        # Another host with the same credentials: everything else of the target holds there as well.
        traces = self._stack.enter_context(
            connect(replace(target, url=target.cts_url), self._access.env, machine=machine)
        )
        return read_traces(traces.read, self._api.bound().project, self._begin, self._now)

    def _end(self, trail: Trail, reason: str, remedy: str = "") -> _Unread:
        """Ask a trail no more in this run: a refusal writes an entry of its own each time."""
        self._ended[trail] = _Unread(reason)
        self._note(trail, reason, remedy)
        return self._ended[trail]

    def _note(self, trail: Trail, summary: str, remedy: str) -> None:
        note = Diagnostic(
            "drift.not-attributed",
            Source(f"target {self._api.target.name}"),
            summary,
            f"who changed what is not told by the {trail}",
            remedy,
            Severity.NOTE,
        )
        if note not in self.notes:
            self.notes.append(note)
