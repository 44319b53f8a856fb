"""The simulated world: every store of both APIs, the switches, the ledger and the lock over all of it."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from reconciler.simulator.http.messages import Json
from reconciler.simulator.world.certificate_rows import Certificate
from reconciler.simulator.world.certificate_store import CertificateStore
from reconciler.simulator.world.identities import Account, IssuedTokens
from reconciler.simulator.world.ledger import Ledger, format_now
from reconciler.simulator.world.permissions import PermissionCatalogue, build_catalogue
from reconciler.simulator.world.switches import Switches

Record = dict[str, Any]


@dataclass
class World:
    """Stores are plain dictionaries by id, of plain dictionaries with the API's own member names, mutable under `lock`.

    A role's `Claims` are ids of `claims`; a claim's `ClaimType` is the integer. `Extra` (roles) and what starts with an
    underscore is not shown as it is. Events are keyed by name, permission sets and identity providers by GUID.
    """

    certificates: CertificateStore
    project: str
    place: str = ""
    """Which of a fleet it is: a project's id, an instance's name; empty for the first of both."""
    switches: Switches = field(default_factory=Switches)
    # Reentrant: a request takes it once around faults, and again for the API that answers it.
    lock: threading.RLock = field(default_factory=threading.RLock)
    ledger: Ledger = field(default_factory=Ledger)
    roles: dict[int, Record] = field(default_factory=dict)
    claims: dict[int, Record] = field(default_factory=dict)
    permission_sets: dict[str, Record] = field(default_factory=dict)
    providers: dict[str, Record] = field(default_factory=dict)
    handlers: dict[int, Record] = field(default_factory=dict)
    assemblies: dict[str, list[Record]] = field(default_factory=dict)
    """Extension assemblies that POST /EventHandlerRegistration can find, with the handlers that each one holds."""
    collections: dict[int, Record] = field(default_factory=dict)
    containers: dict[int, Record] = field(default_factory=dict)
    patterns: dict[int, Record] = field(default_factory=dict)
    """Enrollment patterns: {"Id", "Name", "OwnerPolicy": "Optional" or "Required"}."""
    requests: dict[int, Record] = field(default_factory=dict)
    history: dict[int, list[Record]] = field(default_factory=dict)
    events: dict[str, Record] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    subscriptions: dict[str, set[str]] = field(default_factory=dict)
    """Names of the secrets that refer to an event, by the event's name."""
    refusals: list[Record] = field(default_factory=list)
    """Requests of Command that were answered 403: {"method", "path", "actor", "at"}."""
    denied_mails: list[int] = field(default_factory=list)
    """Request ids for which a denied-request alert went out: one each time that a denial was carried out."""
    users: dict[str, Account] = field(default_factory=dict)
    """Accounts for Basic, by lower-case name."""
    clients: dict[str, Account] = field(default_factory=dict)
    """OAuth clients, by id."""
    access_keys: dict[str, Account] = field(default_factory=dict)
    temporary_keys: set[str] = field(default_factory=set)
    """Those of them that are worth nothing without their security token."""
    security_tokens: IssuedTokens = field(default_factory=IssuedTokens)
    iam_users: dict[tuple[str, str], Account] = field(default_factory=dict)
    """IAM accounts by (domain, user)."""
    bearer_tokens: IssuedTokens = field(default_factory=IssuedTokens)
    iam_tokens: IssuedTokens = field(default_factory=IssuedTokens)
    token_projects: dict[str, str] = field(default_factory=dict)
    """The project that one of them is scoped to, "" for the account. One that is not here is good for all."""
    projects: dict[str, str] = field(default_factory=dict)
    """The names of the account's projects, by their ids."""
    failed_keys: dict[str, tuple[int, float]] = field(default_factory=dict)
    """Failures in a row of an access key, and the monotonic time of the last."""
    _stale: dict[Hashable, tuple[Json, int]] = field(default_factory=dict)

    def add_temporary_key(self, access: str, secret: str, seconds: float) -> str:
        """Add a temporary access key; returns the security token that goes with it."""
        self.access_keys[access] = Account("reconciler", secret)
        self.temporary_keys.add(access)
        return self.security_tokens.issue(access, seconds)

    @property
    def global_set_id(self) -> str:
        """The GUID of the permission set called Global."""
        # By name, because ids differ per installation (KF 9, row 18).
        return next(guid for guid, record in self.permission_sets.items() if record["Name"] == "Global")

    @property
    def permissions(self) -> PermissionCatalogue:
        """The permission strings that this server knows."""
        return build_catalogue(self.switches["permission_added"], self.switches["permission_removed"])

    def find_role_name(self, role_id: int) -> str | None:
        """Return a role's name, None if there is no such role."""
        role = self.roles.get(role_id)
        return role["Name"] if role else None

    def find_role_by_name(self, name: str) -> Record | None:
        """Return the role of this name, as the server compares names."""
        if self.switches["role_names"] == "sensitive":
            return next((role for role in self.roles.values() if role["Name"] == name), None)
        return next((role for role in self.roles.values() if role["Name"].lower() == name.lower()), None)

    def convert_stored_text(self, text: str | None) -> str | None:
        """Return what the server stores of a text that it was sent, by the switch `text_stored`."""
        return None if text is None else _STORED_TEXT[self.switches["text_stored"]](text)

    def note_refusal(self, method: str, path: str, actor: str) -> None:
        """Note a request of Command that its caller was not allowed."""
        self.refusals.append({"method": method, "path": path, "actor": actor, "at": format_now()})

    def note_change(self, key: Hashable, before: Json) -> None:
        """Note an object's state before a change, for the reads that still show it (switch `read_lag`)."""
        if self.switches["read_lag"]:
            self._stale[key] = (deepcopy(before), self.switches["read_lag"])

    @property
    def has_stale_states(self) -> bool:
        """Whether reads still show an earlier state of some object (switch `read_lag`)."""
        return bool(self._stale)

    def find_visible_state(self, key: Hashable, current: Json) -> Json:
        """Return what a read shows of an object whose true state is `current`; None is absence."""
        if key not in self._stale:
            return current
        before, remaining = self._stale.pop(key)
        if remaining > 1:
            self._stale[key] = (before, remaining - 1)
        return before

    def add_certificate(self, certificate: Certificate) -> None:
        """Put one more certificate into the world."""
        with self.lock:
            self.certificates[certificate.id] = certificate

    def add_role(self, name: str, **members: Any) -> int:
        """Put one more role into the world, whatever the API would say to it; returns its id.

        What is not given is that of a new role without permissions and claims, in the Global permission set.
        """
        with self.lock:
            role = {
                "Id": find_next_id(self.roles),
                "Name": name,
                "Description": name,
                "EmailAddress": None,
                "Immutable": False,
                "PermissionSetId": self.global_set_id,
                "Permissions": [],
                "Claims": [],
                "Extra": {},
                **members,
            }
            self.roles[role["Id"]] = role
            return int(role["Id"])

    def add_event(self, name: str, like: str = "lifecycle", **members: Any) -> None:
        """Put one more secret event into the world, whatever the API would say to it: a copy with these members."""
        with self.lock:
            self.events[name] = {**deepcopy(self.events[like]), "name": name, "event_id": str(uuid4()), **members}

    def add_request(self, like: int = 23, **members: Any) -> int:
        """Put one more certificate request into the world: a copy with these members; returns its id.

        Its alternative names, `AltNames`, are pairs such as ("dns", "www.example.com"); without them it has its common
        name alone.
        """
        with self.lock:
            alt_names = members.pop("AltNames", None)
            request_id = find_next_id(self.requests)
            numbers = {"Id": request_id, "CARequestId": str(1000 + request_id)}
            self.requests[request_id] = {**deepcopy(self.requests[like]), **numbers, "_sans": alt_names, **members}
            return request_id


def find_next_id(records: Mapping[int, Any]) -> int:
    """Return an id that is not in use: one above the highest."""
    # Unlike an IDENTITY column of SQL Server it hands a number out again once the highest is deleted.
    return max(records, default=0) + 1


def _compose_text(text: str) -> str:
    import unicodedata

    return unicodedata.normalize("NFC", text)


_STORED_TEXT: Mapping[str, Any] = {
    "as_sent": str,
    "trimmed": str.strip,
    # HFS+ of macOS decomposes file names (NFD), so text that was taken from one is not NFC.
    "nfc": _compose_text,
    "upper": str.upper,
    "truncated": lambda text: text[:32],
}
