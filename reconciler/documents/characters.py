"""Bytes to text, and what text may not hold: whatever a reviewer of the file could not see.

Refused are controls (C0 but tab and line ends, DEL, C1), bidirectional and other format characters, letters of no
width, the separators U+0085, U+2028 and U+2029 that only some readers take for line ends, a lone carriage return, a
byte order mark inside the text, and code points that are no characters. A string must be in Unicode's composed form
(NFC), since two names that look the same would otherwise differ.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from reconciler.diagnostics import Diagnostic, Explanation, Source
from reconciler.documents import limits
from reconciler.sanitize import escape_character, escape_invisible

# CVE-2021-42574 (Trojan Source): bidirectional controls show a reviewer another order than a parser
# reads. Listed, not asked of unicodedata: its tables follow Python's version, and a file must get one
# verdict everywhere.
_FORMAT_CHARACTERS: Final = (
    "\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# The last two code points of every plane are noncharacters (Unicode, section 23.7).
_PLANE_ENDS: Final = "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(1, 17))
_REFUSED: Final = re.compile(
    f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{_FORMAT_CHARACTERS}\ud800-\udfff{_PLANE_ENDS}]|\r(?!\n)"
)
_REFUSED_ASCII: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)")
_BOMS: Final = (
    # UTF-32 first: its little-endian mark begins with UTF-16's, FF FE.
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)

_UTF8_REASON: Final = "only UTF-8 is read, so that everyone reads the same"


def explain_unsafe_text(text: str) -> Explanation | None:
    """Say why a string can't stand in a manifest, None if it can: `holds U+202E RIGHT-TO-LEFT OVERRIDE, ...`.

    The summary is a sentence whose subject is the text. `export` asks this of live strings before it writes them.
    """
    if character := find_unsafe_character(text):
        return Explanation(
            "document.unsafe-text",
            f"holds {_name_character(character)}, which {_explain_character(character)}",
            remedy="remove it",
        )
    # macOS folders and some input methods give decomposed letters (NFD), which look the same on screen.
    if not text.isascii() and not unicodedata.is_normalized("NFC", text):
        return Explanation(
            "document.unsafe-text",
            "is not in Unicode's composed form (NFC), so it differs from what it looks like",
            remedy=f"write {_spell_code_points(text)}",
        )
    return None


def find_unsafe_character(text: str) -> str:
    """Return the first character of a string that can't stand in a manifest, "" if there is none."""
    # isascii only reads a flag of the string in CPython, so choosing the smaller pattern costs nothing.
    match = (_REFUSED_ASCII if text.isascii() else _REFUSED).search(text)
    return match.group() if match else ""


def escape_unsafe_text(text: str) -> str:
    """Return text with whatever can't stand in a file spelled out, on one line: for comments, and cells for people."""
    shown = escape_invisible(text)
    # What a later Unicode gave a form, and Python's tables therefore show, may be refused here all the same.
    if shown.isascii() or not find_unsafe_character(shown):
        return shown
    return _REFUSED.sub(lambda match: escape_character(match.group()), shown)


def decode_text(data: bytes, file: str, *, tolerated: str = "", merged: bool = False) -> tuple[str, list[Diagnostic]]:
    """Return a file's text without a leading UTF-8 byte order mark, and what is wrong with its bytes or characters.

    `tolerated` is a character that the caller looks for itself; `merged` tells each other one once, with its count.
    With problems the text must not be parsed: positions could lie.
    """
    if encoding := _recognize_encoding(data):
        wrong_encoding = Explanation("document.encoding", f"the file is {encoding}", _UTF8_REASON, "save it as UTF-8")
        return "", [wrong_encoding.locate(Source(file, 1, 1))]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return "", [_describe_bad_byte(data, error, file)]
    # Some Windows editors begin UTF-8 with this mark; RFC 8259, section 8.1, lets a reader ignore it.
    text = text.removeprefix("\ufeff")
    # Taken for a letter, which leaves every position as it is.
    checked_text = text.replace(tolerated, "x") if tolerated else text
    return text, list(_find_character_problems(checked_text, file, merged=merged))


def _recognize_encoding(data: bytes) -> str:
    """Return the encoding that the first bytes show, "" for UTF-8 and whatever may be it."""
    # YAML 1.2, section 5.2: without a mark, zeros beside the first ASCII characters tell UTF-16.
    is_unmarked = len(data) >= 4 and (any(data[:4:2]), any(data[1:4:2])) in {(True, False), (False, True)}
    return next((name for bom, name in _BOMS if data.startswith(bom)), "UTF-16" if is_unmarked else "")


def _describe_bad_byte(data: bytes, error: UnicodeDecodeError, file: str) -> Diagnostic:
    start = data.rfind(b"\n", 0, error.start) + 1
    column = len(data[start : error.start].decode("utf-8", "replace")) + 1
    source = Source(file, data.count(b"\n", 0, error.start) + 1, column)
    return Diagnostic(
        "document.encoding",
        source,
        f"byte 0x{data[error.start]:02x} at offset {error.start} is not UTF-8",
        _UTF8_REASON,
        "save the file as UTF-8",
    )


def _find_unsafe_characters(text: str, file: str) -> Iterator[tuple[str, Source]]:
    """Yield each character that text may not hold, with its place."""
    if _is_plain(text):
        return
    pattern = _REFUSED_ASCII if text.isascii() else _REFUSED
    line, start = 1, 0
    for match in pattern.finditer(text):
        line += text.count("\n", start, match.start())
        start = match.start()
        yield match.group(), Source(file, line, start - text.rfind("\n", 0, start))


def _is_plain(text: str) -> bool:
    """Say whether a text is nothing but lines of visible ASCII and tabs: most are."""
    return text.isascii() and text.replace("\r\n", "").replace("\n", "").replace("\t", "").isprintable()


def _merge_places(found: Iterable[tuple[str, Source]]) -> Iterator[tuple[str, Source, str]]:
    """Yield each character once, with its first place, and in words how many others there are."""
    first_places: dict[str, Source] = {}
    last_places: dict[str, Source] = {}
    counts: Counter[str] = Counter()
    for character, source in found:
        first_places.setdefault(character, source)
        last_places[character] = source
        counts[character] += 1
    for character, source in first_places.items():
        more = counts[character] - 1
        places = f"{more:,} more place{'' if more == 1 else 's'}, up to line {last_places[character].line}"
        yield character, source, f" (and in {places})" if more else ""


def _find_character_problems(text: str, file: str, *, merged: bool) -> Iterator[Diagnostic]:
    found = _find_unsafe_characters(text, file)
    places = _merge_places(found) if merged else ((*place, "") for place in islice(found, limits.PROBLEMS))
    for character, source, others in places:
        summary = f"{_name_character(character)} {_explain_character(character)}{others}"
        yield Diagnostic("document.unsafe-text", source, summary, remedy=_suggest_remedy(character))
    yield from _find_mixed_line_ends(text, file)


def _find_mixed_line_ends(text: str, file: str) -> Iterator[Diagnostic]:
    if 0 < (crlf_count := text.count("\r\n")) < text.count("\n"):
        begins_crlf = text.split("\n", 1)[0].endswith("\r")
        mismatch = re.search(r"(?<!\r)\n" if begins_crlf else "\r\n", text)
        line = text.count("\n", 0, mismatch.start()) + 1 if mismatch else 1
        yield Diagnostic(
            "document.line-ends",
            Source(file, line, 1),
            f"line ends are mixed: {crlf_count} are CRLF, {text.count(chr(10)) - crlf_count} are LF",
            "tools disagree about such text",
            "save the file with one kind",
        )


def _name_character(character: str) -> str:
    point = f"U+{ord(character):04X}"
    name = unicodedata.name(character, "")
    return f"{point} {name}" if name else f"{point} ({escape_character(character)})"


def _explain_character(character: str) -> str:
    if character == "\r":
        return "without a line feed is a line end to some readers only"
    # YAML 1.1 takes these three for line breaks (section 5.4), YAML 1.2 and JSON do not.
    if character in "\x85\u2028\u2029":
        return "is a line end to some readers only, so one line could hide a second"
    if character == "\ufeff":
        return "is a byte order mark and may only open a file"
    # UTF-8 can't carry surrogates (RFC 3629, section 3): only an escape such as JSON's \ud800 brings one.
    if "\ud800" <= character <= "\udfff":
        return "is half of a surrogate pair, not a character"
    if unicodedata.category(character) == "Cc":
        return "is a control character and can't be reviewed"
    return "can't be seen, so what is reviewed is not what is read"


def _suggest_remedy(character: str) -> str:
    return "save the file with LF or CRLF line ends" if character == "\r" else "remove it"


def _spell_code_points(text: str) -> str:
    """Spell the first stretch that composing would change, by code points: the glyphs look the same."""
    composed = unicodedata.normalize("NFC", text)
    index = next(
        (
            i
            for i, (character, expected_character) in enumerate(zip(text, composed, strict=False))
            if character != expected_character
        ),
        0,
    )
    points = " ".join(f"U+{ord(letter):04X}" for letter in text[index : index + 2])
    return f'"{escape_invisible(composed[index : index + 1])}" (U+{ord(composed[index]):04X}) for {points}'
