"""What a server says before it is asked for anything: whether it takes the credentials, its version, its clock."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from reconciler.apis.auth_advice import advise_after_refusal
from reconciler.apis.dialect import Dialect
from reconciler.diagnostics import Explanation
from reconciler.doctor.findings import Findings
from reconciler.doctor.listings import ApiKinds, read_first_page
from reconciler.doctor.probe_session import DoctorAnswer, DoctorSession
from reconciler.errors import Exit, ReconcilerError
from reconciler.model import Reply
from reconciler.settings.model import AkskAuth, OauthAuth, PasswordAuth, Target
from reconciler.transport.strict_json import UnusableJson, decode_json

_SKEW_WARNED, _SKEW_REFUSED = 60, 900
"""Seconds: from the one on it is told, from the other on Huawei Cloud refuses signatures (contract: 3.3)."""
_DAY = 86_400
_UNITS = (("years", 365 * _DAY), ("days", _DAY), ("hours", 3600), ("minutes", 60))
_MAX_YEARS = 100


def check_login(findings: Findings, session: DoctorSession) -> bool:
    """Get a token where one is needed, and say how long it lasts; False where none could be had."""
    target, auth = session.target, session.target.auth
    try:
        seconds = session.login()
    except ReconcilerError as error:
        findings.fail_with_error("login", error)
        return False
    if isinstance(auth, OauthAuth | PasswordAuth):
        issuer = auth.token_url.partition("?")[0] if isinstance(auth, OauthAuth) else target.iam_url
        lifetime = "it doesn't say for how long" if seconds is None else f"it lasts {format_duration(seconds)}"
        findings.ok("login", f"token obtained from {issuer}, {lifetime}")
    # Basic credentials and signatures carry no end; an opaque token doesn't tell its own.
    elif seconds is None:
        findings.skip("login", "these credentials need no token request")
    # A warning alone: `exp` was read without the token's signature, and the server's clock is what
    # counts.
    elif seconds <= 0:
        summary = f"the token itself says that it ended {format_duration(-seconds)} ago"
        remedy = "fetch a new one, or use credentials that fetch their own"
        findings.warn("login", Explanation("doctor.token-ended", summary, remedy=remedy))
    else:
        findings.ok("login", f"no token request; the token itself says that it lasts {format_duration(seconds)}")
    return True


def check_project(findings: Findings, session: DoctorSession) -> bool:
    """Say which project requests are about, where IAM tells it; False where it doesn't."""
    if not has_project_name_only(session.target):
        return True
    try:
        findings.ok("project", f"{session.target.project} is {session.project()}, as IAM tells")
    except ReconcilerError as error:
        findings.fail_with_error("project", error)
        return False
    return True


def has_project_name_only(target: Target) -> bool:
    """Say whether a target calls its project by the name alone."""
    return bool(target.project.name) and not target.project.id


def check_authentication(findings: Findings, session: DoctorSession, kinds: ApiKinds) -> Reply | None:
    """See whether the API takes the credentials; returns its answer, whatever it is, or None for silence."""
    check, target = "authentication", session.target
    answer = _ask_login_test(session, kinds)
    reply, error = answer.reply, answer.error
    if error is None or (reply and not answer.refused and _is_accepted(reply, session.dialect)):
        findings.ok(check, "the API takes these credentials")
    elif reply is None:
        findings.fail_with_error(check, error)
    elif answer.refused:
        description = session.said(answer)
        advice = advise_after_refusal(target.auth)
        remedy = f"check `auth` of target {target.name}: {advice}; many tries may lock the account"
        summary = f"the API refuses these credentials ({description})"
        findings.fail(check, Explanation("api.credentials-refused", summary, remedy=remedy), Exit.AUTH)
    else:
        findings.fail_with_error(check, error)  # in plan's words, and with its code
    return reply


def _ask_login_test(session: DoctorSession, kinds: ApiKinds) -> DoctorAnswer:
    """Ask what needs no permission. Where that isn't answered as it should be, `plan` wouldn't care: a list decides."""
    if path := session.dialect.login_probe:
        answer = session.ask(lambda read: read.get(path))
        if answer.found is not None or answer.refused or answer.reply is None:
            return answer
    listing = next(candidate for kind in kinds.values() for candidate in kind.requires.read)
    return session.ask(lambda read: read_first_page(read, listing))


def _is_accepted(reply: Reply, dialect: Dialect) -> bool:
    """Say whether an answer is for somebody who is known: JSON, a missing permission, or the API's own complaint.

    What plan makes of such an answer is for the lists to say.
    """
    if reply.status == 403:
        return not dialect.comes_from_between(reply)
    try:
        decode_json(reply.body)
    except UnusableJson:
        return False
    return reply.status == 200 or dialect.is_complaint(reply)


def check_version(findings: Findings, session: DoctorSession) -> None:
    """Say which version a server calls itself."""
    dialect, version = session.dialect, session.product
    if not dialect.version_header:
        findings.skip("version", f"{dialect.product} doesn't tell one")
        return
    major = version.partition(".")[0]
    if not version:
        findings.skip("version", "not told by this server")
    # isdecimal() alone takes the digits of every script.
    elif major.isdecimal() and major.isascii() and int(major) < dialect.oldest_major:
        summary = f"{dialect.product} {version}"
        findings.warn("version", Explanation("doctor.old-version", summary, remedy=dialect.update_advice))
    else:
        findings.ok("version", f"{dialect.product} {version}")


def check_clock(findings: Findings, target: Target, reply: Reply | None, now: datetime) -> None:
    """Compare the Date of an answer that has just come with this machine's time.

    Something between may write that header, and with a clock of its own: where the server took a signature, which is
    good for 15 minutes, this machine's clock can't be the one that is wrong by more.
    """
    server_time = _parse_date(reply) if reply else None
    if server_time is None:
        findings.skip("clock", "not told by this server" if reply else "there was no answer to tell it by")
        return
    seconds_ahead = round((now - server_time).total_seconds())
    skew = abs(seconds_ahead)
    detail = f"this machine is {format_duration(skew)} {'ahead of' if seconds_ahead > 0 else 'behind'} the server"
    remedy = "set this machine's clock by a time server"
    # Basic and bearer credentials carry no time of ours: a wrong clock here does them no harm.
    is_refused_skew = isinstance(target.auth, AkskAuth) and skew > _SKEW_REFUSED
    if is_refused_skew and findings.broken:
        detail += ", and signed requests are refused from 15 minutes on"
        findings.fail("clock", Explanation("doctor.clock", detail, remedy=remedy), Exit.AUTH)
    elif is_refused_skew:
        detail += "'s Date header, and yet its signature was accepted"
        remedy = "compare both with a time server; a cache or a proxy may have written that header"
        findings.warn("clock", Explanation("doctor.clock", detail, remedy=remedy))
    elif skew > _SKEW_WARNED:
        findings.warn("clock", Explanation("doctor.clock", detail, remedy=remedy))
    else:
        findings.ok("clock", f"within {_SKEW_WARNED} seconds of the server's")


def _parse_date(reply: Reply) -> datetime | None:
    """Return the moment that an answer's Date header names, None where it names none."""
    try:
        moment = parsedate_to_datetime(reply.headers.get("date", ""))
    # ValueError is documented; a year or an offset of twenty digits raises OverflowError.
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    # The zone -0000 gives a naive datetime: it is UTC, from a sender whose own zone is unknown (RFC 5322,
    # 3.3).
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def format_duration(seconds: float) -> str:
    """Say how long, in the largest unit of which there are at least two; nobody counts beyond a hundred years."""
    if seconds >= _MAX_YEARS * _UNITS[0][1]:
        return f"more than {_MAX_YEARS} years"
    rounded = round(seconds)
    return next((f"{rounded // size} {unit}" for unit, size in _UNITS if rounded >= 2 * size), f"{rounded} seconds")
