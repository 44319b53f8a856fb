"""Many CSMS projects and many instances of Command on one port: each with a state, tokens and a ledger of its own."""

from __future__ import annotations

from collections import Counter

import requests
import yaml

from reconciler.simulator import FleetSeed
from tests.simulator.conftest import EVENT, Client, Start

LIST = "/v1/{}/csms/events"
ROLES = "/instances/{}/KeyfactorAPI/Security/Roles"


def test_a_fleet_is_the_same_for_the_same_numbers_and_made_when_asked_for(start: Start) -> None:
    """A thousand projects cost a thousand ids; their ids are no numbers to YAML."""
    client, again = start(fleet=FleetSeed(1000, 2, 7)), start(fleet=FleetSeed(1000))
    projects = list(client.sim.places.projects)
    assert projects == list(again.sim.places.projects)
    assert len(set(projects)) == 1000
    assert all(isinstance(yaml.safe_load(project), str) for project in projects)
    assert [world.place for world in client.sim.places.list_made()] == [""]
    page = client.cloud("GET", LIST.format(projects[999])).json()["events"]
    assert [len(page), len({event["event_id"] for event in page})] == [7, 7]
    targets = {event["notification"]["target_id"] for event in page}
    assert targets == {f"urn:smn:ap-southeast-3:{projects[999]}:pki"}
    assert [world.place for world in client.sim.places.list_made()] == ["", projects[999]]


def test_projects_have_their_own_events_quota_and_trail(start: Start) -> None:
    """What is done to one shows nowhere else; a project that there is not is refused as ever."""
    client = start(fleet=FleetSeed(2, events=29))
    one, two = client.sim.places.projects
    assert client.cloud("POST", LIST.format(one), EVENT).status_code == 200
    assert client.cloud("POST", LIST.format(one), EVENT | {"name": "more"}).status_code == 400
    assert client.cloud("POST", LIST.format(two), EVENT).status_code == 200
    assert client.cloud("DELETE", LIST.format(two) + "/new-event").status_code == 204
    assert client.cloud("GET", "events/new-event").status_code == 404
    assert client.cloud("GET", LIST.format("f" * 32)).status_code == 403
    assert client.sim.edit("PUT", LIST.format(one) + "/expiry", {"state": "DISABLED"})[0] == 200
    assert Counter(entry["place"] for entry in client.sim.ledger) == {one: 2, two: 2}
    assert [entry["n"] for entry in client.sim.ledger] == [1, 2, 3, 4]
    assert Counter(entry["place"] for entry in client.sim.requests) == {one: 3, two: 2, "": 2}
    traces = client.cloud("GET", f"/v3/{one}/traces?trace_type=system").json()["traces"]
    assert [trace["resource_name"] for trace in traces] == ["expiry", "new-event"]


def test_a_token_of_iam_is_good_for_the_project_that_it_was_asked_for(start: Start) -> None:
    """By its id or its name; IAM lists each of them by its name."""
    client = start(fleet=FleetSeed(2))
    one, two = client.sim.places.projects
    found = client.cloud("GET", "/v3/projects?name=ap-southeast-3_project-0001").json()["projects"]
    assert [project["id"] for project in found] == [one]
    user = {"name": "reconciler", "domain": {"name": "example"}, "password": client.csms["password"]}
    identity = {"methods": ["password"], "password": {"user": user}}
    for scope in ({"id": one}, {"name": found[0]["name"]}):
        body = {"auth": {"identity": identity, "scope": {"project": scope}}}
        reply = requests.post(f"{client.csms['iam_url']}/auth/tokens", json=body, timeout=60)
        headers = {"X-Auth-Token": reply.headers["X-Subject-Token"]}
        statuses = {
            project: requests.get(client.sim.url + LIST.format(project), headers=headers, timeout=60).status_code
            for project in (one, two, client.csms["project_id"])
        }
        assert statuses == {one: 200, two: 403, client.csms["project_id"]: 403}


def _call(client: Client, method: str, instance: str, **options: object) -> requests.Response:
    headers = {"x-keyfactor-requested-with": "APIClient", "x-keyfactor-api-version": "2"}
    auth = None if "token" in options else (client.keyfactor["username"], client.keyfactor["password"])
    if auth is None:
        headers["Authorization"] = f"Bearer {options['token']}"
    url = client.sim.url + ROLES.format(instance)
    return requests.request(method, url, headers=headers, auth=auth, json=options.get("body"), timeout=60)


def test_instances_have_their_own_roles_tokens_faults_and_trail(start: Start) -> None:
    """A token of one instance's identity provider opens no other; a fault may name the instance that it is for."""
    client = start(certificates=3, fleet=FleetSeed(instances=2))
    body = {key: value for key, value in client.role_body(4).items() if key != "Id"} | {"Name": "Own"}
    assert _call(client, "POST", "command-0001", body=body).status_code == 200
    names = [[role["Name"] for role in _call(client, "GET", f"command-000{number}").json()] for number in (1, 2)]
    assert ["Own" in found for found in names] == [True, False]
    form = {"grant_type": "client_credentials", "client_id": "reconciler"}
    form["client_secret"] = client.keyfactor["client_secret"]
    reply = requests.post(f"{client.sim.url}/instances/command-0001/oauth/token", data=form, timeout=60)
    token = reply.json()["access_token"]
    statuses = [_call(client, "GET", f"command-000{number}", token=token).status_code for number in (1, 2)]
    assert statuses == [200, 401]
    client.sim.expire_tokens()
    assert _call(client, "GET", "command-0001", token=token).status_code == 401
    client.sim.fault(path="^/instances/command-0002/Security/Roles$")
    assert [_call(client, "GET", f"command-000{number}").status_code for number in (1, 2)] == [200, 503]
    assert client.sim.edit("DELETE", "/instances/command-0001/Security/Roles/9", actor="CORP\\eve")[0] == 204
    assert [(entry["place"], entry["path"]) for entry in client.sim.ledger] == [
        ("command-0001", "/Security/Roles"),
        ("command-0001", "/Security/Roles/9"),
    ]
    assert "Own" not in [role["Name"] for role in client.command("GET", "/Security/Roles", version=2).json()]
    absent = _call(client, "GET", "command-0003")
    assert (absent.status_code, "/instances/command-0002/" in absent.text) == (404, True)


def test_the_settings_name_the_fleet_with_labels_zones_and_values(start: Start) -> None:
    """In place of the first ones, which nobody means who asks for a fleet."""
    client = start(certificates=0, fleet=FleetSeed(4, 2))
    targets = yaml.safe_load(client.sim.settings.read_text())["targets"]
    assert list(targets) == [*(f"project-000{number}" for number in range(1, 5)), "command-0001", "command-0002"]
    first, project = targets["project-0001"], next(iter(client.sim.places.projects))
    assert (first["api"], first["url"], first["projectId"]) == ("csms", client.sim.url, project)
    assert first["labels"] == {"env": "prod", "region": "ap-southeast-3"}
    assert (first["zone"], first["values"]) == ("zone-b", {"topicUrn": f"urn:smn:ap-southeast-3:{project}:pki"})
    assert {target["labels"]["env"] for target in targets.values()} == {"prod", "test", "dev"}
    assert targets["command-0002"]["url"] == f"{client.sim.url}/instances/command-0002/KeyfactorAPI"
    assert targets["command-0002"]["auth"]["tokenUrl"] == f"{client.sim.url}/instances/command-0002/oauth/token"
