"""Which files an export is laid out in, and what each holds; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

from reconciler.documents.characters import escape_unsafe_text
from reconciler.documents.csv_writer import format_table
from reconciler.engine.exporting.export import format_drafts
from reconciler.engine.exporting.export_drafts import Draft
from reconciler.engine.exporting.file_names import choose_file_stems, name_kind_files
from reconciler.kinds.kind import Kind
from reconciler.kinds.registry import Registry

Split: TypeAlias = Literal["kind", "owner", "object"]
"""What has a file of its own: a kind, an owner of certificates beside the other kinds, or each object."""


class ExportLayout(NamedTuple):
    """How to lay out: `has_tables` where what can be rows of a table is one, and `target_folders` where each target has
    a folder of its own.
    """

    split: Split = "kind"
    has_tables: bool = False
    target_folders: bool = False


class _Group(NamedTuple):
    """Drafts of one kind that come into one file; `stem` is its path without the ending."""

    stem: str
    kind: Kind
    drafts: tuple[Draft, ...]


def lay_out_files(
    drafts: Sequence[Draft], kinds: Registry, layout: ExportLayout, absences: Sequence[str] = ()
) -> dict[str, bytes]:
    """Return the files of an export by path, with slashes; `absences` stand at the head of the first whole-kind file.

    Equal drafts in any order give equal bytes.
    """
    files: dict[str, bytes] = {}
    for group in _group_drafts(drafts, kinds, layout):
        remaining, tables = _take_tables(group) if layout.has_tables else (group.drafts, {})
        files |= {path: text.encode() for path, text in tables.items()}
        files[f"{group.stem}.yaml"] = format_drafts(remaining).encode()
    return _head_absences(files, absences)


def _group_drafts(drafts: Sequence[Draft], kinds: Registry, layout: ExportLayout) -> Iterator[_Group]:
    target_stems = choose_file_stems((draft.target for draft in drafts), "target")
    for target, kind_name in sorted({(draft.target, draft.kind) for draft in drafts}):
        members = [draft for draft in drafts if (draft.target, draft.kind) == (target, kind_name)]
        folder = f"{target_stems[target]}/" if layout.target_folders else ""
        stems = _choose_stems(members, folder + name_kind_files(kind_name), layout.split)
        by_stem: dict[str, list[Draft]] = {}
        for draft in sorted(members, key=_sort_key):
            by_stem.setdefault(stems[draft.exported.name], []).append(draft)
        for stem, in_file in sorted(by_stem.items()):
            yield _Group(stem, kinds[kind_name], tuple(in_file))


def _sort_key(draft: Draft) -> tuple[str, str]:
    return draft.exported.group, draft.exported.name


def _choose_stems(drafts: Sequence[Draft], kind_stem: str, split: Split) -> dict[str, str]:
    """Return the path without an ending of each document's file, by the document's name."""
    owned_by = {draft.exported.name: draft.exported.group for draft in drafts}
    if split == "kind" or (split == "owner" and not any(owned_by.values())):
        return dict.fromkeys(owned_by, kind_stem)
    labels = owned_by if split == "owner" else {name: name for name in owned_by}
    stems = choose_file_stems(labels.values(), kind_stem.rpartition("/")[2].removesuffix("s"))
    return {name: f"{kind_stem}/{stems[label]}" for name, label in labels.items()}


def _take_tables(group: _Group) -> tuple[tuple[Draft, ...], dict[str, str]]:
    """Return the drafts of a file, those that can be rows as one that names a table, and the table by its path."""
    tabular = [draft for draft in group.drafts if draft.exported.rows]
    if not tabular:
        return group.drafts, {}
    ((field, columns),) = group.kind.tables.items()
    path = f"{group.stem}.csv"
    rows = [row for draft in tabular for row in draft.exported.rows]
    rest = [draft for draft in group.drafts if not draft.exported.rows]
    name = tabular[0].exported.name if len(tabular) == 1 else _name_table_draft(group, rest)
    spec = {field: path.rpartition("/")[2]}
    metadata = {**tabular[0].manifest["metadata"], "name": name}
    manifest = {**tabular[0].manifest, "metadata": metadata, "spec": spec}
    remarks = tuple(remark for draft in tabular for remark in draft.exported.remarks)
    exported = tabular[0].exported._replace(name=name, spec=spec, remarks=remarks, comments={})
    header = (*columns, *group.kind.extra_columns.get(field, ()))
    return (Draft(manifest, exported, tabular[0].target), *rest), {path: format_table(header, rows)}


def _name_table_draft(group: _Group, rest: Sequence[Draft]) -> str:
    """Return the name of the document that names a table of several: that of the file, and none that is taken."""
    taken = {draft.exported.name.casefold() for draft in rest}
    name = plain_name = group.stem.rpartition("/")[2]
    number = 1
    while name.casefold() in taken:
        number += 1
        name = f"{plain_name} ({number})"
    return name


def _head_absences(files: Mapping[str, bytes], absences: Iterable[str]) -> dict[str, bytes]:
    """Return the files, with what was left out told in the first one of its own kind."""
    headed_files = dict(files)
    for absence in sorted(absences, reverse=True):
        stem = name_kind_files(absence.partition("/")[0])
        path = next((path for path in sorted(headed_files) if path.rpartition("/")[2] == f"{stem}.yaml"), None)
        if path is not None:
            headed_files[path] = f"# {escape_unsafe_text(absence)}\n".encode() + headed_files[path]
    return headed_files
