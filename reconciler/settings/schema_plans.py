"""What the settings file says of saved plans: how long an approval keeps, and how a plan is signed and verified."""

from __future__ import annotations

import itertools
import re
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from reconciler.diagnostics import Explanation
from reconciler.documents.value_meanings import ValueMeanings
from reconciler.errors import InvalidValueError
from reconciler.settings.schema_auth import FilePath, SecretField, StrictModel, TextLine

_AGE: Final = "^[1-9][0-9]{0,4}[mhd]$"
_NO_AGE: Final = Explanation(
    "settings.invalid-value", "an age is a whole number of minutes, hours or days, such as 30m, 72h or 5d"
)
_METHODS: Final = ("key", "ed25519", "signer")
_METHOD_UNCLEAR: Final = Explanation(
    "settings.inconsistent",
    "plans are signed in one way: by a key, by ed25519 or by a signer",
    "a plan that one of two ways takes would pass for signed",
    "say one of them",
)
_NO_METHOD: Final = Explanation(
    "settings.inconsistent",
    "signed plans are required, and nothing says how they are verified",
    "every plan would be refused",
    "say key, ed25519 or signer with a verify command",
)
_NO_PLACES: Final = Explanation(
    "settings.invalid-value",
    "a command names what it signs or verifies as {file} and the signature as {signature}",
    remedy="put both into its arguments",
)
_NO_SIDE: Final = Explanation(
    "settings.inconsistent", "a way to sign says how to sign, how to verify, or both", remedy="say at least one"
)


def _check_age(text: str) -> str:
    if not re.fullmatch(_AGE, text):
        raise InvalidValueError(_NO_AGE)
    return text


def _check_places(argv: list[str]) -> list[str]:
    if not all(any(place in argument for argument in argv[1:]) for place in ("{file}", "{signature}")):
        raise InvalidValueError(_NO_PLACES)
    return argv


_SignerCommand = Annotated[list[TextLine], Field(min_length=2, max_length=64), AfterValidator(_check_places)]


class Ed25519Settings(StrictModel):
    """A pair of keys: who plans needs the private one alone, who applies the public one alone."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["privateKey"]}, {"required": ["publicKey"]}]})

    private_key: SecretField | None = None
    """Where the private key comes from: PEM, as `openssl genpkey -algorithm ed25519` writes it, not encrypted."""
    public_key: FilePath | None = None
    """A PEM file with the public key, as `openssl pkey -pubout` writes it; relative to the settings file."""

    @model_validator(mode="after")
    def _check_side(self) -> Self:
        if self.private_key is None and self.public_key is None:
            raise InvalidValueError(_NO_SIDE)
        return self


class SignerSettings(StrictModel):
    """A program that signs and verifies files, such as cosign or minisign; the signature lies beside the plan."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["sign"]}, {"required": ["verify"]}]})

    sign: _SignerCommand | None = None
    """Signs {file} into {signature}: a program and its arguments, no shell, 60 seconds."""
    verify: _SignerCommand | None = None
    """Ends with status 0 exactly if {signature} is a signature of {file} by whom it should be."""
    env: Annotated[
        list[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=256)]], Field(max_length=64)
    ] = []
    """Environment variables that it needs beside PATH, HOME and the like."""

    @model_validator(mode="after")
    def _check_side(self) -> Self:
        if self.sign is None and self.verify is None:
            raise InvalidValueError(_NO_SIDE)
        return self


_TWO_METHODS: Final[list[Any]] = [{"required": list(pair)} for pair in itertools.combinations(_METHODS, 2)]
_UNVERIFIABLE: Final[dict[str, Any]] = {
    "required": ["signed"],
    "not": {
        "anyOf": [
            {"required": ["key"]},
            {"required": ["ed25519"]},
            {"required": ["signer"], "properties": {"signer": {"required": ["verify"]}}},
        ]
    },
}


class PlansSection(StrictModel):
    """How long a saved plan can be applied, and how it is signed and verified."""

    # The same as the validator below: an editor sees the JSON Schema alone.
    model_config = ConfigDict(json_schema_extra={"not": {"anyOf": [*_TWO_METHODS, _UNVERIFIABLE]}})

    max_age: Annotated[str, Field(json_schema_extra={"pattern": _AGE}), AfterValidator(_check_age)] = "24h"
    """How long after it was made a plan can be applied: minutes, hours or days, such as 72h."""
    signed: Annotated[Literal["required"], ValueMeanings({"required": "an unsigned plan is refused"})] | None = None
    """Say `required` to have `apply` refuse every plan without a signature that holds."""
    key: SecretField | None = None
    """Where the key of an HMAC-SHA256 comes from, which plan and apply both need."""
    ed25519: Ed25519Settings | None = None
    """Keys of which only the private one can sign; needs the extra `crypto`."""
    signer: SignerSettings | None = None
    """A program that signs and verifies, such as cosign or minisign."""

    @model_validator(mode="after")
    def _check_method(self) -> Self:
        methods = [method for method in (self.key, self.ed25519, self.signer) if method is not None]
        if len(methods) > 1:
            raise InvalidValueError(_METHOD_UNCLEAR)
        can_verify = bool(methods) and (self.signer is None or self.signer.verify is not None)
        if self.signed and not can_verify:
            raise InvalidValueError(_NO_METHOD)
        return self
