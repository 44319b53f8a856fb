"""What explanations read like, for tests that look at words."""

from __future__ import annotations

from reconciler.diagnostics import Explanation


def read_words(explanation: Explanation | None) -> str:
    """Return the words as they are printed; "" where there is nothing to explain."""
    return explanation.message if explanation else ""
