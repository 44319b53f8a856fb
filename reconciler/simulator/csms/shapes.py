"""What CSMS takes and answers: events, pages, notification records, refusals (CS 1, 2; seed 003)."""

from __future__ import annotations

from reconciler.simulator.http.shapes import Field

EVENT_TYPES = (
    "SECRET_VERSION_CREATED",
    "SECRET_VERSION_EXPIRED",
    "SECRET_ROTATED",
    "SECRET_ROTATED_FAILED",
    "SECRET_DELETED",
)
CSMS_ERROR = (Field("error", "object", fields=(Field("error_code", "string"), Field("error_msg", "string"))),)
"""The body of a refusal by the service (CS 2.1)."""
GATEWAY_ERROR = tuple(Field(name, "string") for name in ("error_msg", "error_code", "request_id"))
"""The body of a refusal by the gateway in front of it (CS 2.1)."""
_STATES = ("ENABLED", "DISABLED")
_NOTIFICATION = (
    Field("target_type", "string", required=True, enum=("SMN",)),
    # No check for a URN: Huawei's own example is `demo-smn-id` (CS 1.2).
    Field("target_id", "string", required=True, pattern=r"[a-zA-Z0-9\-._:]{1,256}"),
    Field("target_name", "string", required=True, pattern=r"[a-zA-Z0-9_-]{1,64}"),
)
_EVENT_TYPE = Field("", "string", nullable=False, enum=EVENT_TYPES, judged=True)
_EVENT_TYPES = Field("event_types", "array", items=_EVENT_TYPE, unique=True, most=12)
EVENT_CHANGE = (
    Field("state", "string", enum=_STATES),
    _EVENT_TYPES,
    Field("notification", "object", fields=_NOTIFICATION),
)
EVENT_NAME = Field("name", "string", required=True, pattern=r"[a-zA-Z0-9_-]{1,64}", judged=True)
EVENT_CREATE = (EVENT_NAME, *(field._replace(required=True) for field in EVENT_CHANGE))
_EVENT = (
    Field("name", "string"),
    Field("event_id", "string"),
    *EVENT_CHANGE,
    Field("create_time", "long", "milliseconds (CS 1.5)"),
    Field("update_time", "long", "milliseconds (CS 1.5)"),
)
EVENT_REPLY = (Field("event", "object", nullable=False, fields=_EVENT),)
_PAGE_INFO = Field(
    "page_info",
    "object",
    fields=(
        Field("next_marker", "string", optional=True),
        Field("previous_marker", "string", optional=True),
        Field("current_count", "integer", nullable=False),
    ),
)
EVENT_PAGE = (
    Field("events", "array", nullable=False, items=Field("", "object", nullable=False, fields=_EVENT)),
    _PAGE_INFO,
)
_RECORD = (
    Field("event_name", "string"),
    Field("trigger_event_type", "string", enum=EVENT_TYPES),
    Field("create_time", "long", "milliseconds"),
    Field("secret_name", "string"),
    Field("secret_type", "string"),
    Field("notification_target_name", "string"),
    Field("notification_target_id", "string"),
    # Documented with 255 characters at most, which its own example exceeds (CS 1.8).
    Field("notification_content", "string", "a string that holds JSON (CS 1.8)"),
    Field("notification_status", "string", enum=("SUCCESS", "FAIL", "INVALID")),
)
RECORD_PAGE = (
    Field("records", "array", nullable=False, items=Field("", "object", nullable=False, fields=_RECORD)),
    _PAGE_INFO,
)
PAGE_QUERY = (Field("limit", "string", "1-4 digits", default="50"), Field("marker", "string", "an event's name"))
