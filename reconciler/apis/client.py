"""One API as its readers and its one writer see it: paths in, decoded answers or the tool's own errors out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from reconciler.apis.auth.authenticator import Authenticator
from reconciler.apis.auth.lockout import RefusalCounter
from reconciler.apis.auth_advice import AuthAdvice, advise_after_refusal
from reconciler.apis.dialect import Dialect, ReadClient, describe_reply, explain_reply
from reconciler.apis.odd_answers import AnswerContext, explain_odd_answer
from reconciler.credentials.redaction import Redactor
from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import AuthError, Exit, IncompleteError, NoReply, ReconcilerError, UnreachableError
from reconciler.model import Call, Json, LoggedOut, Query, Reply
from reconciler.sanitize import escape_and_shorten
from reconciler.settings.model import Target
from reconciler.transport.failures import advise_on_failure
from reconciler.transport.retry import ReadPatience
from reconciler.transport.strict_json import UnusableJson, decode_json, is_web_page
from reconciler.transport.transport import LIST_CAP, OBJECT_CAP, Sender, UnusableReply

_PATH = re.compile(r"(/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)+")
# RFC 3986, 5.2.4: normalising removes dot segments, so another object than the one meant would be
# reached. %2e is a dot as well (6.2.2.2).
_DOTS = re.compile(r"/(\.|%2e){1,2}(/|$)", re.IGNORECASE)


class _Attempt(NamedTuple):
    """An answer, the headers that it was asked for with, and how many refusals there were when it was."""

    reply: Reply
    headers: Mapping[str, str]
    refusals_before: int


class Client:
    """Sends what the target's URL, headers and credentials make of a path. Safe for many threads.

    `on_reply` is shown each answer to a read before it is judged.
    """

    def __init__(
        self,
        target: Target,
        dialect: Dialect,
        transport: Sender,
        auth: Authenticator,
        redact: Redactor,
        patience: ReadPatience,
        *,
        on_reply: Callable[[Reply], None] = lambda _reply: None,
    ) -> None:
        self.target, self.dialect, self.redact = target, dialect, redact
        self._transport, self._auth, self._patience, self._on_reply = transport, auth, patience, on_reply
        self._refusals = RefusalCounter()
        self._was_answered = False
        self.product = ""

    @property
    def proved(self) -> bool:
        """Whether the credentials were ever taken."""
        return self._refusals.proved

    def when_proved(self, tell: Callable[[], None]) -> None:
        """Call `tell` once the credentials were taken, in any thread; or at once."""
        self._refusals.when_proved(tell)

    def url(self, path: str, query: Query) -> str:
        """Return the URL of a path below the target's; raises ValueError for one that servers may read differently."""
        if not _PATH.fullmatch(path) or _DOTS.search(path):
            raise ValueError(f"the path {escape_and_shorten(path)} is not plainly encoded")
        # A blank as %20: a + in a query is a blank to some servers and a plus to others.
        return f"{self.target.url}{path}" + (f"?{urlencode(query, quote_via=quote, safe='')}" if query else "")

    def source(self, path: str, method: str = "GET") -> Source:
        """Return how a request is named in a problem: without its query."""
        return Source(f"{self.target.name} {method} {self.target.url}{escape_and_shorten(path, 200)}")

    def get(self, path: str, query: Query, version: int, *, listing: bool = False) -> Reply | None:
        """Return a 200 answer, or None for an object that isn't there.

        Raises AuthError, UnreachableError or IncompleteError, as `reader.Read` has it; what a listing answers with
        404 is incomplete, since a list always exists.
        """
        try:
            url = self.url(path, query)
        except ValueError as error:
            summary = f"{error}, so it was not asked for"
            raise IncompleteError(Diagnostic("api.unsafe-path", self.source("/"), summary)) from None
        try:
            reply = self._read_with_retries(path, url, version, LIST_CAP if listing else OBJECT_CAP)
        except UnusableReply as error:
            raise self.make_incomplete_error(path, str(error)) from None
        except NoReply as error:
            advice = advise_on_failure(error, self.dialect.ca_bundle_setting)
            raise UnreachableError(
                Diagnostic("api.unreachable", self.source(path), f"no answer: {error}", *advice)
            ) from None
        self._on_reply(reply)
        return self._judge_reply(path, url, reply, listing=listing)

    def decode_body(self, path: str, reply: Reply, *, bulk: bool = False) -> Json:
        """Return the JSON of an answer; raises IncompleteError."""
        try:
            return decode_json(reply.body, bulk=bulk)
        except UnusableJson as error:
            remedy = f"check {self.dialect.address_setting}, and what stands between" if is_web_page(reply.body) else ""
            raise self.make_incomplete_error(path, f"the answer {error}", remedy) from None

    def make_incomplete_error(self, path: str, summary: str, remedy: str = "") -> IncompleteError:
        """Return the error for an answer that can't be trusted."""
        remedy = remedy or "check the target, then run again"
        return IncompleteError(
            Diagnostic("api.untrusted-answer", self.source(path), summary, "nothing was concluded from it", remedy)
        )

    def explain(self, reply: Reply) -> str:
        """Return what an answer says of itself, fit to be printed: redacted, escaped, on one short line."""
        return explain_reply(reply, self.redact)

    def send(self, call: Call) -> Reply:
        """Send a write, once, and return the answer as it came, whatever its status. `explain` is for showing it.

        Raises LoggedOut where the credentials were refused, and NoReply, `sent` False where nothing left: after a
        failed login as well, whose exit code is its cause.
        """
        # Encoded before the credentials are asked for: an AK/SK signature covers exactly these bytes.
        body = json.dumps(call.body, separators=(",", ":")).encode()
        try:
            refusals_before = self._refusals.check()
            url = self.url(call.path, call.query)
            headers = self.dialect.build_write_headers(call.version)
            headers |= self._auth.headers(call.method, url, body)
            reply = self._transport.send(call.method, url, headers, body)
        except (ReconcilerError, ValueError) as error:  # before anything left; afterwards there is only NoReply
            cause = error.exit if isinstance(error, ReconcilerError) else Exit.INTERNAL
            raise NoReply(f"nothing was sent: {self.redact.line(str(error))}", sent=False, cause=cause) from None
        attempt = _Attempt(reply, headers, refusals_before)
        renewable = self._learn_from_reply(self.source(call.path, call.method), attempt)
        if self.dialect.has_refused_credentials(reply):
            raise LoggedOut(reply, renewable=renewable, advice=str(self._advise_on_auth()))
        return reply

    def _read_with_retries(self, path: str, url: str, version: int, cap: int) -> Reply:
        """Read with retries, and once more with new credentials where the first were refused and others can be had."""
        headers: dict[str, str] = {}
        refusals_before = 0

        def send_once() -> Reply:
            nonlocal headers, refusals_before
            refusals_before = self._refusals.check()
            headers = {**self.dialect.build_headers(version), **self._auth.headers("GET", url, b"")}
            return self._transport.send("GET", url, headers, cap=cap)

        source = self.source(path)
        reply = self._patience.read(send_once)
        if self._learn_from_reply(source, _Attempt(reply, headers, refusals_before)):
            reply = self._patience.read(send_once)
            self._learn_from_reply(source, _Attempt(reply, headers, refusals_before), again=True)
        return reply

    def _learn_from_reply(self, source: Source, attempt: _Attempt, *, again: bool = False) -> bool:
        """Learn from an answer; True if it refused credentials that can be replaced. `again` where they just were."""
        reply, headers, refusals_before = attempt
        self.product = reply.headers.get(self.dialect.version_header, self.product)
        if self.dialect.has_refused_credentials(reply):
            if self._auth.refresh(headers, again=again):
                return True
            self._refusals.record_refusal(self._make_refusal_error(source, reply))
        elif self.dialect.has_taken_credentials(reply):
            self._refusals.taken(refusals_before)
            self._auth.record_success(headers)
        return False

    def _judge_reply(self, path: str, url: str, reply: Reply, *, listing: bool) -> Reply | None:
        source, status = self.source(path), reply.status
        if status == 200:
            self._was_answered = True
            return reply
        if not listing and self.dialect.is_absent(reply):
            return None
        if self.dialect.has_refused_credentials(reply):
            raise self._make_refusal_error(source, reply)
        if status == 403 and not self.dialect.comes_from_between(reply):
            summary = f"the permission to read this is missing ({describe_reply(reply, self.redact)})"
            reason = "what can't be seen can't be compared"
            raise AuthError(Diagnostic("api.permission-missing", source, summary, reason, "grant it"))
        context = AnswerContext(self.target.url, urlsplit(url).query, is_known_api=status != 404 or self._has_api())
        explanation = explain_odd_answer(reply, self.dialect, self.redact, context)
        error = UnreachableError if explanation.rule == "api.server-failing" else IncompleteError
        raise error(explanation.locate(source))

    def _has_api(self) -> bool:
        """Say whether there is such an API at all; where nothing has answered yet, what always answers is asked."""
        if self._was_answered or not (probe := self.dialect.login_probe):
            return self._was_answered
        try:
            return self._read_with_retries(probe, self.url(probe, ()), 1, OBJECT_CAP).status != 404
        except (ReconcilerError, NoReply):  # what was answered before is what is told
            return True

    def _make_refusal_error(self, source: Source, reply: Reply) -> AuthError:
        summary = f"the credentials were refused ({describe_reply(reply, self.redact)})"
        reason, (look, remedy) = "nothing can be read without them", self._advise_on_auth()
        words = (f"{reason}; {look}", remedy) if remedy else (reason, look)
        return AuthError(Diagnostic("api.credentials-refused", source, summary, *words))

    def _advise_on_auth(self) -> AuthAdvice:
        look, remedy = advise_after_refusal(self.target.auth)
        return AuthAdvice(f"check `auth` of target {self.target.name}: {look}", remedy)


class ObjectReader:
    """Reads objects by path, one or many at once: the half of `reader.Read` that both APIs share."""

    def __init__(self, client: ReadClient, pool: Executor) -> None:
        self._client, self._pool = client, pool

    def get(self, path: str, *, query: Query = (), version: int = 1) -> Json:
        """Return the decoded body, or None where the server says that the object doesn't exist."""
        reply = self._client.get(path, query, version)
        return None if reply is None else self._client.decode_body(path, reply)

    def each(self, paths: Sequence[str], *, version: int = 1) -> list[Json]:
        """`get` for many paths at once. The first goes alone until the credentials are proved: accounts get locked.

        Afterwards too refused credentials are shown a few times only, however many paths there are: `RefusalCounter`.
        """
        first_count = 0 if self._client.proved else 1
        first_objects = [self.get(path, version=version) for path in paths[:first_count]]
        return [*first_objects, *self._pool.map(lambda path: self.get(path, version=version), paths[first_count:])]
