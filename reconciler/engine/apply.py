"""Sends a plan: the only writer.

For each step, in order: read the object, compare it with the base that the body was built from, send once, rule on the
answer, read back. Silence is never success and never failure. The first step that does not succeed is the last that is
sent. Nothing is sent twice, but for one thing: what a server refused for its credentials alone, once they were renewed
and the object was looked at again; a denial not even then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from time import sleep as _sleep

from reconciler.errors import Exit, NoReply, Problem, ReconcilerError, StaleError
from reconciler.kinds.kind import Read, Resource, Ruling
from reconciler.kinds.registry import KINDS
from reconciler.model import Action, Call, Json, LoggedOut, Outcome, Plan, Reply, Request, Step, Verdict
from reconciler.sanitize import shown

Send = Callable[[Call], Reply]
"""Sends one request exactly once and returns the answer as it came; raises NoReply, or LoggedOut."""

_SETTLED = frozenset({Verdict.APPLIED, Verdict.UNCHANGED})
# 401 raises LoggedOut; 407 is a proxy's word, not the server's. 408 and 5xx don't say that nothing
# was done: behind a 504 the server may still be at work (RFC 9110, 15.6.5).
_REFUSED = frozenset({400, 403, 404, 405, 406, 409, 410, 411, 412, 413, 414, 415, 422, 428})
"""Statuses by which a server says that it did not do it."""
_LONGEST = 4000
"""Characters of what is told of one step: a kind may quote a server, whose comments may be of any length."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to read back before a write counts as unknown, in seconds between the reads.

    After a good answer the wait covers a server that shows the change a little later; after silence it covers one that
    is still at work.
    """

    # Command has been seen to show a claim's old description in a GET just after the PUT that changed it.
    answered: tuple[float, ...] = (0.0, 0.1, 0.3, 0.6, 1.0, 2.0)
    silent: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True, slots=True)
class Seams:
    """What touches the world, passed in: reads and sends by target, time, and whether to stop after this step.

    Answers are judged as they came and hold whatever a server says. `explains` gives, by target, what an answer says of
    itself, fit to be shown; `redact` takes our secrets out of whatever is told of a step.
    """

    reads: Mapping[str, Read]
    sends: Mapping[str, Send]
    explains: Mapping[str, Callable[[Reply], str]]
    redact: Callable[[str], str]
    sleep: Callable[[float], None] = _sleep
    stop: Callable[[], bool] = lambda: False
    patience: Patience = Patience()


def apply(plan: Plan, seams: Seams, tell: Callable[[Outcome], None] = lambda _outcome: None) -> tuple[Outcome, ...]:
    """Send the plan's requests and return what became of each step, in the plan's order. Raises nothing of its own."""
    outcomes: list[Outcome] = []
    halted = ""
    for step in plan.steps:
        # Asked between steps alone: no signal cuts the read-back of a request short that is out.
        if not halted and seams.stop():
            halted = "the run was interrupted before it"
        outcome = Outcome(step, Verdict.NOT_REACHED, halted) if halted else _told(_run(step, seams), seams)
        if not halted and outcome.verdict not in _SETTLED:
            halted = f"{step.address} ended as {outcome.verdict.replace('_', ' ')}"
        outcomes.append(outcome)
        tell(outcome)
    return tuple(outcomes)


def _told(outcome: Outcome, seams: Seams) -> Outcome:
    """Take out what must not be shown, then shorten, then spell out what can't be seen."""
    # In this order: a secret that is cut in the middle, or spelled with escapes, would not be recognised.
    return replace(outcome, detail=shown(seams.redact(outcome.detail), _LONGEST))


def _run(step: Step, seams: Seams) -> Outcome:
    kind, request = KINDS[step.address.kind], step.request
    if request is None:
        return Outcome(step, Verdict.NOT_APPLIED, f"nothing was sent: {step.refusal}")
    return _hindrance(step, request, kind, seams) or _send(step, request, kind, seams)


def _hindrance(
    step: Step, request: Request, kind: type[Resource], seams: Seams, unsent: str = "nothing was sent"
) -> Outcome | None:
    """Look at the object; return why the request is not to be sent, or None if it is what the body was built from."""
    try:
        # Neither API has an ETag or If-Match: this read, just before the write, is all that protects somebody
        # else's edit. Whatever is put between the two widens the window.
        live = kind.reread(seams.reads[step.address.target], step)
    except StaleError as error:
        return Outcome(step, Verdict.STALE, f"{unsent}: {_words(error)}")
    except ReconcilerError as error:
        unread = f"{unsent}: it could not be read again: {_words(error)}"
        return Outcome(step, Verdict.NOT_APPLIED, unread, cause=error.exit)
    # Before the base is compared: a plan that is applied twice finds its own work, not a stranger's edit.
    if live is not None and not kind.unmet(step, live):
        return Outcome(step, Verdict.UNCHANGED, f"it is already as wanted; {unsent}")
    if live != request.base:
        moved = ", ".join(_moved(request.base, live))
        return Outcome(step, Verdict.STALE, f"{unsent}: it changed since the plan was made ({moved}); plan again")
    return None


def _send(step: Step, request: Request, kind: type[Resource], seams: Seams, *, again: bool = False) -> Outcome:
    try:
        reply = seams.sends[step.address.target](request.call)
    except NoReply as silence:
        # Only a connection that took no byte proves that nothing was done. urllib3's own Retry would send a
        # POST again after a TLS error in the answer, whatever its allowed methods are.
        if not silence.sent:
            return Outcome(step, Verdict.NOT_APPLIED, f"it was not sent: {silence}", cause=silence.cause)
        return _read_back(step, kind, seams, None, f"no answer ({silence})")
    # A 401 says that the request was not applied, for want of valid credentials (RFC 9110, 15.5.2).
    except LoggedOut as out:
        return _logged_out(step, request, kind, seams, out, again=again)
    if _says_no(reply):
        return Outcome(step, Verdict.NOT_APPLIED, f"the server refused it: {_answer(step, reply, seams)}")
    # 202 promises nothing: the work may be done later, or never (RFC 9110, 15.3.3).
    if 200 <= reply.status < 300 and reply.status != 202:
        return _read_back(step, kind, seams, reply, f"answered {reply.status}")
    return _read_back(step, kind, seams, None, f"answered {_answer(step, reply, seams)}")


def _logged_out(
    step: Step, request: Request, kind: type[Resource], seams: Seams, out: LoggedOut, *, again: bool
) -> Outcome:
    """The credentials did not hold, so nothing was done; as when a token ends in mid-run.

    Where others can be had, what is still as it was is sent once more; a denial is not.
    """
    told = f"the server refused the credentials: {_answer(step, out.reply, seams)}"
    if again or not out.renewable:
        why = f"a moment ago they let it be read; {out.advice}"
        return Outcome(step, Verdict.NOT_APPLIED, f"{told}; {why}", cause=Exit.AUTH)
    hindered = _hindrance(step, request, kind, seams, "nothing was sent again")
    if hindered:
        return replace(hindered, detail=f"{told}; {hindered.detail}")
    # A denial can't be undone, and Command's denied request alert may write to the requester each time.
    if step.action is Action.DENY:
        why = "reading shows that nothing was denied, and a denial is sent once in a run, whatever it meets"
        return Outcome(step, Verdict.NOT_APPLIED, f"{told}; {why}; apply again, which logs in anew", cause=Exit.AUTH)
    return _send(step, request, kind, seams, again=True)


def _read_back(step: Step, kind: type[Resource], seams: Seams, reply: Reply | None, answer: str) -> Outcome:
    """Read until every change is ruled on or patience ends. Without a good answer only the reads can say `applied`."""
    rulings: tuple[Ruling, ...] = (Ruling(Verdict.UNKNOWN, "it could not be read back"),) * len(step.changes)
    for live, trouble in _reads(step, kind, seams, reply is not None):
        if trouble:
            rulings = tuple(Ruling(Verdict.UNKNOWN, f"it could not be read back: {trouble}") for _ in step.changes)
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
    return Outcome(step, _whole(verdicts), "; ".join(reasons), verdicts)


def _reads(step: Step, kind: type[Resource], seams: Seams, answered: bool) -> Iterator[tuple[Json, str]]:  # noqa: FBT001
    for pause in seams.patience.answered if answered else seams.patience.silent:
        if pause:
            seams.sleep(pause)
        try:
            yield kind.reread(seams.reads[step.address.target], step), ""
        except ReconcilerError as error:
            yield None, _words(error)


def _whole(verdicts: tuple[Verdict, ...]) -> Verdict:
    """Return the verdict of a step from those of its changes: the worst."""
    for verdict in (Verdict.UNKNOWN, Verdict.NOT_APPLIED):
        if verdict in verdicts:
            return verdict
    return Verdict.APPLIED


def _says_no(reply: Reply) -> bool:
    """Throttling is only believed in the gateway's documented form: something else may have passed the request on."""
    # APIGW.0308 is the code of Huawei's API gateway for a throttled call. Command documents no 429 at
    # all.
    return reply.status in _REFUSED or (reply.status == 429 and b"APIGW.0308" in reply.body)


def _answer(step: Step, reply: Reply, seams: Seams) -> str:
    """Return the status of an answer, and what it says of itself."""
    return f"{reply.status} {seams.explains[step.address.target](reply)}".strip()


def _moved(base: Json, live: Json) -> list[str]:
    if live is None or base is None:
        return ["it is gone" if live is None else "it exists now"]
    return sorted(name for name in {*base, *live} if base.get(name) != live.get(name))


def _words(error: ReconcilerError) -> str:
    return "; ".join(str(problem) for problem in error.problems if isinstance(problem, Problem))
