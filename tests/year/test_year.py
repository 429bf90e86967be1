"""A month of a small company; `make year` runs a whole year of a company of 300."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.year.life import company_of


def test_a_month_in_the_life_of_a_company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is stopped by somebody else's entry, grants end within the hour, differences have their true origin."""
    monkeypatch.chdir(tmp_path)
    for name in ("CODER_URL", "CODER_SESSION_TOKEN"):
        monkeypatch.setenv(name, "")  # so that what the run sets does not outlive it
    with company_of(40, 6, tmp_path, seed=2) as life:
        record = life.live(28)
    assert record.wrong == []
    assert record.counts["hours"] == 28 * 24
    for what in ("leavers", "joiners", "syncs", "edits by hand", "grants ended", "differences: orphan"):
        assert record.counts[what] > 0, what
