"""`export --out`: a folder of manifests that a stranger reads, on which `plan` is empty, and nothing overwritten."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from reconciler.kinds.registry import KINDS
from reconciler.schema import build_schemas
from reconciler.simulator import Simulator
from tests.cli.conftest import Run

OWNERS = "certificate-owners"
HOSTILE_ROLES = [
    "=cmd|' /C calc'!A0",
    "a/b",
    "A B",
    "CON",
    "../../etc/passwd",
    "Prüfer",
    "证书",
    "x" * 250,
    "***",
    " padded ",
]
OWNERS_IN_TURN = [2, 4, *range(100, 100 + len(HOSTILE_ROLES))]
# how it is laid out, and files that tell it from the others
LAYOUTS = {
    "kind": ([f"{OWNERS}.yaml", "event-handlers.yaml", "secret-events.yaml", "security-roles.yaml"], f"{OWNERS}.csv"),
    "owner": ([f"{OWNERS}/web-team.yaml", "security-roles.yaml"], f"{OWNERS}/web-team.csv"),
    "object": ([f"{OWNERS}/web-team.yaml", "security-roles/pki-operators.yaml"], f"{OWNERS}/web-team.csv"),
}
EACH_LAYOUT = [
    pytest.param(split, tables, id=" ".join([split, *tables])) for split in LAYOUTS for tables in ([], ["--csv"])
]


@pytest.fixture
def server() -> Iterator[Simulator]:
    with Simulator(certificates=40) as simulator:
        yield simulator


def list_files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def configure(server: Simulator) -> list[str]:
    return ["--config", str(server.credentials["settings"])]


def make_odd(server: Simulator) -> None:
    """Give the world what makes files and tables difficult: names, owners, and thumbprints that are none."""
    world = server.world
    with server.lock:
        for number, name in enumerate(HOSTILE_ROLES, 100):
            world.roles[number] = {**world.roles[2], "Id": number, "Name": name, "Immutable": False}
        for certificate, row in list(world.certificates.items()):
            odd = {15: {"thumbprint": ""}, 16: {"cn": '=HYPERLINK("http://x","y")'}, 17: {"cn": "\x1b[2J"}}
            changes = {"owner": OWNERS_IN_TURN[certificate % len(OWNERS_IN_TURN)], **odd.get(certificate, {})}
            world.certificates[certificate] = row._replace(**changes)


@pytest.mark.parametrize(("split", "tables"), EACH_LAYOUT)
@pytest.mark.parametrize("is_odd", [False, True], ids=["as it is", "odd"])
def test_a_plan_on_the_folder_is_empty(
    run: Run, folder: Path, server: Simulator, split: str, tables: list[str], is_odd: bool
) -> None:
    """However it is laid out, with every kind in it; and nothing beside what the layout says is written."""
    config = configure(server)
    if is_odd:
        make_odd(server)
    code, stdout, stderr = run(["export", "--out", "repo/pki", "--split", split, *tables, *config])
    assert code == 0, stderr
    planned = json.loads(run(["plan", "repo/pki", "--detailed-exitcode", "--format", "json", *config])[1])
    printed = run(["export", *config])[1]
    (folder / "one.yaml").write_text(printed)
    whole = json.loads(run(["plan", "one.yaml", "--format", "json", *config])[1])

    assert planned["outcome"]["code"] == 0
    assert planned["compared"] == whole["compared"], "as much as the text of an export has"
    quoted = [note for note in planned["notes"] if "starts or ends with a space" not in note["message"]]
    assert [note for note in quoted if "passed over" in note["message"]] == []
    files = list_files(folder / "repo" / "pki")
    expected, table = LAYOUTS[split]
    assert {*expected, *([table] if tables else ())} <= set(files)
    assert [path for path in files if path.endswith(".csv")] == [] or tables
    assert all(path in stdout for path in files)
    assert sorted(list_files(folder)) == sorted(["one.yaml", *(f"repo/pki/{path}" for path in files)])
    assert server.ledger == []


def test_owners_that_a_spreadsheet_would_run_stay_in_yaml(run: Run, folder: Path, server: Simulator) -> None:
    """And a name for people is made harmless, since nobody reads it back."""
    make_odd(server)
    run(["export", "--out", "m", "--csv", "--kind", "CertificateOwner", *configure(server)])
    rows = list(csv.DictReader((folder / "m" / f"{OWNERS}.csv").read_text("utf-8").splitlines()))
    manifest = (folder / "m" / f"{OWNERS}.yaml").read_text("utf-8")

    assert {"a/b", "A B", "CON", "Prüfer", "证书", "PKI Operators"} <= {row["owner"] for row in rows}
    assert not {"=cmd|' /C calc'!A0", " padded "} & {row["owner"] for row in rows}
    assert "owner: \"=cmd|' /C calc'!A0\"\n" in manifest
    assert "ids:\n" in manifest, "the certificate without a thumbprint"
    names = {row["name"] for row in rows}
    assert {'\'=HYPERLINK("http://x","y")', "\\x1b[2J"} <= names
    assert not [cell for row in rows for cell in row.values() if cell[:1] in {"=", "+", "-", "@"}]


def test_two_exports_are_byte_equal_whatever_the_order_of_answers(run: Run, folder: Path) -> None:
    """So that a second one is a Git diff of what changed."""
    trees: list[dict[str, bytes]] = []
    for order in (1, -1):
        with Simulator(certificates=40) as server:
            with server.lock:
                for store in (server.world.roles, server.world.handlers, server.world.events):
                    items = list(store.items())[::order]
                    store.clear()
                    store.update(items)  # type: ignore[arg-type]
            out = f"m{order}"
            assert run(["export", "--out", out, *configure(server)])[0] == 0
            trees.append({path: (folder / out / path).read_bytes() for path in list_files(folder / out)})
    assert trees[0] == trees[1]


def test_several_targets_of_an_api_have_a_folder_each(run: Run, folder: Path, server: Simulator) -> None:
    """Each document names its target, and the one target of the other API has a folder, too."""
    text = Path(server.credentials["settings"]).read_text()
    command = text[text.index("  command:") : text.index("  csms:")]
    settings = folder / "reconciler.yaml"
    settings.write_text(text.replace(command, command + command.replace("  command:", "  dev:", 1)))
    code, _, stderr = run(["export", "--out", "m"])

    assert code == 0, stderr
    kinds = [f"{name}.yaml" for name in (OWNERS, "event-handlers", "security-roles")]
    both = [f"{target}/{name}" for target in ("command", "dev") for name in kinds]
    assert list_files(folder / "m") == sorted([*both, "csms/secret-events.yaml"])
    assert run(["plan", "m", "--detailed-exitcode"])[0] == 0


def test_what_was_left_out_is_told_at_the_head_of_its_kind(run: Run, folder: Path, server: Simulator) -> None:
    """In the file, on stderr and by the code."""
    with server.lock:
        server.world.roles[2]["Name"] = "a\x1b[2Jb"
    code, _, stderr = run(["export", "--out", "m", "--kind", "SecurityRole", *configure(server)])
    assert (code, "U+001B" in stderr) == (10, True)
    assert (folder / "m/security-roles.yaml").read_text().startswith("# SecurityRole/a\\x1b[2Jb is left out: ")


def test_files_in_the_way_are_all_named_and_nothing_is_written(run: Run, folder: Path, server: Simulator) -> None:
    """Those of the same bytes are in nobody's way; links are, wherever they lead."""
    config = configure(server)
    assert run(["export", "--out", "m", "--split", "owner", *config])[0] == 0
    again = json.loads(run(["export", "--out", "m", "--split", "owner", "--format", "json", *config])[1])
    assert [file["path"] for file in again["files"] if file["written"]] == []

    before = {path: (folder / "m" / path).read_bytes() for path in list_files(folder / "m")}
    (folder / "m/event-handlers.yaml").write_text("# mine\n")
    (folder / "m/security-roles.yaml").unlink()
    (folder / "m/security-roles.yaml").symlink_to(folder / "elsewhere.yaml")
    (folder / "m/secret-events.yaml").unlink()
    (folder / "m" / OWNERS).rename(folder / "others")
    (folder / "m" / OWNERS).symlink_to(folder / "others")
    code, stdout, stderr = run(["export", "--out", "m", "--split", "owner", *config])

    assert (code, stdout) == (3, "")
    named = [line.partition(":")[0] for line in stderr.splitlines()[:-1]]
    assert named == [f"m/{OWNERS}", "m/event-handlers.yaml", "m/security-roles.yaml"]
    assert "nothing was written" in stderr
    assert not (folder / "m/secret-events.yaml").exists()
    assert not (folder / "elsewhere.yaml").exists()
    assert before[f"{OWNERS}/web-team.yaml"] == (folder / "others/web-team.yaml").read_bytes()


def test_manifests_that_are_no_part_of_it_are_told(run: Run, folder: Path, server: Simulator) -> None:
    """Such as that of an object which is gone since: a plan would make it again."""
    config = configure(server)
    argv = ["export", "--out", "m/", "--kind", "SecurityRole", "--split", "object", *config]
    assert "no part of this export" not in run(argv)[2]
    with server.lock:
        server.world.roles[2]["Name"] = "Renamed"
    code, _, stderr = run(argv)
    assert (code, stderr.count("no part of this export: m/security-roles/pki-operators.yaml;")) == (0, 1)


# argv beyond `export`, what is there before, and a word of what is told
REFUSED = {
    "a split of nothing": (["--split", "kind"], "", "name a folder with --out"),
    "a table of nothing": (["--csv"], "", "name a folder with --out"),
    "an unknown split": (["--out", "m", "--split", "team"], "", "team"),
    "a folder that is a file": (["--out", "m"], "m", "is no folder"),
    "a folder below a file": (["--out", "m/n"], "m", "can't be written"),
    "the folder of the settings": (["--out", "."], "", "inside the manifest folder"),
}


@pytest.mark.parametrize(("argv", "file", "word"), REFUSED.values(), ids=REFUSED)
def test_what_can_not_be_written_is_a_mistake_of_the_command_line(
    run: Run, folder: Path, server: Simulator, argv: list[str], file: str, word: str
) -> None:
    """Told, and nothing is written."""
    (folder / "reconciler.yaml").write_text(Path(server.credentials["settings"]).read_text())
    if file:
        (folder / file).write_text("")
    code, _, stderr = run(["export", *argv])
    assert (code, word in stderr) == (3, True), stderr
    assert list_files(folder) == sorted(["reconciler.yaml", *([file] if file else [])])


def test_the_document_lists_the_files_and_what_is_in_each(run: Run, server: Simulator) -> None:
    """With the counts of documents, rows and objects; without --out it has the text."""
    config = [*configure(server), "--format", "json"]
    written = json.loads(run(["export", "--out", "m", "--csv", *config])[1])
    printed = json.loads(run(["export", *config])[1])

    for document in (written, printed):
        jsonschema.validate(document, build_schemas(KINDS)["report.json"])
    files = {file.pop("path"): file for file in written["files"]}
    rows = files[f"{OWNERS}.csv"]["rows"]
    assert files[f"{OWNERS}.csv"] == {"documents": 0, "rows": rows, "objects": rows, "written": True}
    assert files[f"{OWNERS}.yaml"] == {"documents": 1, "rows": 0, "objects": 0, "written": True}
    assert files["security-roles.yaml"] == {"documents": 8, "rows": 0, "objects": 8, "written": True}
    assert "kind: SecurityRole\n" in printed["manifests"]
