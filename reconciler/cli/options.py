"""Options that several commands share, and how `--help` and the order of the commands look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import click

from reconciler.cli.output import write_text

F = TypeVar("F", bound=Callable[..., Any])


class SelectionOptions(NamedTuple):
    """Which settings and which of the declared objects: the same four filters everywhere."""

    config: str | None = None
    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    label: tuple[str, ...] = ()
    target: tuple[str, ...] = ()


def _show_help(context: click.Context, _: click.Parameter, value: bool) -> None:
    # Set while a shell completes a line: nothing may be printed then.
    if value and not context.resilient_parsing:
        write_text(context.obj.stdout, context.get_help() + "\n")
        context.exit()


class SessionCommand(click.Command):
    """A command whose help goes to the session's stdout."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        # click's own callback prints to sys.stdout, whatever the session's stream is.
        if option:
            option.callback = _show_help
        return option


class HeadedGroup(click.Group):
    """Commands in the order in which they are declared, under headings."""

    command_class = SessionCommand
    headings: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option:
            option.callback = _show_help
        return option

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        # click sorts them by name.
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        for heading, names in self.headings:
            with formatter.section(heading):
                # click's limit is 45 characters, beyond which it cuts a sentence and adds dots.
                formatter.write_dl([(name, self.commands[name].get_short_help_str(90)) for name in names])


def combine_options(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Apply options in the order in which the help lists them."""

    def decorate(function: F) -> F:
        # The lowest decorator is applied first, and click lists the last one applied first.
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


config = click.option("--config", metavar="FILE", help="Settings file; ./reconciler.yaml if not given.")
target = click.option("--target", multiple=True, metavar="NAME", help="Only this target of the settings. Repeatable.")
output_format = click.option(
    "--format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    expose_value=False,  # the session knows it: a usage error has to be answered in it too
    help="json: stdout is one document, whatever happens.",
)
no_color = click.option("--no-color", is_flag=True, expose_value=False, help="No colour, as with NO_COLOR set.")
output = combine_options(output_format, no_color)
paths = click.argument("paths", nargs=-1, metavar="[PATH]...")
selection = combine_options(
    click.option(
        "--only",
        multiple=True,
        metavar="KIND[/NAME]",
        help="Only objects of this kind, and of this name (* and ? are wildcards). Repeatable.",
    ),
    click.option("--exclude", multiple=True, metavar="KIND[/NAME]", help="All but these. Repeatable."),
    click.option(
        "--label", multiple=True, metavar="KEY=VALUE", help="Only documents with this label. Repeatable: all."
    ),
    target,
)
settings_and_selection = combine_options(config, selection)
