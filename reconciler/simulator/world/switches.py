"""Every undocumented behaviour, named, in one place.

The sources are the API contracts: KF is Keyfactor Command, CS is Huawei CSMS, AU the audit trails of both; `ND` means that no document that
could be read settles it, so a client must survive every setting.
"""

# ruff: noqa: E501 - a switch is a line
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

Setting = str | int


class Switch(NamedTuple):
    """One behaviour. `allowed` lists the settings; where it is a type, any value of the type (an int from 0) will do."""

    name: str
    default: Setting
    allowed: tuple[Setting, ...] | type
    text: str
    source: str

    def accepts(self, value: Setting) -> bool:
        """Tell whether the switch has this setting."""
        if isinstance(self.allowed, tuple):
            # 1 == True in Python, and 400 is not "400" in JSON: the type has to be right as well.
            return any(value == setting and type(value) is type(setting) for setting in self.allowed)
        if self.allowed is int:
            return isinstance(value, int) and not isinstance(value, bool) and value >= 0
        return isinstance(value, self.allowed)


_COMMAND = (
    Switch("requested_with_missing", "400", ("400", "401", "403", "accepted"), "answer to a missing x-keyfactor-requested-with", "KF 0.2: mandatory, status ND"),
    Switch("version_2_on_v1", "rejected", ("rejected", "ignored"), "x-keyfactor-api-version 2 where only version 1 exists", "KF 0.2 ND"),
    Switch("v2_reply_shape", "v2", ("v2", "v1"), "shape of a role in the answer to a version 2 call; v1 is a server that ignores the header", "KF 1.7, reliability B3"),
    Switch("product_version", "25.4.0.0", str, "x-keyfactor-product-version; empty leaves the header out", "KF 0.3"),
    Switch("total_count", "present", ("present", "absent"), "whether lists carry x-total-count", "KF 0.3"),
    # The documents only warn that large values are slow; vendor code asks for 50 to 1,000.
    Switch("return_limit_max", 0, int, "greatest page; a greater ReturnLimit is clamped to it, 0 for none", "KF 0.5 ND"),
    Switch("return_limit_invalid", "400", ("400", "default"), "ReturnLimit or PageReturned below 1", "KF 11 ND"),
    Switch("query_string_max", 0, int, "longest raw query string; a longer one is answered 404 as IIS does, 0 for none", "KF ND"),
    Switch("query_plus", "space", ("space", "literal"), "what a + in the query stands for: keyfactor-command-sdk sends it for a space, the Go client takes care not to", "KF 0.5 CODE"),
    Switch("query_and_or", "precedence", ("precedence", "left_to_right"), "AND before OR, or in the order written", "KF 6.2 ND"),
    # A client can't rely on any: it refuses such values, or filters on its own side.
    Switch("query_quote_escape", "none", ("none", "doubled", "backslash"), "how a double quote inside a value is written", "KF 6.2 ND"),
    Switch("unknown_body_members", "ignored", ("ignored", "rejected", "stored"), "body members that no table knows; stored means that roles keep and show them until a PUT leaves them out", "KF 0.4 ND"),
    Switch("text_stored", "as_sent", ("as_sent", "trimmed", "nfc", "upper", "truncated"), "what the server makes of names, descriptions and display names", "reliability B14, B34"),
    Switch("read_lag", 0, int, "how many reads of an object after its change still show the old state", "KF 0.8, reliability B32"),
    Switch("unauthorized_body", "empty", ("empty", "html", "json"), "body of a 401 of Command", "KF 0.7"),
    Switch("forbidden_body", "json", ("json", "empty", "html"), "body of a 403 of Command", "KF 0.7 ND"),
    Switch("token_lifetime", 3600, int, "seconds that an OAuth access token lives", "KF 8.3"),
    Switch("oauth_openid_scope", "accepted", ("accepted", "rejected"), "scope openid at the token endpoint", "KF 9 row 14"),
)  # fmt: skip

_ROLES = (
    Switch("role_put_without_permission_set", "400", ("400", "keep", "global"), "PUT of a role without PermissionSetId", "KF 1.5 ND"),
    Switch("role_v1_put_without_permission_set", "global", ("global", "keep", "400"), "version 1 PUT of a role without PermissionSetId", "KF 1.7 ND"),
    Switch("role_post_without_permission_set", "400", ("400", "global"), "POST of a role without PermissionSetId", "KF 1.4 ND"),
    Switch("role_description_empty", "400", ("400", "accepted"), "an empty or blank Description in the body of a role", "KF 1.5: required, ND whether empty is missing"),
    Switch("role_duplicate_status", 400, (400, 409), "status for a role name that exists", "KF 1.6 ND"),
    Switch("role_names", "insensitive", ("insensitive", "sensitive"), "whether role names that differ in case alone are equal", "KF 1.6 ND"),
    Switch("role_immutable_put", "claims_only", ("claims_only", "refused"), "PUT of the immutable role: its claims may change, or nothing", "KF 1.6 ND"),
    Switch("role_delete_owner", "400", ("400", "clear"), "DELETE of a role that owns certificates: refused, or the owners are cleared", "KF 1.6 ND"),
    Switch("role_permission_order", "sorted", ("sorted", "as_sent", "reversed"), "order of a role's permissions in answers", "KF 4.1"),
    Switch("role_permissions_redundant", "400", ("400", "accepted"), "a permission beside one that it is part of", "KF 1.6 LIVE"),
    Switch("role_permissions_unknown", "400", ("400", "accepted"), "a permission of a role or of a set that this server does not know", "KF 4.1 ND"),
    Switch("permissions_listed", "leaves", ("leaves", "levels"), "GET /Permissions: what can be granted at the lowest level, or the levels above as well", "KF 3, 4.2 ND"),
    Switch("scopes_listed", "all", ("all", "permitted"), "lists of collections and containers for who may read a single one: with all of them, or with that one", "KF 6.4 ND"),
    Switch("permission_added", "", str, "a permission beyond the known ones that this server has and lists, as another version would; empty for none", "KF 4.2: the set differs by version"),
    Switch("permission_removed", "", str, "a known permission that this server does not have, as an older version; empty for none", "KF 4.2: the set differs by version"),
    Switch("role_permissions_outside_set", "400", ("400", "403", "accepted"), "a permission outside the role's permission set", "KF 1.6 ND"),
    Switch("security_my", "roles and permissions", ("roles and permissions", "roles", "nothing"), "what of GET /Security/My and /Security/My/Permissions there is; the rest is answered 404", "audit 5"),
    Switch("role_extra_member", "", str, "name of a member beyond the documented ones that every role has and that PUT clears unless it is sent; empty for none", "seed 004, reliability B1"),
    Switch("claim_creation", "created", ("created", "400"), "a claim in a role that is not defined yet", "KF 1.5 ND"),
    # Matters to an undo: a claim that was removed and is created anew may get another id.
    Switch("claim_unused", "kept", ("kept", "removed"), "a claim that no role holds any more", "KF 11 ND"),
    Switch("claim_description_in_role", "updated", ("updated", "kept"), "description of a known claim when a role carries another one", "KF 1.5 ND"),
    Switch("claim_description_lag", 0, int, "how many reads after the change still show a claim's old description", "KF 0.8 LIVE"),
    Switch("claim_description_empty", "accepted", ("accepted", "400"), "an empty or blank Description of a claim in a body", "KF 1.5: required, ND whether empty is missing"),
    Switch("claim_type_names", "400", ("400", "accepted"), "ClaimType as a name in the body of a role", "KF 1.5 ND"),
    Switch("claim_in_use_delete", "400", ("400", "removed"), "DELETE of a claim that a role holds", "KF 2.1 ND"),
    Switch("claim_provider_null", "", str, "authentication scheme whose claims are returned with Provider null; empty for none", "KF 1.3 LIVE"),
    Switch("claim_scheme_returned", "", str, "OLD=NEW: claims of scheme OLD are returned as of scheme NEW; empty for none", "KF 1.3"),
    Switch("claim_scheme_unknown", "400", ("400", "accepted"), "a claim of a scheme that no identity provider has", "KF 1.3 ND"),
    Switch("claim_ad_values", "as_sent", ("as_sent", "prefixed", "upper", "lower"), "what becomes of the value of an Active Directory claim in answers", "KF 1.3"),
)  # fmt: skip

_OBJECTS = (
    Switch("handler_put_omitted", "reset", ("reset", "keep"), "a field left out of PUT /EventHandlerRegistration/{id}", "KF 5 ND"),
    Switch("handler_id_member", "Id", ("Id", "id"), "spelling of a handler's id", "KF 5, seed 000"),
    Switch("certificate_hidden", "403", ("403", "404"), "GET of a certificate that the caller may not see", "KF 6.1 ND"),
    Switch("certificate_dates", "zone", ("zone", "no_zone"), "whether the dates of certificates end in Z", "KF 6.1 ND; the SDKs' own types demand it"),
    Switch("common_name_absent", "null", ("null", "empty"), "IssuedCN of a certificate, CommonName of a request, whose subject has no common name", "KF 6.1, 7.2 ND"),
    Switch("owner_both_fields", "400", ("400", "id_wins", "name_wins"), "NewRoleId and NewRoleName together", "KF 6.3 ND"),
    Switch("owner_empty_body", "clears", ("clears", "400", "keeps"), "PUT of an owner with {}: it clears as null does, is refused, or is 204 and changes nothing", "KF 6.3 LIVE at 25.5, elsewhere ND"),
    Switch("owner_unknown_id", "404", ("404", "400"), "NewRoleId that no role has", "KF 6.3 ND"),
    Switch("owner_unknown_name", "400", ("400", "404"), "NewRoleName that no role has", "KF 6.3 ND"),
    Switch("owner_policy", "Optional", ("Optional", "Required"), "system-wide Certificate Owner Role policy", "KF 6.3, seed 001"),
    Switch("owner_policy_status", 400, (400, 403, 422), "status for clearing an owner that the policy requires", "KF 6.3 ND"),
    Switch("owner_permission_rule", "25.4", ("25.4", "12.3"), "12.3 knows change_owner and both owner roles alone; 25.4 also expanded and container permissions", "KF 6.3"),
    Switch("owner_same", "history", ("history", "silent"), "setting the owner that is set: with or without a history entry", "KF 6.3 ND"),
    Switch("request_sans", "bare", ("bare", "typed"), "SANs of a request by id: the values alone, or with their type before; SubjectAltNames has the values either way", "KF 7.2 ND"),
    Switch("deny_items", "objects", ("objects", "strings"), "shape of the items in the answer of Deny and Approve", "KF 7.3, reliability B18"),
    Switch("deny_unknown_ids", "failures", ("failures", "denials", "omitted"), "where ids that no request has are reported", "KF 7.3 ND"),
    Switch("deny_processed_ids", "failures", ("failures", "denials", "successes", "omitted"), "where ids of requests that are not pending are reported", "KF 7.3 ND"),
    Switch("deny_repeated_ids", "once", ("once", "failures"), "the second mention of an id: dropped, or reported as failure too", "KF 7.3 ND"),
    Switch("deny_empty", "200", ("200", "400"), "an empty list of ids", "KF 7.3 ND"),
    Switch("deny_refused_ids", "", str, "ids, comma separated, that land in Denials because the CA lets the caller not manage them", "seed 002"),
    Switch("deny_without_permission", "403", ("403", "denials"), "a caller without /certificates/requests/manage/", "seed 002, KF 7.3"),
)  # fmt: skip

_CSMS = (
    Switch("csms_put_omitted", "merge", ("merge", "replace"), "members left out of PUT: kept, or reset to ENABLED, [] and no notification", "CS 7.1 ND"),
    Switch("csms_put_empty_object", "accepted", ("accepted", "400"), "PUT {}", "CS 7.2 ND"),
    Switch("csms_empty_body", "400", ("400", "accepted"), "PUT without a body", "CS 7.2 ND"),
    Switch("csms_empty_event_types", "400", ("400", "accepted"), "event_types []", "CS 7.3 ND"),
    Switch("csms_event_types_order", "preserved", ("preserved", "canonical"), "order of event_types in answers", "CS 7.10"),
    Switch("csms_extra_event_type", "", str, "an event type beyond the five that every event shows and that PUT drops unless it is sent; empty for none", "CS 1.3"),
    Switch("csms_duplicate_status", 400, (400, 409), "status for an event name that exists", "CS 7.4 ND"),
    Switch("csms_quota", 30, int, "greatest number of events in a project", "CS 1.7"),
    Switch("csms_quota_status", 400, (400, 403), "status for one event too many", "CS 7.5 ND"),
    Switch("csms_referenced_delete", 400, (400, 409), "status for deleting an event that a secret refers to", "CS 7.6 ND"),
    Switch("csms_not_found", 404, (404, 400), "status for an event that does not exist", "CS 2.3: sources disagree"),
    Switch("csms_list_order", "name", ("name", "newest_first"), "order of the list", "CS 7.9 ND"),
    Switch("csms_last_marker", "absent", ("absent", "present"), "next_marker on the last page", "CS 7.9 ND"),
    Switch("csms_marker", "exclusive", ("exclusive", "inclusive", "ignored"), "whether a page starts behind its marker, at it, or always at the beginning", "CS 1.6, 7.9"),
    Switch("csms_limit_max", 1000, int, "greatest page; a greater limit is clamped to it", "CS 1.6 ND"),
    Switch("csms_limit_invalid", "400", ("400", "default"), "limit 0, negative or not a number", "CS 1.6 ND"),
    Switch("csms_marker_unknown", "position", ("position", "400", "empty"), "a marker that no event has", "CS 7.9 ND"),
    Switch("csms_name_dot", "rejected", ("rejected", "accepted"), "a dot in an event's name", "CS 1.2: sources disagree"),
    Switch("csms_unknown_members", "ignored", ("ignored", "rejected"), "body members that no table knows", "CS 7.15 ND"),
    Switch("csms_content_type", "any", ("any", "400"), "a body that does not say application/json", "CS 1.7 ND"),
    Switch("csms_timestamps", "milliseconds", ("milliseconds", "seconds"), "unit of create_time and update_time", "CS 1.5: text and values disagree"),
    Switch("csms_unchanged_put", "moves", ("moves", "stays"), "update_time after a PUT that changes nothing", "CS 1.4 ND"),
    Switch("csms_project_mismatch", 403, (403, 401, 404), "a path of another project than the credentials'", "CS 7.12 ND"),
    Switch("csms_x_project_id", "optional", ("optional", "required"), "X-Project-Id beside AK/SK", "CS 3.3 ND"),
    Switch("csms_ak_lock", "on", ("on", "off"), "five minutes' lock of an AK after more than five failures in a row", "CS 2.4"),
    Switch("csms_iam_ids", "accepted", ("accepted", "rejected"), "a user or an account by its id where a password is sent", "CS 3.2: Keystone's way, not on Huawei's pages"),
    Switch("csms_token_lifetime", 86400, int, "seconds that an IAM token lives", "CS 3.2"),
)  # fmt: skip

_AUDIT = (
    Switch("audit_claims", "role", ("role", "separate", "none"), "where a PUT of a role that changes its claims is written: in the role's entry, in one of category 2010 for each claim, or nowhere", "AU 1.7 ND"),
    Switch("audit_other_objects", "none", ("none", "entries"), "event handlers and permission sets: without entries, or with categories from 2901 on", "AU 1.7 ND"),
    Switch("audit_owners", "entries", ("entries", "none"), "whether an owner's change is written to the audit log beside the certificate's history", "AU 1.7 ND"),
    Switch("audit_denials", "entries", ("entries", "none"), "whether a request's denial is written to the audit log", "AU 1.7 INF"),
    Switch("audit_immutable_id", "object", ("object", "event"), "ImmutableIdentifier: the object's id, or a number of the entry's own", "AU 1.4 ND"),
    Switch("audit_user", "name", ("name", "bare", "null"), "User of an entry: DOMAIN\\name, the name alone, or null", "AU 1.4 ND"),
    Switch("audit_levels", "0", ("0", "1"), "the number of level Information; Warning is one more", "AU 1.4 ND"),
    Switch("audit_timestamp", "milliseconds", ("milliseconds", "seconds", "no_zone"), "Timestamp: with a fraction, without, or without its Z as well", "AU 1.4 ND"),
    Switch("audit_entity_type", "joined", ("joined", "spaced", "shown"), "EntityType: the subcategory without blanks, with them, or the name that the portal shows", "AU 1.6 ND"),
    Switch("audit_query_fields", "all", ("all", "documented"), "query fields of /Audit beyond Category, ImmutableIdentifier and Timestamp: accepted or 400", "AU 1.3 ND"),
    Switch("audit_category_number", "empty", ("empty", "400"), "a query for a category by its number", "AU 1.3 ND"),
    Switch("audit_delay", 0, int, "seconds until an entry shows", "AU 6 K ND"),
    Switch("audit_unchanged", "entry", ("entry", "none"), "whether a PUT that changes nothing is written", "AU 6 L ND"),
    Switch("audit_refusals", "entry", ("entry", "none"), "whether a refused request is written, as category 2012", "AU 1.1"),
    Switch("audit_message", "both", ("both", "new", "malformed", "empty"), "Message of an entry: XML with both states, with the new one, not well-formed, or nothing", "AU 1.4 ND"),
    Switch("history_owner", "named", ("named", "unnamed", "absent"), "an owner's change in a certificate's history: with both roles, without them, or not at all", "AU 2 ND"),
)  # fmt: skip

_TRACES = (
    Switch("cts_service_type", "CSMS", ("CSMS", "KMS", "DEW", "csms"), "service_type of a trace", "AU 4.1 ND"),
    Switch("cts_resource_type", "secret", ("secret", "Secret", "csms"), "resource_type of a trace", "AU 4.1: pages disagree"),
    Switch("cts_resource", "name_and_id", ("name_and_id", "id_is_name", "null"), "resource_name and resource_id of an event's trace", "AU 4.1 ND"),
    Switch("cts_types", "text", ("text", "native"), "code, request and response of a trace: texts, or a number and objects", "AU 4: schema against sample"),
    Switch("cts_last_marker", "null", ("null", "present"), "marker of a last page that is full", "AU 4 ND"),
    Switch("cts_delay", 0, int, "seconds until a trace shows", "AU 4: about a minute"),
    Switch("cts_bounds", "400", ("400", "clamped"), "a limit above 200, or from without to", "AU 4 ND"),
    Switch("cts_service", "on", ("on", "empty", "403", "404"), "CTS: enabled, or what it answers where it is not", "AU 4 ND"),
    Switch("cts_user", "names", ("names", "old", "null"), "user of a trace: with its names, with name and account alone, or null as of SystemAction", "AU 4 INF"),
)  # fmt: skip

TRAIL_SWITCHES = frozenset(switch.name for switch in (*_AUDIT, *_TRACES))
"""Those of the audit trails, which nothing reads but what asks who did something."""
DECLARED: Mapping[str, Switch] = {
    switch.name: switch for switch in (*_COMMAND, *_ROLES, *_OBJECTS, *_CSMS, *_AUDIT, *_TRACES)
}


class Switches:
    """The settings in force. Reading is by name; an unknown name or setting is a ValueError that lists the known ones."""

    def __init__(self, settings: Mapping[str, Setting] | None = None) -> None:
        self._values: dict[str, Setting] = {name: switch.default for name, switch in DECLARED.items()}
        self.set(settings or {})

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def set(self, settings: Mapping[str, Setting]) -> None:
        """Change settings, all or none."""
        for name, value in settings.items():
            switch = DECLARED.get(name)
            if switch is None:
                raise ValueError(f"no switch is called {name}; known are {', '.join(sorted(DECLARED))}")
            if not switch.accepts(value):
                raise ValueError(f"switch {name} has no setting {value!r}; it has {_describe_allowed(switch)}")
        self._values.update(settings)

    def values(self) -> dict[str, Setting]:
        """Return a copy of all settings."""
        return dict(self._values)

    @staticmethod
    def describe() -> str:
        """Return one line a switch: name, settings with the default first, meaning, source."""
        return "\n".join(f"{s.name} [{_describe_allowed(s)}]: {s.text} ({s.source})" for s in DECLARED.values())


def _describe_allowed(switch: Switch) -> str:
    if not isinstance(switch.allowed, tuple):
        return f"{switch.default!r} or any {switch.allowed.__name__}"
    return ", ".join(map(str, _put_default_first(switch.default, switch.allowed)))


def _put_default_first(default: Setting, allowed: Iterable[Setting]) -> list[Setting]:
    return [default, *(setting for setting in allowed if setting != default)]
