"""Options that several commands share, and how `--help` and the order of the commands look."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reconciler.cli.terminal.completion_values import (
    complete_environments,
    complete_objects,
    complete_reports,
    complete_revisions,
    complete_targets,
)
from reconciler.cli.terminal.durations import Duration
from reconciler.cli.terminal.file_names import mark_file_names
from reconciler.cli.terminal.fleet_options import JobsType, parse_shard_option
from reconciler.cli.terminal.streams import write_text

if TYPE_CHECKING:
    from reconciler.rights import RightsDemand

F = TypeVar("F", bound=Callable[..., Any])


def _show_help(context: click.Context, _: click.Parameter, value: bool) -> None:
    # Set while a shell completes a line: nothing may be printed then.
    if value and not context.resilient_parsing:
        write_text(context.obj.stdout, context.get_help() + "\n")
        context.exit()


class SessionCommand(click.Command):
    """A command whose help goes to the session's stdout."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        mark_file_names(self.params)

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        # click's own callback prints to sys.stdout, whatever the session's stream is.
        if option:
            option.callback = _show_help
        return option

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; where something is to be written beside its result, the places are looked at first."""
        session = ctx.obj
        # What the engine may know is only asked for where it is needed: that takes imports.
        if session.traffic.trace is not None or session.reports.wishes:
            _check_places(session, ctx.params)
        return super().invoke(ctx)


def _check_places(session: Any, params: Mapping[str, Any]) -> None:
    from reconciler.cli.terminal.destinations import list_neighbour_files

    neighbours = list_neighbour_files(session.inputs, params)
    reports, traces = session.reports.list_paths(session.cwd), [session.traffic.trace] * bool(session.traffic.trace)
    session.traffic.open_trace(session.inputs, neighbours._replace(files=[*neighbours.files, *reports]))
    trace_paths = [session.cwd / trace for trace in traces]
    session.reports.open_files(session.cwd, neighbours._replace(files=[*neighbours.files, *trace_paths]))


class ActionCommand(SessionCommand):
    """A command whose first word may be one of its own actions, as in `history verify FILE`."""

    def __init__(self, *args: Any, actions: Mapping[str, click.Command], **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.actions = actions

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Return the context of the action that is named first, or else of the command itself."""
        if args and (action := self.actions.get(args[0])):
            return action.make_context(f"{info_name} {args[0]}", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Actions"):
            formatter.write_dl([(name, action.get_short_help_str(90)) for name, action in self.actions.items()])


Headings = tuple[tuple[str, tuple[str, ...]], ...]
"""What stands over the commands in the help, and their names."""


class LazyCommands(dict[str, click.Command]):
    """Commands by name; each is loaded when it is looked up."""

    def __init__(self, names: Iterable[str], load: Callable[[str], click.Command]) -> None:
        super().__init__(dict.fromkeys(names, click.Command(None)))
        self._load = load

    def __getitem__(self, name: str) -> click.Command:
        if name not in self:
            raise KeyError(name)
        return self._load(name)

    def get(self, name: str, default: Any = None) -> Any:
        """Return a command, loaded."""
        try:
            return self[name]
        except KeyError:
            return default


class LazyGroup(click.Group):
    """Commands under headings, in their order; each is loaded when it is run, completed or described."""

    def __init__(self, *args: Any, headings: Headings, load: Callable[[str], click.Command], **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._headings = headings
        self.commands = LazyCommands((name for _, names in headings for name in names), load)

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option:
            option.callback = _show_help
        return option

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        # click sorts them by name.
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        for heading, names in self._headings:
            with formatter.section(heading):
                formatter.write_dl([(name, self.commands[name].get_short_help_str(90)) for name in names])


command = partial(click.command, cls=SessionCommand)
"""Declares a command."""


def combine_options(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Apply options in the order in which the help lists them."""

    def decorate(function: F) -> F:
        # The lowest decorator is applied first, and click lists the last one applied first.
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


config_file = click.option("--config", metavar="FILE", help="Settings file; ./reconciler.yaml if not given.")
config = combine_options(
    config_file,
    click.option(
        "--environment",
        metavar="NAME",
        help="An environment of the settings: its layers of manifests, its targets, its limits.",
        shell_complete=complete_environments,
    ),
)
target = click.option(
    "--target",
    multiple=True,
    metavar="NAME",
    help="Only this target of the settings. Repeatable.",
    shell_complete=complete_targets,
)
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
lock_timeout = click.option(
    "--lock-timeout",
    type=Duration(),
    default=0.0,
    show_default="0s",
    metavar="TIME",
    help="Wait so long for a target that another run holds, such as 5m.",
)
same_manifests = click.option(
    "--same-manifests", is_flag=True, help="Refuse a saved plan where the manifests here are not those of the plan."
)
max_plan_age = click.option(
    "--max-plan-age",
    type=Duration(),
    metavar="TIME",
    help="Take a saved plan up to this age, such as 72h, whatever the settings and itself say.",
)
report = click.option(
    "--report",
    multiple=True,
    metavar="FORMAT=FILE",
    expose_value=False,  # the session knows them: a usage error has to be reported too
    shell_complete=complete_reports,
    help="Write the result to FILE too, or to stdout (-): json, markdown, html, junit, sarif, prometheus, "
    "github, gitlab. Repeatable.",
)
full = click.option("--full", is_flag=True, help="Each request whole, with headers and body; nothing grouped or cut.")
no_state = click.option(
    "--no-state", is_flag=True, help="Do without what is remembered between runs: nothing of it is read or written."
)


def _choose_rights_demand(_context: click.Context, _parameter: click.Parameter, value: bool) -> RightsDemand:
    from reconciler.rights import RightsDemand

    return RightsDemand.GUARDS if value else RightsDemand.REPORT


no_rights = click.option(
    "--no-rights",
    "rights",
    is_flag=True,
    callback=_choose_rights_demand,
    help="Don't read all roles to say who gains and who loses which rights; the plan says so. "
    "Where a step may lock somebody out they are read all the same.",
)
base = click.option(
    "--base",
    metavar="GITREF",
    shell_complete=complete_revisions,
    help="Name what this revision of the manifests declared and they no longer do; main... is the merge base.",
)


def _set_link(context: click.Context, _: click.Parameter, value: str | None) -> None:
    if not context.resilient_parsing:
        context.obj.alerts.arm(value)


link = click.option(
    "--link",
    metavar="URL",
    expose_value=False,  # the session knows it: whoever is told is told when the run is over
    callback=_set_link,
    help="Where people read on that `notify:` tells of this run; the CI job's own page if not given.",
)


def _set_otlp(context: click.Context, _: click.Parameter, value: str | None) -> None:
    if not context.resilient_parsing:
        context.obj.telemetry.arm(value, context.obj.env)


otlp = click.option(
    "--otlp",
    metavar="ENDPOINT",
    expose_value=False,  # the session knows it, and is told what the run goes through
    callback=_set_otlp,
    help="Send a trace of the run to this OpenTelemetry collector; that of OTEL_EXPORTER_OTLP_ENDPOINT if not given.",
)


def _set_verbose(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        context.obj.traffic.is_verbose = True


def _set_trace(context: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None and not context.resilient_parsing:
        context.obj.traffic.trace = value


traffic = combine_options(
    click.option(
        *("-v", "--verbose"),
        is_flag=True,
        expose_value=False,  # the session knows it, and hands it to whoever connects
        callback=_set_verbose,
        help="One line on stderr for each request, when it is answered.",
    ),
    click.option(
        "--trace",
        metavar="FILE",
        expose_value=False,
        callback=_set_trace,
        help="Write all requests and answers to FILE, without secrets: an HTTP Archive (HAR), which browsers open.",
    ),
)
split = click.option(
    "--split",
    type=click.Choice(["kind", "owner", "object"]),
    metavar="kind|owner|object",
    help="What has a file of its own: a kind, if not given; an owner of certificates; each object.",
)
tables = click.option("--csv", is_flag=True, help="Owners as tables: thumbprint, owner, and the name for people.")
fleet = combine_options(
    click.option(
        "--jobs",
        type=JobsType(),
        metavar="N",
        help="Each target in a process of its own, N at once; auto: eight, or two for each core.",
    ),
    click.option(
        "--shard",
        metavar="I/N",
        callback=parse_shard_option,
        help="Only part I of N parts of the targets, counted from 0 or from 1; `merge` makes one report of all.",
    ),
)
paths = click.argument("paths", nargs=-1, metavar="[PATH]...")
selection = combine_options(
    click.option(
        "--only",
        multiple=True,
        metavar="KIND[/NAME]",
        help="Only objects of this kind, and of this name (* and ? are wildcards). Repeatable.",
        shell_complete=complete_objects,
    ),
    click.option(
        "--exclude",
        multiple=True,
        metavar="KIND[/NAME]",
        help="All but these. Repeatable.",
        shell_complete=complete_objects,
    ),
    click.option(
        "--label", multiple=True, metavar="KEY=VALUE", help="Only documents with this label. Repeatable: all."
    ),
    target,
)
settings_and_selection = combine_options(config, selection)
