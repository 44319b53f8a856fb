"""Puts a report where people look, once: what is there is found by a report's first line, a hidden marker, and edited.

tell.py note plan.md                  on the merge request
tell.py issue drift.md drift.json     an issue for drift (exit code 2), closed once there is none (0); else it stays
"""

import json
import os
import sys
from pathlib import Path
from urllib.request import Request, urlopen

API = os.environ["CI_API_V4_URL"]
PROJECT = f"/projects/{os.environ['CI_PROJECT_ID']}"
HEADERS = {"PRIVATE-TOKEN": os.environ["RECONCILER_GITLAB_TOKEN"], "Content-Type": "application/json"}


def ask(method, path, **fields):
    """Return what GitLab answers; any status but 2xx raises, and so fails the job."""
    request = Request(API + path, json.dumps(fields).encode() if fields else None, HEADERS, method=method)
    with urlopen(request, timeout=60) as response:
        return json.load(response)


def find_own(path, member, marker):
    """Return the first entry of a list, of 100 a page, that we wrote with this marker in a member; or None."""
    me, page = ask("GET", "/user")["id"], 1
    while entries := ask("GET", f"{path}per_page=100&page={page}"):
        for entry in entries:
            if entry["author"]["id"] == me and (entry[member] or "").startswith(marker):
                return entry
        page += 1
    return None


def tell_note(text, marker):
    notes = f"{PROJECT}/merge_requests/{os.environ['CI_MERGE_REQUEST_IID']}/notes"
    if note := find_own(f"{notes}?", "body", marker):
        ask("PUT", f"{notes}/{note['id']}", body=text)
    else:
        ask("POST", notes, body=text)


def tell_issue(text, marker, code):
    issues = f"{PROJECT}/issues"
    issue = find_own(f"{issues}?state=opened&scope=all&", "description", marker)
    if code == 2 and issue:
        ask("PUT", f"{issues}/{issue['iid']}", description=text)
    elif code == 2:
        ask("POST", issues, title="Drift from the manifests", description=text)
    elif code == 0 and issue:
        ask("POST", f"{issues}/{issue['iid']}/notes", body=text)
        ask("PUT", f"{issues}/{issue['iid']}", state_event="close")


what, report, *documents = sys.argv[1:]
text = Path(report).read_text("utf-8")
marker = text.splitlines()[0]
if what == "note":
    tell_note(text, marker)
else:
    tell_issue(text, marker, json.loads(Path(documents[0]).read_text("utf-8"))["outcome"]["code"])
