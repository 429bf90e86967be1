"""What an apply costs: two requests for each changed object, and two bulk reads a run; laws 1 and 2 with them."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from random import Random

import pytest

from reconciler.coder.pool import Workers
from reconciler.core.moment import present
from reconciler.core.plan.outcome import Outcome
from reconciler.core.plan.plan import Plan
from reconciler.operations.apply import apply_plan
from reconciler.operations.execution import Run
from reconciler.operations.plan import PlanRequest, make_plan
from reconciler.policy_file.load import Loaded, load
from reconciler.sandbox import COST_CONTROL_EXPERIMENT, Options, Sandbox
from tests.apply.site import Site
from tests.chaos.company import live_state, random_company, settle
from tests.coder.helpers import StillWorld, connection_to

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
KINDS = {
    "GET /api/v2/groups/*/ai/budget": "single",
    "GET /api/v2/users/*/ai/budget/override": "single",
    "GET /api/v2/organizations/*/groups/ai/spend": "bulk",
    "GET /api/v2/groups/*/members/ai/spend": "bulk",
    "GET /api/v2/users/me/ai/budget/override": "route",
    "POST /api/v2/authcheck": "permission",
}


def cost(site: Site) -> Counter[str]:
    """Return what `apply` sent beyond the plan of the same policies, by kind."""
    site.sandbox.forget_requests()
    assert site.run("plan").code == 0
    for_the_plan = _kinds(site)
    site.sandbox.forget_requests()
    assert site.apply().code == 0
    return _kinds(site) - for_the_plan


def _kinds(site: Site) -> Counter[str]:
    asked = (f"{request.method} {UUID.sub('*', request.path.partition('?')[0])}" for request in site.sandbox.requests)
    return Counter("write" if one.startswith(("PUT", "DELETE")) else KINDS.get(one, one) for one in asked)


@pytest.mark.parametrize(
    ("entries", "changed"),
    [
        (["platform: $600"], 1),
        (["platform: $600", "design: none", "eng: $70", "finance: $80"], 4),
    ],
)
def test_a_group_costs_two_requests(site: Site, entries: list[str], changed: int) -> None:
    """The GET and the PUT or DELETE; a bulk read before and one behind them all; one question for permission."""
    site.policy(*entries)
    assert cost(site) == {"write": changed, "single": changed, "bulk": 2, "permission": 1}


def test_a_person_costs_two_requests(site: Site) -> None:
    """The same; and a run asks once for the route of overrides, and once whether it may read everybody."""
    site.policy("ana platform: $1,600", "bob platform: $7", "eve data: $90")
    assert cost(site) == {"write": 3, "single": 3, "bulk": 2, "permission": 2, "route": 1}


def test_nothing_to_do_costs_nothing_more(site: Site) -> None:
    """Law 1: a policy that live matches is applied without a single request beyond those of its plan."""
    site.policy("platform: $500", "design: $150", "ana platform: $1,500")
    assert cost(site) == {}
    assert site.journals == []


class _Never:
    """Nobody interrupts."""

    requested = False

    def begin_writing(self) -> None:
        """Take notice."""


class _Kept:
    """A journal in memory."""

    def __init__(self) -> None:
        self.events: list[object] = []

    def __enter__(self) -> _Kept:
        return self

    def __exit__(self, *_: object) -> None:
        """Keep it."""

    def append(self, event: object) -> None:
        self.events.append(event)

    def flush(self) -> None:
        """It is as safe as it gets."""


@pytest.mark.parametrize("version", ["2.35", "2.36", "2.37"])
@pytest.mark.parametrize("first", range(0, 40, 10))
def test_plan_apply_plan_is_empty(version: str, first: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Laws 1 and 2 with the real executor and client, on random companies and every generation with overrides."""
    for seed in range(first, first + 10):
        company = random_company(Random(seed))
        folder = tmp_path_factory.mktemp("company") / "policies"
        company.write_policies(folder)
        loaded = load([str(folder)])
        with Sandbox(Options(seed="empty", coder_version=version, experiments=(COST_CONTROL_EXPERIMENT,))) as sandbox:
            settle(company, sandbox)
            wanted = company.wanted(live_state(sandbox))
            plan, outcome = _plan_and_apply(sandbox, loaded)
            assert outcome.is_complete
            assert wanted == live_state(sandbox), seed
            writes = _writes(sandbox)
            assert len(plan.actions) == writes, seed
            again, outcome = _plan_and_apply(sandbox, loaded)
            assert not again.has_changes
            assert outcome.is_complete
            assert writes == _writes(sandbox)


def _plan_and_apply(sandbox: Sandbox, loaded: Loaded) -> tuple[Plan, Outcome]:
    from reconciler.coder.client import open_reader, open_writer

    connection, world = connection_to(sandbox), StillWorld().world()
    with open_reader(connection, world=world) as reader, open_writer(connection, world=world) as writer:
        plan = make_plan(
            PlanRequest(policies=loaded.policies, sources=loaded.sources, moment=present(datetime.now(UTC))),
            reader,
        ).plan
        run = Run(id="x", tool="t", who="w", revision="", clock=lambda: datetime.now(UTC), pool=Workers(4))
        return plan, apply_plan(plan, reader, writer, open_journal=_Kept, run=run, stop=_Never())


def _writes(sandbox: Sandbox) -> int:
    return sum(request.method in ("PUT", "DELETE") for request in sandbox.requests)
