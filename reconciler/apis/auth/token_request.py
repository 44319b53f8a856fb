"""One login request and what its failure means; shared by the two ways of fetching a token."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from reconciler.apis.dialect import told
from reconciler.credentials.redaction import Redactor
from reconciler.errors import AuthError, NoReply, Problem, Source, UnreachableError
from reconciler.model import Reply
from reconciler.transport.failures import advice
from reconciler.transport.transport import Transport

_TOKEN = re.compile(r"[\x21-\x7e]{1,65536}")


class Words(NamedTuple):
    """What messages call the settings of a login: its fields, the provider's authority, our certificate for it."""

    url: str
    fields: str
    bundle: str
    certificate: str = "clientCertificate"


class Login:
    """Posts credentials to one address of one identity provider, and never twice by itself."""

    def __init__(self, transport: Transport, url: str, redact: Redactor, target: str, words: Words) -> None:
        self._transport, self._url, self._redact, self._target = transport, url, redact, target
        self._words = words
        self._at = Source(f"{target} POST {url.partition('?')[0]}")

    def post(self, headers: Mapping[str, str], body: bytes) -> Reply:
        """Return a 2xx answer; raises AuthError where the provider says no, UnreachableError where it says nothing."""
        try:
            reply = self._transport.send("POST", self._url, headers, body)
        except NoReply as why:
            what = f"no login: {why}; without a token nothing can be asked; {advice(why, *self._words[2:])}"
            raise UnreachableError(Problem(self._at, what)) from None
        if 200 <= reply.status < 300:
            return reply
        said = told(reply, self._redact)
        if reply.status == 429 or reply.status >= 500:
            raise UnreachableError(
                Problem(self._at, f"no login: the identity provider fails ({said}); try again later")
            )
        if 300 <= reply.status < 400:
            what = f"the answer is a redirect ({reply.status}), which is never followed with credentials"
            raise self.failure(what, elsewhere=True)
        if reply.status in (404, 405, 410):
            raise self.failure(f"no tokens are given there ({said})", elsewhere=True)
        raise self.failure(f"the identity provider refused the credentials ({said})")

    def accept(self, token: object) -> str:
        """Return a token that a header can carry and that no output will show from now on."""
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise self.failure("the answer holds no usable token")
        self._redact.learn(token)
        return token

    def failure(self, what: str, *, elsewhere: bool = False) -> AuthError:
        """Return the error for a login that brought nothing; `elsewhere` where the address looks wrong."""
        todo = f"check {self._words.url if elsewhere else self._words.fields} of target {self._target}"
        return AuthError(Problem(self._at, f"no login: {what}; without a token nothing can be asked; {todo}"))

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()
