"""HTTP Archives as the tests look at them: whether they are ones, and whether a secret is in them in any form."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import jsonschema

_SCHEMA = json.loads((Path(__file__).parents[1] / "reports" / "har-1.2.schema.json").read_text("utf-8"))


def read_har(text: str) -> list[dict[str, Any]]:
    """Return the entries of a document that is one."""
    document = json.loads(text)
    jsonschema.Draft202012Validator(_SCHEMA).validate(document)
    entries: list[dict[str, Any]] = document["log"]["entries"]
    return entries


def spell_secret(secret: str) -> dict[str, str]:
    """Return the ways in which a secret may be written down, by what each is called."""
    data = secret.encode()
    return {
        "plain": secret,
        "JSON": json.dumps(secret)[1:-1],
        "JSON, each letter": "".join(f"\\u{ord(character):04x}" for character in secret),
        "JSON, twice": json.dumps(json.dumps(secret)[1:-1])[1:-1],
        "URL": quote(secret, safe=""),
        "URL, each letter": "".join(f"%{byte:02X}" for byte in data),
        "URL, twice": quote(quote(secret, safe=""), safe=""),
        "form": quote_plus(secret),
        "HTML": "".join(f"&#{ord(character)};" for character in secret),
        "hex": data.hex(),
        "base64": base64.b64encode(data).decode(),
        "base64 behind one byte": base64.b64encode(b"u" + data).decode(),
        "base64 behind two bytes": base64.b64encode(b"u:" + data).decode(),
        "base64 for URLs": base64.urlsafe_b64encode(data).decode(),
    }


def find_leaks(texts: Iterable[str], secrets: Iterable[str]) -> set[str]:
    """Return the secrets that stand in any of the texts, in any of their forms; bodies in base64 are looked into."""
    everything = [text.lower() for text in texts]
    return {
        f"{secret} ({name})"
        for secret in secrets
        for name, form in spell_secret(secret).items()
        # What is written in base64 behind other bytes shares its first and last letters with what is around it.
        if any((form[3:-4] if "behind" in name else form).lower() in text for text in everything)
    }


def list_texts(text: str) -> Iterator[str]:
    """Yield a document as it stands, and each of its values as a reader of JSON sees it."""
    yield text
    stack: list[Any] = [json.loads(text)]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            if node.get("encoding") == "base64":
                yield base64.b64decode(node["text"]).decode("utf-8", "replace").replace("\0", "")
            stack += [*node.keys(), *node.values()]
        elif isinstance(node, list):
            stack += node
        elif isinstance(node, str):
            yield node
