"""Signing a saved plan and verifying one, as the settings say: by a key, by a pair of keys, or by a program.

Who verifies says how, and never the file. Nothing of a plan is parsed before its signature holds, and what a program
verifies is a copy of the very bytes that are read afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.credentials.command import run_helper
from reconciler.credentials.private_file import Unavailable, read_regular_file
from reconciler.diagnostics import Diagnostic, Severity, Source
from reconciler.engine.plan_keys import load_hmac_key, load_private_key, load_public_key
from reconciler.errors import AuthError, RefusedError
from reconciler.plans.signatures import IsSigned, PlanSignature, Sign
from reconciler.settings.model import Ed25519Signing, HmacSigning, PlanSettings, Settings, SignerCommands
from reconciler.state.scratch import hold_scratch_files

SIGNATURE_SUFFIX = ".sig"
"""What the name of a signature ends with that lies beside its plan."""
_SIGNER_TIMEOUT = 60.0
"""Seconds that a program may take: one without keys asks several servers."""
_MAX_OUTPUT = 1024 * 1024


def find_sign(settings: Settings, env: Mapping[str, str]) -> Sign | None:
    """Return what signs inside a plan file, None where a program does or nothing.

    Raises AuthError for a key that can't be had, and UsageError where the library for it is missing.
    """
    signing, source = settings.plans.signing, Source(settings.name)
    if isinstance(signing, HmacSigning):
        return load_hmac_key(signing.key, env, source)[0]
    if isinstance(signing, Ed25519Signing) and signing.private_key:
        return load_private_key(signing.private_key, env, source)[0]
    return None


def sign_beside(data: bytes, name: str, plans: PlanSettings, env: Mapping[str, str]) -> bytes | None:
    """Return what a program signs a plan file with, None where none is to; raises AuthError where it doesn't."""
    commands = plans.signing
    if not isinstance(commands, SignerCommands) or not commands.sign:
        return None
    with hold_scratch_files({name: data}) as folder:
        signature = folder / f"{name}{SIGNATURE_SUFFIX}"
        try:
            _run_signer(commands.sign, folder / name, signature, commands, env)
            return read_regular_file(signature)
        except Unavailable as refusal:
            summary = f"the plan can't be signed: {commands.sign[0]} {refusal.explanation.summary}"
            remedy = "run plans: signer: sign by hand to see why"
            raise AuthError(Diagnostic("plan.not-signed", Source(name), summary, "it was not saved", remedy)) from None


@dataclass(slots=True)
class PlanVerifier:
    """Verifies one plan file, `data`, by what the settings say; `detached` is the signature that lies beside it.

    `notes` are what it came upon and let pass.
    """

    settings: Settings
    env: Mapping[str, str]
    file: str
    data: bytes
    detached: bytes | None
    notes: list[Diagnostic] = field(default_factory=list)

    def verify(self, signed: bytes, signature: PlanSignature | None) -> str:
        """Return who signed, "" if nobody that can be told; raises RefusedError for a signature that doesn't hold."""
        signing = self.settings.plans.signing
        is_signed = signature is not None or self.detached is not None
        if signing is None or (isinstance(signing, SignerCommands) and not signing.verify):
            if is_signed:
                self._tell("plan.unverified", "the plan is signed, and nothing in the settings says how to verify it")
            return ""
        if isinstance(signing, SignerCommands):
            if self.detached is not None:
                return self._verify_beside(signing, self.detached)
        elif signature is not None:
            return self._verify_inside(signing, signed, signature)
        if is_signed:
            raise self._refuse("plan.wrong-signature", "the plan is signed in another way than the settings verify")
        if self.settings.plans.signature_required:
            raise self._refuse("plan.unsigned", "the plan is not signed, and the settings require it")
        self._tell("plan.unsigned", "the plan is not signed, and the settings say how a signed one is verified")
        return ""

    def _verify_inside(self, signing: HmacSigning | Ed25519Signing, signed: bytes, signature: PlanSignature) -> str:
        if not self._load_key(signing)(signed, signature):
            summary = "the plan's signature does not hold: it was made with another key, or for other content"
            raise self._refuse("plan.wrong-signature", summary)
        return signature.method

    def _verify_beside(self, commands: SignerCommands, detached: bytes) -> str:
        name, signature_name = Path(self.file).name, f"{Path(self.file).name}{SIGNATURE_SUFFIX}"
        with hold_scratch_files({name: self.data, signature_name: detached}) as folder:
            try:
                _run_signer(commands.verify, folder / name, folder / signature_name, commands, self.env)
            except Unavailable as refusal:
                summary = f"the plan's signature does not hold: {commands.verify[0]} {refusal.explanation.summary}"
                raise self._refuse("plan.wrong-signature", summary) from None
        return Path(commands.verify[0]).name

    def _load_key(self, signing: HmacSigning | Ed25519Signing) -> IsSigned:
        source = Source(self.settings.name)
        if isinstance(signing, HmacSigning):
            return load_hmac_key(signing.key, self.env, source)[1]
        # The public key first: the job that applies need not have the other.
        if signing.public_key:
            return load_public_key(signing.public_key, source)
        if signing.private_key:
            return load_private_key(signing.private_key, self.env, source)[1]
        raise TypeError("a pair of keys has at least one")

    def _refuse(self, rule: str, summary: str) -> RefusedError:
        reason, remedy = "nothing was sent, and nothing in it was believed", "apply a plan as plan --out signed it"
        return RefusedError(Diagnostic(rule, Source(self.file), summary, reason, remedy))

    def _tell(self, rule: str, summary: str) -> None:
        remedy = "say in the settings how it is signed, and `signed: required` to have any other refused"
        self.notes.append(Diagnostic(rule, Source(self.file), summary, remedy=remedy, severity=Severity.NOTE))


def _run_signer(
    argv: tuple[str, ...], file: Path, signature: Path, commands: SignerCommands, env: Mapping[str, str]
) -> None:
    """Run a program with its two places filled in; raises Unavailable unless it ends with status 0."""
    filled = (argument.replace("{file}", str(file)).replace("{signature}", str(signature)) for argument in argv[1:])
    inherited = commands.inherited
    run_helper(
        (argv[0], *filled), commands.folder, env, max_bytes=_MAX_OUTPUT, timeout=_SIGNER_TIMEOUT, inherited=inherited
    )
