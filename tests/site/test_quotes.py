"""What a page puts between quotation marks, as a sentence of the tool, the tool says."""

from __future__ import annotations

import re

from tests.site.pages import DOCS, ROOT, user_pages

SAID_BY_PEOPLE = {"My budget is used up", "no longer listed"}
"""Quoted, and not the tool's: what somebody asks, and what a removal would be taken for."""
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_QUOTED = re.compile(r'(?<![=\w])"([A-Za-z][^"\n]{6,80})"')


def test_the_tool_says_what_pages_quote() -> None:
    """A page told of "entries without effect", which the tool had not said for a while."""
    code = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "reconciler").rglob("*.py")))
    code = re.sub(r'"\s*\n\s*f?"', "", code).lower()
    quoted = {
        (str(page.relative_to(DOCS)), sentence)
        for page in user_pages()
        for sentence in _QUOTED.findall(_FENCED.sub("", page.read_text(encoding="utf-8")))
        if page.name != "commands.md" and sentence not in SAID_BY_PEOPLE
    }
    assert len(quoted) > 3
    assert {row for row in quoted if row[1].lower() not in code} == set()
