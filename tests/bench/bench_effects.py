"""What effects cost: their share of a plan's time for 5,000 people, and time and memory for 100,000.

The server is the sandbox in a process of its own, so that its work is not counted as ours. Rounds with and without
effects take turns, each with a reader that remembers nothing; medians are compared.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from reconciler.coder.client import CoderReader, open_reader
from reconciler.coder.connection import Connection
from reconciler.core.budget import Budget
from reconciler.core.moment import present
from reconciler.core.plan.diff import diff
from reconciler.core.plan.order import in_order
from reconciler.core.plan.resolve import resolve
from reconciler.core.policy import GroupBudgetEntry, Manage, Policy, UserOverrideEntry
from reconciler.errors import Place
from reconciler.money import Micros
from reconciler.operations.plan import take_snapshot
from reconciler.operations.review import Proposal, find_effects, find_verdict
from tests.bench.results import Report, ratio
from tests.effects.worlds import NOW

ROUNDS = 9
SEED = "5000-users,200-groups"
GROUPS_CHANGED, OVERRIDES_CHANGED = 5, 5
HERE = Place("bench.yaml", 1, 1)


def run(report: Report) -> None:
    """Measure and report."""
    with _sandbox() as connection:
        for name, everyone, what in (("E1", False, "a few teams"), ("E2", True, "everybody")):
            policy = _policy(connection, everyone=everyone)
            plain, full = _compare(connection, policy)
            text = f"plan of 5,000 people with effects on {what}, over one without ({statistics.median(plain):.2f} s)"
            report(name, text, ratio(full, plain), 1.2)
    output = subprocess.run(
        [sys.executable, "-m", "tests.bench.large"], capture_output=True, text=True, check=True
    ).stdout
    seconds, megabytes, people, _ = output.split()
    report(
        "E3", f"CPU seconds for the effects of 4,000 changes on 100,000 people ({people} affected)", float(seconds), 5.0
    )
    report("E4", "megabytes at the peak of that, the live state included", float(megabytes), 600.0)


def _compare(connection: Connection, policy: Policy) -> tuple[list[float], list[float]]:
    """Return the seconds of plans without and with effects."""
    times: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(ROUNDS):
        for with_effects in (False, True):
            times[with_effects].append(_plan(connection, policy, with_effects=with_effects))
    return times[False], times[True]


@contextmanager
def _sandbox() -> Iterator[Connection]:
    command = [sys.executable, "-m", "reconciler", "sandbox", "--seed", SEED, "--print-json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            yield Connection(url=ready["url"], token=ready["tokens"]["user-admin"])
        finally:
            process.terminate()


def _policy(connection: Connection, *, everyone: bool) -> Policy:
    """What is live, managed exactly, with a few changes in it; among them the budget of everybody, or not."""
    with open_reader(connection) as reader:
        directory = reader.directory()
        organization = min(directory.organizations.values())
        groups = [group for group in directory.groups.values() if group.organization_id == organization.id]
        budgets = reader.group_budgets(groups)
        users = list(directory.users.values())
        overrides = reader.people(users, directory).overrides
    live = [(group, budget) for group in groups if isinstance(budget := budgets[group.id], Budget)]
    live.sort(key=lambda item: (item[0].is_everyone != everyone, item[0]))
    entries = [
        GroupBudgetEntry(
            group=group.name,
            limit=Micros(budget.limit_micros * (2 if n < GROUPS_CHANGED else 1)),
            reason="",
            place=HERE,
        )
        for n, (group, budget) in enumerate(live)
    ]
    own = [(user, own) for user in sorted(users) if isinstance(own := overrides[user.id], Budget)]
    listed = [
        UserOverrideEntry(
            user=user.id,
            group=one.group.id,
            limit=Micros(one.limit_micros // (2 if n < OVERRIDES_CHANGED else 1)),
            reason="",
            starts=None,
            expires=None,
            place=HERE,
        )
        for n, (user, one) in enumerate(own)
    ]
    return Policy(
        organization=organization.name,
        place=HERE,
        group_budgets_managed=Manage.EXACT,
        user_overrides_managed=Manage.EXACT,
        group_budgets=tuple(entries),
        user_overrides=tuple(listed),
        guardrails=(),
        allow=(),
    )


def _plan(connection: Connection, policy: Policy, *, with_effects: bool) -> float:
    """Return the seconds that a plan takes, from the first request."""
    started = time.perf_counter()
    with open_reader(connection) as reader:
        proposal = _propose(reader, policy)
        if with_effects:
            find_verdict(proposal, find_effects(proposal, reader))
    return time.perf_counter() - started


def _propose(reader: CoderReader, policy: Policy) -> Proposal:
    directory = reader.directory()
    resolution = resolve((policy,), directory, at=NOW)
    desired = resolution.desired
    snapshot = take_snapshot(desired, directory, reader)
    actions = in_order(diff(desired, snapshot).actions)
    assert len(actions) == GROUPS_CHANGED + OVERRIDES_CHANGED
    return Proposal(
        actions=actions, snapshot=snapshot, policies=resolution.policies, desired=desired, moment=present(NOW)
    )
