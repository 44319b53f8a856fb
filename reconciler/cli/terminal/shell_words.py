"""A command line that is being typed, as a shell reads it: words without their quotes, and what the last one lacks."""

from __future__ import annotations

import re
from typing import NamedTuple

_DOUBLE_QUOTED_ESCAPES = '"\\$`\n'
"""What a backslash escapes inside double quotes (POSIX, Shell Command Language, 2.2.3)."""
_PLAIN = re.compile(r"[\w@%+=:,./\[\]-]", re.ASCII)
_DOUBLE_QUOTED_SPECIAL = re.compile(r'["\\$`]')


class TypedWord(NamedTuple):
    """A word as it is meant, the quote that is still open in it ("" for none), and where in the line it begins."""

    text: str
    quote: str
    start: int


def split_line(line: str) -> list[TypedWord]:
    """Return the words of an unfinished line; the last one is the one under the cursor, which may be empty."""
    words: list[TypedWord] = []
    index = 0
    while True:
        while index < len(line) and line[index].isspace():
            index += 1
        word, index = _read_word(line, index)
        words.append(word)
        # Where a blank is left, another word begins behind it.
        if index >= len(line):
            return words


def _read_word(line: str, start: int) -> tuple[TypedWord, int]:
    """Return the word that begins there, and where it ends."""
    text, quote, index = "", "", start
    while index < len(line):
        character, following = line[index], line[index + 1 : index + 2]
        index += 1
        if quote == "'":
            quote, text = ("", text) if character == "'" else (quote, text + character)
        elif character == "\\" and (not quote or following in _DOUBLE_QUOTED_ESCAPES):
            text, index = text + following, index + 1
        elif quote:
            quote, text = ("", text) if character == '"' else (quote, text + character)
        elif character in "'\"":
            quote = character
        elif character.isspace():
            return TypedWord(text, "", start), index - 1
        else:
            text += character
    return TypedWord(text, quote, start), len(line)


def unquote_word(word: str) -> str:
    """Return one word without its quotes, as far as they go."""
    return _read_word(word.replace("\n", " "), 0)[0].text if not word.isspace() else word


def quote_rest(text: str, quote: str) -> str:
    """Return text as it goes on in a word whose quote is open, or that has none."""
    if quote == "'":
        return text.replace("'", "'\\''")
    if quote == '"':
        return _DOUBLE_QUOTED_SPECIAL.sub(r"\\\g<0>", text)
    return "".join(
        character if _PLAIN.match(character) or not character.isascii() else f"\\{character}" for character in text
    )


def find_replaced_start(line: str, word: TypedWord, breaks: str) -> int:
    """Return from where on bash replaces what is typed: behind the last character that parts words, or the open quote.

    `breaks` is bash's COMP_WORDBREAKS. A backslash before such a character takes its meaning.
    """
    if word.quote:
        return line.rindex(word.quote) + 1
    start, index = word.start, word.start
    while index < len(line):
        if line[index] == "\\":
            index += 2
            continue
        if line[index] in breaks:
            start = index + 1
        index += 1
    return start
