"""What can go wrong, and the exit code that says so.

    ReconcilerError                 1 internal: only ever raised as one of these. It ends a command.
    ├── UsageError                  3 wrong flags or settings
    ├── InvalidError                4 manifests have errors
    ├── AuthError                   5 credentials missing or refused, permission missing
    ├── RefusedError                6 a limit, a protection or a guard said no
    ├── StaleError                  7 the world or the plan moved
    ├── IncompleteError            10 something could not be read, compared or written out
    ├── StateError                  - what is remembered between runs can't be read or written; it says its code itself
    └── UnreachableError           12 no answer from the server

    Exception                       what ends a request or a step, and is judged by who asked
    ├── NoReply                     no HTTP answer came; `sent` says whether the request may have left
    │   ├── UnansweredRequest       the same, with why in words (transport/failures)
    │   └── UnusableReply           something came that is no answer to be used (transport/transport)
    ├── LoggedOut                   a write's credentials were refused, and nothing was done (model)
    ├── CannotEncode                a request can't be built without losing or guessing something
    ├── UnusableJson                bytes that are no JSON to be trusted (transport/strict_json)
    └── UnusableBody, TruncatedBody a body that is too large or damaged, or cut off (transport/body)

    ValueError                      what a text or a value is not; becomes a diagnostic where its place is known
    └── InvalidValueError           a value of a document or of the settings: raised by validators of models
        ├── InvalidTextError        a text: `is not ...`
        └── InvalidUrlError         no URL to be used (transport/urls)

What is told is a value (`Diagnostic`), collected, sorted and shown all at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from reconciler.diagnostics import Diagnostic, Explanation, Source


class Exit(IntEnum):
    """The published exit codes. No two outcomes share one."""

    OK = 0
    # What Python itself exits with after an uncaught exception.
    INTERNAL = 1
    # As in `terraform plan -detailed-exitcode`. click exits with 2 for a mistyped flag: here that is 3.
    CHANGES = 2
    USAGE = 3
    INVALID = 4
    AUTH = 5
    REFUSED = 6
    STALE = 7
    LOCKED = 8
    PARTIAL = 9
    INCOMPLETE = 10
    UNKNOWN = 11
    UNREACHABLE = 12
    # 128 + 2 (SIGINT), as a shell reports a command that ^C ended.
    INTERRUPTED = 130

    @property
    def word(self) -> str:
        """The outcome's name, as printed on the last line of stderr."""
        return self.name.lower()


EXIT_MEANINGS: dict[Exit, str] = {
    Exit.OK: "in sync, or everything applied and verified",
    Exit.INTERNAL: "a bug in the tool; never used on purpose",
    Exit.CHANGES: "`drift` found some; `plan --detailed-exitcode` found some",
    Exit.USAGE: "wrong flags or settings",
    Exit.INVALID: "manifests have errors",
    Exit.AUTH: "credentials missing or refused, permission missing",
    Exit.REFUSED: "a limit, a protection or a guard said no",
    Exit.STALE: "the world or the plan moved: nothing was sent for it",
    Exit.LOCKED: "another run holds the target",
    Exit.PARTIAL: "some steps definitely failed",
    Exit.INCOMPLETE: 'something could not be read, compared or written out: never "in sync"',
    Exit.UNKNOWN: "a write was sent and its outcome could not be settled",
    Exit.UNREACHABLE: "no answer from the server",
    Exit.INTERRUPTED: "a signal; the report is still true",
}

_WORST_FIRST = (Exit.UNKNOWN, Exit.STALE, Exit.PARTIAL, Exit.INCOMPLETE)


def find_worst_exit(codes: Iterable[Exit]) -> Exit:
    """Return the code to exit with where several hold: unknown > stale > partial > incomplete > the rest.

    Among the rest an error outranks `changes`, which outranks `ok`; equals are decided by the lower number.
    """
    distinct = set(codes) or {Exit.OK}
    for code in _WORST_FIRST:
        if code in distinct:
            return code
    errors = sorted(distinct - {Exit.OK, Exit.CHANGES})
    return errors[0] if errors else max(distinct)


class NoReply(Exception):
    """No HTTP answer came. `sent` is False only if not a byte of the request can have left; `cause` is why not."""

    def __init__(self, message: str, *, sent: bool, cause: Exit = Exit.UNREACHABLE) -> None:
        super().__init__(message)
        self.sent, self.cause = sent, cause


class CannotEncode(Exception):
    """The request can't be built without losing or guessing something; the message says what."""


class InvalidValueError(ValueError):
    """What is wrong with a value of a document; raised by the validators of models."""

    def __init__(self, explanation: Explanation) -> None:
        super().__init__(explanation.message)
        self.explanation = explanation


class InvalidTextError(InvalidValueError):
    """What is wrong with a text: the summary is a sentence whose subject is the text, `is not ...`.

    `character` is what it may not hold, if it is about one.
    """

    def __init__(self, explanation: Explanation, character: str = "") -> None:
        super().__init__(explanation)
        self.character = character


class ReconcilerError(Exception):
    """An outcome that ends a command; carries its exit code and every problem that led to it."""

    exit: Exit = Exit.INTERNAL

    def __init__(self, *problems: Diagnostic) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class UsageError(ReconcilerError):
    """Wrong flags or settings."""

    exit = Exit.USAGE


class InvalidError(ReconcilerError):
    """Manifests have errors."""

    exit = Exit.INVALID


class AuthError(ReconcilerError):
    """Credentials are missing or were refused, or a permission is missing."""

    exit = Exit.AUTH


class RefusedError(ReconcilerError):
    """A limit, a protection or a guard said no before anything was sent."""

    exit = Exit.REFUSED


class StaleError(ReconcilerError):
    """The world or the plan moved; nothing was sent."""

    exit = Exit.STALE


class IncompleteError(ReconcilerError):
    """Something could not be read, compared or written out."""

    exit = Exit.INCOMPLETE


class StateError(ReconcilerError):
    """What is remembered between runs can't be read or written, or forbids a run; `exit` says what that is worth."""

    def __init__(self, exit_: Exit, *problems: Diagnostic) -> None:
        super().__init__(*problems)
        self.exit = exit_


class UnreachableError(ReconcilerError):
    """No usable answer from a server."""

    exit = Exit.UNREACHABLE


def describe_internal_error(fault: BaseException) -> Diagnostic:
    """Name the place of a fault. An exception's own text may quote a secret, so it is left out."""
    location, trace = "", fault.__traceback__
    while trace:
        parts = trace.tb_frame.f_code.co_filename.replace("\\", "/").split("/")
        if "reconciler" in parts:
            location = f" at {'/'.join(parts[-2:])}:{trace.tb_lineno}"
        trace = trace.tb_next
    summary = f"{type(fault).__name__}{location}"
    return Diagnostic("internal.bug", Source("internal"), summary, remedy="please report")
