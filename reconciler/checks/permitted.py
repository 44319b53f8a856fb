"""What an account may do at a target: found by reading one row of every list, and by asking a server that tells.

Only a write proves that a write is permitted. Command says which of an account's permission sets hold a permission
(GET /PermissionSets/My); that is believed as long as it agrees with every list that was tried, and is called what it
is: told by the server. Where nobody tells, nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote

from reconciler.apis.probe import Visit, content
from reconciler.checks.findings import Findings, unexpected
from reconciler.checks.lists import Kinds, Use, uses
from reconciler.checks.told import Told, held_of
from reconciler.errors import Exit, NoReply, ReconcilerError
from reconciler.fields import pick
from reconciler.model import Reply
from reconciler.reports.doctor import Ability


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


def look(visit: Visit, findings: Findings, kinds: Kinds, told: Told | None) -> Able:
    """Read one row of each list, then judge the writes; `told` is what the server tells, if it does."""
    trial = _Trial(visit, findings, kinds, told)
    trial.run()
    return Able(trial.plan, trial.apply)


class _Trial:
    """Tries every list of these kinds; afterwards `plan` and `apply` say what is possible with each kind."""

    def __init__(self, visit: Visit, findings: Findings, kinds: Kinds, told: Told | None) -> None:
        self._visit, self._findings, self._kinds, self._told = visit, findings, kinds, told
        self._readable: dict[str, bool] = {}
        self._refused = ""
        self.plan = dict.fromkeys(kinds, Ability.POSSIBLE)
        self.apply = dict.fromkeys(kinds, Ability.POSSIBLE)

    def run(self) -> None:
        for use in uses(self._kinds):
            rows = self._list(use)
            if use.listing.item:
                self._item(use, rows)
        if self._told is not None and any(
            bool(self._told[permission]) is not readable
            for permission, readable in self._readable.items()
            if permission in self._told
        ):
            self._told = None  # what it tells isn't what it does
        for kind in self._kinds:
            self._write(kind)

    def _list(self, use: Use) -> Reply | None:
        """Read one row; returns the answer if it is a list."""
        listing, check = use.listing, f"list {use.listing.noun}"
        reply = self._asked(use.always, check, lambda: self._visit.first(listing.path, listing.version))
        if reply is None:
            return None
        if reply.status == 403:
            self._readable[listing.permission] = False
            self._miss(
                use.always, check, self._refusal(reply), f"grant {listing.permission}; {use.needed_by}", Exit.AUTH
            )
            return None
        if reply.status != 200 or self._visit.rows(listing.path, reply) is None:
            self._miss(use.always, check, *unexpected(self._visit, reply))
            return None
        self._readable.setdefault(listing.permission, True)
        total = reply.headers.get("x-total-count", "")
        counted = f", {int(total):,} in all" if total.isascii() and total.isdigit() and len(total) < 10 else ""
        self._findings.ok(check, f"GET {listing.path}: readable{counted}")
        return reply

    def _item(self, use: Use, listed: Reply | None) -> None:
        """Read one row by itself: who may list may not see everything that is listed."""
        listing, check = use.listing, f"read one of the {use.listing.noun}"
        if listed is None:
            self._findings.skip(check, f"the {listing.noun} can't be listed")
            return
        rows = self._visit.rows(listing.path, listed)
        value = pick(rows[0], listing.item) if rows else None
        if value is None:
            self._findings.skip(check, f"there are no {listing.noun} to try it on")
            return
        path = f"{listing.path}/{quote(str(value), safe='')}"
        reply = self._asked(use.singly, check, lambda: self._visit.get(path, version=listing.version))
        if reply is None:
            return
        if reply.status == 403:
            self._hidden(use, check, reply)
        elif reply.status == 200 and isinstance(content(reply), dict):
            self._findings.ok(check, f"GET {listing.path}/{{{listing.item}}}: readable")
        elif reply.status == 404:
            self._findings.warn(
                check, f"what was listed a moment ago is gone ({self._visit.said(reply)})", "look again"
            )
        else:
            self._miss(use.singly, check, *unexpected(self._visit, reply))

    def _asked(self, users: Sequence[str], check: str, ask: Callable[[], Reply]) -> Reply | None:
        """Return an answer; silence and refused credentials are noted, and those are not shown again."""
        if self._refused:
            self._bar(users)
            self._findings.skip(check, f"not tried, since {self._refused} found the credentials refused")
            return None
        try:
            reply = ask()
        except NoReply as why:
            self._miss(users, check, f"no answer: {why}", "check the network, then look again", Exit.UNREACHABLE)
            return None
        except ReconcilerError as error:
            self._bar(users)
            self._findings.raised(check, error)
            return None
        if reply.status == 401:
            self._refused = check
            self._bar(users)
            self._findings.fail(check, f"refused ({self._visit.said(reply)})", "check `auth`", Exit.AUTH)
            return None
        return reply

    def _hidden(self, use: Use, check: str, reply: Reply) -> None:
        """Note that a row that was listed may not be read by itself."""
        listing, detail = use.listing, self._refusal(reply)
        if not listing.item_permission:
            self._miss(use.singly, check, detail, f"grant {listing.permission}; {use.needed_by}", Exit.AUTH)
            return
        again = f"apply reads {listing.noun} again before and after it writes"
        self._findings.warn(check, detail, f"grant {listing.item_permission} if this account is to apply; {again}")
        for kind in use.singly:
            self.apply[kind] = Ability.IMPOSSIBLE

    def _refusal(self, reply: Reply) -> str:
        return f"the permission is missing ({self._visit.said(reply)})"

    def _miss(self, users: Sequence[str], check: str, detail: str, remedy: str, cause: Exit) -> None:
        """Note what can't be read: a failure where some kind can't do without it."""
        self._bar(users)
        if users:
            self._findings.fail(check, detail, remedy, cause)
        else:
            self._findings.warn(check, detail, remedy)

    def _bar(self, users: Sequence[str]) -> None:
        for kind in users:
            self.plan[kind] = self.apply[kind] = Ability.IMPOSSIBLE

    def _write(self, kind: str) -> None:
        """Judge what apply needs besides: told by the server, or not provable."""
        check, grants = f"write {kind}", self._kinds[kind].requires.write
        needed = " and ".join(map(str, grants))
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
