"""`reconciler plan`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.context import Session
from reconciler.cli.options import Chosen
from reconciler.cli.output import Answer
from reconciler.errors import Exit, Problem, Source, UsageError

if TYPE_CHECKING:
    from reconciler.model import Plan


def run(session: Session, paths: Sequence[str], chosen: Chosen, *, out: str | None, detailed: bool) -> Answer:
    """Compare and show; save the plan if it is one that could be applied."""
    from reconciler.engine.pipeline import look
    from reconciler.reports import text
    from reconciler.reports.headline import summarize_plan

    if out is not None:
        _check_place(session.cwd / out, out)
    compared = look(session, paths, chosen)
    plan, refusals = compared.plan, compared.refusals
    exit_ = compared.exit(changes=Exit.CHANGES if detailed else Exit.OK)
    problems = refusals
    saved = False
    if out is not None:
        saved = plan.complete and not refusals
        if saved:
            _save(session, compared.plan, out)
        else:
            why = "the plan is refused" if plan.complete else "the comparison is not complete"
            problems = (*problems, Problem(Source(out), f"not written: {why}; mend what is listed and plan again"))
    told = f"\nSaved to {out}; apply it with: reconciler apply {out}\n" if saved else ""
    return Answer(
        exit_,
        lambda reader: text.render_plan(compared.shown, reader, len(refusals)) + text.sanitize_message(told),
        problems,
        compared.shown,
        extra={"saved": saved},
        headline=summarize_plan(compared.shown, len(refusals)),
    )


def _save(session: Session, plan: Plan, out: str) -> None:
    from reconciler.plans.planfile import dump_plan
    from reconciler.state.atomic import replace

    try:
        replace(session.cwd / out, dump_plan(plan, session.today))
    except OSError as error:
        raise _unwritable(out, error) from None


def _check_place(path: Path, out: str) -> None:
    """Refuse before anything is read what would be lost, or could not be written, after it."""
    if path.suffix in {".yaml", ".yml"}:
        raise UsageError(Problem(Source(out), "--out would look like a manifest; name it otherwise, such as plan.json"))
    if not out:
        raise UsageError("--out is empty, so there is nowhere to save the plan; name a file, such as plan.json")
    try:
        why = _unfit(path)
    # Before Python 3.14 pathlib's exists() raises EACCES and ENAMETOOLONG, and calls other errors False.
    except (OSError, ValueError) as error:  # no file can have that name, or nobody may look there
        why = getattr(error, "strerror", None) or "no file can be called so"
    if why:
        raise UsageError(Problem(Source(out), f"can't be written: {why}; give --out a file in a folder that exists"))


def _unfit(path: Path) -> str:
    """Say what keeps a file from being written there, "" if nothing."""
    if path.exists() and not path.is_file():
        return "is a folder" if path.is_dir() else "is not a regular file"
    return "" if path.parent.is_dir() else "its folder does not exist"


def _unwritable(out: str, error: OSError) -> UsageError:
    why = error.strerror or type(error).__name__
    return UsageError(Problem(Source(out), f"can't be written: {why}; the plan was not saved; name another place"))
