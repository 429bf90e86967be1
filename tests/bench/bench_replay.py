"""T15: the replay of a month, in processor seconds."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from reconciler.coder.export import ExportTable
from reconciler.core.budget import ABSENT, Budget, GroupId, GroupRef, OrganizationId, UserId
from reconciler.core.directory import Directory, Group, Organization, User
from reconciler.core.people.effective import EffectiveLimits
from reconciler.core.people.replay import Month, replay_month
from reconciler.core.spend import Window, split, sum_by_person
from reconciler.money import Micros
from tests.bench.results import Report, median
from tests.bench.share import Share

WEIGHT = 6
PEOPLE, MODELS, DAYS = 5_000, 3, 31
ACME = "00000000-0000-4000-8000-000000000000"
HEADER = (
    "user_id,username,group_id,group_name,organization_id,organization_name,model,provider,provider_name,"
    "input_tokens,output_tokens,cache_read_tokens,cache_write_tokens,cost_micros,period_start,period_end\n"
)


def run(report: Report, share: Share) -> None:
    """Measure."""
    body = _day().encode()
    taken = [_replay_s(body) for _ in share.rounds()]
    what = f"replay of {DAYS} days x {PEOPLE:,} people x {MODELS} models: CSV and replay, s"
    report("T15", what, median(taken), 5.0)


def _replay_s(body: bytes) -> float:
    """Return the CPU seconds of reading the exports of a month in pieces and replaying it."""
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
