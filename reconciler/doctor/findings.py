"""The checks of one target as they are made, in order."""

from __future__ import annotations

from reconciler.diagnostics import Diagnostic, Explanation
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
        self._add(Check(self._target, check, Health.OK, detail))

    def warn(self, check: str, detail: str, remedy: str = "", *, rule: str = "") -> None:
        """Note what may hurt, or hurts something that not every run needs. The rule is the check's own by default."""
        self._add(Check(self._target, check, Health.WARNING, detail, remedy, rule=rule or f"doctor.{check}"))

    def fail(self, check: str, detail: str, remedy: str, cause: Exit, *, rule: str = "") -> None:
        """Note what keeps `plan` from running. The rule is the check's own by default."""
        self._add(Check(self._target, check, Health.FAILED, detail, remedy, cause, rule or f"doctor.{check}"))

    def skip(self, check: str, detail: str) -> None:
        """Note what was not looked at, and why."""
        self._add(Check(self._target, check, Health.SKIPPED, detail))

    def skip_blocked(self, *checks: str) -> None:
        """Note that these were not looked at, because something before them failed."""
        for check in checks:
            self.skip(check, f"not looked at, since {self.broken} failed")

    def fail_with_error(self, check: str, error: ReconcilerError, *, rule: str = "") -> None:
        """Note an error that has its own words. That it is about this target need not be said again."""
        for explanation in explain_problems(error):
            detail = join_words(explanation.summary, explanation.reason)
            self.fail(check, detail.removeprefix(f"target {self._target}: "), explanation.remedy, error.exit, rule=rule)

    def _add(self, check: Check) -> None:
        self._checks.append(check)


def join_words(*parts: str) -> str:
    """Return what is to be told, joined for printing, without what is empty."""
    return "; ".join(filter(None, parts))


def explain_problems(error: ReconcilerError) -> list[Explanation]:
    """Return the words of each problem of an error."""
    return [_explain_problem(problem) for problem in error.problems]


def _explain_problem(problem: Diagnostic) -> Explanation:
    if problem.rule:
        return Explanation(problem.rule, problem.summary, problem.reason, problem.remedy)
    # Only as long as somebody calls `errors.Problem`: its words are in one piece, `what; why; what to do`.
    summary, *rest = problem.message.split("; ")
    return Explanation("", summary, "; ".join(rest[:-1]), rest[-1] if rest else "")


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
