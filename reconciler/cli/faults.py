"""A bug as a user sees it: where it is, and nothing that it held."""

from __future__ import annotations

from pathlib import PurePath

from reconciler.errors import Problem, Source


def describe_internal_error(fault: BaseException) -> Problem:
    """Name the place of a fault. An exception's own text may quote a secret, so it is left out."""
    location, trace = "", fault.__traceback__
    while trace:
        file = PurePath(trace.tb_frame.f_code.co_filename)
        if "reconciler" in file.parts:
            location = f" at {'/'.join(file.parts[-2:])}:{trace.tb_lineno}"
        trace = trace.tb_next
    return Problem(Source("internal"), f"{type(fault).__name__}{location}; please report")
