"""A call of a vendor's client, what the contract says must come of it, and where that is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from reconciler.simulator import Simulator


class Row(NamedTuple):
    """One call. `expect` is what the contract says in words and `value` as data; `run` returns what was observed.

    `source` cites the contract: KF is that of Keyfactor Command, CS that of Huawei CSMS, AU that of both audit trails;
    SIM marks the default of a
    switch where the documents are silent.
    """

    call: str
    source: str
    expect: str
    run: Callable[[Simulator], Any]
    value: Any


closing: list[Callable[[], object]] = []
"""What has to be called after the row: a client that is left open is a warning, and warnings are errors."""


def observe(row: Row) -> Any:
    """Return what comes of the call against a simulator of its own."""
    with Simulator(certificates=200) as simulator:
        try:
            return row.run(simulator)
        finally:
            while closing:
                closing.pop()()
