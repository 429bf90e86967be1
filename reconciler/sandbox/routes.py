"""All routes of a generation, each with its guards in Coder's order: the API at one glance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .answers import ROUTE_NOT_FOUND, Answer, message
from .guards import (
    ai_gateway,
    cost_control,
    group,
    group_by_name,
    member,
    multiple_organizations,
    organization,
    signed_in,
    template_rbac,
    user,
)  # fmt: skip
from .handlers import (
    accounts,
    ai_sessions,
    allotments,
    audit_logs,
    authcheck,
    budgets,
    deployment,
    export,
    group_edits,
    groups,
    idp_sync,
    logins,
    organization_edits,
    organizations,
    overrides,
    prices,
    spend,
    spend_users,
    users,
)  # fmt: skip
from .routing import below, delete, get, patch, post, put

if TYPE_CHECKING:
    from .calls import Call
    from .generations import Generation
    from .routing import Route

API = "/api/v2"
EXPERIMENTAL_API = "/api/experimental"

_IN_ORGANIZATION = (signed_in, organization)
_GROUPS = (signed_in, template_rbac)
_ORGANIZATION_GROUPS = (signed_in, template_rbac, organization)
_GROUP = (template_rbac, signed_in, group)
_NAMED_GROUP = (signed_in, template_rbac, organization, group_by_name)
_USER = (signed_in, user)
_USER_AI = (ai_gateway, signed_in, user)


def api_routes(generation: Generation, *, experimental_spend: bool = False) -> list[Route]:
    """Return what a server of this generation answers; paths are relative to `API`.

    `experimental_spend` is for a server that serves the spend by user below `EXPERIMENTAL_API`.
    """
    return [
        *_deployment(),
        *_reading(generation),
        *_budgets(generation),
        *_spend(generation),
        *(_allotments() if generation.allotments else ()),
        *(_spend_by_user() if generation.spend_by_user and not experimental_spend else ()),
        *_accounts(),
        *_organizations(),
        *_sessions(generation),
        below("/users/{user}/{rest:path}", _no_route, _USER),
        below("/groups/{group}/{rest:path}", _no_route, _GROUP),
        below("/organizations/{organization}/{rest:path}", _no_route, _IN_ORGANIZATION),
        below("/organizations/{organization}/groups/{group_name}/{rest:path}", _no_route, _NAMED_GROUP),
    ]


def experimental_routes(generation: Generation, *, experimental_spend: bool = False) -> list[Route]:
    """Return the experimental routes; paths are relative to `EXPERIMENTAL_API`."""
    routes = _spend_by_user() if generation.spend_by_user and experimental_spend else []
    if generation.model_prices:
        routes += [
            get("/ai/model-prices", prices.list_prices, (ai_gateway, signed_in)),
            post("/ai/model-prices", prices.put_prices, (ai_gateway, signed_in)),
        ]
    return routes


def _no_route(_: Call) -> Answer:
    return message(ROUTE_NOT_FOUND, 404)


def _deployment() -> list[Route]:
    return [
        get("/buildinfo", deployment.buildinfo),
        get("/entitlements", deployment.entitlements),
        get("/experiments", deployment.experiments, (signed_in,)),
        get("/deployment/config", deployment.configuration, (signed_in,)),
        post("/authcheck", authcheck.authcheck, (signed_in,)),
        get("/audit", audit_logs.list_entries, (signed_in,)),
        get("", deployment.root),
        get("/auth/scopes", deployment.auth_scopes),
        get("/appearance", deployment.appearance),
        get("/regions", deployment.regions, (signed_in,)),
        get("/updatecheck", deployment.update_check),
        get("/deployment/ssh", deployment.ssh_settings, (signed_in,)),
        get("/experiments/available", deployment.available_experiments, (signed_in,)),
        get("/ai-gateway/keys", deployment.gateway_keys, (ai_gateway, signed_in)),
    ]


def _reading(generation: Generation) -> list[Route]:
    organization_path = "/organizations/{organization}"
    named_group = organization_path + "/groups/{group_name}"
    routes = [
        get("/organizations", organizations.list_organizations, (signed_in,)),
        get(organization_path, organizations.get_organization, _IN_ORGANIZATION),
        get(organization_path + "/members", organizations.list_members, _IN_ORGANIZATION),
        get(organization_path + "/paginated-members", organizations.page_of_members, _IN_ORGANIZATION),
        get(organization_path + "/members/{user}", organizations.get_member, (*_IN_ORGANIZATION, member)),
        get("/groups", groups.list_groups, _GROUPS),
        get(organization_path + "/groups", groups.list_organization_groups, _ORGANIZATION_GROUPS),
        get("/groups/{group}", groups.get_group, _GROUP),
        get(named_group, groups.get_group, _NAMED_GROUP),
        get("/groups/{group}/members", groups.page_of_members, _GROUP),
        get(named_group + "/members", groups.page_of_members, _NAMED_GROUP),
        get("/users", users.list_users, (signed_in,)),
        get("/users/{user}", users.get_user, _USER),
        get("/users/{user}/organizations", organizations.list_organizations_of_user, _USER),
        get(
            "/users/{user}/organizations/{organization_name}",
            organizations.get_organization_of_user,
            _USER,
        ),
    ]
    if generation.paginated_groups:
        path = organization_path + "/paginated-groups"
        routes.append(get(path, groups.page_of_groups, _ORGANIZATION_GROUPS))
    return routes


def _budgets(generation: Generation) -> list[Route]:
    guards = (*_GROUP, ai_gateway)
    routes = [
        get("/groups/{group}/ai/budget", budgets.get_budget, guards),
        put("/groups/{group}/ai/budget", budgets.put_budget, guards),
        delete("/groups/{group}/ai/budget", budgets.delete_budget, guards),
    ]
    if generation.override_path is not None:
        path = f"/users/{{user}}/ai/{generation.override_path}"
        guards = (cost_control, *_USER_AI)
        routes += [
            get(path, overrides.get_override, guards),
            put(path, overrides.put_override, guards),
            delete(path, overrides.delete_override, guards),
            below("/users/{user}/ai", _no_route, guards),
            below("/users/{user}/ai/{rest:path}", _no_route, guards),
        ]
    return routes


def _spend(generation: Generation) -> list[Route]:
    routes: list[Route] = []
    if generation.user_spend:
        routes.append(get("/users/{user}/ai/spend", spend.user_spend, _USER_AI))
    if generation.bulk_reads:
        of_organization = (*_ORGANIZATION_GROUPS, ai_gateway)
        of_named_group = (*_NAMED_GROUP, ai_gateway)
        named_group = "/organizations/{organization}/groups/{group_name}"
        routes += [
            get("/organizations/{organization}/groups/ai/spend", spend.groups_spend, of_organization),
            get("/groups/{group}/ai/spend", spend.group_spend, (*_GROUP, ai_gateway)),
            get("/groups/{group}/members/ai/spend", spend.members_spend, (*_GROUP, ai_gateway)),
            get(named_group + "/members/ai/spend", spend.members_spend, of_named_group),
            get("/organizations/{organization}/ai/spend/export", export.export_spend, of_organization),
        ]
    return routes


def _spend_by_user() -> list[Route]:
    guards = (signed_in, organization, ai_gateway)
    return [get("/organizations/{organization}/ai/spend/users", spend_users.spend_by_user, guards)]


def _allotments() -> list[Route]:
    in_organization = (signed_in, organization, ai_gateway)
    of_group = (*_GROUP, ai_gateway)
    path = "/organizations/{organization}/agent-hours"
    return [
        get("/agent-hours/allotments", allotments.list_organizations, (signed_in, ai_gateway)),
        put(path + "/allotment", allotments.put_organization, in_organization),
        delete(path + "/allotment", allotments.delete_organization, in_organization),
        get(path + "/group-allotments", allotments.list_groups, in_organization),
        put("/groups/{group}/agent-hours/allotment", allotments.put_group, of_group),
        delete("/groups/{group}/agent-hours/allotment", allotments.delete_group, of_group),
    ]


def _accounts() -> list[Route]:
    return [
        get("/users/first", logins.has_first_user),
        post("/users/first", logins.create_first_user),
        post("/users/login", logins.login),
        post("/users/logout", logins.logout, (signed_in,)),
        post("/users", accounts.create_user, (signed_in,)),
        delete("/users/{user}", accounts.delete_user, _USER),
        get("/users/{user}/roles", accounts.get_roles, _USER),
        put("/users/{user}/roles", accounts.put_roles, _USER),
        put("/users/{user}/status/suspend", accounts.suspend, _USER),
        put("/users/{user}/status/activate", accounts.activate, _USER),
        put("/users/{user}/profile", accounts.put_profile, _USER),
        put("/users/{user}/password", accounts.put_password, _USER),
        get("/users/{user}/login-type", accounts.login_type, _USER),
        get("/users/{user}/appearance", deployment.user_appearance, _USER),
        get("/users/authmethods", deployment.auth_methods),
        get("/users/roles", organization_edits.list_site_roles, (signed_in,)),
        post("/users/{user}/keys", logins.create_session_key, _USER),
        get("/users/{user}/keys/tokens", logins.list_tokens, _USER),
        get("/users/{user}/keys/tokens/tokenconfig", logins.token_settings, _USER),
        get("/users/{user}/keys/tokens/{token_name}", logins.get_token, _USER),
        get("/users/{user}/keys/{key}", logins.get_key, _USER),
        post("/users/{user}/keys/tokens", logins.create_token, _USER),
        delete("/users/{user}/keys/{key}", logins.delete_key, _USER),
    ]


def _organizations() -> list[Route]:
    path = "/organizations/{organization}"
    one_member = path + "/members/{user}"
    guards = (signed_in, multiple_organizations)
    member_guards = (*_IN_ORGANIZATION, member)
    return [
        post("/organizations", organization_edits.create_organization, guards),
        delete(path, organization_edits.delete_organization, (*guards, organization)),
        patch(path, organization_edits.change_organization, (*guards, organization)),
        get(path + "/members/roles", organization_edits.list_member_roles, _IN_ORGANIZATION),
        get(path + "/settings/idpsync/groups", idp_sync.get_groups, _IN_ORGANIZATION),
        patch(path + "/settings/idpsync/groups", idp_sync.change_groups, _IN_ORGANIZATION),
        get(path + "/settings/idpsync/roles", idp_sync.get_roles, _IN_ORGANIZATION),
        patch(path + "/settings/idpsync/roles", idp_sync.change_roles, _IN_ORGANIZATION),
        get("/settings/idpsync/organization", idp_sync.get_organizations, guards),
        patch("/settings/idpsync/organization", idp_sync.change_organizations, guards),
        post(one_member, organization_edits.add_member, _IN_ORGANIZATION),
        delete(one_member, organization_edits.remove_member, _IN_ORGANIZATION),
        put(one_member + "/roles", organization_edits.put_member_roles, member_guards),
        post(path + "/groups", group_edits.create_group, _ORGANIZATION_GROUPS),
        patch("/groups/{group}", group_edits.change_group, _GROUP),
        delete("/groups/{group}", group_edits.delete_group, _GROUP),
    ]


def _sessions(generation: Generation) -> list[Route]:
    guards = (ai_gateway, signed_in)
    routes = [
        route
        for prefix in ("/aibridge", "/ai-gateway")
        for route in (
            get(prefix + "/sessions", ai_sessions.list_sessions, guards),
            get(prefix + "/sessions/{session}", ai_sessions.get_session, guards),
            get(prefix + "/models", ai_sessions.list_models, guards),
            get(prefix + "/clients", ai_sessions.list_clients, guards),
            below(prefix + "/{rest:path}", ai_sessions.not_mounted, guards),
        )
    ]
    if generation.interceptions:
        routes.append(get("/aibridge/interceptions", ai_sessions.list_interceptions, guards))
    return routes
