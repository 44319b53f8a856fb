"""What an answer means, by its status and by what it says of itself."""

from __future__ import annotations

import re

from reconciler.credentials.redaction import Redactor
from reconciler.model import Reply
from reconciler.transport.strict_json import read_error_message

# With APIGW.0301: all signed headers stand in it, X-Security-Token too, with | for line breaks.
_RECITED_REQUEST = re.compile(r",?\s*canonicalRequest:")
"""Where Huawei's gateway begins to recite the request that it computed a signature for."""


def has_refused_credentials(api: str, reply: Reply) -> bool:
    """Say whether an answer refuses the credentials, and not what they were used for.

    401; CSMS itself says 400 with CSMS.0301 of a token that it doesn't take (contract: error codes).
    """
    return reply.status == 401 or (
        api == "csms" and reply.status == 400 and read_error_message(reply.body).startswith("CSMS.0301")
    )


def has_taken_credentials(api: str, reply: Reply) -> bool:
    """Say whether an answer shows that the credentials were taken: a redirect may lead to a login."""
    status = reply.status
    return 200 <= status < 300 or (400 <= status < 500 and status != 429 and not has_refused_credentials(api, reply))


def is_absent(api: str, reply: Reply) -> bool:
    """Say whether an answer means that the object doesn't exist, and not that the gateway knows no such API.

    Command: any 404. CSMS: 404, or 400 with the service's own code for "does not exist".
    """
    if api == "keyfactor" or reply.status not in (400, 404):
        return reply.status == 404
    text = read_error_message(reply.body)
    # The shared gateway spells its codes APIGW., dedicated ones APIG.
    return text.startswith("CSMS.0005") if reply.status == 400 else not text.startswith(("APIGW.", "APIG."))


def explain_reply(reply: Reply, redact: Redactor) -> str:
    """Return what an answer says of itself, decoded, redacted, escaped, on one short line; "" if nothing."""
    return redact.line(_RECITED_REQUEST.split(read_error_message(reply.body), maxsplit=1)[0])


def describe_reply(reply: Reply, redact: Redactor) -> str:
    """Return the status of an answer, and what it says of itself."""
    text = explain_reply(reply, redact)
    return f"{reply.status}: {text}" if text else str(reply.status)
