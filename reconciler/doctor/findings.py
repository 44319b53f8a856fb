"""The checks of one target as they are made, in order."""

from __future__ import annotations

from reconciler.diagnostics import Diagnostic, Explanation
from reconciler.doctor.model import Check, Health
from reconciler.errors import Exit, ReconcilerError


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

    def warn(self, check: str, explanation: Explanation) -> None:
        """Note what may hurt, or hurts something that not every run needs."""
        self._explain(check, Health.WARNING, explanation)

    def fail(self, check: str, explanation: Explanation, cause: Exit) -> None:
        """Note what keeps `plan` from running."""
        self._explain(check, Health.FAILED, explanation, cause)

    def skip(self, check: str, detail: str) -> None:
        """Note what was not looked at, and why."""
        self._add(Check(self._target, check, Health.SKIPPED, detail))

    def skip_blocked(self, *checks: str) -> None:
        """Note that these were not looked at, because something before them failed."""
        for check in checks:
            self.skip(check, f"not looked at, since {self.broken} failed")

    def fail_with_error(self, check: str, error: ReconcilerError) -> None:
        """Note an error that has its own words. That it is about this target need not be said again."""
        for explanation in explain_problems(error):
            summary = explanation.summary.removeprefix(f"target {self._target}: ")
            self.fail(check, explanation._replace(summary=summary), error.exit)

    def _explain(self, check: str, verdict: Health, explanation: Explanation, cause: Exit = Exit.OK) -> None:
        detail, remedy = explanation._replace(remedy="").message, explanation.remedy
        self._add(Check(self._target, check, verdict, detail, remedy, cause, explanation.rule))

    def _add(self, check: Check) -> None:
        self._checks.append(check)


def explain_problems(error: ReconcilerError) -> list[Explanation]:
    """Return the words of each problem of an error."""
    return [_explain_problem(problem) for problem in error.problems]


def _explain_problem(problem: Diagnostic) -> Explanation:
    return Explanation(problem.rule, problem.summary, problem.reason, problem.remedy)
