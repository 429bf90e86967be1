"""One year (or less): hour by hour, what the company does, what the pipelines run, and whether they told the truth."""

from __future__ import annotations

import io
import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import time_machine

from reconciler.cli.app import run
from reconciler.sandbox import Options, Sandbox
from tests.year.company import Company, Entry, Policy, minutes

BEGIN = datetime(2027, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
EVERYONE = 50


@dataclass(slots=True)
class Record:
    """What happened, counted, and what was wrong."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def check(self, is_right: bool, text: str) -> None:
        if not is_right:
            self.wrong.append(text)


class Life:
    """Keeps what the company did, so that every difference has a known origin."""

    def __init__(self, sandbox: Sandbox, folder: Path, seed: int) -> None:
        self._sandbox, self._folder = sandbox, folder
        self.record = Record()
        self._chance = random.Random(seed)
        self._company = Company(sandbox, self._chance)
        self._now = BEGIN
        self._policy = Policy(organization=self._company.organization, budgets=self._company.live_budgets())
        self._by_hand: set[str] = set()
        self._pending: set[str] = set()
        self._awaited: dict[str, datetime] = {}
        self._last_due = BEGIN
        self._adopt_live_overrides()
        self._write("applied", self._policy)
        before = self._policy.copy()
        self._policy.budgets["Everyone"] = EVERYONE
        self._write("policies", self._policy)
        self._pending = self._unapplied(before)

    def live(self, days: int) -> Record:
        for _ in range(days):
            self._day()
        self._company.close()
        return self.record

    def _day(self) -> None:
        day = self._now
        drift_at = day + timedelta(minutes=self._chance.randrange(6 * 60, 9 * 60))
        self._events()
        for hour in range(24):
            tick = day + hour * HOUR
            if self._last_due < drift_at <= tick:
                self._go_to(drift_at)
                self._drift()
            self._go_to(tick)
            self._due()
            if day.weekday() == 0 and hour == 9:
                self._apply()
            if day.weekday() == 4 and hour == 17:
                self._merge()
        self._now = day + timedelta(days=1)

    def _go_to(self, now: datetime) -> None:
        self._now = now
        self._sandbox.set_now(now)

    def _events(self) -> None:
        """What a day brings; at its first minute."""
        self._go_to(self._now)
        chance, company = self._chance, self._company
        people = company.people()
        for name, start in list(self._awaited.items()):
            if start - timedelta(days=2) <= self._now:
                person = company.hire(chance.choice(company.teams()), name)
                for entry in self._policy.overrides:
                    if entry.user == name:
                        entry.id, entry.group = person, entry.group
                del self._awaited[name]
                self.record.counts["joiners"] += 1
        if chance.random() < 0.25:
            company.leave(chance.choice(people))
            self.record.counts["leavers"] += 1
        if chance.random() < 0.2:
            company.hire(chance.choice(company.teams()))
            self.record.counts["joiners"] += 1
        people = company.people()
        if chance.random() < 0.4:
            granted = [entry.id for entry in self._policy.overrides if entry.expires and entry.id in people]
            company.rename(chance.choice(granted if granted and chance.random() < 0.5 else people))
            self.record.counts["renames"] += 1
        if chance.random() < 0.1:
            company.rename_group(chance.choice(company.teams()))
            self.record.counts["renames of groups"] += 1
        for _ in range(chance.randrange(3)):
            person = chance.choice(people)
            if team := company.team_of(person):
                company.sync(person, team, chance.choice(company.teams()))
                if person not in company.live_overrides():  # gone with the membership, if it was there
                    self._by_hand -= {f"user/{entry.user}" for entry in self._policy.overrides if entry.id == person}
                self.record.counts["syncs"] += 1
        if chance.random() < 0.4:
            self._edit_by_hand()

    def _edit_by_hand(self) -> None:
        """Somebody clicks: a group's budget, or the override of somebody who is listed and has one."""
        chance, company = self._chance, self._company
        live = company.live_overrides()
        entries = [
            entry
            for entry in self._policy.overrides
            if entry.is_in_force(self._now) and entry.id in live and self._is_appliable(entry)
            and not self._ends_today(entry)
        ]  # fmt: skip
        if entries and chance.random() < 0.5:
            entry = chance.choice(entries)
            company.set_override(entry.id, entry.group, 5_000)
            self._by_hand.add(f"user/{entry.user}")
        else:
            group = chance.choice(company.teams())
            company.set_budget(group, 900 + chance.randrange(90))
            self._by_hand.add(f"group/{company.organization}/{group}")
        self.record.counts["edits by hand"] += 1

    def _ends_today(self, entry: Entry) -> bool:
        return entry.expires is not None and entry.expires < self._now + timedelta(days=8)

    def _is_appliable(self, entry: Entry) -> bool:
        company = self._company
        return company.names.get(entry.id) == entry.user and entry.id in company.members.get(entry.group, ())

    def _merge(self) -> None:
        """A pull request: new grants, raised budgets, names repaired, dead entries removed. It is not applied yet."""
        before, chance, company = self._policy.copy(), self._chance, self._company
        policy = self._policy.copy()
        policy.overrides = [entry for entry in policy.overrides if self._is_worth_keeping(entry)]
        policy.overrides = [self._repaired(entry) for entry in policy.overrides]
        policy.budgets = {company.group_now(group): dollars for group, dollars in policy.budgets.items()}
        listed = {entry.id for entry in policy.overrides}
        for person in chance.sample(company.people(), k=min(6, len(company.people()))):
            if person not in listed and (team := company.team_of(person)):
                starts = minutes(chance, self._now + timedelta(days=4), days=10) if chance.random() < 0.3 else None
                expires = minutes(chance, (starts or self._now) + timedelta(days=4), days=25)
                policy.overrides.append(
                    Entry(
                        user=company.names[person], id=person, group=team, dollars=3_000, starts=starts, expires=expires
                    )
                )
                self.record.counts["grants"] += 1
        if chance.random() < 0.3:
            name = f"future-{self._now:%j}"
            starts = self._now + timedelta(days=14)
            policy.overrides.append(
                Entry(
                    user=name,
                    id=name,
                    group="Everyone",
                    dollars=500,
                    starts=starts,
                    expires=starts + timedelta(days=30),
                )
            )
            self._awaited[name] = starts
            self.record.counts["grants"] += 1
        group = chance.choice(company.teams())
        policy.budgets[group] = policy.budgets.get(group, 100) + 10
        self._write("base", before)
        self._policy = policy
        self._write("policies", policy)
        code, _ = self._run("user-admin", "plan", "--base", str(self._folder / "base"), "--json")
        self.record.counts["pull requests"] += 1
        self.record.check(code == 0, f"{self._now}: a pull request was stopped with exit {code}")
        self._pending |= self._unapplied(before)

    def _unapplied(self, before: Policy) -> set[str]:
        """Return the addresses of which the policy wants something else than before."""
        organization = self._company.organization
        changed = {
            f"group/{organization}/{group}"
            for group, dollars in self._policy.budgets.items()
            if before.budgets.get(group) != dollars
        }
        old = {entry.id: entry for entry in before.overrides}
        for entry in self._policy.overrides:
            was = old.get(entry.id)
            if was is None or was != entry:
                changed.add(f"user/{entry.user}")
        return changed

    def _is_worth_keeping(self, entry: Entry) -> bool:
        has_ended = entry.expires is not None and entry.expires <= self._now
        is_gone = entry.id not in self._company.names and entry.user not in self._awaited
        return not has_ended and not is_gone

    def _repaired(self, entry: Entry) -> Entry:
        """Write a renamed person's new name, and a moved person's new group."""
        company = self._company
        if entry.id not in company.names:
            return entry
        name = company.names[entry.id]
        group = company.group_now(entry.group)
        if entry.id not in company.members[group]:
            group = company.team_of(entry.id) or "Everyone"
        return Entry(
            user=name, id=entry.id, group=group, dollars=entry.dollars, starts=entry.starts, expires=entry.expires
        )

    def _apply(self) -> None:
        code, document = self._run("owner", "apply", "--auto-approve", "--json")
        self.record.counts["applies"] += 1
        self.record.check(code == 0, f"{self._now}: apply exit {code} {document.get('details', '')}")
        self._by_hand.clear()
        self._pending.clear()
        self._write("applied", self._policy)
        live_budgets, known = self._company.live_budgets(), self._company.groups
        wanted = {group: dollars for group, dollars in self._policy.budgets.items() if group in known}
        stale = {self._company.group_now(group) for group in self._policy.budgets if group not in known}
        applied = {group: dollars for group, dollars in live_budgets.items() if group not in stale}
        if stale:  # removals of what is not listed are withheld, because a name may be that of a renamed group
            applied = {group: dollars for group, dollars in applied.items() if group in wanted}
        self.record.check(applied == wanted, f"{self._now}: budgets differ after apply")
        live = self._company.live_overrides()
        for entry in self._policy.overrides:
            if entry.is_in_force(self._now) and self._is_appliable(entry):
                self.record.check(
                    live.get(entry.id) == entry.dollars, f"{self._now}: {entry.user} has {live.get(entry.id)}"
                )

    def _due(self) -> None:
        """Every hour; the process is started only where a date came since the last one, or once a day."""
        dates = [time for entry in self._policy.overrides for time in (entry.starts, entry.expires) if time]
        if any(self._last_due < time <= self._now for time in dates) or self._now.hour == 0:
            code, _ = self._run("owner", "apply", "--due", "--auto-approve", "--json")
            self.record.counts["hourly applies that ran"] += 1
            self.record.check(code == 0, f"{self._now}: apply --due exit {code}")
        self.record.counts["hours"] += 1
        self._last_due = self._now
        live = self._company.live_overrides()
        for entry in self._policy.overrides:
            if entry.expires is not None and self._now - HOUR < entry.expires <= self._now:
                self.record.counts["grants ended"] += 1
                name, group = self._company.names.get(entry.id, entry.user), self._company.group_now(entry.group)
                self.record.counts["grants ended of somebody renamed since"] += name != entry.user
                self.record.counts["grants ended on a group renamed since"] += group != entry.group
                has_ended = live.get(entry.id) != entry.dollars  # what was set by hand meanwhile is another override
                self.record.check(has_ended, f"{self._now}: the grant of {entry.user} did not end")
                self._by_hand.discard(f"user/{entry.user}")
                self._pending.discard(f"user/{entry.user}")
            begins = entry.starts is not None and self._now - HOUR < entry.starts <= self._now
            if begins and self._is_appliable(entry):
                self.record.counts["grants begun"] += 1
                self.record.check(entry.id in live, f"{self._now}: the grant of {entry.user} did not begin")

    def _drift(self) -> None:
        code, document = self._run("auditor", "drift", "--base", str(self._folder / "applied"), "--json")
        self.record.counts["drifts"] += 1
        plan = document["plan"]
        told = {action["address"]: action["origin"].replace("change", "pending") for action in plan["actions"]}
        told |= {orphan["address"]: "orphan" for orphan in plan["orphans"]}
        expected = self._expected()
        for address in sorted(told.keys() | expected.keys()):
            is_right = told.get(address) == expected.get(address)
            self.record.counts[f"differences: {expected.get(address)}"] += address in expected
            self.record.check(is_right, f"{self._now}: {address} told {told.get(address)}, is {expected.get(address)}")
        self.record.check(code == (2 if expected else 0), f"{self._now}: drift exit {code}")

    def _expected(self) -> dict[str, str]:
        """Return every difference with its true origin."""
        company, organization = self._company, self._company.organization
        live, budgets = company.live_overrides(), company.live_budgets()
        expected: dict[str, str] = {}
        for group, dollars in self._policy.budgets.items():
            address = f"group/{organization}/{group}"
            if group not in company.groups:
                expected[address] = "orphan"
            elif budgets.get(group) != dollars:
                expected[address] = "pending" if address in self._pending else "hand"
        if all(group in company.groups for group in self._policy.budgets):  # else removals are withheld
            for group in budgets.keys() - self._policy.budgets.keys():
                expected[f"group/{organization}/{group}"] = "hand"
        for entry in self._policy.overrides:
            address = f"user/{entry.user}"
            has_ended = entry.expires is not None and entry.expires <= self._now
            if entry.starts is not None and self._now < entry.starts:
                continue
            if has_ended:
                if entry.id in live and entry.id in company.names:
                    is_grant = live[entry.id] == entry.dollars
                    expected[f"user/{company.names[entry.id]}"] = "due" if is_grant else "hand"
            elif not self._is_appliable(entry):
                expected[address] = "orphan"
            elif live.get(entry.id) != entry.dollars:
                began = entry.starts is not None and self._last_due < entry.starts <= self._now
                if address in self._pending:
                    expected[address] = "pending"
                elif address in self._by_hand:
                    expected[address] = "hand"
                else:
                    expected[address] = "due" if began else "unknown"
        return expected

    def _adopt_live_overrides(self) -> None:
        company = self._company
        rows = self._sandbox.execute(
            "SELECT o.user_id, g.name, o.spend_limit_micros FROM user_ai_budget_overrides o "
            "JOIN groups g ON g.id = o.group_id WHERE g.organization_id = ?",
            (company.organization_id,),
        )
        for user, group, micros in sorted(rows):
            if user in company.names:
                entry = Entry(user=company.names[user], id=user, group=group, dollars=int(micros) // 1_000_000)
                self._policy.overrides.append(entry)

    def _write(self, name: str, policy: Policy) -> None:
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        (folder / "policy.yaml").write_text(policy.text(), encoding="utf-8")

    def _run(self, role: str, *arguments: str) -> tuple[int, dict[str, Any]]:
        os.environ["CODER_URL"], os.environ["CODER_SESSION_TOKEN"] = self._sandbox.url, self._sandbox.tokens[role]
        out, err = io.StringIO(), io.StringIO()
        with time_machine.travel(self._now, tick=False), redirect_stdout(out), redirect_stderr(err):
            code = run(list(arguments))
        return code, json.loads(out.getvalue()) if out.getvalue().strip() else {"message": err.getvalue()[-300:]}


@contextmanager
def company_of(people: int, groups: int, folder: Path, seed: int) -> Iterator[Life]:
    """Open a company with its first policy applied."""
    with Sandbox(Options(seed=f"{people}-users,{groups}-groups", now=BEGIN)) as sandbox:
        yield Life(sandbox, folder, seed)
