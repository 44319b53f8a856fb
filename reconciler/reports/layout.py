"""How text is laid out and made harmless: the one sink through which every text report passes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from io import StringIO
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from reconciler.model import Json
from reconciler.sanitize import visible

if TYPE_CHECKING:
    from rich.table import Table

LONGEST = 240
"""Characters of one value that a text report shows; the JSON has the whole."""

# A CI system takes these for commands to itself. GitHub trims the line first and finds ##[ anywhere, Azure ##vso[ too.
_COMMAND = re.compile(
    r"(?m)##(?=\w*\[)|^(?P<space>(?:[ \t]|\x1b\[[0-9;]*m)*)(?P<first>[:s])(?=:|ection_(?:start|end):)"
)
_LAST_COLOR = re.compile(r"\x1b\[[0-9;]*m\Z")


class Look(NamedTuple):
    """What the reader's side can show. `width` 0 means that nothing may be wrapped or cropped: a file or a pipe."""

    width: int = 0
    color: bool = False


PLAIN = Look()


class Line(NamedTuple):
    """One line of a report: pieces of text that is harmless already, each with its style."""

    pieces: tuple[tuple[str, str], ...]

    @property
    def plain(self) -> str:
        """The line without its styles."""
        return "".join(text for text, _ in self.pieces)


Part: TypeAlias = "Line | Table"
"""What a report is made of."""


def inert(text: str) -> str:
    """Return the text with no line that a CI system would run as a command."""
    return _COMMAND.sub(_broken, text)


def _broken(found: re.Match[str]) -> str:
    if found["first"] is None:
        return r"\x23#"
    return f"{found['space']}\\x{ord(found['first']):02x}"


def quoted(value: Json) -> str:
    """Return a value as one line of JSON, shortened; `(none)` for what is not there."""
    if value is None:
        return "(none)"
    text = visible(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text)} characters, see --format json)"


def count(number: int, noun: str) -> str:
    """Say how many: `1 object`, `12,345 objects`."""
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def drawn(parts: Iterable[Part], look: Look) -> str:
    """Return the parts as text. A line is left to the reader's terminal to wrap, a table fits its width."""
    listed = list(parts)
    if not look.color and all(isinstance(part, Line) for part in listed):
        return inert("".join(f"{part.plain.rstrip(' ')}\n" for part in listed if isinstance(part, Line)))
    return _painted(listed, look)


def _painted(parts: Iterable[Part], look: Look) -> str:
    from rich.console import Console  # noqa: PLC0415 - 40 ms, paid only where there are tables or colours
    from rich.text import Text  # noqa: PLC0415

    sheet = StringIO()
    console = Console(
        file=sheet,
        # rich takes 80 columns where it finds no terminal, and would wrap what goes to a file.
        width=look.width or 100_000,
        color_system="standard" if look.color else None,
        # Left alone, rich asks the stream, which is a StringIO here.
        force_terminal=look.color,
        legacy_windows=False,
        # A name such as `[red]` or `:warning:` is text.
        markup=False,
        emoji=False,
        highlight=False,
        # Otherwise rich obeys NO_COLOR, FORCE_COLOR, COLUMNS and TERM, and equal input gives other bytes.
        _environ={},
    )
    for part in parts:
        console.print(Text.assemble(*part.pieces) if isinstance(part, Line) else part, soft_wrap=isinstance(part, Line))
    return inert("\n".join(_unpadded(drawn) for drawn in sheet.getvalue().split("\n")))


def _unpadded(text: str) -> str:
    """Take the blanks from a line's end, from under its last colours too. In linear time, however long it is."""
    text, colors = text.rstrip(" "), ""
    # A pattern such as ` +$` starts anew at every blank: its time grows with the square of a line's
    # length.
    while (at := text.rfind("\x1b")) >= 0 and _LAST_COLOR.match(text, at):
        text, colors = text[:at].rstrip(" "), text[at:] + colors
    return text + colors


def line(*pieces: str | tuple[str, str]) -> Line:
    """Return one line from strings and (string, style) pairs, whatever they hold."""
    pairs = ((piece, "") if isinstance(piece, str) else piece for piece in pieces)
    return Line(tuple((visible(text), style) for text, style in pairs))
