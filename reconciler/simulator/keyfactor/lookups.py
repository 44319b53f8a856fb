"""Command's read-only neighbours: permissions, identity providers, collections, containers, status."""

from __future__ import annotations

from collections.abc import Callable

from reconciler.simulator.http.messages import ApiError, HttpReply, build_json_reply
from reconciler.simulator.http.routing import Handler, RouteCall
from reconciler.simulator.http.shapes import STRINGS, Field, build_array_fields
from reconciler.simulator.keyfactor.lists import PAGING, listed
from reconciler.simulator.keyfactor.routes import GET
from reconciler.simulator.world.permissions import KNOWN
from reconciler.simulator.world.world import Record, World

_SECURITY = "/security/read/"


def _one(records: Callable[[World], dict[int, Record] | dict[str, Record]], kind: str) -> Handler:
    def serve(world: World, call: RouteCall) -> HttpReply:
        key = call.params["id"]
        found = records(world).get(key.lower() if isinstance(key, str) else key)  # type: ignore[arg-type]
        if found is None:
            raise ApiError(404, "0xA0110002", f"Unable to find '{kind}' with Id '{key}'")
        return build_json_reply(_shown(found))

    return serve


def _shown(record: Record) -> Record:
    return {name: value for name, value in record.items() if not name.startswith("_")}


def _permissions(_world: World, _call: RouteCall) -> HttpReply:
    return build_json_reply(["/", *KNOWN])


def _providers(world: World, call: RouteCall) -> HttpReply:
    fields = {"AuthenticationScheme": "string", "DisplayName": "string"}
    return listed(world, call, list(world.providers.values()), fields=fields, sort="DisplayName")


def _collections(world: World, call: RouteCall) -> HttpReply:
    fields = {"Name": "string", "Query": "string", "Favorite": "boolean"}
    # Query can be filtered by, but GET returns the text as Content alone (KF 6.4).
    rows = [{**one, "Query": one["Content"]} for one in world.collections.values()]
    return listed(
        world, call, rows, fields=fields, sort="Name", render=lambda row: _shown(world.collections[row["Id"]])
    )


def _collection_by_name(world: World, call: RouteCall) -> HttpReply:
    name = call.params["name"]
    found = next((one for one in world.collections.values() if one["Name"].lower() == name.lower()), None)
    if found is None:
        raise ApiError(404, "0xA0110002", f"Unable to find 'Certificate Collection' with Name '{name}'")
    return build_json_reply(_shown(found))


def _containers(world: World, call: RouteCall) -> HttpReply:
    fields = {"Id": "integer", "Name": "string", "CertStoreType": "integer"}
    return listed(world, call, list(world.containers.values()), fields=fields, sort="Name", render=_shown)


def _container(world: World, call: RouteCall) -> HttpReply:
    found = world.containers.get(call.params["id"])
    if found is None:
        raise ApiError(404, "0xA0110002", f"Unable to find 'Application' with Id '{call.params['id']}'")
    detailed = {**found, "CertificateStores": []}
    return build_json_reply({field.name: detailed[field.name] for field in _CONTAINER})


def _healthy(_world: World, _call: RouteCall) -> HttpReply:
    return HttpReply(204)


_STORES = "/certificate_stores/read/[#]/"
_COLLECTION = "/certificates/collections/read/[#]/"
_PROVIDER = "/identity_providers/read/"
_find_collection = _one(lambda world: world.collections, "Certificate Collection")
_find_provider = _one(lambda world: world.providers, "Identity Provider")
_IDENTITY_PROVIDER = (
    Field("Id", "uuid"),
    Field("AuthenticationScheme", "string"),
    Field("DisplayName", "string"),
    Field("TypeId", "uuid"),
    Field("Parameters", "array", items=Field("", "object")),
)
_COLLECTION_REPLY = (
    Field("Id", "integer"),
    Field("Name", "string"),
    Field("Description", "string"),
    Field("Automated", "boolean"),
    Field("Content", "string", "the query; GET does not return Query (KF 6.4)"),
    Field("DuplicationField", "integer"),
    Field("ShowOnDashboard", "boolean"),
    Field("Favorite", "boolean"),
)
_SHARED = (
    Field("Id", "integer"),
    Field("Name", "string"),
    Field("Schedule", "object"),
    Field("CertStoreType", "integer"),
)
_CONTAINER_ROW = (*_SHARED, Field("OverwriteSchedules", "boolean"), Field("StoreCount", "integer"))
_CONTAINER = (*_SHARED, Field("CertificateStores", "array", items=Field("", "object")))

ROUTES = (
    GET("/Permissions", _permissions, "All permission strings", permission=_SECURITY, reply=STRINGS),
    GET(
        # Unlike roles and claims not below /Security (KF 2.3).
        "/IdentityProviders",
        _providers,
        "List identity providers",
        permission=_PROVIDER,
        query=PAGING,
        reply=build_array_fields(_IDENTITY_PROVIDER),
    ),
    GET(
        "/IdentityProviders/{id:uuid}",
        _find_provider,
        "One identity provider",
        permission=_PROVIDER,
        reply=_IDENTITY_PROVIDER,
    ),
    GET(
        "/CertificateCollections",
        _collections,
        "List collections",
        permission=_COLLECTION,
        query=PAGING,
        reply=build_array_fields(_COLLECTION_REPLY),
    ),
    GET(
        "/CertificateCollections/{id:int}",
        _find_collection,
        "One collection",
        permission=_COLLECTION,
        reply=_COLLECTION_REPLY,
    ),
    GET(
        # Behind the route by id: the first that matches is taken, and {name} matches digits too.
        "/CertificateCollections/{name}",
        _collection_by_name,
        "One collection by name",
        permission=_COLLECTION,
        reply=_COLLECTION_REPLY,
    ),
    GET(
        "/CertificateStoreContainers",
        _containers,
        "List containers",
        permission=_STORES,
        query=PAGING,
        reply=build_array_fields(_CONTAINER_ROW),
    ),
    GET("/CertificateStoreContainers/{id:int}", _container, "One container", permission=_STORES, reply=_CONTAINER),
    GET(
        "/Applications",
        _containers,
        "List applications (containers in 25.x)",
        permission=_STORES,
        query=PAGING,
        reply=build_array_fields(_CONTAINER_ROW),
    ),
    GET("/Applications/{id:int}", _container, "One application", permission=_STORES, reply=_CONTAINER),
    GET("/status/healthcheck", _healthy, "Liveness", success=204),
)
