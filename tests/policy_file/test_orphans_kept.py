"""`drift --accept` takes out the entry of somebody who is gone, and of nobody of whom live says nothing."""

from __future__ import annotations

import pytest

from reconciler.core.orphan import Orphan, OrphanReason
from reconciler.core.plan.acceptance import Taking
from reconciler.errors import Place
from reconciler.policy_file.accept import propose_removal


@pytest.mark.parametrize("reason", OrphanReason)
def test_only_what_is_known_to_want_nothing_is_taken_out(reason: OrphanReason) -> None:
    orphan = Orphan(
        address="user/ana", place=Place("p.yaml", 7, 12), organization="acme", reason=reason, message="why", hint="do"
    )
    proposed = propose_removal(orphan)
    kept = {
        OrphanReason.AMBIGUOUS, OrphanReason.CLOCKS_DIFFER, OrphanReason.HIDDEN_GROUP, OrphanReason.HIDDEN_USER,
        OrphanReason.LOST_GRANT, OrphanReason.NOT_OFFERED, OrphanReason.RENAMED, OrphanReason.UNKNOWN_GROUP,
    }  # fmt: skip
    assert proposed.acceptance.taking is (Taking.IMPOSSIBLE if reason in kept else Taking.REMOVE)
    assert bool(proposed.edits) is (reason not in kept)
