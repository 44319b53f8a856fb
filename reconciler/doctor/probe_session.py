"""One target as `doctor` asks it: through the connection, the credentials and the readers that `plan` has.

Nothing here judges. What the readers make of an answer is handed on, and the answer with it, as it came.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, NamedTuple, Self

from reconciler.apis.connect import Machine, connect
from reconciler.apis.dialect import describe_reply
from reconciler.credentials.sources import Origin
from reconciler.errors import AuthError, ReconcilerError
from reconciler.model import Reply
from reconciler.reader import Read
from reconciler.settings.model import AkskAuth, Target
from reconciler.transport.exchanges import TrafficWatch
from reconciler.transport.strict_json import UnusableJson, decode_json


class DoctorAnswer(NamedTuple):
    """What came of a question: what the reader made of it, or why nothing, and the last answer, if there was one."""

    found: Any
    error: ReconcilerError | None
    reply: Reply | None

    @property
    def status(self) -> int:
        """The answer's status, 0 where none came."""
        return self.reply.status if self.reply else 0

    @property
    def refused(self) -> bool:
        """Whether there are no credentials that the server takes; a missing permission (403) is not that."""
        return isinstance(self.error, AuthError) and self.status != 403

    @property
    def is_forbidden(self) -> bool:
        """Whether a permission is missing: the API's own 403, and not that of a firewall before it."""
        return isinstance(self.error, AuthError) and self.status == 403


class DoctorSession:
    """A target that is asked one thing after the other, from one thread. Use it in a `with` statement.

    Raises UsageError where the target lacks something, or its certificates can't be used.
    """

    def __init__(
        self,
        target: Target,
        env: Mapping[str, str],
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        traffic: TrafficWatch | None = None,
    ) -> None:
        self._now = now
        self._reply: Reply | None = None
        # Somebody waits to hear what is wrong: that a server asks for patience is an answer.
        machine = Machine(traffic=traffic, throttling=None)
        self._api = connect(target, env, clock=clock, sleep=sleep, now=now, on_reply=self._keep_reply, machine=machine)
        self.target, self.dialect = self._api.target, self._api.dialect

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._api.close()

    def fetch(self, origin: Origin, field: str) -> None:
        """Fetch a secret, once for all who need it; `field` is its place in the settings. Raises AuthError for none."""
        self._api.secrets.prefetch(origin, field)

    def proxy_login(self) -> str:
        """Return what the proxy is told of us, "" for nothing. Raises AuthError where its secret can't be fetched."""
        return self._api.transports.proxy_login()

    def login(self) -> float | None:
        """Make sure that there are credentials to send, with a token request where they need one.

        Returns the seconds that they last, None where nobody says; raises AuthError or UnreachableError.
        """
        if isinstance(self.target.auth, AkskAuth):
            return None  # there is nothing to fetch, and what a signature covers may not be known yet
        auth = self._api.identity.auth
        headers = auth.headers("GET", f"{self.target.url}/", b"")
        seconds = auth.remaining()
        expiry = _read_token_expiry(headers.get("Authorization", "")) if seconds is None else None
        return seconds if expiry is None else expiry - self._now().timestamp()

    def project(self) -> str:
        """Return the project's id; where the settings have its name, IAM is asked, and what a read raises is raised."""
        return self._api.bound().project

    def ask(self, question: Callable[[Read], Any]) -> DoctorAnswer:
        """Have a reader asked; what it raises is part of what was heard. It reads anew what was read before."""
        self._reply = None
        try:
            return DoctorAnswer(question(self._api.fresh), None, self._reply)
        except ReconcilerError as error:
            return DoctorAnswer(None, error, self._reply)

    def said(self, answer: DoctorAnswer) -> str:
        """Return an answer's status with what it says of itself, fit to be printed."""
        return describe_reply(answer.reply, self._api.client.redact) if answer.reply else "no answer"

    def line(self, text: str, limit: int = 80) -> str:
        """Return foreign text without our secrets, on one line of bounded length."""
        return self._api.client.redact.line(text, limit)

    @property
    def product(self) -> str:
        """The server's version as its last answer said it, fit to be printed; "" where it doesn't say."""
        return self.line(self._api.product)

    def _keep_reply(self, reply: Reply) -> None:
        self._reply = reply


def _read_token_expiry(authorization: str) -> float | None:
    """Return when a bearer token says that it ends (RFC 7519: exp), in seconds since the epoch; None for any other."""
    parts = authorization.removeprefix("Bearer ").split(".")
    try:
        # RFC 7515, 2: base64url without its padding, which Python wants back. The signature is the
        # server's to verify.
        claims = decode_json(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))) if len(parts) == 3 else {}
    except (ValueError, UnusableJson):
        return None
    expiry = claims.get("exp") if isinstance(claims, dict) else None
    return float(expiry) if isinstance(expiry, int | float) and not isinstance(expiry, bool) else None
