"""The reference is made from the code: its parts are what the code says today, and each part has a page."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from reconciler.render.formats import FORMATS
from tests.site.generated import PARTS, generate, parts_of
from tests.site.pages import DOCS, ROOT, user_pages

PAGES = [page for page in user_pages() if parts_of(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_a_generated_part_is_what_the_code_says(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    if os.environ.get("UPDATE_GOLDEN"):
        page.write_text(generate(text), encoding="utf-8")
        return
    assert generate(text) == text


def test_every_part_stands_on_one_page() -> None:
    names = [name for page in PAGES for name, _ in parts_of(page.read_text(encoding="utf-8"))]
    assert sorted(names) == sorted(PARTS)


def test_the_page_of_formats_says_what_each_is_for() -> None:
    page = (DOCS / "reference" / "formats.md").read_text(encoding="utf-8")
    first = page.partition("<!-- generated")[0]
    assert re.findall(r"^\| `(\w+)` \|", first, re.MULTILINE) == list(FORMATS)


def test_every_variable_that_the_code_reads_is_described() -> None:
    """Those of CI systems are in cli/ci.py and cli/checkout.py, with their source; the sandbox reads none."""
    code = "".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "reconciler").rglob("*.py")
        if path.name not in ("ci.py", "checkout.py") and "sandbox" not in path.parts
    )
    pattern = r"environ(?:ment)?(?:\.get\(|\.pop\(|\[)\s*\"([A-Za-z_]+)\""
    read = set(re.findall(pattern, code)) | set(re.findall(r"envvar=\"(\w+)\"", code))
    page = (DOCS / "reference" / "environment.md").read_text(encoding="utf-8")
    assert len(read) > 9
    assert {name for name in read if f"`{name}`" not in page} == set()
