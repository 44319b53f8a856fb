"""Command's read-only neighbours: permissions, identity providers, collections, containers, status."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reconciler.simulator.http.messages import ApiError, HttpReply, build_json_reply
from reconciler.simulator.http.shapes import STRINGS, Field, build_array_fields
from reconciler.simulator.keyfactor.lists import PAGING, build_list_reply
from reconciler.simulator.keyfactor.routes import GET
from reconciler.simulator.routing.routes import Handler, RouteCall
from reconciler.simulator.world.seed import PROVIDER_TYPES
from reconciler.simulator.world.world import Record, World

_READ_SECURITY = "/security/read/"


def _make_get_handler(records: Callable[[World], dict[int, Record] | dict[str, Record]], kind: str) -> Handler:
    def get_record(world: World, call: RouteCall) -> HttpReply:
        key = call.params["id"]
        record = records(world).get(key.lower() if isinstance(key, str) else key)  # type: ignore[arg-type]
        if record is None:
            raise ApiError(404, "0xA0110002", f"Unable to find '{kind}' with Id '{key}'")
        return build_json_reply(_drop_private_members(record))

    return get_record


def _drop_private_members(record: Record) -> Record:
    return {name: value for name, value in record.items() if not name.startswith("_")}


def _list_permissions(world: World, _call: RouteCall) -> HttpReply:
    catalogue = world.permissions
    if world.switches["permissions_listed"] == "levels":
        return build_json_reply(sorted(catalogue.levels))
    return build_json_reply(["/", *catalogue.leaves])


def _list_providers(world: World, call: RouteCall) -> HttpReply:
    fields = dict.fromkeys(("AuthenticationScheme", "AuthorizationUrl", "DisplayName", "ProviderTypes"), "string")
    types = {provider_type["Id"]: provider_type["Name"] for provider_type in PROVIDER_TYPES}
    # Fields that can be asked for and are in no answer (KF 2.3).
    rows = [
        {**provider, "ProviderTypes": types.get(provider["TypeId"]), "AuthorizationUrl": provider["_authorization_url"]}
        for provider in world.providers.values()
    ]
    return build_list_reply(
        world,
        call,
        rows,
        fields=fields,
        sort="DisplayName",
        render=lambda row: _drop_private_members(world.providers[row["Id"]]),
    )


def _list_provider_types(_world: World, _call: RouteCall) -> HttpReply:
    return build_json_reply(list(PROVIDER_TYPES))


def _list_collections(world: World, call: RouteCall) -> HttpReply:
    fields = {"Name": "string", "Query": "string", "Favorite": "boolean"}
    # Query can be filtered by, but GET returns the text as Content alone (KF 6.4).
    visible = _list_visible(world, call, world.collections, _READ_COLLECTIONS)
    rows = [{**collection, "Query": collection["Content"]} for collection in visible]
    return build_list_reply(
        world,
        call,
        rows,
        fields=fields,
        sort="Name",
        render=lambda row: _drop_private_members(world.collections[row["Id"]]),
    )


def _get_collection_by_name(world: World, call: RouteCall) -> HttpReply:
    name = call.params["name"]
    match = next(
        (collection for collection in world.collections.values() if collection["Name"].lower() == name.lower()), None
    )
    if match is None:
        raise ApiError(404, "0xA0110002", f"Unable to find 'Certificate Collection' with Name '{name}'")
    return build_json_reply(_drop_private_members(match))


def _list_containers(world: World, call: RouteCall) -> HttpReply:
    fields = {"Id": "integer", "Name": "string", "CertStoreType": "integer"}
    rows = _list_visible(world, call, world.containers, _READ_STORES)
    return build_list_reply(world, call, rows, fields=fields, sort="Name", render=_drop_private_members)


def _list_visible(world: World, call: RouteCall, records: Mapping[int, Record], permission: str) -> list[Record]:
    """Return all records, or those that the caller may read, by the list's permission with an optional id."""
    if world.switches["scopes_listed"] == "all":
        return list(records.values())
    return [record for number, record in records.items() if call.caller.holds(permission.replace("[#]", str(number)))]


def _get_container(world: World, call: RouteCall) -> HttpReply:
    container = world.containers.get(call.params["id"])
    if container is None:
        raise ApiError(404, "0xA0110002", f"Unable to find 'Application' with Id '{call.params['id']}'")
    members = {**container, "CertificateStores": []}
    return build_json_reply({field.name: members[field.name] for field in _CONTAINER_REPLY})


def _check_health(_world: World, _call: RouteCall) -> HttpReply:
    return HttpReply(204)


_READ_STORES = "/certificate_stores/read/[#]/"
_READ_COLLECTIONS = "/certificates/collections/read/[#]/"
_READ_PROVIDERS = "/identity_providers/read/"
_get_collection = _make_get_handler(lambda world: world.collections, "Certificate Collection")
_get_provider = _make_get_handler(lambda world: world.providers, "Identity Provider")
_PROVIDER_REPLY = (
    Field("Id", "uuid"),
    Field("AuthenticationScheme", "string"),
    Field("DisplayName", "string"),
    Field("TypeId", "uuid"),
    Field("Parameters", "array", items=Field("", "object")),
    # In 24.x and later (KF 2.3).
    Field("PermissionSetId", "uuid"),
    Field("AuthenticationEnabled", "boolean"),
)
_PROVIDER_TYPE_PARAMETER = (
    Field("Id", "integer"),
    Field("Name", "string"),
    Field("DisplayName", "string"),
    Field("DataType", "integer"),
    Field("Required", "boolean"),
)
_PROVIDER_TYPE_REPLY = (
    Field("Id", "uuid"),
    Field("Name", "string"),
    Field("TypeParameters", "array", items=Field("", "object", fields=_PROVIDER_TYPE_PARAMETER)),
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
_CONTAINER_FIELDS = (
    Field("Id", "integer"),
    Field("Name", "string"),
    Field("Schedule", "object"),
    Field("CertStoreType", "integer"),
)
_CONTAINER_ROW = (*_CONTAINER_FIELDS, Field("OverwriteSchedules", "boolean"), Field("StoreCount", "integer"))
_CONTAINER_REPLY = (*_CONTAINER_FIELDS, Field("CertificateStores", "array", items=Field("", "object")))

ROUTES = (
    GET("/Permissions", _list_permissions, "All permission strings", permission=_READ_SECURITY, reply=STRINGS),
    GET(
        # Unlike roles and claims not below /Security (KF 2.3).
        "/IdentityProviders",
        _list_providers,
        "List identity providers",
        permission=_READ_PROVIDERS,
        query=PAGING,
        reply=build_array_fields(_PROVIDER_REPLY),
    ),
    GET(
        "/IdentityProviders/Types",
        _list_provider_types,
        "Types of identity providers",
        permission=_READ_PROVIDERS,
        reply=build_array_fields(_PROVIDER_TYPE_REPLY),
    ),
    GET(
        "/IdentityProviders/{id:uuid}",
        _get_provider,
        "One identity provider",
        permission=_READ_PROVIDERS,
        reply=_PROVIDER_REPLY,
    ),
    GET(
        "/CertificateCollections",
        _list_collections,
        "List collections",
        permission=_READ_COLLECTIONS,
        query=PAGING,
        reply=build_array_fields(_COLLECTION_REPLY),
    ),
    GET(
        "/CertificateCollections/{id:int}",
        _get_collection,
        "One collection",
        permission=_READ_COLLECTIONS,
        reply=_COLLECTION_REPLY,
    ),
    GET(
        # Behind the route by id: the first that matches is taken, and {name} matches digits too.
        "/CertificateCollections/{name}",
        _get_collection_by_name,
        "One collection by name",
        permission=_READ_COLLECTIONS,
        reply=_COLLECTION_REPLY,
    ),
    GET(
        "/CertificateStoreContainers",
        _list_containers,
        "List containers",
        permission=_READ_STORES,
        query=PAGING,
        reply=build_array_fields(_CONTAINER_ROW),
    ),
    GET(
        "/CertificateStoreContainers/{id:int}",
        _get_container,
        "One container",
        permission=_READ_STORES,
        reply=_CONTAINER_REPLY,
    ),
    GET(
        "/Applications",
        _list_containers,
        "List applications (containers in 25.x)",
        permission=_READ_STORES,
        query=PAGING,
        reply=build_array_fields(_CONTAINER_ROW),
    ),
    GET("/Applications/{id:int}", _get_container, "One application", permission=_READ_STORES, reply=_CONTAINER_REPLY),
    GET("/status/healthcheck", _check_health, "Liveness", success=204),
)
