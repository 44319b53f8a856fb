"""What texts may hold: names, other texts of one line, and texts of several lines. One rule for all kinds.

A text of one line holds no blank but U+0020. Blanks at either end are refused but in a name, which a server may really
have so: what is in quotes is taken exactly there, and told.
"""

from __future__ import annotations

import re
from typing import Final

from reconciler.diagnostics import Explanation
from reconciler.errors import InvalidTextError

# Unicode's White_Space (PropList.txt) without U+0020, and the four separators that Python's strip() takes for blanks.
_OTHER_BLANK: Final = re.compile("[\t-\r\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
_BLANK_NAMES: Final = {
    "\t": "a tab",
    "\n": "a line end",
    "\r": "a carriage return",
    "\xa0": "a no-break space",
    "\u3000": "an ideographic space",
}
_LINE_END_REMEDY: Final = "remove it; below `|` or `>` write `|-` or `>-`"
_OUTER_BLANKS: Final = Explanation(
    "manifest.invalid-value",
    "starts or ends with blanks",
    "servers drop them and the object would never settle",
    "remove them",
)
_OUTER_LINE_END: Final = Explanation(
    "manifest.invalid-value",
    "starts or ends with a line end",
    "servers drop it and the object would never settle",
    _LINE_END_REMEDY,
)
PADDED: Final = Explanation(
    "manifest.padded-text",
    "starts or ends with a space",
    "it is taken exactly as it is quoted, and is another than the same without",
    "remove the space unless the object is really called so",
)
"""Said in a note of a name that is taken with the spaces at its ends."""
_ONLY_BLANKS: Final = Explanation(
    "manifest.invalid-value", "holds nothing but blanks", "nobody could see what it means", "write a name"
)


def explain_other_blank(text: str) -> tuple[str, Explanation] | None:
    """Return the first blank that a text of one line can't hold, and why; None if there is none."""
    match = _OTHER_BLANK.search(text)
    if match is None:
        return None
    blank = match.group()
    name = _BLANK_NAMES.get(blank, "a blank")
    remedy = _LINE_END_REMEDY if blank == "\n" else "remove it, or write an ordinary space"
    summary = f"holds U+{ord(blank):04X} ({name})"
    return blank, Explanation(
        "manifest.invalid-value", summary, "it stands on one line, and what is read would not be what is seen", remedy
    )


def check_name(text: str) -> str:
    """Return a name as it is; raises InvalidTextError. Spaces at its ends are part of it: `is_padded` finds them."""
    _refuse_other_blank(text)
    if text and not text.strip(" "):
        raise InvalidTextError(_ONLY_BLANKS)
    return text


def check_line(text: str) -> str:
    """Return a text of one line as it is; raises InvalidTextError."""
    _refuse_other_blank(text)
    if is_padded(text):
        raise InvalidTextError(_OUTER_BLANKS)
    return text


def check_prose(text: str) -> str:
    """Return a text that may have several lines as it is; raises InvalidTextError for blanks around it."""
    if text != text.strip():
        raise InvalidTextError(_OUTER_LINE_END if text != text.strip("\r\n") else _OUTER_BLANKS)
    return text


def is_padded(text: str) -> bool:
    """Say whether a text starts or ends with a space."""
    return text[:1] == " " or text[-1:] == " "


def _refuse_other_blank(text: str) -> None:
    if unfit := explain_other_blank(text):
        blank, explanation = unfit
        raise InvalidTextError(explanation, blank)
