"""Escapes in double quotes: what is read there is not what is seen, and mostly nobody meant it.

`"CORP\nina"` holds a line end: YAML 1.2, section 5.7, and RFC 8259, section 7, have the escapes.
"""

from __future__ import annotations

import re
from typing import Final

from reconciler.diagnostics import Explanation
from reconciler.sanitize import escape_and_shorten, escape_invisible

# Possessive: quotes that are never closed must not cost time in their square.
_QUOTED: Final = re.compile(r'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
# Of a character that could stand there itself: whoever writes a name means none of them. Those of JSON's `\u` are left
# to programs, and a blank after the line's own indentation is how YAML libraries fold a long text.
_NEEDLESS: Final = re.compile(r"\\(?:[ /]|x[2-7][0-9a-fA-F])")
_FOLDED: Final = re.compile(r"\n[ \t]*\Z")
_SINGLE_QUOTES: Final = "use single quotes, in which a backslash is a backslash"
_SHORT_ESCAPES: Final = {
    "0": "\0",
    "a": "\a",
    "b": "\b",
    "t": "\t",
    "\t": "\t",
    "n": "\n",
    "v": "\v",
    "f": "\f",
    "r": "\r",
    "e": "\x1b",
    "N": "\x85",
    "_": "\xa0",
    "L": "\u2028",
    "P": "\u2029",
}


def find_escape(text: str, line: int, column: int, character: str) -> str:
    """Return the escape that stands for a character in the double-quoted scalar at a place (1-based), as written.

    "" where the character stands there as itself, or the scalar is not in double quotes.
    """
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
    quoted = _QUOTED.match(text, start + column - 1)
    for match in _ESCAPE.finditer(quoted.group(1)) if quoted else ():
        if _decode_escape(match) == character:
            return match.group()
    return ""


def explain_escape(explanation: Explanation, escape: str, *, json: bool) -> Explanation:
    """Return the words for a text that holds what nobody sees, with the escape that brought it."""
    if not escape:
        return explanation
    reason = f"{escape_and_shorten(escape)} in double quotes begins an escape"
    remedy = "write \\\\ for a backslash" if json else _SINGLE_QUOTES
    return explanation._replace(reason=reason, remedy=remedy)


def explain_needless_escape(text: str, offset: int) -> Explanation | None:
    """Say which escape of a plain character the double-quoted scalar at an offset of YAML has; None if it has none."""
    quoted = _QUOTED.match(text, offset)
    for match in _ESCAPE.finditer(quoted.group(1)) if quoted else ():
        escape, character = match.group(), _decode_escape(match)
        if not _NEEDLESS.fullmatch(escape) or (escape == "\\ " and _FOLDED.search(match.string, 0, match.start())):
            continue
        name = "a space" if character == " " else escape_invisible(character)
        return Explanation(
            "yaml.needless-escape",
            f'"{escape}" in double quotes is read as {name}',
            "a backslash begins an escape there, so that what is read is not what is seen",
            _SINGLE_QUOTES,
        )
    return None


def _decode_escape(match: re.Match[str]) -> str:
    digits = match[1] or match[2] or match[3]
    if digits:
        point = int(digits, 16)
        return chr(point) if point <= 0x10FFFF else ""
    return _SHORT_ESCAPES.get(match[4], match[4])
