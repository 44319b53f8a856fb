"""The files of a revision of a Git repository, read through `git`: nothing is checked out, written or fetched.

No program that the repository's configuration names is run: no hook, no filter, no pager, and no transport, which a
partial clone would start for an object that it does not have.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from reconciler.credentials.command import run_helper
from reconciler.credentials.private_file import Unavailable
from reconciler.diagnostics import Diagnostic, Explanation, Source
from reconciler.documents import limits
from reconciler.documents.files import Unreadable
from reconciler.documents.held_files import HeldFile
from reconciler.documents.tree_search import EntrySort
from reconciler.errors import UsageError

GIT_COMMAND: Final = ("git", "-c", "core.fsmonitor=false", "--no-optional-locks")
"""Without a program that a checkout's configuration may name, and without a lock that another git would meet."""
_ENVIRONMENT: Final = {
    "GIT_NO_LAZY_FETCH": "1",
    # Before git 2.44 a partial clone fetches all the same; so no transport is allowed.
    "GIT_ALLOW_PROTOCOL": "none",
    # refs/replace/ would give an object the content of another one.
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
}
_SORTS: Final = {"100": EntrySort.FILE, "120": EntrySort.LINK, "160": EntrySort.MODULE}
"""By the first digits of the mode: https://git-scm.com/docs/git-fast-import#_filemodify."""
_MAX_REFERENCES: Final = 4 * 1024 * 1024
_MAX_LISTING: Final = 64 * 1024 * 1024
_FILES_AT_ONCE: Final = 200
"""Names of objects that one git is asked for: with 64 digits each they are below what a helper is given at once."""
_COMMIT = re.compile(rb"(?:[0-9a-f]{40}|[0-9a-f]{64})\n")
_LEFT_OUT: Final = Explanation(
    "document.unreadable-file", "can't be read from the repository", "it may be a partial clone", "fetch it with git"
)
_TOO_LARGE: Final = limits.describe_excess("TABLE_BYTES", f"has more than {limits.TABLE_BYTES >> 20} MiB")


class _Blob(NamedTuple):
    oid: str
    size: int


class Repository(NamedTuple):
    """A repository by the top of its working tree, and what its git may see of the environment."""

    top: Path
    env: Mapping[str, str]

    def run(self, *arguments: str, max_bytes: int = 64 * 1024, data: bytes = b"") -> bytes:
        """Return what a git command prints; raises Unavailable."""
        env = {**self.env, **_ENVIRONMENT}
        command = (*GIT_COMMAND, "--literal-pathspecs", *arguments)
        return run_helper(command, self.top, env, max_bytes=max_bytes, inherited=tuple(_ENVIRONMENT), data=data)


class RevisionTree(Mapping[str, bytes]):
    """The files of a revision at and below some paths, by path; what a file holds is read when it is asked for.

    What can't be read raises Unreadable.
    """

    def __init__(self, repository: Repository, sorts: Mapping[str, EntrySort], blobs: Mapping[str, _Blob]) -> None:
        self._repository, self._sorts, self._blobs = repository, sorts, blobs
        self._contents: dict[str, bytes] = {}
        with suppress(Unreadable):
            self.fetch_files([path for path, sort in sorts.items() if sort is EntrySort.LINK])
        self._children = _list_children(
            {path: self._resolve_link(path) if sort is EntrySort.LINK else sort for path, sort in sorts.items()}
        )

    def __getitem__(self, path: str) -> bytes:
        blob = self._blobs[path]
        if path not in self._contents:
            if blob.size > limits.TABLE_BYTES:
                raise Unreadable(_TOO_LARGE)
            self._fetch([path])
        return self._contents[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._blobs)

    def __len__(self) -> int:
        return len(self._blobs)

    def fetch_files(self, paths: Sequence[str]) -> None:
        """Read the contents of these files in few goes, as many as a run reads; the others are left to be asked for."""
        batch: list[str] = []
        size = total = 0
        for path in paths:
            blob = self._blobs[path]
            total += blob.size
            if blob.size > limits.FILE_BYTES or total > limits.TOTAL_BYTES:
                continue
            if len(batch) == _FILES_AT_ONCE or size + blob.size > limits.FILE_BYTES:
                self._fetch(batch)
                batch, size = [], 0
            batch.append(path)
            size += blob.size
        if batch:
            self._fetch(batch)

    def classify(self, ref: HeldFile) -> EntrySort:
        """Say what a path is that was named; a folder too where the revision has nothing there."""
        return self._sorts.get(ref.path, EntrySort.FOLDER)

    def list_entries(self, ref: HeldFile) -> list[tuple[str, EntrySort]]:
        """Return what is in a folder."""
        return list(self._children.get(ref.path, {}).items())

    def identify(self, ref: HeldFile) -> str:
        """Return the path: there is one for each file."""
        return ref.path

    def _resolve_link(self, path: str) -> EntrySort:
        """Say where a link leads: to a folder, or out of what was listed, where nobody can tell."""
        if path not in self._contents:
            return EntrySort.FOLDER_LINK
        target = os.fsdecode(self._contents[path])
        target_path = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        return EntrySort.LINK if target_path in self._blobs else EntrySort.FOLDER_LINK

    def _fetch(self, paths: Sequence[str]) -> None:
        blobs = [self._blobs[path] for path in paths]
        # Each object comes with a line of its name, its type and its size.
        room = sum(blob.size + 100 for blob in blobs)
        names = "".join(f"{blob.oid}\n" for blob in blobs).encode()
        try:
            output = self._repository.run("cat-file", "--batch", max_bytes=room, data=names)
            contents = list(_split_batch(output, blobs))
        except (Unavailable, ValueError):
            raise Unreadable(_LEFT_OUT) from None
        self._contents.update(zip(paths, contents, strict=True))


def _list_children(sorts: Mapping[str, EntrySort]) -> dict[str, dict[str, EntrySort]]:
    """Return what is in each folder, by name; git lists files alone, and their folders are in the paths."""
    children: dict[str, dict[str, EntrySort]] = {}
    for path, sort in sorts.items():
        ancestor, ancestor_sort = path, sort
        while ancestor:
            folder, name = posixpath.split(ancestor)
            siblings = children.setdefault(folder, {})
            is_known = name in siblings
            siblings[name] = ancestor_sort
            if is_known:
                break
            ancestor, ancestor_sort = folder, EntrySort.FOLDER
    return children


def _split_batch(output: bytes, blobs: Sequence[_Blob]) -> Iterator[bytes]:
    """Yield the contents in an answer of `cat-file --batch`; raises ValueError for any other answer."""
    position = 0
    for blob in blobs:
        header = f"{blob.oid} blob {blob.size}\n".encode()
        end = position + len(header) + blob.size
        if not output.startswith(header, position) or output[end : end + 1] != b"\n":
            raise ValueError("an object is missing")
        yield output[position + len(header) : end]
        position = end + 1


def find_repository(path: Path, env: Mapping[str, str]) -> Repository | None:
    """Return the repository that a file or folder lies in; None if there is none or git can't tell."""
    folder = path if path.is_dir() else path.parent
    try:
        top = Repository(folder, env).run("rev-parse", "--show-toplevel").removesuffix(b"\n")
    except Unavailable:
        return None
    return Repository(Path(os.fsdecode(top)), env) if top else None


def list_references(repository: Repository) -> list[str]:
    """Return HEAD and the names of branches, remote branches and tags, as somebody types them; none where git can't."""
    folders = ("refs/heads/", "refs/remotes/", "refs/tags/")
    try:
        output = repository.run("for-each-ref", "--format=%(refname)", *folders, max_bytes=_MAX_REFERENCES)
    except Unavailable:
        return []
    names = [name.split("/", 2)[2] for name in os.fsdecode(output).splitlines() if name.startswith(folders)]
    # What a remote calls its HEAD is a branch that is listed by itself.
    return ["HEAD", *dict.fromkeys(name for name in names if name.isprintable() and not name.endswith("/HEAD"))]


def find_revision(repository: Repository, ref: str) -> str:
    """Return the commit of a branch, tag, commit or `A...B`, the merge base of two (HEAD where one is not given).

    Raises UsageError where there is none.
    """
    # git would take it for an option, and a name of a revision never begins so.
    if ref.startswith("-") or not ref.isprintable() or not ref.strip():
        raise UsageError(_explain_revision(ref, "is no name of a revision"))
    first, dots, second = ref.partition("...")
    names = (first or "HEAD", second or "HEAD") if dots else (ref,)
    if second.startswith("-"):
        raise UsageError(_explain_revision(ref, "is no name of a revision"))
    commits = [_resolve_name(repository, name, ref) for name in names]
    if len(commits) == 1:
        return commits[0]
    try:
        output = repository.run("merge-base", *commits)
    except Unavailable:
        raise UsageError(_explain_revision(ref, "has no merge base: the two share no history here")) from None
    return output.decode("ascii", "replace").split("\n")[0]


def _resolve_name(repository: Repository, name: str, ref: str) -> str:
    try:
        output = repository.run("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    except Unavailable:
        output = b""
    if not _COMMIT.fullmatch(output):
        raise UsageError(_explain_revision(ref, "is no commit in this repository"))
    return output.decode().strip()


def _explain_revision(ref: str, summary: str) -> Diagnostic:
    return Diagnostic(
        "usage.unknown-revision",
        Source("--base"),
        f"{ref!r} {summary}",
        "nothing could be compared with it",
        "give a branch, a tag, a commit or main..., and fetch it where the clone is shallow",
    )


def read_tree(repository: Repository, commit: str, roots: Sequence[str]) -> RevisionTree:
    """Return the files of a commit at and below these paths, of which "" is the top; raises UsageError."""
    paths = () if "" in roots else roots
    try:
        output = repository.run(
            "ls-tree", "-r", "-z", "-l", "--full-tree", commit, "--", *paths, max_bytes=_MAX_LISTING
        )
    except Unavailable as error:
        raise UsageError(_explain_revision(commit, f"can't be listed: git {error.explanation.summary}")) from None
    sorts: dict[str, EntrySort] = {}
    blobs: dict[str, _Blob] = {}
    for line in os.fsdecode(output).split("\0")[:-1]:
        # `MODE TYPE OBJECT SIZE\tPATH`, the size padded with blanks, and "-" where there is none.
        head, _, path = line.partition("\t")
        mode, _, oid, size = head.split()
        sorts[path] = _SORTS.get(mode[:3], EntrySort.OTHER)
        if size.isdigit():
            blobs[path] = _Blob(oid, int(size))
    return RevisionTree(repository, sorts, blobs)
