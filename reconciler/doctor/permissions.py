"""What an account may do at a target: found by reading the front of every list, and by asking a server that tells.

Only a write proves that a write is permitted. Command says which of an account's permission sets hold a permission
(GET /PermissionSets/My); that is believed as long as it agrees with every list that was tried, and is called what it
is: told by the server. Where nobody tells, nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote

from reconciler.doctor.findings import Findings, parted, unexpected
from reconciler.doctor.first_page import Front, front
from reconciler.doctor.granted import Told, held_of
from reconciler.doctor.listings import Kinds, Use, uses
from reconciler.doctor.probe_session import Heard, Visit
from reconciler.errors import Exit, UnreachableError
from reconciler.kinds.fields import pick
from reconciler.kinds.kind import Read
from reconciler.kinds.requirements import Listing
from reconciler.reports.doctor import Ability

_SILENCES = 2
"""Questions that may stay without an answer, each asked three times: who waits for more learns nothing new."""


Declared = frozenset[str] | None
"""The kinds that the manifests declare for a target; None where nobody knows."""


class Able(NamedTuple):
    """By kind: whether plan (drift and export too) and apply are possible."""

    plan: Mapping[str, Ability]
    apply: Mapping[str, Ability]


def unlisted(findings: Findings, kinds: Kinds) -> None:
    """Note for every list and every write that it was not tried, because something before failed."""
    for use in uses(kinds):
        findings.blocked(f"list {use.listing.noun}")
        if use.listing.item:
            findings.blocked(f"read one of the {use.listing.noun}")
    findings.blocked(*(f"write {kind}" for kind in kinds))


def nothing(kinds: Kinds) -> Able:
    """Return what can be done where the server could not even be asked."""
    none = dict.fromkeys(kinds, Ability.IMPOSSIBLE)
    return Able(none, none)


def look(visit: Visit, findings: Findings, kinds: Kinds, told: Told | None, declared: Declared) -> Able:
    """Read the front of each list, then judge the writes; `told` is what the server tells, if it does."""
    trial = _Trial(visit, findings, kinds, told, declared)
    trial.run()
    return Able(trial.plan, trial.apply)


class _Trial:
    """Tries every list of these kinds; afterwards `plan` and `apply` say what is possible with each kind."""

    def __init__(self, visit: Visit, findings: Findings, kinds: Kinds, told: Told | None, declared: Declared) -> None:
        self._visit, self._findings, self._kinds, self._told = visit, findings, kinds, told
        self._declared = declared
        self._readable: dict[str, bool] = {}
        self._silent: list[str] = []
        self._end = ""
        """Why nothing more is asked, "" as long as there is no reason."""
        self.plan = dict.fromkeys(kinds, Ability.POSSIBLE)
        self.apply = dict.fromkeys(kinds, Ability.POSSIBLE)

    def run(self) -> None:
        for use in uses(self._kinds):
            listed = self._list(use)
            if use.listing.item:
                self._item(use, listed)
        # Keyfactor's pages leave open whose sets /PermissionSets/My lists, so one contradiction ends the
        # trust in it.
        if self._told is not None and any(
            bool(self._told[permission]) is not readable
            for permission, readable in self._readable.items()
            if permission in self._told
        ):
            self._told = None  # what it tells isn't what it does
        for kind in self._kinds:
            self._write(kind)

    def _list(self, use: Use) -> Front | None:
        """Read the first page; returns it if it is one that `plan` takes."""
        listing, check = use.listing, f"list {use.listing.noun}"
        heard = self._asked(use.always, check, lambda read: front(read, listing))
        if heard is None:
            return None
        # 403 is for somebody who is known, 401 for nobody (RFC 9110, 15.5.2 and 15.5.4).
        if heard.status == 403:
            self._readable[listing.permission] = False
            remedy = f"grant {listing.permission}; {use.needed_by}"
            self._miss(use.always, check, self._forbidden(heard), remedy, Exit.AUTH)
            return None
        if heard.error:
            self._failed(use.always, check, heard)
            return None
        found: Front = heard.found
        self._readable.setdefault(listing.permission, True)
        counted = "" if found.total is None else f", {found.total:,} in all"
        self._findings.ok(check, f"GET {listing.path}: readable{counted}")
        return found

    def _item(self, use: Use, listed: Front | None) -> None:
        """Read one row by itself: who may list may not see everything that is listed."""
        listing, check = use.listing, f"read one of the {use.listing.noun}"
        if listed is None:
            self._findings.skip(check, f"the {listing.noun} can't be listed")
            return
        last = _last_part(listing, listed)
        if not last:
            rows = f"{listing.noun} whose {listing.item} a path can carry" if listed.rows else listing.noun
            self._findings.skip(check, f"there are no {rows} to try it on")
            return
        path = f"{listing.path}/{last}"
        heard = self._asked(use.singly, check, lambda read: read.get(f"{read.root}{path}", version=listing.version))
        if heard is None:
            return
        if heard.status == 403:
            self._hidden(use, check, heard)
        elif heard.error or not isinstance(heard.found, dict | None):
            self._failed(use.singly, check, heard)
        # Whether Command answers 403 or 404 for a row that an account may not see is not documented.
        elif heard.found is None:
            self._findings.warn(check, f"what was listed a moment ago is gone ({heard.status})", "look again")
        else:
            self._findings.ok(check, f"GET {listing.path}/{{{listing.item}}}: readable")

    def _asked(self, users: Sequence[str], check: str, question: Callable[[Read], object]) -> Heard | None:
        """Ask; returns None where nothing is asked any more, or the credentials were refused: that ends it."""
        if self._end:
            self._bar(users)
            self._findings.skip(check, f"not tried, since {self._end}")
            return None
        heard = self._visit.ask(question)
        # Accounts of Command are often a directory's, which locks one after a few wrong passwords.
        if heard.refused:
            self._end = f"{check} found the credentials refused"
            self._bar(users)
            self._refused(check, heard)
            return None
        if isinstance(heard.error, UnreachableError):
            self._silent.append(check)
            if len(self._silent) == _SILENCES:
                self._end = f"the server answered neither {' nor '.join(self._silent)}"
        return heard

    def _refused(self, check: str, heard: Heard) -> None:
        if heard.reply:
            self._findings.fail(check, f"refused ({self._visit.said(heard)})", "check `auth`", Exit.AUTH)
        elif heard.error:
            self._findings.raised(check, heard.error)

    def _failed(self, users: Sequence[str], check: str, heard: Heard) -> None:
        """Note what brought no answer, or one that `plan` doesn't take, with the code that `plan` would have."""
        cause = heard.error.exit if heard.error else Exit.INCOMPLETE
        if heard.error and heard.reply is None:
            detail, remedy = parted(heard.error)[0]
        elif heard.error and heard.status == 200:
            detail = parted(heard.error)[0][0].partition("; ")[0]
            remedy = "plan takes no such answer; check the server's version, and what stands between"
        else:
            detail, remedy, _ = unexpected(self._visit, heard)
        self._miss(users, check, detail, remedy, cause)

    def _hidden(self, use: Use, check: str, heard: Heard) -> None:
        """Note that a row that was listed may not be read by itself."""
        listing, detail = use.listing, self._forbidden(heard)
        if not listing.item_permission:
            self._miss(use.singly, check, detail, f"grant {listing.permission}; {use.needed_by}", Exit.AUTH)
            return
        again = f"apply reads {listing.noun} again before and after it writes"
        self._findings.warn(check, detail, f"grant {listing.item_permission} if this account is to apply; {again}")
        for kind in use.singly:
            self.apply[kind] = Ability.IMPOSSIBLE

    def _forbidden(self, heard: Heard) -> str:
        return f"the permission is missing ({self._visit.said(heard)})"

    def _miss(self, users: Sequence[str], check: str, detail: str, remedy: str, cause: Exit) -> None:
        """Note what can't be read: a failure where a kind that is declared, or may be, can't do without it."""
        self._bar(users)
        needed = users if self._declared is None else [kind for kind in users if kind in self._declared]
        if needed:
            self._findings.fail(check, detail, remedy, cause)
        else:
            unused = f"{remedy}, and no manifest declares one" if users else remedy
            self._findings.warn(check, detail, unused)

    def _bar(self, users: Sequence[str]) -> None:
        for kind in users:
            self.plan[kind] = self.apply[kind] = Ability.IMPOSSIBLE

    def _write(self, kind: str) -> None:
        """Judge what apply needs besides: told by the server, or not provable."""
        check, grants = f"write {kind}", self._kinds[kind].requires.write
        needed = " and ".join(map(str, grants))
        # Nothing but a write proves that one is permitted, and Command has no dry run.
        if self._told is None:
            self._findings.skip(check, f"not provable without writing; it needs {needed}")
            self._lower(kind, Ability.UNPROVEN)
            return
        held = [held_of(grant, self._told) for grant in grants]
        missing = [grant for grant, part in zip(grants, held, strict=True) if part is None]
        if not missing:
            self._findings.ok(check, f"held, as the server tells: {' and '.join(map(str, held))}")
            return
        self._lower(kind, Ability.IMPOSSIBLE)
        self._findings.warn(
            check,
            f"missing, as the server tells: {' and '.join(map(str, missing))}",
            f"grant it if this account is to apply; only apply of {kind} needs it",
        )

    def _lower(self, kind: str, ability: Ability) -> None:
        if self.apply[kind] is Ability.POSSIBLE:
            self.apply[kind] = ability


def _last_part(listing: Listing, listed: Front) -> str:
    """Return what the path of the first row that can have one ends with; "" where none can."""
    for row in listed.rows:
        value = str(pick(row, listing.item))
        try:
            # A slash in a name would be a separator (RFC 3986, 3.3).
            last = quote(value, safe="")
        # JSON can spell one (RFC 8259, 8.2), UTF-8 can't.
        except UnicodeEncodeError:  # half of a surrogate pair
            continue
        # `.` and `..` are taken out of a path on the way, percent-encoded too (RFC 3986, 6.2.2).
        if last.strip("."):
            return last
    return ""
