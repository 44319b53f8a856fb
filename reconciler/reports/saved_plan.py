"""Which saved plan it is: what a comment on a pull request and the log of an apply are compared by."""

from __future__ import annotations

from reconciler.model import Json
from reconciler.plans.planfile import SavedPlan


def encode_saved_plan(saved_plan: SavedPlan) -> dict[str, Json]:
    """Return a saved plan's own members, for the JSON of `show` and `apply`."""
    return {
        "digest": saved_plan.digest,
        "created": saved_plan.created,
        "expires": saved_plan.expires,
        "commit": saved_plan.commit,
        "tool": saved_plan.tool,
        "signature": saved_plan.signature,
        "verified_by": saved_plan.signed_by,
        **({"environment": saved_plan.environment} if saved_plan.environment else {}),
    }


def render_saved_plan(saved_plan: SavedPlan) -> str:
    """Return the same as lines of text. The loader saw to it that nothing in them can steer a terminal."""
    commit = f" from commit {saved_plan.commit}" if saved_plan.commit else ""
    environment = f"for environment {saved_plan.environment}, " if saved_plan.environment else ""
    origin = f"{environment}made {saved_plan.created}{commit}"
    return f"Plan {saved_plan.digest}\n{origin}, expires {saved_plan.expires}, {_describe_signature(saved_plan)}\n"


def _describe_signature(saved_plan: SavedPlan) -> str:
    if saved_plan.signed_by:
        return f"signature verified: {saved_plan.signed_by}"
    return f"signed: {saved_plan.signature}, not verified here" if saved_plan.signature else "no signature in it"
