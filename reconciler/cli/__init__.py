"""The command line: argv to one small function a command to an exit code. The only place that prints.

Nothing is imported here until it is needed; a command imports what it needs when it runs.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn, TextIO

from reconciler.cli.help_text import HELP_TEXT

if TYPE_CHECKING:
    from types import FrameType

    from reconciler.engine.timing import Timing

__all__ = ["entry", "main"]


def main(
    argv: Sequence[str],
    env: Mapping[str, str] | None = None,
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
    stdin: TextIO | None = None,
    timing: Timing | None = None,
) -> int:
    """Run one command, or show what there is, and return the exit code.

    Streams, environment and time are the process's own unless given.
    """
    out, err = _choose_stream(stdout, sys.stdout), _choose_stream(stderr, sys.stderr)
    # click takes 40 ms to print a help page, of which the interpreter's own start is 10.
    if list(argv) in (["--help"], ["-h"], []):
        from reconciler.cli.terminal.streams import write_text

        write_text(out, HELP_TEXT)
        return 0
    from reconciler.cli import dispatch

    return dispatch.run_command_line(argv, env, out, err, _choose_stream(stdin, sys.stdin), timing)


def entry() -> NoReturn:
    """Run the process's own command line and exit with the outcome's code."""
    import gc
    import os
    import signal

    from reconciler.engine.interrupts import set_stop_handler

    code: int | None = None

    def stop(number: int, frame: FrameType | None) -> None:
        if code is not None:
            # os._exit() flushes nothing; every write has been flushed by itself.
            os._exit(code)  # all is told, and what is left is only tidying up
        signal.default_int_handler(number, frame)

    # Measured: 100,000 records are loaded and validated in 2.8 s with the default, in 0.54 s with a raised threshold.
    gc.set_threshold(100_000, 50, 100)  # long lists of plain rows are no cycles, and looking for some takes seconds
    set_stop_handler(stop)  # a stop is a stop, whoever sends it
    # Public, by pydantic's page on plugins. Without it whatever package of this environment says that it is a plugin
    # is searched for, which takes a tenth of a short run, and would see each value that is validated.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # noqa: TID251 - for a library, and none of ours reads it
    try:
        code = main(sys.argv[1:])
    except KeyboardInterrupt:  # before there was anything to interrupt, or after it
        code = 130
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            if code == 130:  # what is not out by now was broken off
                _redirect_to_null(stream.fileno())
            stream.flush()
        except OSError:  # the reader has gone, or the disk is full; let the interpreter find nothing more to flush
            _redirect_to_null(stream.fileno())
    # Measured: to take the modules down costs a sixth of a short run. Every `with` has ended by now, and meanwhile the
    # interpreter would let a signal take the code away.
    os._exit(code)


def _choose_stream(explicit: TextIO | None, inherited: TextIO | None) -> TextIO:
    """Return the stream that is given, or the process's own; one that the process was started without holds nothing."""
    if stream := explicit or inherited:
        return stream
    from io import StringIO

    return StringIO()


def _redirect_to_null(descriptor: int) -> None:
    import os

    null = os.open(os.devnull, os.O_WRONLY)
    # The advice of Python's `signal` page on SIGPIPE. Otherwise the interpreter fails to flush at its own exit,
    # prints that, and turns the exit code into 120.
    os.dup2(null, descriptor)
    os.close(null)
