"""Reports of fleets made by hand for the tests: one drift that most targets share, and a few that are worse off."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import md5

from reconciler.coverage import DocumentCoverage
from reconciler.diagnostics import Address, Diagnostic, Source
from reconciler.errors import Exit
from reconciler.model import Action, Bound, Change, Coverage, Gap, Outcome, Plan, Risk, Step, Verdict
from reconciler.reports.fleet_facts import FleetFacts, LostTarget
from reconciler.reports.headline import summarize_drift, summarize_plan
from reconciler.reports.run_report import RunReport
from tests.support.report_plans import mask_outcomes, mask_plan, step

EVENTS = ("expiry-prod", "rotation", "deletion", "access", "audit")
SHARED = (Change("state", "DISABLED", "ENABLED", Risk.HIGH, "somebody is told again"),)


def find_project(target: str) -> str:
    """Return the project of a target, as long as Huawei's are."""
    return md5(target.encode(), usedforsecurity=False).hexdigest()


def make_event_step(target: str, name: str, changes: tuple[Change, ...] = SHARED, **more: object) -> Step:
    """Return a step about a secret event."""
    source, path = Source("base/events.yaml", 3 + EVENTS.index(name) * 8, 1), f"/v1/{find_project(target)}/csms/events"
    return step("SecretEvent", name, Action.UPDATE, changes, target=target, source=source, path=path, **more)


def make_topic_change(target: str) -> Change:
    """Return a change that differs by the project of its target alone."""
    old, new = (f"urn:smn:eu-west-101:{find_project(target)}:{topic}" for topic in ("old", "pki"))
    return Change("topicUrn", old, new, Risk.LOW)


def name_targets(number: int) -> list[str]:
    """Return that many names."""
    return [f"prod-{'eu' if at % 3 else 'ap'}-{at:03}" for at in range(1, number + 1)]


def cover_targets(targets: Iterable[str], unread: Iterable[str] = ()) -> tuple[DocumentCoverage, ...]:
    """Return the documents of targets with five events each, of which those that gave no answer compared none."""
    missing = frozenset(unread)
    return tuple(
        DocumentCoverage(
            Address(target, "SecretEvent", name), Source("base/events.yaml", 3, 1), int(target not in missing), 1
        )
        for target in targets
        for name in EVENTS
    )


def explain_silence(target: str) -> Diagnostic:
    """Return why a target gave no answer."""
    source = Source(f"{target} GET https://csms.example.com/v1/{find_project(target)}/csms/events")
    return Diagnostic("http.no-answer", source, "no answer within 30 s", "nothing is known of the target")


def make_fleet_report(number: int = 340, command: str = "drift") -> RunReport:
    """Return a fleet of which all but a few share one drift: two give no answer, the last are in sync."""
    targets = name_targets(number)
    lost, refused, own = targets[5:7], targets[10], targets[20:23]
    sharing = [target for target in targets[: number - number // 14] if target not in {*lost, refused}]
    steps = [make_event_step(target, "expiry-prod") for target in sharing]
    steps += [
        make_event_step(target, "rotation", (Change("secrets", ["a"], ["a", target], Risk.LOW),)) for target in own
    ]
    steps += [make_event_step(target, "access", (make_topic_change(target),)) for target in targets[30:40]]
    steps += [make_event_step(refused, "expiry-prod", SHARED, refusal="the event is of another owner")]
    steps.sort(key=lambda each: each.address)
    silence = {target: explain_silence(target) for target in lost}
    bounds = {
        target: Bound("csms", "https://csms.example.com", find_project(target))
        for target in targets
        if target not in lost
    }
    plan = Plan(
        tuple(steps), Coverage(5 * (number - 2), 5 * number), targets=bounds, documents=cover_targets(targets, lost),
        gaps=tuple(Gap(problem, Exit.UNREACHABLE) for problem in silence.values()),
    )  # fmt: skip
    masked = mask_plan(plan)
    facts = FleetFacts(tuple(sorted(targets)), tuple(LostTarget(*pair) for pair in silence.items()))
    headline = summarize_drift(masked, facts) if command == "drift" else summarize_plan(masked, 0, facts)
    return RunReport(command, Exit.INCOMPLETE, masked, headline=headline, fleet=facts)


def make_fleet_outcomes(number: int = 12) -> RunReport:
    """Return an apply that ended well on most targets; on one nobody knows how, on one it was refused by the server."""
    targets = name_targets(number)
    steps = [make_event_step(target, name) for target in targets for name in EVENTS[:2]]
    verdicts = {targets[3]: Verdict.UNKNOWN, targets[4]: Verdict.NOT_APPLIED}
    details = {
        Verdict.UNKNOWN: "no answer to the request, and the event reads as before",
        Verdict.NOT_APPLIED: "the server refused it (409): the topic is gone",
    }
    outcomes = []
    for each in steps:
        verdict = verdicts.get(each.address.target, Verdict.APPLIED)
        if verdict is not Verdict.APPLIED and each.address.name == EVENTS[1]:
            verdict = Verdict.NOT_REACHED
        detail = "a step before it did not succeed" if verdict is Verdict.NOT_REACHED else details.get(verdict, "")
        outcomes.append(Outcome(each, verdict, detail))
    bounds = {target: Bound("csms", "https://csms.example.com", find_project(target)) for target in targets}
    plan = Plan(tuple(steps), Coverage(5 * number, 5 * number), targets=bounds, documents=cover_targets(targets))
    masked = mask_plan(plan)
    facts = FleetFacts(tuple(sorted(targets)))
    return RunReport("apply", Exit.UNKNOWN, masked, outcomes=mask_outcomes(outcomes), fleet=facts)


def make_mixed_report() -> RunReport:
    """Return a drift of three targets: one that has a kind of its own, and one that is as declared."""
    targets = name_targets(3)
    rotation = (Change("secrets", ["a"], ["a", "b"], Risk.LOW),)
    steps = [make_event_step(target, "rotation", rotation) for target in targets[:2]]
    steps.append(step("SecurityRole", "PKI Operators", target=targets[1]))
    role = DocumentCoverage(Address(targets[1], "SecurityRole", "PKI Operators"), Source("roles/ops.yaml", 8, 3), 1, 1)
    bounds = {target: Bound("csms", "https://csms.example.com", find_project(target)) for target in targets}
    plan = Plan(tuple(steps), Coverage(16, 16), targets=bounds, documents=(*cover_targets(targets), role))
    masked = mask_plan(plan)
    facts = FleetFacts(tuple(sorted((*targets, "another"))), shard="1/3")
    return RunReport("drift", Exit.CHANGES, masked, headline=summarize_drift(masked, facts), fleet=facts)
