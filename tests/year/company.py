"""The company: what people do to the live deployment over Coder's own API, and what the policy says of it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from reconciler.sandbox import Sandbox
from tests.wire import WireClient

BROWSER = "Mozilla/5.0 (X11; Linux x86_64)"


@dataclass(slots=True, kw_only=True)
class Entry:
    """One override of the policy. `user` is the name that the policy has, `id` is whom it means."""

    user: str
    id: str
    group: str
    dollars: int
    starts: datetime | None = None
    expires: datetime | None = None

    def is_in_force(self, now: datetime) -> bool:
        return (self.starts is None or self.starts <= now) and (self.expires is None or now < self.expires)


@dataclass(slots=True, kw_only=True)
class Policy:
    organization: str
    budgets: dict[str, int]
    overrides: list[Entry] = field(default_factory=list)

    def text(self) -> str:
        lines = ["version: 1", f"organization: {self.organization}"]
        lines += ["manage: {group_budgets: exact, user_overrides: exact}", "group_budgets:"]
        lines += [f"  - {{group: {group}, limit: ${dollars}}}" for group, dollars in sorted(self.budgets.items())]
        lines.append("allow: [{hazard: BLOCKS_USERS, up_to: 100, reason: whoever spent too much waits}]")
        lines.append("user_overrides:" if self.overrides else "user_overrides: []")
        for entry in self.overrides:
            times = "".join(
                f", {name}: {time:%Y-%m-%dT%H:%M:%SZ}"
                for name, time in (("starts", entry.starts), ("expires", entry.expires))
                if time is not None
            )
            lines.append(f"  - {{user: {entry.user}, group: {entry.group}, limit: ${entry.dollars}{times}}}")
        return "\n".join(lines) + "\n"

    def copy(self) -> Policy:
        return Policy(organization=self.organization, budgets=dict(self.budgets), overrides=list(self.overrides))


class Company:
    """The live deployment. Ids stay, names change."""

    def __init__(self, sandbox: Sandbox, chance: random.Random) -> None:
        self._sandbox, self.chance = sandbox, chance
        self._http = WireClient(
            base_url=f"{sandbox.url}/api/v2",
            headers={"Coder-Session-Token": sandbox.tokens["owner"], "User-Agent": BROWSER},
        )
        (organization,) = [row for row in self._get("/organizations") if row["is_default"]]
        self.organization, self.organization_id = str(organization["name"]), str(organization["id"])
        self.groups: dict[str, str] = {}
        self.members: dict[str, set[str]] = {}
        self.names: dict[str, str] = {}
        for group in self._get(f"/organizations/{self.organization_id}/groups"):
            self.groups[group["name"]] = group["id"]
            self.members[group["name"]] = {member["id"] for member in group["members"]}
            self.names |= {member["id"]: member["username"] for member in group["members"]}
        self._renamed: dict[str, str] = {}
        self._untouched = {str(row[0]) for row in sandbox.execute("SELECT user_id FROM api_keys")}
        self._hired = self._renamings = 0

    def close(self) -> None:
        self._http.close()

    def people(self) -> list[str]:
        """Return the ids of people who may move and leave, by their names: who joins has another id each time."""
        return sorted(self.names.keys() - self._untouched, key=self.names.__getitem__)

    def teams(self) -> list[str]:
        return sorted(self.groups.keys() - {"Everyone"})

    def team_of(self, person: str) -> str | None:
        teams = [name for name in self.teams() if person in self.members[name]]
        return self.chance.choice(teams) if teams else None

    def leave(self, person: str) -> None:
        self._send("DELETE", f"/users/{person}")
        del self.names[person]
        for members in self.members.values():
            members.discard(person)

    def hire(self, team: str, name: str = "") -> str:
        self._hired += 1
        username = name or f"joiner-{self._hired}"
        body = {"username": username, "email": f"{username}@example.com", "login_type": "github"}
        row = self._send("POST", "/users", {**body, "organization_ids": [self.organization_id]})
        self.names[row["id"]] = username
        self.members["Everyone"].add(row["id"])
        self._move(row["id"], team, add=True)
        return str(row["id"])

    def rename(self, person: str) -> None:
        name = self._new_name(self.names[person])
        self._send("PUT", f"/users/{person}/profile", {"username": name, "name": name})
        self.names[person] = name

    def rename_group(self, team: str) -> None:
        name = self._new_name(team)
        self._send("PATCH", f"/groups/{self.groups[team]}", {"name": name})
        self.groups[name], self.members[name] = self.groups.pop(team), self.members.pop(team)
        self._renamed[team] = name

    def _new_name(self, name: str) -> str:
        self._renamings += 1
        return f"{name.partition('-now-')[0]}-now-{self._renamings}"

    def group_now(self, name: str) -> str:
        """Return what a group is called now, by any name that it ever had."""
        while name in self._renamed:
            name = self._renamed[name]
        return name

    def sync(self, person: str, team: str, into: str) -> None:
        """Move somebody to another group, as a group sync does at a login: overrides on the old one vanish."""
        self._move(person, team, add=False)
        if person not in self.members[into]:
            self._move(person, into, add=True)

    def set_override(self, person: str, group: str, dollars: int) -> None:
        body = {"spend_limit_micros": dollars * 1_000_000, "group_id": self.groups[group]}
        self._send("PUT", f"/users/{person}/ai/budget/override", body)

    def set_budget(self, group: str, dollars: int) -> None:
        self._send("PUT", f"/groups/{self.groups[group]}/ai/budget", {"spend_limit_micros": dollars * 1_000_000})

    def live_overrides(self) -> dict[str, int]:
        rows = self._sandbox.execute("SELECT user_id, spend_limit_micros FROM user_ai_budget_overrides")
        return {str(user): int(micros) // 1_000_000 for user, micros in rows}

    def live_budgets(self) -> dict[str, int]:
        rows = self._sandbox.execute(
            "SELECT g.name, b.spend_limit_micros FROM group_ai_budgets b JOIN groups g ON g.id = b.group_id "
            "WHERE g.organization_id = ?",
            (self.organization_id,),
        )
        return {str(name): int(micros) // 1_000_000 for name, micros in rows}

    def _move(self, person: str, team: str, *, add: bool) -> None:
        self._send("PATCH", f"/groups/{self.groups[team]}", {"add_users" if add else "remove_users": [person]})
        if add:
            self.members[team].add(person)
        else:
            self.members[team].discard(person)

    def _get(self, path: str) -> Any:
        return self._send("GET", path)

    def _send(self, method: str, path: str, body: object = None) -> Any:
        answer = self._http.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None


def minutes(chance: random.Random, start: datetime, *, days: int) -> datetime:
    """Return a minute at random in the days after an instant."""
    return start + timedelta(minutes=chance.randrange(1, days * 24 * 60))
