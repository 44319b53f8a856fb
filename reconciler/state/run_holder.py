"""Who we are, and whether another holder on this machine is gone."""

from __future__ import annotations

import getpass
import hashlib
import os
import platform
from collections.abc import Mapping
from pathlib import Path

from reconciler.sanitize import strip_user_information
from reconciler.state.records import RunHolder

_PROC = Path("/proc")
_JOB_TEMPLATES = (
    (("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"), "{}/{}/actions/runs/{}"),
    # Azure's collection ends with a slash, and a project's name may hold blanks.
    (("SYSTEM_COLLECTIONURI", "SYSTEM_TEAMPROJECT", "BUILD_BUILDID"), "{}{}/_build/results?buildId={}"),
)
_JOB_VARIABLES = ("CI_JOB_URL", "BUILD_URL", "CIRCLE_BUILD_URL", "BUILDKITE_BUILD_URL", "RECONCILER_JOB_URL")


def describe_holder(env: Mapping[str, str], *, proc: Path = _PROC) -> RunHolder:
    """Return who this process is."""
    process = os.getpid()
    return RunHolder(
        host=platform.node(),
        machine=_read_machine(proc),
        process=process,
        started=_read_start(process, proc),
        actor=env.get("GITHUB_ACTOR") or env.get("GITLAB_USER_LOGIN") or _find_user(),
        job=strip_user_information(find_job_url(env)),
    )


def is_holder_gone(holder: RunHolder, *, proc: Path = _PROC) -> bool:
    """Say whether a holder is known to have ended: a process of this machine, since its boot, that is no longer there.

    False where that can't be told: on another machine, in another container, or on a system without /proc.
    """
    machine = _read_machine(proc)
    if not machine or holder.machine != machine or not holder.process or not holder.started:
        return False
    # A number is used again; together with the start it is one process alone.
    return _read_start(holder.process, proc) != holder.started


def _read_machine(proc: Path) -> str:
    """Return a digest of this boot and process namespace, in which process numbers mean something; "" if unknown."""
    try:
        boot = (proc / "sys/kernel/random/boot_id").read_text("ascii").strip()
        # Two containers on one kernel have the same boot and other processes.
        namespace = (proc / "self/ns/pid").readlink()
    except OSError:
        return ""
    return hashlib.sha256(f"{boot} {namespace}".encode()).hexdigest()[:32]


def _read_start(process: int, proc: Path) -> str:
    """Return the start of a process in ticks since boot; "" if there is none, or if it is only waiting to be reaped."""
    try:
        text = (proc / str(process) / "stat").read_text("ascii", errors="replace")
    except OSError:
        return ""
    # proc(5): the second field is a name in parentheses that may hold anything; the state is the third, the start the
    # twenty-second.
    fields = text.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]


def find_job_url(env: Mapping[str, str]) -> str:
    """Return where a CI system shows the job of this process, as the environment says; "" if it doesn't."""
    for names, template in _JOB_TEMPLATES:
        if all(env.get(name) for name in names):
            return template.format(*(env[name].replace(" ", "%20") for name in names))
    return next((env[name] for name in _JOB_VARIABLES if env.get(name)), "")


def _find_user() -> str:
    try:
        return getpass.getuser()
    # A container may run as a number without a name: OSError since Python 3.13, KeyError before.
    except (OSError, KeyError):
        return str(os.getuid()) if hasattr(os, "getuid") else ""
