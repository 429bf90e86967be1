"""The pictures of a comment and of a page in README and docs: a real plan of a company of 300 people, in Chromium.

`python -m tests.browser.pictures` draws them anew; it needs Chromium, playwright and a font with emoji.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import cmarkgfm  # type: ignore[import-untyped]
from cmarkgfm.cmark import Options as Rendering  # type: ignore[import-untyped]

from reconciler.sandbox import Options, Sandbox

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
TIERS = "tiers: {starter: $120, standard: $250, senior: $300}\n"
EDITS = (("$200.00", "standard"), ("$400.00", "senior"), ("$150.00", "starter"))
"""What the pull request changes: an amount becomes a tier, wherever it stands."""
REFUSED = 3
"""What `plan` exits with: the picture shows a refusal."""
COMMENT = """<!doctype html><meta charset="utf-8"><style>
body{font:14px/1.5 system-ui,"DejaVu Sans",sans-serif;margin:0;padding:18px 22px}
table{border-collapse:collapse;margin:0 0 14px}td,th{border:1px solid #d1d9e0;padding:5px 11px}
tr:nth-child(2n){background:#f6f8fa}code{background:#eff1f3;border-radius:5px;padding:2px 5px;font-size:85%}
pre{background:#f6f8fa;padding:10px;border-radius:6px}pre code{background:none;padding:0}h3{margin:0 0 12px}
blockquote{margin:0 0 14px;padding:2px 14px;border-left:4px solid #cf222e}
a{color:#0969da;text-decoration:none}sub{color:#59636e}
</style>"""


def draw() -> None:
    """Write docs/pictures/comment.png and page.png."""
    from playwright.sync_api import sync_playwright

    _require_sign()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _plan(folder)
        comment = (folder / "plan.md").read_text(encoding="utf-8")
        rendered = cmarkgfm.github_flavored_markdown_to_html(comment, options=Rendering.CMARK_OPT_UNSAFE)
        rendered = re.sub(r"<p>\[!CAUTION\]", "<p><b style='color:#cf222e'>Caution</b><br>", rendered)
        (folder / "comment.html").write_text(COMMENT + rendered, encoding="utf-8")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            for source, target, width in (("comment", "comment", 1024), ("plan", "page", 1200)):
                page = browser.new_page(viewport={"width": width, "height": 600})
                page.goto((folder / f"{source}.html").as_uri())
                page.screenshot(path=PICTURES / f"{target}.png", full_page=True)
            browser.close()


def _require_sign() -> None:
    """Exit unless a font has the sign of a refusal: without one the comment shows an empty box, and nothing fails."""
    fonts = subprocess.run(["fc-list", f":charset={ord('⛔'):x}"], capture_output=True, text=True, check=True).stdout
    if not fonts:
        sys.exit("No font here has the sign of a refusal; on Debian: apt-get install fonts-noto-color-emoji")


def _plan(folder: Path) -> None:
    with Sandbox(Options(seed="300-users,30-groups")) as sandbox:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "CODER_URL": sandbox.url,
            "CODER_SESSION_TOKEN": sandbox.tokens["user-admin"],
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": "acme/ai-budgets",
            "GITHUB_SHA": "0123456789abcdef",
        }
        command = [sys.executable, "-m", "reconciler"]
        policy = subprocess.run(
            [*command, "export"], cwd=folder, env=environment, capture_output=True, text=True, check=True
        ).stdout
        for before, after in EDITS:
            policy = policy.replace(before, after)
        (folder / "policies").mkdir()
        (folder / "policies" / "acme.yaml").write_text(policy + TIERS, encoding="utf-8")
        saves = ("--save", "html=plan.html", "--save", "markdown=plan.md")
        ran = subprocess.run(
            [*command, "plan", *saves], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert ran.returncode == REFUSED, ran.stderr


if __name__ == "__main__":
    draw()
