"""From argv to an exit code. Whatever happens inside a command, it ends here: one answer, one code, no traceback."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import TextIO

import click

from reconciler.cli.commands import cli
from reconciler.cli.context import Session
from reconciler.cli.faults import internal
from reconciler.cli.output import Answer, deliver, deliver_plainly, write
from reconciler.errors import Exit, Problem, ReconcilerError, Source

_COMMAND_LINE = Source("command line")
_BROKEN_OFF = f"the report was broken off and may be incomplete\nexit {Exit.INTERRUPTED:d}: {Exit.INTERRUPTED.word}\n"


def main(argv: Sequence[str], env: Mapping[str, str] | None, stdout: TextIO, stderr: TextIO, stdin: TextIO) -> int:
    """Run one command, print its answer, and return its exit code. Nothing is raised."""
    session = Session(
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        # Read once: what `expires` today must not expire in the middle of a run that passes midnight.
        now=time.time(),
        given=env,
        json=_wants_json(argv),
        plain="--no-color" in argv,
    )
    with session.stops.heard():
        return _run(argv, session)


def _run(argv: Sequence[str], session: Session) -> int:
    command = next((word for word in argv if word in cli.commands), "reconciler")
    try:
        answer = _answered(argv, session)
    except click.exceptions.Exit as shown:  # --help and --version: nothing was run
        return shown.exit_code
    session.stops.telling()
    try:
        return int(deliver(session, command, answer))
    except KeyboardInterrupt:  # somebody insists, as where nobody reads what is written
        write(session.stderr, _BROKEN_OFF)
        return int(Exit.INTERRUPTED)
    except Exception as fault:  # noqa: BLE001 - a report that can't be drawn is a bug, and has to be told as one
        answer = Answer(Exit.INTERNAL, problems=(internal(fault),))
        deliver_plainly(session, command, answer)
    return int(answer.exit)


def _answered(argv: Sequence[str], session: Session) -> Answer:
    """Run the command; every way in which it can end becomes an answer."""
    try:
        # Not click's main(): it prints errors itself and exits with 2 for a usage error, which here means `changes`.
        with cli.make_context("reconciler", list(argv), obj=session) as context:
            answer: Answer = cli.invoke(context)
            return answer
    except ReconcilerError as error:
        return Answer(error.exit, problems=error.problems)
    except click.ClickException as error:
        return Answer(Exit.USAGE, problems=(Problem(_COMMAND_LINE, _usage(error)),))
    except (KeyboardInterrupt, click.Abort):
        return Answer(Exit.INTERRUPTED)
    # A RuntimeError, raised for --help: the clause below would take it for a bug.
    except click.exceptions.Exit:
        raise
    except Exception as fault:  # noqa: BLE001 - the last resort: no traceback reaches a user
        return Answer(Exit.INTERNAL, problems=(internal(fault),))


def _usage(error: click.ClickException) -> str:
    """Say what is wrong with the command line, and where to read on."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "reconciler"
    said = error.format_message().strip().rstrip(".")
    # Some releases of click put their suggestion in parentheses, some don't.
    said = re.sub(r"\.?\s*\(?(Did you mean [^?]*\?)\)?$", r"; \1", said).replace("; Did", "; did")
    return f"{said[:1].lower()}{said[1:]}; nothing was done; see `{path} --help`"


def _wants_json(argv: Sequence[str]) -> bool:
    """Read --format even where the rest can't be parsed: a usage error is answered in the format asked for."""
    chosen = ""
    for at, word in enumerate(argv):
        # From here on all words are operands (POSIX, Utility Syntax Guidelines, 10).
        if word == "--":
            break
        if word == "--format":
            # No break: where an option is repeated, click takes the last one.
            chosen = argv[at + 1] if at + 1 < len(argv) else ""
        elif word.startswith("--format="):
            chosen = word.removeprefix("--format=")
    return chosen == "json"
