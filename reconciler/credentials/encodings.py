"""In how many ways a server may write a secret down, as one regular expression for each secret.

Letters and digits are written as they are. Every other character may stand there escaped as JSON (RFC 8259), .NET, PHP
or a URL (RFC 3986) does it, as HTML, or doubly so: for `+` that is `\\u002B`, `%2B`, `%252B`, `&#43;`, `&plus;`. Base64
(RFC 4648, either alphabet) is known at all three places where a secret may begin inside something longer, such as
`user:secret`; hex in either case.
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
_SHORT = {"\t": "t", "\n": "n", "\r": "r"}


class Forms(NamedTuple):
    """What finds a secret in a text in any of its forms; letter case is ignored.

    A text that, in lower case, holds none of `anchors` holds none of the forms: that is looked up much faster.
    """

    pattern: re.Pattern[str]
    anchors: frozenset[str]


def forms(secret: str) -> Forms:
    """Return the forms of a secret that is not empty."""
    # Bytes of the environment that are not UTF-8 come as lone surrogates (PEP 383), which UTF-8 refuses.
    data = secret.encode("utf-8", "surrogatepass")
    pieces = [(before, piece) for before in _SHORTEST_PIECE if (piece := _piece(data, before))]
    either = [_written(secret), data.hex(), *(_base64(piece, before, len(data)) for before, piece in pieces)]
    anchors = {data.hex(), *(_anchor(text) for text in (secret, *(piece for _, piece in pieces)))}
    return Forms(re.compile("|".join(either), re.IGNORECASE), frozenset(anchors))


def _anchor(text: str) -> str:
    """Return the longest run of letters and digits, which no form writes differently."""
    return max(re.findall("[0-9A-Za-z]+", text), key=len, default="").lower()


def _written(secret: str) -> str:
    """Return an expression for a text whose characters are each plain or escaped; a run of backslashes is one thing."""
    runs = ((character, len(list(run))) for character, run in groupby(secret))
    return "".join(_backslashes(count) if one == "\\" else _character(one) * count for one, count in runs)


def _backslashes(count: int) -> str:
    return rf"(?:\\{{{count},{8 * count}}}|{_escaped(92)}{{{count}}})"


@cache
def _character(one: str) -> str:
    """Return an expression for one character, the longest spellings first."""
    if one.isascii() and one.isalnum():
        return one
    # application/x-www-form-urlencoded writes a blank as +.
    more = [r"\+"] if one == " " else [rf"\\{{1,8}}{_SHORT[one]}"] if one in _SHORT else []
    return "(?:" + "|".join([_escaped(ord(one)), *more, rf"\\{{0,8}}{re.escape(one)}"]) + ")"


def _escaped(point: int) -> str:
    """Return an expression for the escapes of one code point, as a group."""
    one = chr(point)
    # RFC 8259, 7: JSON escapes UTF-16 units, so a character beyond U+FFFF is two escapes.
    units = one.encode("utf-16-be", "surrogatepass").hex()
    spelled = [rf"&(?:amp;){{0,3}}(?:#0{{0,6}}{point}|#x0{{0,6}}{point:x}{_names(point)});"]
    spelled += ["".join(rf"\\{{1,8}}u{units[at : at + 4]}" for at in range(0, len(units), 4))]
    spelled += ["".join(f"%(?:25){{0,3}}{byte:02x}" for byte in one.encode("utf-8", "surrogatepass"))]
    spelled += [f"%(?:25){{0,3}}{point:02x}"] if 0x80 <= point <= 0xFF else []  # a URL in Latin-1
    return "(?:" + "|".join(spelled) + ")"


def _names(point: int) -> str:
    """Return HTML's names of a code point as alternatives, each with a bar in front."""
    named = {name[:-1].lower() for name, text in html5.items() if name.endswith(";") and text == chr(point)}
    return "".join(f"|{name}" for name in sorted(named, key=lambda name: (-len(name), name)))


def _piece(data: bytes, before: int) -> str:
    """Return the base64 of data behind so many bytes (modulo three), whatever is around it; "" if too short."""
    whole = base64.b64encode(bytes(before) + data).decode().rstrip("=")
    # A character is six bits (RFC 4648, 4): those at either end that share bits with a neighbour go.
    piece = whole[(0, 2, 3)[before] : -1 if (len(data) + before) % 3 else None]
    return piece if len(piece) >= _SHORTEST_PIECE[before] else ""


def _base64(piece: str, before: int, size: int) -> str:
    """Return an expression for a piece of base64, and for the characters around it that hold bits of the data as well.

    `size` is the data's, in bytes.
    """
    plus, slash, pad = (_character(one) for one in "+/=")
    either = {"+": f"(?:-|{plus})", "/": f"(?:_|{slash})"}
    held = f"(?:{either['+']}|{either['/']}|[0-9a-z])"
    first = "[0-9a-z+/_-]?" if before else ""
    last = f"{held}?{pad}{{0,2}}" if (size + before) % 3 else ""
    return first + "".join(either.get(one, one) for one in piece) + last
