"""`reconciler policy`: what the manifests demand, and whether its rules say what they are meant to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.terminal import options
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.output import CommandResult
from reconciler.errors import Exit

if TYPE_CHECKING:
    from reconciler.engine.policy_trials import PolicyTrial


@options.command()
@options.paths
@options.config
@options.output
@click.pass_obj
def test_command(
    session: Session, /, paths: tuple[str, ...], config: str | None, environment: str | None
) -> CommandResult:
    """Try policies on their own cases."""
    from reconciler.cli.terminal.snippets import read_snippets
    from reconciler.engine.policy_trials import try_policies
    from reconciler.reports.policies import render_trial

    trial = try_policies(session.inputs, paths, config, environment)
    lines = read_snippets(session, session.stdout, trial.problems)
    return CommandResult(
        Exit.INVALID if trial.problems else Exit.OK,
        lambda layout: render_trial(trial.problems, len(trial.policies), len(trial.cases), layout, lines),
        trial.problems,
        extra=_encode_trial(trial),
        # The text lists them with the lines that they stand on.
        problems_in_text=True,
        notes=trial.notes,
    )


@click.command(cls=options.ActionCommand, actions={"test": test_command})
@options.paths
@options.config
@options.output
@click.pass_obj
def command(session: Session, /, paths: tuple[str, ...], config: str | None, environment: str | None) -> CommandResult:
    """List the policies among manifests, or try them on their own cases."""
    from reconciler.engine.policy_trials import read_policies
    from reconciler.plans.policies import list_policies
    from reconciler.reports.policies import PolicyRow, render_policies

    directives, notes = read_policies(session.inputs, paths, config, environment)
    # One that names several targets is one policy.
    policies = {policy.source: policy for policy in list_policies(directives)}.values()
    rows = [
        PolicyRow(policy.address.name, policy.spec.level, policy.spec.over, policy.spec.message, str(policy.source))
        for policy in policies
    ]
    return CommandResult(
        Exit.OK,
        lambda layout: render_policies(rows, layout),
        extra={"policies": [row._asdict() for row in rows]},
        notes=notes,
    )


def _encode_trial(trial: PolicyTrial) -> dict[str, Any]:
    cases = [
        {"policy": case.policy, "name": case.name, "expected": case.expected, "result": case.result}
        for case in trial.cases
    ]
    return {"policies": [policy.address.name for policy in trial.policies], "cases": cases}
