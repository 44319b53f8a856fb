"""What servers and libraries say, without our secrets in it, on one line and of bounded length."""

from __future__ import annotations

import base64
import json
import re
import threading
from urllib.parse import quote, quote_plus

from reconciler.visible import shown

_SHORTEST = 4
"""Characters of the shortest secret that is looked for: a shorter one would blot out ordinary words."""


class Redactor:
    """Knows the secrets of a run by value and blots them out of any text, in every form a server might echo them in."""

    def __init__(self) -> None:
        self._forms: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None
        self._lock = threading.Lock()

    def learn(self, *secrets: str) -> None:
        """Add values: raw, base64, hex, percent-encoded and JSON-escaped they will be shown as ***."""
        with self._lock:
            self._forms |= {form for secret in secrets if len(secret) >= _SHORTEST for form in _forms(secret)}
            longest_first = sorted(self._forms, key=lambda form: (-len(form), form))
            either = "|".join(map(re.escape, longest_first))
            self._pattern = re.compile(either, re.IGNORECASE) if either else None

    def __call__(self, text: str) -> str:
        """Return the text with *** in the place of every known secret."""
        return self._pattern.sub("***", text) if self._pattern else text

    def line(self, text: str, limit: int = 300) -> str:
        """Return the text redacted, then shortened, then made visible: in this order no part of a secret survives."""
        return shown(self(text).strip(), limit)

    def bytes(self, data: bytes) -> bytes:
        """Return UTF-8 data redacted; what isn't UTF-8 is compared byte by byte all the same."""
        text = data.decode("utf-8", "surrogateescape")
        clean = self(text)
        return data if clean == text else clean.encode("utf-8", "surrogateescape")


def _forms(secret: str) -> set[str]:
    data = secret.encode()
    standard, web = base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()
    return {
        secret,
        standard,
        standard.rstrip("="),
        web,
        web.rstrip("="),
        data.hex(),
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
    }
