"""One API as its readers and its one writer see it: paths in, decoded answers or the tool's own errors out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from urllib.parse import quote, urlencode, urlsplit

from reconciler.apis.auth.authenticator import Authenticator
from reconciler.apis.auth.lockout import Refusals
from reconciler.apis.auth_advice import after_refusal
from reconciler.apis.dialect import absent, explained, refused, told, took
from reconciler.credentials.redaction import Redactor
from reconciler.errors import (
    AuthError,
    Exit,
    IncompleteError,
    NoReply,
    Problem,
    ReconcilerError,
    Source,
    UnreachableError,
)
from reconciler.model import Call, Json, LoggedOut, Query, Reply
from reconciler.sanitize import shown
from reconciler.settings.model import Target
from reconciler.transport.failures import advice
from reconciler.transport.retry import RETRIED, Patience
from reconciler.transport.strict_json import NotJson, decode
from reconciler.transport.transport import LIST_CAP, OBJECT_CAP, Transport, UnusableReply

_PATH = re.compile(r"(/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)+")
# RFC 3986, 5.2.4: normalising removes dot segments, so another object than the one meant would be
# reached. %2e is a dot as well (6.2.2.2).
_DOTS = re.compile(r"/(\.|%2e){1,2}(/|$)", re.IGNORECASE)
_BUNDLES = {"keyfactor": "caBundle (or KEYFACTOR_CA_CERT)", "csms": "caBundle"}
_NEXT_TIME = "nothing was concluded from it; check the target, then run again"


class Client:
    """Sends what the target's URL, headers and credentials make of a path. Safe for many threads."""

    def __init__(
        self,
        target: Target,
        transport: Transport,
        auth: Authenticator,
        redact: Redactor,
        patience: Patience,
        headers: Callable[[int], dict[str, str]],
    ) -> None:
        self.target, self.redact = target, redact
        self._transport, self._auth, self._patience, self._headers = transport, auth, patience, headers
        self._refusals = Refusals()
        self.product = ""
        self.heard: Callable[[Reply], None] = lambda _reply: None
        """Is shown each answer to a read before it is judged."""

    @property
    def proved(self) -> bool:
        """Whether the credentials were ever taken."""
        return self._refusals.proved

    def url(self, path: str, query: Query) -> str:
        """Return the URL of a path below the target's; raises ValueError for one that servers may read differently."""
        if not _PATH.fullmatch(path) or _DOTS.search(path):
            raise ValueError(f"the path {shown(path)} is not plainly encoded")
        # A blank as %20: a + in a query is a blank to some servers and a plus to others.
        return f"{self.target.url}{path}" + (f"?{urlencode(query, quote_via=quote, safe='')}" if query else "")

    def source(self, path: str, method: str = "GET") -> Source:
        """Return how a request is named in a problem: without its query."""
        return Source(f"{self.target.name} {method} {self.target.url}{shown(path, 200)}")

    def get(self, path: str, query: Query, version: int, *, listing: bool = False) -> Reply | None:
        """Return a 200 answer, or None for an object that isn't there.

        Raises AuthError, UnreachableError or IncompleteError, as `resource.Read` has it; what a listing answers with
        404 is incomplete, since a list always exists.
        """
        try:
            url = self.url(path, query)
        except ValueError as why:
            raise IncompleteError(Problem(self.source("/"), f"{why}, so it was not asked for")) from None
        try:
            reply = self._ask(path, url, version, LIST_CAP if listing else OBJECT_CAP)
        except UnusableReply as why:
            raise IncompleteError(Problem(self.source(path), f"{why}; {_NEXT_TIME}")) from None
        except NoReply as why:
            raise UnreachableError(
                Problem(self.source(path), f"no answer: {why}; {advice(why, _BUNDLES[self.target.api])}")
            ) from None
        self.heard(reply)
        return self._judged(path, reply, listing=listing)

    def decoded(self, path: str, reply: Reply, *, bulk: bool = False) -> Json:
        """Return the JSON of an answer; raises IncompleteError."""
        try:
            return decode(reply.body, bulk=bulk)
        except NotJson as why:
            raise self.distrust(path, f"the answer {why}") from None

    def distrust(self, path: str, what: str) -> IncompleteError:
        """Return the error for an answer that can't be trusted."""
        return IncompleteError(Problem(self.source(path), f"{what}; {_NEXT_TIME}"))

    def explain(self, reply: Reply) -> str:
        """Return what an answer says of itself, fit to be printed: redacted, escaped, on one short line."""
        return explained(reply, self.redact)

    def send(self, call: Call) -> Reply:
        """Send a write, once, and return the answer as it came, whatever its status. `explain` is for showing it.

        Raises LoggedOut where the credentials were refused, and NoReply, `sent` False where nothing left: after a
        failed login as well, whose exit code is its cause.
        """
        # Encoded before the credentials are asked for: an AK/SK signature covers exactly these bytes.
        body = json.dumps(call.body, separators=(",", ":")).encode()
        try:
            self._refusals.check()
            url = self.url(call.path, call.query)
            headers = {"Content-Type": "application/json", **self._headers(call.version)}
            headers |= self._auth.headers(call.method, url, body)
            reply = self._transport.send(call.method, url, headers, body)
        except (ReconcilerError, ValueError) as why:  # before anything left; afterwards there is only NoReply
            cause = why.exit if isinstance(why, ReconcilerError) else Exit.INTERNAL
            raise NoReply(f"nothing was sent: {self.redact.line(str(why))}", sent=False, cause=cause) from None
        renewable = self._learnt(self.source(call.path, call.method), reply, headers)
        if refused(self.target.api, reply):
            raise LoggedOut(reply, renewable=renewable, advice=self._advice())
        return reply

    def _ask(self, path: str, url: str, version: int, cap: int) -> Reply:
        """Read with retries, and once more with new credentials where the first were refused and others can be had."""
        used: dict[str, str] = {}

        def attempt() -> Reply:
            nonlocal used
            self._refusals.check()
            used = {**self._headers(version), **self._auth.headers("GET", url, b"")}
            return self._transport.send("GET", url, used, cap=cap)

        at = self.source(path)
        reply = self._patience.read(attempt)
        if self._learnt(at, reply, used):
            reply = self._patience.read(attempt)
            self._learnt(at, reply, used, again=True)
        return reply

    def _learnt(self, at: Source, reply: Reply, used: Mapping[str, str], *, again: bool = False) -> bool:
        """Learn from an answer; True if it refused credentials that can be replaced. `again` where they just were."""
        self.product = reply.headers.get("x-keyfactor-product-version", self.product)
        if refused(self.target.api, reply):
            if self._auth.refresh(used, again=again):
                return True
            self._refusals.met(self._refusal(at, reply))
        elif took(self.target.api, reply):
            self._refusals.taken()
            self._auth.accepted(used)
        return False

    def _judged(self, path: str, reply: Reply, *, listing: bool) -> Reply | None:
        at, status = self.source(path), reply.status
        if status == 200:
            return reply
        if not listing and absent(self.target.api, reply):
            return None
        if refused(self.target.api, reply):
            raise self._refusal(at, reply)
        said = told(reply, self.redact)
        if status == 403:
            raise AuthError(
                Problem(
                    at,
                    f"the permission to read this is missing ({said}); what can't be seen can't be compared; grant it",
                )
            )
        if status in RETRIED or status >= 500:
            raise UnreachableError(
                Problem(at, f"the server fails ({said}) although it was asked again; try again later")
            )
        # HTTP libraries take Authorization away when a redirect leads to another host, but not X-Auth-Token:
        # followed, it would hand the token over.
        if 300 <= status < 400:
            raise self.distrust(
                path, f"the answer is a redirect ({status}){self._aim(reply)}, which is never followed with credentials"
            )
        raise self.distrust(path, f"the server can't answer this ({said})")

    def _refusal(self, at: Source, reply: Reply) -> AuthError:
        what = f"the credentials were refused ({told(reply, self.redact)}); nothing can be read without them"
        return AuthError(Problem(at, f"{what}; {self._advice()}"))

    def _advice(self) -> str:
        return f"check `auth` of target {self.target.name}: {after_refusal(self.target.auth)}"

    def _aim(self, reply: Reply) -> str:
        """Say where a redirect leads to: its host, without what may stand in front of it; "" where it names none."""
        # The WHATWG URL Standard, and so every browser, takes a backslash for a slash; urlsplit does not.
        where = self.redact(reply.headers.get("location", "")).replace("\\", "/")
        try:
            # RFC 3986, 3.2.1: what stands before the @ may be a user and a password.
            host = urlsplit(where).netloc.rpartition("@")[2]
        except ValueError:  # such as brackets that hold no address
            return ""
        return f" to {self.redact.line(host, 100)}" if host else ""
