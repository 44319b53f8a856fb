"""How text is laid out and made harmless: the one sink through which every text report passes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from io import StringIO
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from reconciler.model import Json
from reconciler.sanitize import escape_invisible

if TYPE_CHECKING:
    from rich.table import Table

MAX_VALUE = 240
"""Characters of one value that a text report shows; the JSON has the whole."""

# A CI system takes these for commands to itself. GitHub trims the line first and finds ##[ anywhere, Azure ##vso[ too.
_CI_COMMAND = re.compile(
    r"(?m)##(?=\w*\[)|^(?P<space>(?:[ \t]|\x1b\[[0-9;]*m)*)(?P<first>[:s])(?=:|ection_(?:start|end):)"
)
_LAST_COLOR = re.compile(r"\x1b\[[0-9;]*m\Z")


class Layout(NamedTuple):
    """What the reader's side can show. `width` 0 means that nothing may be wrapped or cropped: a file or a pipe."""

    width: int = 0
    color: bool = False


PLAIN_LAYOUT = Layout()


class Line(NamedTuple):
    """One line of a report: pieces of text that is harmless already, each with its style."""

    pieces: tuple[tuple[str, str], ...]

    @property
    def plain(self) -> str:
        """The line without its styles."""
        return "".join(text for text, _ in self.pieces)


ReportPart: TypeAlias = "Line | Table"
"""What a report is made of."""


def escape_ci_commands(text: str) -> str:
    """Return the text with no line that a CI system would run as a command."""
    return _CI_COMMAND.sub(_escape_ci_command, text)


def _escape_ci_command(match: re.Match[str]) -> str:
    if match["first"] is None:
        return r"\x23#"
    return f"{match['space']}\\x{ord(match['first']):02x}"


def quote_value(value: Json) -> str:
    """Return a value as one line of JSON, shortened; `(none)` for what is not there."""
    if value is None:
        return "(none)"
    text = escape_invisible(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}... ({len(text)} characters, see --format json)"


def format_count(number: int, noun: str) -> str:
    """Say how many: `1 object`, `12,345 objects`."""
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def render_parts(parts: Iterable[ReportPart], layout: Layout) -> str:
    """Return the parts as text. A line is left to the reader's terminal to wrap, a table fits its width."""
    part_list = list(parts)
    if not layout.color and all(isinstance(part, Line) for part in part_list):
        return escape_ci_commands(
            "".join(f"{part.plain.rstrip(' ')}\n" for part in part_list if isinstance(part, Line))
        )
    return _render_with_rich(part_list, layout)


def _render_with_rich(parts: Iterable[ReportPart], layout: Layout) -> str:
    from rich.console import Console  # noqa: PLC0415 - 40 ms, paid only where there are tables or colours
    from rich.text import Text  # noqa: PLC0415

    sheet = StringIO()
    console = Console(
        file=sheet,
        # rich takes 80 columns where it finds no terminal, and would wrap what goes to a file.
        width=layout.width or 100_000,
        color_system="standard" if layout.color else None,
        # Left alone, rich asks the stream, which is a StringIO here.
        force_terminal=layout.color,
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
    return escape_ci_commands("\n".join(_strip_padding(row) for row in sheet.getvalue().split("\n")))


def _strip_padding(text: str) -> str:
    """Take the blanks from a line's end, from under its last colours too. In linear time, however long it is."""
    text, colors = text.rstrip(" "), ""
    # A pattern such as ` +$` starts anew at every blank: its time grows with the square of a line's
    # length.
    while (start := text.rfind("\x1b")) >= 0 and _LAST_COLOR.match(text, start):
        text, colors = text[:start].rstrip(" "), text[start:] + colors
    return text + colors


def build_line(*pieces: str | tuple[str, str]) -> Line:
    """Return one line from strings and (string, style) pairs, whatever they hold."""
    pairs = ((piece, "") if isinstance(piece, str) else piece for piece in pieces)
    return Line(tuple((escape_invisible(text), style) for text, style in pairs))
