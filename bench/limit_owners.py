"""The limit of a plan of certificate owners: typed decode and bare HTTP, straight on, nothing checked.

python bench/limit_owners.py READY.json OWNERS.csv, where the first is what `reconciler simulate --ready-file` wrote.
"""

from __future__ import annotations

import base64
import gc
import http.client
import json
import sys
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

QUERY = "SortField=CertId&includeRevoked=true&includeExpired=true&ReturnLimit=1000"


class Row(msgspec.Struct, gc=False):
    """The columns that a comparison needs, and those by which people know a certificate that differs."""

    Id: int
    Thumbprint: str
    OwnerRoleId: int | None
    OwnerRoleName: str | None
    IssuedCN: str | None
    NotAfter: str
    CertState: int


def main() -> None:
    """Print how many certificates have the owner that the table says, and how many do not or are not there."""
    gc.disable()
    ready, table = (Path(name).read_text() for name in sys.argv[1:3])
    api = json.loads(ready)["keyfactor"]
    login = base64.b64encode(f"{api['username']}:{api['password']}".encode()).decode()
    headers = {"Authorization": f"Basic {login}", "x-keyfactor-requested-with": "APIClient"}
    parts = urlsplit(api["url"])
    connection = http.client.HTTPConnection(parts.netloc)
    wanted = dict(line.split(",", 2)[:2] for line in table.split("\n")[1:] if line)
    rows_of = msgspec.json.Decoder(list[Row]).decode
    rows: dict[str, Row] = {}
    number = 0
    while True:
        number += 1
        connection.request("GET", f"{parts.path}/Certificates?{QUERY}&PageReturned={number}", headers=headers)
        response = connection.getresponse()
        for row in rows_of(response.read()):
            rows[row.Thumbprint] = row
        if number * 1000 >= int(response.headers["x-total-count"]):
            break
    absent = wanted.keys() - rows.keys()
    different = sum(rows[key].OwnerRoleName != owner for key, owner in wanted.items() if key in rows)
    print(len(wanted) - different - len(absent), "in sync,", different, "to change,", len(absent), "absent")


if __name__ == "__main__":
    main()
