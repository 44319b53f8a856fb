"""The published exit codes against a server: every command, every way in which it can end, in both formats.

A row says what is arranged, what is typed, and which code is due. What ends a command before a server matters is in
`test_outcomes`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler.cli.commands import cli
from reconciler.cli.terminal.report_files import REPORTING_COMMANDS
from reconciler.errors import Exit
from reconciler.kinds.registry import KINDS
from reconciler.schema import build_schemas
from reconciler.simulator import Simulator
from tests.cli.conftest import Run
from tests.support import disturbances as a

GONE = a.HANDLER.replace(a.CLASS, "Nobody.Registered.This")
OTHER = "kind: RequestDenial\nmetadata: {name: d}\nspec: {requests: [{id: 23, commonName: other.example.com}]}\n"
BUILT_IN = a.ROLE.replace("{name: Auditors}", "{name: Administrator}")
NOBODY = "kind: CertificateOwner\nmetadata: {name: o}\nspec: {owner: Nobody, certificates: {ids: [1]}}\n"
NOWHERE = NOBODY.replace("Nobody", "Auditors").replace("ids: [1]", f"thumbprints: [{'AB' * 20}]")
NEW = [
    f"kind: SecurityRole\nmetadata: {{name: R{n}}}\nspec: {{description: d, permissionSet: Global}}\n"
    for n in range(11)
]
OTHER_PROJECT = a.fault(
    "GET", a.PROJECTS, "status", status=200, body={"projects": [{"id": "f" * 32, "name": "cn-north-4"}]}
)
SILENT = a.fault("GET", a.PROJECTS, "drop")
NO_PROJECT = a.fault("GET", a.PROJECTS, "status", status=200, body={"projects": []})
NO_CHANGE = "limits: {EventHandler: {changes: 0}}"
REPORT = jsonschema.Draft202012Validator(build_schemas(KINDS)["report.json"])

UNPROTECTED = a.settings("protected: []")
# what is arranged, and the code of everything that compares: plan, drift, apply
COMPARING = {
    "a class that is not registered": (a.declared(GONE), 10),
    "an owner that nobody is": (a.declared(NOBODY), 10),
    "wrong credentials": (a.stranger, 5),
    "no permission": (a.fault("GET", "", "status", status=403), 5),
    "no permission for one of them": (a.fault("GET", a.HANDLERS, "status", status=403), 10),
    "a web page": (a.fault("GET", "", "html"), 10),
    "a project by a name that nobody has": (a.by_name("nowhere"), 3),
    "a project by its name, IAM forbids": (a.all_of(a.by_name(), a.fault("GET", a.PROJECTS, "status", status=403)), 10),
    "a project by its name, IAM fails": (a.all_of(a.by_name(), a.fault("GET", a.PROJECTS, "status", status=503)), 10),
    "a server that is gone": (a.gone, 12),
    "Ctrl-C": (a.interrupted("GET"), 130),
    "in sync": (a.in_sync, 0),
    "in sync, a project by its name": (a.all_of(a.by_name(), a.in_sync), 0),
    "nothing declared": (a.declared(), 6),
    "settings with a mistake": (a.settings("limit: 3"), 3),
}
# name, what is arranged, argv, code
ROWS = [
    *((f"{name}, {argv[:5].strip()}", arrange, argv, code) for name, (arrange, code) in COMPARING.items()
      for argv in ("plan --detailed-exitcode", "drift", "apply --yes")),
    ("one answer that is cut off", a.fault("GET", a.HANDLERS, "truncated"), "drift", 10),
    ("changes", a.as_it_is, "plan", 0),
    ("changes, if asked", a.as_it_is, "plan --detailed-exitcode", 2),
    ("changes saved", a.as_it_is, "plan --out p.json", 0),
    ("drift", a.as_it_is, "drift", 2),
    ("drift of a part", a.as_it_is, "drift --only SecretEvent", 2),
    ("drift beyond the limit is drift", a.declared(*NEW), "drift", 2),
    ("over the limit", a.declared(*NEW), "plan", 6),
    ("over the limit, saved", a.declared(*NEW), "plan --out p.json", 6),
    ("over the limit, sent", a.declared(*NEW), "apply --yes", 6),
    ("protected", a.settings("protected: ['SecurityRole/Aud*']"), "plan", 6),
    ("protected, sent", a.settings("protected: ['SecurityRole/Aud*']"), "apply --yes", 6),
    ("a thumbprint that nothing has", a.declared(NOWHERE), "plan", 0),
    ("a thumbprint that nothing has, as a change", a.declared(NOWHERE), "plan --detailed-exitcode", 2),
    ("a thumbprint that nothing has, as drift", a.declared(NOWHERE), "drift", 2),
    ("a thumbprint that nothing has, sent", a.declared(NOWHERE), "apply --yes", 9),
    ("built in", a.all_of(a.declared(BUILT_IN), UNPROTECTED), "plan", 0),
    ("built in, as a change", a.all_of(a.declared(BUILT_IN), UNPROTECTED), "plan --detailed-exitcode", 2),
    ("built in, saved", a.all_of(a.declared(BUILT_IN), UNPROTECTED), "plan --out p.json", 0),
    ("built in and protected, as by default", a.declared(BUILT_IN), "plan", 6),
    ("built in and protected, sent", a.declared(BUILT_IN), "apply --yes", 6),
    ("built in, sent", a.all_of(a.declared(BUILT_IN), UNPROTECTED), "apply --yes", 9),
    ("another request than is meant", a.declared(OTHER), "apply --yes", 9),
    ("applied", a.as_it_is, "apply --yes", 0),
    ("applied by risk", a.as_it_is, "apply --approve low,high", 0),
    ("more risk than approved", a.declared(NEW[0]), "apply --approve irreversible", 6),
    ("nobody to ask", a.as_it_is, "apply", 3),
    ("held by another run", a.held_by_another, "apply --yes", 8),
    ("held by another run, saved", a.saved(a.held_by_another), "apply plan.json", 8),
    ("held by another run, planned", a.held_by_another, "plan", 0),
    ("held by another run, drift", a.held_by_another, "drift", 2),
    ("held by another run, recovered", a.held_by_another, "recover", 8),
    ("held by another run, taken from it", a.held_by_another, "unlock 20261128T120000-0000feed", 0),
    ("held by another run, taken from none", a.held_by_another, "unlock 20261128T120000-0000fee", 3),
    ("taken over", a.as_it_is, "adopt", 0),
    ("taken over, written", a.as_it_is, "adopt --write", 0),
    ("taken over, of an object that is not there", a.declared(NEW[0]), "adopt", 10),
    ("nothing to take over", a.in_sync, "adopt --write", 0),
    ("no permission to take over", a.fault("GET", "", "status", status=403), "adopt", 5),
    ("nothing was done", a.as_it_is, "history", 0),
    ("a report that is not there", a.as_it_is, "merge part.json", 3),
    ("what leads nowhere", a.as_it_is, "report posture", 0),
    ("what leads nowhere, in part", a.fault("GET", "/Claims", "status", status=403), "report posture", 10),
    ("nothing is remembered", a.as_it_is, "state", 3),
    ("a store is made", a.as_it_is, "state init", 0),
    ("what one run did", a.in_sync, "history 2", 0),
    ("what nobody did", a.as_it_is, "history 2026", 3),
    ("taken back", a.in_sync, "undo 2 --out undo.json", 0),
    ("taken back, edited since", a.all_of(a.in_sync, a.renamed), "undo 2 --out undo.json", 7),
    ("taken back, but created", a.all_of(a.declared(NEW[0]), a.in_sync), "undo 2 --out undo.json", 6),
    ("taken back, no permission", a.all_of(a.in_sync, a.fault("GET", "", "status", status=403)),
     "undo 2 --out undo.json", 5),
    ("nothing open", a.as_it_is, "recover", 0),
    ("left open", a.left_open, "recover", 0),
    ("left open, and applied since", a.left_open, "apply --yes", 0),
    ("no such open step", a.left_open, "recover --settle x/1 applied", 3),
    ("no such outcome", a.left_open, "recover --settle x/1 done", 3),
    ("an edit by hand meanwhile", a.renamed_meanwhile, "apply --yes", 7),
    ("a write that is refused", a.fault("PUT", a.HANDLERS, "status", status=400), "apply --yes", 9),
    ("a write that is forbidden", a.fault("PUT", a.HANDLERS, "status", status=403), "apply --yes", 5),
    ("a write whose answer is lost", a.fault("PUT", a.HANDLERS, "drop_after"), "apply --yes", 0),
    ("Ctrl-C during a write", a.interrupted("PUT"), "apply --yes", 130),
    ("a saved plan", a.saved(), "apply plan.json", 0),
    ("a saved plan, shown", a.saved(a.gone), "show plan.json", 0),
    ("a saved plan, a second time", a.saved(a.in_sync), "apply plan.json", 0),
    ("a saved plan, by risk", a.saved(), "apply plan.json --approve irreversible", 6),
    ("a saved plan beyond the limit", a.saved(a.settings(NO_CHANGE)), "apply plan.json", 6),
    ("a saved plan, aimed elsewhere", a.saved(a.elsewhere), "apply plan.json", 6),
    ("a saved plan, the project by its name", a.all_of(a.by_name(), a.saved()), "apply plan.json", 0),
    ("a saved plan, the name is another's now", a.all_of(a.by_name(), a.saved(OTHER_PROJECT)), "apply plan.json", 6),
    ("a saved plan, the name is nobody's now", a.all_of(a.by_name(), a.saved(NO_PROJECT)), "apply plan.json", 3),
    ("a saved plan, IAM gone", a.all_of(a.by_name(), a.saved(SILENT)), "apply plan.json", 12),
    ("a saved plan, tampered with", a.saved(a.flipped), "apply plan.json", 7),
    ("a saved plan, tampered with, shown", a.saved(a.flipped), "show plan.json", 7),
    ("a saved plan whose base moved", a.saved(a.renamed), "apply plan.json", 7),
    ("a saved plan, server gone", a.saved(a.gone), "apply plan.json", 12),
    ("a saved plan, wrong credentials", a.saved(a.stranger), "apply plan.json", 5),
    ("a saved plan, refused", a.saved(a.fault("PUT", a.HANDLERS, "status", status=409)), "apply plan.json", 9),
    ("a saved plan beside a manifest", a.saved(), "apply plan.json manifests", 3),
    ("a saved plan among manifests", a.saved(a.misplaced), "validate", 4),
    ("valid without a server", a.gone, "validate", 0),
    ("doctor", a.as_it_is, "doctor", 0),
    ("doctor, wrong credentials", a.stranger, "doctor --target command", 5),
    ("doctor, server gone", a.gone, "doctor", 12),
    ("export", a.as_it_is, "export", 0),
    ("export of a part", a.as_it_is, "export --kind SecretEvent --match expiry*", 0),
    ("export into files", a.as_it_is, "export --out repository --split owner --csv", 0),
    ("export into files that are there", a.as_it_is, "export --out manifests/all.yaml", 3),
    ("export into files, server gone", a.gone, "export --out repository", 12),
    ("init", a.as_it_is, "init repository --csv --ci github", 0),
    ("init where something is", a.as_it_is, "init", 3),
    ("init, server gone", a.gone, "init repository", 0),
    ("init of a server that is gone", a.gone, "init repository --from server", 12),
    ("init, wrong credentials", a.stranger, "init repository", 5),
    ("init of what no manifest may hold", a.hostile, "init repository", 10),
    ("export of nothing", a.as_it_is, "export --match nobody", 3),
    ("export, wrong credentials", a.stranger, "export --kind EventHandler", 5),
    ("export, no permission", a.fault("GET", a.HANDLERS, "status", status=403), "export", 5),
    ("export, half an answer", a.fault("GET", a.HANDLERS, "html"), "export", 10),
    ("export of what no manifest may hold", a.hostile, "export", 10),
    ("export, server gone", a.gone, "export", 12),
    ("export, Ctrl-C", a.interrupted("GET"), "export", 130),
    ("unmanaged", a.as_it_is, "unmanaged", 0),
    ("unmanaged, told by the code", a.as_it_is, "unmanaged --detailed-exitcode", 2),
    ("unmanaged, nothing of a sort", a.as_it_is, "unmanaged --detailed-exitcode --only SecurityRole/Nobody*", 0),
    ("unmanaged, with broken manifests", a.declared(a.HANDLER, a.HANDLER), "unmanaged", 4),
    ("unmanaged, where nothing may be", a.as_it_is, "unmanaged --only RequestDenial", 3),
    ("unmanaged by labels", a.as_it_is, "unmanaged --label team=pki", 3),
    ("unmanaged, wrong credentials", a.stranger, "unmanaged --target command", 5),
    ("unmanaged, no permission", a.fault("GET", a.HANDLERS, "status", status=403), "unmanaged --only EventHandler", 5),
    ("unmanaged, a list that is missing", a.fault("GET", a.HANDLERS, "status", status=403), "unmanaged", 10),
    ("unmanaged, server gone", a.gone, "unmanaged", 12),
    ("unmanaged, Ctrl-C", a.interrupted("GET"), "unmanaged", 130),
]  # fmt: skip
CASES = [pytest.param(arrange, argv.split(), code, id=f"{code} {name}") for name, arrange, argv, code in ROWS]
CASES_IN_JSON = [
    case
    for number, (case, (_, _, argv, code)) in enumerate(zip(CASES, ROWS, strict=True))
    if argv.split()[0] not in REPORTING_COMMANDS
    or (argv.split()[0], code) not in {(earlier.split()[0], other) for _, _, earlier, other in ROWS[:number]}
]
"""All of the commands that write no report, and one of each command and code."""
DOCUMENT = "report.json"


@pytest.fixture
def world(folder: Path, run: Run) -> Iterator[a.World]:
    """A server, its settings, and three manifests that it does not fulfil."""
    (folder / "manifests").mkdir()
    with Simulator(certificates=12) as simulator, a.open_world(simulator, folder, run) as made:
        yield made


def _ended(world: a.World, argv: list[str]) -> tuple[int, str, str]:
    """Run a command; whatever it came to, its last word is the code's name, and it tells no secret."""
    code, stdout, stderr = world.run(argv)
    assert stderr.splitlines()[-1] == f"exit {code}: {Exit(code).word}"
    assert not [secret for secret in world.secrets if secret in stdout + stderr]
    assert "Traceback" not in stdout + stderr
    return code, stdout, stderr


@pytest.mark.parametrize(("arrange", "argv", "code"), CASES)
def test_each_outcome_in_words(world: a.World, arrange: a.Arrange, argv: list[str], code: int) -> None:
    """The code is the published one, and whatever is not simply fine is never called in sync; the report agrees."""
    arrange(world)
    before = world.sent()
    report = [f"--report=json={DOCUMENT}"] * (argv[0] in REPORTING_COMMANDS)
    ended, stdout, stderr = _ended(world, [*argv, *report])
    assert ended == code, stdout + stderr
    if code:
        assert "in sync:" not in stdout.lower()
    if code in {3, 4, 5, 6, 7, 10, 12} or argv[0] != "apply":
        assert world.sent() == before, "nothing may be sent"
    if report:
        _judge_document(json.loads((world.folder / DOCUMENT).read_text("utf-8")), code)


@pytest.mark.no_cover
@pytest.mark.parametrize(("arrange", "argv", "code"), CASES_IN_JSON)
def test_each_outcome_in_json(world: a.World, arrange: a.Arrange, argv: list[str], code: int) -> None:
    """stdout is one document of the published shape; it says the same, and names what is to be mended."""
    arrange(world)
    ended, stdout, stderr = _ended(world, [*argv, "--format", "json"])
    shown = json.loads(stdout)
    if shown["compared"]["of"]:
        assert f"compared {shown['compared']['objects']} of {shown['compared']['of']}" in stderr, "the gist"
    assert all(problem["source"] in stderr for problem in shown["problems"]), "a log names what is to be mended"
    assert ended == code
    _judge_document(shown, code)


def _judge_document(shown: dict[str, Any], code: int) -> None:
    REPORT.validate(shown)
    assert shown["outcome"] == {"code": code, "name": Exit(code).word}
    verdicts = {step["verdict"] for step in shown["steps"] if step["verdict"]}
    if code in {3, 4, 5, 6, 10, 12}:
        assert shown["problems"] or any(step.get("detail") for step in shown["steps"])
    if verdicts:
        told = sum(shown["summary"]["verdicts"].values())
        assert told == len(shown["steps"]), "each object counts once, however many fields of it change"
    assert ("stale" in verdicts) <= (code == 7)
    assert verdicts <= {"applied", "unchanged"} or code not in {0, 2}


def test_a_write_that_nobody_answers_is_unknown(world: a.World) -> None:
    """Silence is not taken for a failure: the server may have done it a moment later."""
    a.fault("PUT", a.HANDLERS, "drop")(world)
    code, stdout, _ = _ended(world, ["apply", "--yes", "--format", "json"])
    shown = json.loads(stdout)
    REPORT.validate(shown)
    assert (code, shown["steps"][0]["verdict"]) == (11, "unknown")
    assert {step["verdict"] for step in shown["steps"][1:]} == {"not_reached"}


def test_every_code_and_every_command_has_a_row() -> None:
    """Nobody adds a command or a code that this table doesn't know; the rest is in `test_outcomes`."""
    unused = {Exit.INTERNAL, Exit.UNKNOWN}
    assert {Exit(code) for _, _, _, code in ROWS} == set(Exit) - unused
    offline = {"schema", "explain", "kinds", "exit-codes", "completion", "demo", "simulate", "selftest"}
    offline |= {"policy", "render"}
    assert {argv.split()[0] for _, _, argv, _ in ROWS} >= set(cli.commands) - offline
