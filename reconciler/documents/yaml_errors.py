"""What YAML's scanner and the JSON decoder complain about, said so that it can be mended."""

from __future__ import annotations

import json
from typing import Any, Final

import yaml

from reconciler.documents import limits

DEEP: Final = f"lists and mappings lie more than {limits.DEPTH} deep (limit DEPTH); no document needs that; flatten it"
MANY: Final = f"more than {limits.NODES} values in one file (limit NODES); it can't be reviewed; split it"
LONG: Final = f"a text of more than {limits.SCALAR_BYTES} bytes (limit SCALAR_BYTES); no field takes it; shorten it"
UNFIT: Final = "this text {}"
DIRECTIVE: Final = "directives (%YAML, %TAG) are not read; they can change what the text below means; remove the line"
ALIAS: Final = "aliases (*name) are not read; a reviewer would have to look elsewhere; write the value out"
ANCHOR: Final = "anchors (&name) are not read; a value is said where it holds; remove the anchor"
MERGE: Final = "merge keys (<<) are not read; what they bring is not seen where it holds; write the fields out"
COMPLEX: Final = "a list or mapping stands where a key is due; keys are text; write a plain name before the colon"
NO_KEY: Final = "the key before the colon is missing; a value needs a name; write the field's name"
TAG: Final = "the tag {} is not read; the field decides what its value is; remove it, and put text in quotes"
TWICE: Final = '"{}" is given twice, on line {} and here; readers differ on which one holds; remove one'

# Words of libyaml and of PyYAML's own scanner, which differ for the same mistake; the first that fits
# counts.
_YAML_MESSAGES: Final = (
    ("tab character", "a tab stands where YAML wants spaces; tabs don't indent; replace it with spaces"),
    ("mapping values are not allowed", "a colon where no field can begin; text with `: ` in it needs quotes; quote it"),
    ("could not find expected ':'", "a colon is missing after this; it reads as a field's name; add `:` or quote it"),
    ("expected ',' or '}'", "a `,` or `}` is missing; the mapping in braces isn't closed; close it"),
    ("expected ',' or ']'", "a `,` or `]` is missing; the list in brackets isn't closed; close it"),
    ("did not find expected node content", "a value is missing here, or a bracket isn't closed; write it or close it"),
    ("did not find expected key", "no field begins here; the indentation doesn't match the lines above; align it"),
    ("did not find expected '-' indicator", "no list item begins here; the lines above are a list; align it"),
    ("expected <block end>", "the indentation doesn't match the lines above; it says what belongs where; align it"),
    ("expected <document start>", "text after the document's end; a second document begins with `---`; add that line"),
    ("unexpected end of stream", "the quotes opened here are never closed; the rest of the file is inside; close them"),
    ("unexpected document indicator", "the quotes opened here are not closed before `---`; close them"),
    ("unknown escape character", 'a backslash in double quotes begins an escape; write "\\\\" or use single quotes'),
    ("invalid Unicode character escape", "this escape is not a character; surrogates are not read; write it as it is"),
    (
        # Spelled as in libyaml's source.
        "did not find expected hexdecimal number",
        "this escape is too short; \\x takes 2 digits, \\u 4, \\U 8; complete it",
    ),
    ("did not find expected hexadecimal", "this escape is too short; \\x takes 2 digits, \\u 4, \\U 8; complete it"),
    ("expected escape sequence of", "this escape is too short; \\x takes 2 digits, \\u 4, \\U 8; complete it"),
    ("undefined tag handle", "tags (!name) are not read; the field decides what its value is; remove it"),
    ("duplicate %", DIRECTIVE),
    ("directive", DIRECTIVE),
    (
        "expected alphabetic or numeric character",
        "`*` or `&` begins an alias or anchor; none is read; quote the text",
    ),
    ("block sequence entries are not allowed", "a list item can't begin here; it needs a line of its own; move it"),
    ("block mapping keys are not allowed", "a field can't begin here; it needs a line of its own; move it"),
)
"""Part of the scanner's words, ours: what; why; what to do."""

_FIRST_CHARACTER_MESSAGES: Final = {
    "\t": "a tab stands where YAML wants spaces; tabs don't indent; replace it with spaces",
    "@": "`@` can't begin unquoted text; YAML keeps it for itself; quote the text",
    "`": "a backtick can't begin unquoted text; YAML keeps it for itself; quote the text",
    "%": "`%` can't begin unquoted text; YAML takes it for a directive; quote the text",
}

_JSON_MESSAGES: Final = {
    "Extra data": "text after the document's end; only white space may stand between documents; remove it",
    "Expecting property name enclosed in double quotes": "a name in double quotes is due; no comma goes before `}`",
    # From Python 3.13 on; older versions complain of the property name or the value that is due.
    "Illegal trailing comma": "a comma with nothing after it; JSON allows none; remove it",
    "Expecting value": "a value is due here; JSON allows no trailing comma and no comments; write or remove it",
    "Expecting ',' delimiter": "a `,` is missing, or the list or object isn't closed; add what is missing",
    "Expecting ':' delimiter": "a `:` is missing after the field's name; add it",
    "Unterminated string starting at": "the quotes opened here are never closed; close them",
    "Invalid control character at": "a line end or tab stands inside quotes; JSON wants it escaped; write \\n or \\t",
    "Invalid \\escape": "a backslash begins an escape that JSON doesn't know; write \\\\ for a backslash",
    "Invalid \\uXXXX escape": "\\u takes four hexadecimal digits; complete it",
}


_JSON_COMMENT: Final = (
    "a comment stands here; JSON has none; remove it, or write the manifest as YAML, where `#` begins one"
)


def explain_yaml_error(error: yaml.YAMLError, text: str) -> tuple[int, int, str]:
    """Return line and column (1-based) of a scanner's error, and what to do about it."""
    problem = str(getattr(error, "problem", None) or "this is not YAML")
    mark: Any = getattr(error, "problem_mark", None)
    # problem_mark is where the scanner gave up, often the end of the file; context_mark is where the
    # quotes open.
    if "unexpected end of stream" in problem or "unexpected document indicator" in problem:
        mark = getattr(error, "context_mark", None) or mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    if "cannot start any token" in problem:
        lines = text.split("\n", line + 1)
        first = lines[line][column : column + 1] if line < len(lines) else ""
        return line + 1, column + 1, _FIRST_CHARACTER_MESSAGES.get(first, _describe_unknown_error(problem))
    message = next((advice for phrase, advice in _YAML_MESSAGES if phrase in problem), _describe_unknown_error(problem))
    return line + 1, column + 1, message


def _describe_unknown_error(problem: str) -> str:
    return f"this is not YAML ({problem}); nothing in the document can be trusted; correct the syntax"


def explain_json_error(error: json.JSONDecodeError) -> tuple[int, int, str]:
    """Return line and column (1-based) of a JSON syntax error, and what to do about it."""
    if error.doc[error.pos : error.pos + 80].lstrip().startswith(("//", "/*", "#")):
        return error.lineno, error.colno, _JSON_COMMENT
    message = next((advice for phrase, advice in _JSON_MESSAGES.items() if error.msg.startswith(phrase)), None)
    return error.lineno, error.colno, message or f"this is not JSON ({error.msg}); correct the syntax"
