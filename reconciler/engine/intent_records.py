"""What is remembered of a step before it is sent, what of its outcome, and how a later run recognises what it did.

A record that may be pushed to a repository holds ids and digests; what people want to read of a step later, each field
before and after, goes into the body, which stays where only users of the tool read it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from reconciler.diagnostics import Address, Source
from reconciler.kinds.kind import Kind
from reconciler.model import Action, Call, Change, Json, Outcome, Request, Step, Subject, Verdict
from reconciler.plans.masking import SecretMasker
from reconciler.plans.serial import (
    decode_change,
    decode_subject,
    encode_call,
    encode_stored_change,
    encode_subject,
    parse_source,
)
from reconciler.state.records import Intent, IntentKind, IntentResult, PreviousObject, SettledAs, SettledBy

_MAX_DETAIL = 500
"""Characters of what is remembered of an outcome's words."""
_SETTLED_AS = {Verdict.APPLIED: SettledAs.APPLIED, Verdict.UNKNOWN: SettledAs.UNKNOWN}
"""Everything else means that nothing was sent, or that what was sent was certainly not done."""


class Trace(NamedTuple):
    """What of an intent is enough to find its object again, and to tell what became of it.

    `outline` is as `Kind.outline` gives it; `base` and `expect` are digests by mark, `base` None where the object was
    absent; `acts` are the marks by act.
    """

    kind: str
    name: str
    action: Action
    outline: Request
    base: Mapping[str, str] | None
    expect: Mapping[str, str]
    acts: Mapping[str, str]

    def build_step(self, target: str) -> Step:
        """Return a step that `Kind.reread` finds the object with, at a target by its present name."""
        outline = self.outline._replace(call=self.outline.call._replace(target=target))
        return Step(Address(target, self.kind, self.name), self.action, Source("an earlier run"), (), outline)


def digest_json(value: Json) -> str:
    """Return a digest that is equal for equal JSON values, whatever the order of their members: 32 hex digits."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:32]


def build_intent(run: str, number: int, step: Step, kind: Kind, masker: SecretMasker) -> Intent:
    """Return the intent of a step that has a request. `masker` takes our secrets out of what is kept of it."""
    request = step.request
    if request is None:
        raise ValueError("a step without a request intends nothing")
    trace = _write_trace(step, request, kind)
    return Intent(
        run,
        number,
        masker(f"{step.address.kind}/{step.address.name}"),
        request.call.method,
        masker(request.call.path),
        digest_json(encode_call(request.call)),
        digest_json(request.base),
        _choose_intent_kind(step),
        tuple(kind.list_acts(request)),
        PreviousObject(digest_json(request.base), _write_masked_body(step, kind, masker)),
        # What would hold a secret is left out: a person settles such a step.
        trace if masker(trace) == trace else "",
    )


def _choose_intent_kind(step: Step) -> IntentKind:
    if step.action is Action.DENY:
        return IntentKind.IRREVERSIBLE
    return IntentKind.CREATE if step.action is Action.CREATE else IntentKind.REPEATABLE


def _write_trace(step: Step, request: Request, kind: Kind) -> str:
    outline = kind.outline(request)
    members = {
        "kind": step.address.kind,
        "name": step.address.name,
        "action": step.action.value,
        "call": encode_call(outline.call),
        "outline_base": outline.base,
        "base": None if request.base is None else _digest_marks(kind.select_marks(request.base)),
        "expect": _digest_marks(kind.select_marks(request.expect)),
        "acts": kind.list_acts(request),
    }
    return json.dumps(members, sort_keys=True, separators=(",", ":"))


def _digest_marks(marks: Mapping[str, Json]) -> dict[str, str]:
    return {name: digest_json(value) for name, value in marks.items()}


def read_trace(text: str) -> Trace | None:
    """Return the trace of an intent, None if it has none that this version reads."""
    try:
        members: dict[str, Any] = json.loads(text)
        call = members["call"]
        outline = Request(
            Call("", call["method"], call["path"], call["body"], tuple(call["query"].items()), call["version"]),
            members["outline_base"],
            {},
        )
        names = (str(members["kind"]), str(members["name"]))
        return Trace(*names, Action(members["action"]), outline, members["base"], members["expect"], members["acts"])
    # Whoever can write to the store can write anything there.
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def identify_object(step: Step, kind: Kind) -> str:
    """Return a key that is equal for steps of all runs that are about one object."""
    outline = kind.outline(step.request) if step.request else None
    return key_outline(step.address.kind, outline) if outline else ""


def key_outline(kind: str, outline: Request) -> str:
    """Return the key of the object that an outline finds."""
    return digest_json([kind, outline.call.path, outline.call.query, outline.call.body])


def recognize_marks(trace: Trace, live: Json, kind: Kind) -> Iterator[tuple[str, SettledAs | None]]:
    """Yield for each act, or for "" as the whole, what the object shows: applied, not applied as long as it stays so,
    or None where it is neither what was expected nor what was there before.
    """
    found = None if live is None else _digest_marks(kind.normalize(live))
    if not trace.acts:
        yield "", _compare_marks(trace.base, trace.expect, found)
    for act, mark in trace.acts.items():
        base, expect = trace.base or {}, trace.expect
        yield act, _compare_marks({mark: base.get(mark, "")}, {mark: expect.get(mark, "")}, found)


def _compare_marks(
    base: Mapping[str, str] | None, expect: Mapping[str, str], found: Mapping[str, str] | None
) -> SettledAs | None:
    if found is None:
        return SettledAs.NOT_APPLIED if base is None else None
    is_expected = all(found.get(name) == digest for name, digest in expect.items())
    is_base = base is not None and all(found.get(name) == digest for name, digest in base.items())
    if is_expected == is_base:
        return None
    return SettledAs.APPLIED if is_expected else SettledAs.NOT_APPLIED


def build_results(run: str, number: int, outcome: Outcome, kind: Kind) -> tuple[IntentResult, ...]:
    """Return what is recorded of an outcome: one result, or one for each act of a step whose acts ended differently."""
    request, detail = outcome.step.request, outcome.detail[:_MAX_DETAIL]
    acts = list(kind.list_acts(request)) if request else []
    # One ruling a change, and the changes of acts come first, in their order (`Kind.settle`).
    verdicts = dict(zip(acts, outcome.verdicts, strict=False)) or {"": outcome.verdict}
    return tuple(
        IntentResult(
            run,
            number,
            _SETTLED_AS.get(verdict, SettledAs.NOT_APPLIED),
            SettledBy.ANSWER,
            run,
            detail,
            act,
            request_id=outcome.request_id,
        )
        for act, verdict in verdicts.items()
    )


class RecordedBody(NamedTuple):
    """What a step showed when it was recorded.

    `identity` are the fields of a spec that find its object, empty where something `is_masked`: what a secret was in
    the place of nobody knows any more.
    """

    action: Action
    source: Source
    object: str
    subjects: tuple[Subject, ...]
    changes: tuple[Change, ...]
    identity: Mapping[str, Json]
    is_masked: bool


def read_recorded_body(text: str) -> RecordedBody | None:
    """Return what is remembered of a step, None where that is nothing which this version reads."""
    try:
        members: dict[str, Any] = json.loads(text)
        return RecordedBody(
            Action(members["action"]),
            parse_source(members["source"]),
            str(members["object"]),
            tuple(map(decode_subject, members["subjects"])),
            tuple(map(decode_change, members["changes"])),
            dict(members["identity"]),
            bool(members["masked"]),
        )
    # Whoever can write to the store can write anything there.
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _write_masked_body(step: Step, kind: Kind, masker: SecretMasker) -> str:
    request = step.request
    # What is created or denied has no way back.
    has_way_back = request is not None and request.base is not None and step.action is not Action.DENY
    identity = kind.name_object(request) if request and has_way_back else {}
    body = _write_body(step, identity, is_masked=False)
    # Nearly every step takes this way.
    return body if masker(body) == body else masker(_write_body(masker.mask_step(step), {}, is_masked=True))


def _write_body(step: Step, identity: Mapping[str, Json], *, is_masked: bool) -> str:
    """Return what people read of a step later, and what a way back is made of unless something in it is masked."""
    members = {
        "action": step.action.value,
        "risk": step.risk.value,
        "source": str(step.source),
        "object": step.object,
        "subjects": [encode_subject(subject) for subject in step.subjects],
        "changes": [encode_stored_change(change) for change in step.changes],
        "identity": identity,
        "masked": is_masked,
    }
    return json.dumps(members, sort_keys=True, separators=(",", ":"))
