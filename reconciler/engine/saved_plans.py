"""Saved plans as files: telling one from a manifest, writing one, reading one."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from reconciler import __version__
from reconciler.diagnostics import Diagnostic, Source
from reconciler.engine.checkout import compare_checkout, find_manifests_commit
from reconciler.engine.declaration import Declaration, RunInputs, RunOptions, read_settings
from reconciler.engine.plan_packing import MAX_PLAN_BYTES, PACKED_SUFFIX, explain_size, pack_plan, unpack_plan
from reconciler.engine.plan_signing import SIGNATURE_SUFFIX, PlanVerifier, sign_beside
from reconciler.errors import ReconcilerError, RefusedError, UsageError
from reconciler.kinds.registry import Registry
from reconciler.plans.acknowledgements import list_ended_deferrals
from reconciler.plans.planfile import AgeLimit, PlanStamp, SavedPlan, load_plan
from reconciler.settings.model import Settings
from reconciler.state.atomic import replace_file


class PlanDemands(NamedTuple):
    """What a saved plan is held to for one run, beside what the settings say; `max_age` takes the place of theirs."""

    same_manifests: bool = False
    max_age: timedelta | None = None


class ApprovedPlan(NamedTuple):
    """A saved plan that may be applied, what is to be told of it, and what the checkout declares if it can be read.

    `settings` are those of the environment that it was made for.
    """

    saved_plan: SavedPlan
    settings: Settings
    notes: tuple[Diagnostic, ...]
    declared: Declaration | None = None


def is_planfile(path: Path) -> bool:
    """Tell a saved plan from a manifest: a regular file that is neither YAML nor a JSON document with an apiVersion.

    A damaged plan still counts as one, so that it is refused as such and not as a curious manifest.
    """
    try:
        if path.suffix != ".json" or not path.is_file():
            return path.suffix not in {".yaml", ".yml"} and path.is_file()
        data = path.read_bytes() if path.stat().st_size <= MAX_PLAN_BYTES else b""
    except OSError:
        return False
    try:
        document = {} if _has_plan_start(data) else json.loads(data)
    # UnicodeDecodeError is a ValueError; and json recurses, so that a few kilobytes of brackets are too deep.
    except (ValueError, RecursionError):
        return b"apiVersion" not in data[:4096]
    return isinstance(document, dict) and "apiVersion" not in document


def is_marked_as_plan(path: Path) -> bool:
    """Tell whether a file calls itself a saved plan; whether it is a whole one, `read_saved_plan` judges."""
    try:
        data = path.read_bytes() if path.is_file() and path.stat().st_size <= MAX_PLAN_BYTES else b""
        data = unpack_plan(data, str(path))
        document = {"kind": "Plan"} if _has_plan_start(data) else json.loads(data)
    except (OSError, ValueError, RecursionError, ReconcilerError):
        return False
    return isinstance(document, dict) and document.get("kind") == "Plan" and "apiVersion" not in document


def _has_plan_start(data: bytes) -> bool:
    """Tell a plan by its first lines: as JSON values one of 100,000 steps takes five times the room of its file."""
    return data.startswith(b'{\n  "format_version": ') and b'\n  "kind": "Plan",' in data[:100]


def read_saved_plan(path: Path, label: str, kinds: Registry) -> SavedPlan:
    """Return the plan of a file to be looked at, however old, and whoever signed it.

    Raises UsageError where there is none and StaleError where it is damaged. `label` is the path as it was typed.
    """
    return load_plan(unpack_plan(_read_plan_bytes(path, label), label), kinds, label)


def read_approved_plan(
    inputs: RunInputs, settings: Settings, options: RunOptions, file: str, demands: PlanDemands, now: datetime
) -> ApprovedPlan:
    """Return the plan of a file to be applied, and what there is to tell of its signature and of the checkout.

    `settings` are those of the options. Raises as `read_saved_plan` and `read_settings` do, StaleError where it is too
    old, RefusedError for a signature that doesn't hold or that is missed, and either for what else is demanded.
    """
    data, detached = _read_signed_bytes(inputs.cwd / file, file)
    verifier = PlanVerifier(settings, inputs.env, file, data, detached)
    age = AgeLimit(now, demands.max_age or settings.plans.max_age, demands.max_age is not None)
    saved_plan = load_plan(unpack_plan(data, file), inputs.kinds, file, age=age, verify=verifier.verify)
    settings = _find_plan_settings(inputs, settings, options, saved_plan, file)
    checkout = compare_checkout(inputs, settings, saved_plan, file, must_match=demands.same_manifests)
    ended = list_ended_deferrals(saved_plan.plan, inputs.today)
    return ApprovedPlan(saved_plan, settings, (*verifier.notes, *checkout.notes, *ended), checkout.declared)


def _find_plan_settings(
    inputs: RunInputs, settings: Settings, options: RunOptions, saved_plan: SavedPlan, file: str
) -> Settings:
    """Return the settings of the environment that a plan was made for; raises RefusedError where another was chosen."""
    planned, chosen = saved_plan.environment, options.environment
    if planned == settings.environment:
        return settings
    # Who names none applies the plan to its own: it is sent to its own targets, within the limits that hold there.
    if chosen is None:
        return read_settings(inputs, options.config, planned)
    planned_environment = f"environment {planned}" if planned else "no environment"
    summary, reason = (
        f"the plan was made for {planned_environment}, and --environment says {chosen}",
        "nothing was sent",
    )
    remedy = "leave the option out, or plan again"
    raise RefusedError(Diagnostic("plan.other-environment", Source(file), summary, reason, remedy))


def make_plan_stamp(inputs: RunInputs, options: RunOptions, settings: Settings, now: datetime) -> PlanStamp:
    """Return what makes of a plan one of its own: a random nonce, the time, and the commit of the manifests."""
    commit, nonce = find_manifests_commit(inputs, options.paths, settings), secrets.token_hex(16)
    max_age, environment = settings.plans.max_age, settings.environment
    return PlanStamp(nonce, now, max_age, __version__, commit, options.paths, environment)


def write_plan_file(path: Path, data: bytes, settings: Settings, env: Mapping[str, str]) -> None:
    """Write a plan, and beside it the signature of a program if there is one. Raises OSError, and AuthError for that.

    It is packed if its name says so, and the program signs it as it is then. The signature comes first: a plan without
    it would pass for an unsigned one.
    """
    data = pack_plan(data) if path.suffix == PACKED_SUFFIX else data
    detached = sign_beside(data, path.name, settings.plans, env)
    if detached is not None:
        replace_file(path.with_name(f"{path.name}{SIGNATURE_SUFFIX}"), detached)
    replace_file(path, data)


def _read_signed_bytes(path: Path, label: str) -> tuple[bytes, bytes | None]:
    """Return the bytes of a plan and of the signature beside it, None without any."""
    data, beside = _read_plan_bytes(path, label), path.with_name(f"{path.name}{SIGNATURE_SUFFIX}")
    return data, _read_plan_bytes(beside, f"{label}{SIGNATURE_SUFFIX}") if beside.exists() else None


def _read_plan_bytes(path: Path, label: str) -> bytes:
    try:
        # A device or a named pipe could be read without end.
        if not path.is_file():
            obstacle = "this is a folder" if path.is_dir() else "this is no regular file"
            summary = obstacle if path.exists() else "there is no such file"
            remedy = "make a plan with: reconciler plan --out FILE"
            raise UsageError(Diagnostic("plan.unreadable-file", Source(label), summary, remedy=remedy))
        if path.stat().st_size > MAX_PLAN_BYTES:
            raise UsageError(explain_size(label))
        return path.read_bytes()
    except OSError as error:
        summary = f"can't be read: {error.strerror or type(error).__name__}"
        raise UsageError(
            Diagnostic("plan.unreadable-file", Source(label), summary, "nothing was done", "name another file")
        ) from None
