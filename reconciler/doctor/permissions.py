"""What an account may do at a target: found by reading the front of every list, and by asking a server that tells.

Only a write proves that a write is permitted. Command says which of an account's permission sets hold a permission
(GET /PermissionSets/My); that is believed as long as it agrees with every list that was tried, and is called what it
is: told by the server. Where nobody tells, nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote

from reconciler.diagnostics import Explanation
from reconciler.doctor.findings import Findings, explain_problems
from reconciler.doctor.granted import GrantedPermissions, find_held_part
from reconciler.doctor.listings import ApiKinds, FirstPage, ListUse, collect_list_uses, read_first_page
from reconciler.doctor.model import Ability
from reconciler.doctor.probe_session import DoctorAnswer, DoctorSession
from reconciler.errors import Exit, UnreachableError
from reconciler.kinds.requirements import ListPermission
from reconciler.payloads.members import pick_member
from reconciler.reader import Read

_MAX_SILENCES = 2
"""Questions that may stay without an answer, each asked three times: who waits for more learns nothing new."""


DeclaredKinds = frozenset[str] | None
"""The kinds that the manifests declare for a target; None where nobody knows."""


class _Question(NamedTuple):
    """A check that a server is asked for: the kinds that need its answer, and its name."""

    users: Sequence[str]
    check: str


class Abilities(NamedTuple):
    """By kind: whether plan (drift and export too) and apply are possible."""

    plan: Mapping[str, Ability]
    apply: Mapping[str, Ability]


def skip_permission_checks(findings: Findings, kinds: ApiKinds) -> None:
    """Note for every list and every write that it was not tried, because something before failed."""
    for use in collect_list_uses(kinds):
        findings.skip_blocked(f"list {use.listing.noun}")
        if use.listing.item:
            findings.skip_blocked(f"read one of the {use.listing.noun}")
    findings.skip_blocked(*(f"write {kind}" for kind in kinds))


def deny_all_abilities(kinds: ApiKinds) -> Abilities:
    """Return what can be done where the server could not even be asked."""
    impossible = dict.fromkeys(kinds, Ability.IMPOSSIBLE)
    return Abilities(impossible, impossible)


def check_permissions(
    session: DoctorSession,
    findings: Findings,
    kinds: ApiKinds,
    granted: GrantedPermissions | None,
    declared: DeclaredKinds,
) -> Abilities:
    """Read the front of each list, then judge the writes; `granted` is what the server tells, if it does."""
    trial = _PermissionTrial(session, findings, kinds, granted, declared)
    trial.run()
    return Abilities(trial.plan, trial.apply)


class _PermissionTrial:
    """Tries every list of these kinds; afterwards `plan` and `apply` say what is possible with each kind."""

    def __init__(
        self,
        session: DoctorSession,
        findings: Findings,
        kinds: ApiKinds,
        granted: GrantedPermissions | None,
        declared: DeclaredKinds,
    ) -> None:
        self._session, self._findings, self._kinds, self._granted_project = session, findings, kinds, granted
        self._declared = declared
        self._readable: dict[str, bool] = {}
        self._unanswered: list[str] = []
        self._end = ""
        """Why nothing more is asked, "" as long as there is no reason."""
        self.plan = dict.fromkeys(kinds, Ability.POSSIBLE)
        self.apply = dict.fromkeys(kinds, Ability.POSSIBLE)

    def run(self) -> None:
        for use in collect_list_uses(self._kinds):
            first_page = self._check_list(use)
            if use.listing.item:
                self._check_item(use, first_page)
        # Keyfactor's pages leave open whose sets /PermissionSets/My lists, so one contradiction ends the
        # trust in it.
        if self._granted_project is not None and any(
            bool(self._granted_project[permission]) is not readable
            for permission, readable in self._readable.items()
            if permission in self._granted_project
        ):
            self._granted_project = None  # what it tells isn't what it does
        for kind in self._kinds:
            self._write(kind)

    def _check_list(self, use: ListUse) -> FirstPage | None:
        """Read the first page; returns it if it is one that `plan` takes."""
        listing = use.listing
        question = _Question(use.always_read_by, f"list {listing.noun}")
        answer = self._ask_server(question, lambda read: read_first_page(read, listing))
        if answer is None:
            return None
        # 403 is for somebody who is known, 401 for nobody (RFC 9110, 15.5.2 and 15.5.4).
        if answer.is_forbidden:
            self._readable[listing.permission] = False
            remedy = f"grant {listing.permission}; {use.needed_by}"
            self._report_unreadable(question, self._explain_forbidden(answer, remedy), Exit.AUTH)
            return None
        if answer.error:
            self._failed(question, answer)
            return None
        first_page: FirstPage = answer.found
        self._readable.setdefault(listing.permission, True)
        total_text = "" if first_page.total is None else f", {first_page.total:,} in all"
        self._findings.ok(question.check, f"GET {listing.path}: readable{total_text}")
        return first_page

    def _check_item(self, use: ListUse, first_page: FirstPage | None) -> None:
        """Read one row by itself: who may list may not see everything that is listed."""
        listing, check = use.listing, f"read one of the {use.listing.noun}"
        if first_page is None:
            self._findings.skip(check, f"the {listing.noun} can't be listed")
            return
        segment = _find_path_segment(listing, first_page)
        if not segment:
            rows = f"{listing.noun} whose {listing.item} a path can carry" if first_page.rows else listing.noun
            self._findings.skip(check, f"there are no {rows} to try it on")
            return
        path = f"{listing.path}/{segment}"
        question = _Question(use.singly_read_by, check)
        answer = self._ask_server(question, lambda read: read.get(f"{read.root}{path}", version=listing.version))
        if answer is None:
            return
        if answer.is_forbidden:
            self._report_hidden_row(use, question, answer)
        elif answer.error or not isinstance(answer.found, dict | None):
            self._failed(question, answer)
        # Whether Command answers 403 or 404 for a row that an account may not see is not documented.
        elif answer.found is None:
            summary = f"what was listed a moment ago is gone ({answer.status})"
            self._findings.warn(check, Explanation("doctor.row-gone", summary, remedy="look again"))
        else:
            self._findings.ok(check, f"GET {listing.path}/{{{listing.item}}}: readable")

    def _ask_server(self, question: _Question, ask: Callable[[Read], object]) -> DoctorAnswer | None:
        """Ask; returns None where nothing is asked any more, or the credentials were refused: that ends it."""
        if self._end:
            self._rule_out(question.users)
            self._findings.skip(question.check, f"not tried, since {self._end}")
            return None
        answer = self._session.ask(ask)
        # Accounts of Command are often a directory's, which locks one after a few wrong passwords.
        if answer.refused:
            self._end = f"{question.check} found the credentials refused"
            self._rule_out(question.users)
            self._refused(question, answer)
            return None
        if isinstance(answer.error, UnreachableError):
            self._unanswered.append(question.check)
            if len(self._unanswered) == _MAX_SILENCES:
                self._end = f"the server answered neither {' nor '.join(self._unanswered)}"
        return answer

    def _refused(self, question: _Question, answer: DoctorAnswer) -> None:
        if answer.reply:
            summary = f"refused ({self._session.said(answer)})"
            explanation = Explanation("api.credentials-refused", summary, remedy="check `auth`")
            self._findings.fail(question.check, explanation, Exit.AUTH)
        elif answer.error:
            self._findings.fail_with_error(question.check, answer.error)

    def _failed(self, question: _Question, answer: DoctorAnswer) -> None:
        """Note what brought no answer, or one that `plan` doesn't take, with the code that `plan` would have."""
        cause = answer.error.exit if answer.error else Exit.INCOMPLETE
        explanation = Explanation("api.untrusted-answer", "the answer is JSON, and not the object that was asked for")
        if answer.error:
            explanation = explain_problems(answer.error)[0]
        if answer.status == 200:
            remedy = "plan takes no such answer; check the server's version, and what stands between"
            explanation = explanation._replace(reason="", remedy=remedy)
        self._report_unreadable(question, explanation, cause)

    def _report_hidden_row(self, use: ListUse, question: _Question, answer: DoctorAnswer) -> None:
        """Note that a row that was listed may not be read by itself."""
        listing = use.listing
        if not listing.item_permission:
            explanation = self._explain_forbidden(answer, f"grant {listing.permission}; {use.needed_by}")
            self._report_unreadable(question, explanation, Exit.AUTH)
            return
        reason = f"apply reads {listing.noun} again before and after it writes"
        remedy = f"grant {listing.item_permission} if this account is to apply; {reason}"
        self._findings.warn(question.check, self._explain_forbidden(answer, remedy))
        for kind in use.singly_read_by:
            self.apply[kind] = Ability.IMPOSSIBLE

    def _explain_forbidden(self, answer: DoctorAnswer, remedy: str) -> Explanation:
        summary = f"the permission is missing ({self._session.said(answer)})"
        return Explanation("api.permission-missing", summary, remedy=remedy)

    def _report_unreadable(self, question: _Question, explanation: Explanation, cause: Exit) -> None:
        """Note what can't be read: a failure where a kind that is declared, or may be, can't do without it."""
        users, check = question
        self._rule_out(users)
        needing_kinds = users if self._declared is None else [kind for kind in users if kind in self._declared]
        if needing_kinds:
            self._findings.fail(check, explanation, cause)
        else:
            remedy = f"{explanation.remedy}, and no manifest declares one" if users else explanation.remedy
            self._findings.warn(check, explanation._replace(remedy=remedy))

    def _rule_out(self, users: Sequence[str]) -> None:
        for kind in users:
            self.plan[kind] = self.apply[kind] = Ability.IMPOSSIBLE

    def _write(self, kind: str) -> None:
        """Judge what apply needs besides: told by the server, or not provable."""
        check, grants = f"write {kind}", self._kinds[kind].requires.write
        needed = " and ".join(map(str, grants))
        # Nothing but a write proves that one is permitted, and Command has no dry run.
        if self._granted_project is None:
            self._findings.skip(check, f"not provable without writing; it needs {needed}")
            self._lower_apply(kind, Ability.UNPROVEN)
            return
        held_parts = [find_held_part(grant, self._granted_project) for grant in grants]
        missing = [grant for grant, part in zip(grants, held_parts, strict=True) if part is None]
        if not missing:
            self._findings.ok(check, f"held, as the server tells: {' and '.join(map(str, held_parts))}")
            return
        self._lower_apply(kind, Ability.IMPOSSIBLE)
        self._findings.warn(
            check,
            Explanation(
                "api.permission-missing",
                f"missing, as the server tells: {' and '.join(map(str, missing))}",
                remedy=f"grant it if this account is to apply; only apply of {kind} needs it",
            ),
        )

    def _lower_apply(self, kind: str, ability: Ability) -> None:
        if self.apply[kind] is Ability.POSSIBLE:
            self.apply[kind] = ability


def _find_path_segment(listing: ListPermission, first_page: FirstPage) -> str:
    """Return what the path of the first row that can have one ends with; "" where none can."""
    for row in first_page.rows:
        value = str(pick_member(row, listing.item))
        try:
            # A slash in a name would be a separator (RFC 3986, 3.3).
            segment = quote(value, safe="")
        # JSON can spell one (RFC 8259, 8.2), UTF-8 can't.
        except UnicodeEncodeError:  # half of a surrogate pair
            continue
        # `.` and `..` are taken out of a path on the way, percent-encoded too (RFC 3986, 6.2.2).
        if segment.strip("."):
            return segment
    return ""
