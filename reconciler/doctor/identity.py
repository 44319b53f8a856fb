"""Who we are to a server, as far as it or the settings say. No secret is part of it; an access key is one."""

from __future__ import annotations

from reconciler.doctor.findings import Findings
from reconciler.doctor.granted import GrantedPermissions
from reconciler.doctor.probe_session import DoctorSession
from reconciler.settings.model import AkskAuth, BasicAuth, NameOrId, NoAuth, OauthAuth, PasswordAuth, Target

_MAX_NAMES = 10
"""Permission sets that are told by name."""


def check_identity(findings: Findings, session: DoctorSession, granted: GrantedPermissions | None) -> None:
    """Say who we are, and which permission sets the server says we have."""
    target = session.target
    if granted is None:
        # Where no server tells, the product does not; where some do, this one does not.
        server = "this server" if session.dialect.tells_permissions else session.dialect.product
        findings.ok("identity", f"{_describe_account(target)}; what it may do is not told by {server}")
        return
    names = sorted(set().union(*granted.values()))
    suffix = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    first_names = ", ".join(map(session.line, names[:_MAX_NAMES]))
    sets = f"permission sets: {first_names}{suffix}" if names else "no permission that matters here"
    findings.ok("identity", f"{_describe_account(target)}; {sets} (as the server tells)")


def _describe_account(target: Target) -> str:
    match target.auth:
        case BasicAuth(username=name):
            account = name
        case OauthAuth(client_id=name):
            account = f"OAuth client {name}"
        case PasswordAuth(user=name, domain=domain):
            account = f"IAM user {name} of account {domain}" if domain != NameOrId() else f"IAM user {name}"
        case AkskAuth(access_key=origin):
            account = f"whoever has the access key in {origin}"
        case NoAuth():
            account = "nobody"
        case auth:
            account = f"whoever has the token in {auth.token}"
    return account
