"""The commands: their options and their help. Each imports what it needs when it runs, so that `--help` is instant."""

from __future__ import annotations

from typing import Any

import click

from reconciler import __version__
from reconciler.cli import options
from reconciler.cli.context import Session
from reconciler.cli.options import HeadedGroup, SelectionOptions
from reconciler.cli.output import CommandResult, write_text

# click would measure the terminal, and what `--help` prints is kept ready made, as the same bytes everywhere.
_SETTINGS: dict[str, Any] = {"help_option_names": ["--help", "-h"], "terminal_width": 80}


def _show_version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        write_text(context.obj.stdout, f"reconciler {__version__}\n")
        context.exit()


# For no arguments click's own choice is the help page and exit code 2, which here means `changes`.
@click.group(cls=HeadedGroup, context_settings=_SETTINGS, no_args_is_help=False)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show the version."
)
def cli() -> None:
    """Declarative PKI governance: what a Keyfactor Command server and a Huawei Cloud CSMS project should be like,
    as YAML in Git.

    A plan is a list of requests that have not been sent yet, each with its reason and its author. Nothing is ever
    deleted, and nothing is written but by `apply`.
    """


HeadedGroup.headings = (
    ("Everyday", ("validate", "plan", "apply", "drift", "show", "export", "doctor")),
    ("Reference", ("explain", "kinds", "exit-codes", "schema")),
    ("Without a server", ("demo", "simulate")),
)


@cli.command()
@options.paths
@options.settings_and_selection
@options.output
@click.pass_obj
def validate(session: Session, /, paths: tuple[str, ...], **chosen: Any) -> CommandResult:
    """Check manifests offline: every error at once, with its position."""
    from reconciler.cli.commands import validate

    return validate.run(session, paths, SelectionOptions(**chosen))


@cli.command()
@options.paths
@click.option("--out", metavar="FILE", help="Save the plan for `apply FILE`, if it is complete and not refused.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 if there are changes.")
@options.settings_and_selection
@options.output
@click.pass_obj
def plan(
    session: Session, /, paths: tuple[str, ...], out: str | None, detailed_exitcode: bool, **chosen: Any
) -> CommandResult:
    """Show what `apply` would send. Writes nothing but --out."""
    from reconciler.cli.commands import plan

    return plan.run(session, paths, SelectionOptions(**chosen), out=out, detailed=detailed_exitcode)


@cli.command()
@click.argument("paths", nargs=-1, metavar="[PLANFILE | PATH...]")
@click.option("--yes", is_flag=True, help="Accept what the plan shows, without being asked.")
@click.option("--approve", metavar="RISKS", help="Accept only these risks: low,high,irreversible. Others are refused.")
@options.settings_and_selection
@options.output
@click.pass_obj
def apply(session: Session, /, paths: tuple[str, ...], yes: bool, approve: str | None, **chosen: Any) -> CommandResult:
    """Send a saved plan; or plan, show, ask and send."""
    from reconciler.cli.commands import apply

    return apply.run(session, paths, SelectionOptions(**chosen), yes=yes, approve=approve)


@cli.command()
@options.paths
@options.settings_and_selection
@options.output
@click.pass_obj
def drift(session: Session, /, paths: tuple[str, ...], **chosen: Any) -> CommandResult:
    """Say what is no longer as declared. Read-only; exit 2 if anything is."""
    from reconciler.cli.commands import drift

    return drift.run(session, paths, SelectionOptions(**chosen))


@cli.command()
@click.argument("planfile", metavar="PLANFILE")
@options.output
@click.pass_obj
def show(session: Session, /, planfile: str) -> CommandResult:
    """Render a saved plan."""
    from reconciler.cli.commands import show

    return show.run(session, planfile)


@cli.command()
@click.option("--kind", multiple=True, metavar="KIND", help="Only this kind. Repeatable.")
@click.option("--match", metavar="PATTERN", help="Only objects whose name matches (* and ? are wildcards).")
@options.config
@options.target
@options.no_color
@click.pass_obj
def export(session: Session, /, kind: tuple[str, ...], match: str | None, **chosen: Any) -> CommandResult:
    """Print the live state as manifests on which `plan` is empty."""
    from reconciler.cli.commands import export

    return export.run(session, SelectionOptions(**chosen), kinds=kind, match=match)


@cli.command()
@options.config
@options.target
@options.output
@click.pass_obj
def doctor(session: Session, /, **chosen: Any) -> CommandResult:
    """Examine each target: reachable, who we are, what we may do.

    Step by step, each with what to do about it. Sends GETs, and the POST of a token request where one is needed.
    """
    from reconciler.cli.commands import doctor

    return doctor.run(session, SelectionOptions(**chosen))


@cli.command()
@click.argument("subject", metavar="KIND[.field]")
@options.output
@click.pass_obj
def explain(session: Session, /, subject: str) -> CommandResult:
    """Say what a kind or a field means, and what it may hold."""
    from reconciler.cli.commands import explain

    return explain.run(session, subject)


@cli.command()
@options.output
@click.pass_obj
def kinds(session: Session, /) -> CommandResult:
    """List the kinds of manifests."""
    from reconciler.cli.commands import kinds

    return kinds.run(session)


@cli.command("exit-codes")
@options.output
@click.pass_obj
def exit_codes(session: Session, /) -> CommandResult:
    """List the exit codes and what they mean."""
    from reconciler.cli.commands import exit_codes

    return exit_codes.run(session)


@cli.command()
@click.option("--write", metavar="DIR", help="Write one file a schema.")
@click.option("--check", metavar="DIR", help="Exit 4 if the files there are not what --write would write.")
@options.no_color
@click.pass_obj
def schema(session: Session, /, write: str | None, check: str | None) -> CommandResult:
    """Print the JSON Schemas of all kinds, the settings, plans and reports."""
    from reconciler.cli.commands import schema

    return schema.run(session, write=write, check=check)


@cli.command()
@options.no_color
@click.pass_obj
def demo(session: Session, /) -> CommandResult:
    """Tell the whole story on the simulator, from an empty plan to a repaired drift."""
    from reconciler.cli import main
    from reconciler.cli.commands.demo import run

    return CommandResult(run(session, main))


@cli.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0 picks a free one.")
@click.option("--certificates", type=click.IntRange(0), metavar="N", help="How many certificates there are.")
@click.option("--latency", type=click.FloatRange(0), default=0, show_default=True, metavar="MS", help="Of each answer.")
@click.option("--ready-file", metavar="FILE", help="Written, as JSON, when it listens.")
@options.no_color
@click.pass_obj
def simulate(
    session: Session, /, port: int, certificates: int | None, latency: float, ready_file: str | None
) -> CommandResult:
    """Serve both APIs on one loopback port until stopped."""
    from reconciler.cli.commands import simulate

    return simulate.run(session, port=port, certificates=certificates, latency=latency, ready_file=ready_file)
