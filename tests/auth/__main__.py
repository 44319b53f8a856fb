"""`python -m tests.auth` prints what every way to log in does in every situation, for the release notes."""

from __future__ import annotations

import sys

from tests.support.login_methods import WAYS
from tests.support.login_runs import SITUATIONS, run


def table() -> str:
    """Return the matrix in Markdown, a line a situation and message; equal lines are told once."""
    lines = ["| situation | way | exit | message |", "|---|---|---|---|"]
    for situation in SITUATIONS:
        told: dict[tuple[int, str], list[str]] = {}
        for way in WAYS:
            if situation.concerns(way):
                outcome = run(way, situation)
                told.setdefault((outcome.code, _plain(outcome.message)), []).append(way.name)
        for (code, message), names in told.items():
            lines.append(f"| {situation.name} | {' / '.join(names)} | {code} | {message or '-'} |")
    return "\n".join(lines)


def _plain(message: str) -> str:
    """Leave out which request it was, and shorten what a gateway recites."""
    words = message.split(": ", 1)[-1]
    return (words if len(words) < 400 else words[:397] + "...").replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
