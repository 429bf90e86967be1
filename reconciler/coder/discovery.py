"""What this server is and offers, found by asking it. Decides nothing by a version number, so newer servers just work.

Two rounds, 7 requests on 2.36 and later, 8 before. The first: build info, who am I, licence, organizations, and the
override route of 2.36 for `me`. The second: the older route if that one is missing, and the two bulk reads. A route
that is there answers 200 or says that the *resource* is not found; one that is not says `Route not found.`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from reconciler.coder import paths
from reconciler.coder.answers import error_of, is_experiment_missing, is_not_found, is_route_missing, quote
from reconciler.coder.listing import load_organizations
from reconciler.coder.transport import Answer, Request, Transport
from reconciler.coder.wire import Fields, load_object
from reconciler.core.budget import OrganizationId, UserId
from reconciler.core.directory import Organization
from reconciler.core.snapshot import Deployment, Offers
from reconciler.errors import DeniedError, ServerError

FEATURES = {"aibridge": "AI Gateway", "template_rbac": "groups"}


@dataclass(frozen=True, slots=True)
class Route:
    """Where the overrides of this server are."""

    path: str
    """Appended to a user's path; empty where the server has none, or does not let us."""
    missing: str = ""
    """Why there is none, as a sentence."""
    may_hide: bool = False
    """Whether overrides may exist although there is no route to read them."""


@dataclass(frozen=True, slots=True)
class Server:
    """What the rest of this room needs to know of the server."""

    deployment: Deployment
    organizations: Mapping[OrganizationId, Organization]
    me: UserId
    overrides: Route


@dataclass(frozen=True, slots=True)
class FirstRound:
    """What the first round said, and what is left to ask; the reader asks for the groups in the same breath."""

    url: str
    build: Fields
    me: Fields
    organizations: Mapping[OrganizationId, Organization]
    probe: Answer

    @property
    def questions(self) -> list[Request]:
        """Return the second round: the bulk reads where there is an organization to try them on, the older route."""
        home = _choose_home(self.me.texts("organization_ids"), self.organizations)
        bulk = (paths.groups_spend(home, [home]), paths.members_spend(home, [self.me.id("id")])) if home else ()
        older = (paths.ME + paths.OLD_OVERRIDE_ROUTE,) if is_route_missing(self.probe) else ()
        return [Request("GET", path) for path in (*bulk, *older)]

    def conclude(self, answers: Sequence[Answer]) -> Server:
        """Return what the answers to `questions` complete. Raises ServerError where we cannot work with them."""
        if is_route_missing(self.probe):
            *bulk, older = answers
            route = _read_route(older, paths.OLD_OVERRIDE_ROUTE)
        else:
            bulk = [*answers]
            route = _read_route(self.probe, paths.OVERRIDE_ROUTE)
        has_bulk, has_effective = _read_bulk(bulk)
        deployment = Deployment(
            id=self.build.text("deployment_id") or self.build.text("dashboard_url") or self.url,
            url=self.url,
            version=self.build.text("version"),
            user=self.me.name("username"),
            roles=tuple(sorted(role.text("name") for role in self.me.rows("roles"))) if self.me.has("roles") else (),
            offers=Offers(
                bool(route.path),
                has_bulk,
                has_effective,
                overrides_missing=route.missing,
                overrides_hidden=route.may_hide,
            ),
        )
        return Server(deployment, self.organizations, UserId(self.me.id("id")), route)


def ask_first(transport: Transport) -> FirstRound:
    """Ask what the server is and who we are. Raises ServerError, with a hint, for all that we cannot work with."""
    asked = (paths.BUILD_INFO, paths.ME, paths.ENTITLEMENTS, paths.ORGANIZATIONS, paths.ME + paths.OVERRIDE_ROUTE)
    build_answer, me_answer, licence, organizations, probe = _ask(transport, *asked)
    build = _read_build(build_answer, transport.connection.url)
    if 300 <= me_answer.status < 400:
        access_url = build.text("dashboard_url") or "the deployment's access URL"
        raise ServerError(error_of(me_answer).message, hint=f"set CODER_URL to {access_url}")
    me = load_object(me_answer)
    _require_licence(licence)
    return FirstRound(transport.connection.url, build, me, load_organizations(organizations), probe)


def discover(transport: Transport) -> Server:
    """Ask the server what it is and offers, in both rounds."""
    first = ask_first(transport)
    return first.conclude(transport.send_all(first.questions, lambda answer: answer))


def find_override_route(transport: Transport) -> Route:
    """Ask for the overrides' route alone; for a writer, which knows nothing else of the server."""
    (probe,) = _ask(transport, paths.ME + paths.OVERRIDE_ROUTE)
    if not is_route_missing(probe):
        return _read_route(probe, paths.OVERRIDE_ROUTE)
    (older,) = _ask(transport, paths.ME + paths.OLD_OVERRIDE_ROUTE)
    return _read_route(older, paths.OLD_OVERRIDE_ROUTE)


def _ask(transport: Transport, *asked: str) -> list[Answer]:
    return transport.send_all([Request("GET", path) for path in asked], lambda answer: answer)


def _read_build(answer: Answer, url: str) -> Fields:
    if 300 <= answer.status < 400 or answer.status >= 500:
        raise error_of(answer)
    hint = "check CODER_URL"
    if answer.status != 200 or answer.content_type != "application/json":
        what = quote(answer.content_type) or "nothing"
        raise ServerError(f"{url} does not answer like Coder ({answer.status}, {what}).", hint=hint)
    build = load_object(answer)
    if not build.text("version") or not build.has("external_url"):
        raise ServerError(f"{url} answers in JSON, but is not Coder.", hint=hint)
    if build.flag("workspace_proxy"):
        access_url = build.text("dashboard_url") or "the deployment itself"
        raise ServerError(f"{url} is a workspace proxy, which has no budgets.", hint=f"set CODER_URL to {access_url}")
    return build


def _require_licence(answer: Answer) -> None:
    """Refuse when the server says that a feature is off; where it says nothing, the probes will."""
    if answer.status != 200:
        return
    features = load_object(answer).optional_object("features")
    for key, name in FEATURES.items():
        feature = features.optional_object(key) if features else None
        if feature is not None and not feature.flag("enabled"):
            raise DeniedError(
                f"This deployment has no licence for {name}, so it has no AI budgets.",
                hint="ask who runs this Coder about its Premium licence",
            )


def _choose_home(ours: Collection[str], organizations: Mapping[OrganizationId, Organization]) -> OrganizationId | None:
    """Return an organization to try the bulk reads on: one of our own, where we are certain to see a row."""
    own = [organization for id_, organization in organizations.items() if id_ in ours]
    chosen = min(own or organizations.values(), key=lambda one: (not one.is_default, one.name), default=None)
    return chosen.id if chosen else None


def _read_route(answer: Answer, route: str) -> Route:
    if answer.status == 200 or is_not_found(answer):
        return Route(route)
    if is_route_missing(answer):
        return Route("", "This Coder has no user overrides: they came with 2.35.")
    if is_experiment_missing(answer):
        why = "On this Coder user overrides are an experiment that is not enabled: ai-gateway-cost-control."
        return Route("", why, may_hide=True)
    raise error_of(answer)


def _read_bulk(answers: Sequence[Answer]) -> tuple[bool, bool]:
    """Return whether both bulk reads are there, and whether the one of members says effective budgets.

    A 500 is a route that is there and a row that cannot be read (bulk.py); other rows may be.
    """
    for answer in answers:
        if answer.status == 404 or is_experiment_missing(answer):
            return False, False
        if answer.status not in (200, 500):
            raise error_of(answer)
    if not answers:
        return False, False
    rows = load_object(answers[-1]).rows("members") if answers[-1].status == 200 else []
    return True, any(row.has("effective_budget") for row in rows)
