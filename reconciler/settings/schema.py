"""The shape of `reconciler.yaml`, version `reconciler/v1`. Closed, strict, camelCase: the JSON Schema is made of it.

Nothing is read or resolved here: a secret is a reference, and a path is relative to the file's own folder.
"""

from __future__ import annotations

import itertools
import re
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from reconciler.diagnostics import Explanation
from reconciler.documents.messages import FieldRules
from reconciler.documents.value_meanings import ValueMeanings
from reconciler.errors import InvalidValueError
from reconciler.settings.model import DEFAULT_PROTECTED
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
from reconciler.settings.schema_notify import NotifySettings
from reconciler.settings.schema_plans import PlansSection
from reconciler.transport.urls import is_loopback

SETTINGS_RULES: Final = FieldRules(
    unknown_field="settings.unknown-field",
    missing_field="settings.missing-field",
    wrong_type="settings.wrong-type",
    invalid_value="settings.invalid-value",
    null="settings.null",
)
"""What can be wrong with the fields of a settings file."""
_PROTECTION = re.compile(r"[A-Za-z]+/\S.*")
_NO_PROTECTION: Final = Explanation(
    "settings.invalid-value", "a protection is KIND/NAME-PATTERN, such as SecurityRole/Administrator*"
)
_NO_PROXY: Final = Explanation(
    "settings.inconsistent", "proxyAuth is for a proxy, and none is said", remedy="say `proxy` too"
)
_ADDRESS_UNCLEAR: Final = Explanation(
    "settings.inconsistent", "a csms target has either a region or a url", remedy="say one of the two"
)
_PROJECT_UNCLEAR: Final = Explanation(
    "settings.inconsistent", "a csms target has either a projectId or a projectName", remedy="say one of the two"
)
_STATE_UNCLEAR: Final = Explanation(
    "settings.inconsistent",
    "runs are remembered in one place: sqlite, postgresql or git",
    "a lock in one of two places would hold nobody back",
    "say one of them",
)
_TWO_STORES: Final[list[Any]] = [
    {"required": list(pair)} for pair in itertools.combinations(("sqlite", "postgresql", "git"), 2)
]
_NO_IAM_URL: Final = Explanation(
    "settings.inconsistent",
    "with a url instead of a region, iamUrl is needed: where to log in can't be guessed",
)
_NO_CTS_URL: Final = Explanation(
    "settings.inconsistent",
    "with a url instead of a region, `audit` needs ctsUrl: where the traces are can't be guessed",
)

Parallelism = Annotated[int, Field(ge=1, le=32)]


def _check_protection(pattern: str) -> str:
    if not _PROTECTION.fullmatch(pattern):
        raise InvalidValueError(_NO_PROTECTION)
    return pattern


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
                {"oneOf": [{"required": ["region"]}, {"required": ["url"]}]},
                {"oneOf": [{"required": ["projectId"]}, {"required": ["projectName"]}]},
            ]
        }
    )

    api: Annotated[Literal["csms"], ValueMeanings({"csms": "Huawei Cloud CSMS"})]
    """Which API the server speaks."""
    region: Annotated[str, Field(max_length=REGION.max_length, pattern=REGION.pattern)] | None = None
    """Such as cn-north-4; or say `url`."""
    url: BaseUrl | None = None
    """The address of CSMS, in the place of `region`."""
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
        if (self.region is None) == (self.url is None):
            raise InvalidValueError(_ADDRESS_UNCLEAR)
        if (self.project_id is None) == (self.project_name is None):
            raise InvalidValueError(_PROJECT_UNCLEAR)
        has_default_hosts = self.region is not None or is_loopback(urlsplit(self.url or "").hostname or "")
        needs_iam = isinstance(self.auth, PasswordSettings) or self.project_id is None
        if needs_iam and self.iam_url is None and not has_default_hosts:
            raise InvalidValueError(_NO_IAM_URL)
        if self.audit and self.cts_url is None and not has_default_hosts:
            raise InvalidValueError(_NO_CTS_URL)
        return self


class Limit(StrictModel):
    """How much one run may change."""

    changes: Annotated[int, Field(ge=0)]
    """How many changes; a plan with more is refused."""

    @model_validator(mode="before")
    @classmethod
    def _explain_number(cls, value: Any) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            summary = f"a limit says of what it is one: {value} changes"
            raise InvalidValueError(Explanation("settings.wrong-type", summary, remedy=f"write {{changes: {value}}}"))
        return value


class AllowSection(StrictModel):
    """What would be refused, and is meant."""

    lockout: list[
        Annotated[
            Literal["security", "account", "owner"],
            ValueMeanings(
                {
                    "security": "nobody but the built-in administrators may change roles afterwards",
                    "account": "the account that applies loses what this tool needs",
                    "owner": "certificates go to a role that the account can't take them back from",
                }
            ),
        ]
    ] = []
    """Plans after which somebody is locked out."""


class SqliteSettings(StrictModel):
    """A SQLite file on this machine."""

    folder: FilePath = ".reconciler/"
    """Relative to the settings file; for the tool alone, since nobody else may write there."""
    network: (
        Annotated[Literal["accepted"], ValueMeanings({"accepted": "the file may lie on a network file system"})] | None
    ) = None
    """Say `accepted` to keep it on a network file system, where two machines that write at once may damage it."""


class PostgresqlSettings(StrictModel):
    """A PostgreSQL database, in which the schema `reconciler` is the tool's own."""

    url: SecretField
    """Where postgresql://USER:PASSWORD@HOST/DATABASE comes from, since a password is in it."""


class GitSettings(StrictModel):
    """Refs of a git repository that everybody who applies can push to."""

    remote: TextLine = "origin"
    """A remote of the checkout that the settings lie in, or a URL."""
    ref: Annotated[str, Field(pattern=r"^refs(/[A-Za-z0-9][A-Za-z0-9_-]*)+$", max_length=200)] = "refs/reconciler"
    """What all refs of the tool begin with; refs/heads/reconciler-state where a host takes nothing but branches."""


class StateSection(StrictModel):
    """Where runs are remembered, which store that is, and for how long."""

    # The same as the validator below: an editor sees the JSON Schema alone.
    model_config = ConfigDict(json_schema_extra={"not": {"anyOf": _TWO_STORES}})

    sqlite: SqliteSettings | None = None
    """A file on this machine."""
    postgresql: PostgresqlSettings | None = None
    """A database that several machines share; needs the extra `postgres`."""
    git: GitSettings | None = None
    """A git repository that several machines share."""
    id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None
    """The store's id, which it got when it was made: another one, or none, is then no fresh start."""
    keep: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,4}d$")] | None = None
    """Days after which runs are forgotten, such as 400d; what is open, and what can't be undone, never is."""
    key: SecretField | None = None
    """Where the secret comes from, of 16 characters or more, with which the objects before each step are encrypted. A
    git repository, which others can read, keeps them only so."""

    @model_validator(mode="after")
    def _check_place(self) -> Self:
        if sum(place is not None for place in (self.sqlite, self.postgresql, self.git)) > 1:
            raise InvalidValueError(_STATE_UNCLEAR)
        return self


class SettingsFile(StrictModel):
    """`reconciler.yaml`: targets, limits and protections. It never lies in the folder of the manifests."""

    model_config = ConfigDict(title="the settings")

    api_version: Annotated[Literal["reconciler/v1"], ValueMeanings({"reconciler/v1": "the only one so far"})]
    """The version of this format."""
    kind: Annotated[Literal["Settings"], ValueMeanings({"Settings": "these are settings, and no manifest"})]
    """What the file is."""
    manifests: FilePath = "manifests/"
    """The folder of the manifests, relative to this file."""
    targets: dict[
        # A host's label in lower case: RFC 1123, section 2.1; 63 octets by RFC 1035, section 2.3.4.
        Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", max_length=63)],
        Annotated[KeyfactorTarget | CsmsTarget, Field(discriminator="api")],
    ] = {}
    """The servers by the names that manifests use. Without any, the variables and files of the vendors' tools serve."""
    limits: dict[str, Limit] = {}
    """By kind: how many changes one run may make. 10 where nothing is said, 500 for CertificateOwner."""
    protected: list[Annotated[str, AfterValidator(_check_protection)]] = list(DEFAULT_PROTECTED)
    """KIND/NAME-PATTERN of what no run may touch."""
    allow: AllowSection = AllowSection()
    """What would be refused, and is meant; said for one plan, and taken out again."""
    state: FilePath | StateSection = ".reconciler/"
    """Where runs are remembered: a folder, relative to this file, or more about it."""
    plans: PlansSection = PlansSection()
    """How long a saved plan can be applied, and how it is signed."""
    notify: list[NotifySettings] = []
    """Who is told of drift and of failures, by Slack, Teams, e-mail, a webhook and others."""
