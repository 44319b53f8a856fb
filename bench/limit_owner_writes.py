"""The limit of an apply of owners: read in lists, a PUT for each that differs, eight at once, nothing checked.

python bench/limit_owner_writes.py READY.json OWNERS.csv, where the first is what `reconciler simulate --ready-file`
wrote.
"""

from __future__ import annotations

import base64
import csv
import http.client
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import local
from typing import Any
from urllib.parse import urlsplit

LIST = "/Certificates?SortField=CertId&includeRevoked=true&includeExpired=true&ReturnLimit=1000&PageReturned="
THREADS = 8


def main() -> None:
    """Print how many owners were set."""
    api = json.loads(Path(sys.argv[1]).read_text())["keyfactor"]
    with Path(sys.argv[2]).open(newline="") as table:
        wanted = dict(list(csv.reader(table))[1:])
    login = base64.b64encode(f"{api['username']}:{api['password']}".encode()).decode()
    headers = {
        "Authorization": f"Basic {login}",
        "x-keyfactor-requested-with": "APIClient",
        "Content-Type": "application/json",
    }
    parts, kept = urlsplit(api["url"]), local()

    def send(method: str, path: str, body: object = None) -> Any:
        if not hasattr(kept, "connection"):
            kept.connection = http.client.HTTPConnection(parts.netloc)
        kept.connection.request(method, parts.path + path, None if body is None else json.dumps(body), headers)
        text = kept.connection.getresponse().read()
        return json.loads(text) if text else None

    def read_all() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        while page := send("GET", f"{LIST}{len(rows) // 1000 + 1}"):
            rows += page
        return rows

    def set_owner(row: dict[str, Any]) -> None:
        send("PUT", f"/Certificates/{row['Id']}/Owner", {"NewRoleName": wanted[row["Thumbprint"]]})

    different = [
        row for row in read_all() if wanted.get(row["Thumbprint"], row["OwnerRoleName"]) != row["OwnerRoleName"]
    ]
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(set_owner, different))
    left = sum(wanted.get(row["Thumbprint"]) != row["OwnerRoleName"] for row in read_all())
    print(len(different), "set,", left, "left")


if __name__ == "__main__":
    main()
