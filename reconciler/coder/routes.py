"""Where each generation of Coder keeps user overrides: one table, newest first. Sends nothing.

A newer generation that moves the route again is one more row at the top. The rows are asked from the top; the first one
that the server knows is used. No row is an alias of another.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.coder import paths
from reconciler.coder.answers import error_of, is_experiment_missing, is_not_found, is_route_missing, shown
from reconciler.coder.exchange import Answer, Request
from reconciler.dataclass import dataclass
from reconciler.errors import ServerError


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideRoute:
    """A row of the table: what follows a user's path, and the first release that has it."""

    suffix: str
    since: str


OVERRIDE_ROUTES = (
    OverrideRoute(suffix="/ai/budget/override", since="2.36"),
    OverrideRoute(suffix="/ai/budget", since="2.35"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where the overrides of this server are."""

    suffix: str = ""
    """Appended to a user's path; empty where the server has no overrides, or does not show them to us."""
    missing: str = ""
    """Why there is no route, as a sentence."""
    may_hide: bool = False
    """Whether overrides may exist although there is no route to read them."""


def probe(row: OverrideRoute) -> Request:
    """Return the request that tells whether the server has this route: our own override."""
    return Request("GET", paths.ME + row.suffix)


def read_probe(row: OverrideRoute, answer: Answer) -> Route | None:
    """Return the route that an answer to `probe` shows; None when the server does not know this row.

    Raises ServerError for an answer that says neither.
    """
    if is_route_missing(answer):
        return None
    if answer.status == 200 or is_not_found(answer):
        return Route(suffix=row.suffix)
    if is_experiment_missing(answer):
        why = "This Coder does not show user overrides: its experiment ai-gateway-cost-control is switched off."
        return Route(missing=why, may_hide=True)
    raise error_of(answer)


def require_one_server(probed: Sequence[Answer]) -> None:
    """Raise ServerError when servers of several versions answered, and no route was found, or only a hidden one.

    While Coder is upgraded, one replica may have been asked for the newer route only and another for the older; or one
    without the experiment for the route, and another for the rest. An answer without a version says nothing.
    """
    versions = sorted({shown(answer, answer.version) for answer in probed if answer.version})
    if len(versions) > 1:
        raise ServerError(
            f"Coder answers as {' and as '.join(versions)}, so it is not known where it keeps user overrides.",
            hint="it is being upgraded: run this again when that is complete",
        )


def no_route(*, has_bulk_reads: bool = False) -> Route:
    """Return the route of a server that knows no row of the table; with bulk reads, it is newer than all of them."""
    if has_bulk_reads:
        why = (
            "This Coder has the bulk reads of 2.36 and later, and user overrides at no place where this reconciler "
            "looks: a newer Coder may have moved them, which a newer reconciler may know."
        )
        return Route(missing=why, may_hide=True)
    return Route(missing=f"This Coder has no user overrides: they came with {OVERRIDE_ROUTES[-1].since}.")
