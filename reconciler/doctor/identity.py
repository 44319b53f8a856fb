"""Who we are to a server, as far as it or the settings say. No secret is part of it; an access key is one."""

from __future__ import annotations

from reconciler.doctor.findings import Findings
from reconciler.doctor.granted import Told
from reconciler.doctor.probe_session import Visit
from reconciler.settings.model import AkskAuth, BasicAuth, Called, NoAuth, OauthAuth, PasswordAuth, Target

_NAMED = 10
"""Permission sets that are told by name."""


def identity(findings: Findings, visit: Visit, told: Told | None) -> None:
    """Say who we are, and which permission sets the server says we have."""
    target = visit.target
    if told is None:
        server = "CSMS" if target.api == "csms" else "this server"
        findings.ok("identity", f"{_account(target)}; what it may do is not told by {server}")
        return
    names = sorted(set().union(*told.values()))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    listed = ", ".join(map(visit.line, names[:_NAMED]))
    sets = f"permission sets: {listed}{more}" if names else "no permission that matters here"
    findings.ok("identity", f"{_account(target)}; {sets} (as the server tells)")


def _account(target: Target) -> str:
    match target.auth:
        case BasicAuth(username=name):
            said = name
        case OauthAuth(client_id=name):
            said = f"OAuth client {name}"
        case PasswordAuth(user=name, domain=domain):
            said = f"IAM user {name} of account {domain}" if domain != Called() else f"IAM user {name}"
        case AkskAuth(access_key=origin):
            said = f"whoever has the access key in {origin}"
        case NoAuth():
            said = "nobody"
        case auth:
            said = f"whoever has the token in {auth.token}"
    return said
