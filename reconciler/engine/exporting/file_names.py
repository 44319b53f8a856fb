"""Names of files made of names of objects: safe on every system, the same on each, and no two alike anywhere."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from reconciler.sanitize import is_invisible

# "Naming Files, Paths, and Namespaces" of Windows: devices, whatever stands behind a dot.
_DEVICES: Final = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))})
_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_MAX_STEM_BYTES: Final = 120
"""Of 255 that file systems take, since a suffix, an ending and a temporary name come on top."""


def name_kind_files(kind: str) -> str:
    """Return what the files of a kind are called: `security-roles` for SecurityRole."""
    return f"{_HUMP.sub('-', kind).lower()}s"


def choose_file_stems(names: Iterable[str], fallback: str) -> dict[str, str]:
    """Return for each name the name of its file without an ending: letters and digits in small letters, and hyphens.

    Those that would be alike, letter case and the form of letters aside, are numbered in the order of the names. What
    holds no letter is called like the fallback.
    """
    stems: dict[str, str] = {}
    taken: set[str] = set()
    numbers: dict[str, int] = {}
    for name in sorted(set(names)):
        stem = plain_stem = _make_stem(name) or fallback
        while _fold_stem(stem) in taken:
            numbers[plain_stem] = numbers.get(plain_stem, 1) + 1
            stem = f"{plain_stem}-{numbers[plain_stem]}"
        taken.add(_fold_stem(stem))
        stems[name] = stem
    return stems


def _make_stem(name: str) -> str:
    # NFKC: a macOS file system takes two forms of a letter for one name, and full-width letters look like others.
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).lower())
    letters = "".join(character if _is_letter(character) else "-" for character in text)
    stem = "-".join(part for part in letters.split("-") if part)
    cut = stem.encode()[:_MAX_STEM_BYTES].decode(errors="ignore").rstrip("-")
    return f"{cut}-1" if cut in _DEVICES else cut


def _is_letter(character: str) -> bool:
    """Say whether a character may stand in a file's name: a letter, its marks, a digit."""
    return unicodedata.category(character)[0] in "LMN" and not is_invisible(character)


def _fold_stem(stem: str) -> str:
    return unicodedata.normalize("NFKC", stem.casefold())
