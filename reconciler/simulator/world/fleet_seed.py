"""A fleet behind one port: many CSMS projects and many instances of Command, the same ones for the same numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple
from uuid import UUID

from reconciler.simulator.world.certificate_store import CertificateStore
from reconciler.simulator.world.seed import DAY_SECONDS, build_starting_world
from reconciler.simulator.world.world import Record, World

TOPIC = "pki"
_ENVIRONMENTS = ("prod", "prod", "test", "dev")
_REGIONS = ("cn-north-4", "ap-southeast-3", "eu-west-101")
_ZONES = ("zone-a", "zone-b")
FLEET_EVENTS = (
    ("expiry", "SECRET_VERSION_EXPIRED"),
    ("rotation", "SECRET_ROTATED"),
    ("rotation-failed", "SECRET_ROTATED_FAILED"),
    ("new-version", "SECRET_VERSION_CREATED"),
    ("deletion", "SECRET_DELETED"),
)
"""The names of a project's events, and what each tells."""
_TODAY = 1_767_225_600  # 2026-01-01


class FleetSeed(NamedTuple):
    """How many projects and instances there are beside the first of each, and how many events a project has."""

    projects: int = 0
    instances: int = 0
    events: int = len(FLEET_EVENTS)


NO_FLEET = FleetSeed()


class FleetMember(NamedTuple):
    """One project or instance. `place` is what its paths say: the project's id, or the instance's name."""

    number: int
    name: str
    place: str
    environment: str
    region: str
    zone: str

    @property
    def is_instance(self) -> bool:
        """Whether it is an instance of Command."""
        return self.place == self.name

    @property
    def topic_urn(self) -> str:
        """Where a project's events are sent to."""
        return f"urn:smn:{self.region}:{self.place}:{TOPIC}"


def list_projects(count: int) -> Iterator[FleetMember]:
    """Yield project-0001 and those that follow."""
    for number in range(1, count + 1):
        yield _describe_member(number, f"project-{number:04}", _derive_project_id(number))


def list_instances(count: int) -> Iterator[FleetMember]:
    """Yield command-0001 and those that follow."""
    for number in range(1, count + 1):
        name = f"command-{number:04}"
        yield _describe_member(number, name, name)


def _describe_member(number: int, name: str, place: str) -> FleetMember:
    environment, region = _ENVIRONMENTS[number % len(_ENVIRONMENTS)], _REGIONS[number % len(_REGIONS)]
    return FleetMember(number, name, place, environment, region, _ZONES[number % len(_ZONES)])


def _derive_project_id(number: int) -> str:
    digest = hashlib.sha256(b"project %d" % number).hexdigest()
    # To YAML digits alone are a number, and so is 1e9: one in 50,000 ids would need quotes. A letter first never is.
    return "abcdef"[int(digest[0], 16) % 6] + digest[1:32]


def build_project_world(first: World, member: FleetMember, events: int) -> World:
    """Return the world of one project: events of its own, and the account's users, keys and tokens."""
    world = World(
        CertificateStore(()),
        member.place,
        place=member.place,
        switches=first.switches,
        lock=first.lock,
        ledger=first.ledger.open_place(member.place),
        access_keys=first.access_keys,
        temporary_keys=first.temporary_keys,
        security_tokens=first.security_tokens,
        iam_users=first.iam_users,
        iam_tokens=first.iam_tokens,
        token_projects=first.token_projects,
        projects=first.projects,
        failed_keys=first.failed_keys,
    )
    world.events = {event["name"]: event for event in _build_events(member, events)}
    return world


def build_instance_world(first: World, member: FleetMember, certificates: int, seed: int) -> World:
    """Return the world of one instance: objects and tokens of its own, and the accounts of the first one."""
    world = build_starting_world(certificates, seed + member.number, first.switches)
    world.place, world.lock, world.ledger = member.place, first.lock, first.ledger.open_place(member.place)
    world.users, world.clients = first.users, first.clients
    return world


def _build_events(member: FleetMember, count: int) -> Iterator[Record]:
    for i in range(count):
        name, event_type = FLEET_EVENTS[i % len(FLEET_EVENTS)]
        moment = (_TODAY - i * DAY_SECONDS) * 1000
        yield {
            "name": name if i < len(FLEET_EVENTS) else f"{name}-{i // len(FLEET_EVENTS) + 1}",
            "event_id": str(UUID(int=(member.number << 64) + i, version=4)),
            "event_types": [event_type],
            "state": "ENABLED",
            "create_time": moment,
            "update_time": moment,
            "notification": {"target_type": "SMN", "target_id": member.topic_urn, "target_name": TOPIC},
        }
