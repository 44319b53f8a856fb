"""One login request and what its failure means; shared by the two ways of fetching a token."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import AuthError, NoReply, UnreachableError
from reconciler.model import Reply
from reconciler.transport.failures import advise_on_failure
from reconciler.transport.retry import RetryPolicy, is_proxy_demand, is_worth_repeating
from reconciler.transport.strict_json import is_web_page
from reconciler.transport.transport import Sender

_TOKEN = re.compile(r"[\x21-\x7e]{1,65536}")
_CONSEQUENCE = "without a token nothing can be asked"


class LoginLabels(NamedTuple):
    """What messages call the settings of a login: its fields, the provider's authority, our certificate for it."""

    url: str
    fields: str
    bundle: str
    certificate: str = "clientCertificate"


class Login:
    """Posts credentials to one address of one identity provider. A refusal is never met with a second try.

    A token request changes nothing, so what another moment may mend is repeated as a read is, within the same budget.
    `learn` hears each token before anybody else, so that no output shows it; `describe` puts an answer's status and
    what it says of itself into words that are fit to be printed.
    """

    def __init__(
        self,
        transport: Sender,
        url: str,
        learn: Callable[[str], None],
        describe: Callable[[Reply], str],
        target: str,
        labels: LoginLabels,
        retry_policy: RetryPolicy,
    ) -> None:
        self._transport, self._url, self._learn, self._describe = transport, url, learn, describe
        self._retry_policy = retry_policy
        self._target, self._labels = target, labels
        self._source = Source(f"{target} POST {url.partition('?')[0]}")

    def post(self, headers: Mapping[str, str], body: bytes) -> Reply:
        """Return a 2xx answer; raises AuthError where the provider says no, UnreachableError where it says nothing."""
        try:
            reply = self._retry_policy.read(lambda: self._transport.send("POST", self._url, headers, body))
        except NoReply as error:
            advice = advise_on_failure(error, self._labels.bundle, self._labels.certificate)
            reason = "; ".join(filter(None, (_CONSEQUENCE, advice.reason)))
            raise UnreachableError(
                Diagnostic("login.unreachable", self._source, f"no login: {error}", reason, advice.remedy)
            ) from None
        if 200 <= reply.status < 300:
            return reply
        description = self._describe(reply)
        if is_proxy_demand(reply.status) or (reply.status == 403 and is_web_page(reply.body)):
            whose = ", as of a firewall or a proxy before the provider"
            summary = f"the answer is a web page (403){whose}"
            if reply.status != 403:
                summary = f"a proxy on the way asks who we are ({description})"
            remedy = "ask who runs it to let token requests through"
            diagnostic = Diagnostic("login.unreachable", self._source, f"no login: {summary}", _CONSEQUENCE, remedy)
            raise UnreachableError(diagnostic)
        if reply.status == 429 or reply.status >= 500:
            again = " although it was asked again" if is_worth_repeating(reply.status) else ""
            summary = f"no login: the identity provider fails ({description}){again}"
            raise UnreachableError(Diagnostic("login.unreachable", self._source, summary, remedy="try again later"))
        if 300 <= reply.status < 400:
            summary = f"the answer is a redirect ({reply.status}), which is never followed with credentials"
            raise self.make_auth_error(summary, elsewhere=True)
        if reply.status in (404, 405, 410):
            raise self.make_auth_error(f"no tokens are given there ({description})", elsewhere=True)
        raise self.make_auth_error(f"the identity provider refused the credentials ({description})")

    def accept(self, token: object) -> str:
        """Return a token that a header can carry and that no output will show from now on."""
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise self.make_auth_error("the answer holds no usable token")
        self._learn(token)
        return token

    def make_auth_error(self, summary: str, *, elsewhere: bool = False) -> AuthError:
        """Return the error for a login that brought nothing; `elsewhere` where the address looks wrong."""
        remedy = f"check {self._labels.url if elsewhere else self._labels.fields} of target {self._target}"
        return AuthError(Diagnostic("login.refused", self._source, f"no login: {summary}", _CONSEQUENCE, remedy))

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()
