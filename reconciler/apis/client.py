"""One API as its readers and its one writer see it: paths in, decoded answers or the tool's own errors out."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from urllib.parse import quote, urlencode, urlsplit

from reconciler.apis.auth.advice import after_refusal
from reconciler.apis.auth.contract import Authenticator
from reconciler.apis.decode import NotJson, decode, message
from reconciler.apis.reasons import advice
from reconciler.apis.redact import Redactor
from reconciler.apis.retry import RETRIED, Patience
from reconciler.apis.transport import LIST_CAP, OBJECT_CAP, Transport, UnusableReply
from reconciler.errors import (
    AuthError,
    IncompleteError,
    NoReply,
    Problem,
    ReconcilerError,
    Source,
    UnreachableError,
)
from reconciler.model import Call, Json, Query, Reply
from reconciler.settings.target import Target
from reconciler.visible import shown

_PATH = re.compile(r"(/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)+")
_DOTS = re.compile(r"/(\.|%2e){1,2}(/|$)", re.IGNORECASE)
_RECITAL = re.compile(r",?\s*canonicalRequest:")
"""Where Huawei's gateway begins to recite the request that it computed a signature for."""
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
        self._lock = threading.Lock()
        self._refused: AuthError | None = None
        self.answered = False
        self.product = ""

    def url(self, path: str, query: Query) -> str:
        """Return the URL of a path below the target's; raises ValueError for one that servers may read differently."""
        if not _PATH.fullmatch(path) or _DOTS.search(path):
            raise ValueError(f"the path {shown(path)} is not plainly encoded")
        return f"{self.target.url}{path}" + (f"?{urlencode(query, quote_via=quote, safe='')}" if query else "")

    def source(self, path: str, method: str = "GET") -> Source:
        """Return how a request is named in a problem: without its query."""
        return Source(f"{self.target.name} {method} {self.target.url}{shown(path, 200)}")

    def get(self, path: str, query: Query, version: int, *, listing: bool = False) -> Reply | None:
        """Return a 200 answer, or None for an object that isn't there.

        Raises AuthError, UnreachableError or IncompleteError, as `resource.Read` has it; what a listing answers with
        404 is incomplete, since a list always exists.
        """
        if self._refused:
            raise self._refused
        try:
            url = self.url(path, query)
        except ValueError as why:
            raise IncompleteError(Problem(self.source("/"), f"{why}, so it was not asked for")) from None
        try:
            reply = self._ask(url, version, LIST_CAP if listing else OBJECT_CAP)
        except UnusableReply as why:
            raise IncompleteError(Problem(self.source(path), f"{why}; {_NEXT_TIME}")) from None
        except NoReply as why:
            raise UnreachableError(
                Problem(self.source(path), f"no answer: {why}; {advice(why, _BUNDLES[self.target.api])}")
            ) from None
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
        return self.redact.line(message(reply.body))

    def send(self, call: Call) -> Reply:
        """Send a write, once, and return the answer whatever its status; known secrets in it are blotted out.

        Raises NoReply, `sent` False where nothing left: a failed login included, so that a writer meets one exception.
        """
        body = json.dumps(call.body, separators=(",", ":")).encode()
        try:
            url = self.url(call.path, call.query)
            headers = {"Content-Type": "application/json", **self._headers(call.version)}
            headers |= self._auth.headers(call.method, url, body)
        except (ReconcilerError, ValueError) as why:
            raise NoReply(f"nothing was sent: {self.redact.line(str(why))}", sent=False) from None
        reply = self._transport.send(call.method, url, headers, body)
        self._noted(reply, headers)
        return reply._replace(body=self.redact.bytes(reply.body))

    def _ask(self, url: str, version: int, cap: int) -> Reply:
        """Read with retries, and once more with new credentials where the first were refused and others can be had."""
        used: dict[str, str] = {}

        def attempt() -> Reply:
            nonlocal used
            used = {**self._headers(version), **self._auth.headers("GET", url, b"")}
            return self._transport.send("GET", url, used, cap=cap)

        reply = self._patience.read(attempt)
        if self._noted(reply, used):
            reply = self._patience.read(attempt)
            self._noted(reply, used)
        return reply

    def _noted(self, reply: Reply, used: Mapping[str, str]) -> bool:
        """Learn from an answer; True if it refused credentials that can be replaced."""
        self.product = reply.headers.get("x-keyfactor-product-version", self.product)
        if reply.status == 401:
            return self._auth.refresh(used)
        if reply.status not in RETRIED:
            self.answered = True
            self._auth.accepted(used)
        return False

    def _judged(self, path: str, reply: Reply, *, listing: bool) -> Reply | None:
        at, status = self.source(path), reply.status
        if status == 200:
            return reply
        if not listing and self._absent(reply):
            return None
        said = self.explain(reply)
        told = f"{status}: {said}" if said else str(status)
        if status == 401:
            refusal = AuthError(Problem(at, self._refusal(_RECITAL.split(told)[0])))
            with self._lock:
                if not self.answered:
                    self._refused = refusal  # asking on would only bring the account nearer to being locked
            raise refusal
        if status == 403:
            raise AuthError(
                Problem(
                    at,
                    f"the permission to read this is missing ({told}); what can't be seen can't be compared; grant it",
                )
            )
        if status in RETRIED or status >= 500:
            raise UnreachableError(
                Problem(at, f"the server fails ({told}) although it was asked again; try again later")
            )
        if 300 <= status < 400:
            host = urlsplit(reply.headers.get("location", "")[:2000].replace("\\", "/")).netloc.rpartition("@")[2]
            to = f" to {self.redact.line(host, 100)}" if host else ""
            raise self.distrust(
                path, f"the answer is a redirect ({status}){to}, which is never followed with credentials"
            )
        raise self.distrust(path, f"the server can't answer this ({told})")

    def _refusal(self, told: str) -> str:
        return (
            f"the credentials were refused ({told}); nothing can be read without them; check `auth` of target "
            f"{self.target.name}: {after_refusal(self.target.auth)}"
        )

    def _absent(self, reply: Reply) -> bool:
        """Say whether an answer means that the object doesn't exist, and not that the gateway knows no such API.

        Command: any 404. CSMS: 404, or 400 with the service's own code for "does not exist".
        """
        if self.target.api == "keyfactor" or reply.status not in (400, 404):
            return reply.status == 404
        said = message(reply.body)
        return said.startswith("CSMS.0005") if reply.status == 400 else not said.startswith(("APIGW.", "APIG."))
