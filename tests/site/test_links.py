"""No link of a page leads to a file or a heading that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.site.pages import ROOT, links, pages


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    wrong = {link.target: link.problem for link in links(page) if link.problem}
    assert not wrong
