"""Routes as data: method, path, who may, what goes in, what comes out. One table routes, validates and describes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from reconciler.simulator.http.messages import HttpReply, HttpRequest, Json
from reconciler.simulator.http.shapes import Fields

if TYPE_CHECKING:
    from reconciler.simulator.world.identities import Caller
    from reconciler.simulator.world.world import World


@dataclass(slots=True)
class RouteCall:
    """A request that found its route: what the handlers work on. `path` is the documented path with its values."""

    request: HttpRequest
    route: Route
    path: str
    params: dict[str, Any]
    caller: Caller
    version: int = 1
    query: dict[str, Any] = field(default_factory=dict)
    data: Any = None
    """The body as its table reads it: documented names, only what was sent."""
    unknown: dict[str, Any] = field(default_factory=dict)
    """Body members that no table knows."""
    sent: Json = None
    """The body as it was parsed."""
    deny_at_most: int | None = None
    """Set by a fault: the server stops after this many ids of a batch."""


Handler = Callable[["World", RouteCall], HttpReply]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. `path` holds typed parameters: {id:int}, {id:uuid}, {name}."""

    api: str
    method: str
    path: str
    handle: Handler
    text: str
    versions: tuple[int, ...] = (1,)
    permission: str = ""
    """Command's permission string; `[#]` stands for an optional id that the handler resolves."""
    decides: bool = False
    """The handler itself applies the permission."""
    in_global: bool = False
    """The permission counts only in a role of the Global permission set."""
    names: Fields = ()
    """What is known of path parameters beyond their types."""
    query: Fields = ()
    body: Fields | None = None
    """Members of the body's object, None for no body."""
    bare: bool = False
    """The body is not an object but the value of its only field."""
    media: str = "application/json"
    """Media type of the body."""
    anonymous: bool = False
    """No credentials are needed."""
    success: int = 200
    reply: Fields = ()
    """Members of the answer, for those who describe the API; one without a name is the answer itself."""


class RouteMatch(NamedTuple):
    """The route of a request with the values of its path parameters and its path as documented."""

    route: Route
    params: dict[str, Any]
    path: str


PARAMETER = re.compile(r"\{(\w+)(?::(int|uuid))?\}")
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_PARAMETER_PATTERNS = {"int": r"[0-9]{1,10}", "uuid": _UUID, None: r"[^/]+"}


class Router:
    """Finds routes. With `fold` literal segments are matched without regard to case, as IIS does."""

    def __init__(self, routes: Iterable[Route], *, fold: bool) -> None:
        self.routes = tuple(routes)
        self._static_routes: dict[tuple[str, str], list[Route]] = {}
        self._pattern_routes: list[tuple[re.Pattern[str], Route]] = []
        self._fold = fold
        for route in self.routes:
            if "{" in route.path:
                self._pattern_routes.append((_compile_template(route.path, fold=fold), route))
            else:
                self._static_routes.setdefault((route.method, self._key(route.path)), []).append(route)

    def find(self, method: str, path: str, version: int = 1) -> RouteMatch | None:
        """Return the route of a raw path, or None. Among versions of one operation the asked one is preferred."""
        matches = [
            RouteMatch(route, {}, route.path) for route in self._static_routes.get((method, self._key(path)), ())
        ]
        if not matches:
            matches = [
                _build_route_match(route, match.groupdict())
                for pattern, route in self._pattern_routes
                if route.method == method and (match := pattern.fullmatch(path))
            ]
        return next(
            (route_match for route_match in matches if version in route_match.route.versions),
            matches[0] if matches else None,
        )

    def list_methods(self, path: str) -> list[str]:
        """Return the methods that the path offers."""
        methods = {method for method, key in self._static_routes if key == self._key(path)}
        return sorted(methods | {route.method for pattern, route in self._pattern_routes if pattern.fullmatch(path)})

    def explain_absence(self, method: str, path: str) -> str:
        """Return a sentence that lists what there is where a request finds no route, what is like it first."""
        return list_by_likeness({format_endpoint(route) for route in self.routes}, f"{method} {path}")

    def _key(self, path: str) -> str:
        return path.rstrip("/").lower() if self._fold else path


def format_endpoint(route: Route) -> str:
    """Return `GET /Path/{id}`: the operation as a person would write it."""
    return f"{route.method} {PARAMETER.sub(lambda match: f'{{{match[1]}}}', route.path)}"


def list_by_likeness(endpoints: Iterable[str], asked: str) -> str:
    """Return "the simulator has A, B, ...", sorted by how like each is to what was asked for."""
    # Its time grows with the square of the length, and a path can be 64 kB long.
    matcher = SequenceMatcher(b=asked[:200].lower(), autojunk=False)

    def measure(endpoint: str) -> tuple[float, str]:
        matcher.set_seq1(endpoint.lower())
        return -matcher.ratio(), endpoint

    return f"the simulator has {', '.join(sorted(endpoints, key=measure))}"


def _compile_template(template: str, *, fold: bool) -> re.Pattern[str]:
    literals = PARAMETER.sub("\0", template).split("\0")
    parameters = [f"(?P<{name}>{_PARAMETER_PATTERNS[kind or None]})" for name, kind in PARAMETER.findall(template)]
    parts = [re.escape(literals[0])]
    for parameter, literal in zip(parameters, literals[1:], strict=True):
        parts += [parameter, re.escape(literal)]
    return re.compile("".join(parts), re.IGNORECASE if fold else 0)


def _build_route_match(route: Route, groups: Mapping[str, str]) -> RouteMatch:
    kinds = dict(PARAMETER.findall(route.path))
    # Decoded after the match: %2F is part of a segment and separates none (RFC 3986, 2.2).
    params = {name: int(text) if kinds[name] == "int" else unquote(text) for name, text in groups.items()}
    return RouteMatch(route, params, PARAMETER.sub(lambda match: groups[match[1]], route.path))
