"""Signing and verifying saved plans as the settings say, on files: each method, and whatever can be wrong with one."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.credentials.sources import FromEnvironment, FromFile
from reconciler.diagnostics import Diagnostic
from reconciler.engine.declaration import RunInputs, RunOptions
from reconciler.engine.plan_signing import find_sign
from reconciler.engine.saved_plans import PlanDemands, read_approved_plan, write_plan_file
from reconciler.errors import AuthError, ReconcilerError, UsageError
from reconciler.kinds.registry import KINDS
from reconciler.plans.planfile import SavedPlan, build_saved_plan
from reconciler.settings.model import Ed25519Signing, HmacSigning, PlanSettings, Settings, SignerCommands, StateSettings
from reconciler.state.locations import LocalState
from tests.plans.test_signatures import ONE, OTHER
from tests.support.plan_files import NOON, STAMP, dump, seal, small
from tests.support.sample_plans import TODAY

ENV = {"PLAN_KEY": "k" * 32, "OTHER_KEY": "hunter22" * 4, "SIGNER_KEY": "s3cret", "PATH": "/usr/bin:/bin"}
PROGRAM = """\
import hashlib, hmac, os, pathlib, sys
task, file, signature = sys.argv[1], *map(pathlib.Path, sys.argv[2:])
value = hmac.digest(os.environ["SIGNER_KEY"].encode(), file.read_bytes(), "sha256")
if task == "sign":
    signature.write_bytes(value)
sys.exit(0 if signature.read_bytes() == value else 9)
"""
Method = HmacSigning | Ed25519Signing | SignerCommands | None
METHODS: Mapping[str, Callable[[Path], tuple[Method, Method]]] = {
    # how the job that plans signs, and how the one that applies verifies
    "hmac-sha256": lambda _: (HmacSigning(FromEnvironment("PLAN_KEY")), HmacSigning(FromEnvironment("PLAN_KEY"))),
    "ed25519": lambda folder: (
        Ed25519Signing(FromFile(folder / "plan.key"), folder / "nowhere"),
        Ed25519Signing(FromEnvironment("NOT_SET"), folder / "plan.pub"),
    ),
    "program": lambda folder: (make_commands(folder, "sign"), make_commands(folder, "verify")),
}
each_method = pytest.mark.parametrize("method", METHODS)


def make_commands(folder: Path, *tasks: str) -> SignerCommands:
    commands = {task: (sys.executable, "signer.py", task, "{file}", "{signature}") for task in tasks}
    return SignerCommands(commands.get("sign", ()), commands.get("verify", ()), folder, ("SIGNER_KEY",))


def settings(signing: Method, *, required: bool = False) -> Settings:
    plans = PlanSettings(signing=signing, signature_required=required)
    return Settings(None, Path("/nowhere"), StateSettings(LocalState(Path("/nowhere"))), plans=plans)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Keys and a program."""
    (tmp_path / "plan.key").write_bytes(ONE.private)
    (tmp_path / "plan.key").chmod(0o600)
    (tmp_path / "plan.pub").write_bytes(ONE.public)
    (tmp_path / "signer.py").write_text(PROGRAM)
    return tmp_path


def save(folder: Path, signing: Method, name: str = "p.json", env: Mapping[str, str] = ENV) -> None:
    chosen = settings(signing)
    data, _ = build_saved_plan(small(), STAMP, find_sign(chosen, env))
    write_plan_file(folder / name, data, chosen, env)


def read(folder: Path, chosen: Settings, env: Mapping[str, str] = ENV) -> tuple[SavedPlan, list[Diagnostic]]:
    inputs = RunInputs(env, folder, TODAY, KINDS)
    approved = read_approved_plan(inputs, chosen, RunOptions(), "p.json", PlanDemands(), NOON)
    return approved.saved_plan, [note for note in approved.notes if note.rule != "plan.no-manifests"]


def refuse(folder: Path, chosen: Settings, env: Mapping[str, str] = ENV) -> ReconcilerError:
    with pytest.raises(ReconcilerError) as caught:
        read(folder, chosen, env)
    assert not any(secret in str(caught.value.problems[0]) for secret in ENV.values() if secret != ENV["PATH"])
    return caught.value


@each_method
@pytest.mark.parametrize("required", [True, False])
def test_a_plan_that_is_signed_is_applied(folder: Path, method: str, required: bool) -> None:
    signing, verifying = METHODS[method](folder)
    save(folder, signing)
    saved_plan, notes = read(folder, settings(verifying, required=required))

    assert saved_plan.plan == small()
    assert saved_plan.signed_by == (Path(sys.executable).name if method == "program" else method)
    assert not notes
    assert (folder / "p.json.sig").exists() is (method == "program")
    left = {"plan.key", "plan.pub", "signer.py", "p.json", "p.json.sig"}
    assert {path.name for path in folder.iterdir()} <= left


def change_content(folder: Path) -> None:
    """Seal it anew: whoever can read the tool can do that."""
    (folder / "p.json").write_bytes(seal({**json.loads((folder / "p.json").read_bytes()), "nonce": "f" * 32}))


def strip(folder: Path) -> None:
    (folder / "p.json").write_bytes(dump(small()))
    (folder / "p.json.sig").unlink(missing_ok=True)


def take_another_file(folder: Path) -> None:
    """The signature is whole, and of another plan."""
    signature = json.loads((folder / "p.json").read_bytes()).get("signature")
    other = {**json.loads(dump(small())), "commit": "a" * 40}
    (folder / "p.json").write_bytes(seal(other | ({"signature": signature} if signature else {})))


def sign_in_another_way(folder: Path) -> None:
    """A signature that holds, by a method that the job that applies doesn't know of."""
    is_inside = "signature" in json.loads((folder / "p.json").read_bytes())
    strip(folder)
    save(folder, make_commands(folder, "sign") if is_inside else HmacSigning(FromEnvironment("PLAN_KEY")))


BROKEN = {
    "changed and sealed anew": change_content,
    "another plan's signature": take_another_file,
    "signed in another way": sign_in_another_way,
}


@each_method
@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN)
def test_a_signature_that_does_not_hold_is_refused_required_or_not(
    folder: Path, method: str, required: bool, change: Callable[[Path], None]
) -> None:
    signing, verifying = METHODS[method](folder)
    save(folder, signing)
    change(folder)
    error = refuse(folder, settings(verifying, required=required))

    assert (error.exit, error.problems[0].rule) == (6, "plan.wrong-signature")


@each_method
def test_a_stripped_signature_is_refused_where_one_is_required(folder: Path, method: str) -> None:
    signing, verifying = METHODS[method](folder)
    save(folder, signing)
    strip(folder)
    error = refuse(folder, settings(verifying, required=True))

    assert (error.exit, error.problems[0].rule) == (6, "plan.unsigned")
    _, notes = read(folder, settings(verifying))
    assert [note.rule for note in notes] == ["plan.unsigned"]


OTHER_KEYS: Mapping[str, Callable[[Path], Method]] = {
    "hmac-sha256": lambda _: HmacSigning(FromEnvironment("OTHER_KEY")),
    "ed25519": lambda folder: Ed25519Signing(None, folder / "other.pub"),
    "program": lambda folder: replace(make_commands(folder, "verify"), inherited=("OTHER",)),
}


@each_method
def test_another_key_is_refused(folder: Path, method: str) -> None:
    (folder / "other.pub").write_bytes(OTHER.public)
    save(folder, METHODS[method](folder)[0])
    error = refuse(folder, settings(OTHER_KEYS[method](folder)))

    assert (error.exit, error.problems[0].rule) == (6, "plan.wrong-signature")


NO_KEYS: Mapping[str, tuple[Callable[[Path], Method], int]] = {
    "no secret": (lambda _: HmacSigning(FromEnvironment("NOT_SET")), 5),
    "no private key": (lambda _: Ed25519Signing(FromEnvironment("NOT_SET")), 5),
    "a secret for a private key": (lambda _: Ed25519Signing(FromEnvironment("OTHER_KEY")), 5),
    "a public key for a private one": (lambda folder: Ed25519Signing(FromFile(folder / "pub.key")), 5),
    "no program": (lambda folder: SignerCommands(("nowhere/x", "{file}", "{signature}"), (), folder), 5),
    "a program that fails": (lambda folder: SignerCommands(("false", "{file}", "{signature}"), (), folder), 5),
    "a program that signs nothing": (lambda folder: SignerCommands(("true", "{file}", "{signature}"), (), folder), 5),
}


@pytest.mark.parametrize(("make", "code"), NO_KEYS.values(), ids=NO_KEYS)
def test_what_can_not_be_signed_is_not_saved(folder: Path, make: Callable[[Path], Method], code: int) -> None:
    """An unsigned plan in the place of a signed one would be found out by nobody but the job that refuses it."""
    (folder / "pub.key").write_bytes(ONE.public)
    (folder / "pub.key").chmod(0o600)
    with pytest.raises(AuthError) as caught:
        save(folder, make(folder))
    assert caught.value.exit == code
    assert "hunter22" not in str(caught.value.problems[0])
    assert not list(folder.glob("p.json*"))


def test_a_library_that_is_missing_is_told_with_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not as a bug, and not as a signature that does not hold."""
    signing, verifying = METHODS["ed25519"](folder)
    save(folder, signing)
    for name in [name for name in sys.modules if name.partition(".")[0] == "cryptography"]:
        monkeypatch.setitem(sys.modules, name, None)
    error = refuse(folder, settings(verifying))

    assert (error.exit, error.problems[0].rule) == (3, "settings.missing-extra")
    assert "pip install 'pki-reconciler[crypto]'" in str(error.problems[0])
    with pytest.raises(UsageError):
        save(folder, signing)


def test_a_public_key_that_is_none_verifies_nothing(folder: Path) -> None:
    save(folder, METHODS["ed25519"](folder)[0])
    for path in (folder / "nowhere", folder / "signer.py"):
        assert refuse(folder, settings(Ed25519Signing(None, path))).exit == 5


@pytest.mark.parametrize("method", [*METHODS])
@pytest.mark.parametrize("verifying", [None, SignerCommands(("true", "{file}", "{signature}"), (), Path("/"))])
def test_a_signature_that_nobody_can_verify_is_told(folder: Path, method: str, verifying: Method) -> None:
    """Somebody meant it to be verified."""
    save(folder, METHODS[method](folder)[0])
    saved_plan, notes = read(folder, settings(verifying))

    assert [note.rule for note in notes] == ["plan.unverified"]
    assert saved_plan.signed_by == ""


def test_a_damaged_plan_is_told_as_damaged_and_no_program_is_asked(folder: Path) -> None:
    """Even one that would take it."""
    save(folder, METHODS["program"](folder)[0])
    data = (folder / "p.json").read_bytes()
    (folder / "p.json").write_bytes(data.replace(b"0123", b"3210", 1))
    asked = (sys.executable, "-c", "open('asked', 'w')", "{file}", "{signature}")

    assert refuse(folder, settings(SignerCommands((), asked, folder))).exit == 7
    assert not (folder / "asked").exists()


def test_a_program_gets_the_bytes_that_are_read_and_no_other_variable(folder: Path) -> None:
    """A copy for itself: nobody can put another file in its place between the look and the reading."""
    save(folder, METHODS["program"](folder)[0])
    facts = "(sys.argv[1:], 'PLAN_KEY' in os.environ, open(sys.argv[1]).read())"
    look = f"import os, sys; open('x', 'w').write(repr({facts}))"
    argv = (sys.executable, "-c", look, "{file}", "--x={signature}")
    saved_plan, _ = read(folder, settings(SignerCommands((), argv, folder)))

    (file, signature), has_key, text = ast.literal_eval((folder / "x").read_text())
    assert saved_plan.signed_by
    assert (Path(file).name, Path(file).parent == folder, has_key) == ("p.json", False, False)
    assert signature == f"--x={file}.sig"
    assert text == (folder / "p.json").read_text()
    assert not Path(file).exists()
