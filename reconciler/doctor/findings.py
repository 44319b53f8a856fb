"""The checks of one target as they are made, in order."""

from __future__ import annotations

from reconciler.doctor.model import Check, Health
from reconciler.doctor.probe_session import DoctorAnswer, DoctorSession
from reconciler.errors import Exit, ReconcilerError

_RETRY_REMEDY = "try again later"


class Findings:
    """Collects checks; `broken` is the name of the first one that failed, "" where none has."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._checks: list[Check] = []

    @property
    def checks(self) -> tuple[Check, ...]:
        """All checks so far."""
        return tuple(self._checks)

    @property
    def broken(self) -> str:
        """Which check failed first."""
        return next((check.check for check in self._checks if check.verdict is Health.FAILED), "")

    def ok(self, check: str, detail: str) -> None:
        """Note that all is well."""
        self._add(check, Health.OK, detail)

    def warn(self, check: str, detail: str, remedy: str = "") -> None:
        """Note what may hurt, or hurts something that not every run needs."""
        self._add(check, Health.WARNING, detail, remedy)

    def fail(self, check: str, detail: str, remedy: str, cause: Exit) -> None:
        """Note what keeps `plan` from running."""
        self._add(check, Health.FAILED, detail, remedy, cause)

    def skip(self, check: str, detail: str) -> None:
        """Note what was not looked at, and why."""
        self._add(check, Health.SKIPPED, detail)

    def skip_blocked(self, *checks: str) -> None:
        """Note that these were not looked at, because something before them failed."""
        for check in checks:
            self.skip(check, f"not looked at, since {self.broken} failed")

    def fail_with_error(self, check: str, error: ReconcilerError) -> None:
        """Note an error that has its own words, `what; why; what to do`: the last part is the remedy.

        That it is about this target need not be said again.
        """
        for detail, remedy in split_problems(error):
            self.fail(check, detail.removeprefix(f"target {self._target}: "), remedy, error.exit)

    def _add(self, check: str, verdict: Health, detail: str, remedy: str = "", cause: Exit = Exit.OK) -> None:
        self._checks.append(Check(self._target, check, verdict, detail, remedy, cause))


def split_problems(error: ReconcilerError) -> list[tuple[str, str]]:
    """Return (what, what to do) of each problem of an error."""
    parts = [problem.message.rpartition("; ") for problem in error.problems]
    return [(detail or remedy, remedy if detail else "") for detail, _, remedy in parts]


def explain_unexpected_answer(session: DoctorSession, answer: DoctorAnswer) -> tuple[str, str, Exit]:
    """Return (what, what to do, exit code) for an answer that is neither what was asked for nor 401 or 403."""
    description, status = session.said(answer), answer.status
    # HTTP libraries drop Authorization on the way to another host, but not Huawei's X-Auth-Token; and
    # most turn a PUT into a GET after a 302, whose 200 looks like success.
    if 300 <= status < 400:
        return (
            f"the answer is a redirect ({description}), which is never followed with credentials",
            "set `url` to the address that answers itself",
            Exit.USAGE,
        )
    # Huawei asks its callers to repeat 429, 500, 502 and 504; the reader has done so by now.
    if status == 429 or status >= 500:
        return f"the server fails ({description}) although it was asked again", _RETRY_REMEDY, Exit.UNREACHABLE
    if status == 200:
        return (
            "the answer is not what this API gives, perhaps a web page of a login or of a proxy",
            "check `url`, and what stands between",
            Exit.USAGE,
        )
    if status == 404:
        return f"the server has nothing there ({description})", "check `url` and the server's version", Exit.INCOMPLETE
    return f"the server can't answer this ({description})", "check the server's version and its log", Exit.INCOMPLETE
