"""A place to run commands: a sandbox, a folder with a policy, and what the commands left behind."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reconciler.core.plan.outcome import Outcome, replay
from reconciler.formats.journal import load_events
from reconciler.sandbox import RecordedRequest, Sandbox
from tests.chaos.commands import Command, Launcher, Running

ALLOW_ALL = "\n".join(
    [
        "allow:",
        *(
            f"  - {{hazard: {name}, up_to: 100, reason: a test}}"
            for name in ("REMOVES_LIMIT", "BLOCKS_USERS", "MASS_CHANGE")
        ),
    ]
)
SEVEN = (
    "platform: $600",
    "design: none",
    "eng: $70",
    "finance: $80",
    "ana platform: $1,600",
    "bob platform: none",
    "eve data: $90",
)
"""Seven changes of the demo company, of every kind, in six phases."""


@dataclass(frozen=True)
class Said:
    """What a command said."""

    code: int | str
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@dataclass
class Site:
    sandbox: Sandbox
    folder: Path
    launcher: Launcher
    role: str = "user-admin"
    commands: int = field(default=0)

    def policy(self, *entries: str, organization: str = "acme", exact: bool = False, name: str = "acme") -> None:
        """Write a policy of entries like `platform: $600` (a group) and `ana platform: $1,600` (an override)."""
        word = "exact" if exact else "listed"
        groups, users = [], []
        for entry in entries:
            who, limit = entry.split(": ")
            match who.split():
                case [user, group]:
                    users.append(f'  - {{user: {user}, group: {group}, limit: "{limit}"}}')
                case _:
                    groups.append(f'  - {{group: {who}, limit: "{limit}"}}')
        lines = ["version: 1", f"organization: {organization}"]
        lines += [f"manage: {{group_budgets: {word}, user_overrides: {word}}}"]
        lines += ["group_budgets:", *groups] if groups else []
        lines += ["user_overrides:", *users] if users else []
        folder = self.folder / "policies"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.yaml").write_text("\n".join([*lines, ALLOW_ALL]) + "\n")

    def command(self, *arguments: str, **changes: Any) -> Command:
        self.commands += 1
        token = self.sandbox.tokens[self.role]
        name = f"command-{self.commands}"
        return replace(Command(arguments, self.folder, self.sandbox.url, token, name), **changes)

    def run(self, *arguments: str, **changes: Any) -> Said:
        command = self.command(*arguments, **changes)
        return self._said(command, self.launcher.run(command))

    def apply(self, *arguments: str, **changes: Any) -> Said:
        return self.run("apply", "--auto-approve", *arguments, **changes)

    def result(self, command: Command, running: Running) -> Said:
        return self._said(command, self.launcher.wait(running))

    def _said(self, command: Command, code: int | str) -> Said:
        return Said(code, command.out.read_text(), command.err.read_text())

    @property
    def journals(self) -> list[Path]:
        return sorted(self.folder.rglob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)

    @property
    def outcome(self) -> Outcome:
        """What the newest journal says."""
        return replay(load_events(self.journals[-1].read_text(), source="it"))

    @property
    def results(self) -> dict[str, str]:
        return {row.action.address: row.result.value for row in self.outcome.results}

    @property
    def writes(self) -> list[RecordedRequest]:
        return [request for request in self.sandbox.requests if request.method in ("PUT", "DELETE")]

    def budget(self, group: str) -> int | None:
        """Return a group's budget in dollars."""
        sql = "SELECT spend_limit_micros FROM group_ai_budgets b JOIN groups g ON g.id = b.group_id WHERE g.name = ?"
        return _dollars(self.sandbox.execute(sql, (group,)))

    def override(self, user: str) -> int | None:
        """Return a person's override in dollars."""
        sql = "SELECT spend_limit_micros FROM user_ai_budget_overrides o JOIN users u ON u.id = o.user_id "
        return _dollars(self.sandbox.execute(sql + "WHERE u.username = ?", (user,)))

    def id_of(self, name: str) -> str:
        """Return the id of a group or a person."""
        sql = "SELECT id FROM groups WHERE name = ?1 UNION SELECT id FROM users WHERE username = ?1"
        return str(self.sandbox.execute(sql, (name,))[0][0])

    def set_budget(self, group: str, dollars: int) -> tuple[str, tuple[object, ...]]:
        """Return the SQL by which somebody else sets a group's budget."""
        sql = "INSERT OR REPLACE INTO group_ai_budgets VALUES (?, ?, '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z')"
        return sql, (self.id_of(group), dollars * 1_000_000)


def _dollars(rows: Sequence[tuple[Any, ...]]) -> int | None:
    return rows[0][0] // 1_000_000 if rows else None
