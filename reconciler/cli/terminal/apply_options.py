"""How `apply` is to be done, as it was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reconciler.cli.terminal.fleet_options import FleetOptions

if TYPE_CHECKING:
    from reconciler.model import Risk


class ApplyOptions(NamedTuple):
    """Which risks are approved, whether the plan is accepted without a question, and whether it is shown whole.

    `lock_timeout` is how many seconds to wait for a target that another run holds, `fleet` how many targets at once.
    """

    risks: frozenset[Risk]
    accepted: bool
    full: bool = False
    lock_timeout: float = 0.0
    fleet: FleetOptions = FleetOptions()

    @property
    def words(self) -> tuple[str, ...]:
        """The options by which a target's own process applies what was accepted here."""
        risks = ",".join(sorted(risk.value for risk in self.risks))
        return ("--approve", risks, "--lock-timeout", f"{self.lock_timeout:g}s")
