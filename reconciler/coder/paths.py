"""The paths of Coder's API that we use. Only checked ids and quoted text get into one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import quote

from reconciler.coder.wire import require_uuid

API = "/api/v2"
BUILD_INFO = f"{API}/buildinfo"
ENTITLEMENTS = f"{API}/entitlements"
ORGANIZATIONS = f"{API}/organizations"
AUTHCHECK = f"{API}/authcheck"
ME = f"{API}/users/me"

EXPERIMENTAL = "/api/experimental"
MODEL_PRICES = f"{EXPERIMENTAL}/ai/model-prices"
"""For Owners on 2.37 and later. Source: coder-api section 13.1."""

MAX_IDS = 100
"""How many ids one bulk read may ask for. Source: coder-api section 3.1."""


def user(name_or_id: str) -> str:
    return f"{API}/users/{quote(name_or_id, safe='')}"


def users(*, limit: int, offset: int) -> str:
    return f"{API}/users?limit={limit}&offset={offset}"


def own_key(key_id: str) -> str:
    """Return the path of a token of ours, by its id; never the whole token."""
    if not re.fullmatch("[A-Za-z0-9]{10}", key_id):
        raise ValueError("the id of a token has 10 letters and digits")
    return f"{ME}/keys/{key_id}"


def user_override(user_id: str, suffix: str) -> str:
    return f"{API}/users/{require_uuid(user_id)}{suffix}"


def user_spend(user_id: str) -> str:
    return f"{API}/users/{require_uuid(user_id)}/ai/spend"


def group(group_id: str) -> str:
    return f"{API}/groups/{require_uuid(group_id)}?exclude_members=true"


def group_budget(group_id: str) -> str:
    return f"{API}/groups/{require_uuid(group_id)}/ai/budget"


def organization_groups(organization_id: str) -> str:
    return f"{ORGANIZATIONS}/{require_uuid(organization_id)}/groups"


def organization_members(organization_id: str) -> str:
    return f"{ORGANIZATIONS}/{require_uuid(organization_id)}/members"


def groups_spend(organization_id: str, group_ids: Iterable[str]) -> str:
    return f"{ORGANIZATIONS}/{require_uuid(organization_id)}/groups/ai/spend?group_ids={_list_of(group_ids)}"


def members_spend(group_id: str, user_ids: Iterable[str]) -> str:
    return f"{API}/groups/{require_uuid(group_id)}/members/ai/spend?user_ids={_list_of(user_ids)}"


def spend_export(organization_id: str, start: datetime, end: datetime) -> str:
    """Return the export of a window of at most 31 days."""
    since, until = (f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for time in (start, end))
    organization = f"{ORGANIZATIONS}/{require_uuid(organization_id)}"
    return f"{organization}/ai/spend/export?period_start={since}&period_end={until}"


def spend_by_user(prefix: str, organization_id: str, start: datetime, end: datetime) -> str:
    """Return the first row of the spend by user, for its totals. Source: coder-api 13.1, 2.38 at the earliest."""
    since, until = (f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for time in (start, end))
    path = f"{prefix}/organizations/{require_uuid(organization_id)}/ai/spend/users"
    return f"{path}?period_start={since}&period_end={until}&limit=1"


def search(path: str, query: str, *, limit: int, offset: int) -> str:
    """Return a page of a list that is searched with Coder's query language."""
    return f"{API}{path}?q={quote(query, safe='')}&limit={limit}&offset={offset}"


def _list_of(ids: Iterable[str]) -> str:
    return ",".join(map(require_uuid, ids))
