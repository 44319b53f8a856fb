"""What differs between the APIs, as one value for each; and what is said alike of any answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from reconciler.credentials.redaction import Redactor
from reconciler.errors import IncompleteError
from reconciler.model import Json, Query, Reply
from reconciler.reader import Read
from reconciler.transport.retry import is_proxy_demand
from reconciler.transport.single_flight import OnceCache
from reconciler.transport.strict_json import is_web_page, read_error_message

# With APIGW.0301: all signed headers stand in it, X-Security-Token too, with | for line breaks.
_RECITED_REQUEST = re.compile(r",?\s*canonicalRequest:")
"""Where Huawei's gateway begins to recite the request that it computed a signature for."""


class ReadClient(Protocol):
    """What a reader asks a server through: `client.Client`, as far as reading goes."""

    @property
    def proved(self) -> bool:
        """Whether the credentials were ever taken."""

    def get(self, path: str, query: Query, version: int, *, listing: bool = False) -> Reply | None:
        """Return a 200 answer, or None for an object that isn't there; a list always is."""

    def decode_body(self, path: str, reply: Reply, *, bulk: bool = False) -> Json:
        """Return the JSON of an answer; raises IncompleteError."""

    def make_incomplete_error(self, path: str, summary: str) -> IncompleteError:
        """Return the error for an answer that can't be trusted."""


class ReaderParts(NamedTuple):
    """What a reader is made of: `project` gives the id of a project; `window` is how many reads are under way.

    `region` is as the settings have it.
    """

    client: ReadClient
    pool: Executor
    project: Callable[[], str]
    window: int
    region: str = ""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between the APIs. There is one value for each, and nobody else asks which API a target has.

    `api` is what the settings call it, `product` what people do. The functions judge an answer by its status and by
    what it says of itself. Texts that are "" mean that there is no such thing.
    """

    api: str
    product: str
    build_headers: Callable[[int], dict[str, str]]
    """Returns what every call carries besides its credentials, for a version of an endpoint."""
    make_reader: Callable[[ReaderParts, OnceCache | None], Read]
    """With a cache the reader reads the same list once; without, each time anew."""
    has_refused_credentials: Callable[[Reply], bool]
    """Says whether an answer refuses the credentials, and not what they were used for."""
    is_absent: Callable[[Reply], bool]
    """Says whether an answer means that the object doesn't exist, and not that nobody knows such an API."""
    is_complaint: Callable[[Reply], bool]
    """Says whether the API itself complains of a request, which it does to somebody whom it knows."""
    was_definitely_not_done: Callable[[Reply], bool]
    """Says whether an answer proves, beyond what its status says anywhere, that a write was not carried out."""
    ca_bundle_setting: str
    """What messages call the setting for the authority of the server's certificate."""
    address_setting: str
    """What messages call the setting for the server's address."""
    address_hint: str = ""
    """What an address is reminded to look like."""
    version_header: str = ""
    """The header of every answer that tells the product's version, in lower case."""
    oldest_major: int = 0
    """The first major version that can do all that a plan may need."""
    update_advice: str = ""
    """What is said of an older one."""
    login_probe: str = ""
    """A path that needs no permission, only credentials."""
    tells_permissions: bool = False
    """Whether an account can ask which permissions it holds; some versions may not answer."""

    def build_write_headers(self, version: int) -> dict[str, str]:
        """Return what a write carries besides its credentials."""
        return {"Content-Type": "application/json", **self.build_headers(version)}

    def has_taken_credentials(self, reply: Reply) -> bool:
        """Say whether an answer shows that the credentials were taken: a redirect may lead to a login."""
        status = reply.status
        return (200 <= status < 300 or (400 <= status < 500 and status != 429)) and not (
            self.has_refused_credentials(reply) or self.comes_from_between(reply)
        )

    def comes_from_between(self, reply: Reply) -> bool:
        """Say whether an answer is a proxy's own word, or a web page that the API itself doesn't sign."""
        return is_proxy_demand(reply.status) or self._is_unsigned_page(reply)

    def _is_unsigned_page(self, reply: Reply) -> bool:
        return is_web_page(reply.body) and self.version_header not in reply.headers


def is_throttled_by_gateway(reply: Reply) -> bool:
    """Say whether Huawei's gateway turned a call away, so that the API behind it never saw it.

    Throttling is only believed in the gateway's documented form: something else may have passed the request on.
    """
    return reply.status == 429 and b"APIGW.0308" in reply.body


def explain_reply(reply: Reply, redact: Redactor) -> str:
    """Return what an answer says of itself, decoded, redacted, escaped, on one short line; "" if nothing."""
    if reply.status >= 400 and is_web_page(reply.body):
        return "a web page"
    return redact.line(_RECITED_REQUEST.split(read_error_message(reply.body), maxsplit=1)[0])


def describe_reply(reply: Reply, redact: Redactor) -> str:
    """Return the status of an answer, and what it says of itself."""
    text = explain_reply(reply, redact)
    return f"{reply.status}: {text}" if text else str(reply.status)
