"""What can go wrong, and where: the alphabet of the campaign, and the programs that choose from it.

A run touches the world at I/O events alone. Before each one a program is asked what goes wrong there; its answers
depend on nothing but a seed and the events before, so that a schedule is the same each time.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol

Channel = Literal["login", "read", "write", "store"]

WORLD_FAULTS = ("edit_managed", "edit_unmanaged", "approve", "rename", "delete", "second_run", "pause")
"""What others do, before the event takes place: people at the server, another run, or whoever suspends this one."""
_CRASHES = ("crash_before", "crash_after")
_TRANSPORT = ("refused", "drop_before", "drop_after", "delay", "reset", "truncate", "html_before", "error_before")
FAULTS: dict[Channel, tuple[str, ...]] = {
    "login": ("refused", "drop_before", "html_before", "error_before", "delay", *_CRASHES),
    "read": (
        *_TRANSPORT,
        "error_200",
        "wrong_shape",
        "throttle",
        "stale_read",
        "expire_tokens",
        *WORLD_FAULTS,
        *_CRASHES,
    ),
    "write": (
        *_TRANSPORT,
        "ghost",
        "html_after",
        "error_after",
        "error_200",
        "wrong_shape",
        "accepted_later",
        "crash_in_flight",
        "throttle",
        "partial_deny",
        "expire_tokens",
        *WORLD_FAULTS,
        *_CRASHES,
    ),
    "store": ("store_full", "store_unreachable", "store_lost_answer", "lease_loss", *WORLD_FAULTS, *_CRASHES),
}
"""The kinds of faults by the channels on which each can happen."""
ALL_FAULTS = tuple(dict.fromkeys(kind for kinds in FAULTS.values() for kind in kinds))


# What can happen on few channels would be rare among so many kinds; of kills there have to be several in a schedule.
_WEIGHT_BY_CHANNELS: Mapping[int, int] = MappingProxyType({1: 9, 2: 5, 3: 2, 4: 6})


def _repeat_by_weight(kinds: Sequence[str]) -> list[str]:
    counts = {kind: sum(kind in possible for possible in FAULTS.values()) for kind in kinds}
    return [kind for kind in kinds for _ in range(_WEIGHT_BY_CHANNELS[counts[kind]])]


class IoEvent(NamedTuple):
    """One touch of the world: the how-manieth of the schedule, by which run, where, and what it is."""

    number: int
    run: str
    channel: Channel
    label: str


class FaultProgram(Protocol):
    """Says what goes wrong."""

    def choose(self, event: IoEvent, /) -> str:
        """Return the kind of fault that happens at an event, "" for none."""

    @property
    def is_spent(self) -> bool:
        """Whether nothing more will go wrong."""


class NoFaults:
    """Nothing goes wrong."""

    is_spent = True

    def choose(self, _event: IoEvent, /) -> str:
        """As `FaultProgram` has it."""
        return ""


class SingleFault:
    """One fault at one event, or from that event on at every one on the same channel."""

    def __init__(self, number: int, kind: str, *, is_sticky: bool = False) -> None:
        self._number, self._kind, self._is_sticky = number, kind, is_sticky
        self._place: Channel | None = None

    @property
    def is_spent(self) -> bool:
        """As `FaultProgram` has it."""
        return self._place is not None and not self._is_sticky

    def choose(self, event: IoEvent) -> str:
        """As `FaultProgram` has it."""
        if event.number == self._number:
            self._place = event.channel
            return self._kind
        return self._kind if self._is_sticky and event.channel == self._place else ""


class RandomFaults:
    """Swarm testing: each kind takes part in half of the schedules, at one of three rates, up to a number of faults.

    With all kinds in every schedule most runs would end at their first read, and rare orders would never come about
    (Groce et al., Swarm Testing, ISSTA 2012).
    """

    RATES = (0.02, 0.10, 0.25)
    # Three in four events are reads, and what matters is decided at the others.
    _WEIGHTS: Mapping[Channel, float] = MappingProxyType({"login": 0.3, "read": 0.4, "write": 8.0, "store": 0.35})

    def __init__(self, generator: random.Random) -> None:
        self._generator = generator
        enabled = {kind for kind in ALL_FAULTS if generator.random() < 0.5}
        self._kinds: dict[Channel, list[str]] = {
            channel: [kind for kind in _repeat_by_weight(kinds) if kind in enabled] for channel, kinds in FAULTS.items()
        }
        self._rate = generator.choice(self.RATES)
        self._left = generator.choice((1, 2, 3, 4, 6, 8, 12))

    @property
    def is_spent(self) -> bool:
        """As `FaultProgram` has it."""
        return self._left == 0

    def choose(self, event: IoEvent) -> str:
        """As `FaultProgram` has it."""
        # Drawn for each event, whatever comes of it: a fault that is left out then leaves the others where they were.
        chance, which = self._generator.random(), self._generator.random()
        kinds = self._kinds[event.channel]
        if not self._left or not kinds or chance >= self._rate * self._WEIGHTS[event.channel]:
            return ""
        self._left -= 1
        return kinds[int(which * len(kinds))]
