"""What YAML's scanner and the JSON decoder complain about, said so that it can be mended."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import yaml

from reconciler.diagnostics import Explanation
from reconciler.documents import limits
from reconciler.documents.suggestions import quote_text
from reconciler.sanitize import escape_and_shorten

DEEP: Final = limits.describe_excess(
    "DEPTH", f"lists and mappings lie more than {limits.DEPTH} deep", "no document needs that", "flatten it"
)
MANY: Final = limits.describe_excess(
    "NODES", f"more than {limits.NODES} values in one file", "it can't be reviewed", "split it"
)
LONG: Final = limits.describe_excess(
    "SCALAR_BYTES", f"a text of more than {limits.SCALAR_BYTES} bytes", "no field takes it", "shorten it"
)
DIRECTIVE: Final = Explanation(
    "yaml.unsupported",
    "directives (%YAML, %TAG) are not read",
    "they can change what the text below means",
    "remove the line",
)
ALIAS: Final = Explanation(
    "yaml.unsupported",
    "aliases (*name) are not read",
    "a reviewer would have to look elsewhere",
    "write the value out",
)
ANCHOR: Final = Explanation(
    "yaml.unsupported", "anchors (&name) are not read", "a value is said where it holds", "remove the anchor"
)
MERGE: Final = Explanation(
    "yaml.unsupported",
    "merge keys (<<) are not read",
    "what they bring is not seen where it holds",
    "write the fields out",
)
COMPLEX: Final = Explanation(
    "yaml.invalid-key",
    "a list or mapping stands where a key is due",
    "keys are text",
    "write a plain name before the colon",
)
NO_KEY: Final = Explanation(
    "yaml.invalid-key", "the key before the colon is missing", "a value needs a name", "write the field's name"
)


def _describe_yaml_syntax(summary: str, reason: str = "", remedy: str = "") -> Explanation:
    return Explanation("yaml.syntax", summary, reason, remedy)


def _describe_json_syntax(summary: str, reason: str = "", remedy: str = "") -> Explanation:
    return Explanation("json.syntax", summary, reason, remedy)


_SHORT_ESCAPE: Final = _describe_yaml_syntax(
    "this escape is too short",
    "a backslash in double quotes begins an escape: \\x takes 2 digits, \\u 4, \\U 8",
    "use single quotes, in which a backslash is a backslash, or complete it",
)
# Words of libyaml and of PyYAML's own scanner, which differ for the same mistake; the first that fits
# counts.
_YAML_MESSAGES: Final = (
    (
        "tab character",
        _describe_yaml_syntax("a tab stands where YAML wants spaces", "tabs don't indent", "replace it with spaces"),
    ),
    (
        "mapping values are not allowed",
        _describe_yaml_syntax("a colon where no field can begin", "text with `: ` in it needs quotes", "quote it"),
    ),
    (
        "could not find expected ':'",
        _describe_yaml_syntax("a colon is missing after this", "it reads as a field's name", "add `:` or quote it"),
    ),
    (
        "expected ',' or '}'",
        _describe_yaml_syntax("a `,` or `}` is missing", "the mapping in braces isn't closed", "close it"),
    ),
    (
        "expected ',' or ']'",
        _describe_yaml_syntax("a `,` or `]` is missing", "the list in brackets isn't closed", "close it"),
    ),
    (
        "did not find expected node content",
        _describe_yaml_syntax("a value is missing here, or a bracket isn't closed", remedy="write it or close it"),
    ),
    (
        "did not find expected key",
        _describe_yaml_syntax("no field begins here", "the indentation doesn't match the lines above", "align it"),
    ),
    (
        "did not find expected '-' indicator",
        _describe_yaml_syntax("no list item begins here", "the lines above are a list", "align it"),
    ),
    (
        "expected <block end>",
        _describe_yaml_syntax(
            "the indentation doesn't match the lines above", "it says what belongs where", "align it"
        ),
    ),
    (
        "expected <document start>",
        _describe_yaml_syntax("text after the document's end", "a second document begins with `---`", "add that line"),
    ),
    (
        "unexpected end of stream",
        _describe_yaml_syntax(
            "the quotes opened here are never closed", "the rest of the file is inside", "close them"
        ),
    ),
    (
        "unexpected document indicator",
        _describe_yaml_syntax("the quotes opened here are not closed before `---`", remedy="close them"),
    ),
    (
        "unknown escape character",
        _describe_yaml_syntax(
            "a backslash in double quotes begins an escape", remedy='write "\\\\" or use single quotes'
        ),
    ),
    (
        "invalid Unicode character escape",
        _describe_yaml_syntax(
            "this escape is not a character",
            "a backslash in double quotes begins an escape, and surrogates are not read",
            "use single quotes, or write the character as it is",
        ),
    ),
    (
        # Spelled as in libyaml's source.
        "did not find expected hexdecimal number",
        _SHORT_ESCAPE,
    ),
    (
        "did not find expected hexadecimal",
        _SHORT_ESCAPE,
    ),
    (
        "expected escape sequence of",
        _SHORT_ESCAPE,
    ),
    (
        "undefined tag handle",
        Explanation(
            "yaml.unsupported", "tags (!name) are not read", "the field decides what its value is", "remove it"
        ),
    ),
    ("duplicate %", DIRECTIVE),
    ("directive", DIRECTIVE),
    (
        "expected alphabetic or numeric character",
        _describe_yaml_syntax("`*` or `&` begins an alias or anchor", "none is read", "quote the text"),
    ),
    (
        "block sequence entries are not allowed",
        _describe_yaml_syntax("a list item can't begin here", "it needs a line of its own", "move it"),
    ),
    (
        "block mapping keys are not allowed",
        _describe_yaml_syntax("a field can't begin here", "it needs a line of its own", "move it"),
    ),
)
"""Part of the scanner's words, and what to say."""

_UNQUOTED_BRACES: Final = re.compile(r"/[a-z0-9_/-]*(?P<brace>\{)[^{}\"']*\}/?")

_FIRST_CHARACTER_MESSAGES: Final = {
    "\t": _describe_yaml_syntax("a tab stands where YAML wants spaces", "tabs don't indent", "replace it with spaces"),
    "@": _describe_yaml_syntax("`@` can't begin unquoted text", "YAML keeps it for itself", "quote the text"),
    "`": _describe_yaml_syntax("a backtick can't begin unquoted text", "YAML keeps it for itself", "quote the text"),
    "%": _describe_yaml_syntax("`%` can't begin unquoted text", "YAML takes it for a directive", "quote the text"),
}

_JSON_MESSAGES: Final = {
    "Extra data": _describe_json_syntax(
        "text after the document's end", "only white space may stand between documents", "remove it"
    ),
    "Expecting property name enclosed in double quotes": _describe_json_syntax(
        "a name in double quotes is due", reason="no comma goes before `}`"
    ),
    # From Python 3.13 on; older versions complain of the property name or the value that is due.
    "Illegal trailing comma": _describe_json_syntax("a comma with nothing after it", "JSON allows none", "remove it"),
    "Expecting value": _describe_json_syntax(
        "a value is due here", "JSON allows no trailing comma and no comments", "write or remove it"
    ),
    "Expecting ',' delimiter": _describe_json_syntax(
        "a `,` is missing, or the list or object isn't closed", remedy="add what is missing"
    ),
    "Expecting ':' delimiter": _describe_json_syntax("a `:` is missing after the field's name", remedy="add it"),
    "Unterminated string starting at": _describe_json_syntax(
        "the quotes opened here are never closed", remedy="close them"
    ),
    "Invalid control character at": _describe_json_syntax(
        "a line end or tab stands inside quotes", "JSON wants it escaped", "write \\n or \\t"
    ),
    "Invalid \\escape": _describe_json_syntax(
        "a backslash begins an escape that JSON doesn't know", remedy="write \\\\ for a backslash"
    ),
    "Invalid \\uXXXX escape": _describe_json_syntax("\\u takes four hexadecimal digits", remedy="complete it"),
}

_JSON_COMMENT: Final = _describe_json_syntax(
    "a comment stands here", "JSON has none", "remove it, or write the manifest as YAML, where `#` begins one"
)


def explain_tag(tag: str) -> Explanation:
    """Say why a tag, as it was written, is not read."""
    return Explanation(
        "yaml.unsupported",
        f"the tag {escape_and_shorten(tag)} is not read",
        "the field decides what its value is",
        "remove it, and put text in quotes",
    )


def explain_duplicate_key(key: str, first_line: int) -> Explanation:
    """Say why a key can't be given twice; `first_line` is where it stands already."""
    return Explanation(
        "document.duplicate-key",
        f"{quote_text(key)} is given twice, on line {first_line} and here",
        "readers differ on which one holds",
        "remove one",
    )


def explain_yaml_error(error: yaml.YAMLError, text: str) -> tuple[int, int, Explanation]:
    """Return line and column (1-based) of a scanner's error, and what to do about it."""
    problem = str(getattr(error, "problem", None) or "this is not YAML")
    mark: Any = getattr(error, "problem_mark", None)
    # problem_mark is where the scanner gave up, often the end of the file; context_mark is where the
    # quotes open.
    if "unexpected end of stream" in problem or "unexpected document indicator" in problem:
        mark = getattr(error, "context_mark", None) or mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    if special := _explain_character(problem, text, line, column):
        return line + 1, special[0] + 1, special[1]
    explanation = next(
        (words for phrase, words in _YAML_MESSAGES if phrase in problem), _describe_unknown_error(problem)
    )
    return line + 1, column + 1, explanation


def _explain_character(problem: str, text: str, line: int, column: int) -> tuple[int, Explanation] | None:
    """Return the column (0-based) and the words for an error that is about the character there; None for another."""
    lines = text.split("\n", line + 1)
    written = lines[line] if line < len(lines) else ""
    if "expected ',' or ']'" in problem and (match := _find_unquoted_braces(written, column)):
        return match.start(), _describe_unquoted_braces(match.group())
    if "cannot start any token" not in problem:
        return None
    first = written[column : column + 1]
    return column, _FIRST_CHARACTER_MESSAGES.get(first, _describe_unknown_error(problem))


def _find_unquoted_braces(line: str, column: int) -> re.Match[str] | None:
    """Return the text around the brace at a column, where it is one with what stands before the brace."""
    return next((match for match in _UNQUOTED_BRACES.finditer(line) if match.start("brace") == column), None)


def _describe_unquoted_braces(text: str) -> Explanation:
    return _describe_yaml_syntax(
        "a brace opens within a text", "in a list in brackets YAML begins a mapping there", f"quote the text: '{text}'"
    )


def _describe_unknown_error(problem: str) -> Explanation:
    return _describe_yaml_syntax(
        f"this is not YAML ({problem})", "nothing in the document can be trusted", "correct the syntax"
    )


def explain_json_error(error: json.JSONDecodeError) -> tuple[int, int, Explanation]:
    """Return line and column (1-based) of a JSON syntax error, and what to do about it."""
    if error.doc[error.pos : error.pos + 80].lstrip().startswith(("//", "/*", "#")):
        return error.lineno, error.colno, _JSON_COMMENT
    explanation = next((words for phrase, words in _JSON_MESSAGES.items() if error.msg.startswith(phrase)), None)
    return (
        error.lineno,
        error.colno,
        explanation or _describe_json_syntax(f"this is not JSON ({error.msg})", remedy="correct the syntax"),
    )
