"""Sends a plan: the only writer.

For each step, in order: make the intent durable, read the object, compare it with the base that the body was built
from, send once, rule on the answer, read back, record what came of it. Silence is never success and never failure.
After the first step that does not succeed none is begun; those that were under way beside it end. Nothing is sent
twice, but for one thing: what a server refused for its credentials alone, once they were renewed and the object was
looked at again; a denial not even then.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from reconciler.diagnostics import Diagnostic
from reconciler.engine.gathered_reads import GatheredReads
from reconciler.engine.parallel_steps import EndedStep, StepProgress, StepWork, Writers, run_together, split_batches
from reconciler.engine.run_context import RunContext
from reconciler.errors import Exit, NoReply, ReconcilerError, StaleError
from reconciler.kinds.kind import Kind
from reconciler.model import Action, Json, LoggedOut, Outcome, Plan, Reply, Request, Ruling, Step, Verdict
from reconciler.sanitize import escape_and_shorten
from reconciler.transport.rate_limit import wait_unless_stopped

OnOutcome = Callable[[Outcome], None]
"""Is told each finished step."""

_SETTLED = frozenset({Verdict.APPLIED, Verdict.UNCHANGED})
# 401 raises LoggedOut; 407 is a proxy's word, not the server's. 408 and 5xx don't say that nothing
# was done: behind a 504 the server may still be at work (RFC 9110, 15.6.5).
_REFUSAL_STATUSES = frozenset({400, 403, 404, 405, 406, 409, 410, 411, 412, 413, 414, 415, 422, 428})
"""Statuses by which a server says that it did not do it."""
# Measured with eight writers at 20 ms: with one call at a time a look waits for half of another, and its writer with
# it. For a read-back no writer waits.
_LOOKS_AT_ONCE = 3
"""List calls that may be out to look at objects before they are written."""
_MAX_DETAIL = 4000
"""Characters of what is told of one step: a kind may quote a server, whose comments may be of any length."""


def _ignore_outcome(_: Outcome) -> None:
    """Tell nobody."""


def apply(
    plan: Plan,
    context: RunContext,
    on_outcome: OnOutcome = _ignore_outcome,
    progress: StepProgress | None = None,
) -> tuple[Outcome, ...]:
    """Send the plan's requests and return what became of each step, in the plan's order. Raises nothing of its own.

    `progress` is kept up to date for whoever breaks it off.
    """
    plan_run = _PlanRun(plan, context, on_outcome, progress or StepProgress())
    for batch in split_batches(plan.steps, context.kinds, context.writers):
        plan_run.run_batch(batch.numbers, batch.writers)
    return plan_run.complete()


class _PlanRun:
    """One plan while it is sent. What records and tells is called in the thread that has called `apply`."""

    def __init__(self, plan: Plan, context: RunContext, on_outcome: OnOutcome, progress: StepProgress) -> None:
        self._plan, self._context, self._on_outcome, self._progress = plan, context, on_outcome, progress
        self._broken_off = threading.Event()
        # Why nothing more begins, by the step that says so: with several, the first in the plan is quoted.
        self._halts: dict[int, str] = {}
        self._faults: dict[int, Exception] = {}
        self._told = 0

    def run_batch(self, numbers: range, writers: Writers | None) -> None:
        """Carry out steps, of which none waits for another; raises what a bug raised, once the others have ended."""
        if writers is None:
            for number in numbers:
                if work := self._start(number, self._context):
                    self._finish([EndedStep(number, work())])
            return
        context = self._make_shared_context(self._plan.steps[numbers[0]])
        try:
            run_together(
                numbers,
                writers,
                lambda number, on_answered: self._start(number, replace(context, on_answered=on_answered)),
                self._finish,
            )
        except BaseException:
            # Before anything is told or given back: what is between its look and its request must not send it then.
            self._broken_off.set()
            raise
        if self._faults:
            raise self._faults[min(self._faults)]

    def complete(self) -> tuple[Outcome, ...]:
        """Say of what has not begun that it was not reached; returns all outcomes."""
        for number, step in enumerate(self._plan.steps):
            if number not in self._progress.outcomes:
                outcome = Outcome(step, Verdict.NOT_REACHED, self._halts[min(self._halts)])
                self._finish([EndedStep(number, outcome)])
        return tuple(self._progress.outcomes[number] for number in range(len(self._plan.steps)))

    def _start(self, number: int, context: RunContext) -> StepWork | None:
        """Make the intent durable and return what is to be done; None where nothing more is to begin."""
        # Asked between steps alone: no signal cuts the read-back of a request short that is out.
        if not self._halts and context.stop():
            self._halts[number] = "the run was interrupted before it"
        if self._halts:
            return None
        self._progress.under_way.add(number)
        step = self._plan.steps[number]
        # The intent comes before the object is looked at, and so no wait for it lies between the look and the write.
        refusal = context.journal.begin(number, step) if step.request else None
        return partial(_run_step, step, refusal, context)

    def _finish(self, ended_steps: Sequence[EndedStep]) -> None:
        """Keep, tell and record what came of steps that have ended together."""
        outcomes: dict[int, Outcome] = {}
        for number, result in ended_steps:
            if isinstance(result, Exception):
                reason = f"{self._plan.steps[number].address} was broken off"
                self._halts[number], self._faults[number] = reason, result
            else:
                outcomes[number] = _sanitize_outcome(result, self._context)
                self._keep(number, outcomes[number])
        # Told before it is recorded: a store that is slow or gone keeps nobody from knowing.
        self._tell_in_order()
        left = len(outcomes)
        for number, outcome in outcomes.items():
            left -= 1
            if reason := self._context.journal.finish(number, outcome, more=left > 0):
                self._halts[number] = reason

    def _keep(self, number: int, outcome: Outcome) -> None:
        # A step that was never to be sent ends nothing: whoever approved the plan saw that it would not be.
        is_settled = outcome.verdict in _SETTLED or outcome.verdict is Verdict.NOT_REACHED
        if outcome.step.request and not is_settled:
            self._halts[number] = f"{outcome.step.address} ended as {outcome.verdict.replace('_', ' ')}"
        # Before it is told: a second signal may come while the line is written, and the step is done by then.
        self._progress.end(number, outcome)

    def _tell_in_order(self) -> None:
        """Tell what has ended, each step behind those before it in the plan: so equal runs look alike."""
        while outcome := self._progress.outcomes.get(self._told):
            self._told += 1
            self._on_outcome(outcome)

    def _make_shared_context(self, step: Step) -> RunContext:
        """Return what this step and those beside it are given: they notice when nobody waits for them any longer."""
        timing, is_broken_off = self._context.timing, self._broken_off.is_set

        def pause(seconds: float) -> None:
            wait_unless_stopped(seconds, timing.sleep, is_broken_off)

        kind, read = self._context.kinds[step.address.kind], self._context.readers[step.address.target]
        return replace(
            self._context,
            timing=replace(timing, sleep=pause),
            is_broken_off=is_broken_off,
            gathered_looks=GatheredReads(kind, read, _LOOKS_AT_ONCE),
            gathered_read_backs=GatheredReads(kind, read),
        )


def _sanitize_outcome(outcome: Outcome, context: RunContext) -> Outcome:
    """Take out what must not be shown, then shorten, then spell out what can't be seen."""
    # In this order: a secret that is cut in the middle, or spelled with escapes, would not be recognised.
    detail = escape_and_shorten(context.redact(outcome.detail), _MAX_DETAIL)
    return replace(outcome, detail=detail, request_id=escape_and_shorten(context.redact(outcome.request_id), 100))


def _run_step(step: Step, refusal: Outcome | None, context: RunContext) -> Outcome:
    """Carry out one step; `refusal` is why the journal doesn't let it be sent."""
    kind, request = context.kinds[step.address.kind], step.request
    if request is None:
        return Outcome(step, Verdict.NOT_APPLIED, f"nothing was sent: {step.refusal}")
    obstacle = _find_obstacle(step, request, kind, context)
    if refusal:
        # What was done before needs no leave to be left as it is.
        return obstacle if obstacle and obstacle.verdict is Verdict.UNCHANGED else refusal
    return obstacle or _send_request(step, request, kind, context)


def _find_obstacle(
    step: Step, request: Request, kind: Kind, context: RunContext, prefix: str = "nothing was sent"
) -> Outcome | None:
    """Look at the object; return why the request is not to be sent, or None if it is what the body was built from."""
    try:
        # Neither API has an ETag or If-Match: this read, just before the write, is all that protects somebody
        # else's edit. Whatever is put between the two widens the window.
        live = _reread(step, kind, context, context.gathered_looks, lambda live: bool(live == request.base))
    except StaleError as error:
        return Outcome(step, Verdict.STALE, f"{prefix}: {_join_problems(error)}")
    except ReconcilerError as error:
        detail = f"{prefix}: it could not be read again: {_join_problems(error)}"
        return Outcome(step, Verdict.NOT_APPLIED, detail, cause=error.exit)
    # Before the base is compared: a plan that is applied twice finds its own work, not a stranger's edit.
    if live is not None and not kind.unmet(step, live):
        return Outcome(step, Verdict.UNCHANGED, f"it is already as wanted; {prefix}")
    if live != request.base:
        moved_fields = ", ".join(_find_moved_fields(request.base, live))
        return Outcome(
            step, Verdict.STALE, f"{prefix}: it changed since the plan was made ({moved_fields}); plan again"
        )
    return None


def _reread(
    step: Step, kind: Kind, context: RunContext, gathered: GatheredReads | None, is_hoped: Callable[[Json], bool]
) -> Json:
    """Return the object as it is now; in a list call with others only where that tells what is hoped."""
    if gathered:
        return gathered.reread(step, is_hoped)
    return kind.reread(context.readers[step.address.target], step)


def _send_request(step: Step, request: Request, kind: Kind, context: RunContext, *, is_repeat: bool = False) -> Outcome:
    # Of a run that was broken off nobody waits for the reason, and its lease is on its way back.
    if context.is_broken_off() or not context.journal.may_send():
        detail = "nothing was sent: looking at the object took so long that another run may hold the target by now"
        return Outcome(step, Verdict.NOT_APPLIED, detail, cause=Exit.LOCKED)
    try:
        reply = context.senders[step.address.target](request.call)
    except NoReply as silence:
        # Only a connection that took no byte proves that nothing was done. urllib3's own Retry would send a
        # POST again after a TLS error in the answer, whatever its allowed methods are.
        if not silence.sent:
            return Outcome(step, Verdict.NOT_APPLIED, f"it was not sent: {silence}", cause=silence.cause)
        return _read_back(step, kind, context, None, f"no answer ({silence})")
    # A 401 says that the request was not applied, for want of valid credentials (RFC 9110, 15.5.2).
    except LoggedOut as logged_out:
        return _handle_logged_out(step, request, kind, context, logged_out, is_repeat=is_repeat)
    if reply.status in _REFUSAL_STATUSES or context.was_definitely_not_done[step.address.target](reply):
        is_foreign = reply.status == 403 and context.comes_from_between[step.address.target](reply)
        who = "something before the server, such as a firewall," if is_foreign else "the server"
        detail = f"{who} refused it: {_describe_response(step, reply, context)}"
        # What a permission that is missing is worth where nothing at all was written (RFC 9110, 15.5.4).
        cause = Exit.AUTH if reply.status == 403 and not is_foreign else None
        return Outcome(step, Verdict.NOT_APPLIED, detail, cause=cause, request_id=reply.request_id)
    # 202 promises nothing: the work may be done later, or never (RFC 9110, 15.3.3).
    if 200 <= reply.status < 300 and reply.status != 202:
        context.on_answered()
        outcome = _read_back(step, kind, context, reply, f"answered {reply.status}")
    else:
        outcome = _read_back(step, kind, context, None, f"answered {_describe_response(step, reply, context)}")
    return replace(outcome, request_id=reply.request_id)


def _handle_logged_out(
    step: Step, request: Request, kind: Kind, context: RunContext, logged_out: LoggedOut, *, is_repeat: bool
) -> Outcome:
    """The credentials did not hold, so nothing was done; as when a token ends in mid-run.

    Where others can be had, what is still as it was is sent once more; a denial is not.
    """
    refusal = f"the server refused the credentials: {_describe_response(step, logged_out.reply, context)}"
    if is_repeat or not logged_out.renewable:
        reason = f"a moment ago they let it be read; {logged_out.advice}"
        return Outcome(step, Verdict.NOT_APPLIED, f"{refusal}; {reason}", cause=Exit.AUTH)
    obstacle = _find_obstacle(step, request, kind, context, "nothing was sent again")
    if obstacle:
        return replace(obstacle, detail=f"{refusal}; {obstacle.detail}")
    # A denial can't be undone, and Command's denied request alert may write to the requester each time.
    if step.action is Action.DENY:
        reason = "reading shows that nothing was denied, and a denial is sent once in a run, whatever it meets"
        return Outcome(
            step, Verdict.NOT_APPLIED, f"{refusal}; {reason}; apply again, which logs in anew", cause=Exit.AUTH
        )
    return _send_request(step, request, kind, context, is_repeat=True)


def _read_back(step: Step, kind: Kind, context: RunContext, reply: Reply | None, answer: str) -> Outcome:
    """Read until every change is ruled on or patience ends. Without a good answer only the reads can say `applied`."""
    rulings: tuple[Ruling, ...] = (Ruling(Verdict.UNKNOWN, "it could not be read back"),) * len(step.changes)
    for live, problem in _read_repeatedly(step, kind, context, has_answer=reply is not None):
        if problem:
            rulings = tuple(Ruling(Verdict.UNKNOWN, f"it could not be read back: {problem}") for _ in step.changes)
            continue
        rulings = kind.settle(step, reply, live)
        if all(ruling.verdict is not Verdict.UNKNOWN for ruling in rulings):
            break
    verdicts = tuple(ruling.verdict for ruling in rulings)
    reasons = list(dict.fromkeys(ruling.detail for ruling in rulings if ruling.detail))
    if reply is None or Verdict.UNKNOWN in verdicts:
        reasons = [answer, *reasons]
    if reply is None and set(verdicts) == {Verdict.APPLIED}:
        reasons.append("reading shows that it was done")
    return Outcome(step, _merge_verdicts(verdicts), "; ".join(reasons), verdicts)


def _read_repeatedly(step: Step, kind: Kind, context: RunContext, *, has_answer: bool) -> Iterator[tuple[Json, str]]:
    for pause in context.timing.patience.after_answer if has_answer else context.timing.patience.after_silence:
        if context.is_broken_off():
            return
        if pause:
            context.timing.sleep(pause)
        try:
            gathered = context.gathered_read_backs
            yield _reread(step, kind, context, gathered, lambda live: not kind.unmet(step, live)), ""
        except ReconcilerError as error:
            yield None, _join_problems(error)


def _merge_verdicts(verdicts: tuple[Verdict, ...]) -> Verdict:
    """Return the verdict of a step from those of its changes: the worst."""
    for verdict in (Verdict.UNKNOWN, Verdict.NOT_APPLIED):
        if verdict in verdicts:
            return verdict
    return Verdict.APPLIED


def _describe_response(step: Step, reply: Reply, context: RunContext) -> str:
    """Return the status of an answer, and what it says of itself."""
    return f"{reply.status} {context.explainers[step.address.target](reply)}".strip()


def _find_moved_fields(base: Json, live: Json) -> list[str]:
    if live is None or base is None:
        return ["it is gone" if live is None else "it exists now"]
    return sorted(name for name in {*base, *live} if base.get(name) != live.get(name))


def _join_problems(error: ReconcilerError) -> str:
    return "; ".join(str(problem) for problem in error.problems if isinstance(problem, Diagnostic))
