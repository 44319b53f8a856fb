"""Foreign text in Markdown, as GitHub and GitLab read it: it is shown, and never links, pings, formats or breaks a row.

Backslashes would not do: both sites look for @names, #12, hashes and URLs in what is already rendered. They leave code
alone, so whatever is not plainly a word stands in a code span or a fence (CommonMark 6.1 and 4.5; GFM 4.10).
"""

from __future__ import annotations

import re
from html import escape

from reconciler.reports.layout import escape_ci_commands
from reconciler.sanitize import escape_invisible

# Letters of any script, a number, or a date. GH-12 and ABC-12 are links to issues, seven hexadecimal digits are one to
# a commit.
_PLAIN_WORD = re.compile(
    r"(?!\S*-\d)(?!\S*[0-9a-fA-F]{7})[\"'(]*(?:\d{1,3}(?:,\d{3})+|[^\W_]+(?:['’-][^\W_]+)*)[)\"']*[.,;:!?]*|->"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}[),.;:]*"
)
_LIST_NUMBER = re.compile(r"\d+[.)]")
_TOKEN = re.compile(r"`[^`]+`|[^\s`]+|`")
_BACKTICKS = re.compile(r"`+")
_BACKSLASHES_BEFORE_PIPE = re.compile(r"\\+(?=\|)")
MAX_WORDS = 1_000
"""Characters of one message that are shown."""


def quote_code(text: str, limit: int = 200) -> str:
    """Return foreign text as a code span, cut in the middle where it is longer than `limit`."""
    shown = _make_visible(text, limit)
    if not shown:
        return "(empty)"
    fence = "`" * _find_free_length(shown)
    # CommonMark takes one space from either side; without them a backtick would join the fence.
    padding = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{padding}{shown}{padding}{fence}"


def quote_cell(text: str, limit: int = 200) -> str:
    """Return foreign text as a code span in a row of a table, "" for nothing."""
    # GFM reads a row's `\|` before anything else, and a `\\` before that: a backslash there is spelled out.
    spelled = _BACKSLASHES_BEFORE_PIPE.sub(lambda match: r"\x5c" * len(match.group()), _make_visible(text, limit))
    return quote_code(spelled, 4 * limit).replace("|", r"\|") if text else ""


def quote_words(text: str) -> str:
    """Return a sentence that may hold foreign names: what is plainly a word stays one, all else is a code span."""
    return _TOKEN.sub(_quote_token, _make_visible(text, MAX_WORDS))


def quote_html(text: str, limit: int = 200) -> str:
    """Return foreign text as an element of code inside of HTML, where no Markdown is read."""
    return f"<code>{escape(_make_visible(text, limit))}</code>"


def build_fence(lines: list[str], language: str) -> list[str]:
    """Return lines that are visible already as a block of code."""
    fence = "`" * max(3, _find_free_length("\n".join(lines)))
    return [f"{fence}{language}", *lines, fence]


def measure_markdown(text: str) -> int:
    """Return how long a text is to whoever counts characters as JavaScript does: one beyond U+FFFF is two."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _quote_token(match: re.Match[str]) -> str:
    token = match.group()
    begins_list = match.start() == 0 and _LIST_NUMBER.match(token)
    if _PLAIN_WORD.fullmatch(token) and not begins_list:
        return token
    # What our own sentences quote, such as a command to type, is one span.
    quoted = quote_code(token[1:-1] if len(token) > 2 and token[0] == token[-1] == "`" else token, MAX_WORDS)
    # The backticks of two spans without anything between them would be read as one run.
    return quoted if match.string[match.start() - 1 : match.start()] in {"", " "} else f" {quoted}"


def _make_visible(text: str, limit: int) -> str:
    if len(text) > limit:
        text = f"{text[: limit // 2]}…{text[-(limit // 2) :]}"
    return escape_ci_commands(escape_invisible(text))


def _find_free_length(text: str) -> int:
    """Return how many backticks make a fence that the text can't end."""
    return max((len(run) for run in _BACKTICKS.findall(text)), default=0) + 1
