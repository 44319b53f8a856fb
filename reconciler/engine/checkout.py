"""The checkout that manifests lie in: its commit, and whether it still says what a saved plan was made from."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from reconciler.credentials.command import run_helper
from reconciler.credentials.private_file import Unavailable
from reconciler.diagnostics import Diagnostic, Severity, Source
from reconciler.documents.held_files import STANDARD_INPUT
from reconciler.engine.declaration import Declaration, RunInputs, RunOptions, select_declared
from reconciler.engine.git_revision import GIT_COMMAND
from reconciler.errors import ReconcilerError, StaleError
from reconciler.manifests.selection import parse_filters
from reconciler.plans.planfile import SavedPlan
from reconciler.settings.model import Settings

_MAX_ANSWER = 1024 * 1024


def find_manifests_commit(inputs: RunInputs, paths: Sequence[str], settings: Settings) -> str:
    """Return the commit of the checkout around the manifests, as `find_commit` has it; "" for what was piped in.

    That of several layers is "" where they are not of one commit.
    """
    if STANDARD_INPUT in paths:
        return ""
    if inputs.held is not None:
        return inputs.held.commit
    folders = [inputs.cwd / paths[0]] if paths else settings.manifest_folders
    # Layers may lie in several repositories, such as a base that is a submodule.
    commits = [find_commit(folder, inputs.env) for folder in folders]
    bare_commits = {commit.removesuffix("+") for commit in commits}
    return max(commits, key=len) if len(bare_commits) == 1 else ""


def find_commit(path: Path, env: Mapping[str, str]) -> str:
    """Return the commit of the git checkout that a file or folder lies in, "" if there is none or git can't tell.

    A plus follows where something at or below the path differs from that commit.
    """
    folder = path if path.is_dir() else path.parent
    try:
        commit = (
            run_helper((*GIT_COMMAND, "rev-parse", "--verify", "HEAD"), folder, env, max_bytes=1024).decode().strip()
        )
        if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", commit):
            return ""
        status = (*GIT_COMMAND, "status", "--porcelain", "--ignore-submodules=dirty", "--", os.path.realpath(path))
        return f"{commit}+" if run_helper(status, folder, env, max_bytes=_MAX_ANSWER) else commit
    except (Unavailable, UnicodeDecodeError):
        return ""


class CheckoutComparison(NamedTuple):
    """In what a checkout differs from what a plan was made from; and what it declares, where it can be read so."""

    notes: tuple[Diagnostic, ...]
    declared: Declaration | None = None


def compare_checkout(
    inputs: RunInputs, settings: Settings, saved_plan: SavedPlan, file: str, *, must_match: bool
) -> CheckoutComparison:
    """Return in what the checkout differs from what a plan was made from: manifests, commit.

    Raises StaleError for other manifests, or such as can't be compared, where they must be the same.
    """
    if not saved_plan.plan.manifests:
        difference = f"the plan was made from no manifests ({saved_plan.plan.selection}), which may declare otherwise"
        return CheckoutComparison(_tell_difference(file, "plan.no-manifests", difference, must_match=must_match))
    if STANDARD_INPUT in saved_plan.paths:
        difference = "the plan was made from manifests that were piped in, and nothing here can be compared with them"
        return CheckoutComparison(_tell_difference(file, "plan.manifests-unread", difference, must_match=must_match))
    try:
        options = RunOptions(saved_plan.paths, selection=parse_filters(saved_plan.plan.selection))
        declared = select_declared(inputs, settings, options)
    except (ReconcilerError, ValueError) as error:
        cause = str(error.problems[0]) if isinstance(error, ReconcilerError) else str(error)
        difference = f"the manifests here can't be compared with those that the plan was made from: {cause}"
        return CheckoutComparison(_tell_difference(file, "plan.manifests-unread", difference, must_match=must_match))
    notes: tuple[Diagnostic, ...] = ()
    if declared.loaded.digest != saved_plan.plan.manifests:
        difference = "the manifests here are not those that the plan was made from"
        notes += _tell_difference(file, "plan.other-manifests", difference, must_match=must_match)
    commit = find_manifests_commit(inputs, saved_plan.paths, settings) if saved_plan.commit else ""
    if commit and commit != saved_plan.commit:
        difference = f"the plan was made at commit {saved_plan.commit}, and the checkout is at {commit}"
        notes += _tell_difference(file, "plan.other-commit", difference, must_match=False)
    return CheckoutComparison(notes, declared)


def _tell_difference(file: str, rule: str, difference: str, *, must_match: bool) -> tuple[Diagnostic, ...]:
    if must_match:
        reason, remedy = "nothing was sent", "check out what was planned, or plan again"
        raise StaleError(Diagnostic(rule, Source(file), difference, reason, remedy))
    reason, remedy = "what is sent is the plan, as it was approved", "--same-manifests refuses such a plan"
    # Another commit alone changes nothing that is declared.
    remedy = "" if rule == "plan.other-commit" else remedy
    return (Diagnostic(rule, Source(file), difference, reason, remedy, Severity.NOTE),)
