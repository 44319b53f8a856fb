"""`reconciler completion`: a script for a shell, and the answers that the script asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import click

from reconciler.cli.terminal import options
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.output import CommandResult
from reconciler.cli.terminal.shell_scripts import SHELL_SCRIPTS
from reconciler.errors import Exit

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class _Place(NamedTuple):
    """Where a completion goes: the words before it, what is typed of it, and how an answer is written there."""

    words: Sequence[str]
    typed: str
    write: Callable[[str], str]


# What scripts ask is hidden: it may change with them, and is read from the same version.
@options.command()
@click.argument("shell", type=click.Choice(list(SHELL_SCRIPTS)))
@click.option("--line", hidden=True)
@click.option("--breaks", hidden=True, default="")
@click.option("--word", multiple=True, hidden=True)
@click.pass_obj
def command(session: Session, /, shell: str, line: str | None, breaks: str, word: tuple[str, ...]) -> CommandResult:
    """Print what makes a shell complete commands, options and values.

    \b
    bash  into ~/.local/share/bash-completion/completions/reconciler
    zsh   into _reconciler, in a folder of $fpath
    fish  into ~/.config/fish/completions/reconciler.fish
    """
    if line is None and not word:
        return CommandResult(Exit.OK, lambda _: SHELL_SCRIPTS[shell])
    try:
        place = _read_line(line, breaks) if line is not None else _read_words(word, shell)
        lines = [_format_item(item, place, shell) for item in _find_completions(session, place)]
    except Exception:  # noqa: BLE001 - a person is typing, and an error would be written into the line
        lines = []
    return CommandResult(Exit.OK, lambda _: "".join(lines))


def _read_line(line: str, breaks: str) -> _Place:
    """Return the place at the end of bash's line, of which bash replaces only what follows the last break."""
    from reconciler.cli.terminal.shell_words import find_replaced_start, quote_rest, split_line

    _, *words = split_line(line)
    last = words[-1]
    start = find_replaced_start(line, last, breaks)
    kept = split_line(line[last.start : start])[-1] if start > last.start else None
    kept_text = kept.text if kept else ""
    typed = _find_value(last.text)
    prefix = last.text[: len(last.text) - len(typed)]
    return _Place(
        [word.text for word in words[:-1]],
        last.text,
        lambda value: quote_rest(f"{prefix}{value}".removeprefix(kept_text), last.quote),
    )


def _read_words(words: Sequence[str], shell: str) -> _Place:
    """Return the place that zsh and fish tell, which replace the whole word and quote an answer by themselves."""
    from reconciler.cli.terminal.shell_words import unquote_word

    # zsh hands words over as they are typed, fish only the last one.
    _, *earlier = words[:-1]
    last = unquote_word(words[-1])
    prefix = last[: len(last) - len(_find_value(last))]
    return _Place([unquote_word(word) if shell == "zsh" else word for word in earlier], last, prefix.__add__)


def _find_value(word: str) -> str:
    """Return what is typed of a value: of `--only=Sec` what follows the equals sign."""
    return word.partition("=")[2] if word.startswith("--") and "=" in word else word


def _find_completions(session: Session, place: _Place) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem, ShellComplete

    from reconciler.cli.commands import cli

    words = list(place.words)
    if words and words[0] not in cli.commands:
        return []
    # Nothing of a command is run, and none of its callbacks may print.
    found = ShellComplete(cli, {"obj": session}, "reconciler", "").get_completions(words, place.typed)
    chosen = cli.commands.get(words[0]) if len(words) == 1 else None
    actions = chosen.actions if isinstance(chosen, options.ActionCommand) else {}
    return [*(CompletionItem(name) for name in actions if name.startswith(place.typed)), *found]


def _format_item(item: CompletionItem, place: _Place, shell: str) -> str:
    """Return one answer as a line: what it is, the value, and for zsh and fish what it means."""
    if item.type != "plain":
        return f"{item.type}\n"
    kind = "part" if item.value.endswith(("/", ".", "=")) else "plain"
    help_text = " ".join(str(item.help).split()) if item.help and shell != "bash" else ""
    fields = (kind, place.write(item.value), help_text)
    return "\t".join(filter(None, fields)) + "\n"
