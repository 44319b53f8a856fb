"""Command's read-only neighbours: permission sets, permissions, identity providers, collections, containers, status."""

from __future__ import annotations

from collections.abc import Callable

from reconciler.simulator.keyfactor_lists import PAGING, listed
from reconciler.simulator.keyfactor_routes import GET
from reconciler.simulator.messages import Refused, Reply, json_reply
from reconciler.simulator.permissions import KNOWN
from reconciler.simulator.routing import Call, Handler
from reconciler.simulator.shapes import Field
from reconciler.simulator.world import Record, World

_SECURITY = "/security/read/"


def _one(records: Callable[[World], dict[int, Record] | dict[str, Record]], kind: str) -> Handler:
    def serve(world: World, call: Call) -> Reply:
        key = call.params["id"]
        found = records(world).get(key.lower() if isinstance(key, str) else key)  # type: ignore[arg-type]
        if found is None:
            raise Refused(404, "0xA0110002", f"Unable to find '{kind}' with Id '{key}'")
        return json_reply(_shown(found))

    return serve


def _shown(record: Record) -> Record:
    return {name: value for name, value in record.items() if not name.startswith("_")}


def _permission_sets(world: World, call: Call) -> Reply:
    return listed(
        world, call, list(world.permission_sets.values()), fields={"Id": "string", "Name": "string"}, sort="Id"
    )


def _my_permission_sets(world: World, call: Call) -> Reply:
    wanted = call.query["accessControlString"]
    held = {role["PermissionSetId"] for role in call.caller.roles}
    return json_reply(
        [
            one
            for guid, one in world.permission_sets.items()
            if (call.caller.holds(wanted, guid) if wanted else guid in held)
        ]
    )


def _permissions(_world: World, _call: Call) -> Reply:
    return json_reply(["/", *KNOWN])


def _providers(world: World, call: Call) -> Reply:
    fields = {"AuthenticationScheme": "string", "DisplayName": "string"}
    return listed(world, call, list(world.providers.values()), fields=fields, sort="DisplayName")


def _collections(world: World, call: Call) -> Reply:
    fields = {"Name": "string", "Query": "string", "Favorite": "boolean"}
    rows = [{**one, "Query": one["Content"]} for one in world.collections.values()]
    return listed(
        world, call, rows, fields=fields, sort="Name", render=lambda row: _shown(world.collections[row["Id"]])
    )


def _collection_by_name(world: World, call: Call) -> Reply:
    name = call.params["name"]
    found = next((one for one in world.collections.values() if one["Name"].lower() == name.lower()), None)
    if found is None:
        raise Refused(404, "0xA0110002", f"Unable to find 'Certificate Collection' with Name '{name}'")
    return json_reply(_shown(found))


def _containers(world: World, call: Call) -> Reply:
    fields = {"Id": "integer", "Name": "string", "CertStoreType": "integer"}
    return listed(world, call, list(world.containers.values()), fields=fields, sort="Name", render=_shown)


def _container(world: World, call: Call) -> Reply:
    found = world.containers.get(call.params["id"])
    if found is None:
        raise Refused(404, "0xA0110002", f"Unable to find 'Application' with Id '{call.params['id']}'")
    return json_reply({**{n: found[n] for n in ("Id", "Name", "Schedule", "CertStoreType")}, "CertificateStores": []})


def _healthy(_world: World, _call: Call) -> Reply:
    return Reply(204)


_STORES = "/certificate_stores/read/[#]/"
_COLLECTION = "/certificates/collections/read/[#]/"
_PROVIDER = "/identity_providers/read/"
_find_collection = _one(lambda world: world.collections, "Certificate Collection")
_find_set = _one(lambda world: world.permission_sets, "Permission Set")
_find_provider = _one(lambda world: world.providers, "Identity Provider")
_ACCESS = (Field("accessControlString", "string", "a permission string", default=""),)

ROUTES = (
    GET("/PermissionSets", _permission_sets, "List permission sets", permission=_SECURITY, query=PAGING),
    GET("/PermissionSets/My", _my_permission_sets, "The caller's permission sets", query=_ACCESS),
    GET("/PermissionSets/{id:uuid}", _find_set, "One permission set", permission=_SECURITY),
    GET("/Permissions", _permissions, "All permission strings", permission=_SECURITY),
    GET("/IdentityProviders", _providers, "List identity providers", permission=_PROVIDER, query=PAGING),
    GET("/IdentityProviders/{id:uuid}", _find_provider, "One identity provider", permission=_PROVIDER),
    GET("/CertificateCollections", _collections, "List collections", permission=_COLLECTION, query=PAGING),
    GET("/CertificateCollections/{id:int}", _find_collection, "One collection", permission=_COLLECTION),
    GET("/CertificateCollections/{name}", _collection_by_name, "One collection by name", permission=_COLLECTION),
    GET("/CertificateStoreContainers", _containers, "List containers", permission=_STORES, query=PAGING),
    GET("/CertificateStoreContainers/{id:int}", _container, "One container", permission=_STORES),
    GET("/Applications", _containers, "List applications (containers in 25.x)", permission=_STORES, query=PAGING),
    GET("/Applications/{id:int}", _container, "One application", permission=_STORES),
    GET("/status/healthcheck", _healthy, "Liveness", success=204),
)
