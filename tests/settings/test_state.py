"""`state:` in the settings: where runs are remembered."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from reconciler.credentials.sources import FromEnvironment
from reconciler.diagnostics import Source
from reconciler.errors import AuthError, UsageError
from reconciler.kinds.registry import KINDS
from reconciler.settings.load import load_settings
from reconciler.settings.model import DatabaseOrigin, StateSettings
from reconciler.settings.schema import SettingsFile
from reconciler.settings.state_location import resolve_location, write_pin
from reconciler.state.locations import DatabaseState, GitState, LocalState

HEAD = "apiVersion: reconciler/v1\nkind: Settings\n"
ID = "0123456789abcdef" * 2
HERE = Path("/FOLDER")
BODIES = HERE / ".reconciler/bodies"
MEANINGS = {
    ".reconciler/": StateSettings(LocalState(HERE / ".reconciler")),
    "../x": StateSettings(LocalState(Path("/x"))),
    "{}": StateSettings(LocalState(HERE / ".reconciler")),
    f"{{id: {ID}, keep: 400d}}": StateSettings(LocalState(HERE / ".reconciler"), ID, 400),
    "{sqlite: {folder: /mnt/x, network: accepted}}": StateSettings(LocalState(Path("/mnt/x"), network_accepted=True)),
    "{postgresql: {url: {env: DB}}}": StateSettings(DatabaseOrigin(FromEnvironment("DB"))),
    "{git: {}}": StateSettings(GitState(HERE, "origin", "refs/reconciler", BODIES)),
    "{git: {}, key: {env: K}}": StateSettings(
        GitState(HERE, "origin", "refs/reconciler", BODIES), key=FromEnvironment("K")
    ),
    f"{{git: {{remote: up, ref: refs/heads/reconciler-state}}, id: {ID}}}": StateSettings(
        GitState(HERE, "up", "refs/heads/reconciler-state", BODIES), ID
    ),
}
MISTAKES = {
    "{git: {}, sqlite: {}}": ("3:1", "one place"),
    "{postgresql: {url: 'postgresql://u:hunter22@h/x'}}": ("3:27", "never written into a file"),
    "{postgresql: {}}": ("3:", "url"),
    "{git: {ref: heads/x}}": ("3:20", "ref"),
    "{git: {ref: refs/}}": ("3:20", "ref"),
    "{git: {ref: refs/x/../y}}": ("3:20", "ref"),
    "{id: ABC}": ("3:13", "id"),
    "{keep: 400}": ("3:15", "keep"),
    "{keep: 0d}": ("3:15", "keep"),
    "{key: hunter22}": ("3:14", "never written into a file"),
    "{mysql: {}}": ("3:9", "mysql"),
    "{sqlite: {network: yes}}": ("3:27", "network"),
    "'~/x'": ("3:8", "`~` is not expanded"),
    "7": ("3:8", "state"),
}


def read(folder: Path, text: str) -> StateSettings:
    (folder / "reconciler.yaml").write_text(f"{HEAD}state: {text}\n", "utf-8")
    return load_settings(None, env={}, cwd=folder, kinds=KINDS).state


@pytest.mark.parametrize("text", MEANINGS)
def test_a_place_is_said_in_one_way(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "FOLDER"
    folder.mkdir()
    expected = repr(MEANINGS[text]).replace("/FOLDER", str(folder))
    if text == "../x":
        expected = expected.replace("'/x'", f"'{tmp_path}/x'")
    assert repr(read(folder, text)) == expected


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_told_where_it_stands_and_no_secret_is(tmp_path: Path, text: str) -> None:
    place, words = MISTAKES[text]
    with pytest.raises(UsageError) as caught:
        read(tmp_path, text)
    (problem,) = map(str, caught.value.problems)
    assert problem.startswith(f"reconciler.yaml:{place}")
    assert words in problem
    assert "hunter22" not in problem


@pytest.mark.parametrize("text", [*MEANINGS, *MISTAKES])
def test_an_editor_takes_what_the_tool_takes(text: str) -> None:
    if text == "'~/x'":
        return  # a path that a shell would expand is text to an editor
    document = yaml.safe_load(f"{HEAD}state: {text}")
    validator = jsonschema.Draft202012Validator(json.loads(json.dumps(SettingsFile.model_json_schema(by_alias=True))))
    assert validator.is_valid(document) is (text in MEANINGS)


def test_the_url_of_a_database_is_fetched_when_it_is_needed() -> None:
    state, source = StateSettings(DatabaseOrigin(FromEnvironment("DB"))), Source("reconciler.yaml")
    assert resolve_location(state, {"DB": "postgresql://h/x"}, source) == DatabaseState("postgresql://h/x")
    with pytest.raises(AuthError, match=r"state: postgresql.url: the environment variable DB is not set"):
        resolve_location(state, {}, source)
    git = GitState(Path("/x"))
    assert resolve_location(StateSettings(git), {}, source) is git


@pytest.mark.parametrize("identity", ["0" * 32, "1" * 32, "1e" + "1" * 30, "c0ffee" + "0" * 26])
def test_the_line_that_pins_a_store_is_read_as_it_was_meant(tmp_path: Path, identity: str) -> None:
    """An id of digits alone is a number to YAML."""
    before = read(tmp_path, "kept/")
    pin = write_pin(load_settings(None, env={}, cwd=tmp_path, kinds=KINDS), identity)
    after = read(tmp_path, pin.removeprefix("state: "))
    assert (after.id, after.place) == (identity, before.place)
