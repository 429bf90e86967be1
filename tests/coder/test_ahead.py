"""What is wanted next is asked while the server makes its list of groups; what is read is the same, whatever fails."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.coder import memberships
from reconciler.coder.client import CoderReader, open_reader
from reconciler.coder.pool import begin
from reconciler.core.budget import ABSENT, OrganizationId, UserId
from reconciler.core.directory import Directory, Organization
from reconciler.core.snapshot import People
from reconciler.core.spend import last_days
from reconciler.errors import DeniedError
from reconciler.sandbox import Fault, Options, Sandbox
from tests.coder.helpers import StillWorld, asked, connection_to, sandbox_and_reader
from tests.coder.test_reader import NOT_FOUND, WITH_BULK, effective_of, overrides_of, people
from tests.patience import HELD_S, wait_until

T = TypeVar("T")
MEMBERS, BULK = "GET /api/v2/organizations/*/members", "GET /api/v2/groups/*/members/ai/spend"
GROUPS = "GET /api/v2/organizations/*/groups"
EXPORT = "GET /api/v2/organizations/*/ai/spend/export"
SEED = "250-users,3-groups"


def everybody(_: Organization) -> bool:
    return True


def read(reader: CoderReader) -> tuple[Directory, People]:
    directory = reader.directory(people_of=everybody)
    return directory, reader.people(people(directory), directory)


def while_groups_are_listed(sandbox: Sandbox, work: Callable[[], T], *, bulk: int = 0, members: int = 0) -> T:
    """Do some work on a server that makes its lists of groups until it was asked for so many of the others."""
    sandbox.fault(Fault("delay", path="*/organizations/*/groups", seconds=HELD_S, times=2))
    results: list[T] = []
    thread = threading.Thread(target=lambda: results.append(work()), daemon=True)
    thread.start()
    ((organizations,),) = sandbox.execute("SELECT count(*) FROM organizations")
    wanted = Counter({BULK: bulk, MEMBERS: members, GROUPS: organizations})
    wait_until(lambda: asked(sandbox) >= wanted)
    assert not results
    sandbox.release()
    thread.join()
    return results[0]


def require_true(sandbox: Sandbox, directory: Directory, found: People) -> None:
    there, truth = overrides_of(sandbox), effective_of(sandbox)
    assert found.overrides == {user: there.get(user, ABSENT) for user in directory.users}
    assert found.reported == {user: truth[user] for user in found.reported}
    refs = [effective.group for effective in found.reported.values()]
    assert all(ref.name for ref in refs), "a group that was named before the list was there has its name, too"


@contextmanager
def impatient_reader(options: Options) -> Iterator[tuple[Sandbox, CoderReader]]:
    """Give a sandbox and a reader of it that must not wait."""
    world = StillWorld()
    with Sandbox(options) as sandbox, open_reader(connection_to(sandbox), world=world.world()) as reader:
        yield sandbox, reader
    assert not world.slept


@pytest.mark.parametrize("version", WITH_BULK)
def test_people_are_read_while_the_list_of_groups_is_made(version: str) -> None:
    with sandbox_and_reader(version, seed=SEED) as (sandbox, reader):
        expected = 1 + 3 + (3 if version == "2.36" else 0)  # of discovery, of Everyone, of those named by it
        directory, found = while_groups_are_listed(sandbox, lambda: read(reader), bulk=expected)
        assert asked(sandbox)[BULK] == expected, "nobody is asked about twice"
        assert len(found.reported) == len(directory.users) == 250
        require_true(sandbox, directory, found)


@pytest.mark.parametrize("version", WITH_BULK)
@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", path="*/organizations/*/members", status=404, body=NOT_FOUND, times=9),
        Fault("status", path="*/organizations/*/members", status=403, body={"message": "Forbidden."}, times=9),
        Fault("status", path="*/organizations/*/members", status=500, body={"message": "No."}, times=9),
        Fault("status", path="*/organizations/*/members", status=200, body={"not": "a list"}, times=9),
        Fault("status", path="*/organizations/*/members", status=200, body=[{"user_id": "no uuid"}], times=9),
        Fault("status", path="*/organizations/*/members", status=200, body=[], times=9),
        Fault("truncate", path="*/organizations/*/members", times=99),
        Fault("reset", path="*/organizations/*/members", times=99),
        Fault("status", path="*/members/ai/spend", after=1, status=404, body=NOT_FOUND),
        Fault("status", path="*/members/ai/spend", after=2, status=500, body={"message": "No."}),
        Fault("status", path="*/members/ai/spend", after=1, status=200, body={"members": [{"user_id": 5}]}),
        Fault("truncate", path="*/members/ai/spend", after=1),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}-{fault.path.split('/')[-1]}",
)
def test_what_cannot_be_read_ahead_is_read_in_its_time(version: str, fault: Fault) -> None:
    """In one organization the list of members is a convenience, so that its failure is no failure of the plan."""
    with sandbox_and_reader(version, seed=SEED) as (sandbox, reader):
        sandbox.fault(fault)
        is_of_members = fault.path.endswith("/members")
        bulk, members = (0, 1) if is_of_members else (fault.after + 1, 0)
        directory, found = while_groups_are_listed(sandbox, lambda: read(reader), bulk=bulk, members=members)
        require_true(sandbox, directory, found)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", path="*/organizations/*/members", status=429, headers={"Retry-After": "60"}, times=99),
        Fault("status", path="*/organizations/*/members", status=503, times=99),
        Fault("reset", path="*/organizations/*/members", times=99),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
def test_a_list_of_members_that_only_saves_time_is_asked_for_once(fault: Fault) -> None:
    """All that a run may wait for was waited for it, 300 s, and nothing was left for what the plan needs."""
    with impatient_reader(Options(seed=SEED, dated=False)) as (sandbox, reader):
        sandbox.fault(fault)
        directory, found = read(reader)
        require_true(sandbox, directory, found)
        assert asked(sandbox)[MEMBERS] == 1


def test_who_joins_after_the_list_of_members_is_asked_about_in_time() -> None:
    with sandbox_and_reader(seed=SEED) as (sandbox, reader):
        ((late,),) = sandbox.execute("SELECT id FROM users ORDER BY username DESC LIMIT 1")
        everyone = sandbox.execute("SELECT id FROM organizations")[0][0]
        members = sandbox.execute("SELECT user_id, created_at FROM organization_members WHERE user_id <> ?", (late,))
        rows = [{"user_id": user, "organization_id": everyone, "created_at": at} for user, at in members]
        sandbox.fault(Fault("status", path="*/organizations/*/members", status=200, body=rows))
        directory, found = while_groups_are_listed(sandbox, lambda: read(reader), bulk=1 + 3)
        assert UserId(late) in found.reported
        assert asked(sandbox)[BULK] == 1 + 3 + 1
        require_true(sandbox, directory, found)


def test_what_was_read_ahead_serves_once() -> None:
    """A second look is a look at the server."""
    with sandbox_and_reader(seed=SEED) as (sandbox, reader):
        directory, found = while_groups_are_listed(sandbox, lambda: read(reader), bulk=1 + 3)
        sandbox.execute("DELETE FROM user_ai_budget_overrides")
        again = reader.people(people(directory), directory)
        assert any(state != ABSENT for state in found.overrides.values())
        assert all(state == ABSENT for state in again.overrides.values())


def test_where_the_groups_come_first_nobody_is_asked_about_ahead() -> None:
    """Nothing would be gained; and a list of members that is still on its way is not waited for."""
    with sandbox_and_reader(seed=SEED) as (sandbox, reader):
        sandbox.fault(Fault("delay", path="*/organizations/*/members", seconds=HELD_S))
        directory, found = read(reader)
        assert asked(sandbox)[BULK] == 1 + 3
        sandbox.release()
        require_true(sandbox, directory, found)


@pytest.mark.parametrize("version", ["2.35", "2.34"])
def test_a_server_without_bulk_reads_is_asked_about_nobody_ahead(version: str) -> None:
    with sandbox_and_reader(version, seed="30-users,2-groups") as (sandbox, reader):
        reader.directory(people_of=everybody)
        singles = [
            request for request in sandbox.requests if "/ai/budget" in request.path and "/me/" not in request.path
        ]
        assert not singles


def test_only_where_everybody_is_wanted_is_anybody_asked_about_ahead() -> None:
    with sandbox_and_reader(seed=SEED) as (sandbox, reader):
        reader.directory()
        assert (asked(sandbox)[MEMBERS], asked(sandbox)[BULK]) == (0, 1)
    with sandbox_and_reader() as (sandbox, reader):
        directory = while_groups_are_listed(
            sandbox, lambda: reader.directory(people_of=lambda organization: organization.name == "labs"), bulk=1 + 2
        )
        reader.people([], directory)
        labs = next(group for group in directory.groups.values() if group.address == "group/labs/Everyone")
        asked_groups = {
            request.path.split("/")[4] for request in sandbox.requests if request.path.count("/members/ai/spend")
        }
        assert labs.id in asked_groups
        assert len(asked_groups) == 2, "that of labs, and of acme, in which some people of labs are"


def test_two_organizations_have_their_lists_of_members_read_once() -> None:
    with sandbox_and_reader() as (sandbox, reader):
        directory, found = read(reader)
        assert asked(sandbox)[MEMBERS] == len(directory.organizations) > 1
        require_true(sandbox, replace(directory), found)


SEPARATORS = [(",", ":"), (", ", ": ")]


@given(st.lists(st.uuids().map(str), max_size=9, unique=True), st.integers(1, 90), st.sampled_from(SEPARATORS))
def test_ids_are_found_wherever_the_pieces_are_cut(ids: list[str], size: int, separators: tuple[str, str]) -> None:
    rows = [{"user_id": id_, "organization_id": ids[0], "name": '"user_id":"'} for id_ in ids]
    text = json.dumps(rows, separators=separators).encode()
    pieces = (text[start : start + size] for start in range(0, len(text), size))
    assert list(memberships.find_ids(pieces)) == ids


@pytest.mark.parametrize("version", WITH_BULK)
def test_exports_are_asked_for_while_the_list_of_groups_is_made(version: str) -> None:
    with sandbox_and_reader(version, seed=SEED) as (sandbox, reader):
        yesterday = last_days(datetime.now(UTC), 1)
        sandbox.fault(Fault("delay", path="*/organizations/*/groups", seconds=HELD_S))
        waiting = begin(lambda: reader.directory(windows=lambda period: [*filter(None, [period]), *yesterday]))
        wait_until(lambda: asked(sandbox)[EXPORT] == 2 and asked(sandbox)[GROUPS] == 1)
        sandbox.release()
        organizations, period = sorted(waiting().organizations), reader.period()
        assert period is not None
        whole, day = reader.exports(organizations, [period, *yesterday])
        assert asked(sandbox)[EXPORT] == 2, "nothing is asked for twice"
        assert (whole.left_out, day.left_out) == ({}, {})
        assert whole.booked
    with sandbox_and_reader(version, seed=SEED) as (sandbox, reader):
        assert reader.exports(organizations, [period]) == (whole,)


def test_a_token_that_ends_while_exports_are_asked_for_ahead_is_said_when_they_are_wanted() -> None:
    with sandbox_and_reader(seed=SEED) as (sandbox, reader):
        sandbox.fault(Fault("status", path="*/ai/spend/export", status=401, body={"message": "No."}, times=9))
        directory = reader.directory(windows=lambda period: [*filter(None, [period])])
        with pytest.raises(DeniedError, match="No"):
            reader.exports(directory.organizations.keys(), last_days(datetime.now(UTC), 1))


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", path="*/ai/spend/export", status=429, headers={"Retry-After": "60"}, times=99),
        Fault("status", path="*/ai/spend/export", status=503, times=99),
        Fault("status", path="*/ai/spend/export", status=500, times=99),
        Fault("reset", path="*/ai/spend/export", times=99),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
def test_an_export_that_nobody_wants_is_not_waited_for_and_takes_no_other_away(fault: Fault) -> None:
    """An organization without members, whose export failed: `status` waited 300 s, and knew no pace of the others."""
    with impatient_reader(Options(dated=False)) as (sandbox, reader):
        *wanted, nobody = (
            OrganizationId(id_) for (id_,) in sandbox.execute("SELECT id FROM organizations ORDER BY id")
        )
        sandbox.fault(replace(fault, path=f"*/{nobody}/ai/spend/export"))
        yesterday = last_days(datetime.now(UTC), 1)
        reader.directory(windows=lambda period: [*filter(None, [period]), *yesterday])
        period = reader.period()
        assert period is not None
        whole, day = reader.exports(wanted, [period, *yesterday])
        assert (whole.left_out, day.left_out) == ({}, {})
        assert asked(sandbox)[EXPORT] <= 2 * len(wanted) + 2, "of days nothing is asked ahead where a period failed"


def test_who_refuses_the_period_ahead_is_asked_once_and_never_for_days() -> None:
    with sandbox_and_reader(seed=SEED) as (sandbox, reader):
        sandbox.fault(Fault("status", path="*/ai/spend/export", status=403, body={"message": "No."}, times=99))
        yesterday = last_days(datetime.now(UTC), 1)
        directory = reader.directory(windows=lambda period: [*filter(None, [period]), *yesterday])
        (day,) = reader.exports(directory.organizations.keys(), yesterday)
        assert [*day.left_out.values()] == ["No."]
        assert asked(sandbox)[EXPORT] == 1
