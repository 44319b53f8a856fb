"""Sends a plan: the only writer.

For each step, in order: read the object, compare it with the base that the body was built from, send once, rule on the
answer, read back. Silence is never success and never failure. The first step that does not succeed is the last that is
sent. Nothing is sent twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from time import sleep as _sleep

from reconciler.errors import Exit, NoReply, Problem, ReconcilerError
from reconciler.kinds import KINDS
from reconciler.model import Call, Json, Outcome, Plan, Reply, Request, Step, Verdict
from reconciler.resource import Read, Resource, Ruling

Send = Callable[[Call], Reply]
"""Sends one request exactly once; raises NoReply."""

_SETTLED = frozenset({Verdict.APPLIED, Verdict.UNCHANGED})
_REFUSED = frozenset({400, 401, 403, 404, 405, 406, 409, 410, 411, 412, 413, 414, 415, 422, 428})
"""Statuses by which a server says that it did not do it."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to read back before a write counts as unknown, in seconds between the reads.

    After a good answer the wait covers a server that shows the change a little later; after silence it covers one that
    is still at work.
    """

    answered: tuple[float, ...] = (0.0, 0.1, 0.3, 0.6, 1.0, 2.0)
    silent: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True, slots=True)
class Seams:
    """What touches the world, passed in: reads and sends by target, time, and whether to stop after this step."""

    reads: Mapping[str, Read]
    sends: Mapping[str, Send]
    sleep: Callable[[float], None] = _sleep
    stop: Callable[[], bool] = lambda: False
    patience: Patience = Patience()


def apply(plan: Plan, seams: Seams, tell: Callable[[Outcome], None] = lambda _outcome: None) -> tuple[Outcome, ...]:
    """Send the plan's requests and return what became of each step, in the plan's order. Raises nothing of its own."""
    outcomes: list[Outcome] = []
    halted = ""
    for step in plan.steps:
        if not halted and seams.stop():
            halted = "the run was interrupted before it"
        outcome = Outcome(step, Verdict.NOT_REACHED, halted) if halted else _run(step, seams)
        if not halted and outcome.verdict not in _SETTLED:
            halted = f"{step.address} ended as {outcome.verdict.replace('_', ' ')}"
        outcomes.append(outcome)
        tell(outcome)
    return tuple(outcomes)


def _run(step: Step, seams: Seams) -> Outcome:
    kind, request = KINDS[step.address.kind], step.request
    if request is None:
        return Outcome(step, Verdict.NOT_APPLIED, f"nothing was sent: {step.refusal}")
    try:
        live = kind.reread(seams.reads[step.address.target], step)
    except ReconcilerError as error:
        unread = f"nothing was sent: it could not be read again: {_words(error)}"
        return Outcome(step, Verdict.NOT_APPLIED, unread, cause=error.exit)
    if live is not None and not kind.unmet(step, live):
        return Outcome(step, Verdict.UNCHANGED, "it is already as wanted; nothing was sent")
    if live != request.base:
        moved = ", ".join(_moved(request.base, live))
        return Outcome(
            step, Verdict.STALE, f"nothing was sent: it changed since the plan was made ({moved}); plan again"
        )
    return _send(step, request, kind, seams)


def _send(step: Step, request: Request, kind: type[Resource], seams: Seams) -> Outcome:
    try:
        reply = seams.sends[step.address.target](request.call)
    except NoReply as silence:
        if not silence.sent:
            return Outcome(step, Verdict.NOT_APPLIED, f"it was not sent: {silence}", cause=Exit.UNREACHABLE)
        return _read_back(step, kind, seams, None, f"no answer ({silence})")
    if _says_no(reply):
        return Outcome(step, Verdict.NOT_APPLIED, f"the server refused it: {_answer(reply)}")
    if 200 <= reply.status < 300 and reply.status != 202:
        return _read_back(step, kind, seams, reply, f"answered {reply.status}")
    return _read_back(step, kind, seams, None, f"answered {_answer(reply)}")


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
    return reply.status in _REFUSED or (reply.status == 429 and b"APIGW.0308" in reply.body)


def _answer(reply: Reply) -> str:
    """Return a server's refusal on one line; what it says is foreign text, escaped where it is shown."""
    text = " ".join(reply.body[:400].decode("utf-8", "replace").split())
    return f"{reply.status} {text}".strip()


def _moved(base: Json, live: Json) -> list[str]:
    if live is None or base is None:
        return ["it is gone" if live is None else "it exists now"]
    return sorted(name for name in {*base, *live} if base.get(name) != live.get(name))


def _words(error: ReconcilerError) -> str:
    return "; ".join(str(problem) for problem in error.problems if isinstance(problem, Problem))
