"""Files that an option names, looked at before anything is read: what would fail only after it."""

from __future__ import annotations

from pathlib import Path


def explain_unwritable(path: Path) -> str:
    """Say what keeps a file from being written there, "" if nothing."""
    try:
        if path.exists() and not path.is_file():
            return "is a folder" if path.is_dir() else "is not a regular file"
        return "" if path.parent.is_dir() else "its folder does not exist"
    # Before Python 3.14 pathlib's exists() raises EACCES and ENAMETOOLONG, and calls other errors False.
    except (OSError, ValueError) as error:  # no file can have that name, or nobody may look there
        return getattr(error, "strerror", None) or "no file can be called so"
