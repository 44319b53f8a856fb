"""What a plan, a drift or an apply says on stdout, whether it has just ended or its report was read again."""

from __future__ import annotations

from reconciler.reports import text
from reconciler.reports.blame import render_blame
from reconciler.reports.headline import describe_acknowledged
from reconciler.reports.layout import PLAIN_LAYOUT, Layout
from reconciler.reports.perspective import BuildHeaders, View
from reconciler.reports.run_report import RunReport
from reconciler.reports.withdrawals import render_withdrawals

NOTHING_SENT = "Nothing was sent.\n"


def render_run_text(report: RunReport, layout: Layout = PLAIN_LAYOUT, headers: BuildHeaders | None = None) -> str:
    """Return the text of a run; "" for one that did not come as far as a plan.

    With `headers` each request is shown whole, and nothing is grouped, cut or left out.
    """
    if not report.has_plan:
        return ""
    main_part = _render_main_part(report, layout, headers)
    if report.command == "drift":
        blame = render_blame(report.plan, report.evidence, layout)
        return main_part + blame + render_withdrawals(report.members, layout)
    if report.command == "apply":
        return _complete_apply(main_part, report, layout)
    return main_part + render_withdrawals(report.members, layout)


def _render_main_part(report: RunReport, layout: Layout, headers: BuildHeaders | None) -> str:
    """Return the verdict and the steps; in a fleet's they are told by target, and once what targets share."""
    if report.fleet:
        # Nobody else pays for its modules.
        from reconciler.reports.fleet_text import render_fleet  # noqa: PLC0415

        return render_fleet(report, layout, headers)
    if report.command == "drift":
        return text.render_drift(report.plan, layout, report.drift)
    if report.command != "apply":
        return text.render_plan(report.plan, layout, report.refusals, headers)
    if report.outcomes and report.has_sent:
        view = View(report.plan.targets, headers=headers)
        return text.render_outcomes(report.outcomes, layout, interrupted=report.interrupted, view=view)
    return text.render_plan(report.plan, layout)


def _complete_apply(main_part: str, report: RunReport, layout: Layout) -> str:
    """Return what was done; the plan was shown before, with all that belongs to it, unless it was empty."""
    if report.outcomes and report.has_sent:
        left_alone = describe_acknowledged(report.plan)
        return f"{main_part}\n{left_alone}\n" if left_alone else main_part
    return main_part + render_withdrawals(report.members, layout) if report.headline else NOTHING_SENT
