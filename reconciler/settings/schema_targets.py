"""What the settings file says of a target: where the server is, who we are to it, and how it is asked."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self, TypeAlias
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, RootModel, model_validator

from reconciler.diagnostics import Explanation
from reconciler.documents.selector_field import TargetLabel, TargetName
from reconciler.documents.value_meanings import ValueMeanings
from reconciler.errors import InvalidValueError
from reconciler.settings.patterns import REGION
from reconciler.settings.schema_auth import (
    AkskSettings,
    BaseUrl,
    BasicSettings,
    BearerSettings,
    ClientCertificate,
    FilePath,
    IamId,
    OauthSettings,
    PasswordSettings,
    ProxyUrl,
    SecretField,
    StrictModel,
    TextLine,
    TokenSettings,
)
from reconciler.transport.urls import is_loopback

_NO_PROXY: Final = Explanation(
    "settings.inconsistent", "proxyAuth is for a proxy, and none is said", remedy="say `proxy` too"
)
_ADDRESS_UNCLEAR: Final = Explanation(
    "settings.missing-field", "a csms target needs a region or a url", remedy="say where it is"
)
_PROJECT_UNCLEAR: Final = Explanation(
    "settings.inconsistent", "a csms target has either a projectId or a projectName", remedy="say one of the two"
)
_NO_IAM_URL: Final = Explanation(
    "settings.inconsistent",
    "with a url instead of a region, iamUrl is needed: where to log in can't be guessed",
)
_NO_CTS_URL: Final = Explanation(
    "settings.inconsistent",
    "with a url instead of a region, `audit` needs ctsUrl: where the traces are can't be guessed",
)

Parallelism = Annotated[int, Field(ge=1, le=32)]
ValueName: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", max_length=63)]
"""What a value of a target is called."""


class ProxyAuthSettings(StrictModel):
    """Who we are to a proxy: Basic."""

    username: TextLine
    """The user's name."""
    password: SecretField
    """Where the password comes from."""


class ParallelismSettings(StrictModel):
    """How much of a target's work is under way at once."""

    reads: Parallelism = 8
    """Reads under way at once."""
    writes: Parallelism | None = None
    """Certificates whose owners are set at once: 4 where nothing is said, and no more than `reads`. All other kinds go
    one by one, whatever is said."""


class _TargetSettings(StrictModel):
    timeout: Annotated[float, Field(ge=1, le=600, strict=False)] = 60.0
    """Seconds that one request may take, from the connection being made to the last byte of the answer."""
    parallelism: Parallelism | ParallelismSettings = 8
    """Reads under way at once, as a number; or reads and writes."""
    max_requests_per_second: Annotated[float, Field(ge=0.1, le=1000, strict=False)] | None = None
    """Requests that may leave in a second, reads and writes together, evenly spaced; as many as can be if not said."""
    proxy: ProxyUrl | None = None
    """An HTTP proxy, such as http://proxy.example.com:3128. The environment's proxy variables are not used."""
    proxy_auth: ProxyAuthSettings | None = None
    """Where the proxy wants to know who we are."""
    ca_bundle: FilePath | None = None
    """A PEM file with an authority to trust besides the public ones, in servers and in an https proxy."""
    client_certificate: ClientCertificate | None = None
    """Our own certificate, where the server wants one."""
    labels: Annotated[dict[TargetLabel, TargetLabel], Field(max_length=64)] = {}
    """Words by which environments and documents choose it, such as {env: prod, region: eu}."""
    zone: TargetName | None = None
    """The network that it can be reached from: a run over several machines does its work on one that is there."""
    values: Annotated[dict[ValueName, TextLine], Field(max_length=1024)] = {}
    """Texts that differ from target to target by nature: a document looks one up by {targetValue: NAME}."""
    audit: bool = False
    """Whether `drift --blame` may ask who changed something. Command's right for that is as good as one to read all."""

    @model_validator(mode="after")
    def _check_proxy_auth(self) -> Self:
        if self.proxy_auth is not None and self.proxy is None:
            raise InvalidValueError(_NO_PROXY)
        return self


class KeyfactorTarget(_TargetSettings):
    """A Keyfactor Command server."""

    api: Annotated[Literal["keyfactor"], ValueMeanings({"keyfactor": "Keyfactor Command"})]
    """Which API the server speaks."""
    url: BaseUrl
    """Up to and including the API's path: https://keyfactor.example.com/KeyfactorAPI."""
    auth: Annotated[BasicSettings | BearerSettings | OauthSettings, Field(discriminator="type")]
    """Who we are."""


class CsmsTarget(_TargetSettings):
    """A Huawei Cloud CSMS project."""

    model_config = ConfigDict(
        json_schema_extra={
            # The same as the validator below: an editor sees the JSON Schema alone.
            "allOf": [
                {"anyOf": [{"required": ["region"]}, {"required": ["url"]}]},
                {"oneOf": [{"required": ["projectId"]}, {"required": ["projectName"]}]},
            ]
        }
    )

    api: Annotated[Literal["csms"], ValueMeanings({"csms": "Huawei Cloud CSMS"})]
    """Which API the server speaks."""
    region: Annotated[str, Field(max_length=REGION.max_length, pattern=REGION.pattern)] | None = None
    """Such as cn-north-4; or say `url`. Beside a url it is what the URNs of topics have in them, and nothing else."""
    url: BaseUrl | None = None
    """The address of CSMS, in the place of the region's own."""
    iam_url: BaseUrl | None = None
    """Where a password is sent and a project's id is looked up: https://iam.REGION.myhuaweicloud.com if the region is
    said; the target's own url if that is a loopback address."""
    cts_url: BaseUrl | None = None
    """Where the Cloud Trace Service tells who did what, for `audit`: https://cts.REGION.myhuaweicloud.com if the region
    is said; the target's own url if that is a loopback address."""
    project_id: IamId | None = None
    """The project whose events are managed; or say `projectName`."""
    project_name: TextLine | None = None
    """In the place of `projectId`, which IAM then tells: the account needs the permission iam:projects:listProjects."""
    auth: Annotated[AkskSettings | TokenSettings | PasswordSettings, Field(discriminator="type")]
    """Who we are."""

    @model_validator(mode="after")
    def _check_location(self) -> Self:
        if self.region is None and self.url is None:
            raise InvalidValueError(_ADDRESS_UNCLEAR)
        if (self.project_id is None) == (self.project_name is None):
            raise InvalidValueError(_PROJECT_UNCLEAR)
        has_default_hosts = self.url is None or is_loopback(urlsplit(self.url).hostname or "")
        needs_iam = isinstance(self.auth, PasswordSettings) or self.project_id is None
        if needs_iam and self.iam_url is None and not has_default_hosts:
            raise InvalidValueError(_NO_IAM_URL)
        if self.audit and self.cts_url is None and not has_default_hosts:
            raise InvalidValueError(_NO_CTS_URL)
        return self


AnyTarget: TypeAlias = KeyfactorTarget | CsmsTarget
TargetMap: TypeAlias = dict[TargetName, Annotated[AnyTarget, Field(discriminator="api")]]
"""Targets by the names that manifests use."""


class TargetsFile(RootModel[Annotated[TargetMap, Field(min_length=1)]]):
    """A file of `targets: FOLDER/`: one target or many, by their names; relative paths are relative to this file."""

    model_config = ConfigDict(title="the file of targets", strict=True, frozen=True, defer_build=True)
