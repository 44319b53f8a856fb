"""The starting world: small, believable, the same for the same seed. Dates are counted from today's midnight, UTC."""

# ruff: noqa: E501 - a row of the tables is a line
from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from reconciler.simulator.world.certificate_rows import DNS_NAME, IP_ADDRESS, Certificate, SubjectAltName
from reconciler.simulator.world.certificate_store import CertificateStore
from reconciler.simulator.world.identities import Account
from reconciler.simulator.world.seed_requests import (
    SEED_HANDLERS,
    build_seed_events,
    build_seed_records,
    build_seed_requests,
)
from reconciler.simulator.world.switches import Switches
from reconciler.simulator.world.world import Record, World

AD = "Active Directory"
ENTRA = "Entra"
REGION = "cn-north-4"
"""The first project's region, and by Huawei's custom its name."""
PROJECT_ID = "0123456789abcdef0123456789abcdef"
GLOBAL_SET = "00000000-0000-0000-0000-000000000001"
HELP_DESK_SET = "5d1ab2c3-8f0e-4c65-9a3e-2b7d1c4e6f01"
ADMINISTRATOR = "CORP\\administrator"
CALLER = "CORP\\svc-reconciler"
CLIENT = "reconciler"
DAY_SECONDS = 86_400
# The one certificate without a common name.
_NAMELESS = 30

_ROLES: tuple[tuple[str, str, str | None, tuple[str, ...], tuple[tuple[int, str, str, str], ...]], ...] = (
    ("Administrator", "Built-in administrators", None, ("/",), ((1, "CORP\\pki-admins", AD, "PKI administrators"), (0, ADMINISTRATOR, AD, "Administrator"))),
    (
        "PKI Operators",
        "Certificate operations",
        "pki@example.com",
        ("/portal/read/", "/dashboard/read/", "/certificates/collections/read/", "/certificates/collections/metadata/modify/"),
        ((1, "CORP\\pki-ops", AD, "PKI operators (AD)"), (4, "pki-operators", ENTRA, "PKI operators")),
    ),
    ("Payments PKI", "Owners of the payment certificates", "payments-pki@example.com", ("/portal/read/", "/certificates/collections/read/1/"), ((4, "payments-pki", ENTRA, "Payments PKI team"),)),
    ("Web Team", "Owners of the web certificates", "web@example.com", ("/portal/read/", "/certificates/collections/read/2/"), ((1, "CORP\\web", AD, "Web team"), (4, "web-team", ENTRA, "Web team"))),
    ("Auditors", "Read-only access for the auditors", "audit@example.com", ("/portal/read/", "/auditing/read/", "/certificates/collections/read/", "/reports/read/", "/security/read/"), ((1, "CORP\\auditors", AD, "Auditors"), (0, "CORP\\alice", AD, "Alice"))),
    ("Platform Engineering", "Certificate stores and agents", "platform@example.com", ("/portal/read/", "/agents/management/read/", "/certificate_stores/read/", "/certificate_stores/schedule/"), ((4, "platform", ENTRA, "Platform engineering"),)),
    ("Help Desk", "First line: sees certificates, changes nothing", None, ("/portal/read/", "/certificates/collections/read/"), ((1, "CORP\\help-desk", AD, "Help desk"),)),
    (
        "GitOps Reconciler",
        "The service account of the reconciler",
        "pki-gitops@example.com",
        (
            "/portal/read/",
            "/security/read/",
            "/security/modify/",
            "/identity_providers/read/",
            "/monitoring/alerts/read/",
            "/monitoring/handlers/registration/read/",
            "/monitoring/handlers/registration/modify/",
            "/certificates/collections/read/",
            "/certificates/collections/change_owner/",
            "/certificates/expanded_change_owner/",
            "/certificates/requests/manage/",
            "/certificate_stores/read/",
        ),
        ((0, CALLER, AD, "Reconciler (Basic)"), (6, CLIENT, ENTRA, "Reconciler (OAuth)")),
    ),
)  # fmt: skip

_COLLECTIONS = (
    ("Payments", "Everything below pay.example.com", 'IssuedCN -endswith ".pay.example.com"'),
    ("Web", "Everything below www.example.com and shop.example.com", '(IssuedCN -endswith ".www.example.com") OR (IssuedCN -endswith ".shop.example.com")'),
    ("Unowned", "Certificates without an owner", "OwnerRoleName -eq NULL"),
    ("Code Signing", "Signing certificates", 'TemplateName -eq "CodeSigning"'),
)  # fmt: skip

_DOMAINS = (
    "pay.example.com",
    "www.example.com",
    "shop.example.com",
    "corp.example.com",
    "test.example.com",
    "ops.example.com",
)
_HOSTS = ("api", "portal", "gateway", "auth", "cards", "mail", "vpn", "ldap", "grafana", "registry", "ci", "edge")
_OWNERS: dict[str, tuple[int | None, ...]] = {
    "pay.example.com": (3, None, 4, None),
    "www.example.com": (4, 4, None, 2),
    "shop.example.com": (4, None, None, 4),
    "corp.example.com": (6, 2, None, None),
    "test.example.com": (None, None, None, 6),
    "ops.example.com": (6, 6, 2, None),
}


_OWNER_POLICIES = (("Web servers", "Optional"), ("Clients", "Optional"), ("Code signing", "Required"))


def build_starting_world(certificates: int, seed: int, switches: Switches) -> World:
    """Return the world with this many certificates; secrets are random, all else follows from the seed and the day."""
    today = int(datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0).timestamp())
    world = World(CertificateStore(_generate_certificates(certificates, seed, today)), PROJECT_ID, switches=switches)
    world.projects[PROJECT_ID] = REGION
    _add_permission_sets(world)
    _add_providers(world)
    _add_roles(world)
    for i, (name, text, query) in enumerate(_COLLECTIONS, 1):
        world.collections[i] = {"Id": i, "Name": name, "Description": text, "Automated": False, "Content": query, "DuplicationField": 0, "ShowOnDashboard": i == 1, "Favorite": i == 1}  # fmt: skip
    for i, (name, kind) in enumerate((("Payment gateways", 2), ("Web front ends", 6)), 1):
        members = {row.id for row in world.certificates.values() if row.id % 10 == i and row.id < 2_000}
        world.containers[i] = {"Id": i, "Name": name, "OverwriteSchedules": False, "Schedule": None, "CertStoreType": kind, "StoreCount": 2, "_certificates": members}  # fmt: skip
    for i, (name, policy) in enumerate(_OWNER_POLICIES, 1):
        world.patterns[i] = {"Id": i, "Name": name, "OwnerPolicy": policy}
    world.handlers.update({i: {"Id": i, **handler} for i, handler in enumerate(SEED_HANDLERS, 1)})
    world.assemblies["Example.Keyfactor.Handlers"] = [{"DisplayName": "Ticket on denial", "ClassName": "Example.Keyfactor.Handlers.TicketOnDenial", "Enabled": False, "SupportedEvents": "Denied Certificate Request Handler"}]  # fmt: skip
    world.requests.update({request["Id"]: request for request in build_seed_requests(today)})
    world.events = build_seed_events(today * 1000, PROJECT_ID, seed)
    world.records = build_seed_records(today * 1000, PROJECT_ID)
    world.subscriptions["rotation-audit"] = {"db-payments"}
    return world


def _add_permission_sets(world: World) -> None:
    world.permission_sets[GLOBAL_SET] = {"Id": GLOBAL_SET, "Name": "Global", "Permissions": ["/"]}
    # A role can only have what its permission set grants (KF 1.6).
    narrow = ["/portal/read/", "/dashboard/read/", "/certificates/collections/read/", "/reports/read/"]
    world.permission_sets[HELP_DESK_SET] = {"Id": HELP_DESK_SET, "Name": "Help Desk", "Permissions": narrow}


_AUTHORIZATION_URL = "https://login.example.com/oauth2/v2.0/authorize"
_TYPE_PARAMETERS = (
    {"Id": 1, "Name": "Authority", "DisplayName": "Authority", "DataType": 1, "Required": True},
    {"Id": 2, "Name": "ClientId", "DisplayName": "Client Id", "DataType": 1, "Required": True},
    {"Id": 3, "Name": "ClientSecret", "DisplayName": "Client Secret", "DataType": 2, "Required": True},
)
PROVIDER_TYPES: tuple[Record, ...] = (
    {"Id": "a1b2c3d4-0000-4000-9000-000000000001", "Name": "Active Directory", "TypeParameters": []},
    {"Id": "a1b2c3d4-0000-4000-9000-000000000002", "Name": "Generic OIDC", "TypeParameters": list(_TYPE_PARAMETERS)},
)
"""The types of identity providers that there can be. Names and parameters are made up (KF 2.3)."""


def _add_providers(world: World) -> None:
    for i, (scheme, name, url) in enumerate(
        ((AD, "Active Directory", None), (ENTRA, "Entra ID", _AUTHORIZATION_URL)), 1
    ):
        guid = f"a1b2c3d4-0000-4000-8000-00000000000{i}"
        world.providers[guid] = {
            "Id": guid,
            "AuthenticationScheme": scheme,
            "DisplayName": name,
            "TypeId": PROVIDER_TYPES[i - 1]["Id"],
            "Parameters": [],
            "PermissionSetId": GLOBAL_SET,
            "AuthenticationEnabled": True,
            "_authorization_url": url,
        }


def _add_roles(world: World) -> None:
    for role_id, (name, text, email, permissions, claims) in enumerate(_ROLES, 1):
        claim_ids = []
        for kind, value, scheme, description in claims:
            claim_id = len(world.claims) + 1
            world.claims[claim_id] = {"Id": claim_id, "ClaimType": kind, "ClaimValue": value, "ProviderAuthenticationScheme": scheme, "Description": description}  # fmt: skip
            claim_ids.append(claim_id)
        world.roles[role_id] = {
            "Id": role_id,
            "Name": name,
            "Description": text,
            "EmailAddress": email,
            # True for the built-in administrator role alone (KF 1.3).
            "Immutable": role_id == 1,
            "PermissionSetId": HELP_DESK_SET if name == "Help Desk" else GLOBAL_SET,
            "Permissions": list(permissions),
            "Claims": claim_ids,
            "Extra": {"Notes": f"Kept by hand for {name}"},
        }


def add_accounts(world: World, secrets: dict[str, str]) -> None:
    """Give the world its accounts. `secrets` holds password, client_secret, access_key, secret_key, iam_password, admin."""
    user, client = (0, CALLER.lower(), AD.lower()), (6, CLIENT.lower(), ENTRA.lower())
    world.users[CALLER.lower()] = Account(CALLER, secrets["password"], (user,))
    world.users[ADMINISTRATOR.lower()] = Account(
        ADMINISTRATOR, secrets["admin"], ((0, ADMINISTRATOR.lower(), AD.lower()),)
    )
    world.users["corp\\alice"] = Account("CORP\\alice", secrets["admin"], ((0, "corp\\alice", AD.lower()),))
    world.clients[CLIENT] = Account(CLIENT, secrets["client_secret"], (client,))
    world.access_keys[secrets["access_key"]] = Account("reconciler", secrets["secret_key"])
    world.iam_users[("example", "reconciler")] = Account("reconciler", secrets["iam_password"])
    world.iam_users[("example", "console")] = Account("console", secrets["admin"])


def _generate_certificates(count: int, seed: int, today: int) -> Iterator[Certificate]:
    generator = random.Random(seed)  # noqa: S311
    # random() is the only method whose sequence Python promises to keep for a seed across versions.
    draw_chance = generator.random
    for i in range(1, count + 1):
        domain = _DOMAINS[(i - 1) % len(_DOMAINS)]
        cycle = (i - 1) // len(_DOMAINS)
        host = _HOSTS[cycle % len(_HOSTS)] + (str(cycle // len(_HOSTS)) if cycle >= len(_HOSTS) else "")
        yield _generate_certificate(i, f"{host}.{domain}", domain, draw_chance(), today, seed)


def _choose_alt_names(i: int, cn: str, domain: str) -> tuple[SubjectAltName, ...] | None:
    if i == _NAMELESS:
        return (DNS_NAME, cn), (IP_ADDRESS, "10.20.0.30")
    # A portal is reached by its domain alone, too.
    return ((DNS_NAME, cn), (DNS_NAME, domain)) if cn.startswith("portal") else None


def _generate_certificate(i: int, cn: str, domain: str, chance: float, today: int, seed: int) -> Certificate:
    # Windows calls a certificate's SHA-1 its thumbprint. Without the flag an OpenSSL in FIPS mode may refuse it.
    digest = hashlib.sha1(b"%d:%d" % (seed, i), usedforsecurity=False).hexdigest().upper()
    is_expired, is_revoked = i > 6 and 0.80 < chance <= 0.90, i > 6 and chance > 0.93
    age = int(chance * 997) % 330 + 1
    begin = today - (age + 400 if is_expired else age) * DAY_SECONDS
    is_for_signing = i % 50 == 0
    owners = _OWNERS[domain]
    overrides: dict[str, Any] = {"template_id": 3, "template": "CodeSigning", "pattern": 3} if is_for_signing else {}
    return Certificate(
        i,
        digest,
        "1A" + digest[:16],
        None if i == _NAMELESS else cn,
        begin,
        # The CA/Browser Forum's limit for public TLS certificates from September 2020 to March 2026.
        begin + 398 * DAY_SECONDS,
        2 if is_revoked else 1,
        2 if is_for_signing else owners[(i // 6 + int(chance * 4)) % 4],
        revoked_at=today - DAY_SECONDS if is_revoked else None,
        department="Payments" if domain.startswith("pay") else "Web",
        has_private_key=i % 3 == 0,
        sans=_choose_alt_names(i, cn, domain),
        **overrides,
    )
