"""What other people do at the server meanwhile: edits of what is declared and of what is not, decisions, renamings."""

from __future__ import annotations

import base64
import json
import random
from typing import Any

from reconciler.simulator.exchange import Exchange
from reconciler.simulator.http.messages import HttpRequest
from reconciler.simulator.world.seed import ADMINISTRATOR
from reconciler.simulator.world.world import World

_ROLES, _HANDLERS, _DENIABLE = (2, 4, 7), (1, 4), (23, 24, 25, 26, 28)
_CLAIM_TYPES = ("User", "Group", "Computer", "OAuthOid", "OAuthRole", "OAuthSubject", "OAuthClientId")


class ForeignEditor:
    """Edits as an administrator would, by requests of its own. Nobody declares what it writes."""

    def __init__(self, world: World, exchange: Exchange, password: str, generator: random.Random) -> None:
        self._world, self._exchange, self._generator = world, exchange, generator
        self._basic = base64.b64encode(f"{ADMINISTRATOR}:{password}".encode()).decode()
        self._token = world.iam_tokens.issue("console", 1e9)
        self._count = 0

    def edit(self, sort: str) -> str:
        """Edit something and return what, in words; `sort` is one of `faults.WORLD_FAULTS`."""
        self._count += 1
        edits = {
            "edit_managed": (self._change_role, self._name_handler, self._change_owner, self._change_event),
            "edit_unmanaged": (self._change_mail, self._name_handler, self._change_topic),
            "approve": (self._approve,),
            "rename": (self._rename_role,),
            "delete": (self._delete_event, self._delete_role),
        }[sort]
        return self._generator.choice(edits)()

    def _change_role(self) -> str:
        return self._put_role(self._generator.choice(_ROLES), Description=f"By hand {self._count}")

    def _change_mail(self) -> str:
        return self._put_role(self._generator.choice(_ROLES[:2]), EmailAddress=f"hand{self._count}@example.com")

    def _rename_role(self) -> str:
        return self._put_role(self._generator.choice(_ROLES), Name=f"Renamed {self._count}")

    def _put_role(self, role_id: int, **members: Any) -> str:
        role = self._ask_portal("GET", f"/Security/Roles/{role_id}")
        if role is None:
            return "nothing: the role is gone"
        claims = [
            {
                "ClaimType": _CLAIM_TYPES.index(claim["ClaimType"]),
                "ClaimValue": claim["ClaimValue"],
                "ProviderAuthenticationScheme": (claim["Provider"] or {}).get("AuthenticationScheme"),
                "Description": claim["Description"],
            }
            for claim in role["Claims"]
        ]
        self._ask_portal("PUT", "/Security/Roles", {**role, "Claims": claims, **members})
        return f"role {role_id} {members}"

    def _name_handler(self) -> str:
        number = self._generator.choice(_HANDLERS)
        body = {"DisplayName": f"By hand {self._count}", "Enabled": self._world.handlers[number]["Enabled"]}
        self._ask_portal("PUT", f"/EventHandlerRegistration/{number}", body)
        return f"handler {number} {body}"

    def _change_owner(self) -> str:
        number = self._generator.choice((1, 3, 7, 9))
        body = {"NewRoleId": self._generator.choice((5, 6))}
        self._ask_portal("PUT", f"/Certificates/{number}/Owner", body)
        return f"certificate {number} {body}"

    def _change_event(self) -> str:
        types = ["SECRET_VERSION_CREATED", *self._generator.sample(("SECRET_DELETED", "SECRET_ROTATED"), 1)]
        return self._ask_console("PUT", "expiry-prod", {"event_types": types})

    def _change_topic(self) -> str:
        topic = f"hand{self._count}"
        urn = f"urn:smn:cn-north-4:{self._world.project}:{topic}"
        notification = {"target_type": "SMN", "target_id": urn, "target_name": topic}
        return self._ask_console("PUT", "rotation-audit", {"notification": notification})

    def _delete_event(self) -> str:
        return self._ask_console("DELETE", "expiry-prod")

    def _delete_role(self) -> str:
        self._ask_portal("DELETE", f"/Security/Roles/{_ROLES[2]}")
        return f"role {_ROLES[2]} deleted"

    def _approve(self) -> str:
        number = self._generator.choice(_DENIABLE)
        self._ask_portal("POST", "/Workflow/Certificates/Approve", [number])
        return f"request {number} approved"

    def _ask_portal(self, method: str, path: str, body: Any = None) -> Any:
        # DELETE of a role exists in version 1 alone.
        version = "2" if path.startswith("/Security/Roles") and method != "DELETE" else "1"
        headers = {
            "authorization": f"Basic {self._basic}",
            "content-type": "application/json",
            "x-keyfactor-requested-with": "XMLHttpRequest",
            "x-keyfactor-api-version": version,
        }
        raw = b"" if body is None else json.dumps(body).encode()
        reply = self._exchange.process(HttpRequest(method, f"/KeyfactorAPI{path}", "", headers, raw))
        return json.loads(reply.body) if reply.status == 200 and reply.body else None

    def _ask_console(self, method: str, name: str, body: Any = None) -> str:
        headers = {"x-auth-token": self._token, "content-type": "application/json"}
        raw = b"" if body is None else json.dumps(body).encode()
        path = f"/v1/{self._world.project}/csms/events/{name}"
        self._exchange.process(HttpRequest(method, path, "", headers, raw))
        return f"event {name} {method} {body or ''}".rstrip()
