"""The shape of `reconciler.yaml`, version `reconciler/v1`. Closed, strict, camelCase: the JSON Schema is made of it.

Nothing is read or resolved here: a secret is a reference, and a path is relative to the file's own folder.
"""

from __future__ import annotations

import itertools
from typing import Annotated, Any, Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from reconciler.diagnostics import Explanation
from reconciler.documents.messages import FieldRules
from reconciler.documents.value_meanings import ValueMeanings
from reconciler.errors import InvalidValueError
from reconciler.settings.model import DEFAULT_PROTECTED
from reconciler.settings.schema_auth import FilePath, SecretField, StrictModel, TextLine
from reconciler.settings.schema_engine import EngineSection
from reconciler.settings.schema_environments import EnvironmentMap
from reconciler.settings.schema_limits import Limit, Protection
from reconciler.settings.schema_notify import NotifySettings
from reconciler.settings.schema_plans import PlansSection
from reconciler.settings.schema_targets import TargetMap

SETTINGS_RULES: Final = FieldRules(
    unknown_field="settings.unknown-field",
    missing_field="settings.missing-field",
    wrong_type="settings.wrong-type",
    invalid_value="settings.invalid-value",
    null="settings.null",
)
"""What can be wrong with the fields of a settings file."""
SECRET_KEYS: Final = frozenset(
    {"password", "token", "clientSecret", "accessKey", "secretKey", "securityToken", "key", "privateKey"}
)
"""Keys below which nothing is quoted in a message."""
_STATE_UNCLEAR: Final = Explanation(
    "settings.inconsistent",
    "runs are remembered in one place: sqlite, postgresql or git",
    "a lock in one of two places would hold nobody back",
    "say one of them",
)
_TWO_STORES: Final[list[Any]] = [
    {"required": list(pair)} for pair in itertools.combinations(("sqlite", "postgresql", "git"), 2)
]


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
    targets: TargetMap | FilePath = {}
    """The servers by the names that manifests use; or a folder or a file of such, relative to this file. Without any,
    the variables and files of the vendors' tools serve."""
    environments: EnvironmentMap = {}
    """What `--environment` chooses from, by name: layers of manifests, targets, limits and protections."""
    limits: dict[str, Limit] = {}
    """By kind: how many changes one run may make. 10 where nothing is said, 500 for CertificateOwner."""
    protected: list[Protection] = list(DEFAULT_PROTECTED)
    """KIND/NAME-PATTERN of what no run may touch."""
    allow: AllowSection = AllowSection()
    """What would be refused, and is meant; said for one plan, and taken out again."""
    state: FilePath | StateSection = ".reconciler/"
    """Where runs are remembered: a folder, relative to this file, or more about it."""
    plans: PlansSection = PlansSection()
    """How long a saved plan can be applied, and how it is signed."""
    notify: list[NotifySettings] = []
    """Who is told of drift and of failures, by Slack, Teams, e-mail, a webhook and others."""
    engine: EngineSection | None = None
    """Who does the work of many targets on several machines; this one alone if not given."""
