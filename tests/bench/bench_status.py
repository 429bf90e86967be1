"""T15: status of 100,000 people as a whole process beside the sandbox, and the replay of a month: seconds and MB."""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from reconciler.coder.export import ExportTable
from reconciler.core.budget import ABSENT, Budget, GroupId, GroupRef, OrganizationId, UserId
from reconciler.core.directory import Directory, Group, Organization, User
from reconciler.core.people.effective import EffectiveLimits
from reconciler.core.people.replay import Month, replay_month
from reconciler.core.spend import Window, split, sum_by_person
from reconciler.money import Micros
from tests.bench import whole
from tests.bench.results import Ratio, Report
from tests.bench.whole import RECONCILER, company

SLOW = True
PEOPLE, MODELS, DAYS = 5_000, 3, 31
ACME = "00000000-0000-4000-8000-000000000000"
HEADER = (
    "user_id,username,group_id,group_name,organization_id,organization_name,model,provider,provider_name,"
    "input_tokens,output_tokens,cache_read_tokens,cache_write_tokens,cost_micros,period_start,period_end\n"
)


def run(report: Report) -> None:
    """Measure; the sandbox computes every answer on the same cores, so its time is in the first number."""
    report("T15", f"replay of {DAYS} days x {PEOPLE:,} people x {MODELS} models: CSV and replay, s", _replay_s(), 5.0)
    with company("100000-users,1000-groups") as large, tempfile.TemporaryDirectory() as folder:  # which has no policies
        took = [whole.run([*RECONCILER, "status"], large.environment, cwd=Path(folder)) for _ in range(3)]
    seconds = [run.seconds for run in took]
    spread = Ratio(value=median(seconds), low=min(seconds), high=max(seconds))
    report("T15", "status of 100,000 people, s", spread, 10.0)
    report("T15", "its peak memory, MB", max(run.peak_mb for run in took), 500.0)


def _replay_s() -> float:
    """Return the CPU seconds of reading the exports of a month in pieces and replaying it."""
    body = _day().encode()
    window = Window(start=datetime(2026, 10, 1, tzinfo=UTC), end=datetime(2026, 10, 1, tzinfo=UTC) + timedelta(DAYS))
    started = time.process_time()
    parts = []
    for part in split(window, DAYS):
        table = ExportTable()
        for start in range(0, len(body), 65_536):
            table.feed(body[start : start + 65_536])
        table.close()
        assert not table.problem
        parts.append((part, sum_by_person(table.booked)))
    directory = _directory()
    group = GroupRef(GroupId(ACME), organization="acme", name="Everyone")
    limits = [
        EffectiveLimits(directory, {group.id: Budget(Micros(dollars * 1_000_000), group)}, {}, otherwise=ABSENT)
        for dollars in (40, 60)
    ]
    month = Month(window=window, parts=parts)
    replay = replay_month(month, directory, before=limits[0], after=limits[1], people=directory.users.keys())
    assert replay.people == PEOPLE
    return time.process_time() - started


def _user(number: int) -> UserId:
    return UserId(f"{number:08x}-0000-4000-8000-000000000001")


def _day() -> str:
    rows = (
        f"{_user(n)},person{n},{ACME},Everyone,{ACME},acme,model-{m},anthropic,Anthropic,1000,100,0,0,{n * 200},a,b\n"
        for n in range(1, PEOPLE + 1)
        for m in range(MODELS)
    )
    return HEADER + "".join(rows)


def _directory() -> Directory:
    everyone = Group(organization="acme", name="Everyone", id=GroupId(ACME), organization_id=OrganizationId(ACME))
    users = {_user(n): User(username=f"person{n}", id=_user(n)) for n in range(1, PEOPLE + 1)}
    organization = Organization(name="acme", id=OrganizationId(ACME), is_default=True)
    return Directory(
        organizations={organization.id: organization},
        groups={everyone.id: everyone},
        users=users,
        members={everyone.id: frozenset(users)},
    )
