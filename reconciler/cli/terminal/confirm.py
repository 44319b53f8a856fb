"""Who accepts a plan: a flag that names risks, or a person at a terminal who types a word."""

from __future__ import annotations

from collections import Counter

from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.streams import write_text
from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import UsageError
from reconciler.model import Plan, Risk
from reconciler.reports.layout import format_count, sanitize_message


def parse_approved_risks(approve: str | None) -> frozenset[Risk]:
    """Return the risks that --approve names; all of them without it. Raises UsageError."""
    if approve is None:
        return frozenset(Risk)
    words = [word.strip() for word in approve.split(",")]
    unknown = [word for word in words if word not in {risk.value for risk in Risk}]
    if unknown:
        problem = Diagnostic(
            "usage.unknown-risk",
            Source("reconciler"),
            f"--approve {approve}: {unknown[0]!r} is no risk",
            "nothing was sent",
            "name any of low,high,irreversible, with commas between them",
        )
        raise UsageError(problem)
    return frozenset(Risk(word) for word in words)


def ask_confirmation(session: Session, plan: Plan) -> bool:
    """Ask for the word `yes`; nothing else accepts. Raises UsageError where nobody can be asked."""
    if not session.can_ask:
        problem = Diagnostic(
            "usage.nobody-to-ask",
            Source("reconciler"),
            "apply has to be confirmed, and stdin or stderr is no terminal: nobody can be asked",
            "nothing was sent",
            "give --yes or --approve low,high, or save the plan with --out and apply the file",
        )
        raise UsageError(problem)
    changes = Counter(step.address.target for step in plan.sendable_steps)
    lines = [f"This will send {format_count(len(plan.sendable_steps), 'request')}:"]
    for name, number in sorted(changes.items()):
        bound = plan.targets.get(name)
        server = f"{bound.url} {bound.project}".rstrip() if bound else ""
        lines.append(f"  {name}  {server}  {format_count(number, 'request')}")
    if irreversible := sum(step.weight for step in plan.sendable_steps if step.risk is Risk.IRREVERSIBLE):
        lines.append(f"{format_count(irreversible, 'change')} can't be undone.")
    # input() would write the prompt to stdout, which may well be a file.
    write_text(session.stderr, sanitize_message("\n".join(lines)) + "\nType yes to apply: ")
    # readline() returns "" at the end of input: Ctrl-D says no.
    return session.stdin.readline().strip() == "yes"
