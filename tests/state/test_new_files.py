"""Files of a folder that appear all together or not at all, beside what is there and never over it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.state.new_files import find_obstacles, write_new_files

FILES = {"a.yaml": b"a\n", "b/c.yaml": b"c\n", "b/d/e.csv": b"e\n"}


def read_tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_files_are_written_with_the_folders_that_they_need(tmp_path: Path) -> None:
    """With the mode that any new file has; and a second time there is nothing to write."""
    (tmp_path / "plain").touch()
    folder = tmp_path / "made" / "here"
    assert write_new_files(folder, FILES) == sorted(FILES)
    assert read_tree(folder) == FILES
    assert (folder / "a.yaml").stat().st_mode == (tmp_path / "plain").stat().st_mode
    assert find_obstacles(folder, FILES) == {}
    assert write_new_files(folder, FILES) == []


def test_nothing_is_left_of_files_that_could_not_all_be_written(tmp_path: Path) -> None:
    """Neither a file, nor a folder that was made for one, nor a temporary one."""
    (tmp_path / "mine").write_text("x")
    with pytest.raises(OSError, match=r"[Tt]oo long"):
        write_new_files(tmp_path / "made", {**FILES, f"z/{'x' * 300}": b"z"})
    with pytest.raises(NotADirectoryError):
        write_new_files(tmp_path, {**FILES, "mine/z.yaml": b"z"})
    assert [path.name for path in tmp_path.rglob("*")] == ["mine"]


# what is there before, and what is in the way
OBSTACLES = {
    "another file": (lambda at: (at / "a.yaml").write_text("mine"), {"a.yaml": "holds something else"}),
    "the same file": (lambda at: (at / "a.yaml").write_bytes(b"a\n"), {}),
    "a folder in the place of a file": (lambda at: (at / "a.yaml").mkdir(), {"a.yaml": "is no regular file"}),
    "a pipe": (lambda at: os.mkfifo(at / "a.yaml"), {"a.yaml": "is no regular file"}),
    "a file in the place of a folder": (lambda at: (at / "b").write_text(""), {"b": "is no folder"}),
    "a link to the same": (lambda at: (at / "a.yaml").symlink_to(at.parent / "same"), {"a.yaml": "is a symbolic link"}),
    "a link that leads nowhere": (lambda at: (at / "a.yaml").symlink_to("x"), {"a.yaml": "is a symbolic link"}),
    "a link to a folder": (lambda at: (at / "b").symlink_to(at.parent), {"b": "is a symbolic link"}),
}


@pytest.mark.parametrize(("prepare", "obstacles"), OBSTACLES.values(), ids=OBSTACLES)
def test_what_is_in_the_way_is_found(tmp_path: Path, prepare: object, obstacles: dict[str, str]) -> None:
    """By its path; what lies below one thing in the way is not told again."""
    (tmp_path / "same").write_bytes(b"a\n")
    (tmp_path / "at").mkdir()
    assert callable(prepare)
    prepare(tmp_path / "at")
    assert find_obstacles(tmp_path / "at", FILES) == obstacles
