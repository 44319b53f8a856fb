"""Both audit trails by the vendors' clients: what one of them changes, and reads of that again."""

# ruff: noqa: E501, PLC0415 - a row of a table is a line; importing the SDK writes into $HOME
from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from reconciler.simulator import Simulator
from tests.vendors import csms_client
from tests.vendors.command_client import call, client, model
from tests.vendors.row import Row

LOG = "audit_log"


def cts_client(sim: Simulator) -> Any:
    from huaweicloudsdkcore.auth.credentials import BasicCredentials
    from huaweicloudsdkcts.v3 import CtsClient

    told = sim.credentials["csms"]
    keys = BasicCredentials(told["access_key"], told["secret_key"], told["project_id"])
    return CtsClient.new_builder().with_credentials(keys).with_endpoint(sim.url).build()


def list_traces(sim: Simulator, **members: Any) -> Any:
    from huaweicloudsdkcts.v3 import ListTracesRequest

    return cts_client(sim).list_traces(ListTracesRequest(trace_type="system", **members))


def update_event(sim: Simulator) -> None:
    change = partial(csms_client.change, state="DISABLED")
    csms_client.call(csms_client.client(sim), "update_secret_event", event_name="lifecycle", body=change)


def traced(sim: Simulator) -> Any:
    """Change an event with one SDK, and read who it was with the other."""
    update_event(sim)
    (trace,) = list_traces(sim, trace_name="updateSecretEvent").traces
    return trace.trace_name, trace.resource_name, trace.user.name, trace.source_ip, trace.request


def paged(sim: Simulator) -> Any:
    update_event(sim)
    update_event(sim)
    first = list_traces(sim, limit=1)
    second = list_traces(sim, limit=1, next=first.meta_data.marker)
    return len({trace.trace_id for trace in (*first.traces, *second.traces)}), second.meta_data.marker


def refused_limit(sim: Simulator) -> Any:
    return csms_client.refusal(lambda: list_traces(sim, limit=201))[:3]


def audited(see: Callable[[Simulator, Any], Any]) -> Callable[[Simulator], Any]:
    """Describe a claim anew with the SDK, as somebody who may read the audit log, and look at the log."""

    def run(sim: Simulator) -> Any:
        own = next(role for role in sim.world.roles.values() if role["Name"] == "GitOps Reconciler")
        own["Permissions"].append("/auditing/read/")
        sdk = client(sim)
        changed = model("Security_Claims", "UpdateRequest", id=4, description="other")
        assert call(sdk, "security_claims.put_security_claims", body=changed).status == 200
        return see(sim, sdk)

    return run


def read_log(_sim: Simulator, sdk: Any) -> Any:
    query = {"query_string": 'Category -contains "Identity"', "sort_field": "Timestamp"}
    (entry,) = call(sdk, f"{LOG}.get_audit", **query).parsed
    return entry.user, int(entry.category), int(entry.operation), entry.audit_identifier, int(entry.level)


def read_entry(_sim: Simulator, sdk: Any) -> Any:
    one = call(sdk, f"{LOG}.get_audit_id", 1)
    valid = call(sdk, f"{LOG}.get_audit_id_validate", 1)
    return one.status, one.json["EntityType"], valid.json, call(sdk, f"{LOG}.get_audit_id", 99).status


def read_related(_sim: Simulator, sdk: Any) -> Any:
    related = call(sdk, f"{LOG}.get_audit_related_entities", query_string="ImmutableIdentifier -eq 4")
    return [entry.immutable_identifier for entry in related.parsed]


def read_history(sim: Simulator) -> Any:
    """Of an owner's change by hand: the SDK of version 11 has no function for it, and no members for the history."""
    sim.edit("PUT", "/Certificates/1/Owner", {"NewRoleId": 2}, actor="CORP\\eve")
    rows = call(client(sim), "certificate.get_certificates_id_history", 1).json
    return [(row["Username"], row["Action"]) for row in rows][-1]


ROWS = (
    Row("list_traces by trace_name", "AU 4", "who changed the event, from where, and what was sent", traced, ("updateSecretEvent", "lifecycle", "reconciler", "127.0.0.1", '{"state": "DISABLED"}')),
    Row("list_traces by limit and next", "AU 4", "earlier ones; null is the end", paged, (2, None)),
    Row("list_traces with limit 201", "AU 4, SIM", "400, a flat error", refused_limit, ("ClientRequestException", 400, "CTS.0214")),
    Row("get_audit by QueryString", "AU 1.4", "who changed the claim", audited(read_log), ("CORP\\svc-reconciler", 2010, 2, "pki-operators", 0)),
    Row("get_audit_id, get_audit_id_validate", "AU 1.1", "one entry; a bare true; 404", audited(read_entry), (200, "ADIdentityModel", True, 404)),
    Row("get_audit_related_entities", "AU 1.1", "the entries of one object", audited(read_related), ["4"]),
    Row("get_audit without /auditing/read/", "AU 1.1", "403", lambda sim: call(client(sim), f"{LOG}.get_audit").status, 403),
    Row("get_certificates_id_history of an owner", "AU 2", "who changed it", read_history, ("CORP\\eve", "Owner Changed")),
)  # fmt: skip
