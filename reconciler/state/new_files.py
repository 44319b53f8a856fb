"""Files in a folder that somebody named, all of them or none: nothing that is there is overwritten or followed."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

# What a file system says that has no hard links; FAT and some network shares have none.
_NO_LINKS: Final = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


def find_obstacles(folder: Path, files: Mapping[str, bytes | None]) -> dict[str, str]:
    """Return what is in the way of writing files by their paths below a folder, and why, by path, sorted.

    A file of the same bytes is not in the way, but where None says that any is. Links are: below the folder none is
    followed. Raises OSError.
    """
    if folder.exists() and not folder.is_dir():
        return {".": "is no folder"}
    obstacles = {path: reason for path, data in files.items() for path, reason in _examine_way(folder, path, data)}
    return dict(sorted(obstacles.items()))


def _examine_way(folder: Path, path: str, data: bytes | None) -> Iterator[tuple[str, str]]:
    parts = path.split("/")
    for count in range(1, len(parts) + 1):
        mode = _read_own_mode(folder.joinpath(*parts[:count]))
        name = "/".join(parts[:count])
        if not mode:
            return
        if stat.S_ISLNK(mode):
            yield name, "is a symbolic link"
            return
        if count < len(parts) and not stat.S_ISDIR(mode):
            yield name, "is no folder"
            return
    if not stat.S_ISREG(mode):
        yield path, "is no regular file"
    elif data is None:
        yield path, "is there already"
    elif (folder / path).read_bytes() != data:
        yield path, "holds something else"


def _read_own_mode(path: Path) -> int:
    try:
        return path.lstat().st_mode
    except FileNotFoundError:
        return 0


def write_new_files(folder: Path, files: Mapping[str, bytes]) -> list[str]:
    """Write the files that are not there yet, and the folders that they need; return their paths, sorted.

    Each appears whole, and where one of them can't be written none is left. Raises OSError, FileExistsError among them
    for a file that came in between.
    """
    missing = sorted(path for path in files if not os.path.lexists(folder / path))
    made_folders: list[Path] = []
    staged: dict[Path, Path] = {}
    published: list[Path] = []
    try:
        for path in missing:
            _make_folders((folder / path).parent, made_folders)
            temporary = (folder / path).with_name(f".new-{secrets.token_hex(8)}")
            staged[folder / path] = temporary
            _write_durably(temporary, files[path])
        for final, temporary in staged.items():
            _publish(temporary, final)
            published.append(final)
    # KeyboardInterrupt too leaves nothing behind that is half of an export.
    except BaseException:
        _remove((*published, *staged.values()), made_folders)
        raise
    _remove(staged.values(), ())
    for parent in {final.parent for final in staged}:
        _flush_folder(parent)
    return missing


def _make_folders(folder: Path, made_folders: list[Path]) -> None:
    lacking = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    for parent in reversed(lacking):
        parent.mkdir()
        made_folders.append(parent)


def _write_durably(path: Path, data: bytes) -> None:
    # O_EXCL follows no link that somebody prepared; the mode is for the umask to narrow, as of any file in a checkout.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        # Before it gets its name: after a power loss an empty file would bear it.
        os.fsync(file.fileno())


def _publish(temporary: Path, final: Path) -> None:
    """Give a file its name, where nothing has it: other than rename(2), link(2) replaces nothing."""
    try:
        os.link(temporary, final)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(final):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
        temporary.rename(final)


def _remove(files: Collection[Path], folders: Collection[Path]) -> None:
    """Remove what was made here, as far as that can be done: what is told is why it had to be."""
    for file in files:
        with suppress(OSError):
            file.unlink(missing_ok=True)
    for folder in reversed([*folders]):
        with suppress(OSError):
            folder.rmdir()


def _flush_folder(folder: Path) -> None:
    # Windows opens no folder.
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
