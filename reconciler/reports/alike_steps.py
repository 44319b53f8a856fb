"""Which steps differ in their object alone, so that what they change is told once for all of them."""

from __future__ import annotations

import json
from collections.abc import Hashable
from dataclasses import replace

from reconciler.model import Change
from reconciler.plans.masking import MaskedStep


def build_likeness_key(step: MaskedStep) -> Hashable:
    """Return what equals that of another step where both make the same changes, whichever their objects are."""
    return (step.address.target, *_list_key_parts(step))


def build_sharing_key(step: MaskedStep) -> Hashable:
    """Return what equals that of another step where both change one name alike, whichever their targets, and whichever
    lines of their layers decided it.
    """
    return (step.address.name, *_list_key_parts(forget_origins(step)))


def forget_origins(step: MaskedStep) -> MaskedStep:
    """Return a step without the lines that decided its changes."""
    if not any(change.origin for change in step.changes):
        return step
    return MaskedStep(replace(step, changes=tuple(change._replace(origin=None) for change in step.changes)))


def _list_key_parts(step: MaskedStep) -> tuple[Hashable, ...]:
    own_subjects = tuple(subject for subject in step.subjects if subject.path)
    changes = tuple(map(_build_change_key, step.changes))
    return step.address.kind, step.action, step.refusal, step.deferral, step.escalation, own_subjects, changes


def _build_change_key(change: Change) -> Hashable:
    # To Python 1 and True are equal: of texts alone a change can stand for itself, which takes a tenth of the time.
    is_text = isinstance(change.before, str | None) and isinstance(change.after, str | None)
    return change if is_text else json.dumps(change, sort_keys=True, default=str)
