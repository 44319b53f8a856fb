"""Entries of the audit trails, which hold what anybody could type: what is read of them, and that nothing breaks."""

# ruff: noqa: E501 - a message is a line
from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.payloads.audit_xml import MOST_CHARACTERS, AuditStates, read_audit_states
from reconciler.payloads.trail_entries import parse_audit_entry, parse_history_entry, parse_trace

SAMPLE = "<AuditAction><ModelState><Template><Name>New</Name><L ienumerable='true'><string>a</string></L></Template></ModelState>"
STATES = AuditStates({"name": frozenset({"new"}), "l": frozenset({"a"})}, None)
ENTITY = '<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
HOSTILE = {
    "an entity that grows": f"<!DOCTYPE x [{ENTITY}]><AuditAction><ModelState><T><N>&b;</N></T></ModelState></AuditAction>",
    "a file of this machine": '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]><A><ModelState><T><N>&f;</N></T></ModelState></A>',
    "a document type elsewhere": '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><A><ModelState><T><N>n</N></T></ModelState></A>',
    "a parameter entity": '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:1/p">%p;]><A/>',
    "an entity that nobody declared": "<A><ModelState><T><N>&b;</N></T></ModelState></A>",
    "a missing quote, as in the vendor's sample": '<A><ModelState enumtype="x></ModelState></A>',
    "text that is too long": f"<A><ModelState><T><N>{'n' * MOST_CHARACTERS}</N></T></ModelState></A>",
    "half a surrogate": "<A><ModelState><T><N>\ud800</N></T></ModelState></A>",
    "a zero byte": "<A><ModelState><T><N>\0</N></T></ModelState></A>",
    "no state": "<AuditAction><Other/></AuditAction>",
    "no element": "Updated",
    "nothing": "",
}  # fmt: skip
SCALARS = st.sampled_from([None, True, 0, -1, 10**30, "", "x", "owner", "2026-01-02T03:04:05Z", '{"a": [1]}'])
JSON = (
    SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.sampled_from(["event", "name"]), SCALARS, max_size=2)
)
MEMBERS = re.split(
    " ",
    "Id Timestamp Message Category Operation Level User EntityType AuditIdentifier ImmutableIdentifier OperationStart "
    "Action Comment Username trace_id trace_name time user request response resource_name trace_rating resource_url",
)


def test_a_message_is_read() -> None:
    """Members by folded name, with the texts that they hold."""
    assert read_audit_states(f"{SAMPLE}</AuditAction>") == STATES


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_message_is_none(text: str) -> None:
    """No entity is expanded, nothing is fetched, and what can't be read is no reason to fail."""
    assert read_audit_states(text) is None


def test_a_message_may_be_deep() -> None:
    """How deep is not for us to say; there is no recursion in reading it."""
    depth = 50_000
    deep = f"<A><ModelState><T><N>{'<a>' * depth}x{'</a>' * depth}</N></T></ModelState></A>"

    assert read_audit_states(deep) == AuditStates({"n": frozenset({"x"})}, None)


@given(st.dictionaries(st.sampled_from(MEMBERS), JSON, max_size=8))
@settings(max_examples=40)
def test_no_entry_is_a_reason_to_fail(row: dict[str, Any]) -> None:
    """Members may be missing, or of any type."""
    named = {**row, "trace_name": "updateSecretEvent"} if len(row) % 2 else row
    for parse in (parse_audit_entry, parse_history_entry, parse_trace):
        entry = parse(named)
        assert entry is None or entry.time.endswith("Z")


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-01-02T03:04:05.123Z", "2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05.1234567Z", "2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05", "2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05Z"),
        ("0001-01-01T00:00:00+14:00", None),
        ("yesterday", None),
        (7, None),
        (None, None),
    ],
)
def test_a_time_without_a_zone_is_utc(text: Any, time: str | None) -> None:
    """As all pages say; an entry without a time is none."""
    entry = parse_audit_entry({"Timestamp": text, "Id": 1})

    assert (entry and entry.time) == time


@pytest.mark.parametrize("moment", [None, True, "1", 10**30, -(10**18), 1.5])
def test_a_trace_without_a_usable_time_is_none(moment: Any) -> None:
    """Milliseconds that no calendar has."""
    assert parse_trace({"trace_name": "updateSecretEvent", "time": moment}) is None


@pytest.mark.parametrize(
    "refusal",
    [{"trace_rating": "warning"}, {"response": {"error_code": "CSMS.0302"}}, {"response": '{"error_code": "x"}'}],
)
def test_an_attempt_that_was_refused_is_no_change(refusal: dict[str, Any]) -> None:
    """Refused attempts are traced too."""
    trace = {"trace_name": "UpdateSecretEvent", "time": 1_700_000_000_000, "trace_id": "t"}

    assert parse_trace(trace) is not None
    assert parse_trace({**trace, **refusal}) is None
