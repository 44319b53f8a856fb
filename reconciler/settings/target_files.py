"""Targets in files of their own, `targets: FOLDER/`: searched and read as manifests are."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from reconciler.diagnostics import Diagnostic, Source
from reconciler.documents import limits
from reconciler.documents.document import Document
from reconciler.documents.files import LINK, SUFFIXES, FileRef, Unreadable, is_manifest, name_path, read_mode
from reconciler.documents.limits import limit_problems
from reconciler.documents.local_tree import LocalTree
from reconciler.documents.reader import parse_documents, validate_value
from reconciler.documents.tree_search import search_tree
from reconciler.settings.build import build_target
from reconciler.settings.model import Target
from reconciler.settings.schema import SECRET_KEYS, SETTINGS_RULES
from reconciler.settings.schema_targets import TargetsFile


def read_split_targets(root: Path, cwd: Path) -> tuple[dict[str, Target], list[Diagnostic]]:
    """Return the targets of a file, or of all files below a folder, and everything that is wrong with them.

    Relative paths in a file begin at the folder that it is in. What begins with a dot and what is no YAML or JSON
    by its name is passed over; links are refused.
    """
    display_name = name_path(root, cwd)
    files, problems = _find_files(root, display_name)
    documents: dict[str, list[tuple[Document, Target]]] = {}
    for file, data in _read_bytes(files, problems):
        problems += _read_file(file, data, documents)
    problems += _find_repeated(documents)
    if not documents and not problems:
        problems.append(_explain_nothing(display_name))
    return {name: entries[0][1] for name, entries in sorted(documents.items())}, problems


def _find_files(root: Path, display_name: str) -> tuple[list[FileRef], list[Diagnostic]]:
    # Without following a link: a folder that is one is refused as every link below it.
    if stat.S_ISDIR(read_mode(root)):
        listing = search_tree([FileRef(root, (), display_name)], LocalTree())
        return [file for file in listing.files if isinstance(file, FileRef)], listing.problems
    if is_manifest(root.name):
        return [FileRef(root.parent, (root.name,), display_name)], []
    if stat.S_ISLNK(read_mode(root)):
        return [], [LINK.locate(Source(display_name))]
    exists = os.path.lexists(root)
    summary = "this is no folder, and no file of targets by its name" if exists else "there is no such folder"
    remedy = f"name a folder, or a file that ends in {', '.join(SUFFIXES)}"
    return [], [Diagnostic("settings.no-targets", Source(display_name), summary, "no target would be known", remedy)]


def _read_bytes(files: Iterable[FileRef], problems: list[Diagnostic]) -> Iterator[tuple[FileRef, bytes]]:
    """Yield each file with what is in it, and add why one can't be read to the problems."""
    remaining = limits.TOTAL_BYTES
    for file in files:
        try:
            data = file.read(min(limits.FILE_BYTES, remaining))
        except Unreadable as refusal:
            problems.append(refusal.explanation.locate(Source(file.shown)))
            continue
        remaining -= len(data)
        if remaining < 0:
            summary = f"the targets have more than {limits.TOTAL_BYTES >> 20} MiB together"
            problems.append(limits.describe_excess("TOTAL_BYTES", summary).locate(Source(file.shown)))
            return
        yield file, data


def _read_file(file: FileRef, data: bytes, documents: dict[str, list[tuple[Document, Target]]]) -> list[Diagnostic]:
    """Add the targets of a file to those that are known, and return what is wrong with it."""
    read_documents, problems = parse_documents(data, file.shown)
    if not problems and len(read_documents) != 1:
        source = read_documents[1].source if read_documents else Source(file.shown)
        summary = f"a file of targets holds one document, this one holds {len(read_documents)}"
        return [Diagnostic("settings.not-one-document", source, summary, remedy="write targets below each other")]
    for document in () if problems else read_documents:
        value = document.value
        model, problems = validate_value(TargetsFile, value, document, rules=SETTINGS_RULES, secret=SECRET_KEYS)
        targets = model.root if model else {}
        # With the line of each, 1,000 in a file take twice the time. One alone begins where its document does.
        source = document.source if len(targets) == 1 else Source(file.shown)
        for name, target_settings in targets.items():
            target = build_target(name, target_settings, file.path.parent, source)
            documents.setdefault(name, []).append((document, target))
    return limit_problems(problems)


def _find_repeated(documents: Mapping[str, list[tuple[Document, Target]]]) -> Iterator[Diagnostic]:
    for name, entries in documents.items():
        places = [document.key((name,)) for document, _ in entries] if len(entries) > 1 else []
        for source, other in zip(places, [*places[1:], *places[:1]], strict=True):
            yield Diagnostic(
                "settings.repeated-target",
                source,
                f"target {name} is at {other} too",
                "which of them is meant is unclear",
                "keep one",
            )


def _explain_nothing(display_name: str) -> Diagnostic:
    return Diagnostic(
        "settings.no-targets",
        Source(display_name),
        "no file of targets lies here",
        "no target would be known",
        f"add one that ends in {', '.join(SUFFIXES)}",
    )
