"""What a stranger needs to find their way: a name means one thing and says which, and files and functions stay short.

A test that fails names the lines to change; `make house` prints the same numbers as a table.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.support.source_code import (
    Modules,
    find_bindings,
    find_homonyms,
    find_imports,
    find_lengths,
    find_mutual_folders,
    find_one_word_functions,
    find_percentile,
    find_unspecific,
    measure_comments,
    read_parts,
)

PARTS = ("tool", "simulator")
REPEATED = {"command": "what each file of cli/commands/ is loaded for, under one name"}
"""Public names that several modules may define, and why; at most three."""
MOST_UNSPECIFIC = 0.01
MOST_ONE_WORD = 0.15
LEAST_COMMENTS = 0.02
LONGEST_FUNCTION = 45
LONGEST_FILE = 359
LONG_FUNCTION = {"tool": 17, "simulator": 17}
"""Lines that nine functions in ten don't exceed."""

each_part = pytest.mark.parametrize("part", PARTS)


@pytest.fixture(scope="module")
def parts() -> dict[str, Modules]:
    """The package as its syntax trees, read where these tests run and kept no longer."""
    read = read_parts()
    assert tuple(read) == PARTS
    return read


@pytest.fixture(scope="module")
def everything(parts: dict[str, Modules]) -> Modules:
    return [module for modules in parts.values() for module in modules]


def test_a_public_name_is_defined_once(everything: Modules) -> None:
    """Who greps for a function or a class lands on one thing, in the tool and its simulator together."""
    homonyms = find_homonyms(everything)
    offenders = [site for name, sites in homonyms.items() if name not in REPEATED for site in sites]
    assert not offenders, show("public names that several modules define", offenders)


def test_no_exception_outlives_its_reason(everything: Modules) -> None:
    """What the list of exceptions allows is in use."""
    assert set(REPEATED) <= set(find_homonyms(everything))
    assert len(REPEATED) <= 3


@each_part
def test_names_say_what_they_hold(part: str, parts: dict[str, Modules]) -> None:
    """At most one binding in a hundred is called `found`, `told`, `one` or the like."""
    bindings = find_bindings(parts[part])
    offenders = sorted(find_unspecific(bindings), key=lambda site: site[1:])
    most = int(len(bindings) * MOST_UNSPECIFIC)
    assert len(offenders) <= most, show(f"{len(offenders)} unspecific names, {most} may be", offenders)


@each_part
def test_functions_are_called_by_verb_and_object(part: str, parts: dict[str, Modules]) -> None:
    """One word alone is the exception among the public functions of a module."""
    offenders, count = find_one_word_functions(parts[part])
    most = int(count * MOST_ONE_WORD)
    assert len(offenders) <= most, show(f"{len(offenders)} one-word functions of {count}, {most} may be", offenders)


def test_folders_do_not_import_each_other(everything: Modules) -> None:
    """Imports between two folders, a parent and its child included, go one way; TYPE_CHECKING is no way out."""
    mutual = find_mutual_folders(find_imports(everything))
    offenders = [f"{link}: {' <-> '.join(pair)}" for pair, links in mutual.items() for link in links]
    assert not offenders, show("imports against the direction that has more", offenders)


@each_part
def test_most_functions_are_short(part: str, parts: dict[str, Modules]) -> None:
    """Nine in ten fit into a glance."""
    lengths, limit = find_lengths(parts[part]), LONG_FUNCTION[part]
    offenders = [f"{site} has {length} lines" for length, site in sorted(lengths) if length > limit]
    title = f"{len(offenders)} functions of {len(lengths)} have more than {limit} lines; one in ten may"
    assert find_percentile((length for length, _ in lengths), 0.9) <= limit, show(title, offenders)


def test_no_function_is_long(everything: Modules) -> None:
    """Not one needs scrolling."""
    lengths = find_lengths(everything)
    offenders = [f"{site} has {length} lines" for length, site in lengths if length > LONGEST_FUNCTION]
    assert not offenders, show(f"functions of more than {LONGEST_FUNCTION} lines", offenders)


def test_no_file_is_long(everything: Modules) -> None:
    """A file is about one thing."""
    lengths = [(len(module.lines), module.path) for module in everything]
    offenders = [f"{path}:{length}: its last line" for length, path in lengths if length > LONGEST_FILE]
    assert not offenders, show(f"files of more than {LONGEST_FILE} lines", offenders)


@each_part
def test_reasons_outside_the_code_are_written_down(part: str, parts: dict[str, Modules]) -> None:
    """One line in fifty is a comment above a line whose reason is an RFC, a vendor's habit or an order that matters."""
    share = measure_comments(parts[part])
    title = f"{share:.2%} of the lines are comments, {LEAST_COMMENTS:.0%} should be; long files without any"
    assert share >= LEAST_COMMENTS, show(title, find_uncommented(parts[part]))


def find_uncommented(modules: Modules) -> list[str]:
    """Return the files of more than 50 lines that hold no whole-line comment, the longest first."""
    silent = [(len(module.lines), module.path) for module in modules if not module.comments and len(module.lines) > 50]
    return [f"{path}:1: {length} lines" for length, path in sorted(silent, reverse=True)]


def show(title: str, offenders: Iterable[object]) -> str:
    """Return what pytest prints when a measure is missed: one place a line."""
    return "\n  ".join([f"{title}:", *map(str, offenders)])
