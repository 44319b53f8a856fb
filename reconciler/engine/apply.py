"""Sends a plan: the only writer.

For each step, in order: make the intent durable, read the object, compare it with the base that the body was built
from, send once, rule on the answer, read back, record what came of it. Silence is never success and never failure. The
first step that does not succeed is the last that is sent. Nothing is sent twice, but for one thing: what a server
refused for its credentials alone, once they were renewed and the object was looked at again; a denial not even then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from reconciler.diagnostics import Diagnostic
from reconciler.engine.timing import REAL_TIME, Timing
from reconciler.errors import Exit, NoReply, ReconcilerError, StaleError
from reconciler.kinds.kind import Kind
from reconciler.kinds.registry import Registry
from reconciler.model import Action, Call, Json, LoggedOut, Outcome, Plan, Reply, Request, Ruling, Step, Verdict
from reconciler.reader import Read
from reconciler.sanitize import escape_and_shorten

OnOutcome = Callable[[Outcome], None]
"""Is told each finished step."""
Send = Callable[[Call], Reply]
"""Sends one request exactly once and returns the answer as it came; raises NoReply, or LoggedOut."""


class Journal(Protocol):
    """What makes sure that a step which may have been sent is known to have been, whatever becomes of this process."""

    def begin(self, number: int, step: Step) -> Outcome | None:
        """Make the intent to send a step durable; returns why it may not be sent, if so. No request is under way."""

    def may_send(self) -> bool:
        """Say whether a request that starts now ends while its target is ours alone. Asks nobody and takes no time."""

    def finish(self, number: int, outcome: Outcome) -> str:
        """Record what became of a step; returns why nothing more may be sent, "" if it may."""


_SETTLED = frozenset({Verdict.APPLIED, Verdict.UNCHANGED})
# 401 raises LoggedOut; 407 is a proxy's word, not the server's. 408 and 5xx don't say that nothing
# was done: behind a 504 the server may still be at work (RFC 9110, 15.6.5).
_REFUSAL_STATUSES = frozenset({400, 403, 404, 405, 406, 409, 410, 411, 412, 413, 414, 415, 422, 428})
"""Statuses by which a server says that it did not do it."""
_MAX_DETAIL = 4000
"""Characters of what is told of one step: a kind may quote a server, whose comments may be of any length."""


@dataclass(frozen=True, slots=True)
class RunContext:
    """What touches the world, passed in: reads and sends by target, time, and whether to stop after this step.

    Answers are judged as they came and hold whatever a server says. `explainers` give, by target, what an answer says
    of itself, fit to be shown; `was_definitely_not_done` whether it proves, beyond what its status says, that a write
    was not carried out; `comes_from_between` whether a firewall or a proxy gave it. `redact` takes our secrets out of
    whatever is told of a step.
    """

    readers: Mapping[str, Read]
    senders: Mapping[str, Send]
    explainers: Mapping[str, Callable[[Reply], str]]
    was_definitely_not_done: Mapping[str, Callable[[Reply], bool]]
    comes_from_between: Mapping[str, Callable[[Reply], bool]]
    redact: Callable[[str], str]
    kinds: Registry
    journal: Journal
    stop: Callable[[], bool] = lambda: False
    timing: Timing = REAL_TIME


def _ignore_outcome(_: Outcome) -> None:
    """Tell nobody."""


def apply(plan: Plan, context: RunContext, on_outcome: OnOutcome = _ignore_outcome) -> tuple[Outcome, ...]:
    """Send the plan's requests and return what became of each step, in the plan's order. Raises nothing of its own."""
    outcomes: list[Outcome] = []
    halt_reason = ""
    for number, step in enumerate(plan.steps):
        # Asked between steps alone: no signal cuts the read-back of a request short that is out.
        if not halt_reason and context.stop():
            halt_reason = "the run was interrupted before it"
        outcome = (
            _run_step(number, step, context) if not halt_reason else Outcome(step, Verdict.NOT_REACHED, halt_reason)
        )
        # A step that was never to be sent ends nothing: whoever approved the plan saw that it would not be.
        if not halt_reason and step.request and outcome.verdict not in _SETTLED:
            halt_reason = f"{step.address} ended as {outcome.verdict.replace('_', ' ')}"
        outcomes.append(outcome)
        on_outcome(outcome)
        # Told before it is recorded: a store that is slow or gone keeps nobody from knowing.
        halt_reason = context.journal.finish(number, outcome) or halt_reason
    return tuple(outcomes)


def _sanitize_outcome(outcome: Outcome, context: RunContext) -> Outcome:
    """Take out what must not be shown, then shorten, then spell out what can't be seen."""
    # In this order: a secret that is cut in the middle, or spelled with escapes, would not be recognised.
    detail = escape_and_shorten(context.redact(outcome.detail), _MAX_DETAIL)
    return replace(outcome, detail=detail, request_id=escape_and_shorten(context.redact(outcome.request_id), 100))


def _run_step(number: int, step: Step, context: RunContext) -> Outcome:
    kind, request = context.kinds[step.address.kind], step.request
    if request is None:
        outcome = Outcome(step, Verdict.NOT_APPLIED, f"nothing was sent: {step.refusal}")
    else:
        # The intent comes before the object is looked at, and so no wait for it lies between the look and the write.
        refusal = context.journal.begin(number, step)
        obstacle = _find_obstacle(step, request, kind, context)
        if refusal:
            # What was done before needs no leave to be left as it is.
            outcome = obstacle if obstacle and obstacle.verdict is Verdict.UNCHANGED else refusal
        else:
            outcome = obstacle or _send_request(step, request, kind, context)
    return _sanitize_outcome(outcome, context)


def _find_obstacle(
    step: Step, request: Request, kind: Kind, context: RunContext, prefix: str = "nothing was sent"
) -> Outcome | None:
    """Look at the object; return why the request is not to be sent, or None if it is what the body was built from."""
    try:
        # Neither API has an ETag or If-Match: this read, just before the write, is all that protects somebody
        # else's edit. Whatever is put between the two widens the window.
        live = kind.reread(context.readers[step.address.target], step)
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


def _send_request(step: Step, request: Request, kind: Kind, context: RunContext, *, is_repeat: bool = False) -> Outcome:
    if not context.journal.may_send():
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
        if pause:
            context.timing.sleep(pause)
        try:
            yield kind.reread(context.readers[step.address.target], step), ""
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
