"""The floor of a plan of roles with their details: the product's own HTTP library, straight on, nothing checked.

python bench/floor_roles.py READY.json [PARALLELISM], where the first is what `reconciler simulate --ready-file` wrote.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pydantic  # noqa: F401 - what models are made of: its import belongs to the floor
import requests
import yaml  # noqa: F401 - so is the import of what reads the manifests
from requests.adapters import HTTPAdapter


def main() -> None:
    """Print how many roles there are, and how many permissions they have together."""
    api = json.loads(Path(sys.argv[1]).read_text())["keyfactor"]
    parallelism = int(sys.argv[2]) if len(sys.argv) > 2 else 8
    session = requests.Session()
    session.mount("http://", HTTPAdapter(pool_maxsize=parallelism))
    session.auth = (api["username"], api["password"])
    session.headers.update({"x-keyfactor-requested-with": "APIClient", "x-keyfactor-api-version": "2"})

    def read(path: str, **query: str) -> requests.Response:
        return session.get(f"{api['url']}/Security/Roles{path}", params=query, timeout=60)

    roles: list[dict[str, object]] = []
    total = 1
    while len(roles) < total:
        response = read("", PageReturned=str(len(roles) // 1000 + 1), ReturnLimit="1000")
        roles += response.json()
        total = int(response.headers["x-total-count"])
    with ThreadPoolExecutor(parallelism) as pool:
        details = pool.map(lambda role: read(f"/{role['Id']}").json(), roles)
        print(len(roles), "roles,", sum(len(role["Permissions"]) for role in details), "permissions")


if __name__ == "__main__":
    main()
