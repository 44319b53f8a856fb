"""What differs between the declared and the live fields of one object: the only user of deepdiff."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from reconciler.model import Change, Json, Risk

Judge = Callable[[str, Json, Json], Risk]


def changes(before: Mapping[str, Any] | None, after: Mapping[str, Any], risk: Judge) -> tuple[Change, ...]:
    """Return a change for each declared field that differs, in the manifest's order; nested fields get dotted paths.

    Sets are compared as sets and shown as sorted lists. Where nothing exists (`before` is None) each field is new.
    """
    found: list[Change] = []
    for name, wanted in after.items():
        live = (before or {}).get(name)
        if before is not None and live == wanted:
            continue
        for path, old, new in _fields(name, live, wanted):
            plain_old, plain_new = plain(old), plain(new)
            found.append(Change(path, plain_old, plain_new, risk(path, plain_old, plain_new)))
    return tuple(found)


def plain(value: Any) -> Json:
    """Return a value as JSON: a set as a sorted list, a named tuple as an object."""
    if isinstance(value, frozenset):
        return [plain(item) for item in sorted(value)]
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: plain(item) for name, item in value._asdict().items()}
    return value


def _fields(name: str, live: Any, wanted: Any) -> Iterator[tuple[str, Any, Any]]:
    # A pair of 500 permissions, half of them replaced, takes deepdiff 2.4 s: a field that is a set stays
    # out of it.
    if not (isinstance(live, Mapping) and isinstance(wanted, Mapping)):
        yield name, live, wanted
        return
    from deepdiff import DeepDiff  # noqa: PLC0415 - 120 ms, paid only when a nested object differs

    tree = DeepDiff(dict(live), dict(wanted), view="tree", verbose_level=2)
    found = [
        (".".join(str(key) for key in item.path(output_format="list")), item) for kind in tree.values() for item in kind
    ]
    for path, item in sorted(found, key=lambda pair: pair[0]):
        yield f"{name}.{path}", _present(item.t1), _present(item.t2)


def _present(value: Any) -> Any:
    # By its name, since importing the class imports deepdiff.
    return None if type(value).__name__ == "NotPresent" else value
