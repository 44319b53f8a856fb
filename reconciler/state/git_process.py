"""The `git` program, in a repository of our own: bounded in time, asking nobody, with nothing of the user's but logins.

Hooks, `push.followTags`, signing and `url.*.insteadOf` are made for the user's own pushes. How to log in is taken over:
CI puts its token into `http.*.extraHeader` of the checkout. It goes through the environment, since every user of a
machine can read the arguments of a process.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from reconciler.sanitize import escape_and_shorten, strip_user_information
from reconciler.state.store_errors import RemoteUnknown, StoreUnreachable

_INHERITED: Final = (
    "PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "SSH_AUTH_SOCK", "SYSTEMROOT",
    "GIT_SSH_COMMAND", "GIT_SSH", "GIT_SSL_CAINFO", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "https_proxy",
    "HTTP_PROXY", "http_proxy", "ALL_PROXY", "NO_PROXY", "no_proxy",
)  # fmt: skip
"""What git may see of our environment, which holds secrets that are none of its business."""
_FIXED: Final = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    # A program that prints nothing: an empty answer instead of a window.
    "GIT_ASKPASS": "true",
    "SSH_ASKPASS": "true",
    "GCM_INTERACTIVE": "never",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    # Not `ext`, which runs whatever a URL says.
    "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
    # A server that sends less than this many bytes a second for so many seconds is given up.
    "GIT_HTTP_LOW_SPEED_LIMIT": "1",
    "GIT_HTTP_LOW_SPEED_TIME": "20",
}
_OWN_CONFIG: Final = (("core.hooksPath", os.devnull), ("gc.auto", "0"), ("maintenance.auto", "false"))
_LOGIN_KEYS: Final = r"^(http|credential|ssh)\.|^core\.sshcommand$"
_SCP = re.compile(r"[\w.@-]+:[^/].*|\w+://.*|[./].*|[A-Za-z]:[\\/].*")


class GitAnswer(NamedTuple):
    """How a command ended. `reason` is what it said last, fit to be shown."""

    code: int
    output: bytes
    reason: str


class GitProgram:
    """Runs git in a bare repository that lives as long as this object. `url` is where the remote is."""

    def __init__(self, checkout: Path, remote: str, env: Mapping[str, str]) -> None:
        self.name = hide_login(remote)
        self._environment = {name: env[name] for name in _INHERITED if name in env} | _FIXED
        self._environment.setdefault("GIT_SSH_COMMAND", "ssh -oBatchMode=yes")
        self._scratch = tempfile.TemporaryDirectory(prefix="reconciler-git-", ignore_cleanup_errors=True)
        self._folder = Path(self._scratch.name)
        try:
            self.url = self._set_up(checkout, remote, env)
        except BaseException:
            self.close()
            raise

    def run(self, arguments: Sequence[str], until: float, data: bytes = b"") -> GitAnswer:
        """Run a git command with this as its input; raises StoreUnreachable if it does not end in time.

        `until` is by the monotonic clock. Everything that the command started is gone afterwards.
        """
        return self._run(arguments, self._folder, self._environment, until, data)

    def close(self) -> None:
        """Remove the repository."""
        self._scratch.cleanup()

    def _set_up(self, checkout: Path, remote: str, env: Mapping[str, str]) -> str:
        """Take over how to log in, make the repository, and return the remote's URL."""
        until = time.monotonic() + 30.0
        login = self._read_login(checkout, env, until)
        # Whoever configured a command for ssh knows what it does about questions.
        if any(key == "core.sshcommand" for key, _ in login) and "GIT_SSH_COMMAND" not in env:
            del self._environment["GIT_SSH_COMMAND"]
        self._environment |= _write_config([*login, *_OWN_CONFIG])
        self.run(["init", "--quiet", "--bare", "--template=", str(self._folder)], until)
        return self._find_url(checkout, remote, env, until)

    def _run(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], until: float, data: bytes = b""
    ) -> GitAnswer:
        try:
            process = subprocess.Popen(  # noqa: S603 - our own arguments, no shell
                ["git", *arguments],  # noqa: S607 - the user's git, as their PATH has it
                cwd=folder,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            summary = f"git can't be run ({error.strerror})"
            raise RemoteUnknown(summary, "install git, or choose another `state`") from None
        with process:
            try:
                output, complaint = process.communicate(data, timeout=max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                raise StoreUnreachable(f"git {self.name}", f"git {arguments[0]} did not end in time") from None
            finally:
                _end_group(process)
        return GitAnswer(process.returncode, output, find_reason(complaint))

    def _read_login(self, checkout: Path, env: Mapping[str, str], until: float) -> list[tuple[str, str]]:
        """Return what the user's configuration says about logging in, in its order: the later entries count."""
        # With their whole environment: where their configuration lies is said there, and git only reads it here.
        answer = self._run(["config", "--null", "--get-regexp", _LOGIN_KEYS], checkout, dict(env), until)
        entries = [entry.partition("\n") for entry in answer.output.decode("utf-8", "replace").split("\0") if entry]
        return [(key, value) for key, _, value in entries]

    def _find_url(self, checkout: Path, remote: str, env: Mapping[str, str], until: float) -> str:
        """Return the URL of a remote as it stands in the configuration, without what `insteadOf` makes of it."""
        answer = self._run(["config", "--null", "--get", f"remote.{remote}.url"], checkout, dict(env), until)
        url = answer.output.decode("utf-8", "replace").split("\0")[0]
        if not url and not _SCP.fullmatch(remote):
            summary = f"the repository in {checkout} has no remote {self.name}"
            raise RemoteUnknown(summary, "run in a checkout, or give the remote's URL")
        address = url or remote
        # `host:path` is a place, as `C:\\path` is, and `ext::command` a way; git says what it makes of them.
        if "://" in address or re.match(r"[^/]+:", address):
            return address
        # We run elsewhere: a relative path is relative to the checkout.
        return str((checkout / address).resolve())


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End a command and what it started: git-remote-https would go on sending, and keep the pipes open."""
    # Windows has no process groups; there the command alone is ended.
    if not hasattr(os, "killpg"):
        process.kill()
        return
    with suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)


def hide_login(text: str) -> str:
    """Return text without what stands for a login in its URLs."""
    return escape_and_shorten(strip_user_information(text), 200)


def find_reason(complaint: bytes) -> str:
    """Return the line of git's complaint that says why, fit to be shown."""
    lines = [line.strip() for line in complaint.decode("utf-8", "replace").splitlines() if line.strip()]
    telling = [line for line in lines if re.match(r"fatal:|error:|remote:|! ", line)]
    return hide_login((telling or lines or ["it said nothing"])[0])


def _write_config(entries: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return variables that give git its configuration: https://git-scm.com/docs/git-config#ENVIRONMENT."""
    variables = {"GIT_CONFIG_COUNT": str(len(entries))}
    for index, (key, value) in enumerate(entries):
        variables |= {f"GIT_CONFIG_KEY_{index}": key, f"GIT_CONFIG_VALUE_{index}": value}
    return variables
