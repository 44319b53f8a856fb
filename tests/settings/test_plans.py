"""`plans:` in the settings: how long a saved plan keeps, how it is signed, and what is no way to say so."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest
import yaml

from reconciler.credentials.sources import FromEnvironment, FromFile
from reconciler.errors import InvalidValueError, UsageError
from reconciler.kinds.registry import KINDS
from reconciler.settings.durations import parse_duration
from reconciler.settings.load import load_settings
from reconciler.settings.model import Ed25519Signing, HmacSigning, PlanSettings, SignerCommands
from reconciler.settings.schema import SettingsFile

HEAD = "apiVersion: reconciler/v1\nkind: Settings\n"
HERE = Path("/FOLDER")
SIGN, VERIFY = ("x", "{file}", "--out={signature}"), ("x", "{signature}", "{file}")
MEANINGS = {
    "{}": PlanSettings(),
    "{maxAge: 72h}": PlanSettings(timedelta(hours=72)),
    "{maxAge: 90m}": PlanSettings(timedelta(minutes=90)),
    "{maxAge: 3d}": PlanSettings(timedelta(days=3)),
    "{key: {env: K}}": PlanSettings(signing=HmacSigning(FromEnvironment("K"))),
    "{signed: required, key: {env: K}}": PlanSettings(
        signing=HmacSigning(FromEnvironment("K")), signature_required=True
    ),
    "{ed25519: {privateKey: {file: a.key}, publicKey: a.pub}}": PlanSettings(
        signing=Ed25519Signing(FromFile(HERE / "a.key"), HERE / "a.pub")
    ),
    "{signed: required, ed25519: {publicKey: a.pub}}": PlanSettings(
        signing=Ed25519Signing(None, HERE / "a.pub"), signature_required=True
    ),
    "{signer: {sign: [x, '{file}', '--out={signature}'], env: [TOKEN]}}": PlanSettings(
        signing=SignerCommands(SIGN, (), HERE, ("TOKEN",))
    ),
    "{signed: required, signer: {verify: [x, '{signature}', '{file}']}}": PlanSettings(
        signing=SignerCommands((), VERIFY, HERE), signature_required=True
    ),
}
MISTAKES = {
    "{maxAge: 72}": ("3:17", "maxAge"),
    "{maxAge: 0h}": ("3:17", "such as 30m, 72h or 5d"),
    "{maxAge: 3w}": ("3:17", "such as 30m, 72h or 5d"),
    "{maxAge: -1h}": ("3:17", "such as 30m, 72h or 5d"),
    "{signed: true}": ("3:17", "signed"),
    "{signed: required}": ("3:1", "nothing says how they are verified"),
    "{signed: required, signer: {sign: [x, '{file}', '{signature}']}}": ("3:1", "nothing says how they are verified"),
    "{key: {env: K}, ed25519: {publicKey: p}}": ("3:1", "signed in one way"),
    "{key: {env: K}, signer: {verify: [x, '{file}', '{signature}']}}": ("3:1", "signed in one way"),
    "{key: hunter22}": ("3:14", "never written into a file"),
    "{ed25519: {privateKey: hunter22}}": ("3:", "never written into a file"),
    "{ed25519: {}}": ("3:", "how to sign, how to verify, or both"),
    "{ed25519: {publicKey: ~/p}}": ("3:", "`~` is not expanded"),
    "{signer: {}}": ("3:", "how to sign, how to verify, or both"),
    "{signer: {sign: [x]}}": ("3:", "sign"),
    "{signer: {sign: [x, '{file}']}}": ("3:", "{signature}"),
    "{signer: {verify: ['{file}', '{signature}']}}": ("3:", "{file}"),
    "{signer: {sign: 'x {file} {signature}'}}": ("3:", "sign"),
    "{gpg: {}}": ("3:9", "gpg"),
}
NOT_IN_THE_SCHEMA = (
    "{signer: {sign: [x, '{file}']}}",
    "{signer: {verify: ['{file}', '{signature}']}}",
    "{ed25519: {publicKey: ~/p}}",
)
"""What only the tool sees: what stands inside a text."""


def read(folder: Path, text: str) -> PlanSettings:
    (folder / "reconciler.yaml").write_text(f"{HEAD}plans: {text}\n", "utf-8")
    return load_settings(None, env={}, cwd=folder, kinds=KINDS).plans


@pytest.mark.parametrize("text", MEANINGS)
def test_plans_are_settled_in_words(tmp_path: Path, text: str) -> None:
    assert repr(read(tmp_path, text)) == repr(MEANINGS[text]).replace("/FOLDER", str(tmp_path))


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_in_plans_is_told_where_it_stands_and_no_key_is(tmp_path: Path, text: str) -> None:
    place, words = MISTAKES[text]
    with pytest.raises(UsageError) as caught:
        read(tmp_path, text)
    (problem,) = map(str, caught.value.problems)
    assert problem.startswith(f"reconciler.yaml:{place}")
    assert words in problem
    assert "hunter22" not in problem


@pytest.mark.parametrize("text", [*MEANINGS, *MISTAKES])
def test_an_editor_takes_the_plans_that_the_tool_takes(text: str) -> None:
    if text in NOT_IN_THE_SCHEMA:
        return
    document = yaml.safe_load(f"{HEAD}plans: {text}")
    validator = jsonschema.Draft202012Validator(json.loads(json.dumps(SettingsFile.model_json_schema(by_alias=True))))
    assert validator.is_valid(document) is (text in MEANINGS)


@pytest.mark.parametrize("text", ["", "h", "1", "1 h", "1h ", "1h\n", "1.5h", "-1h", "1000000d", "٣d", "1H"])
def test_nothing_else_is_a_duration(text: str) -> None:
    with pytest.raises(InvalidValueError, match="such as 30m, 72h or 5d"):
        parse_duration(text)
