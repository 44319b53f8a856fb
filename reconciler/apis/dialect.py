"""What an answer means, by its status and by what it says of itself."""

from __future__ import annotations

import re

from reconciler.credentials.redaction import Redactor
from reconciler.model import Reply
from reconciler.transport.strict_json import message

# With APIGW.0301: all signed headers stand in it, X-Security-Token too, with | for line breaks.
_RECITAL = re.compile(r",?\s*canonicalRequest:")
"""Where Huawei's gateway begins to recite the request that it computed a signature for."""


def refused(api: str, reply: Reply) -> bool:
    """Say whether an answer refuses the credentials, and not what they were used for.

    401; CSMS itself says 400 with CSMS.0301 of a token that it doesn't take (contract: error codes).
    """
    return reply.status == 401 or (
        api == "csms" and reply.status == 400 and message(reply.body).startswith("CSMS.0301")
    )


def took(api: str, reply: Reply) -> bool:
    """Say whether an answer shows that the credentials were taken: a redirect may lead to a login."""
    status = reply.status
    return 200 <= status < 300 or (400 <= status < 500 and status != 429 and not refused(api, reply))


def absent(api: str, reply: Reply) -> bool:
    """Say whether an answer means that the object doesn't exist, and not that the gateway knows no such API.

    Command: any 404. CSMS: 404, or 400 with the service's own code for "does not exist".
    """
    if api == "keyfactor" or reply.status not in (400, 404):
        return reply.status == 404
    said = message(reply.body)
    # The shared gateway spells its codes APIGW., dedicated ones APIG.
    return said.startswith("CSMS.0005") if reply.status == 400 else not said.startswith(("APIGW.", "APIG."))


def explained(reply: Reply, redact: Redactor) -> str:
    """Return what an answer says of itself, decoded, redacted, escaped, on one short line; "" if nothing."""
    return redact.line(_RECITAL.split(message(reply.body), maxsplit=1)[0])


def told(reply: Reply, redact: Redactor) -> str:
    """Return the status of an answer, and what it says of itself."""
    said = explained(reply, redact)
    return f"{reply.status}: {said}" if said else str(reply.status)
