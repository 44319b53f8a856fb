"""What a command has to say when it is done. It is printed once, from here, and the code comes last."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from errno import EAGAIN
from io import RawIOBase
from os import strerror
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from reconciler.errors import Exit, Problem

if TYPE_CHECKING:
    from reconciler.cli.context import Session
    from reconciler.model import Outcome, Plan
    from reconciler.reports.layout import Layout


def _nothing(_: Layout) -> str:
    return ""


class Answer(NamedTuple):
    """An outcome with its result: `text` draws it for stdout, the rest goes into the JSON document.

    `problems` are told on stderr, unless the text itself lists them (`listed`). `extra` are the command's own members
    of the document. `headline` is the result in one line, for stderr where stdout is a document.
    """

    exit: Exit
    text: Callable[[Layout], str] = _nothing
    problems: tuple[Problem, ...] = ()
    plan: Plan | None = None
    outcomes: Sequence[Outcome] = ()
    extra: Mapping[str, Any] = {}
    listed: bool = False
    headline: str = ""


def deliver(session: Session, command: str, answer: Answer) -> Exit:
    """Print an answer: the result to stdout, all else to stderr, the exit code's name last; returns the code.

    With a document on stdout, stderr still says what a person needs who has only the log: the headline, what to mend.

    Everything is drawn before the first byte leaves, so that a fault in drawing can still be told properly. A result
    that could not be written whole is no success, whatever it says: half an export looks like a whole one.
    """
    result = _document(session, command, answer) if session.json else answer.text(session.look(session.stdout))
    aside = (_headline(answer) if session.json else "") + _aside(session, answer)
    exit_ = answer.exit
    if lost := write(session.stdout, result):
        aside += f"stdout: can't be written: {lost}; the result is incomplete; make room or name another place\n"
        exit_ = exit_ if exit_ not in {Exit.OK, Exit.CHANGES} else Exit.USAGE
    write(session.stderr, f"{aside}exit {int(exit_)}: {exit_.word}\n")
    return exit_


def deliver_plainly(session: Session, command: str, answer: Answer) -> None:
    """Print an answer that holds only problems of our own making, with nothing that could fail on the way."""
    if session.json:
        write(session.stdout, _document(session, command, answer))
    aside = "" if session.json else "".join(f"{problem}\n" for problem in answer.problems)
    write(session.stderr, f"{aside}exit {int(answer.exit)}: {answer.exit.word}\n")


def write(stream: TextIO, text: str) -> str:
    """Write and flush; what the stream can't encode is spelled out, and a reader who has gone is no fault.

    Returns why not all of it could be written, or "".
    """
    encoding = stream.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        # A stream is ASCII or Latin-1 under PYTHONIOENCODING or an old locale.
        text = text.encode(encoding, "backslashreplace").decode(encoding)
    try:
        _whole(stream, text, encoding)
    # Python ignores SIGPIPE, so a reader such as `head` that has had enough shows as EPIPE.
    except BrokenPipeError:
        pass
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


def _whole(stream: TextIO, text: str, encoding: str) -> None:
    """Write all of a text. With PYTHONUNBUFFERED a stream would drop what a signal or a full disk leaves over."""
    raw = getattr(stream, "buffer", None)
    # Only an unbuffered stream has a raw one here; TextIOWrapper takes no notice of how much its write() took.
    if not isinstance(raw, RawIOBase):
        stream.write(text)
        stream.flush()
        return
    left = memoryview(text.encode(encoding))
    while left:
        written = raw.write(left)
        # A descriptor that would block. O_NONBLOCK belongs to the open file, which is shared with whoever passed it
        # on: another process can have set it.
        if written is None:
            raise BlockingIOError(EAGAIN, strerror(EAGAIN))
        left = left[written:]


def _document(session: Session, command: str, answer: Answer) -> str:
    from reconciler.reports.json_document import build_report, render_json

    encoding = (session.stdout.encoding or "utf-8").lower().replace("-", "")
    shape = build_report(command, answer.exit, answer.plan, answer.outcomes, answer.problems, **answer.extra)
    return render_json(shape, ascii_only=encoding not in {"utf8", "utf8sig"})


def _headline(answer: Answer) -> str:
    """Where stdout goes into a file, a log would say nothing else of what a comparison came to."""
    if not answer.headline:
        return ""
    from reconciler.reports.text import sanitize_message

    return sanitize_message(f"{answer.headline}\n")


def _aside(session: Session, answer: Answer) -> str:
    """What goes with a result: notes, and everything that has to be mended."""
    plan = answer.plan
    found = () if answer.listed and not session.json else answer.problems
    if plan:
        found = (*found, *plan.problems, *(gap.problem for gap in plan.gaps))
    if not found and not (plan and plan.notes):
        return ""
    from reconciler.cli.snippets import snippets
    from reconciler.reports.problems import render_notes, render_problems

    look = session.look(session.stderr)
    told = render_notes(plan.notes, look) if plan else ""
    manifests = plan.problems if plan else found if answer.exit is Exit.INVALID else ()
    return told + render_problems(found, look, snippets(session, session.stderr, manifests))
