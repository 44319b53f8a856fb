"""What an earlier revision declared and the manifests no longer do: told, and no part of a plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reconciler.diagnostics import Address
from reconciler.model import Json
from reconciler.plans.serial import parse_source
from reconciler.plans.withdrawals import Withdrawal
from reconciler.reports.layout import Layout, Line, build_line, format_count, render_parts

if TYPE_CHECKING:
    from reconciler.engine.pipeline import BaseComparison

MAX_WITHDRAWALS = 50
"""Documents that the text names."""

_MAX_NAMED = 3
"""Objects of a document that the text names."""


def encode_base(base: BaseComparison | None) -> dict[str, Json]:
    """Return the members of a document that compares with a revision; none where no revision was given."""
    if base is None:
        return {}
    return {
        "base": {"revision": base.revision.ref, "commit": base.revision.commit, "whole": not base.revision.notes},
        "no_longer_declared": [_encode_withdrawal(withdrawal) for withdrawal in base.withdrawals],
    }


def _encode_withdrawal(withdrawal: Withdrawal) -> dict[str, Json]:
    return {
        "address": withdrawal.address._asdict(),
        "source": str(withdrawal.source),
        "document": "gone" if withdrawal.is_whole else "changed",
        "objects": list(withdrawal.objects),
        "existing": withdrawal.existing,
    }


def decode_withdrawal(members: Mapping[str, Any]) -> Withdrawal:
    """Return one of the members of `encode_base`; raises KeyError, TypeError, ValueError for anything else."""
    objects, existing = members["objects"], members["existing"]
    texts = (*members["address"].values(), members["source"], *objects)
    # bool is a kind of int to Python.
    if not all(isinstance(text, str) for text in texts) or (existing is not None and type(existing) is not int):
        raise TypeError("what is no longer declared is told in texts, and counted")
    is_whole = {"gone": True, "changed": False}[members["document"]]
    source = parse_source(members["source"])
    return Withdrawal(Address(**members["address"]), source, is_whole, tuple(objects), existing)


def render_withdrawals(members: Mapping[str, Json], layout: Layout) -> str:
    """Return a section about them, from the members of `encode_base`; "" where no revision was given."""
    if "base" not in members:
        return ""
    withdrawals = list(map(decode_withdrawal, members["no_longer_declared"]))
    return render_parts(_render_section(members["base"], withdrawals), layout)


def _render_section(base: Mapping[str, Json], withdrawals: Sequence[Withdrawal]) -> Iterator[Line]:
    yield build_line()
    ref = base["revision"]
    if not withdrawals:
        reach = "" if base["whole"] else ", as far as it could be read"
        yield build_line(f"No longer declared since {ref}: nothing{reach}.", hang=2)
        return
    documents = sum(withdrawal.is_whole for withdrawal in withdrawals)
    objects = sum(len(withdrawal.objects) for withdrawal in withdrawals if not withdrawal.is_whole)
    parts = [format_count(documents, "document")] if documents else []
    parts += [f"{format_count(objects, 'object')} of documents that are still there"] if objects else []
    summary = ", ".join(parts)
    title = f"No longer declared since {ref}: {summary}; nothing is changed on the server"
    yield build_line((title, "bold"), hang=2)
    for withdrawal in withdrawals[:MAX_WITHDRAWALS]:
        yield build_line(f"  {withdrawal.address}", (f"  {withdrawal.source}", "dim"), _describe(withdrawal), hang=4)
    hidden = len(withdrawals) - MAX_WITHDRAWALS
    if hidden > 0:
        yield build_line((f"  ({format_count(hidden, 'more document')}, each with --format json)", "dim"))


def _describe(withdrawal: Withdrawal) -> str:
    objects, existing = withdrawal.objects, withdrawal.existing
    # A role or an event goes by its document's name.
    if objects == (withdrawal.address.name,):
        return "" if existing is None else f"  {'still exists' if existing else 'does not exist any more'}"
    facts = []
    if objects:
        more = ", ..." if len(objects) > _MAX_NAMED else ""
        facts.append(f"{format_count(len(objects), 'object')}: {', '.join(objects[:_MAX_NAMED])}{more}")
    if existing is not None:
        facts.append(f"{existing:,} of {len(objects):,} still exist")
    return f"  {'; '.join(facts)}" if facts else ""
