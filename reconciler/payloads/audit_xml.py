"""The XML of an audit entry's message, read by defusedxml, of which this is the only importer.

What somebody typed into a name ends up in this text, and its printed samples are not even well-formed (contract: audit
entry members): so no document type, no entity, and no complaint where it can't be read.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

MOST_CHARACTERS = 1_000_000
"""Of a message that is looked into."""

Leaves: TypeAlias = frozenset[str]
"""The texts that a member holds, at any depth, with letter case folded."""


class AuditStates(NamedTuple):
    """An object after a change and before it, each as the texts of its members by folded name; None where untold."""

    after: Mapping[str, Leaves] | None
    before: Mapping[str, Leaves] | None


def is_xml_reader_installed() -> bool:
    """Say whether messages can be looked into."""
    return importlib.util.find_spec("defusedxml") is not None


def read_audit_states(text: str) -> AuditStates | None:
    """Return what a message tells of its object; None for what is no such message, or can't be looked into."""
    if not text or len(text) > MOST_CHARACTERS or not is_xml_reader_installed():
        return None
    from xml.etree.ElementTree import Element, ParseError  # noqa: PLC0415 - as below

    from defusedxml import DefusedXmlException  # noqa: PLC0415 - for those alone who ask who it was
    from defusedxml.ElementTree import fromstring  # noqa: PLC0415

    try:
        root: Element = fromstring(text, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        return None

    def read_state(name: str) -> Mapping[str, Leaves] | None:
        state = root.find(name)
        if state is None or not len(state):
            return None
        return {
            member.tag.casefold(): frozenset(
                leaf.text.strip().casefold() for leaf in member.iter() if leaf.text and leaf.text.strip()
            )
            for member in state[0]
        }

    states = AuditStates(read_state("ModelState"), read_state("PreviousModelState"))
    return states if any(states) else None
