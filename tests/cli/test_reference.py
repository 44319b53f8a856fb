"""The built-in reference and the schemas: made of the models, so they can't be wrong about them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource

from reconciler.directives.registry import DIRECTIVES, join_kinds
from reconciler.documents.reader import read_documents
from reconciler.documents.value_meanings import list_values
from reconciler.kinds.registry import KINDS
from reconciler.manifests.document_schema import build_spec_schema
from reconciler.rules import RULES
from reconciler.schema import build_schemas
from tests.cli.conftest import Run

SCHEMAS = build_schemas(KINDS)
REGISTRY: Any = Registry().with_resources((name, Resource.from_contents(shape)) for name, shape in SCHEMAS.items())


def paths(kind: str) -> list[str]:
    """Return every field that `explain` should know, nested ones included."""
    whole = build_spec_schema(KINDS[kind])

    def below(node: dict[str, Any], prefix: str) -> list[str]:
        if "$ref" in node:
            node = whole["$defs"][node["$ref"].rpartition("/")[2]]
        if "items" in node:
            return below(node["items"], prefix)
        found = []
        for name, field in node.get("properties", {}).items():
            found += [f"{prefix}.{name}", *below(field, f"{prefix}.{name}")]
        return found

    return below(whole, kind)


@pytest.mark.parametrize("path", [path for kind in KINDS for path in [kind, *paths(kind)]])
def test_everything_that_can_be_written_can_be_explained(run: Run, path: str) -> None:
    """Each field has words, a type, and says whether it is required."""
    code, stdout, _ = run(["explain", path, "--format", "json"])
    said = json.loads(stdout)["explained"]
    assert not said.get("example", "").rstrip().endswith(":"), "an example shows something"
    assert code == 0
    assert said["path"] == path
    assert said["description"]
    assert said["type"]
    assert run(["explain", path])[1].startswith(f"{path}\n")


def test_a_field_reads_like_this(run: Run) -> None:
    """Words, type, allowed values, and where it stands in the example."""
    assert run(["explain", "SecurityRole.spec.claims.type"])[1] == (
        "SecurityRole.claims.type\n"
        "  The kind of claim; User, Group and Computer are Active Directory's.\n"
        "\n"
        "  type      string\n"
        "  one of    User, Group, Computer, OAuthOid, OAuthRole, OAuthSubject, OAuthClientId\n"
        "  required  yes\n"
        "\n"
        "values\n"
        "  value          meaning\n"
        "  User           a user of Active Directory, DOMAIN\\user\n"
        "  Group          a group of Active Directory, DOMAIN\\group\n"
        "  Computer       a computer of Active Directory, DOMAIN\\computer$\n"
        "  OAuthOid       the object id (oid) in a token; for applications of Entra ID use OAuthSubject\n"
        "  OAuthRole      a role or group that a token holds\n"
        "  OAuthSubject   whom a token is about (sub), such as an application or a person\n"
        "  OAuthClientId  the client that a token was given to\n"
        "\n"
        "example\n"
        "  - {type: OAuthRole, value: pki-operators, provider: Entra, description: PKI operators}\n"
    )


def test_all_rules_can_be_listed(run: Run) -> None:
    """As a table for people, as a member of the document for programs."""
    code, stdout, _ = run(["explain", "rules", "--format", "json"])
    assert code == 0
    assert json.loads(stdout)["rules"] == [{"rule": rule, "meaning": meaning} for rule, meaning in RULES.items()]
    code, stdout, _ = run(["explain", "rules"])
    heading, *lines = stdout.splitlines()
    assert code == 0
    assert heading.split() == ["rule", "meaning"]
    assert [line.split(maxsplit=1) for line in lines] == [[rule, meaning] for rule, meaning in RULES.items()]


def test_one_rule_can_be_explained(run: Run) -> None:
    """By its id, as it stands in a report."""
    rule = "manifest.unknown-field"
    assert run(["explain", rule])[1] == f"{rule}\n  {RULES[rule]}\n\n  type  rule\n"
    explained = json.loads(run(["explain", rule, "--format", "json"])[1])["explained"]
    assert explained == {"path": rule, "description": RULES[rule], "type": "rule"}


SETTINGS: dict[str, dict[str, Any]] = {
    "Settings": {"fields": "manifests"},
    "Settings.targets": {"values": "keyfactor", "fields": "csms.projectId"},
    "Settings.targets.prod.url": {"path": "Settings.targets.url"},
    "Settings.targets.timeout": {"at most": 600},
    "Settings.targets.prod.values": {"type": "mapping of names to strings"},
    "Settings.environments.prod.layers": {"type": "list of strings", "required": True},
    "Settings.environments.limits.SecurityRole.changes": {"at least": 0},
    "Settings.engine": {"fields": "dask"},
    "Settings.keyfactor.url": {"path": "Settings.targets.keyfactor.url", "required": True},
    "Settings.auth": {"path": "Settings.targets.auth", "values": "aksk", "fields": "oauth.tokenUrl"},
    "Settings.auth.password": {"fields": "domainId"},
    "Settings.targets.auth.oauth.clientSecret": {"fields": "command"},
    "Settings.targets.auth.oauth.clientSecret.env": {"description": "The name of an environment variable."},
    "Settings.auth.type": {"one of": ["basic", "bearer", "oauth", "aksk", "token", "password"], "values": "basic"},
    "Settings.state": {"if not said": ".reconciler/", "fields": "postgresql"},
    "Settings.state.git.ref": {"if not said": "refs/reconciler"},
    "Settings.plans.signed": {"values": "required"},
    "Settings.limits.SecurityRole.changes": {"at least": 0},
    "metadata": {"fields": "renamedFrom"},
    "metadata.labels": {"type": "mapping of names to strings"},
    "SecurityRole.metadata": {"fields": "renamedFrom"},
    "SecurityRole.metadata.renamedFrom": {"required": False},
    "SecretEvent.metadata.name": {"required": True},
    "SecretEvent.apiVersion": {"one of": ["reconciler/v1"], "values": "reconciler/v1"},
    "apiVersion": {"values": "reconciler/v1"},
    "kind": {"values": "SecurityRole"},
    "action": {"values": "deny"},
    "risk": {"values": "irreversible"},
    "verdict": {"values": "not_reached"},
}


@pytest.mark.parametrize("subject", SETTINGS)
def test_settings_and_what_is_around_a_spec_are_explained(run: Run, subject: str) -> None:
    """Down to each way to log in, and by the names that a reader has given to things."""
    code, stdout, _ = run(["explain", subject, "--format", "json"])
    explained = json.loads(stdout)["explained"]
    assert code == 0
    for name, expected in SETTINGS[subject].items():
        shown = explained[name]
        if isinstance(shown, list) and shown and isinstance(shown[0], dict):
            assert expected in {row.get("name", row.get("value")) for row in shown}
        else:
            assert shown == expected
    assert run(["explain", subject])[0] == 0


NOWHERE = {
    "Settings.foo": "Settings has no field 'foo'; known: apiVersion, kind, manifests, targets",
    "Settings.targets.ulr": "Settings.targets has no field 'ulr'; did you mean url?",
    "Settings.auth.oauth.tokenUri": "Settings.targets.auth.oauth has no field 'tokenUri'; did you mean tokenUrl?",
    "Settings.manifests.x": "Settings.manifests has no field 'x'; it is a plain value",
    "SecretEvent.metadata.renamedFrom": "has no field 'renamedFrom'; known: name, target, targets, labels",
    "metadata.nam": "metadata has no field 'nam'; did you mean name?",
    "Setings": "there is no kind 'Setings'; did you mean Settings?",
    "renamedFrom": "there is no kind 'renamedFrom'; it is a field: metadata.renamedFrom",
    "Clear": "it is a field: CertificateOwner.clear, EventHandler.clear, SecurityRole.clear",
    "limits": "it is a field: Settings.limits",
    "auth.oauth": "it is a field: Settings.auth",
    "OAuthRole": "it is a value of SecurityRole.claims.type",
    "enabled": "it is a field: EventHandler.enabled",
    "disabled": "it is a value of SecretEvent.state",
    "keyfactor": "it is a value of Settings.targets.api",
    "zzz": "Waiver, Settings, metadata, apiVersion, kind, targetValue, patch, action, risk, verdict, rules",
}


@pytest.mark.parametrize("subject", NOWHERE)
def test_a_path_that_leads_nowhere_is_told_with_what_there_is(run: Run, subject: str) -> None:
    """The nearest word, or all of them."""
    code, _, stderr = run(["explain", subject])
    assert code == 3
    assert NOWHERE[subject] in stderr


def test_without_a_word_all_that_can_be_explained_is_listed(run: Run) -> None:
    """Each of them is a word that `explain` takes."""
    rows = json.loads(run(["explain", "--format", "json"])[1])["subjects"]
    assert {row["subject"] for row in rows} == {*KINDS, *DIRECTIVES} | {
        *("Settings", "metadata", "apiVersion", "kind", "targetValue", "patch", "action", "risk", "verdict", "rules")
    }
    for row in rows:
        assert run(["explain", row["subject"]])[0] == 0
        assert row["what"] in run(["explain"])[1]


def find_nodes(node: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every mapping of a schema with its place."""
    if isinstance(node, dict):
        yield place, node
        for name, below in node.items():
            yield from find_nodes(below, f"{place}/{name}")
    elif isinstance(node, list):
        for index, below in enumerate(node):
            yield from find_nodes(below, f"{place}/{index}")


@pytest.mark.parametrize("name", [*KINDS, "settings"])
def test_every_value_that_can_be_written_says_what_it_means(run: Run, name: str) -> None:
    """In the JSON Schema for editors, but for those that are fields themselves, which have their own words."""
    schema = SCHEMAS[f"{name}.json"]
    bare = [
        place
        for place, node in find_nodes(schema)
        if (values := list_values(node))
        and len(list(filter(None, node.get("enumDescriptions", ())))) != len(values)
        and place != "/properties/kind"
        and not place.endswith(("/clear/items/anyOf/0", "/additive/items/anyOf/0"))
    ]
    assert bare == []
    for field in ("clear", "additive"):
        if field in schema["properties"].get("spec", {}).get("properties", {}):
            explained = json.loads(run(["explain", f"{name}.{field}", "--format", "json"])[1])["explained"]
            assert all(row["meaning"] for row in explained["values"])


def test_every_field_of_the_settings_has_words() -> None:
    """In the JSON Schema as well, which editors show."""
    schema = SCHEMAS["settings.json"]
    models = {"": schema, **schema["$defs"]}
    fields = [(f"{model}.{name}", field) for model in models for name, field in models[model]["properties"].items()]
    assert len(fields) > 60
    assert [place for place, field in fields if not field.get("description")] == []


@pytest.mark.parametrize("subject", ["manifest.unknown", "rule", "Rules", "manifest"])
def test_a_word_that_is_no_rule_is_looked_for_among_the_kinds(run: Run, subject: str) -> None:
    """With the words that an unknown kind gets."""
    code, _, stderr = run(["explain", subject])
    assert code == 3
    assert f"there is no kind {subject.partition('.')[0]!r}; " in stderr


def test_kinds_says_what_each_is_and_where_it_lives(run: Run) -> None:
    """API, limit, a sentence and the endpoint, for every file in the folder."""
    rows = {row["kind"]: row for row in json.loads(run(["kinds", "--format", "json"])[1])["kinds"]}
    assert set(rows) == {*KINDS, *DIRECTIVES}
    assert rows["CertificateOwner"]["limit"] == 500
    assert rows["SecurityRole"]["endpoint"] == "/Security/Roles"
    assert all(row["what"] and row["endpoint"].startswith("/") == (name in KINDS) for name, row in rows.items())


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_one(name: str) -> None:
    """Valid as a schema of its draft, named by itself, with references that lead somewhere."""
    shape = SCHEMAS[name]
    jsonschema.Draft202012Validator.check_schema(shape)
    assert shape["$id"] == name
    jsonschema.Draft202012Validator(shape, registry=REGISTRY).is_valid({"kind": "SecurityRole"})


@pytest.mark.parametrize("kind", join_kinds(KINDS))
def test_the_example_of_a_kind_fits_its_schema(kind: str) -> None:
    """By its own schema and by the one for editors; a misspelt field fits neither."""
    (document,) = read_documents(join_kinds(KINDS)[kind].example.encode(), "example.yaml")
    value = json.loads(json.dumps(document.value, default=str))
    for name in (f"{kind}.json", "manifest.json"):
        check = jsonschema.Draft202012Validator(SCHEMAS[name], registry=REGISTRY)
        check.validate(value)
        assert not check.is_valid({**value, "spec": {**value["spec"], "colour": "red"}})
        assert not check.is_valid({**value, "metadata": {**value["metadata"], "annotations": {}}})


def test_schemas_are_written_checked_and_found_stale(run: Run, folder: Path) -> None:
    """What was written is up to date; one byte off, one missing, and the names of both are told."""
    assert run(["schema", "--write", "s"])[0] == 0
    assert sorted(path.name for path in (folder / "s").iterdir()) == sorted(SCHEMAS)
    assert run(["schema", "--check", "s"])[0] == 0
    (folder / "s" / "plan.json").unlink()
    (folder / "s" / "settings.json").write_text("{}\n")
    code, _, stderr = run(["schema", "--check", "s"])
    assert code == 4
    assert [line.split(":")[0] for line in stderr.splitlines()] == ["s/plan.json", "s/settings.json", "exit 4"]
    assert "2 of them written" in run(["schema", "--write", "s"])[1]


def test_without_an_option_all_schemas_are_one_object(run: Run) -> None:
    """On stdout, as JSON, equal each time."""
    first, second = run(["schema"]), run(["schema"])
    assert first == second
    assert json.loads(first[1]) == SCHEMAS


def test_schemas_that_cannot_be_written_are_a_usage_error(run: Run, folder: Path) -> None:
    """A file where the folder should be."""
    (folder / "s").write_text("")
    assert run(["schema", "--write", "s"])[0] == 3


def test_a_kind_is_explained_with_what_the_settings_hold_it_to(run: Run, folder: Path) -> None:
    """Whoever gives every command the same --config gets no usage error; settings that can't be read are one."""
    limits = "limits: {SecurityRole: {changes: 3}}\nprotected: [SecurityRole/A*]\n"
    (folder / "r.yaml").write_text(f"apiVersion: reconciler/v1\nkind: Settings\n{limits}")
    explained = json.loads(run(["explain", "SecurityRole", "--config", "r.yaml", "--format", "json"])[1])["explained"]
    assert (explained["changes a run"], explained["protected"]) == (3, ["SecurityRole/A*"])
    for subject in ("SecretEvent", "SecurityRole.claims", "rules", "api.unreachable"):
        assert run(["explain", subject, "--config", "r.yaml"]) == run(["explain", subject])
    assert run(["explain", "SecurityRole", "--config", "nowhere.yaml"])[0] == 3
