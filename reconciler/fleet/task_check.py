"""Whether a worker's checkout is the one that a task was made in. If not, what it would do is not what was meant."""

from __future__ import annotations

from reconciler import __version__
from reconciler.diagnostics import Diagnostic, Source
from reconciler.engine.declaration import HeldDeclaration
from reconciler.engine.settings_digest import digest_settings
from reconciler.errors import RefusedError
from reconciler.fleet.task import FleetTask
from reconciler.settings.model import Settings


class TaskCheck:
    """Holds a worker to its task. Both checks raise RefusedError.

    `held` is what its files said when they were read for all tasks of the fleet, and `held_digest` that of the
    settings among it.
    """

    def __init__(self, task: FleetTask, held: HeldDeclaration | None = None, held_digest: str = "") -> None:
        self._task, self._held_digest, self.held = task, held_digest, held

    @property
    def target(self) -> str:
        """The one target that the task is about."""
        return self._task.target

    def check_settings(self, settings: Settings) -> None:
        """Refuse another version of the tool, and other settings."""
        if self._task.tool != __version__:
            summary = f"the worker has reconciler {__version__}, and the run was begun with {self._task.tool}"
            self._refuse("fleet.other-version", summary, "install one version everywhere")
        is_held = self.held is not None and settings is self.held.declared.settings
        digest = self._held_digest if is_held else digest_settings(settings)
        if digest != self._task.settings:
            summary = "the worker's settings are not those of whoever began the run"
            self._refuse("fleet.other-checkout", summary, "bring its checkout to the same commit")

    def check_manifests(self, digest: str) -> None:
        """Refuse other manifests."""
        if digest != self._task.manifests:
            commit = f" ({self._task.commit[:12]})" if self._task.commit else ""
            summary = f"the worker's manifests are not those of whoever began the run{commit}"
            self._refuse("fleet.other-checkout", summary, "bring its checkout to the same commit")

    def _refuse(self, rule: str, summary: str, remedy: str) -> None:
        source = Source(f"target {self._task.target}")
        raise RefusedError(Diagnostic(rule, source, summary, "what it did would be something else", remedy))
