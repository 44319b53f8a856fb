"""What an earlier revision declared and the manifests no longer do: told, and no part of a plan."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.engine.pipeline import BaseComparison
from reconciler.model import Json
from reconciler.plans.withdrawals import Withdrawal
from reconciler.reports.layout import Layout, Line, build_line, format_count, render_parts

MAX_WITHDRAWALS = 50
"""Documents that the text names."""

_MAX_NAMED = 3
"""Objects of a document that the text names."""


def encode_base(base: BaseComparison | None) -> dict[str, Json]:
    """Return the members of a document that compares with a revision; none where no revision was given."""
    if base is None:
        return {}
    return {
        "base": {"revision": base.revision.ref, "commit": base.revision.commit},
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


def render_withdrawals(base: BaseComparison | None, layout: Layout) -> str:
    """Return a section about them; "" where no revision was given."""
    return render_parts(_render_section(base), layout) if base else ""


def _render_section(base: BaseComparison) -> Iterator[Line]:
    yield build_line()
    ref, withdrawals = base.revision.ref, base.withdrawals
    if not withdrawals:
        reach = ", as far as it could be read" if base.revision.notes else ""
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
