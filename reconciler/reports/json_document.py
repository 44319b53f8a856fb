"""The JSON that plan, drift, show, apply and every failure share; the plan file is made of the same steps.

One shape whatever happened: {"format_version", "command", "outcome", "compared", "partial", "selection", "summary",
"steps", "problems", "notes"}. Members may join within a major version, none leaves. No time stamps: equal values give
equal bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.errors import Exit, Problem
from reconciler.model import Action, Call, Change, Compared, Gap, Json, Outcome, Plan, Risk, Step, Verdict
from reconciler.sanitize import unseen

FORMAT_VERSION = "1.0"

_NOTHING = Plan(steps=(), compared=Compared(0, 0))

# ##[group] is GitHub's, ##vso[...] Azure's, ##teamcity[...] TeamCity's.
_COMMAND = re.compile(r"##(?=\w*\[)")
_FOREIGN = re.compile(r"[^\x00-\x7e]")


def step_json(step: Step, outcome: Outcome | None = None) -> dict[str, Json]:
    """Return one step as the contract's JSON object; its verdict is null where nothing was to be sent."""
    verdicts = outcome.verdicts if outcome else ()
    shown: dict[str, Json] = {
        "address": {"target": step.address.target, "kind": step.address.kind, "name": step.address.name},
        "object": step.object,
        "action": step.action.value,
        "risk": step.risk.value,
        "source": str(step.source),
        "call": call_json(step.request.call) if step.request else None,
        "changes": [
            _change_json(change, verdicts[at] if at < len(verdicts) else None) for at, change in enumerate(step.changes)
        ],
        "verdict": outcome.verdict.value if outcome else None,
    }
    if step.refusal:
        shown["refusal"] = step.refusal
    if outcome:
        shown["detail"] = outcome.detail
    return shown


def call_json(call: Call) -> dict[str, Json]:
    """Return one unsent request; its target is the step's. Raises ValueError for a repeated query parameter."""
    query = dict(call.query)
    # An object with the same name twice has no agreed meaning (RFC 8259, 4).
    if len(query) != len(call.query):
        raise ValueError(f"a query parameter is repeated in {call.method} {call.path}")
    return {"method": call.method, "path": call.path, "query": query, "body": call.body, "version": call.version}


def problem_json(problem: Problem) -> dict[str, Json]:
    """Return one thing to mend."""
    return {"source": str(problem.source), "message": problem.message}


def document(
    command: str,
    exit_: Exit,
    plan: Plan | None = None,
    outcomes: Sequence[Outcome] = (),
    problems: Iterable[Problem] = (),
    **extra: Json,
) -> dict[str, Json]:
    """Return the one document that a command prints, whatever its outcome.

    `problems` are those that the plan doesn't hold itself: refusals, or what ended the command before there was a plan.
    With `outcomes` the steps are theirs. `extra` members (a command's own) come last.
    """
    plan = plan or _NOTHING
    steps = [outcome.step for outcome in outcomes] or list(plan.steps)
    results: Sequence[Outcome | None] = outcomes or [None] * len(steps)
    return {
        "format_version": FORMAT_VERSION,
        "command": command,
        "outcome": {"code": int(exit_), "name": exit_.word},
        "compared": {"objects": plan.compared.objects, "of": plan.compared.of},
        "partial": bool(plan.selection),
        "selection": plan.selection,
        "summary": _summary(plan.compared, steps, outcomes),
        "steps": [step_json(step, result) for step, result in zip(steps, results, strict=True)],
        "problems": _problems_json((*problems, *plan.problems), plan.gaps),
        "notes": [problem_json(note) for note in plan.notes],
        **extra,
    }


def render(value: Json, *, ascii_only: bool = False) -> str:
    """Return a document as text: indented, keys in the order given, a newline at the end.

    What could steer a terminal or a CI system is escaped, so that a reader sees it and a parser gets it unchanged.
    Raises ValueError for what JSON can't hold (NaN).
    """
    # json's default writes NaN, which is no JSON (RFC 8259, 6).
    text = json.dumps(value, ensure_ascii=ascii_only, indent=2, allow_nan=False, default=_plain)
    text = _COMMAND.sub(r"\\u0023#", text)
    return (_FOREIGN.sub(_escaped, text) if _FOREIGN.search(text) else text) + "\n"


def in_sync(compared: Compared, steps: Sequence[Step]) -> int:
    """How many compared objects need nothing; a batch of denials touches several."""
    return max(0, compared.objects - _weight(steps))


def _change_json(change: Change, verdict: Verdict | None) -> dict[str, Json]:
    shown: dict[str, Json] = {
        "path": change.path,
        "before": change.before,
        "after": change.after,
        "risk": change.risk.value,
    }
    return shown | {"verdict": verdict.value} if verdict else shown


def _problems_json(problems: Iterable[Problem], gaps: Iterable[Gap]) -> list[dict[str, Json]]:
    """Sort by place and say each thing once; what could not be read also names its cause."""
    causes: dict[Problem, Exit | None] = dict.fromkeys(problems)
    causes |= {gap.problem: gap.cause for gap in gaps}
    return [
        problem_json(problem) | ({"cause": cause.word} if cause is not None else {})
        for problem, cause in sorted(causes.items(), key=lambda item: item[0])
    ]


def by_verdict(outcomes: Iterable[Outcome]) -> dict[Verdict, int]:
    """Count objects by verdict; of a batch that the server split, each part by its own."""
    counted = dict.fromkeys(Verdict, 0)
    for outcome in outcomes:
        split = outcome.verdicts if len(outcome.verdicts) == outcome.step.weight else ()
        for verdict in split or (outcome.verdict,) * outcome.step.weight:
            counted[verdict] += 1
    return counted


def _summary(compared: Compared, steps: Sequence[Step], outcomes: Sequence[Outcome]) -> dict[str, Json]:
    """Count objects by action and by risk, refused ones apart; with `unchanged` they add up to the compared."""
    sendable = [step for step in steps if step.request]
    summary: dict[str, Json] = {action.value: _weight(s for s in sendable if s.action is action) for action in Action}
    summary["refused"] = _weight(step for step in steps if not step.request)
    summary["unchanged"] = in_sync(compared, steps)
    summary["risk"] = {risk.value: _weight(step for step in sendable if step.risk is risk) for risk in Risk}
    if outcomes:
        summary["verdicts"] = {verdict.value: number for verdict, number in by_verdict(outcomes).items()}
    return summary


def _weight(steps: Iterable[Step]) -> int:
    return sum(step.weight for step in steps)


def _plain(value: Any) -> Json:
    """Give json what it doesn't know: read-only mappings and sets."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, frozenset | set):
        # A set of strings iterates in another order in every process (PYTHONHASHSEED).
        return sorted(value, key=lambda member: json.dumps(member, sort_keys=True, default=_plain))
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def _escaped(found: re.Match[str]) -> str:
    if not unseen(found.group()):
        return found.group()
    # An escape has four digits, so a character beyond U+FFFF takes two (RFC 8259, 7); a lone surrogate,
    # which JSON can spell and UTF-8 can't, stays one.
    units = found.group().encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
