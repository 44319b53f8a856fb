"""The ways in which a careless server writes down what it was sent."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

_DOTNET = {character: f"\\u{ord(character):04X}" for character in "\"&'<>`+"} | {"\\": "\\\\"}


def dotnet(text: str) -> str:
    """Escape as System.Text.Json does: everything that HTML might take for its own, and all but ASCII."""
    return "".join(
        _DOTNET.get(one, one if one.isascii() else json.dumps(one)[1:-1].upper().replace("\\U", "\\u")) for one in text
    )


def encoded(text: str, front: str = "") -> str:
    return base64.b64encode((front + text).encode()).decode()


def wrapped(text: str, front: str = "", width: int = 16) -> str:
    """Return base64 in short lines, as mail has it in long ones."""
    whole = encoded(text, front)
    return "\r\n".join(whole[at : at + width] for at in range(0, len(whole), width))


def _split_units(data: bytes) -> list[bytes]:
    return [data[start : start + 2] for start in range(0, len(data), 2)]


WRITTEN: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper case": str.upper,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON in JSON": lambda text: json.dumps(json.dumps(text))[3:-3],
    "JSON beyond ASCII": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    ".NET": dotnet,
    ".NET in JSON": lambda text: json.dumps(dotnet(text))[1:-1],
    "PHP": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "URL": lambda text: quote(text, safe=""),
    "URL in lower case": lambda text: quote(text, safe="").lower(),
    "path": quote,
    "form": quote_plus,
    "URL in a URL": lambda text: quote(quote(text, safe=""), safe=""),
    "HTML": html.escape,
    "HTML by number": lambda text: "".join(one if one.isalnum() else f"&#{ord(one)};" for one in text),
    "HTML by hex number": lambda text: "".join(one if one.isalnum() else f"&#x{ord(one):X};" for one in text),
    "HTML by name": lambda text: html.escape(text).replace("+", "&plus;").replace("/", "&sol;"),
    "HTML in HTML": lambda text: html.escape(html.escape(text)),
    "HTML, each letter": lambda text: "".join(f"&#{ord(one)};" for one in text),
    "JSON, each letter": lambda text: "".join(
        f"\\u{unit.hex()}" for one in text for unit in _split_units(one.encode("utf-16-be"))
    ),
    "URL, each letter": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "URL, each letter, in a URL": lambda text: "".join(f"%25{byte:02X}" for byte in text.encode()),
    "base64, each letter in a URL": lambda text: "".join(f"%{byte:02x}" for byte in encoded(text).encode()),
    "base64": encoded,
    "base64 without its end": lambda text: encoded(text).rstrip("="),
    "base64 for URLs": lambda text: encoded(text).replace("+", "-").replace("/", "_"),
    "base64 by .NET": lambda text: dotnet(encoded(text)),
    "base64 in a URL": lambda text: quote(encoded(text), safe=""),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
}
"""All of these leave nothing of a text that is one secret."""
