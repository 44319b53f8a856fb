"""The manifests that are measured, written beside the world that they are about."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.scenarios import World
from reconciler.simulator import Simulator
from reconciler.simulator.world.fleet_seed import FLEET_EVENTS

OWNERS = ("PKI Operators", "Web Team")
"""Who owns the first half of the certificates, and who the second."""


def write_manifests(simulator: Simulator, world: World, folder: Path) -> None:
    """Fill the simulator with what a world adds to the starting one, and a folder with documents about it."""
    settings = simulator.settings.read_text().replace(
        "api: keyfactor\n", "api: keyfactor\n    parallelism: {writes: 8}\n"
    )
    (folder / "reconciler.yaml").write_text(f"{settings}limits: {{CertificateOwner: {{changes: 10000000}}}}\n")
    (folder / "ready.json").write_text(json.dumps(simulator.credentials))
    if world.name == "small":
        _write_small(simulator, folder)
    if world.roles:
        names = [f"Role {number:05}" for number in range(world.roles)]
        for name in names:
            simulator.world.add_role(name, Permissions=["/portal/read/", "/certificates/collections/read/"])
        spec = "{description: %s, permissions: [/certificates/collections/read/, /portal/read/]}"
        _write_documents(folder / "roles", "SecurityRole", ((name, spec % name) for name in names))
    if world.pending_requests:
        for number in range(world.pending_requests):
            simulator.world.add_request(CommonName=f"host{number}.test.example.com")
        spec = "{match: {commonName: '*9.test.example.com'}, comment: Not from production}"
        _write_documents(folder / "denials", "RequestDenial", [("pattern", spec)])
    if world.events:
        names = [f"event-{number:05}" for number in range(world.events)]
        for name in names:
            simulator.world.add_event(name, state="ENABLED")
        _write_documents(folder / "events", "SecretEvent", ((name, "{state: ENABLED}") for name in names))
    if world.projects:
        # No zones: they would divide the workers that are counted.
        text = re.sub(r"    zone: .*\n", "", (folder / "reconciler.yaml").read_text())
        (folder / "reconciler.yaml").write_text(text)
        _write_fleet(folder / "fleet")
    if world.certificates >= 1_000:
        _write_owners(simulator, world, folder)


def _write_documents(folder: Path, kind: str, documents: Iterable[tuple[str, str]]) -> None:
    folder.mkdir()
    text = "---\n".join(
        f"apiVersion: reconciler/v1\nkind: {kind}\nmetadata: {{name: {json.dumps(name)}}}\nspec: {spec}\n"
        for name, spec in documents
    )
    (folder / "all.yaml").write_text(text)


def _write_small(simulator: Simulator, folder: Path) -> None:
    roles = [str(role["Name"]) for role in simulator.world.roles.values() if not role["Immutable"]][:5]
    _write_documents(folder / "five", "SecurityRole", ((name, "{description: Day to day}") for name in roles))
    handler = "{className: CSS.CMS.Monitoring.EventHandling.Denied.DeniedLogger, enabled: true}"
    _write_documents(folder / "handler", "EventHandler", [("h", handler)])
    _write_documents(folder / "event", "SecretEvent", [("expiry-prod", "{state: ENABLED}")])
    denial = "{requests: [{id: 23, commonName: test.example.com}]}"
    _write_documents(folder / "denial", "RequestDenial", [("d", denial)])


def _write_fleet(folder: Path) -> None:
    """Write what the simulator's projects have, each in a document for all of them."""
    folder.mkdir()
    notification = "{targetType: SMN, targetId: {targetValue: topicUrn}, targetName: pki}"
    (folder / "all.yaml").write_text(
        "---\n".join(
            "apiVersion: reconciler/v1\nkind: SecretEvent\n"
            f"metadata: {{name: {name}, targets: {{env: [prod, test, dev]}}}}\n"
            f"spec: {{state: ENABLED, eventTypes: [{event_type}], notification: {notification}}}\n"
            for name, event_type in FLEET_EVENTS
        )
    )


def _write_owners(simulator: Simulator, world: World, folder: Path) -> None:
    """Give each half of the certificates its owner, and write them as tables, as lists and as queries."""
    ids = {str(role["Name"]): int(role["Id"]) for role in simulator.world.roles.values()}
    store, half = simulator.world.certificates, world.certificates // 2
    for number, row in list(store.items()):
        store[number] = row._replace(owner=ids[OWNERS[number > half]])
    thumbprints = [store[number].thumbprint for number in sorted(store)]
    if world.certificates == 1_000:
        _write_table(folder / "a", thumbprints, wrong=1_000)
        _write_table(folder / "b", thumbprints, wrong=0)
        return
    for thousandths in (0, 1, 100, 1000):
        _write_table(folder / f"csv-{thousandths}", thumbprints, wrong=world.certificates * thousandths // 1000)
    for thousandths in (0, 1, 100):
        border = half - world.certificates * thousandths // 1000
        lists = (f"\n    - {text}" for text in thumbprints)
        parts = ["".join(next(lists) for _ in range(border)), "".join(lists)]
        _write_halves(folder / f"yaml-{thousandths}", [f"\n    thumbprints:{part}" for part in parts])
        queries = (f"CertId -le {border}", f"CertId -gt {border}")
        _write_halves(folder / f"query-{thousandths}", [f"{{query: '{query}'}}" for query in queries])


def _write_halves(folder: Path, certificates: Sequence[str]) -> None:
    specs = (f"\n  owner: {owner}\n  certificates: {text}" for owner, text in zip(OWNERS, certificates, strict=True))
    _write_documents(folder, "CertificateOwner", zip(("first", "second"), specs, strict=True))


def _write_table(folder: Path, thumbprints: Sequence[str], *, wrong: int) -> None:
    """Write who owns each certificate, of the first so many not as it is."""
    _write_documents(folder, "CertificateOwner", [("inventory", "{assignments: owners.csv}")])
    half = len(thumbprints) // 2
    lines = (f"{text},{OWNERS[(index >= half) != (index < wrong)]}\n" for index, text in enumerate(thumbprints))
    (folder / "owners.csv").write_text("thumbprint,owner\n" + "".join(lines))
