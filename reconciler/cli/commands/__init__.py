"""The commands: one file each, with its options, its help and what it runs. A file is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from reconciler import __version__
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.options import LazyGroup
from reconciler.cli.terminal.streams import write_text

HEADINGS = (
    ("Everyday", ("validate", "render", "plan", "apply", "drift", "show", "merge", "doctor", "report")),
    ("Manifests from a server", ("init", "unmanaged", "export", "adopt")),
    ("After a run", ("history", "undo", "recover", "unlock", "state")),
    ("Reference", ("explain", "kinds", "exit-codes", "schema", "completion")),
    ("Without a server", ("policy", "demo", "simulate", "selftest")),
)
"""The commands in the order of the help; each stands in the file of its name, with `_` for `-`."""


def load_command(name: str) -> click.Command:
    """Import the file of a command and return it."""
    command: click.Command = import_module(f"{__name__}.{name.replace('-', '_')}").command
    return command


def _show_version(context: click.Context, _: click.Parameter, value: bool) -> None:
    session: Session = context.obj
    if value:
        write_text(session.stdout, f"reconciler {__version__}\n")
        context.exit()


# click would measure the terminal, and what `--help` prints is kept ready made, as the same bytes everywhere.
_CONTEXT_SETTINGS: dict[str, Any] = {"help_option_names": ["--help", "-h"], "terminal_width": 80}


# For no arguments click's own choice is the help page and exit code 2, which here means `changes`.
@click.group(
    cls=LazyGroup, headings=HEADINGS, load=load_command, context_settings=_CONTEXT_SETTINGS, no_args_is_help=False
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show the version."
)
def cli() -> None:
    """Declarative PKI governance: what a Keyfactor Command server and a Huawei Cloud CSMS project should be like,
    as YAML in Git.

    A plan is a list of requests that have not been sent yet, each with its reason and its author. Nothing is ever
    deleted, and nothing is written but by `apply`.
    """
