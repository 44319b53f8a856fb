"""The bytes of a plan file: sections in a fixed order, a digest, a signature and a seal.

    format_version kind tool nonce created expires commit paths   which plan this is: another one each time
    unmanaged                                                     what else was seen: nothing of it is approved
    compared selection ... manifests steps                        what is approved: the same for an equal plan
    digest                                                        of what is approved alone
    signature                                                     of every byte before it; only where it was signed
    seal                                                          a digest of every other byte

The seal shows damage and the signature shows who; both are worked out from the bytes, before any of them is parsed. The
file must be exactly what the tool writes, so that no edit goes unnoticed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from io import BytesIO
from typing import Any, NamedTuple, TypeAlias

from reconciler.diagnostics import Explanation, Source
from reconciler.errors import StaleError
from reconciler.model import Json
from reconciler.plans.serial import PLAN_FORMAT_VERSION, EncodedSteps, render_members, render_step
from reconciler.plans.signatures import PlanSignature, Sign

_Bytes: TypeAlias = bytes | memoryview

# Hashed first, so that no digest of the same bytes that was made for another purpose passes for one of these.
_DIGEST_DOMAIN, _SEAL_DOMAIN = b"reconciler plan digest 2\n", b"reconciler plan seal 2\n"
_TAIL = re.compile(
    rb'(?:,\n  "signature": \{\n    "method": "([a-z0-9-]{1,32})",\n    "value": "([0-9a-f]{1,1024})"\n  \})?'
    rb',\n  "seal": "sha256:([0-9a-f]{64})"\n\}\n\Z'
)
_MAX_TAIL = 2048
"""Bytes in which signature and seal have room."""
_BLOCK_SIZE = 2**20
_STEPS_START, _STEPS_BREAK, _STEPS_END = b'\n  "steps": [\n    ', b",\n    ", b"\n  ]"
_NO_STEPS = b'\n  "steps": []'
"""What stands in the place of steps where they are taken out. Within a text no line break is left as it is."""
_FIRST = ("format_version", "kind", "tool", "nonce", "created", "expires", "commit", "paths", "unmanaged")
_LAST = ("digest", "signature", "seal")
_MARKS = (b'"format_version"', b'"digest"', b'"created"')
"""What a damaged plan still holds, and another file does not."""
PLAN_ANEW = "make a new one with plan --out"
_DAMAGED = Explanation(
    "plan.damaged",
    "this is not a plan as it was written: its digest does not hold, so a byte of it was changed or lost",
    "nothing was done",
    PLAN_ANEW,
)
_NO_PLAN = Explanation(
    "plan.no-plan",
    "this is no saved plan: nothing in it is what plan --out writes",
    "nothing was done",
    PLAN_ANEW,
)


class SealedMembers(NamedTuple):
    """The bytes of a plan file, and the digest of what is approved in it."""

    data: bytes
    digest: str


def seal_members(members: Mapping[str, Json], sign: Sign | None = None) -> SealedMembers:
    """Return the file of these members, with their digest, their signature and their seal in the place of any others.

    Whoever can read this can do it: a seal is no signature.
    """
    shell = _take_steps_out(members)
    before = _join_members(render_members(_pick_first(shell)), _render_approved(shell)).encode().partition(_NO_STEPS)[0]
    sheet = BytesIO()
    # The steps are written into their place, since to put them together with all else later would take the room twice.
    start = sheet.write(before + _STEPS_START)
    _write_steps(members, sheet)
    with sheet.getbuffer() as written, written[start:] as steps:
        text, digest = _seal_shell(shell, steps, sign)
        has_steps = bool(len(steps))
    if not has_steps:
        return SealedMembers(text.encode(), digest)
    sheet.write(_STEPS_END + text.encode().removeprefix(before + _NO_STEPS))
    return SealedMembers(sheet.getvalue(), digest)


def digest_approved(members: Mapping[str, Json]) -> str:
    """Return the digest of what is approved, as the file of these members has it."""
    shell, sheet = _take_steps_out(members), BytesIO()
    _write_steps(members, sheet)
    return _digest_shell(_render_approved(shell), sheet.getbuffer())


def _take_steps_out(members: Mapping[str, Json]) -> Mapping[str, Json]:
    return {**members, "steps": []} if isinstance(members.get("steps"), list | EncodedSteps) else members


def _write_steps(members: Mapping[str, Json], sheet: BytesIO) -> None:
    """Write the steps as they stand in a file: so large a text is built once."""
    steps = members.get("steps")
    for number, step in enumerate(steps if isinstance(steps, list | EncodedSteps) else ()):
        sheet.write((_STEPS_BREAK if number else b"") + render_step(step).encode())


def _seal_shell(shell: Mapping[str, Json], steps: _Bytes, sign: Sign | None) -> tuple[str, str]:
    """Return the text of a file, without steps, and the digest."""
    approved = _render_approved(shell)
    digest = _digest_shell(approved, steps)
    text = _join_members(render_members(_pick_first(shell)), approved, render_members({"digest": digest}))
    if sign:
        signature: dict[str, Json] = {"signature": sign(b"".join(_insert_steps(text, steps)))._asdict()}
        text = _join_members(text, render_members(signature))
    seal: dict[str, Json] = {"seal": _hash(_SEAL_DOMAIN, *_insert_steps(text, steps))}
    return _join_members(text, render_members(seal)), digest


def _digest_shell(approved: str, steps: _Bytes) -> str:
    return _hash(_DIGEST_DOMAIN, *_insert_steps(approved, steps))


def _insert_steps(text: str, steps: _Bytes) -> tuple[_Bytes, ...]:
    """Return the parts of a text that was rendered without steps, with the steps in their place."""
    if not len(steps):
        return (text.encode(),)
    before, _, behind = text.encode().partition(_NO_STEPS)
    return before + _STEPS_START, steps, _STEPS_END + behind


def _pick_first(members: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in members.items() if name in _FIRST}


def _render_approved(members: Mapping[str, Json]) -> str:
    # A member that a later minor version joins counts as approved.
    return render_members({name: value for name, value in members.items() if name not in (*_FIRST, *_LAST)})


def _join_members(*texts: str) -> str:
    """Return one JSON object of the members of several, each as `render_members` writes it."""
    inner = ",\n".join(text.removeprefix("{\n").removesuffix("\n}\n") for text in texts if text != "{}\n")
    return f"{{\n{inner}\n}}\n"


def _hash(domain: bytes, *parts: _Bytes) -> str:
    checksum = sha256(domain)
    for part in parts:
        checksum.update(part)
    return f"sha256:{checksum.hexdigest()}"


def split_file(data: bytes, file: str) -> tuple[bytes, PlanSignature | None]:
    """Return what a signature is of, and the signature, of a file whose seal holds. Nothing is parsed."""
    match = _TAIL.search(data, max(0, len(data) - _MAX_TAIL))
    if match is None:
        raise StaleError(_explain_damage(data).locate(Source(file)))
    method, value, seal = match.groups()
    signed_end = match.start() if method is None else match.end(2) + len(b'"\n  }')
    if _hash(_SEAL_DOMAIN, memoryview(data)[:signed_end], b"\n}\n") != f"sha256:{seal.decode()}":
        raise StaleError(_explain_damage(data).locate(Source(file)))
    signature = PlanSignature(method.decode(), value.decode()) if method is not None else None
    # One copy: to cut and then to join would be two at once.
    return b"".join((memoryview(data)[: match.start()], b"\n}\n")), signature


def parse_members(data: bytes, file: str) -> dict[str, Any]:
    """Return the members of a plan file whose bytes are exactly those that the tool wrote; raises StaleError.

    Steps can be gone through once, and are looked at as they come: that raises StaleError as well.
    """
    start, end = _find_steps(data)
    steps = memoryview(data)[start:end]
    shell = data[: start - len(_STEPS_START)] + _NO_STEPS + data[end + len(_STEPS_END) :] if start else data
    try:
        members = json.loads(shell)
        # Before the bytes are compared: another format has others.
        if members.get("kind") == "Plan" and not _is_known_format(members.get("format_version")):
            raise StaleError(_explain_other_format(members.get("format_version")).locate(Source(file)))
        # All bytes are compared, not digests alone: json.loads keeps the last of two equal names (RFC 8259, 4, leaves
        # it open) and reads UTF-16 as well, so a file could show its reviewer something else than it holds.
        is_whole = members.get("kind") == "Plan" and _seal_again(members, steps).encode() == shell
    # Python's JSON parser recurses: a few kilobytes of brackets raise RecursionError.
    except (ValueError, RecursionError, UnicodeError, AttributeError, TypeError):
        is_whole = False
    if not is_whole:
        raise StaleError(_explain_damage(data).locate(Source(file)))
    return {**members, "steps": _parse_steps(_cut_blocks(data, start, end), file)} if start else members


def _find_steps(data: bytes) -> tuple[int, int]:
    """Return where the first step begins and the last one ends; (0, 0) where there is none in its place."""
    start = data.find(_STEPS_START) + len(_STEPS_START)
    end = data.find(_STEPS_END, start)
    return (start, end) if start >= len(_STEPS_START) and end > start else (0, 0)


def _cut_blocks(data: bytes, start: int, end: int) -> list[bytes]:
    """Return the lines of the steps in blocks, last block first, so that who is through with a block can let it go."""
    blocks = []
    stop = start
    while stop >= 0:
        stop = data.find(_STEPS_BREAK, start + _BLOCK_SIZE, end)
        blocks.append(data[start : stop if stop >= 0 else end])
        start = stop + len(_STEPS_BREAK)
    blocks.reverse()
    return blocks


def _parse_steps(blocks: list[bytes], file: str) -> Iterator[Any]:
    """Yield each step of a file, whose line is exactly what the tool writes of it; raises StaleError."""
    while blocks:
        for line in blocks.pop().split(_STEPS_BREAK):
            try:
                text = line.decode("ascii")
                step = json.loads(text)
                is_whole = render_step(step) == text
            except (ValueError, RecursionError):
                is_whole = False
            if not is_whole:
                raise StaleError(_DAMAGED.locate(Source(file)))
            yield step


def _is_known_format(version: Json) -> bool:
    return str(version).split(".")[0] == PLAN_FORMAT_VERSION.split(".")[0]


def _seal_again(shell: Mapping[str, Any], steps: _Bytes) -> str:
    signature = shell.get("signature")
    return _seal_shell(shell, steps, (lambda _: PlanSignature(**signature)) if signature is not None else None)[0]


def _explain_damage(data: bytes) -> Explanation:
    """Say what is wrong with a file that has no seal that holds: damaged, no plan, or older than seals."""
    try:
        version = json.loads(data)["format_version"]
    except (ValueError, RecursionError, UnicodeError, KeyError, TypeError):
        version = None
    # Versions before 2 had a digest alone. One that a damaged byte makes of a newer one can't be told.
    if isinstance(version, str) and re.match(r"1\.\d", version):
        return _explain_other_format(version)
    return _DAMAGED if any(mark in data for mark in _MARKS) else _NO_PLAN


def _explain_other_format(version: Json) -> Explanation:
    summary = f"the plan has format {version}, and this version reads {PLAN_FORMAT_VERSION}"
    return Explanation("plan.other-format", summary, remedy="plan again with this version")
