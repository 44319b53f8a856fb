"""The worlds behind one port: the first project and instance, and those of a fleet, made when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from reconciler.simulator.world.fleet_seed import (
    NO_FLEET,
    FleetMember,
    FleetSeed,
    build_instance_world,
    build_project_world,
    list_instances,
    list_projects,
)
from reconciler.simulator.world.world import World


class Places:
    """Finds the world that a path is about. Each instance has `certificates`; all share the lock of the first."""

    def __init__(self, first: World, fleet: FleetSeed = NO_FLEET, certificates: int = 0, seed: int = 1) -> None:
        self.first = first
        self.projects: Mapping[str, FleetMember] = {member.place: member for member in list_projects(fleet.projects)}
        """Those beside the first one, by their ids."""
        self.instances: Mapping[str, FleetMember] = {member.place: member for member in list_instances(fleet.instances)}
        """Those beside the first one, by their names."""
        self._events, self._certificates, self._seed = fleet.events, certificates, seed
        self._made: dict[str, World] = {}
        first.projects.update({member.place: f"{member.region}_{member.name}" for member in self.projects.values()})

    def find_project(self, project: str) -> World:
        """Return the world of a project; for one that there is not, the first one's, which refuses it."""
        if project not in self.projects:
            return self.first
        return self._made.get(project) or self._make(project, self._build_project, self.projects[project])

    def find_instance(self, name: str) -> World | None:
        """Return the world of an instance, the first one's for "", None if there is none of this name."""
        if name not in self.instances:
            return None if name else self.first
        return self._made.get(name) or self._make(name, self._build_instance, self.instances[name])

    def list_made(self) -> Iterator[World]:
        """Yield the worlds that somebody asked for so far."""
        yield self.first
        yield from list(self._made.values())

    def _build_project(self, member: FleetMember) -> World:
        return build_project_world(self.first, member, self._events)

    def _build_instance(self, member: FleetMember) -> World:
        return build_instance_world(self.first, member, self._certificates, self._seed)

    def _make(self, place: str, build: Callable[[FleetMember], World], member: FleetMember) -> World:
        with self.first.lock:
            # Looked up again: another thread may have been quicker, and its world may have been written to since.
            if place not in self._made:
                self._made[place] = build(member)
            return self._made[place]
