"""Every record of every run as lines of JSON, chained by digests: what an auditor keeps, and can hold against itself.

    {"record": "header", "value": {"format", "store", "targets", "from", "until"}}      what it is about
    {"record": "run" | "intent" | "result", "target", "value": {...}}                   a record; the oldest run first
    {"record": "footer", "value": {"records"}}                                          how many there were

Each line has its own `digest`, and as `previous` that of the line before. The header of an export that goes on from an
earlier one has there the digest of that one's footer. The chain proves that nothing was changed, taken out or put in
since somebody wrote down the digest of the footer; whoever can write the file can also make another chain.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256
from typing import Any, NamedTuple

from reconciler.diagnostics import Diagnostic, Source
from reconciler.engine.run_history import ALL_RUNS
from reconciler.errors import StaleError
from reconciler.model import Json
from reconciler.plans.serial import render_line
from reconciler.state.records import Intent, RunHistory
from reconciler.state.store import Store

CHAIN_FORMAT = "reconciler history 1"

# Hashed first, so that no digest of the same bytes that was made for another purpose passes for a line's.
_DOMAIN = b"reconciler history line 1\n"
_REMEDY = "keep to a copy whose footer has the digest that was written down"
_TIMES = ("at", "started", "ended")
Record = dict[str, Json]
"""The members of a line but for its digests."""


class Chain(NamedTuple):
    """The lines of an export, without their ends, and the digest of the last one."""

    lines: tuple[bytes, ...]
    digest: str

    @property
    def header(self) -> Record:
        """What the first line says it is about."""
        return dict(json.loads(self.lines[0])["value"])

    @property
    def is_first(self) -> bool:
        """True where it goes on from no earlier one."""
        return not json.loads(self.lines[0])["previous"]


class ChainFault(NamedTuple):
    """The first line that doesn't hold, and why."""

    line: int
    reason: str

    def locate(self, file: str) -> Diagnostic:
        """Return what to tell of it."""
        source, reason = Source(file, self.line, 1), "from here on the file proves nothing"
        return Diagnostic("history.broken-chain", source, self.reason, reason, _REMEDY)


def list_records(store: Store, targets: Mapping[str, str]) -> list[Record]:
    """Return the records of all runs on these targets, ids by name, the oldest run first. Raises StoreError."""
    histories = [
        history
        for _, target in sorted(targets.items())
        for history in store.read_histories(target, [run.id for run in store.list_runs(target, ALL_RUNS)])
    ]
    ordered = sorted(histories, key=lambda history: (history.run.started, history.run.id, history.run.target))
    return [record for history in ordered for record in _split_history(history)]


def _encode_intent(intent: Intent) -> dict[str, Json]:
    return {**intent._asdict(), "previous": intent.previous._asdict() if intent.previous else None}


def _split_history(history: RunHistory) -> Iterator[Record]:
    target = history.run.target
    yield {"record": "run", "target": target, "value": {**asdict(history.run), "holder": history.run.holder._asdict()}}
    for intent, at in zip(history.intents, history.times, strict=True):
        yield {"record": "intent", "target": target, "value": {"at": at, **_encode_intent(intent)}}
    for result in history.results:
        yield {"record": "result", "target": target, "value": asdict(result)}


def check_continuation(earlier: Sequence[Chain], store: str) -> None:
    """Raise StaleError where an export would go on from one of another store."""
    for chain in earlier:
        if chain.header["store"] != store:
            summary = f"the earlier export is of the store {chain.header['store']}, and this one is {store}"
            remedy = "begin a new chain without --after"
            raise StaleError(
                Diagnostic("history.other-store", Source("--after"), summary, "nothing was written", remedy)
            )


def build_chain(
    store: str, targets: Mapping[str, str], records: Sequence[Record], earlier: Sequence[Chain] = ()
) -> Chain:
    """Return an export of these records, without those that earlier ones have just so, going on from the last of them.

    A run that was exported while it went on comes again once it has ended.
    """
    exported = {_encode_line(_strip_digests(json.loads(line))) for chain in earlier for line in chain.lines}
    news = [record for record in records if _encode_line(record) not in exported]
    header = _build_header(store, targets, news)
    footer: Record = {"record": "footer", "value": {"records": len(news)}}
    lines: list[bytes] = []
    previous = earlier[-1].digest if earlier else ""
    for members in (header, *news, footer):
        line, previous = _seal_line(members, previous)
        lines.append(line)
    return Chain(tuple(lines), previous)


def _build_header(store: str, targets: Mapping[str, str], records: Sequence[Record]) -> Record:
    times = [record["value"][name] for record in records for name in _TIMES if record["value"].get(name)]
    about = {"format": CHAIN_FORMAT, "store": store, "targets": dict(targets)}
    return {"record": "header", "value": {**about, "from": min(times, default=""), "until": max(times, default="")}}


def verify_chain(data: bytes, previous: str | None = None) -> Chain | ChainFault:
    """Return the chain of a file, or its first line that doesn't hold; `previous` is the digest that it goes on from.

    Without one it may go on from any.
    """
    lines = data.split(b"\n")
    if lines.pop() != b"":
        return ChainFault(len(lines) + 1, "the last line is cut off")
    last: Record = {}
    for number, line in enumerate(lines, 1):
        members = _open_line(line)
        if isinstance(members, str):
            return ChainFault(number, members)
        expected = previous if number == 1 else str(last["digest"])
        if reason := _explain_misplaced(members, number, len(lines), expected):
            return ChainFault(number, reason)
        last = members
    if last.get("record") != "footer":
        return ChainFault(len(lines) + 1, "there is no footer: lines are missing at the end")
    if last["value"] != {"records": len(lines) - 2}:
        return ChainFault(len(lines), f"it counts other records than the {len(lines) - 2:,} that there are")
    return Chain(tuple(lines), str(last["digest"]))


def _explain_misplaced(members: Record, number: int, total: int, previous: str | None) -> str:
    """Say why a line that holds by itself can't stand where it does; "" if it can."""
    if (members["record"] == "header") != (number == 1):
        return "a header stands in the middle" if number > 1 else "it is no header"
    if members["record"] == "header" and members["value"].get("format") != CHAIN_FORMAT:
        return f"it has another format than this version reads, which is {CHAIN_FORMAT!r}"
    if members["record"] == "footer" and number != total:
        return "there is something after the footer"
    if previous is not None and members["previous"] != previous:
        if number > 1:
            return "it does not follow the line before it: lines were taken out, put in or moved"
        return "it does not go on from the export before it"
    return ""


def _seal_line(members: Record, previous: str) -> tuple[bytes, str]:
    """Return a line and its digest."""
    linked = {**members, "previous": previous}
    digest = _digest_members(linked)
    return _encode_line({**linked, "digest": digest}), digest


def _open_line(line: bytes) -> Record | str:
    """Return the members of a line that is just as it was written; else why it isn't."""
    try:
        members: Any = json.loads(line)
        is_whole = _encode_line(members) == line and isinstance(members["value"], dict)
    # Python's JSON parser recurses: a few kilobytes of brackets raise RecursionError.
    except (ValueError, RecursionError, KeyError, TypeError):
        is_whole = False
    if not is_whole or not {"record", "previous", "digest"} <= members.keys():
        return "it is not a line as it was written"
    unsealed = {name: value for name, value in members.items() if name != "digest"}
    if members["digest"] != _digest_members(unsealed):
        return "its digest does not hold: it was changed"
    return dict(members)


def _digest_members(members: Record) -> str:
    return "sha256:" + sha256(_DOMAIN + _encode_line(members)).hexdigest()


def _encode_line(members: Mapping[str, Json]) -> bytes:
    return render_line(members).encode()


def _strip_digests(members: Record) -> Record:
    return {name: value for name, value in members.items() if name not in ("previous", "digest")}


def join_lines(lines: Iterable[bytes]) -> bytes:
    """Return the bytes of a file."""
    return b"".join(line + b"\n" for line in lines)
