"""Rules of files as text, before anything in them means anything: YAML, JSON, CSV. `rules` has all others, and all."""

from __future__ import annotations

CSV_RULES = {
    "csv.duplicate-column": "The header of a table names a column twice.",
    "csv.empty-cell": "A cell of a table is empty.",
    "csv.file-name": "A manifest names a table that does not end in .csv or does not lie below its own folder.",
    "csv.missing-column": "The header of a table lacks a column that the kind needs.",
    "csv.no-rows": "A table has a header and nothing below it.",
    "csv.row-length": "A line of a table is empty, or has more or fewer cells than the header.",
    "csv.syntax": "A line of a table is no row: its quotes don't close on it, or it holds a tab.",
    "csv.unknown-column": "The header of a table names a column that the kind does not have.",
}
DOCUMENT_RULES = {
    "document.duplicate-key": "A mapping gives one key twice.",
    "document.encoding": "A file is not UTF-8.",
    "document.limit": "A file, a text or a folder is larger than what is read; the message names the limit.",
    "document.line-ends": "The lines of a file end partly in LF and partly in CRLF.",
    "document.merge-conflict": "A file holds the lines that git leaves where two versions could not be merged.",
    "document.more-problems": "A file has more problems than are listed.",
    "document.unreadable-file": "A file or folder can't be opened, or is a symbolic link or no regular file.",
    "document.unsafe-text": "A text holds characters that a reviewer can't see, or is not in Unicode's composed form.",
}
JSON_RULES = {
    "json.syntax": "A file that ends in .json is not JSON.",
}
YAML_RULES = {
    "yaml.invalid-key": "A key of a mapping is missing, or is not plain text.",
    "yaml.needless-escape": "An escape in double quotes stands for a plain character, such as `\\x41` or `\\/`.",
    "yaml.syntax": "A file is not YAML.",
    "yaml.unsupported": "A file uses what YAML can do beyond plain data: anchors, aliases, tags, merges, directives.",
}
