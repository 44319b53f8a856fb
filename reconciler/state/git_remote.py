"""One repository's refs: read them, and move one of them from a commit that is known to a new one, or not at all.

A push with `--force-with-lease=REF:OLD` is a compare-and-swap: the server takes the lock of the ref and compares. What
it is not: a commit of the same bytes is "up to date" for whoever comes second, who then believes to have won. So every
commit has a nonce. And a push that failed may have landed: only the ref tells.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping
from enum import Enum, auto
from typing import NamedTuple

from reconciler.state.git_process import GitProgram, hide_login
from reconciler.state.git_tree import CLOSED_RUNS
from reconciler.state.store_errors import StoreDamaged, StoreFull, StoreUnreachable


class Snapshot(NamedTuple):
    """What a ref holds. Files of closed runs are among it only if it is `whole`."""

    commit: str
    files: Mapping[str, bytes]
    whole: bool


class PushVerdict(Enum):
    """What a push says of itself. Only `WON` is certain."""

    WON = auto()
    DECLINED = auto()
    NO_ANSWER = auto()


class PushAnswer(NamedTuple):
    """A verdict, and why in git's or the server's words."""

    verdict: PushVerdict
    reason: str = ""


class GitRefs:
    """The refs of one remote, by a git program."""

    def __init__(self, git: GitProgram) -> None:
        self._git = git

    def list_tips(self, refs: list[str], until: float) -> dict[str, str]:
        """Return the commits that these refs point to, without those that don't exist."""
        answer = self._git.run(["ls-remote", "--quiet", "--", self._git.url, *refs], until)
        if answer.code:
            raise StoreUnreachable(f"git {self._git.name}", answer.reason)
        pairs = [line.split("\t") for line in answer.output.decode("ascii", "replace").splitlines()]
        # ls-remote matches the ends of names: `a/refs/x` comes with `refs/x`.
        return {ref: commit for commit, ref in pairs if ref in refs}

    def list_below(self, root: str, until: float) -> list[str]:
        """Return the names of all refs below a root."""
        answer = self._git.run(["ls-remote", "--quiet", "--", self._git.url, f"{root}/*"], until)
        if answer.code:
            raise StoreUnreachable(f"git {self._git.name}", answer.reason)
        names = [line.partition("\t")[2] for line in answer.output.decode("utf-8", "replace").splitlines()]
        return [name for name in names if name.startswith(f"{root}/")]

    def fetch_files(self, ref: str, until: float, *, whole: bool) -> Snapshot | None:
        """Return what a ref holds now; None if it is gone in the meantime."""
        local = f"refs/in/{secrets.token_hex(8)}"
        fetch = [
            "fetch",
            "--quiet",
            "--depth=1",
            "--no-tags",
            "--no-write-fetch-head",
            "--",
            self._git.url,
            f"+{ref}:{local}",
        ]
        answer = self._git.run(fetch, until)
        if answer.code:
            if ref not in self.list_tips([ref], until):
                return None
            raise StoreUnreachable(f"git {self._git.name}", answer.reason)
        commit = self._ask(["rev-parse", "--verify", local], until).decode("ascii").strip()
        return self.read_snapshot(commit, until, whole=whole)

    def read_snapshot(self, commit: str, until: float, *, whole: bool) -> Snapshot:
        """Return what a commit holds that was fetched or made here."""
        return Snapshot(commit, self._read_files(commit, until, whole=whole), whole)

    def write_commit(self, base: Snapshot | None, files: Mapping[str, bytes], message: str, until: float) -> str:
        """Return a new commit upon a snapshot with exactly these files, and what else is not part of the snapshot."""
        old = base.files if base else {}
        nonce = secrets.token_hex(16)
        text = f"reconciler: {message}\n\nnonce {nonce}\n[skip ci]\n".encode()
        when = f"{int(time.time())} +0000"
        lines = [
            b"feature done\n",
            f"commit refs/out/{nonce}\nmark :1\ncommitter reconciler <reconciler@invalid> {when}\n".encode(),
            b"data %d\n%s\n" % (len(text), text),
            f"from {base.commit}\n".encode() if base else b"",
            *(f"D {path}\n".encode() for path in old if path not in files),
            *(
                b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(data), data)
                for path, data in files.items()
                if old.get(path) != data
            ),
            b"get-mark :1\ndone\n",
        ]
        output = self._ask(["fast-import", "--quiet", "--date-format=raw"], until, b"".join(lines))
        return output.decode("ascii").strip()

    def push_commit(self, ref: str, old: str, new: str, until: float) -> PushAnswer:
        """Move a ref from `old`, "" where it must not exist, to `new`; raises nothing about the remote."""
        options = ["--porcelain", "--no-verify", "--no-follow-tags", "--no-signed", "--recurse-submodules=no"]
        lease = f"--force-with-lease={ref}:{old}"
        try:
            answer = self._git.run(["push", *options, lease, "--", self._git.url, f"{new}:{ref}"], until)
        except StoreUnreachable as error:
            return PushAnswer(PushVerdict.NO_ANSWER, error.explanation.summary)
        pattern = rf"^(.)\t[^\t]*:{re.escape(ref)}\t(.*)$"
        told = re.search(pattern, answer.output.decode("utf-8", "replace"), re.MULTILINE)
        # `=` is "up to date": somebody has pushed this very commit. Exit 0 alone says nothing.
        if told and told[1] in " +*-" and answer.code == 0:
            return PushAnswer(PushVerdict.WON)
        if told and told[1] == "!":
            return PushAnswer(PushVerdict.DECLINED, f"{hide_login(told[2])}, {answer.reason}")
        return PushAnswer(PushVerdict.NO_ANSWER, answer.reason)

    def _read_files(self, commit: str, until: float, *, whole: bool) -> dict[str, bytes]:
        listing = self._ask(["ls-tree", "-r", "-z", "--full-tree", commit], until).decode("utf-8", "replace")
        entries = [entry.partition("\t") for entry in listing.split("\0") if entry]
        blobs = {
            path: details.split(" ")[2] for details, _, path in entries if whole or not path.startswith(CLOSED_RUNS)
        }
        data = self._ask(["cat-file", "--batch"], until, "".join(f"{blob}\n" for blob in blobs.values()).encode())
        files, start = {}, 0
        for path in blobs:
            # `<id> blob <size>\n<content>\n`, in the order in which it was asked.
            end = data.index(b"\n", start)
            size = int(data[start:end].split(b" ")[2])
            files[path] = data[end + 1 : end + 1 + size]
            start = end + size + 2
        return files

    def _ask(self, arguments: list[str], until: float, data: bytes = b"") -> bytes:
        answer = self._git.run(arguments, until, data)
        if answer.code and "No space left" in answer.reason:
            raise StoreFull("the folder for temporary files")
        if answer.code:
            raise StoreDamaged(f"git {self._git.name}", answer.reason)
        return answer.output
