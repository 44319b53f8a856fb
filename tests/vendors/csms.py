"""CSMS by huaweicloudsdkcsms: create, list, page, show, update, delete, records, refusals, and ways to be set up."""

# ruff: noqa: E501, PLC0415 - a row of a table is a line; importing the SDK writes into $HOME
from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from reconciler.simulator import Simulator
from tests.vendors.csms_client import EVENT, body, call, change, client, refusal
from tests.vendors.row import Row

NAMES = ["expiry-prod", "lifecycle", "rotation-audit"]
_UUID = r"[0-9a-z]{8}(-[0-9a-z]{4}){3}-[0-9a-z]{12}"
Run = Callable[[Simulator], Any]


def refused(operation: str, **members: Any) -> Run:
    return lambda sim: refusal(lambda: call(client(sim), operation, **members))


def status(run: Run) -> Run:
    return lambda sim: run(sim)[1]


def over_quota(sim: Simulator) -> Any:
    sim.switch(csms_quota=3)
    return refused("create_secret_event", body=body)(sim)[1]


def created(sim: Simulator) -> Any:
    reply = call(client(sim), "create_secret_event", body=body)
    event = reply.event.to_dict()
    shape = (re.fullmatch(_UUID, event.pop("event_id")) is not None, len(str(event["create_time"])))
    same_times = event.pop("create_time") == event.pop("update_time")
    return reply.status_code, shape, same_times, event


def paged(sim: Simulator) -> list[list[str]]:
    """Follow next_marker with one event a page."""
    found, marker, sdk = [], None, client(sim)
    while True:
        reply = call(sdk, "list_secret_events", limit=1, marker=marker)
        found.append([event.name for event in reply.events])
        marker = reply.page_info.next_marker
        if not marker:
            return found


def paged_as_terraform(sim: Simulator) -> list[list[str]]:
    """Use the last name as the marker until a page is empty, whatever page_info says."""
    found, marker, sdk = [], "", client(sim)
    while True:
        page = [event.name for event in call(sdk, "list_secret_events", limit="2", marker=marker).events]
        found.append(page)
        if not page:
            return found
        marker = page[-1]


def listed(sim: Simulator) -> Any:
    reply = call(client(sim), "list_secret_events")
    return reply.status_code, [event.name for event in reply.events], reply.page_info.current_count


def shown(sim: Simulator) -> bool:
    sdk = client(sim)
    one = call(sdk, "show_secret_event", event_name="lifecycle").event
    same: bool = (
        one.to_dict() == next(e for e in call(sdk, "list_secret_events").events if e.name == "lifecycle").to_dict()
    )
    return same


def updated(**members: Any) -> Run:
    """Update `lifecycle`; return which members of the event are another now, and what they are."""

    def run(sim: Simulator) -> dict[str, Any]:
        sdk = client(sim)
        before = call(sdk, "show_secret_event", event_name="lifecycle").event.to_dict()
        reply = call(
            sdk, "update_secret_event", event_name="lifecycle", body=partial(change, **members)
        ).event.to_dict()
        assert call(sdk, "show_secret_event", event_name="lifecycle").event.to_dict() == reply
        different = {name: value for name, value in reply.items() if value != before[name]}
        moved = different.pop("update_time", 0) > before["update_time"]
        return {**different, "update_time": moved}

    return run


def deleted(sim: Simulator) -> Any:
    sdk = client(sim)
    status = call(sdk, "delete_secret_event", event_name="lifecycle").status_code
    return status, refusal(lambda: call(sdk, "show_secret_event", event_name="lifecycle"))[1]


def recorded(sim: Simulator) -> Any:
    reply = call(client(sim), "list_notification_records")
    (record,) = reply.records
    return record.event_name, record.trigger_event_type, record.notification_status, len(str(record.create_time))


def throttled(operation: str, **members: Any) -> Run:
    def run(sim: Simulator) -> Any:
        sim.fault(path="/csms/events", kind="throttle")
        return refusal(lambda: call(client(sim), operation, **members))

    return run


def retried(sim: Simulator) -> Any:
    sim.fault(path="/csms/events", kind="throttle", retry_after=0)
    reply = call(client(sim, retries=1), "list_secret_events")
    return reply.status_code, [entry["status"] for entry in sim.requests]


def locked_out(**keys: Any) -> Run:
    return lambda sim: refusal(lambda: call(client(sim, **keys), "list_secret_events"))


def paths(sim: Simulator) -> list[tuple[str, int]]:
    return [(entry["path"].replace(sim.world.project, "{p}"), entry["status"]) for entry in sim.requests]


def by_region(sim: Simulator) -> Any:
    """Without a project id: the SDK asks IAM for it."""
    from huaweicloudsdkcore.auth.credentials import BasicCredentials
    from huaweicloudsdkcore.region.region import Region
    from huaweicloudsdkcsms.v1 import CsmsClient

    told = sim.credentials["csms"]
    keys = BasicCredentials(told["access_key"], told["secret_key"]).with_iam_endpoint(sim.url)
    sdk = CsmsClient.new_builder().with_credentials(keys).with_region(Region("cn-north-4", sim.url)).build()
    call(sdk, "list_secret_events")
    call(sdk, "list_secret_events")
    return paths(sim)


def by_environment(sim: Simulator) -> Any:
    """Credentials and endpoint from HUAWEICLOUD_SDK_* variables alone."""
    from huaweicloudsdkcsms.v1 import CsmsClient
    from huaweicloudsdkcsms.v1.region.csms_region import CsmsRegion

    told = sim.credentials["csms"]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("AK", "access_key"), ("SK", "secret_key"), ("PROJECT_ID", "project_id")):
            patch.setenv(f"HUAWEICLOUD_SDK_{name}", told[value])
        patch.setenv("HUAWEICLOUD_SDK_REGION_CSMS_CN_NORTH_4", sim.url)
        sdk = CsmsClient.new_builder().with_region(CsmsRegion.value_of("cn-north-4")).build()
        return call(sdk, "list_secret_events").status_code


def without_project(sim: Simulator) -> Any:
    from huaweicloudsdkcore.auth.credentials import BasicCredentials
    from huaweicloudsdkcsms.v1 import CsmsClient

    told = sim.credentials["csms"]
    keys = BasicCredentials(told["access_key"], told["secret_key"])
    sdk = CsmsClient.new_builder().with_credentials(keys).with_endpoint(sim.url).build()
    return refusal(lambda: call(sdk, "list_secret_events"))[1], paths(sim)


def concurrent(sim: Simulator) -> Any:
    from huaweicloudsdkcore.auth.credentials import BasicCredentials
    from huaweicloudsdkcsms.v1 import CsmsAsyncClient, ListSecretEventsRequest

    told = sim.credentials["csms"]
    keys = BasicCredentials(told["access_key"], told["secret_key"], told["project_id"])
    sdk = CsmsAsyncClient.new_builder().with_credentials(keys).with_endpoint(sim.url).build()
    return sdk.list_secret_events_async(ListSecretEventsRequest()).result().status_code


def with_token(sim: Simulator) -> Any:
    from huaweicloudsdkcsms.v1 import ListSecretEventsRequest

    invoker = client(sim).list_secret_events_invoker(ListSecretEventsRequest())
    return invoker.add_header("X-Auth-Token", "ignored-beside-a-signature").invoke().status_code


def _no(status: int, code: str, request_id: bool = True) -> tuple[str, int, str, bool]:
    return "ClientRequestException", status, code, request_id


ROWS = (
    Row("create_secret_event", "CS 1, 1.2, 1.5", "200 (not 201), the whole event; event_id a uuid, times equal, 13 digits", created, (200, (True, 13), True, EVENT)),
    Row("create_secret_event, a name that exists", "CS 1.7, 7.4 SIM", "400", status(refused("create_secret_event", body=partial(body, name="lifecycle"))), 400),
    Row("create_secret_event, a dot in the name", "CS 1.2, 2.3", "400 CSMS.0002", refused("create_secret_event", body=partial(body, name="a.b")), _no(400, "CSMS.0002")),
    Row("create_secret_event, an unknown type", "CS 1.3, 2.3", "400 CSMS.0002", refused("create_secret_event", body=partial(body, event_types=["X"])), _no(400, "CSMS.0002")),
    Row("create_secret_event, a member missing", "CS 1.2", "400", status(refused("create_secret_event", body={"name": "n"})), 400),
    Row("create_secret_event, a list for the state", "CS 7.15 SIM", "400 CSMS.0004", refused("create_secret_event", body={**EVENT, "state": []}), _no(400, "CSMS.0004")),
    Row("create_secret_event, one over the quota", "CS 1.7, 7.5 SIM", "400", over_quota, 400),
    Row("list_secret_events", "CS 1, 1.6", "200, events and page_info", listed, (200, NAMES, 3)),
    Row("list_secret_events by next_marker, limit 1", "CS 1.6, 7.9", "every event once; the marker is exclusive", paged, [[name] for name in NAMES]),
    Row("list_secret_events by the last name, limit 2", "CS 1.6 (Terraform)", "pages up to an empty one", paged_as_terraform, [NAMES[:2], NAMES[2:], []]),
    Row("list_secret_events, marker ''", "CS 1.6", "the first page", lambda sim: [e.name for e in call(client(sim), "list_secret_events", marker="").events], NAMES),
    Row("list_secret_events, limit 0", "CS 7.9 SIM", "400 CSMS.0002", refused("list_secret_events", limit=0), _no(400, "CSMS.0002")),
    Row("show_secret_event", "CS 1", "the event as the list has it", shown, True),
    Row("show_secret_event, no such event", "CS 2.3, 7.7", "404 CSMS.0005, a request id", refused("show_secret_event", event_name="nothing"), _no(404, "CSMS.0005")),
    Row("show_secret_event, a slash in the name", "CS 6.2, 3 (V5)", "signature holds with %2F; 400", status(refused("show_secret_event", event_name="a/b")), 400),
    Row("update_secret_event, state alone", "CS 1.4", "the other members stay; update_time moves, event_id and create_time stay", updated(state="DISABLED"), {"state": "DISABLED", "update_time": True}),
    Row("update_secret_event, event_types alone", "CS 1.4 (Terraform)", "the list is replaced", updated(event_types=["SECRET_ROTATED"]), {"event_types": ["SECRET_ROTATED"], "update_time": True}),
    Row("update_secret_event, notification alone", "CS 1.4, seed 003", "replaced as a whole", updated(notification={"target_type": "SMN", "target_id": "id", "target_name": "n"}), {"notification": {"target_type": "SMN", "target_id": "id", "target_name": "n"}, "update_time": True}),
    Row("update_secret_event, {}", "CS 7.2 SIM", "accepted, changes nothing", updated(), {"update_time": True}),
    Row("update_secret_event, event_types []", "CS 7.3 SIM", "400 CSMS.0002", refused("update_secret_event", event_name="lifecycle", body=partial(change, event_types=[])), _no(400, "CSMS.0002")),
    Row("update_secret_event, half a notification", "CS 1.4", "400", refused("update_secret_event", event_name="lifecycle", body={"notification": {"target_type": "SMN"}}), _no(400, "CSMS.0002")),
    Row("update_secret_event, no such event", "CS 1", "404", status(refused("update_secret_event", event_name="nothing", body=partial(change, state="ENABLED"))), 404),
    Row("update_secret_event, no body", "CS 7.2 SIM", "400 CSMS.0004", refused("update_secret_event", event_name="lifecycle"), _no(400, "CSMS.0004")),
    Row("delete_secret_event", "CS 1", "204, gone afterwards", deleted, (204, 404)),
    Row("delete_secret_event, no such event", "CS 7.8", "404", status(refused("delete_secret_event", event_name="nothing")), 404),
    Row("delete_secret_event, one that a secret refers to", "CS 1.7, 7.6 SIM", "400", status(refused("delete_secret_event", event_name="rotation-audit")), 400),
    Row("list_notification_records", "CS 1.8", "200, the records", recorded, ("rotation-audit", "SECRET_ROTATED", "SUCCESS", 13)),
    Row("list_secret_events, a wrong secret key", "CS 2.4, 7.11", "401 APIGW.0301 in the gateway's flat shape", locked_out(secret="wrong"), _no(401, "APIGW.0301")),
    Row("list_secret_events, an unknown access key", "CS 2.4, 7.11", "401 APIGW.0301", locked_out(access="AKUNKNOWN00000000000"), _no(401, "APIGW.0301")),
    Row("list_secret_events, another project", "CS 7.12 SIM", "403", status(locked_out(project="f" * 32)), 403),
    Row("list_secret_events, throttled", "CS 6.3", "429; the SDK loses code and request id", throttled("list_secret_events"), _no(429, "429", False)),
    Row("create_secret_event, throttled", "CS 2.4, 6.3", "429 APIGW.0308: POST keeps the code", throttled("create_secret_event", body=body), _no(429, "APIGW.0308")),
    Row("list_secret_events, throttled once, retry_times=1", "CS 6.3", "tried again", retried, (200, [429, 200])),
    Row("list_secret_events by with_region, with_iam_endpoint", "CS 6.1", "/v3/projects is asked once, then the events", by_region, [("/v3/projects", 200), ("/v1/{p}/csms/events", 200), ("/v1/{p}/csms/events", 200)]),
    Row("list_secret_events by HUAWEICLOUD_SDK_* alone", "CS 4.2, 6.1", "200", by_environment, 200),
    Row("list_secret_events by with_endpoint, no project id", "CS 6.1, 7.12 SIM", "no look-up; the literal {project_id} goes out and is refused", without_project, (403, [("/v1/%7Bproject_id%7D/csms/events", 403)])),
    Row("list_secret_events_async", "CS 6.1", "200", concurrent, 200),
    Row("list_secret_events_invoker with X-Auth-Token", "CS 6.3", "200: sent beside the signature, which counts", with_token, 200),
)  # fmt: skip
