"""Values that are names of files: a text like any other, which a shell completes by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable

import click
from click.shell_completion import CompletionItem

_FILE = re.compile(r"FILE|PATH|REPORT")
_FOLDER = re.compile(r"DIR")


class FileName(click.types.StringParamType):
    """A text that a shell completes as the name of a file, or of a folder."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        """Leave it to the shell."""
        return [CompletionItem(incomplete, type=self._kind)]


def mark_file_names(params: Iterable[click.Parameter]) -> None:
    """Let those texts be completed as files or folders whose placeholder says that they are."""
    for param in params:
        if type(param.type) is click.types.StringParamType and (metavar := param.metavar):
            kind = "file" if _FILE.search(metavar) else "dir" if _FOLDER.search(metavar) else ""
            param.type = FileName(kind) if kind else param.type
