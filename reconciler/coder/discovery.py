"""What this server is and offers, found by asking it. Decides nothing by a version number, so newer servers just work.

Two rounds, 7 requests on 2.36 and later, 8 before. The first: build info, who am I, licence, organizations, and the
newest route of overrides (routes.py) for `me`. The second: the older routes if the server does not know the newest, and
the two bulk reads. A route that the server knows answers 200 or says that the *resource* is not found; a route that it
does not know says `Route not found.`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from reconciler.coder import paths
from reconciler.coder.answers import (
    HINT_PAGE,
    HINT_SIGN_ON,
    PROXY_ASKS,
    error_of,
    is_experiment_missing,
    is_not_found,
    is_route_missing,
    shown,
)
from reconciler.coder.exchange import Answer, Request
from reconciler.coder.listing import load_organizations
from reconciler.coder.routes import (
    OVERRIDE_ROUTES,
    OverrideRoute,
    Route,
    no_route,
    probe,
    read_probe,
    require_one_server,
)
from reconciler.coder.transport import Transport
from reconciler.coder.wire import Fields, load_object
from reconciler.core.budget import OrganizationId, UserId
from reconciler.core.directory import Organization
from reconciler.core.snapshot import Deployment, Offers
from reconciler.core.spend import Window
from reconciler.dataclass import dataclass
from reconciler.errors import DeniedError, ServerError

FEATURES = {"aibridge": "AI Gateway", "template_rbac": "groups"}
LICENSED = frozenset({"entitled", "grace_period"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoveredServer:
    """What the rest of this room needs to know of the server."""

    deployment: Deployment
    organizations: Mapping[OrganizationId, Organization]
    me: UserId
    overrides: Route
    licence: tuple[str, ...]
    """What the server says about its licence, such as that it ends in two days; empty when it says nothing."""
    period: Window | None
    """The current budget period; None where the server does not say it (2.35 and older)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstRound:
    """What the first round answered, and what is left to ask; the reader asks for the lists of groups beside it."""

    url: str
    build: Fields
    me: Fields
    organizations: Mapping[OrganizationId, Organization]
    licence: tuple[str, ...]
    answers: Sequence[Answer]
    """All of them; the last is that to the newest row of the table."""
    route: Route | None
    """None when that row is not this server's."""

    def conclude(self, transport: Transport) -> DiscoveredServer:
        """Ask the second round, and return what it completes. Raises ServerError where we cannot work with it.

        It asks for the bulk reads where there is an organization to try them on, and for older routes.
        """
        older_rows = OVERRIDE_ROUTES[1:] if self.route is None else ()
        homes = _choose_homes(self.me.texts("organization_ids"), self.organizations)
        asked_of_bulk = self._about_bulk(homes[0]) if homes else []
        answers = _ask_each(transport, [*asked_of_bulk, *map(probe, older_rows)])
        older = [_whole(answer) for answer in answers[len(asked_of_bulk) :]]
        bulk = self._find_bulk(transport, homes, answers[: len(asked_of_bulk)])
        route = self.route or _first_route(zip(older_rows, older, strict=True))
        if route is None or not route.suffix:
            about_bulk = [answer for answer in answers[: len(asked_of_bulk)] if isinstance(answer, Answer)]
            require_one_server([*self.answers, *about_bulk, *older])
            route = route or no_route(has_bulk_reads=bulk.is_there)
        deployment = Deployment(
            id=self.build.text("deployment_id") or self.build.text("dashboard_url") or self.url,
            url=self.url,
            version=self.build.text("version"),
            user=self.me.name("username"),
            roles=tuple(sorted(role.text("name") for role in self.me.rows("roles"))) if self.me.has("roles") else (),
            offers=Offers(
                overrides=bool(route.suffix),
                bulk_reads=bulk.is_there,
                effective_budgets=bulk.says_effective,
                overrides_missing=route.missing,
                overrides_hidden=route.may_hide,
            ),
        )
        return DiscoveredServer(
            deployment=deployment,
            organizations=self.organizations,
            me=UserId(self.me.id("id")),
            overrides=route,
            licence=self.licence,
            period=bulk.period,
        )

    def _about_bulk(self, home: OrganizationId) -> list[Request]:
        return [
            Request("GET", path)
            for path in (paths.groups_spend(home, [home]), paths.members_spend(home, [self.me.id("id")]))
        ]

    def _find_bulk(
        self, transport: Transport, homes: Sequence[OrganizationId], answers: Sequence[Answer | ServerError]
    ) -> _Bulk:
        """Return what the first organization shows that can be read; `answers` are those of the first of all.

        Raises ServerError where none can be read and one of them failed otherwise than by a 404.
        """
        errors: list[ServerError] = []
        for home in homes:
            found = _read_bulk(answers if home == homes[0] else _ask_each(transport, self._about_bulk(home)))
            if isinstance(found, _Bulk):
                return found
            errors += [found] if found is not None else []
        if errors:
            raise errors[0]
        return _Bulk(is_there=False)


def ask_first(transport: Transport) -> FirstRound:
    """Ask what the server is and who we are. Raises ServerError, with a hint, for a server that we cannot work with."""
    newest = OVERRIDE_ROUTES[0]
    asked = [Request("GET", path) for path in (paths.BUILD_INFO, paths.ME, paths.ENTITLEMENTS, paths.ORGANIZATIONS)]
    answers = _ask(transport, [*asked, probe(newest)])
    build_answer, me_answer, licence, organizations, probed = answers
    build = _read_build(build_answer, transport.connection.url)
    if 300 <= me_answer.status < 400:
        access_url = build.text("dashboard_url") or "the deployment's access URL"
        raise ServerError(error_of(me_answer).message, hint=f"set CODER_URL to {access_url}")
    if is_not_found(me_answer):
        raise DeniedError(
            f"{error_of(me_answer).message}: this token may not even read its own user.",
            hint="the token was made with scopes, and no scope covers groups: make a token without `--scope`",
        )
    me = load_object(me_answer)
    return FirstRound(
        url=transport.connection.url,
        build=build,
        me=me,
        organizations=load_organizations(organizations),
        licence=_read_licence(licence),
        answers=answers,
        route=read_probe(newest, probed),
    )


def discover(transport: Transport) -> DiscoveredServer:
    """Ask the server what it is and offers, in both rounds."""
    return ask_first(transport).conclude(transport)


def find_override_route(transport: Transport) -> Route:
    """Ask for the overrides' route alone; for a writer, which knows nothing else of the server."""
    probed: list[Answer] = []
    for row in OVERRIDE_ROUTES:
        probed.append(transport.send(probe(row)))
        if (route := read_probe(row, probed[-1])) is not None:
            return route
    require_one_server(probed)
    return no_route()


def _first_route(probed: Iterable[tuple[OverrideRoute, Answer]]) -> Route | None:
    routes = (read_probe(row, answer) for row, answer in probed)
    return next((route for route in routes if route is not None), None)


def _ask(transport: Transport, requests: Sequence[Request]) -> list[Answer]:
    return transport.send_all(requests, lambda answer: answer)


def _ask_each(transport: Transport, requests: Sequence[Request]) -> list[Answer | ServerError]:
    """Return each answer, or why none came."""
    return transport.send_each(requests, lambda answer: answer, lambda _, error: error)


def _whole(answer: Answer | ServerError) -> Answer:
    if isinstance(answer, ServerError):
        raise answer
    return answer


def _read_build(answer: Answer, url: str) -> Fields:
    if 300 <= answer.status < 400 or answer.status >= 500 or answer.status == PROXY_ASKS:
        raise error_of(answer)
    is_page = answer.status == 200 and answer.content_type == "text/html"
    hint = HINT_SIGN_ON if answer.status in (401, 403) else HINT_PAGE if is_page else "check CODER_URL"
    if answer.status != 200 or answer.content_type != "application/json":
        answered_with = shown(answer, answer.content_type) or "nothing"
        raise ServerError(f"{url} does not answer like Coder ({answer.status}, {answered_with}).", hint=hint)
    build = load_object(answer)
    if not build.text("version") or not build.has("external_url"):
        raise ServerError(f"{url} answers in JSON, but is not Coder.", hint=hint)
    if build.flag("workspace_proxy"):
        access_url = build.text("dashboard_url") or "the deployment itself"
        raise ServerError(f"{url} is a workspace proxy, which has no budgets.", hint=f"set CODER_URL to {access_url}")
    return build


def _read_licence(answer: Answer) -> tuple[str, ...]:
    """Return what the server says about its licence, such as when it ends.

    Raises DeniedError when it says that a feature is off; where it says nothing, the probes will.
    """
    if answer.status != 200:
        return ()
    fields = load_object(answer)
    _require_features(fields.optional_object("features"))
    return fields.texts("warnings") if fields.has("warnings") else ()


def _require_features(features: Fields | None) -> None:
    for key, name in FEATURES.items():
        feature = features.optional_object(key) if features else None
        if feature is None or feature.flag("enabled"):
            continue
        if feature.text("entitlement") in LICENSED:
            raise DeniedError(
                f"This deployment has a licence for {name}, which is switched off, so there are no AI budgets.",
                hint=f"ask your Coder administrator to switch {name} on in the server's settings",
            )
        raise DeniedError(
            f"This deployment has no licence for {name}, so it has no AI budgets.",
            hint="ask your Coder administrator about its Premium licence",
        )


def _choose_homes(ours: Collection[str], organizations: Mapping[OrganizationId, Organization]) -> list[OrganizationId]:
    """Return organizations to try the bulk reads on: first our own, where we are certain to see a row."""
    in_order = sorted(organizations.values(), key=lambda row: (row.id not in ours, not row.is_default, row.name))
    return [organization.id for organization in in_order]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bulk:
    """What the two bulk reads show."""

    is_there: bool
    says_effective: bool = False
    """Whether the read of members says effective budgets."""
    period: Window | None = None


def _read_bulk(answers: Sequence[Answer | ServerError]) -> _Bulk | ServerError | None:
    """Tell whether both bulk reads of an organization are there, and what they say.

    Returns an error where they cannot be read, and None for a 404 that says no more than that. A 500 is a route that is
    there and a row that cannot be read (bulk.py); other rows may be. A server without these routes knows no route for
    members, and takes that for groups as a group named `ai`. Raises DeniedError for a token that is not accepted.
    """
    there = [answer for answer in answers if isinstance(answer, Answer)]
    for answer in there:
        if answer.status == 401:
            raise error_of(answer)
        if is_route_missing(answer) or is_experiment_missing(answer):
            return _Bulk(is_there=False)
    is_read = [isinstance(answer, Answer) and answer.status in (200, 500) for answer in answers]
    if all(is_read):
        return _load_bulk(there[-1])
    errors = [
        error_of(answer) if isinstance(answer, Answer) else answer
        for answer in answers
        if not isinstance(answer, Answer) or answer.status not in (200, 404, 500)
    ]
    if errors:
        return errors[0]
    return _Bulk(is_there=False) if is_read[-1] else None


def _load_bulk(members: Answer) -> _Bulk | ServerError:
    if members.status != 200:
        return _Bulk(is_there=True)
    try:
        fields = load_object(members)
        says_effective = any(row.has("effective_budget") for row in fields.rows("members"))
        period = Window(start=fields.time("period_start"), end=fields.time("period_end"))
    except ServerError as error:
        return error
    return _Bulk(is_there=True, says_effective=says_effective, period=period)
