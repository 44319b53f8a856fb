"""What `render` prints of layers can be read as manifests of one layer, and says the same; and it says who decided."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.diagnostics import Source
from reconciler.engine.rendering import RenderedManifests, gather_documents
from reconciler.errors import InvalidError
from reconciler.kinds.kind import Wanted
from reconciler.manifests.declared_target import DeclaredTarget
from reconciler.manifests.load import LoadedManifests
from reconciler.reports.rendered import encode_rendered, render_documents
from tests.manifests.test_layers import MERGES, TARGETS, TOPIC, document, load_layers

EU = DeclaredTarget("csms", {"env": "prod"}, {"topic": "a-b"})
ALL = ["eu", "us", "ap"]
FLEET = TARGETS | {"eu": EU, "us": EU._replace(values={"topic": "1"}), "ap": EU._replace(labels={})}


def render(loaded: LoadedManifests) -> RenderedManifests:
    """Return all that was loaded, as the command has it."""
    return RenderedManifests("prod", gather_documents([*loaded.documents, *loaded.directives]), ())


def forget_places(wanted: Wanted) -> Wanted:
    """Return a document as it would be if it stood somewhere else."""
    return replace(wanted, source=Source("manifest"))


def check_same(folder: Path, loaded: LoadedManifests) -> str:
    """Load what is rendered as a single layer: it declares the same, and is rendered alike."""
    text = render_documents(render(loaded))
    again = load_layers(folder, [text], FLEET)
    assert [forget_places(other) for other in again.documents] == [forget_places(other) for other in loaded.documents]
    assert again.digest == loaded.digest
    strip = [line.partition("  # ")[0] for line in text.splitlines() if not line.startswith("# layers")]
    lines = render_documents(render(again)).splitlines()
    assert [line.partition("  # ")[0] for line in lines if not line.startswith("# layers")] == strip
    return text


def test_what_is_rendered_declares_the_same(tmp_path: Path) -> None:
    """Whatever a patch does; for many targets, with values of each, and with directives."""
    parts = [
        [
            document(kind, part, f"n{number}", metadata={} if number % 2 else {"labels": {"a": "# b"}})
            for part in (low, high)
        ]
        for number, (kind, low, high, _) in enumerate(MERGES.values())
        if kind not in {"EventHandler", "SecretEvent"}
    ]
    parts.append(
        [
            document(
                "SecretEvent",
                {"notification": TOPIC | {"targetName": {"targetValue": "topic"}}},
                metadata={"targets": ["eu", "us", "ap"]},
            ),
            document("SecretEvent", {"state": "ENABLED"}, metadata={"targets": {"env": "prod"}}),
        ]
    )
    parts.append(
        [
            document("Acknowledgement", {"object": "SecretEvent/x", "until": "2027-01-31", "reason": "r"}),
            document("Acknowledgement", {"fields": ["state"]}),
        ]
    )
    parts.append(
        [
            document("SecurityRole", {"description": "d"}, "new", metadata={"renamedFrom": "old"}),
            document("SecurityRole", {"description": "e"}, "new"),
        ]
    )
    # One at a time: two documents about one certificate would clash.
    for number, part in enumerate(parts):
        text = check_same(tmp_path / f"{number}.again", load_layers(tmp_path / str(number), part, FLEET))
        assert "# layers: 0, 1\n" in text


TEXTS = st.sampled_from(["a", "# b", "c: d", "ja", "1", "yes", "e  # f"])
ROLES = st.fixed_dictionaries(
    {}, optional={"description": TEXTS, "permissionSet": TEXTS, "additive": st.just(["permissions"])}
)
RIGHTS = st.lists(st.sampled_from(["/a/", "/b/", "/c/"]), unique=True, min_size=1)


@settings(max_examples=15)
@given(roles=st.lists(st.tuples(ROLES, RIGHTS), min_size=1, max_size=3))
def test_a_role_is_rendered_as_its_layers_have_it(roles: list[tuple[dict[str, Any], list[str]]]) -> None:
    """Texts that look like comments or numbers stay what they are."""
    layers = [document("SecurityRole", {**fields, "permissions": rights}) for fields, rights in roles]
    with TemporaryDirectory() as folder:
        try:
            loaded = load_layers(Path(folder) / "layers", layers, FLEET)
        except InvalidError:
            # Listed twice, or of no use to a server: what is wrong is told elsewhere.
            return
        check_same(Path(folder) / "again", loaded)


def test_a_document_is_there_once_with_its_targets_and_origins(tmp_path: Path) -> None:
    """Where all is of one document once for the list, and of a list that gained for each member."""
    role = "apiVersion: reconciler/v1\nkind: SecurityRole\nmetadata: {name: x}\nspec:\n"
    layers = [
        f"{role}  permissions: [/a/]\n  claims:\n  - {{type: OAuthRole, value: a, provider: P}}\n",
        f"{role}  additive: [claims]\n  claims:\n  - {{type: OAuthRole, value: b, provider: P}}\n",
    ]
    rendered = render(load_layers(tmp_path, layers))
    assert render_documents(rendered) == (
        "# layers: 0, 1\napiVersion: reconciler/v1\nkind: SecurityRole\nmetadata:\n  name: x\n  targets:\n"
        "    - command\nspec:\n  permissions:  # 0/a.yaml:5\n    - /a/\n"
        "  claims:  # 1/a.yaml:6, over 0/a.yaml:6\n"
        "    - type: OAuthRole  # 0/a.yaml:7\n      value: a\n      provider: P\n"
        "    - type: OAuthRole  # 1/a.yaml:7\n      value: b\n      provider: P\n"
    )
    (encoded,) = json.loads(json.dumps(encode_rendered(rendered)))["documents"]
    assert (encoded["kind"], encoded["name"], encoded["targets"], encoded["layers"]) == (
        "SecurityRole",
        "x",
        ["command"],
        ["0", "1"],
    )
    assert encoded["origins"] == {
        "permissions": {"source": "0/a.yaml:5:3", "overridden": []},
        "claims": {"source": "1/a.yaml:6:3", "overridden": ["0/a.yaml:6:3"]},
        "claims[0]": {"source": "0/a.yaml:7:5", "overridden": []},
        "claims[1]": {"source": "1/a.yaml:7:5", "overridden": []},
    }
