"""The limit of a plan of objects whose list does not tell all: the list, and a request for each that is meant.

python bench/limit_details.py READY.json LIST DETAILS VERSION PATTERN, where the first is what `reconciler simulate
--ready-file` wrote, LIST and DETAILS are paths of the API in this version, and the pattern is one of names.
"""

from __future__ import annotations

import base64
import fnmatch
import http.client
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import local
from typing import Any
from urllib.parse import urlsplit

import pydantic  # noqa: F401 - what models are made of: its import belongs to any tool of this sort
import yaml  # noqa: F401 - so is the import of what reads the manifests

THREADS = 8


def main() -> None:
    """Print how many objects there are, and how many were read by their ids."""
    ready, list_path, details_path, version, pattern = sys.argv[1:]
    api = json.loads(Path(ready).read_text())["keyfactor"]
    login = base64.b64encode(f"{api['username']}:{api['password']}".encode()).decode()
    headers = {
        "Authorization": f"Basic {login}",
        "x-keyfactor-requested-with": "APIClient",
        "x-keyfactor-api-version": version,
    }
    parts, kept = urlsplit(api["url"]), local()

    def get(path: str) -> Any:
        if not hasattr(kept, "connection"):
            kept.connection = http.client.HTTPConnection(parts.netloc)
        kept.connection.request("GET", parts.path + path, headers=headers)
        return json.loads(kept.connection.getresponse().read())

    rows: list[dict[str, Any]] = []
    while page := get(f"{list_path}?ReturnLimit=1000&PageReturned={len(rows) // 1000 + 1}"):
        rows += page
        if len(page) < 1000:
            break
    names = {row["Id"]: str(row.get("Name") or row.get("CommonName")) for row in rows}
    ids = [number for number, name in names.items() if fnmatch.fnmatchcase(name, pattern)]
    with ThreadPoolExecutor(THREADS) as pool:
        objects = list(pool.map(lambda number: get(f"{details_path}/{number}"), ids))
    print(len(objects), "of", len(rows))


if __name__ == "__main__":
    main()
