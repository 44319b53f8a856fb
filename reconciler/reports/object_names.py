"""What a step is about, as people call it: names before numbers, since a thumbprint tells nobody anything."""

from __future__ import annotations

import re
from typing import NamedTuple

from reconciler.model import Action
from reconciler.plans.masking import MaskedStep
from reconciler.reports.perspective import View
from reconciler.sanitize import escape_invisible

_HEX = re.compile(r"[0-9A-Fa-f]{32,}")
_SHORT_HEX = 8


class ObjectDetail(NamedTuple):
    """How much is told of an object beside its name: `facts` to judge it by, and a thumbprint whole or `cut`."""

    facts: bool = True
    cut: bool = False


_WHOLE_DETAIL = ObjectDetail()


def describe_object(step: MaskedStep, view: View, detail: ObjectDetail = _WHOLE_DETAIL) -> str:
    """Say which live object a step is about, where the document's name doesn't: `a.example, expires ..  5B7E..`."""
    subjects, identity = describe_subjects(step, facts=detail.facts), describe_identity(step, view, cut=detail.cut)
    return "  ".join(filter(None, (subjects, identity)))


def describe_subjects(step: MaskedStep, *, facts: bool = True) -> str:
    """Return what the whole step is about by name, with the facts that it is judged by; "" where nothing is known."""
    texts = (
        ", ".join([subject.name or "(no name)", *(map(" ".join, subject.facts) if facts else ())])
        for subject in step.subjects
        if not subject.path and (subject.name or subject.facts)
    )
    return escape_invisible("; ".join(texts))


def describe_identity(step: MaskedStep, view: View, *, cut: bool = False) -> str:
    """Return what the server tells the object by; "" where it has no more than the document's name.

    Of an object that is missing it has nothing, though the request that creates it will call it new.
    """
    if view.from_server and step.action is Action.CREATE:
        return ""
    identity = escape_invisible(step.object.removeprefix(step.address.name).strip())
    first_word = identity.partition(" ")[0]
    if not cut or not _HEX.fullmatch(first_word):
        return identity
    return f"{first_word[:_SHORT_HEX]}.."
