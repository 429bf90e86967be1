"""Routes as Coder's router has them, laid out for starlette's, which takes the first that matches.

starlette finds the path and its parameters. This module does what chi does differently: the order, in which a literal
segment wins over a parameter; the 405, which has one `Allow` for each method of a path and no HEAD for a GET; and a
path below a sub-router that matches no route, which passes that sub-router's guards before it is `Route not found.`
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from starlette import routing

from .answers import Answer
from .calls import Call

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

Guard = Callable[[Call], None]
Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Bind a method and a path like `/groups/{group}/ai/budget` to guards, run in order, and a handler.

    The method `*` is for a path that ends in `{rest:path}`: a sub-router, whose guards run for every path below it that
    is not a route.
    """

    method: str
    path: str
    handler: Handler
    guards: tuple[Guard, ...] = ()


def get(path: str, handler: Handler, guards: tuple[Guard, ...] = ()) -> Route:
    """Make a route for GET."""
    return Route(method="GET", path=path, handler=handler, guards=guards)


def post(path: str, handler: Handler, guards: tuple[Guard, ...] = ()) -> Route:
    """Make a route for POST."""
    return Route(method="POST", path=path, handler=handler, guards=guards)


def put(path: str, handler: Handler, guards: tuple[Guard, ...] = ()) -> Route:
    """Make a route for PUT."""
    return Route(method="PUT", path=path, handler=handler, guards=guards)


def patch(path: str, handler: Handler, guards: tuple[Guard, ...] = ()) -> Route:
    """Make a route for PATCH."""
    return Route(method="PATCH", path=path, handler=handler, guards=guards)


def delete(path: str, handler: Handler, guards: tuple[Guard, ...] = ()) -> Route:
    """Make a route for DELETE."""
    return Route(method="DELETE", path=path, handler=handler, guards=guards)


def below(path: str, handler: Handler, guards: tuple[Guard, ...] = ()) -> Route:
    """Make a sub-router."""
    return Route(method="*", path=path, handler=handler, guards=guards)


class _Endpoint:
    """Answer one path by the route of the method; a class, because starlette leaves the methods to those."""

    def __init__(self, routes: Mapping[str, Route]) -> None:
        self._routes = routes
        self._allowed = tuple(("Allow", method) for method in sorted(routes))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._answer(scope)(scope, receive, send)

    def _answer(self, scope: Scope) -> Answer:
        route = self._routes.get(scope["method"]) or self._routes.get("*")
        if route is None:
            return Answer(405, headers=self._allowed)
        call: Call = scope["state"]["call"]
        call.parameters = {name: unquote(text) for name, text in scope["path_params"].items()}
        for guard in route.guards:
            guard(call)
        return route.handler(call)


class Routes:
    """Find the route of a request among those below some prefixes, in the order in which chi prefers them.

    starlette tries one route after the other, so routes are kept apart by their first segment.
    """

    def __init__(self, by_prefix: Mapping[str, Iterable[Route]], *, default: ASGIApp) -> None:
        self._default = default
        laid_out: dict[str, list[routing.Route]] = {}
        for prefix, routes in by_prefix.items():
            for route in _laid_out(prefix, routes):
                laid_out.setdefault(_first_segment(route.path), []).append(route)
        self._routers = {
            segment: routing.Router(routes, default=default, redirect_slashes=False)
            for segment, routes in laid_out.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by the first route that matches, else by the default."""
        router = self._routers.get(_first_segment(scope["path"]), self._default)
        await router(scope, receive, send)


def _first_segment(path: str) -> str:
    """Return the path up to the first segment below a prefix, which has two segments itself."""
    return "/".join(path.split("/", 4)[:4])


def _laid_out(prefix: str, routes: Iterable[Route]) -> list[routing.Route]:
    """Return one route of starlette for each path below the prefix, in the order in which they are to be tried."""
    by_path: dict[str, dict[str, Route]] = {}
    for route in routes:
        by_path.setdefault(route.path, {})[route.method] = route
    return [routing.Route(prefix + path, _Endpoint(by_path[path])) for path in sorted(by_path, key=_precedence)]


def _precedence(path: str) -> tuple[bool, list[int]]:
    """Order literal segments before parameters, and sub-routers after all else, the deepest of them first."""
    segments = path.split("/")
    return path.endswith(":path}"), [0 if segment[:1] != "{" else 2 if ":" in segment else 1 for segment in segments]
