"""What a command line asks for, read even where the rest of it can't be parsed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click


def list_option_values(argv: Sequence[str], option: str) -> list[str]:
    """Return each value of an option, in order: `--format json` and `--format=json`."""
    return [value for name, value in _iterate_options(argv) if name == option]


def _iterate_options(argv: Sequence[str]) -> Iterator[tuple[str, str]]:
    for index, word in enumerate(argv):
        # From here on all words are operands (POSIX, Utility Syntax Guidelines, 10).
        if word == "--":
            break
        name, equals, value = word.partition("=")
        following = argv[index + 1] if index + 1 < len(argv) else ""
        if name.startswith("--"):
            yield name, value if equals else following


def list_operands(argv: Sequence[str], command: click.Command) -> list[str]:
    """Return the words of a command that are neither options nor their values, in order and without its name."""
    with_value = {
        name
        for param in command.params
        if isinstance(param, click.Option) and not param.is_flag
        for name in (*param.opts, *param.secondary_opts)
    }
    operands: list[str] = []
    words = iter(argv)
    for word in words:
        if word == "--":
            operands.extend(words)
        elif word in with_value:
            next(words, None)
        elif not word.startswith("-") or word == "-":
            operands.append(word)
    return operands[1:]
