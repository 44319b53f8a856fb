"""A topic that a document names alone: its URN follows from the region and the project of the target.

Contract: CSMS, CreateSecretEvent (`target_id` is the URN of an SMN topic, `target_name` its name).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from reconciler.diagnostics import Explanation

_NO_REGION = Explanation(
    "live.unknown-region",
    "the region of the target is not known",
    "it is a part of a topic's URN, which nothing else tells",
    "say `region` of the target in the settings, beside its `url`, or declare targetType, targetId and targetName",
)


class TopicPlace(NamedTuple):
    """Where topics are that are named alone; the region is "" where it isn't known."""

    region: str
    project: str

    def build_notification(self, topic: str) -> dict[str, str]:
        """Return the members that a topic's name stands for."""
        # CSMS does not check that a topic exists (contract: 1.2), and SMN is another API: nothing is looked up.
        urn = f"urn:smn:{self.region}:{self.project}:{topic}"
        return {"targetType": "SMN", "targetId": urn, "targetName": topic}

    def expand_notification(self, declared: Mapping[str, str]) -> dict[str, str]:
        """Return the members of a notification that a document declares, by manifest name."""
        return self.build_notification(declared["topic"]) if "topic" in declared else dict(declared)

    def shorten_notification(self, live: Mapping[str, Any]) -> dict[str, Any]:
        """Return a whole notification by its topic's name alone, where that says all of it."""
        name = str(live.get("targetName"))
        return {"topic": name} if dict(live) == self.build_notification(name) else dict(live)

    def find_fault(self, declared: Mapping[str, str]) -> Explanation | None:
        """Say why what a document declares of a notification can't be told; None if it can."""
        return _NO_REGION if "topic" in declared and not self.region else None


def find_topic_place(root: str, region: str) -> TopicPlace:
    """Return where the topics of a target are whose paths begin so: /v1/PROJECT/csms."""
    return TopicPlace(region, root.split("/")[2])
