"""Which handler answers a path: a tree of path segments; knows nothing of what the handlers do.

As in Coder's router a literal segment wins over a parameter, and a path below a sub-router that matches no
route still passes that sub-router's guards before it is `Route not found.`
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

from .answers import Answer
from .calls import Call

if TYPE_CHECKING:
    from collections.abc import Iterable

Guard = Callable[[Call], None]
Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """Bind a method and a path like `/groups/{group}/ai/budget` to guards, run in order, and a handler.

    The method `*` with a path ending in `/**` makes a sub-router: the guards of everything below that is no route.
    """

    method: str
    path: str
    handler: Handler
    guards: tuple[Guard, ...] = ()


@dataclass(slots=True)
class _Node:
    literal: dict[str, _Node] = field(default_factory=dict)
    parameter: tuple[str, _Node] | None = None
    methods: dict[str, Route] = field(default_factory=dict)
    below: Route | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """Be what a path leads to: a route and its parameters, or the methods that it would have."""

    route: Route | None
    parameters: dict[str, str]
    allowed: tuple[str, ...] = ()


class Router:
    """Find routes."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        node = self._root
        segments = route.path.strip("/").split("/")
        for segment in segments[:-1] if segments[-1] == "**" else segments:
            if segment.startswith("{"):
                if node.parameter is None:
                    node.parameter = (segment[1:-1], _Node())
                node = node.parameter[1]
            else:
                node = node.literal.setdefault(segment, _Node())
        if segments[-1] == "**":
            node.below = route
        else:
            node.methods[route.method] = route

    def find(self, method: str, path: str) -> Match:
        """Return what answers; a match without route and without methods is `Route not found.`"""
        segments = path.strip("/").split("/")
        parameters: dict[str, str] = {}
        node = self._walk(self._root, segments, 0, parameters)
        if node is None:
            parameters.clear()
            return Match(self._sub_router(self._root, segments, 0, parameters), parameters)
        route = node.methods.get(method)
        return Match(route, parameters, () if route else tuple(sorted(node.methods)))

    def _walk(self, node: _Node, segments: list[str], depth: int, parameters: dict[str, str]) -> _Node | None:
        if depth == len(segments):
            return node if node.methods else None
        literal = node.literal.get(segments[depth])
        if literal is not None and (found := self._walk(literal, segments, depth + 1, parameters)):
            return found
        if node.parameter is not None and segments[depth]:
            name, child = node.parameter
            if found := self._walk(child, segments, depth + 1, parameters):
                parameters[name] = unquote(segments[depth])
                return found
        return None

    def _sub_router(self, node: _Node, segments: list[str], depth: int, parameters: dict[str, str]) -> Route | None:
        if depth < len(segments):
            literal = node.literal.get(segments[depth])
            if literal is not None and (found := self._sub_router(literal, segments, depth + 1, parameters)):
                return found
            if node.parameter is not None and segments[depth]:
                name, child = node.parameter
                if found := self._sub_router(child, segments, depth + 1, parameters):
                    parameters[name] = unquote(segments[depth])
                    return found
        return node.below
