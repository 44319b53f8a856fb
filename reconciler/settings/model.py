"""Settings as values: what `load_settings` returns and everybody else reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from reconciler.credentials.sources import Origin
from reconciler.diagnostics import Explanation, Source
from reconciler.model import Bound
from reconciler.state.locations import GitState, LocalState
from reconciler.transport.options import DEFAULT_OPTIONS, PUBLIC_TRUST, TransportOptions, Trust

if TYPE_CHECKING:
    from reconciler.event_names import RunEventName

ENVIRONMENT_SOURCE = Source("environment")
"""Where a target stands that no file configures."""
DEFAULT_PROTECTED = ("SecurityRole/Administrator*",)
"""What no run touches where the settings don't say otherwise."""


@dataclass(frozen=True, slots=True)
class BasicAuth:
    """A user name (for AD: DOMAIN\\user) and a password."""

    username: str
    password: Origin


@dataclass(frozen=True, slots=True)
class BearerAuth:
    """An OAuth access token that somebody else obtained."""

    token: Origin


@dataclass(frozen=True, slots=True)
class OauthAuth:
    """OAuth2 client credentials."""

    token_url: str
    client_id: str
    client_secret: Origin
    scopes: tuple[str, ...] = ()
    audience: str = ""
    trust: Trust = PUBLIC_TRUST


@dataclass(frozen=True, slots=True)
class AkskAuth:
    """Huawei access key and secret key, with a security token where they are temporary."""

    access_key: Origin
    secret_key: Origin
    security_token: Origin | None = None


@dataclass(frozen=True, slots=True)
class TokenAuth:
    """A Huawei IAM token (X-Auth-Token) that somebody else obtained."""

    token: Origin


@dataclass(frozen=True, slots=True)
class NameOrId:
    """Something at IAM by its name or, where that isn't said, by its id."""

    name: str = ""
    id: str = ""

    def __str__(self) -> str:
        return self.name or f"with the id {self.id}"


@dataclass(frozen=True, slots=True)
class PasswordAuth:
    """A Huawei IAM user and its account, `domain`, which a user that is called by its id doesn't need."""

    user: NameOrId
    domain: NameOrId
    password: Origin


@dataclass(frozen=True, slots=True)
class NoAuth:
    """Nothing says who we are; `advice` says what to set."""

    advice: Explanation


Auth: TypeAlias = BasicAuth | BearerAuth | OauthAuth | AkskAuth | TokenAuth | PasswordAuth | NoAuth
"""Who we are to an API."""


@dataclass(frozen=True, slots=True)
class Target:
    """One API at one place, and who we are there.

    `url` is scheme://host[:port][/path] without a trailing slash. For CSMS `project` is the id of its project, or the
    name alone where IAM, whose root without /v3 is `iam_url`, is to tell the id. `lacking` says what a target found in
    the ecosystem's variables still needs before it can be used; `source` is where it is configured. With `audit` it
    may be asked who changed what, Huawei Cloud at `cts_url`. `labels` are what documents and environments choose it by,
    `zone` is the network that it can be reached from, and `values` are texts that documents look up by name. `region`
    is that of Huawei Cloud, "" where it isn't known.
    """

    name: str
    api: Literal["keyfactor", "csms"]
    url: str
    auth: Auth
    project: NameOrId = NameOrId()
    iam_url: str = ""
    transport: TransportOptions = DEFAULT_OPTIONS
    source: Source = ENVIRONMENT_SOURCE
    lacking: Explanation | None = None
    audit: bool = False
    cts_url: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    zone: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    region: str = ""

    def bound(self, project: str = "") -> Bound:
        """Return what a saved plan is bound to, with the id of the project."""
        return Bound(self.api, self.url, project or self.project.id)


@dataclass(frozen=True, slots=True)
class DatabaseOrigin:
    """A PostgreSQL database, by where its URL comes from."""

    url: Origin


@dataclass(frozen=True, slots=True)
class StateSettings:
    """Where runs are remembered. `id` is the store's own if it is pinned; `keep_days` is None for ever.

    `key` is where the secret comes from with which bodies are encrypted, if they are.
    """

    place: LocalState | GitState | DatabaseOrigin
    id: str = ""
    keep_days: int | None = None
    key: Origin | None = None


@dataclass(frozen=True, slots=True)
class HmacSigning:
    """One secret key signs and verifies."""

    key: Origin


@dataclass(frozen=True, slots=True)
class Ed25519Signing:
    """The private key signs; the public one, a file, verifies. One of them may be missing."""

    private_key: Origin | None = None
    public_key: Path | None = None


@dataclass(frozen=True, slots=True)
class SignerCommands:
    """A program signs and verifies: argv with {file} and {signature}, () where there is none, run in `folder`.

    `inherited` are environment variables that it gets beside those that every helper gets.
    """

    sign: tuple[str, ...]
    verify: tuple[str, ...]
    folder: Path
    inherited: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """How long a saved plan can be applied, how it is signed, and whether an unsigned one is refused."""

    max_age: timedelta = timedelta(hours=24)
    signing: HmacSigning | Ed25519Signing | SignerCommands | None = None
    signature_required: bool = False


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who is told of which events; its URL, in which tokens stand, is a secret."""

    url: Origin
    events: frozenset[RunEventName]


@dataclass(frozen=True, slots=True)
class ManifestLayer:
    """A folder of manifests in an environment; `name` is how its settings call it."""

    name: str
    folder: Path


@dataclass(frozen=True, slots=True)
class DaskEngine:
    """An existing Dask scheduler, tls://HOST:PORT, and the files of mutual TLS: who we trust, and who we are."""

    scheduler: str
    ca: Path
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that an operator decides. `file` is None where no settings file was found; paths are absolute, but for
    `name`, which is how messages call the file.

    With an `environment`, its name, `targets`, `limits` and `protected` are those of it, `other_targets` are those that
    it leaves out, and `layers` are where its manifests lie, the first one below all others; else there are none, and
    `manifests` is where all lie.

    `limits` holds only the kinds that the settings name: how many changes of that kind one run may make.
    `allowed_lockouts` are the ways back that a plan may close, as the settings call them. `environment_names` are those
    that could be chosen, `layer_folders` are the layers of them all, and `target_files` is where the targets have files
    of their own.
    """

    file: Path | None
    manifests: Path
    state: StateSettings
    targets: Mapping[str, Target] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
    protected: tuple[str, ...] = DEFAULT_PROTECTED
    name: str = "reconciler.yaml"
    plans: PlanSettings = PlanSettings()
    receivers: tuple[Receiver, ...] = ()
    allowed_lockouts: frozenset[str] = frozenset()
    environment: str = ""
    layers: tuple[ManifestLayer, ...] = ()
    other_targets: Mapping[str, Target] = field(default_factory=dict)
    engine: DaskEngine | None = None
    environment_names: tuple[str, ...] = ()
    layer_folders: tuple[Path, ...] = ()
    target_files: Path | None = None

    @property
    def own_places(self) -> tuple[Path, ...]:
        """Files and folders that are settings, and among which no manifest may lie."""
        return tuple(path for path in (self.file, self.target_files) if path is not None)

    @property
    def manifest_folders(self) -> tuple[Path, ...]:
        """Where manifests lie that no path names."""
        return tuple(layer.folder for layer in self.layers) or (self.manifests,)

    @property
    def all_manifest_folders(self) -> tuple[Path, ...]:
        """Where manifests may lie, in whichever environment."""
        return (self.manifests, *self.layer_folders)
