"""Every way to log in: its settings, the secrets that they name, and how those end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from reconciler.simulator import Simulator
from tests.support.tls_certificates import PROVIDER

ROLE = "kind: SecurityRole\nmetadata: {name: PKI Operators}\nspec: {description: Changed}\n"
EVENT = "kind: SecretEvent\nmetadata: {name: rotation-audit}\nspec: {state: DISABLED}\n"


class Way(NamedTuple):
    """One way to log in.

    `auth` is the settings' YAML, with {provider}, the root of the identity provider's addresses. `secrets` are the
    environment variables that it names; the last of them is the one to be wrong or missing. `expire` makes what was
    right no longer so: `renewed` says that the tool gets itself another.
    """

    name: str
    api: str
    auth: str
    secrets: Callable[[Simulator], Mapping[str, str]]
    expire: Callable[[Simulator], None]
    renewed: bool = False
    project: str = "projectId: {project}"


def _keyfactor(name: str) -> Callable[[Simulator], Mapping[str, str]]:
    return lambda simulator: {"SECRET": simulator.credentials["keyfactor"][name]}


def _keys(simulator: Simulator) -> Mapping[str, str]:
    told = simulator.credentials["csms"]
    return {"ACCESS": told["access_key"], "SECRET": told["secret_key"]}


def _temporary(simulator: Simulator) -> Mapping[str, str]:
    told = simulator.temporary_keys()
    return {"ACCESS": told["access_key"], "SECRET": told["secret_key"], "TOKEN": told["security_token"]}


def _bearer(simulator: Simulator) -> Mapping[str, str]:
    return {"SECRET": simulator.world.bearer_tokens.issue(simulator.credentials["keyfactor"]["client_id"], 3600)}


def _iam_token(simulator: Simulator) -> Mapping[str, str]:
    return {"SECRET": simulator.world.iam_tokens.issue("reconciler", 3600)}


def _password_changed(simulator: Simulator) -> None:
    users = simulator.world.users
    for name, account in users.items():
        users[name] = account._replace(secret="changed yesterday")


def _now(simulator: Simulator) -> None:
    simulator.expire_tokens()


def _meanwhile(simulator: Simulator) -> None:
    """The token that was fetched for the run ends before the run does."""
    simulator.fault("GET", kind="expire_tokens")


WAYS = (
    Way(
        "basic",
        "keyfactor",
        "{{type: basic, username: 'CORP\\svc-reconciler', password: {{env: SECRET}}}}",
        _keyfactor("password"),
        _password_changed,
    ),
    Way(
        "oauth",
        "keyfactor",
        (
            "{{type: oauth, tokenUrl: '{provider}/oauth/token', clientId: reconciler, clientSecret: {{env: SECRET}}, "
            "caBundle: provider.pem}}"
        ),
        _keyfactor("client_secret"),
        _meanwhile,
        renewed=True,
    ),
    Way("bearer", "keyfactor", "{{type: bearer, token: {{env: SECRET}}}}", _bearer, _now),
    Way(
        "aksk",
        "csms",
        "{{type: aksk, accessKey: {{env: ACCESS}}, secretKey: {{env: SECRET}}}}",
        _keys,
        lambda simulator: simulator.world.access_keys.clear(),
    ),
    Way(
        "aksk, temporary",
        "csms",
        "{{type: aksk, accessKey: {{env: ACCESS}}, secretKey: {{env: SECRET}}, securityToken: {{env: TOKEN}}}}",
        _temporary,
        _now,
    ),
    Way(
        "aksk, project by name",
        "csms",
        "{{type: aksk, accessKey: {{env: ACCESS}}, secretKey: {{env: SECRET}}}}",
        _keys,
        lambda simulator: simulator.world.access_keys.clear(),
        project="projectName: cn-north-4",
    ),
    Way("token", "csms", "{{type: token, token: {{env: SECRET}}}}", _iam_token, _now),
    Way(
        "password",
        "csms",
        "{{type: password, user: reconciler, domain: example, password: {{env: SECRET}}}}",
        lambda simulator: {"SECRET": simulator.credentials["csms"]["password"]},
        _meanwhile,
        renewed=True,
    ),
)
PROVIDED = frozenset({"oauth", "password", "aksk, project by name"})
"""Those that ask an identity provider for something first."""


def settings(way: Way, url: str, more: str = "") -> str:
    """Return a settings file for one target at `url`."""
    provider = url.replace("127.0.0.1", PROVIDER)
    project = "" if way.api == "keyfactor" else f"    {way.project}\n    iamUrl: {provider}\n"
    place = f"{url}/KeyfactorAPI" if way.api == "keyfactor" else url
    auth = way.auth.format(provider=provider)
    return (
        f"apiVersion: reconciler/v1\nkind: Settings\ntargets:\n  {target(way)}:\n    api: {way.api}\n    url: {place}\n"
        f"    auth: {auth}\n    caBundle: trusted.pem\n    timeout: 30\n{project}{more}"
    )


def target(way: Way) -> str:
    """Return what the target is called."""
    return "command" if way.api == "keyfactor" else "csms"
