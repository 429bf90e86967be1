"""The pictures of docs/life-of-a-change.md show what the workflow's jobs say today."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.life import facts_of, play, text_of
from tests.site.pages import DOCS


@pytest.mark.today_only
def test_the_pictures_state_what_the_jobs_say(tmp_path: Path) -> None:
    page = (DOCS / "life-of-a-change.md").read_text(encoding="utf-8")
    for scene in play(tmp_path):
        assert f"pictures/{scene.file.name}" in page
        hint = "draw it anew: python -m tests.browser.life"
        assert facts_of(text_of(scene.file)) == facts_of(scene.text), hint
        assert facts_of(scene.text)
