"""How text is laid out and made harmless: the one sink through which every text report passes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from itertools import accumulate
from typing import NamedTuple

from reconciler.model import Json
from reconciler.sanitize import escape_invisible

MAX_VALUE = 240
"""Characters of one value that a text report shows, where nobody asked for the whole."""

# A CI system takes these for commands to itself. GitHub trims the line first and finds ##[ anywhere, Azure ##vso[ too.
_CI_COMMAND = re.compile(
    r"(?m)##(?=\w*\[)|^(?P<space>(?:[ \t]|\x1b\[[0-9;]*m)*)(?P<first>[:s])(?=:|ection_(?:start|end):)"
)
_WORD = re.compile(r" *[^ ]+")
_LAST_COLOR = re.compile(r"\x1b\[[0-9;]*m\Z")


class Layout(NamedTuple):
    """What the reader's side can show. `width` 0 means that nothing may be wrapped or cropped: a file or a pipe."""

    width: int = 0
    color: bool = False


PLAIN_LAYOUT = Layout()


class Line(NamedTuple):
    """One line of a report: pieces of text that is harmless already, each with its style.

    Where it is too long for a terminal it goes on below, indented by `hang` columns; with None it is never broken: what
    is to be copied.
    """

    pieces: tuple[tuple[str, str], ...]
    hang: int | None = 0

    @property
    def plain(self) -> str:
        """The line without its styles."""
        return "".join(text for text, _ in self.pieces)


def escape_ci_commands(text: str) -> str:
    """Return the text with no line that a CI system would run as a command."""
    return _CI_COMMAND.sub(_escape_ci_command, text)


def _escape_ci_command(match: re.Match[str]) -> str:
    if match["first"] is None:
        return r"\x23#"
    return f"{match['space']}\\x{ord(match['first']):02x}"


def sanitize_message(message: str) -> str:
    """Return a sentence of ours that may hold foreign names, harmless."""
    return escape_ci_commands("\n".join(escape_invisible(part) for part in message.split("\n")))


def quote_value(value: Json, *, hint: str) -> str:
    """Return a value as one line of JSON; `(none)` for what is not there.

    `hint` says where a reader of a shortened one finds the whole; without a hint nothing is shortened.
    """
    if value is None:
        return "(none)"
    text = escape_invisible(json.dumps(value, ensure_ascii=False, default=str))
    if not hint or len(text) <= MAX_VALUE:
        return text
    return f"{text[:MAX_VALUE]}... ({len(text)} characters, {hint})"


MemberNames = Sequence[tuple[str, str]]
"""What members of a change's lists are called beside the ids that they hold."""


def quote_member(value: Json, names: MemberNames, *, hint: str) -> str:
    """Return a member of a list as `quote_value` does, with its name behind it where it has one."""
    name = dict(names).get(value, "") if names and isinstance(value, str) else ""
    text = quote_value(value, hint=hint)
    return f"{text} {escape_invisible(name)}" if name else text


def format_count(number: int, noun: str) -> str:
    """Say how many: `1 object`, `12,345 objects`."""
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def measure_text(text: str) -> int:
    """Return how many columns of a terminal a text takes: East Asian letters are two wide (UAX 11), marks none."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415

    return cell_len(text)


def render_parts(lines: Iterable[Line], layout: Layout) -> str:
    """Return the lines as text; at a terminal each is broken at its blanks where it is too long."""
    fitting = (part for line in lines for part in _wrap_line(line, layout.width))
    if not layout.color:
        return escape_ci_commands("".join(f"{line.plain.rstrip(' ')}\n" for line in fitting))
    return _render_with_rich(fitting)


def _wrap_line(line: Line, width: int) -> Iterator[Line]:
    """Yield a line in parts, each of whole words. A word that is longer than the width is left whole: it may be copied.

    What a terminal does by itself tears names apart and starts the rest at its left edge.
    """
    if not width or line.hang is None or measure_text(line.plain) <= width:
        yield line
        return
    hang = min(line.hang, width // 2)
    start = column = indent = 0
    for word in _WORD.finditer(line.plain):
        size = measure_text(word.group())
        if column and column + size > width and line.plain[start : word.start()].strip():
            yield Line(tuple(_cut_pieces(line, start, word.start(), indent)))
            start = word.end() - len(word.group().lstrip(" "))
            size = measure_text(line.plain[start : word.end()])
            # A path that has room on a line of its own is worth more than a straight edge.
            column = indent = min(hang, max(0, width - size))
        column += size
    yield Line(tuple(_cut_pieces(line, start, len(line.plain), indent)))


def _cut_pieces(line: Line, start: int, end: int, indent: int) -> Iterator[tuple[str, str]]:
    """Yield what of a line's pieces stands between two places, with their styles."""
    if indent:
        yield " " * indent, ""
    places = accumulate((len(text) for text, _ in line.pieces), initial=0)
    for place, (text, style) in zip(places, line.pieces, strict=False):
        if part := text[max(0, start - place) : max(0, end - place)]:
            yield part, style


def _render_with_rich(lines: Iterable[Line]) -> str:
    from rich.console import Console  # noqa: PLC0415 - 40 ms, paid only where there are colours
    from rich.text import Text  # noqa: PLC0415

    sheet = StringIO()
    console = Console(
        file=sheet,
        # rich takes 80 columns where it finds no terminal.
        width=100_000,
        color_system="standard",
        # Left alone, rich asks the stream, which is a StringIO here.
        force_terminal=True,
        legacy_windows=False,
        # A name such as `[red]` or `:warning:` is text.
        markup=False,
        emoji=False,
        highlight=False,
        # Otherwise rich obeys NO_COLOR, FORCE_COLOR, COLUMNS and TERM, and equal input gives other bytes.
        _environ={},
    )
    for line in lines:
        console.print(Text.assemble(*line.pieces), soft_wrap=True)
    return escape_ci_commands("\n".join(_strip_padding(row) for row in sheet.getvalue().split("\n")))


def _strip_padding(text: str) -> str:
    """Take the blanks from a line's end, from under its last colours too. In linear time, however long it is."""
    text, colors = text.rstrip(" "), ""
    # A pattern such as ` +$` starts anew at every blank: its time grows with the square of a line's
    # length.
    while (start := text.rfind("\x1b")) >= 0 and _LAST_COLOR.match(text, start):
        text, colors = text[:start].rstrip(" "), text[start:] + colors
    return text + colors


def build_line(*pieces: str | tuple[str, str], hang: int | None = 0) -> Line:
    """Return one line from strings and (string, style) pairs, whatever they hold."""
    pairs = ((piece, "") if isinstance(piece, str) else piece for piece in pieces)
    return Line(tuple((escape_invisible(text), style) for text, style in pairs), hang)
