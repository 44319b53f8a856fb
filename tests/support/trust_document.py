"""What a campaign of the tests adds to TRUST.json."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, TextIO


def add_layer(file: Path, name: str, layer: dict[str, Any]) -> None:
    """Write a layer beside those of `reconciler selftest`; one with violations takes the claim back."""
    document = json.loads(file.read_text("utf-8")) if file.exists() else {}
    document.setdefault("layers", {})[name] = layer
    if layer["violations"]:
        document |= {"holds": False, "claim": f"not shown: {name}"}
    file.write_text(json.dumps(document, indent=2) + "\n", "utf-8")


def tell(text: str, stream: TextIO | None = None) -> None:
    """Write a line at once, to stdout unless said otherwise: whoever waits for minutes wants to see it."""
    target = stream or sys.stdout
    target.write(f"{text}\n")
    target.flush()
