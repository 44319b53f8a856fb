"""The local file: whole, private, on a disk of its own, and with a reserve for what was sent already."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.state import private_folder, sqlite
from reconciler.state.locations import LocalState
from reconciler.state.records import FORMAT
from reconciler.state.store import RunEnding, Store
from reconciler.state.store_errors import (
    StoreDamaged,
    StoreError,
    StoreReadOnly,
    StoreTooNew,
    StoreUnreachable,
    StoreUnsafe,
    StoreVanished,
)
from tests.support.store_places import TARGET, make_intent, make_run, open_at

ROOT = Path(__file__).parents[2]
NAME = "store.sqlite3"


def open_folder(folder: Path, pinned: str = "") -> Store:
    return open_at(LocalState(folder), pinned=pinned)


def make_store(folder: Path) -> Path:
    """Make a store with a run in it, and return its file."""
    store = open_folder(folder)
    lease = store.claim(make_run("run-1"), intents=[make_intent("run-1", 1)])
    store.release(lease, RunEnding(0))
    store.close()
    return folder / NAME


def read_mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_nobody_else_can_read_it_whatever_the_umask(tmp_path: Path) -> None:
    folder = tmp_path / "a/state"
    old = os.umask(0)
    try:
        make_store(folder)
    finally:
        os.umask(old)
    assert read_mode(folder) == 0o700
    assert {path.name: read_mode(path) for path in folder.iterdir() if path.name != ".gitignore"} == {
        NAME: 0o600,
        "reserve": 0o600,
    }
    assert (folder / ".gitignore").read_text() == "*\n"


def test_one_file_at_rest_is_everything(tmp_path: Path) -> None:
    """A copy of it is a store."""
    file = make_store(tmp_path / "state")
    copy = tmp_path / "copy"
    copy.mkdir(mode=0o700)
    shutil.copy2(file, copy / NAME)
    assert [left.intent.run for left in open_folder(copy).list_open(TARGET)] == ["run-1"]


def test_a_commit_outlives_the_loss_of_power(tmp_path: Path) -> None:
    """The folder is synced too once the journal is gone: else it would be back, and undo the commit."""
    strace = shutil.which("strace")
    if strace is None or subprocess.run([strace, "true"], check=False, capture_output=True).returncode:
        pytest.skip("NO STRACE HERE: nothing is shown of what reaches the disk")
    code = f"from tests.state.test_sqlite import *; make_store(Path({str(tmp_path / 'traced')!r}))"
    done = subprocess.run(
        [strace, "-f", "-y", "-e", "trace=fsync,fdatasync,unlink", sys.executable, "-c", code],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    calls = [line for line in done.stderr.splitlines() if "traced" in line]
    last = max(number for number, line in enumerate(calls) if "unlink" in line and "-journal" in line)
    assert "sync(" in calls[last + 1]
    assert calls[last + 1].split("<")[1].split(">")[0].endswith("/traced")


def expose_file(file: Path) -> None:
    file.chmod(0o640)


def link_file(file: Path) -> None:
    file.rename(file.with_name("elsewhere"))
    file.symlink_to("elsewhere")


def open_folder_to_all(file: Path) -> None:
    file.parent.chmod(0o777)


def link_folder(file: Path) -> None:
    file.parent.rename(file.parent.with_name("elsewhere"))
    file.parent.symlink_to("elsewhere")


def make_newer(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute(f"pragma user_version = {FORMAT + 1}")
    connection.close()


def write_text(file: Path) -> None:
    file.write_text("not a database" * 100)


def make_foreign(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("pragma application_id = 42")
    connection.close()


def overwrite_pages(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[4096:] = os.urandom(len(data) - 4096)
    file.write_bytes(data)


def drop_table(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("drop table intent")
    connection.close()


SPOILED: dict[str, tuple[Callable[[Path], None], type[StoreError], str]] = {
    "others can read the file": (expose_file, StoreUnsafe, "chmod 600"),
    "the file is a link": (link_file, StoreUnsafe, "is a link"),
    "others can write to the folder": (open_folder_to_all, StoreUnsafe, "chmod go-w"),
    "the folder is a link": (link_folder, StoreUnsafe, "a link to one"),
    "the format is newer": (make_newer, StoreTooNew, f"the format {FORMAT + 1}"),
    "the file is text": (write_text, StoreDamaged, "not a database"),
    "it is another program's": (make_foreign, StoreDamaged, "another program"),
    "its pages are noise": (overwrite_pages, StoreDamaged, "malformed"),
    "a table is missing": (drop_table, StoreDamaged, "no such table"),
}


@pytest.mark.parametrize("fault", SPOILED)
def test_what_is_not_as_it_was_left_is_refused(tmp_path: Path, fault: str) -> None:
    spoil, error, words = SPOILED[fault]
    spoil(make_store(tmp_path / "state"))
    with pytest.raises(error, match=words):
        open_folder(tmp_path / "state").claim(make_run("run-2"), over=None, intents=[make_intent("run-2", 1)])


def test_a_file_that_is_taken_away_under_an_open_store_is_missed(tmp_path: Path) -> None:
    """Its open file would take every write, and forget all of them."""
    store = open_folder(tmp_path / "state")
    lease = store.claim(make_run("run-1"))
    (tmp_path / "state" / NAME).rename(tmp_path / "state/old")
    with pytest.raises(StoreVanished):
        store.renew(lease)
    shutil.copy2(tmp_path / "state/old", tmp_path / "state" / NAME)
    with pytest.raises(StoreVanished, match="that was open"):
        store.renew(lease)


def test_a_writer_that_stays_too_long_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "_BUSY_SECONDS", 0.05)
    store = open_folder(tmp_path / "state")
    with sqlite3.connect(tmp_path / "state" / NAME, isolation_level=None) as other:
        other.execute("begin immediate")
        with pytest.raises(StoreUnreachable, match="another process"):
            store.claim(make_run("run-1"))
        other.execute("rollback")
    other.close()
    assert store.claim(make_run("run-1")).fence == 1


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreReadOnly, match=r"Not a directory|File exists"):
        open_folder(tmp_path / "file/state")


def test_a_process_that_died_while_making_the_store_left_nothing_in_the_way(tmp_path: Path) -> None:
    """An empty file, and one with tables and no identity: the next one goes on."""
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    (folder / NAME).touch(0o600)
    file = make_store(folder)
    with sqlite3.connect(file) as connection:
        connection.execute("delete from store")
    connection.close()
    assert len(open_folder(folder).identity.id) == 32


# A disk of 300 KiB in a namespace of its own; what runs there is the body of the test.
SMALL_DISK = """
import sys; from tests.state.test_sqlite import *; from tests.support.store_places import make_result
from reconciler.state.store_errors import StoreFull
folder = Path(sys.argv[1]) / "state"
store = open_folder(folder)
lease = store.claim(make_run("run-1"), intents=[make_intent("run-1", number) for number in range(1, 9)])
with (folder / "filler").open("wb", buffering=0) as filler:
    try:
        while True: filler.write(bytes(1024))
    except OSError: pass
number = 100
while True:
    number += 1
    try: store.intend(lease, [make_intent("run-1", number)])
    except StoreFull as error:
        print("refused", error.explanation.message)
        break
for done in range(1, 9): store.settle(lease, [make_result("run-1", done)])
assert not (folder / "reserve").exists()
assert [left.intent.number for left in store.list_open(TARGET)] == list(range(101, number))
store.close()
print("kept", len(open_folder(folder).read_run(TARGET, "run-1").results))
"""


def test_on_a_full_disk_nothing_new_is_intended_and_results_still_have_room(tmp_path: Path) -> None:
    unshare = shutil.which("unshare")
    script = 'mount -t tmpfs -o size=300k none "$1" && exec "$2" -c "$3" "$1"'
    if unshare is None or subprocess.run([unshare, "-m", "true"], check=False, capture_output=True).returncode:
        pytest.skip("NO DISK OF OUR OWN HERE: mount namespaces are not allowed, so no full disk is shown")
    done = subprocess.run(
        [unshare, "-m", "sh", "-c", script, "sh", str(tmp_path), sys.executable, SMALL_DISK],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    refused, kept = done.stdout.splitlines()
    assert "has no room left; nothing is sent that can't be remembered; make room" in refused
    assert kept == "kept 8"


MOUNTS = r"""21 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 21 0:30 / /home rw shared:1 - nfs4 server:/home rw,vers=4.2
31 21 0:31 / /mnt/with\040space rw - cifs //server/x rw
32 21 0:32 / /mnt/fuse rw - fuse.sshfs host: rw
33 30 0:33 / /home/local rw - xfs /dev/vdb rw
34 21 0:34 / /homely rw - btrfs /dev/vdc rw
35 21 0:35 / /over rw - fuse.fuse-overlayfs x rw
36 21 0:36 / /twice rw - nfs x rw
37 21 0:36 / /twice rw - tmpfs x rw
"""
FILE_SYSTEMS = {
    "/var": ("ext4", False),
    "/home/ada/repo/.reconciler": ("nfs4", True),
    "/home/local/x": ("xfs", False),
    "/homely": ("btrfs", False),
    "/mnt/with space/x": ("cifs", True),
    "/mnt/fuse": ("fuse.sshfs", True),
    "/over/x": ("fuse.fuse-overlayfs", False),
    "/twice": ("tmpfs", False),
}


@pytest.mark.parametrize("path", FILE_SYSTEMS)
def test_network_file_systems_are_known(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, is_network = FILE_SYSTEMS[path]
    assert private_folder.find_mounted_type(path, MOUNTS) == kind
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    monkeypatch.setattr(private_folder, "_MOUNTS", mounts)
    assert private_folder.find_network_file_system(Path(path)) == (kind if is_network else "")


def test_a_network_file_system_is_refused_unless_it_is_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text("21 1 0:1 / / rw - nfs4 server:/ rw\n")
    monkeypatch.setattr(private_folder, "_MOUNTS", mounts)
    with pytest.raises(StoreUnsafe, match=r"network file system \(nfs4\)"):
        open_folder(tmp_path / "state")
    assert open_at(LocalState(tmp_path / "state", network_accepted=True)).identity


def test_what_is_open_is_found_without_looking_at_what_is_settled(tmp_path: Path) -> None:
    """Ten thousand runs later it must still be instant."""
    open_at(LocalState(tmp_path / "state"))
    with closing(sqlite3.connect(tmp_path / "state/store.sqlite3")) as connection:
        plan = "explain query plan select run from intent where target = 'x' and unsettled = 1 order by at, run, number"
        steps = [str(row[3]) for row in connection.execute(plan)]
    assert any("open_intent (target=? AND unsettled=?)" in step for step in steps), steps
    assert not [step for step in steps if step.startswith("SCAN")]
