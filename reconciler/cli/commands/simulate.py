"""`reconciler simulate`."""

from __future__ import annotations

import json
import time
from typing import NoReturn

import click

from reconciler.cli.terminal import options
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.output import CommandResult
from reconciler.cli.terminal.streams import write_text
from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import UsageError

_CERTIFICATE_COUNT = 200
_MOST = 9_999


@options.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0 picks a free one.")
@click.option("--certificates", type=click.IntRange(0), metavar="N", help="How many certificates there are.")
@click.option("--latency", type=click.FloatRange(0), default=0, show_default=True, metavar="MS", help="Of each answer.")
@click.option("--projects", type=click.IntRange(0, _MOST), metavar="N", help="A fleet of N CSMS projects more.")
@click.option("--instances", type=click.IntRange(0, _MOST), metavar="N", help="A fleet of N Command instances more.")
@click.option("--events", type=click.IntRange(0, 30), metavar="N", help="Of each project of the fleet; 5 unless given.")
@click.option("--ready-file", metavar="FILE", help="Written, as JSON, when it listens.")
@options.no_color
@click.pass_obj
def command(
    session: Session,
    /,
    port: int,
    certificates: int | None,
    latency: float,
    ready_file: str | None,
    **fleet: int | None,
) -> CommandResult:
    """Serve both APIs on one loopback port until stopped."""
    from reconciler.simulator import FleetSeed, Simulator
    from reconciler.state.atomic import replace_file

    ready = session.cwd / ready_file if ready_file is not None else None
    certificates = _CERTIFICATE_COUNT if certificates is None else certificates
    seed = FleetSeed(**{name: count for name, count in fleet.items() if count is not None})
    try:
        with Simulator(port, certificates, latency, fleet=seed) as simulator:
            try:
                if ready:
                    # Not before the socket listens, and in one rename: whoever waits for the file reads it whole.
                    replace_file(ready, (json.dumps(simulator.credentials, indent=2) + "\n").encode())
                write_text(
                    session.stderr,
                    f"listening on {simulator.url}; use --config {simulator.settings}; Ctrl-C stops it\n",
                )
                _wait_for_signal()
            finally:
                if ready:
                    ready.unlink(missing_ok=True)
    except OSError as error:
        cause = error.strerror or type(error).__name__
        problem = Diagnostic(
            "usage.simulator-start",
            Source("reconciler"),
            f"the simulator can't start: {cause}",
            remedy="choose another --port or --ready-file",
        )
        raise UsageError(problem) from None


def _wait_for_signal() -> NoReturn:
    while True:
        time.sleep(0.5)  # a signal ends it as KeyboardInterrupt
