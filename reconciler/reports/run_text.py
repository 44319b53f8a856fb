"""What a plan, a drift or an apply says on stdout, whether it has just ended or its report was read again."""

from __future__ import annotations

from reconciler.reports import text
from reconciler.reports.blame import render_blame
from reconciler.reports.headline import describe_acknowledged
from reconciler.reports.layout import PLAIN_LAYOUT, Layout, sanitize_message
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
    if report.command == "drift":
        drift = text.render_drift(report.plan, layout, report.drift, fleet=report.fleet)
        blame = render_blame(report.plan, report.evidence, layout)
        return drift + blame + render_withdrawals(report.members, layout)
    render = _render_apply if report.command == "apply" else _render_plan
    return render(report, layout, headers)


def _render_plan(report: RunReport, layout: Layout, headers: BuildHeaders | None) -> str:
    plan = text.render_plan(report.plan, layout, report.refusals, headers, fleet=report.fleet)
    saved_to = report.members.get("saved_to")
    saved = f"\nPlan {report.plan_digest}\nSaved to {saved_to}; apply it with: reconciler apply {saved_to}\n"
    return plan + render_withdrawals(report.members, layout) + (sanitize_message(saved) if saved_to else "")


def _render_apply(report: RunReport, layout: Layout, headers: BuildHeaders | None) -> str:
    """Return what was done; the plan was shown before, with all that belongs to it, unless it was empty."""
    if report.outcomes and report.has_sent:
        view = View(report.plan.targets, headers=headers)
        outcomes = text.render_outcomes(
            report.outcomes, layout, interrupted=report.interrupted, view=view, fleet=report.fleet
        )
        left_alone = describe_acknowledged(report.plan)
        return f"{outcomes}\n{left_alone}\n" if left_alone else outcomes
    if report.headline:
        return text.render_plan(report.plan, layout, fleet=report.fleet) + render_withdrawals(report.members, layout)
    return NOTHING_SENT
