"""Routes as Coder's router has them: the first that matches a path answers.

starlette reads the patterns. This module does what chi does differently: the order, in which a literal
segment wins over a parameter; the 405, which has one `Allow` for each method of a path and no HEAD for a GET; and a
path below a sub-router that matches no route, which passes that sub-router's guards before it is `Route not found.`
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote

from starlette.routing import compile_path

from .answers import Answer
from .calls import Call

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Mapping

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
    """Answer one path by the route of the method."""

    def __init__(self, routes: Mapping[str, Route]) -> None:
        self._routes = routes
        self._allowed = tuple(("Allow", method) for method in sorted(routes))

    def answer(self, call: Call, parameters: Mapping[str, str]) -> Answer:
        route = self._routes.get(call.method) or self._routes.get("*")
        if route is None:
            return Answer(405, headers=self._allowed)
        call.parameters = parameters
        for guard in route.guards:
            guard(call)
        return route.handler(call)


class Routes:
    """Find the route of a path among those below some prefixes, in the order in which chi prefers them.

    One route after the other is tried. So routes are kept apart by their first segment, and what was found is kept:
    clients ask for the same paths again and again.
    """

    def __init__(self, by_prefix: Mapping[str, Iterable[Route]]) -> None:
        self._laid_out: dict[str, list[tuple[re.Pattern[str], _Endpoint]]] = {}
        for prefix, routes in by_prefix.items():
            for path, endpoint in _laid_out(prefix, routes):
                pattern, _, _ = compile_path(path)
                self._laid_out.setdefault(_first_segment(path), []).append((pattern, endpoint))
        self._find = lru_cache(maxsize=4096)(self._search)

    def answer(self, call: Call, path: str) -> Answer | None:
        """Answer by the first route that matches the path; return None when there is none."""
        endpoint, parameters = self._find(path)
        return None if endpoint is None else endpoint.answer(call, parameters)

    def _search(self, path: str) -> tuple[_Endpoint | None, Mapping[str, str]]:
        for pattern, endpoint in self._laid_out.get(_first_segment(path), ()):
            if match := pattern.match(path):
                return endpoint, {name: unquote(text) for name, text in match.groupdict().items()}
        return None, {}


def _first_segment(path: str) -> str:
    """Return the path up to the first segment below a prefix, which has two segments itself."""
    return "/".join(path.split("/", 4)[:4])


def _laid_out(prefix: str, routes: Iterable[Route]) -> list[tuple[str, _Endpoint]]:
    """Return each path below the prefix with what answers it, in the order in which they are to be tried."""
    by_path: dict[str, dict[str, Route]] = {}
    for route in routes:
        by_path.setdefault(route.path, {})[route.method] = route
    return [(prefix + path, _Endpoint(by_path[path])) for path in sorted(by_path, key=_precedence)]


def _precedence(path: str) -> tuple[bool, list[int]]:
    """Order literal segments before parameters, and sub-routers after all else, the deepest of them first."""
    segments = path.split("/")
    return path.endswith(":path}"), [0 if segment[:1] != "{" else 2 if ":" in segment else 1 for segment in segments]
