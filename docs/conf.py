"""The documentation site: Sphinx with MyST reads the Markdown pages as they are. `make site` builds it.

A page is plain Markdown, so that it reads the same in the repository. The navigation stands here; a page that is not in
it, and a link that leads nowhere, end the build.
"""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx

from reconciler import __version__

project = "reconciler"
author = "The reconciler maintainers"
version = release = __version__
extensions = ["myst_parser"]
exclude_patterns = ["developers"]
nitpicky = True
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"reconciler {__version__}"
html_copy_source = False
html_show_sphinx = html_show_copyright = False

HERE = Path(__file__).parent
SOURCE = "https://github.com/acme/coder-budget-reconciler/blob/main"
"""Where links lead that leave the site: to the repository, as pyproject.toml names it."""
NAVIGATION = {
    "Learn": ("tutorial", "life-of-a-change"),
    "Do": tuple(f"how-to/{name}" for name in (
        "adopt", "terraform", "everyday", "pipelines", "tokens", "guardrails", "grants", "revert", "forks",
        "organizations", "on-call", "troubleshooting",
    )),
    "Look up": tuple(f"reference/{name}" for name in (
        "commands", "policy", "hazards", "guardrails", "formats", "documents", "exit-codes", "environment", "metrics",
        "sandbox",
    )),
    "Understand": tuple(f"explanation/{name}" for name in (
        "limit-rule", "order", "known-unknown", "scale", "performance",
    )),
}  # fmt: skip


def complete(app: Sphinx, name: str, text: list[str]) -> None:
    """Point links that leave the site to the repository, and give the first page its navigation."""
    page = HERE / f"{name}.md"
    text[0] = re.sub(r"(?<=\]\()([^)#:\s]+)(?=[)#])", lambda match: outward(page, match[1]), text[0])
    if name == "index":
        text[0] += "".join(
            f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "\n".join(pages) + "\n```\n"
            for caption, pages in NAVIGATION.items()
        )


def outward(page: Path, target: str) -> str:
    """Return a link's target, or its address in the repository where it is not a page or a picture of the site."""
    file = (page.parent / target).resolve()
    is_outside = not file.is_relative_to(HERE) or file.is_relative_to(HERE / "developers")
    return f"{SOURCE}/{file.relative_to(HERE.parent)}" if is_outside and file.exists() else target


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", complete)
