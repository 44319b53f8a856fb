"""Topics that a document names alone, where their URN can't be told."""

from __future__ import annotations

from tests.support.sample_plans import document, event, planned
from tests.support.toy_reader import World


class RemoteWorld(World):
    """A project behind an address that tells no region."""

    region = ""


def test_a_topic_is_not_guessed_where_the_region_is_not_known() -> None:
    """The message says where it is told; a document that needs none goes on."""
    documents = [
        document("SecretEvent", "e", {"notification": {"topic": "pki"}}),
        document("SecretEvent", "f", {"state": "DISABLED", "notification": {"targetName": "pki"}}, line=2),
    ]

    plan = planned(documents, RemoteWorld({"/v1/0123/csms/events": [event("e"), event("f")]}))

    (problem,) = plan.problems
    assert problem.rule == "live.unknown-region"
    assert problem.summary == "the region of the target is not known"
    assert "say `region` of the target in the settings, beside its `url`, or declare targetType" in problem.remedy
    assert [step.address.name for step in plan.sendable_steps] == ["f"]
    assert plan.compared == (1, 2)
