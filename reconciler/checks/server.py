"""What a server says before it is asked for anything: whether it takes the credentials, its version, its clock."""

from __future__ import annotations

from datetime import datetime

from reconciler.apis.auth.advice import after_refusal
from reconciler.apis.probe import LOGIN_TEST, Visit, content, server_time
from reconciler.checks.findings import Findings, unexpected
from reconciler.checks.lists import Kinds
from reconciler.errors import Exit, NoReply, ReconcilerError
from reconciler.model import Reply
from reconciler.settings.target import AkskAuth, OauthAuth, PasswordAuth, Target

_SKEW_WARNED, _SKEW_REFUSED = 60, 900
"""Seconds: from the one on it is told, from the other on Huawei Cloud refuses signatures (contract: 3.3)."""
_OLDEST = 11
"""The first major version of Command with version two of /Security/Roles."""


def login(findings: Findings, target: Target, visit: Visit) -> bool:
    """Get a token where one is needed, and say how long it lasts; False where none could be had."""
    auth = target.auth
    try:
        seconds = visit.login()
    except ReconcilerError as error:
        findings.raised("login", error)
        return False
    if isinstance(auth, OauthAuth | PasswordAuth):
        where = auth.token_url.partition("?")[0] if isinstance(auth, OauthAuth) else target.iam_url
        lasts = "it doesn't say for how long" if seconds is None else f"it lasts {_duration(seconds)}"
        findings.ok("login", f"token obtained from {where}, {lasts}")
    elif seconds is None:
        findings.skip("login", "these credentials need no token request")
    elif seconds <= 0:
        said = f"the token itself says that it ended {_duration(-seconds)} ago"
        findings.warn("login", said, "fetch a new one, or use credentials that fetch their own")
    else:
        findings.ok("login", f"no token request; the token itself says that it lasts {_duration(seconds)}")
    return True


def project(findings: Findings, target: Target, visit: Visit) -> bool:
    """Say which project requests are about, where IAM tells it; False where it doesn't."""
    if not by_name(target):
        return True
    try:
        findings.ok("project", f"{target.project} is {visit.project()}, as IAM tells")
    except ReconcilerError as error:
        findings.raised("project", error)
        return False
    return True


def by_name(target: Target) -> bool:
    """Say whether a target calls its project by the name alone."""
    return bool(target.project.name) and not target.project.id


def authentication(findings: Findings, target: Target, visit: Visit, kinds: Kinds) -> Reply | None:
    """See whether the API takes the credentials; returns its answer, whatever it is, or None for silence."""
    check = "authentication"
    try:
        reply = _first(target, visit, kinds)
    except NoReply as why:
        findings.fail(check, f"no answer: {why}", "check what stands between, and `timeout`", Exit.UNREACHABLE)
        return None
    except ReconcilerError as error:
        findings.raised(check, error)
        return None
    said = visit.said(reply)
    if reply.status == 403 or (reply.status == 200 and content(reply) is not None):
        findings.ok(check, "the API takes these credentials")
    elif reply.status == 401:
        remedy = f"check `auth` of target {target.name}: {after_refusal(target.auth)}; many tries may lock the account"
        findings.fail(check, f"the API refuses these credentials ({said})", remedy, Exit.AUTH)
    elif reply.status == 404:
        remedy = f"correct `{'url' if target.api == 'keyfactor' else 'region'}`"
        remedy += "; it ends with the API's path, as in https://host/KeyfactorAPI" if target.api == "keyfactor" else ""
        findings.fail(check, f"there is no such API at {target.url} ({said})", remedy, Exit.USAGE)
    else:
        findings.fail(check, *unexpected(visit, reply))
    return reply


def _first(target: Target, visit: Visit, kinds: Kinds) -> Reply:
    """Ask what needs no permission; a server that doesn't have it is asked for the first list instead."""
    if target.api == "keyfactor" and (reply := visit.get(LOGIN_TEST)).status != 404:
        return reply
    listing = next(one for kind in kinds.values() for one in kind.requires.read)
    return visit.first(listing.path, listing.version)


def version(findings: Findings, target: Target, visit: Visit, reply: Reply | None) -> None:
    """Say which version a server calls itself."""
    if target.api == "csms":
        findings.skip("version", "CSMS doesn't tell one")
        return
    said = visit.redact.line(reply.headers.get("x-keyfactor-product-version", ""), 80) if reply else ""
    major = said.partition(".")[0]
    if not said:
        findings.skip("version", "not told by this server")
    elif major.isdecimal() and major.isascii() and int(major) < _OLDEST:
        remedy = f"roles need version {_OLDEST} or later; update the server, or leave roles and owners out"
        findings.warn("version", f"Keyfactor Command {said}", remedy)
    else:
        findings.ok("version", f"Keyfactor Command {said}")


def clock(findings: Findings, target: Target, reply: Reply | None, now: datetime) -> None:
    """Compare the Date of an answer that has just come with this machine's time."""
    there = server_time(reply) if reply else None
    if there is None:
        findings.skip("clock", "not told by this server" if reply else "there was no answer to tell it by")
        return
    ahead = round((now - there).total_seconds())
    size = abs(ahead)
    said = f"this machine is {_duration(size)} {'ahead of' if ahead > 0 else 'behind'} the server"
    remedy = "set this machine's clock by a time server"
    if _signed(target) and size > _SKEW_REFUSED:
        findings.fail("clock", f"{said}, and signed requests are refused from 15 minutes on", remedy, Exit.AUTH)
    elif size > _SKEW_WARNED:
        findings.warn("clock", said, remedy)
    else:
        findings.ok("clock", f"within {_SKEW_WARNED} seconds of the server's")


def _signed(target: Target) -> bool:
    return isinstance(target.auth, AkskAuth)


def _duration(seconds: float) -> str:
    """Say how long, in the largest unit of which there are at least two."""
    whole = round(seconds)
    for unit, size in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if whole >= 2 * size:
            return f"{whole // size} {unit}"
    return f"{whole} seconds"
