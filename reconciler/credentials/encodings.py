"""In how many ways a server may write a secret down, as one regular expression for each secret.

Letters and digits are written as they are; who escapes even those is met by `unescape_letters`. Every other character
may stand there escaped as JSON (RFC 8259), .NET, PHP or a URL (RFC 3986) does it, as HTML, or doubly so: for `+` that
is `\\u002B`, `%2B`, `%252B`, `&#43;`, `&plus;`. Base64 (RFC 4648, either alphabet) is known at all three places where a
secret may begin inside something longer, such as `user:secret`; hex in either case.
"""

from __future__ import annotations

import base64
import re
from functools import cache
from html.entities import html5
from itertools import groupby
from typing import NamedTuple

_SHORTEST_PIECE = {0: 5, 1: 8, 2: 8}
"""Characters of the shortest base64 that is looked for, by the bytes in front: a shorter piece may be anybody's."""
_SHORT_ESCAPES = {"\t": "t", "\n": "n", "\r": "r"}


# What nobody has to escape, and any reader takes for the same: JSON (RFC 8259, 7), URLs (RFC 3986, 2.3), HTML; again
# and again where one writer quotes another.
_ESCAPED_LETTER = re.compile(
    r"\\{1,8}(?:u00|x)(?P<unit>3[0-9]|[46][1-9a-f]|[57][0-9a])"
    r"|%(?:25){0,3}(?P<byte>3[0-9]|[46][1-9a-f]|[57][0-9a])"
    r"|&(?:amp;){0,3}#(?:0{0,6}(?P<decimal>4[89]|5[0-7]|6[5-9]|[78][0-9]|90|9[7-9]|1[01][0-9]|12[0-2])"
    r"|x0{0,6}(?P<hex>3[0-9]|[46][1-9a-f]|[57][0-9a]));",
    re.IGNORECASE,
)


_LONGEST_ESCAPE = 32
"""Characters that no escape of a letter has more of."""


class SecretForms(NamedTuple):
    """What finds a secret in a text in any of its forms; letter case is ignored.

    A text that, in lower case, holds none of `anchors` holds none of the forms: that is looked up much faster.
    """

    pattern: re.Pattern[str]
    anchors: frozenset[str]


def unescape_letters(text: str) -> str:
    """Return a text with its letters and digits as they are, where it escapes some, which changes no meaning."""
    if not any(mark in text for mark in ("\\", "%", "&")):
        return text
    return _ESCAPED_LETTER.sub(_unescape_letter, text)


def find_escape_start(text: str, position: int) -> int:
    """Return where the escape of a letter begins that a position is in the middle of, else the position itself."""
    for start in range(max(0, position - _LONGEST_ESCAPE), position):
        match = _ESCAPED_LETTER.match(text, start)
        if match is not None and match.end() > position:
            return start
    return position


def _unescape_letter(match: re.Match[str]) -> str:
    unit = match["unit"] or match["byte"] or match["hex"]
    return chr(int(unit, 16) if unit else int(match["decimal"]))


def build_forms(secret: str) -> SecretForms:
    """Return the forms of a secret that is not empty."""
    # Bytes of the environment that are not UTF-8 come as lone surrogates (PEP 383), which UTF-8 refuses.
    data = secret.encode("utf-8", "surrogatepass")
    pieces = [(offset, piece) for offset in _SHORTEST_PIECE if (piece := _encode_piece(data, offset))]
    alternatives = [
        _build_text_pattern(secret),
        data.hex(),
        *(_build_base64_pattern(piece, offset, len(data)) for offset, piece in pieces),
    ]
    anchors = {data.hex(), *(_find_anchor(text) for text in (secret, *(piece for _, piece in pieces)))}
    return SecretForms(re.compile("|".join(alternatives), re.IGNORECASE), frozenset(anchors))


def _find_anchor(text: str) -> str:
    """Return the longest run of letters and digits, which no form writes differently."""
    return max(re.findall("[0-9A-Za-z]+", text), key=len, default="").lower()


def _build_text_pattern(secret: str) -> str:
    """Return an expression for a text whose characters are each plain or escaped; a run of backslashes is one thing."""
    runs = ((character, len(list(run))) for character, run in groupby(secret))
    return "".join(
        _build_backslash_pattern(count) if symbol == "\\" else _build_character_pattern(symbol) * count
        for symbol, count in runs
    )


def _build_backslash_pattern(count: int) -> str:
    return rf"(?:\\{{{count},{8 * count}}}|{_build_escape_pattern(92)}{{{count}}})"


@cache
def _build_character_pattern(character: str) -> str:
    """Return an expression for one character, the longest spellings first."""
    if character.isascii() and character.isalnum():
        return character
    # application/x-www-form-urlencoded writes a blank as +.
    escapes = (
        [r"\+"]
        if character == " "
        else [rf"\\{{1,8}}{_SHORT_ESCAPES[character]}"]
        if character in _SHORT_ESCAPES
        else []
    )
    return (
        "(?:" + "|".join([_build_escape_pattern(ord(character)), *escapes, rf"\\{{0,8}}{re.escape(character)}"]) + ")"
    )


def _build_escape_pattern(point: int) -> str:
    """Return an expression for the escapes of one code point, as a group."""
    character = chr(point)
    # RFC 8259, 7: JSON escapes UTF-16 units, so a character beyond U+FFFF is two escapes.
    units = character.encode("utf-16-be", "surrogatepass").hex()
    spellings = [rf"&(?:amp;){{0,3}}(?:#0{{0,6}}{point}|#x0{{0,6}}{point:x}{_build_entity_pattern(point)});"]
    spellings += ["".join(rf"\\{{1,8}}u{units[start : start + 4]}" for start in range(0, len(units), 4))]
    spellings += ["".join(f"%(?:25){{0,3}}{byte:02x}" for byte in character.encode("utf-8", "surrogatepass"))]
    spellings += [f"%(?:25){{0,3}}{point:02x}"] if 0x80 <= point <= 0xFF else []  # a URL in Latin-1
    return "(?:" + "|".join(spellings) + ")"


def _build_entity_pattern(point: int) -> str:
    """Return HTML's names of a code point as alternatives, each with a bar in front."""
    names = {name[:-1].lower() for name, text in html5.items() if name.endswith(";") and text == chr(point)}
    return "".join(f"|{name}" for name in sorted(names, key=lambda name: (-len(name), name)))


def _encode_piece(data: bytes, offset: int) -> str:
    """Return the base64 of data behind so many bytes (modulo three), whatever is around it; "" if too short."""
    encoded = base64.b64encode(bytes(offset) + data).decode().rstrip("=")
    # A character is six bits (RFC 4648, 4): those at either end that share bits with a neighbour go.
    piece = encoded[(0, 2, 3)[offset] : -1 if (len(data) + offset) % 3 else None]
    return piece if len(piece) >= _SHORTEST_PIECE[offset] else ""


def _build_base64_pattern(piece: str, offset: int, size: int) -> str:
    """Return an expression for a piece of base64, and for the characters around it that hold bits of the data as well.

    `size` is the data's, in bytes.
    """
    plus, slash, pad = (_build_character_pattern(symbol) for symbol in "+/=")
    alternatives = {"+": f"(?:-|{plus})", "/": f"(?:_|{slash})"}
    any_symbol = f"(?:{alternatives['+']}|{alternatives['/']}|[0-9a-z])"
    head = "[0-9a-z+/_-]?" if offset else ""
    tail = f"{any_symbol}?{pad}{{0,2}}" if (size + offset) % 3 else ""
    return head + "".join(alternatives.get(symbol, symbol) for symbol in piece) + tail
