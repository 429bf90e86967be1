"""The Markdown pages of the repository, and where their links lead."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_FENCED = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link from one page to a file of the repository."""

    page: Path
    target: str

    @property
    def problem(self) -> str:
        """What is wrong with the link; empty if nothing is."""
        path, _, anchor = self.target.partition("#")
        file = (self.page.parent / path).resolve() if path else self.page
        if not file.exists():
            return "there is no such file"
        if anchor and anchor not in anchors(file):
            return "the page has no such heading"
        return ""


def pages() -> list[Path]:
    """Return every Markdown page of the repository that people read, in order."""
    top = [path for path in ROOT.glob("*.md") if path.is_file()]
    return sorted([*top, *DOCS.rglob("*.md"), *(ROOT / "tests").rglob("README.md")])


def links(page: Path) -> list[Link]:
    """Return a page's links to files and headings; not those to other sites."""
    text = _CODE.sub("", _FENCED.sub("", page.read_text(encoding="utf-8")))
    targets = [target for target in _LINK.findall(text) if not re.match(r"[a-z]+:", target)]
    return [Link(page=page, target=target) for target in targets]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in _HEADING.findall(text)}


def user_pages() -> list[Path]:
    """Return the pages of the site: all of docs/ but what is for those who work on reconciler."""
    return [page for page in sorted(DOCS.rglob("*.md")) if "developers" not in page.parts]
