"""Short names for the routes of Command: `GET("/Security/Roles", handler, "List roles", ...)`."""

from __future__ import annotations

from functools import partial

from reconciler.simulator.routing.routes import Route

GET = partial(Route, "keyfactor", "GET")
POST = partial(Route, "keyfactor", "POST")
PUT = partial(Route, "keyfactor", "PUT")
DELETE = partial(Route, "keyfactor", "DELETE")
