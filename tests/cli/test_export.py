"""`export`: live state as manifests on which `plan` is empty, however odd the state."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.simulator import Simulator
from reconciler.simulator.world.world import World
from tests.cli.conftest import Run


def test_what_no_manifest_may_hold_is_left_out_with_a_remark(run: Run, folder: Path) -> None:
    """The field stays unmanaged: half a value would be a change that nobody asked for."""
    with Simulator(certificates=5) as simulator:
        with simulator.lock:
            simulator.world.roles[2]["EmailAddress"] = "nobody"
            simulator.world.roles[3]["Description"] = "trailing "
        config = ["--config", str(simulator.credentials["settings"])]
        code, stdout, _ = run(["export", *config])
        (folder / "all.yaml").write_text(stdout)

        assert code == 0
        assert "emailAddress is left out" in stdout
        assert "description is left out" in stdout
        assert "trailing" not in stdout
        assert run(["plan", "all.yaml", "--detailed-exitcode", *config])[0] == 0
        assert simulator.ledger == []


def test_denials_are_no_state(run: Run) -> None:
    """A denied request is nothing that a manifest could keep."""
    with Simulator(certificates=5) as simulator:
        config = ["--config", str(simulator.credentials["settings"])]
        code, stdout, stderr = run(["export", "--kind", "RequestDenial", *config])

    assert (code, stdout) == (3, "")
    assert "a denial is an act" in stderr


@pytest.mark.no_cover
def test_an_export_of_many_certificates_can_be_planned(run: Run, folder: Path) -> None:
    """One owner's twenty-five thousand thumbprints are more than a mebibyte of a manifest."""
    with Simulator(certificates=25_000) as simulator:
        with simulator.lock:
            for number, row in list(simulator.world.certificates.items()):
                simulator.world.certificates[number] = row._replace(owner=7)
        config = ["--config", str(simulator.credentials["settings"])]
        code, stdout, stderr = run(["export", "--kind", "CertificateOwner", *config])
        (folder / "all.yaml").write_text(stdout)

        assert code == 0, stderr
        assert len(stdout) > 1_100_000
        code, stdout, _ = run(["plan", "all.yaml", "--detailed-exitcode", *config])
        assert (code, "compared 25,000 of 25,000" in stdout) == (0, True)


@pytest.mark.no_cover
def test_an_export_that_could_not_be_planned_is_not_printed(run: Run) -> None:
    """More handlers than a run may have documents."""
    with Simulator(certificates=1) as simulator:
        with simulator.lock:
            handlers = simulator.world.handlers
            handlers.update({n: {**handlers[1], "Id": n, "ClassName": f"H{n}"} for n in range(100, 10_101)})
        config = ["--config", str(simulator.credentials["settings"])]
        code, stdout, stderr = run(["export", "--kind", "EventHandler", *config])

    assert (code, stdout) == (6, "")
    assert "plan could not read it back" in stderr
    assert "limit DOCUMENTS" in stderr
    assert "export it in parts" in stderr


ODD: dict[str, tuple[str, str]] = {
    # a name that a role may have on a server, and why no manifest can give it
    "control characters": ("a\x1b[2Jb", "U+001B"),
    "an invisible character": ("web\u200bteam", "U+200B"),
    "a direction that turns": ("web\u202eteam", "U+202E"),
    "a twin that differs in letter case alone": ("AUDITORS", "another one has this name"),
    "a twin by the letter": ("Auditors", "2 roles have this name, and no manifest tells them apart"),
}


@pytest.mark.parametrize(("name", "reason"), ODD.values(), ids=ODD)
def test_an_object_with_an_odd_name_is_left_out_alone(run: Run, folder: Path, name: str, reason: str) -> None:
    """All others are exported and can be planned; the file, stderr and the code tell that one is missing."""
    with Simulator(certificates=5) as simulator:
        config = ["--config", str(simulator.credentials["settings"])]
        whole = run(["export", *config])[1]
        with simulator.lock:
            odd = {**simulator.world.roles[2], "Id": 99, "Name": name, "Immutable": False}
            simulator.world.roles[99] = odd
        code, stdout, stderr = run(["export", *config])
        (folder / "all.yaml").write_text(stdout)
        exported = [line for line in stdout.splitlines() if not line.startswith("#")]

        assert (code, stderr.splitlines()[-1]) == (10, "exit 10: incomplete")
        # Of two that nothing tells apart neither can be declared.
        twins = {"Auditors"} & {name}
        documents = [one for one in whole.split("---\n") if not ("kind: SecurityRole\n" in one and twins & _names(one))]
        assert exported == [line for line in "---\n".join(documents).splitlines() if not line.startswith("#")]
        assert "# SecurityRole/" in stdout
        assert " is left out: " in stdout
        assert reason in stderr
        assert run(["validate", "all.yaml", *config])[0] == 0
        assert run(["plan", "all.yaml", "--detailed-exitcode", *config])[0] == 0


def _names(manifest: str) -> set[str]:
    return {line.removeprefix("  name: ") for line in manifest.splitlines() if line.startswith("  name: ")}


def test_an_export_of_nothing_but_odd_objects_prints_nothing(run: Run) -> None:
    """An empty file would look like an empty server."""
    with Simulator(certificates=1) as simulator:
        with simulator.lock:
            simulator.world.handlers = {1: {**simulator.world.handlers[1], "ClassName": "A.\x1b[2J"}}
        config = ["--config", str(simulator.credentials["settings"])]
        code, stdout, stderr = run(["export", "--kind", "EventHandler", *config])
    assert (code, stdout) == (10, "")
    assert "it can't be written as a manifest (className: text holds U+001B" in stderr


def _edit_claim(world: World, **members: str) -> None:
    world.claims[world.roles[2]["Claims"][0]].update(members)


# what is odd, the edit that makes it so, and what is told of it
ODD_FIELDS: dict[str, tuple[Callable[[World], None], str]] = {
    "a description": (
        lambda world: world.roles[2].update(Description="a\x1b[2Jb"),
        "# description is left out: text holds U+001B",
    ),
    "a description of decomposed letters": (
        lambda world: world.roles[2].update(Description="Pru\u0308fer"),
        "# description is left out: text is not in Unicode's composed form",
    ),
    "one permission of several": (
        lambda world: world.roles[2].update(Permissions=[*world.roles[2]["Permissions"], "/a\u200b/read/"]),
        "# permissions is left out: ",
    ),
    "the value of a claim": (
        lambda world: _edit_claim(world, ClaimValue="pki\u202eops"),
        "# claims is left out: text holds U+202E",
    ),
    "the description of a claim, which is no member of its own": (
        lambda world: _edit_claim(world, Description="pki\u202eops"),
        r"# the description of claim CORP\pki-ops is left out: text holds U+202E",
    ),
    "the display name of a handler": (
        lambda world: world.handlers[1].update(DisplayName="\x1b[2J"),
        "# displayName is left out: text holds U+001B",
    ),
}


@pytest.mark.parametrize(("edit", "remark"), ODD_FIELDS.values(), ids=ODD_FIELDS)
def test_a_field_that_nobody_could_review_is_left_out_alone(
    run: Run, folder: Path, edit: Callable[[World], None], remark: str
) -> None:
    """Its object is exported; a list goes whole, since without one of its members it would say that this one goes."""
    with Simulator(certificates=5) as simulator:
        config = ["--config", str(simulator.credentials["settings"])]
        whole = run(["export", *config])[1]
        with simulator.lock:
            edit(simulator.world)
        code, stdout, stderr = run(["export", *config])
        (folder / "all.yaml").write_text(stdout)

        assert (code, stderr.splitlines()[-1]) == (0, "exit 0: ok")
        assert remark in stdout
        assert _names(stdout) == _names(whole)
        assert len(stdout.splitlines()) <= len(whole.splitlines()) + 1
        assert run(["plan", "all.yaml", "--detailed-exitcode", *config])[0] == 0


# a pattern, and the names of the handlers that it finds
MATCHES = {
    "denied-logger": {"denied-logger"},
    "*ied-LOGGER": {"denied-logger"},
    "CSS.CMS.*.DeniedLogger": {"denied-logger"},
    "CSS.*.Logger": set[str](),
}


@pytest.mark.parametrize(("pattern", "names"), MATCHES.items(), ids=MATCHES)
def test_a_handler_is_matched_by_its_short_name_and_by_its_class(run: Run, pattern: str, names: set[str]) -> None:
    """Whoever matched by class before goes on to."""
    with Simulator(certificates=1) as simulator:
        config = ["--config", str(simulator.credentials["settings"])]
        code, stdout, _ = run(["export", "--kind", "EventHandler", "--match", pattern, *config])
    assert (code, _names(stdout)) == (0 if names else 3, names)
