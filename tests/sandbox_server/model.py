"""Coder's rules of membership, cascade, roles and effective limits as plain Python, for comparison with the sandbox.

Deliberately naive: dictionaries and loops, no SQL, no knowledge of how the sandbox does it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

ADMINISTRATORS = ("owner", "user-admin")
ACME_ADMINISTRATORS = ("organization-admin", "organization-user-admin")


@dataclass
class Model:
    """Hold organizations with who joined when, groups addressed as organization/name, budgets and overrides."""

    members: dict[str, dict[str, int]]
    inside: dict[str, set[str]]
    ids: dict[str, str]
    everybody: set[str]
    budgets: dict[str, int] = field(default_factory=dict)
    overrides: dict[str, tuple[str, int]] = field(default_factory=dict)
    joinings: int = 1000

    def exists(self, group: str) -> bool:
        return group in self.inside or group.endswith("/Everyone")

    def people_of(self, group: str) -> set[str]:
        """Return a group's members, those of Everyone following from the organization."""
        return set(self.members[home(group)]) if group.endswith("/Everyone") else self.inside[group]

    def may_read(self, role: str, group: str) -> bool:
        return role in (*ADMINISTRATORS, "auditor") or home(group) == "acme"

    def may_write(self, role: str, group: str) -> bool:
        inside = role in ACME_ADMINISTRATORS and home(group) == "acme"
        return role in ADMINISTRATORS or inside

    def put_budget(self, role: str, group: str, limit: int) -> int:
        if not self.exists(group) or not self.may_read(role, group):
            return 404
        if not 0 <= limit <= 10**12:
            return 400
        if not self.may_write(role, group):
            return 404
        self.budgets[group] = limit
        return 200

    def delete_budget(self, role: str, group: str) -> int:
        if group not in self.budgets or not self.may_write(role, group):
            return 404
        del self.budgets[group]
        return 204

    def put_override(self, role: str, user: str, group: str, limit: int) -> int:
        if role == "member":
            return 404
        if not 0 <= limit <= 10**12:
            return 400
        if not self.exists(group) or role not in ADMINISTRATORS:
            return 404
        if user not in self.people_of(group):
            return 400
        self.overrides[user] = (group, limit)
        return 200

    def delete_override(self, role: str, user: str) -> int:
        if user not in self.overrides or role == "member":
            return 404
        if not self.may_read(role, self.overrides[user][0]):
            return 500
        if role not in ADMINISTRATORS:
            return 404
        del self.overrides[user]
        return 204

    def join_group(self, role: str, user: str, group: str) -> int:
        if not self.exists(group) or not self.may_read(role, group):
            return 404
        if group.endswith("/Everyone"):
            return 403
        if user not in self.members[home(group)]:
            return 400
        if not self.may_write(role, group) or user in self.inside[group]:
            return 400
        self.inside[group].add(user)
        return 200

    def leave_group(self, role: str, user: str, group: str) -> int:
        if not self.exists(group) or not self.may_read(role, group):
            return 404
        if group.endswith("/Everyone"):
            return 403
        if user not in self.members[home(group)] or not self.may_write(role, group):
            return 400
        self._leave(user, group)
        return 200

    def _leave(self, user: str, group: str) -> None:
        self.inside[group].discard(user)
        if user in self.overrides and self.overrides[user][0] == group:
            del self.overrides[user]

    def join_organization(self, role: str, user: str, organization: str) -> int:
        if not self.may_write(role, f"{organization}/Everyone") or user not in self.everybody:
            return 404
        if user in self.members[organization]:
            return 400
        self.joinings += 1
        self.members[organization][user] = self.joinings
        return 200

    def leave_organization(self, role: str, user: str, organization: str) -> int:
        if not self.may_write(role, f"{organization}/Everyone") or user not in self.members[organization]:
            return 404
        self._leave_organization(user, organization)
        return 204

    def _leave_organization(self, user: str, organization: str) -> None:
        del self.members[organization][user]
        for group in self.inside:
            if home(group) == organization:
                self._leave(user, group)
        if self.overrides.get(user, ("", 0))[0] == f"{organization}/Everyone":
            del self.overrides[user]

    def delete_group(self, role: str, group: str) -> int:
        if not self.exists(group) or not self.may_read(role, group):
            return 404
        if group.endswith("/Everyone"):
            return 400
        if not self.may_write(role, group):
            return 500
        for user in tuple(self.inside[group]):
            self._leave(user, group)
        del self.inside[group]
        self.budgets.pop(group, None)
        return 200

    def delete_user(self, role: str, user: str) -> int:
        if role == "member":
            return 404
        if role not in ADMINISTRATORS:
            return 403
        for organization in self.members:
            if user in self.members[organization]:
                self._leave_organization(user, organization)
        self.everybody.discard(user)
        return 200

    def effective(self, user: str) -> tuple[int | None, str | None, str | None]:
        """Return limit, source and group of a person, as it is now."""
        if user in self.overrides:
            group, limit = self.overrides[user]
            return limit, "user_override", group
        mine = [group for group in self.budgets if user in self.people_of(group)]
        if mine:
            best = min(mine, key=lambda group: (-self.budgets[group], self.members[home(group)][user], self.ids[group]))
            return self.budgets[best], "group", best
        homes = [organization for organization in self.members if user in self.members[organization]]
        if not homes:
            return None, None, None
        first = min(homes, key=lambda organization: (organization != "acme", self.members[organization][user]))
        return None, None, f"{first}/Everyone"


def home(group: str) -> str:
    """Return the organization of a group."""
    return group.partition("/")[0]
