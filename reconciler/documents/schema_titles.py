"""JSON Schemas without what pydantic makes up."""

from __future__ import annotations

from typing import Any


def drop_titles(node: Any) -> Any:
    """Leave out the titles that pydantic makes of field names; a property that is called title stays."""
    if isinstance(node, list):
        return [drop_titles(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {name: drop_titles(value) for name, value in node.items() if name != "title" or not isinstance(value, str)}
