"""The starting world's event handlers, certificate requests and secret events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

SeedRecord = dict[str, Any]

# Denied.DeniedLogger is the one class name that is documented; the others are made after it (KF 5).
_NAMESPACE = "CSS.CMS.Monitoring.EventHandling"

SEED_HANDLERS: tuple[SeedRecord, ...] = tuple(
    {"DisplayName": name, "ClassName": f"{_NAMESPACE}.{kind}", "Enabled": enabled, "SupportedEvents": events}
    for name, kind, enabled, events in (
        ("Denied request logger", "Denied.DeniedLogger", False, "Denied Certificate Request Handler"),
        ("Denied request PowerShell", "Denied.DeniedPowershell", False, "Denied Certificate Request Handler"),
        ("Expiration logger", "Expiration.ExpirationLogger", True, "Certificate Expiration Handler"),
        ("Issued certificate logger", "Issued.IssuedLogger", True, "Issued Certificate Handler"),
        ("Pending request logger", "Pending.PendingLogger", True, "Pending Certificate Handler"),
    )
)

_PENDING, _DENIED, _ISSUED = 5, 3, 1
# host\logical name: what Windows calls the CA's configuration string (KF 7.2).
_AUTHORITY = "ca01.corp.example.com\\Example Issuing CA 1"

_REQUESTS: tuple[tuple[int, str | None, str, str, int], ...] = (
    (12, "www.example.com", "WebServer", "CORP\\bob", _ISSUED),
    (14, "api.pay.example.com", "WebServer", "CORP\\carol", _PENDING),
    (17, "old.test.example.com", "WebServer", "CORP\\alice", _DENIED),
    (19, "vpn.corp.example.com", "Computer", "CORP\\dave", _PENDING),
    (21, "build.example.com", "CodeSigning", "CORP\\ci", _ISSUED),
    (23, "test.example.com", "WebServer", "CORP\\alice", _PENDING),
    (24, "one.test.example.com", "WebServer", "CORP\\alice", _PENDING),
    (25, "two.test.example.com", "WebServer", "CORP\\bob", _PENDING),
    (26, "three.test.example.com", "WebServer", "CORP\\bob", _PENDING),
    (27, "db.test.example.com", "Computer", "CORP\\alice", _PENDING),
    (28, "partner.test.example.com", "WebServer", "PARTNER\\eve", _PENDING),
    (31, "shop.example.com", "WebServer", "CORP\\carol", _PENDING),
    (33, "mail.corp.example.com", "WebServer", "CORP\\dave", _PENDING),
    (35, None, "Computer", "CORP\\svc-ops", _PENDING),
    (36, "edge.www.example.com", "WebServer", "CORP\\carol", _PENDING),
    (41, "cards.pay.example.com", "WebServer", "CORP\\carol", _DENIED),
)


_ALT_NAMES: Mapping[int, list[tuple[str, str]]] = {
    31: [("dns", "shop.example.com"), ("dns", "www.shop.example.com")],
    35: [("dns", "agent.ops.example.com"), ("ip", "10.20.0.35")],
}
"""Those that are not the common name alone. Request 35 has no common name."""


def build_seed_requests(today: int) -> list[SeedRecord]:
    """Return the certificate requests, pending and settled. `today` is in seconds; newer requests have greater ids."""
    return [
        {
            "Id": request_id,
            # A string in the SDKs, though the documents call it a row's number (KF 7.2).
            "CARequestId": str(1000 + request_id),
            "CommonName": name,
            "DistinguishedName": "O=Example Corp,C=DE" if name is None else f"CN={name},O=Example Corp,C=DE",
            "SubmissionDate": datetime.fromtimestamp(today - (50 - request_id) * 7200, UTC).strftime(
                "%Y-%m-%dT%H:%M:%SZ"
            ),
            "CertificateAuthority": _AUTHORITY,
            "Template": template,
            "Requester": requester,
            "State": state,
            "Metadata": {},
            "DenialComment": "Not a production name" if state == _DENIED else None,
            "_sans": _ALT_NAMES.get(request_id),
        }
        for request_id, name, template, requester, state in _REQUESTS
    ]


_EVENTS = (
    ("expiry-prod", "DISABLED", ["SECRET_VERSION_EXPIRED"], "pki"),
    ("rotation-audit", "ENABLED", ["SECRET_ROTATED", "SECRET_ROTATED_FAILED"], "audit"),
    ("lifecycle", "ENABLED", ["SECRET_VERSION_CREATED", "SECRET_DELETED"], "platform"),
)


def build_seed_events(now: int, project: str, seed: int) -> dict[str, SeedRecord]:
    """Return the secret events by name. `now` is in milliseconds."""
    return {
        name: {
            "name": name,
            # version= sets the version and variant bits (RFC 9562, 4), which these numbers would lack.
            "event_id": str(UUID(int=(seed << 64) + i, version=4)),
            "event_types": list(types),
            "state": state,
            "create_time": now - i * 3_600_000,
            "update_time": now - i * 3_600_000,
            "notification": {
                "target_type": "SMN",
                "target_id": f"urn:smn:cn-north-4:{project}:{topic}",
                "target_name": topic,
            },
        }
        for i, (name, state, types, topic) in enumerate(_EVENTS, 1)
    }


def build_seed_records(now: int, project: str) -> list[SeedRecord]:
    """Return the notification records. `now` is in milliseconds."""
    record = {
        "event_name": "rotation-audit",
        "trigger_event_type": "SECRET_ROTATED",
        "create_time": now - 60_000,
        "secret_name": "db-payments",
        "secret_type": "COMMON",
        "notification_target_name": "audit",
        "notification_target_id": f"urn:smn:cn-north-4:{project}:audit",
        "notification_content": '{"eventName":"rotation-audit","eventType":"SECRET_ROTATED"}',
        "notification_status": "SUCCESS",
    }
    return [record]
