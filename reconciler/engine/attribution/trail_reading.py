"""Reading the audit trails, within bounds: a window of time, and a few pages of it.

Whatever keeps one from being read ends it for the run: a refused request is itself an entry of Command's audit log.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import IncompleteError
from reconciler.kinds.trail_names import Trail
from reconciler.model import Json, Query
from reconciler.payloads.trail_entries import TrailEntry, parse_audit_entry, parse_history_entry, parse_trace
from reconciler.reader import Read

AUDIT_PATH = "/Audit"
MOST_TRAIL_PAGES = 5
AUDIT_LIMIT = 200
TRACE_LIMIT = 200
TRACE_DAYS = 7
"""How long Huawei keeps traces without a tracker of one's own."""
TRACE_NAMES = ("updateSecretEvent", "createSecretEvent", "deleteSecretEvent")
_DEFAULT_LIMIT = 50
PERMISSIONS = {
    Trail.AUDIT_LOG: "/auditing/read/, which is as good as the right to read everything",
    Trail.HISTORY: "/certificates/collections/read/",
    Trail.TRACES: "cts:trace:list",
}


def read_audit_log(read: Read, category: str, begin: datetime) -> list[TrailEntry]:
    """Return entries of a category since a time, the newest first; raises what a read does, and IncompleteError.

    `category` is a part of a subcategory's text. Nothing else of the query is documented well enough to rely on.
    """
    entries: dict[str, TrailEntry] = {}
    for page in range(1, MOST_TRAIL_PAGES + 1):
        rows = _read_audit_page(read, category, page)
        parsed = [entry for entry in map(parse_audit_entry, rows) if entry]
        new_entries = {entry.id: entry for entry in parsed if entry.id not in entries}
        entries |= new_entries
        is_past = bool(parsed) and parsed[-1].moment < begin <= parsed[0].moment
        if not new_entries or is_past or len(rows) < _DEFAULT_LIMIT:
            break
    return list(entries.values())


def _read_audit_page(read: Read, category: str, page: int) -> list[Json]:
    query: Query = (
        ("QueryString", f'Category -contains "{category}"'),
        # The default is the oldest first, which would say nothing of this week.
        ("SortField", "Timestamp"),
        ("SortAscending", "1"),
        ("PageReturned", str(page)),
        ("ReturnLimit", str(AUDIT_LIMIT)),
    )
    rows = read.get(AUDIT_PATH, query=query)
    if not isinstance(rows, list):
        raise make_unreadable_error(f"GET {AUDIT_PATH}", "the server has no audit log, or none that can be read")
    return rows


def read_owner_history(read: Read, certificate: str) -> list[TrailEntry]:
    """Return the entries of a certificate's history that are about its owner; raises as above."""
    path = f"/Certificates/{int(certificate)}/History"
    rows = read.get(path, query=(("SortField", "OperationStart"), ("SortAscending", "1"), ("ReturnLimit", "50")))
    if not isinstance(rows, list):
        raise make_unreadable_error(f"GET {path}", "the server has no history of the certificate")
    return [entry for entry in map(parse_history_entry, rows) if entry]


def read_traces(read: Read, project: str, begin: datetime, now: datetime) -> list[TrailEntry]:
    """Return the traces of changes to secret events in a project since a time, seven days at most; raises as above."""
    begin = max(begin, now - timedelta(days=TRACE_DAYS))
    return [
        entry
        for name in TRACE_NAMES
        for row in _list_traces(read, f"/v3/{project}/traces", name, begin, now + timedelta(minutes=1))
        if (entry := parse_trace(row))
    ]


def _list_traces(read: Read, path: str, name: str, begin: datetime, end: datetime) -> Iterator[Json]:
    bounds = (("from", _count_milliseconds(begin)), ("to", _count_milliseconds(end)))
    marker = ""
    used_markers: set[str] = set()
    # By its name alone: what the service and the resource are called differs between the vendor's own pages.
    query: Query = (("trace_type", "system"), ("trace_name", name), ("limit", str(TRACE_LIMIT)), *bounds)
    for _ in range(MOST_TRAIL_PAGES):
        answer = read.get(path, query=(*query, *((("next", marker),) if marker else ())))
        if not isinstance(answer, dict) or not isinstance(answer.get("traces"), list):
            raise make_unreadable_error(f"GET {path}", "CTS gave no traces; it may not be enabled in this project")
        yield from answer["traces"]
        info = answer.get("meta_data")
        next_marker = info.get("marker") if isinstance(info, dict) else None
        if not isinstance(next_marker, str) or next_marker in {"", *used_markers} or not answer["traces"]:
            return
        marker = next_marker
        used_markers.add(marker)


def _count_milliseconds(moment: datetime) -> str:
    return str(int(moment.astimezone(UTC).timestamp() * 1000))


def make_unreadable_error(call: str, summary: str) -> IncompleteError:
    """Return the error for a trail that gave nothing to read."""
    return IncompleteError(Diagnostic("drift.not-attributed", Source(call), summary))
