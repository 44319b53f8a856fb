"""Foreign text as it may be shown: what can't be seen is spelled out.

A name in a manifest or an answer of a server may hold terminal escapes, line breaks, bidirectional controls or letters
of no width. Whoever prints such text passes it through `visible` first; what is left draws glyphs and nothing else.
"""

from __future__ import annotations

import re
from typing import Final

# str.isprintable() goes by category, and these are letters, marks and a symbol (Lo, Mn, So). All but U+2800
# are Default_Ignorable_Code_Point in Unicode's DerivedCoreProperties.txt.
_INVISIBLE_CLASS: Final = (
    "\u034f"  # combining grapheme joiner
    "\u115f\u1160\u3164\uffa0"  # Hangul fillers
    "\u17b4\u17b5\u180b-\u180d\u180f"  # Khmer inherent vowels, Mongolian variation selectors
    "\u2800"  # braille blank
    "\ufe00-\ufe0f\U000e0100-\U000e01ef"  # variation selectors
)
"""Letters and marks by category that draw nothing; the body of a character class."""

# RFC 3986, section 3.2.1; up to the last `@`, since people write passwords as they are.
_USER_INFORMATION: Final = re.compile(r"(?<=://)[^/\s]*@")
_MAYBE_INVISIBLE: Final = re.compile(rf"[^\x20-\x7e]|[{_INVISIBLE_CLASS}]")
_INVISIBLE: Final = re.compile(f"[{_INVISIBLE_CLASS}]")


def is_invisible(character: str) -> bool:
    """Say whether one character draws nothing of its own: a control, a format, a separator or a filler."""
    # isprintable() is False for bidirectional controls (Cf), which can show a reviewer another order than the one
    # that is sent (CVE-2021-42574), and for lone surrogates (Cs), which UTF-8 can't encode.
    return not character.isprintable() or _INVISIBLE.match(character) is not None


def escape_character(character: str) -> str:
    """Spell one character as `\\x1b`, `\\u202e` or `\\U000e0041`; the usual short forms for tab and line ends."""
    short = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}.get(character)
    if short:
        return short
    point = ord(character)
    if point <= 0xFF:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"


def escape_invisible(text: str) -> str:
    """Return text with C0 and C1 controls, DEL, bidi and zero-width characters, line separators and surrogates escaped.

    Letters of every script, marks and the ordinary space stay as they are; a backslash is not doubled, since names such
    as `CORP\\svc` are common. The result is printable and stands on one line.
    """
    if text.isascii() and text.isprintable():
        return text
    return _MAYBE_INVISIBLE.sub(_escape_match, text)


def strip_user_information(text: str) -> str:
    """Return text without the logins in its URLs."""
    return _USER_INFORMATION.sub("", text)


def escape_and_shorten(text: str, limit: int = 80) -> str:
    """Return `visible` text of bounded length, cut in the middle where it is longer than `limit` characters."""
    # Cut first: an escape would lose its end, and what is left of it could be read as another text.
    if len(text) > limit:
        keep = max(limit // 2 - 1, 1)
        text = f"{text[:keep]}…{text[-keep:]}"
    return escape_invisible(text)


def _escape_match(match: re.Match[str]) -> str:
    character = match.group()
    return escape_character(character) if is_invisible(character) else character
