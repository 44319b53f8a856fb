"""The floor of a plan of certificate owners: the product's own libraries, straight on, nothing checked.

python bench/floor_owners.py READY.json OWNERS.csv, where the first is what `reconciler simulate --ready-file` wrote.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pydantic  # noqa: F401 - what models are made of: its import belongs to the floor
import requests
import yaml  # noqa: F401 - so is the import of what reads the manifest

QUERY = {"SortField": "CertId", "includeRevoked": "true", "includeExpired": "true", "ReturnLimit": "1000"}


def main() -> None:
    """Print how many certificates have the owner that the table says, and how many do not or are not there."""
    api = json.loads(Path(sys.argv[1]).read_text())["keyfactor"]
    with Path(sys.argv[2]).open(newline="") as table:
        wanted = {row[0].upper(): row[1] for row in list(csv.reader(table))[1:]}
    owners = dict(read_owners(api))
    absent = wanted.keys() - owners.keys()
    different = sum(owners[key] != owner for key, owner in wanted.items() if key in owners)
    print(len(wanted) - different - len(absent), "in sync,", different, "to change,", len(absent), "absent")


def read_owners(api: dict[str, str]) -> Iterator[tuple[str, str | None]]:
    """Yield thumbprint and owner of each certificate, four pages under way at once."""
    session = requests.Session()
    session.auth = (api["username"], api["password"])
    session.headers["x-keyfactor-requested-with"] = "APIClient"

    def read_page(number: int) -> tuple[list[tuple[str, str | None]], int]:
        response = session.get(f"{api['url']}/Certificates", params={**QUERY, "PageReturned": str(number)}, timeout=60)
        rows = [(row["Thumbprint"].upper(), row["OwnerRoleName"]) for row in response.json()]
        return rows, int(response.headers["x-total-count"])

    first_rows, total = read_page(1)
    yield from first_rows
    with ThreadPoolExecutor(4) as pool:
        for rows, _ in pool.map(read_page, range(2, -(-total // 1000) + 1)):
            yield from rows


if __name__ == "__main__":
    main()
