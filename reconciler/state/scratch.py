"""Files that live as long as somebody needs their path, in a folder that nobody else can look into."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def hold_scratch_files(files: Mapping[str, bytes]) -> Iterator[Path]:
    """Write files by their names into a folder of their own, mode 0700, that is removed on the way out."""
    with tempfile.TemporaryDirectory(prefix="reconciler-", ignore_cleanup_errors=True) as folder:
        for name, data in files.items():
            (Path(folder) / name).write_bytes(data)
        yield Path(folder)
