"""What servers and libraries say, without our secrets in it, on one line and of bounded length."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from reconciler.credentials.encodings import SecretForms, build_forms, find_escape_start, unescape_letters
from reconciler.sanitize import escape_and_shorten

HIDDEN = "***"
_SHORTEST_SECRET = 4
"""Characters of the shortest secret that is looked for: a shorter one would blot out ordinary words."""
_LONG_SECRET = 16
"""Characters from which on a secret is also looked for across line breaks."""
# Quoted-printable's soft line break (RFC 2045, 6.7), then breaks as JSON, HTML and URLs write them.
_BREAKS = re.compile(r"=[ \t]*\r?\n|\\{1,8}[rnt]|&#(?:10|13|x0?[ad]);|%(?:25){0,3}0[ad]", re.IGNORECASE)
_INVISIBLE = dict.fromkeys((0, 0xAD, 0x200B, 0x2060, 0xFEFF))
"""What encoders and mailers put into long lines, besides blanks; and characters of no width."""


class _KnownSecret(NamedTuple):
    secret: str
    forms: SecretForms

    def find_spans(self, text: str, lower: str) -> Iterator[tuple[int, int]]:
        """Yield from where to where the secret stands in a text; `lower` is the text in lower case."""
        if any(anchor in lower for anchor in self.forms.anchors):
            yield from (match.span() for match in self.forms.pattern.finditer(text))


class Redactor:
    """Knows the secrets of a run by value and blots them out of any text, in every form a server might echo them in.

    Safe for many threads. Use it on what is shown alone: what is judged or compared has to be what the server said.
    """

    def __init__(self) -> None:
        self._known: tuple[_KnownSecret, ...] = ()
        self._lock = threading.Lock()

    def learn(self, *secrets: str) -> None:
        """Add values: from now on they are shown as ***, however they are written; see `build_forms`."""
        with self._lock:
            known_values = {entry.secret for entry in self._known}
            new_values = (
                entry
                for entry in dict.fromkeys(secrets)
                if len(entry) >= _SHORTEST_SECRET and entry not in known_values
            )
            # A new tuple, never a change in place: readers take no lock.
            self._known = (*self._known, *(_KnownSecret(entry, build_forms(entry)) for entry in new_values))

    def __call__(self, text: str) -> str:
        """Return the text with *** in the place of every known secret.

        Where a long one is wrapped over several lines it can't be cut out, and nothing of the text is shown.
        """
        known_secrets = self._known
        clean_text = _redact_text(text, known_secrets)
        plain_text = unescape_letters(clean_text)
        if plain_text != clean_text and any(_find_spans(plain_text, known_secrets)):
            clean_text = plain_text = _redact_text(plain_text, known_secrets)
        long_secrets = [known_secret for known_secret in known_secrets if len(known_secret.secret) >= _LONG_SECRET]
        joined_text = _join_lines(plain_text) if long_secrets else clean_text
        return HIDDEN if joined_text != clean_text and any(_find_spans(joined_text, long_secrets)) else clean_text

    def line(self, text: str, limit: int = 300) -> str:
        """Return the text redacted, then shortened, then made visible: in this order no part of a secret survives."""
        return escape_and_shorten(self(text).strip(), limit)


def _join_lines(text: str) -> str:
    """Return a text without line breaks, however they are written, and without blanks."""
    if any(mark in text for mark in ("=\n", "=\r", "= ", "\\", "&#", "%")):
        text = _BREAKS.sub("", text)
    text = "".join(text.split())
    return text.translate(_INVISIBLE) if "\0" in text or not text.isascii() else text


def _redact_text(text: str, known_secrets: Iterable[_KnownSecret]) -> str:
    # The escape of a digit ends with that digit, which may be the first of a secret: half an escape is not left behind.
    spans = sorted((find_escape_start(text, start), stop) for start, stop in _find_spans(text, known_secrets))
    return "".join(_replace_spans(text, spans)) if spans else text


def _find_spans(text: str, known_secrets: Iterable[_KnownSecret]) -> Iterator[tuple[int, int]]:
    lower = text.lower()
    return (span for known_secret in known_secrets for span in known_secret.find_spans(text, lower))


def _replace_spans(text: str, spans: Iterable[tuple[int, int]]) -> Iterator[str]:
    """Yield the text between the spans, and a mark for each; spans that overlap are one."""
    end = 0
    for start, stop in spans:
        if start >= end:
            yield text[end:start]
            yield HIDDEN
        end = max(end, stop)
    yield text[end:]
