"""Settles what earlier runs left open, by reading alone: nothing is ever sent from here.

Whatever a run was about to send, its intent was durable before. A later run, on any machine, reads the object and
compares it with what was expected of the request and with what was there before it. A write that nobody has heard of
may still be under way at the server, so what looks as before is looked at again after a while; and what can't be undone
is never taken for not done by the look of it: only an answer, or a person, says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.engine.intent_records import Trace, key_outline, read_trace, recognize_marks
from reconciler.engine.run_store import STATE_SOURCE
from reconciler.engine.target_lock import renew_lease
from reconciler.engine.timing import REAL_TIME, Timing
from reconciler.errors import ReconcilerError
from reconciler.kinds.claimed_acts import ClaimedAct
from reconciler.kinds.registry import Registry
from reconciler.reader import Read
from reconciler.sanitize import escape_and_shorten
from reconciler.state.lease_watch import HeldLease
from reconciler.state.records import IntentResult, OpenIntent, SettledAs, SettledBy
from reconciler.state.run_holder import is_holder_gone
from reconciler.state.store import Store

_OTHER = "it is neither as it was before nor as it was to be"
_PENDING = "it is as it was before, and what can't be undone may still come to be done"
_NO_TRACE = "how to find its object again is not recorded in a form that this version reads"


@dataclass(frozen=True, slots=True)
class SettleContext:
    """What settling touches, passed in: a target's reader, what takes secrets out of words, and time."""

    target: str
    read: Read
    kinds: Registry
    redact: Callable[[str], str]
    timing: Timing = REAL_TIME


@dataclass(frozen=True, slots=True)
class SettledStep:
    """What an earlier run's step, or one act of it, was found to be. `key` is that of its object, "" if unknown."""

    target: str
    run: str
    number: int
    step: str
    act: str
    outcome: SettledAs
    detail: str
    since: str
    key: str = ""

    @property
    def reference(self) -> str:
        """What a person calls it: RUN/NUMBER, or RUN/NUMBER/ACT."""
        return name_step(self.run, self.number, self.act)


def name_step(run: str, number: int, act: str = "") -> str:
    """Return what a person calls a step of a run, as `recover --settle` takes it; steps are counted from 1."""
    return "/".join((run, str(number + 1), *([act] if act else [])))


def list_referred(entry: OpenIntent, reference: str) -> tuple[str, ...]:
    """Return what of an open intent a person means by RUN/NUMBER or RUN/NUMBER/ACT: its acts, or "" for the whole."""
    whole = name_step(entry.intent.run, entry.intent.number)
    return tuple(act for act in entry.unsettled if reference in (whole, f"{whole}/{act}"))


def settle_open_intents(
    store: Store, held: HeldLease, context: SettleContext, own_run: str = ""
) -> tuple[HeldLease, tuple[SettledStep, ...]]:
    """Read the object of each open intent on a target, and record what is found; returns that, the oldest first.

    `own_run` is left alone: its steps are still to come. Raises StoreError where nothing can be recorded. It may be
    broken off at any time, and said again.
    """
    open_intents = [entry for entry in store.list_open(held.lease.target) if entry.intent.run != own_run]
    findings: dict[tuple[str, int], list[SettledStep]] = {}
    undecided = open_intents
    for pause in (0.0, *context.timing.settle_pauses):
        if undecided and pause:
            context.timing.sleep(pause)
        for entry in undecided:
            # As long as it takes: whoever waits for the lease must see that somebody is at it.
            if held.is_due(context.timing.clock()):
                held = renew_lease(store, held, context.timing.clock)
            findings[_key_intent(entry)] = _look(entry, context)
        # Whoever left a result had waited for the server already.
        undecided = [
            entry for entry in undecided if entry.last is None and any(map(_may_change, findings[_key_intent(entry)]))
        ]
    results = [
        _make_result(step, held.lease.run)
        for entry in open_intents
        for step in findings[_key_intent(entry)]
        if _is_news(step, entry)
    ]
    if results:
        store.settle(held.lease, results)
    return held, tuple(step for entry in open_intents for step in findings[_key_intent(entry)])


def _key_intent(entry: OpenIntent) -> tuple[str, int]:
    return entry.intent.run, entry.intent.number


def _may_change(step: SettledStep) -> bool:
    """Say whether a second look may find something else: only what is done stays so."""
    return step.outcome is not SettledAs.APPLIED


def _look(entry: OpenIntent, context: SettleContext) -> list[SettledStep]:
    trace = read_trace(entry.intent.trace)
    if trace is None or trace.kind not in context.kinds:
        return [_make_step(entry, act, SettledAs.UNKNOWN, _NO_TRACE, context) for act in entry.unsettled]
    key = key_outline(trace.kind, trace.outline)
    findings = dict(_read_findings(trace, context))
    return [_make_step(entry, act, *findings.get(act, findings[""]), context, key) for act in entry.unsettled]


def _read_findings(trace: Trace, context: SettleContext) -> Iterator[tuple[str, tuple[SettledAs, str]]]:
    """Yield (act or "", (outcome, words)); one for "" is always among them."""
    kind = context.kinds[trace.kind]
    try:
        live = kind.reread(context.read, trace.build_step(context.target))
        marks = dict(recognize_marks(trace, live, kind))
    except ReconcilerError as error:
        problems = "; ".join(str(problem) for problem in error.problems if isinstance(problem, Diagnostic))
        yield "", (SettledAs.UNKNOWN, f"it could not be read: {problems}")
        return
    # The trace is what somebody wrote into the store: a kind finds in it what `outline` left.
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        yield "", (SettledAs.UNKNOWN, _NO_TRACE)
        return
    yield "", (SettledAs.UNKNOWN, _OTHER)
    for act, found in marks.items():
        if found is SettledAs.NOT_APPLIED and act:
            yield act, (SettledAs.UNKNOWN, _PENDING)
        elif found is None:
            yield act, (SettledAs.UNKNOWN, "it is gone" if live is None else _OTHER)
        else:
            yield act, (found, "reading shows that it was done" if found is SettledAs.APPLIED else "it is as before")


def _make_step(
    entry: OpenIntent, act: str, outcome: SettledAs, detail: str, context: SettleContext, key: str = ""
) -> SettledStep:
    intent = entry.intent
    words = escape_and_shorten(context.redact(detail), 500)
    return SettledStep(context.target, intent.run, intent.number, intent.step, act, outcome, words, entry.at, key)


def _make_result(step: SettledStep, by_run: str) -> IntentResult:
    return IntentResult(step.run, step.number, step.outcome, SettledBy.LATER_RUN, by_run, step.detail, step.act)


def _is_news(step: SettledStep, entry: OpenIntent) -> bool:
    """Say whether a finding says more than what is recorded: a cron job would else add a line each night."""
    last = entry.last
    return last is None or (last.outcome, last.detail) != (step.outcome, step.detail)


def list_claimed_acts(store: Store, target: str) -> Mapping[str, ClaimedAct]:
    """Return the irreversible acts on a target that were done or may have been, each with the first step that did."""
    acts: dict[str, ClaimedAct] = {}
    records = store.list_forbidden_acts(target)
    lease = store.read_lease(target) if any(record.outcome is None for record in records) else None
    running = lease.run if lease and not is_holder_gone(lease.holder) else ""
    for record in records:
        step = name_step(record.run, record.number, record.key)
        is_under_way = record.outcome is None and record.run == running
        acts.setdefault(record.key, ClaimedAct(step, record.outcome is SettledAs.APPLIED, is_under_way))
    return acts


def describe_settled(step: SettledStep) -> Diagnostic:
    """Return what to tell of a step that an earlier run left open."""
    what = " ".join(filter(None, (step.step, step.act)))
    found = {SettledAs.APPLIED: "was applied", SettledAs.NOT_APPLIED: "was not applied"}.get(step.outcome)
    summary = f"{what}, left open by run {step.run} since {step.since}, {found or 'may have been applied'}"
    remedy = (
        "" if found else f"look at it, and say `reconciler recover --settle {step.reference} applied` or `not_applied`"
    )
    rule = "state.settled" if found else "state.unsettled"
    return Diagnostic(rule, STATE_SOURCE, f"{summary}: {step.detail}", remedy=remedy, severity=Severity.NOTE)


def list_unsettled_keys(steps: Iterable[SettledStep]) -> Mapping[str, SettledStep]:
    """Return what is still open by the key of its object; acts hold nothing back but themselves."""
    return {step.key: step for step in steps if step.outcome is SettledAs.UNKNOWN and not step.act and step.key}
