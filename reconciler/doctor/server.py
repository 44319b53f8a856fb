"""What a server says before it is asked for anything: whether it takes the credentials, its version, its clock."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from reconciler.apis.auth_advice import after_refusal
from reconciler.doctor.durations import span
from reconciler.doctor.findings import Findings, place, unexpected
from reconciler.doctor.first_page import front
from reconciler.doctor.listings import Kinds
from reconciler.doctor.probe_session import Heard, Visit
from reconciler.errors import Exit, ReconcilerError
from reconciler.model import Reply
from reconciler.settings.model import AkskAuth, OauthAuth, PasswordAuth, Target
from reconciler.transport.strict_json import NotJson, decode, message

_LOGIN_TEST = "/Status/Endpoints"
"""What Keyfactor's own clients ask to see whether a login works; it needs no permission."""
_SKEW_WARNED, _SKEW_REFUSED = 60, 900
"""Seconds: from the one on it is told, from the other on Huawei Cloud refuses signatures (contract: 3.3)."""
_OLDEST = 11
"""The first major version of Command with version two of /Security/Roles."""


def login(findings: Findings, visit: Visit) -> bool:
    """Get a token where one is needed, and say how long it lasts; False where none could be had."""
    target, auth = visit.target, visit.target.auth
    try:
        seconds = visit.login()
    except ReconcilerError as error:
        findings.raised("login", error)
        return False
    if isinstance(auth, OauthAuth | PasswordAuth):
        where = auth.token_url.partition("?")[0] if isinstance(auth, OauthAuth) else target.iam_url
        lasts = "it doesn't say for how long" if seconds is None else f"it lasts {span(seconds)}"
        findings.ok("login", f"token obtained from {where}, {lasts}")
    # Basic credentials and signatures carry no end; an opaque token doesn't tell its own.
    elif seconds is None:
        findings.skip("login", "these credentials need no token request")
    # A warning alone: `exp` was read without the token's signature, and the server's clock is what
    # counts.
    elif seconds <= 0:
        said = f"the token itself says that it ended {span(-seconds)} ago"
        findings.warn("login", said, "fetch a new one, or use credentials that fetch their own")
    else:
        findings.ok("login", f"no token request; the token itself says that it lasts {span(seconds)}")
    return True


def project(findings: Findings, visit: Visit) -> bool:
    """Say which project requests are about, where IAM tells it; False where it doesn't."""
    if not by_name(visit.target):
        return True
    try:
        findings.ok("project", f"{visit.target.project} is {visit.project()}, as IAM tells")
    except ReconcilerError as error:
        findings.raised("project", error)
        return False
    return True


def by_name(target: Target) -> bool:
    """Say whether a target calls its project by the name alone."""
    return bool(target.project.name) and not target.project.id


def authentication(findings: Findings, visit: Visit, kinds: Kinds) -> Reply | None:
    """See whether the API takes the credentials; returns its answer, whatever it is, or None for silence."""
    check, target = "authentication", visit.target
    heard = _first(visit, kinds)
    reply, error = heard.reply, heard.error
    if error is None or (reply and not heard.refused and _taken(reply)):
        findings.ok(check, "the API takes these credentials")
    elif reply is None:
        findings.raised(check, error)
    elif heard.refused:
        said = visit.said(heard)
        remedy = f"check `auth` of target {target.name}: {after_refusal(target.auth)}; many tries may lock the account"
        findings.fail(check, f"the API refuses these credentials ({said})", remedy, Exit.AUTH)
    elif reply.status == 404:
        remedy = f"correct {place(target)}"
        remedy += "; it ends with the API's path, as in https://host/KeyfactorAPI" if target.api == "keyfactor" else ""
        findings.fail(check, f"there is no such API at {target.url} ({visit.said(heard)})", remedy, Exit.USAGE)
    else:
        findings.fail(check, *unexpected(visit, heard))
    return reply


def _first(visit: Visit, kinds: Kinds) -> Heard:
    """Ask what needs no permission. Where that isn't answered as it should be, `plan` wouldn't care: a list decides."""
    if visit.target.api == "keyfactor":
        heard = visit.ask(lambda read: read.get(_LOGIN_TEST))
        if heard.found is not None or heard.refused or heard.reply is None:
            return heard
    listing = next(one for kind in kinds.values() for one in kind.requires.read)
    return visit.ask(lambda read: front(read, listing))


def _taken(reply: Reply) -> bool:
    """Say whether an answer is for somebody who is known: JSON, a missing permission, or CSMS itself with a complaint.

    What plan makes of such an answer is for the lists to say.
    """
    if reply.status == 403:
        return True
    try:
        decode(reply.body)
    except NotJson:
        return False
    # CSMS answers 400 where others answer 404: CSMS.0005 is a resource that doesn't exist. What the
    # gateway before it says for itself starts with APIGW.
    return reply.status == 200 or (reply.status == 400 and message(reply.body).startswith("CSMS."))


def version(findings: Findings, visit: Visit) -> None:
    """Say which version a server calls itself."""
    if visit.target.api == "csms":
        findings.skip("version", "CSMS doesn't tell one")
        return
    said = visit.product
    major = said.partition(".")[0]
    if not said:
        findings.skip("version", "not told by this server")
    # isdecimal() alone takes the digits of every script.
    elif major.isdecimal() and major.isascii() and int(major) < _OLDEST:
        remedy = f"roles need version {_OLDEST} or later; update the server, or leave roles and owners out"
        findings.warn("version", f"Keyfactor Command {said}", remedy)
    else:
        findings.ok("version", f"Keyfactor Command {said}")


def clock(findings: Findings, target: Target, reply: Reply | None, now: datetime) -> None:
    """Compare the Date of an answer that has just come with this machine's time.

    Something between may write that header, and with a clock of its own: where the server took a signature, which is
    good for 15 minutes, this machine's clock can't be the one that is wrong by more.
    """
    there = _date(reply) if reply else None
    if there is None:
        findings.skip("clock", "not told by this server" if reply else "there was no answer to tell it by")
        return
    ahead = round((now - there).total_seconds())
    size = abs(ahead)
    said = f"this machine is {span(size)} {'ahead of' if ahead > 0 else 'behind'} the server"
    remedy = "set this machine's clock by a time server"
    # Basic and bearer credentials carry no time of ours: a wrong clock here does them no harm.
    signed = isinstance(target.auth, AkskAuth) and size > _SKEW_REFUSED
    if signed and findings.broken:
        findings.fail("clock", f"{said}, and signed requests are refused from 15 minutes on", remedy, Exit.AUTH)
    elif signed:
        said += "'s Date header, and yet its signature was accepted"
        findings.warn("clock", said, "compare both with a time server; a cache or a proxy may have written that header")
    elif size > _SKEW_WARNED:
        findings.warn("clock", said, remedy)
    else:
        findings.ok("clock", f"within {_SKEW_WARNED} seconds of the server's")


def _date(reply: Reply) -> datetime | None:
    """Return the moment that an answer's Date header names, None where it names none."""
    try:
        when = parsedate_to_datetime(reply.headers.get("date", ""))
    # ValueError is documented; a year or an offset of twenty digits raises OverflowError.
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    # The zone -0000 gives a naive datetime: it is UTC, from a sender whose own zone is unknown (RFC 5322,
    # 3.3).
    return when if when.tzinfo else when.replace(tzinfo=UTC)
