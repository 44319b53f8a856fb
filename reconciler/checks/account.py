"""Who we are to a server, as far as it or the settings say. No secret is part of it; an access key is one."""

from __future__ import annotations

from reconciler.checks.findings import Findings
from reconciler.checks.told import Told
from reconciler.settings.target import AkskAuth, BasicAuth, Called, NoAuth, OauthAuth, PasswordAuth, Target


def identity(findings: Findings, target: Target, told: Told | None) -> None:
    """Say who we are, and which permission sets the server says we have."""
    if told is None:
        server = "CSMS" if target.api == "csms" else "this server"
        findings.ok("identity", f"{_account(target)}; what it may do is not told by {server}")
        return
    names = sorted(set().union(*told.values()))
    sets = f"permission sets: {', '.join(names)}" if names else "no permission that matters here"
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
