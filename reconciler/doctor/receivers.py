"""Who is told by `notify:`: whether their URLs can be had and mean something to Apprise. Nothing is sent."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.credentials.sources import resolve_secret
from reconciler.diagnostics import Explanation, Source
from reconciler.doctor.findings import Findings, explain_problems
from reconciler.doctor.model import ReceiversDiagnosis
from reconciler.errors import AuthError, UsageError
from reconciler.notify.apprise_client import explain_url
from reconciler.notify.delivery import check_notify_extra
from reconciler.settings.model import Settings


def diagnose_receivers(settings: Settings, env: Mapping[str, str]) -> ReceiversDiagnosis | None:
    """Look at each receiver of the settings; None where they name none. What is wrong with one fails no run."""
    if not settings.receivers:
        return None
    findings, source = Findings("notify"), Source(settings.name)
    try:
        check_notify_extra(source)
    except UsageError as error:
        findings.fail_with_error("package", error)
        return ReceiversDiagnosis(findings.checks)
    for number, receiver in enumerate(settings.receivers):
        label = f"notify[{number}]"
        try:
            url = resolve_secret(receiver.url, env, purpose=f"{label}.url", source=source).reveal()
        except AuthError as error:
            for explanation in explain_problems(error):
                findings.warn(label, explanation)
            continue
        if summary := explain_url(url):
            remedy = "see Apprise's list of services, and try it out: apprise -t test -b hello URL"
            findings.warn(label, Explanation("notify.unknown-url", summary, "nobody would be told", remedy))
        else:
            findings.ok(label, f"{receiver.url}: {', '.join(sorted(receiver.events))}")
    return ReceiversDiagnosis(findings.checks)
