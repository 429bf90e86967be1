"""How often a plan waits for the server: the longest chain of requests of which each had to wait for the one before.

The sandbox counts it. A slow machine can only make the chain longer, so a longer one is tried again with more latency.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.coder.client import open_reader
from reconciler.core.moment import present
from reconciler.core.policy import Manage
from reconciler.operations.plan import PlanRequest, make_plan
from reconciler.sandbox import Options, Sandbox
from tests.coder.helpers import connection_to
from tests.effects.test_operation import policy
from tests.effects.worlds import NOW

LATENCIES_S = (0.1, 0.5, 2.0)
UNCHANGED, CHANGED = policy({"platform": 500}), policy({"platform": 400, "Everyone": 30}, {"ana": (1000, "platform")})
EXACT = replace(UNCHANGED, user_overrides_managed=Manage.EXACT)
NO_OVERRIDES = policy({"platform": 400})


@pytest.mark.parametrize(
    ("version", "wanted", "rounds"),
    [
        ("2.37", UNCHANGED, 3),
        ("2.37", CHANGED, 4),
        ("2.36", UNCHANGED, 3),
        ("2.37", EXACT, 4),
        ("2.35", UNCHANGED, 3),
        ("2.36", CHANGED, 6),
        ("2.34", NO_OVERRIDES, 5),
    ],
)
def test_a_plan_waits_as_seldom_as_its_ids_allow(version: str, wanted: object, rounds: int) -> None:
    """3: who and what, lists, budgets beside overrides. With changes: what the effects need, beside spend."""
    assert min_rounds(version, wanted, rounds) == rounds


def min_rounds(version: str, wanted: object, rounds: int) -> int:
    found = 0
    for latency_s in LATENCIES_S:
        options = Options(coder_version=version, latency_s=latency_s)
        with Sandbox(options) as sandbox, open_reader(connection_to(sandbox)) as reader:
            request = PlanRequest(policies=(wanted,), sources=(), moment=present(NOW))  # type: ignore[arg-type]
            make_plan(request, reader)
            found = len(sandbox.critical_path())
        if found <= rounds:
            break
    return found
