"""Every page as an HTML linter and an accessibility checker see it. Not part of `make test`: both come by npm.

PATH="$(.ci/install-tools):$PATH" .venv/bin/python -m pytest tests/browser/linted.py
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from tests.browser.test_page import CHROMIUM, pages, shell
from tests.cli.running import Shell
from tests.status.helpers import company

__all__ = ["pages", "shell"]

LINTER = Path(shutil.which("html-validate") or "html-validate is not on PATH")
RULES = {
    "extends": ["html-validate:recommended", "html-validate:a11y"],
    "rules": {
        # Safari forgets what a table is where a telephone shows its rows one below the other.
        "no-redundant-role": "off",
        "long-title": "off",
        "doctype-style": "off",
    },
}
WRONG = "<!doctype html><html><body><p id=a><div id=a></div></p><img src=x><table><tr><td>1</table></body></html>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def every_page(pages: dict[str, Path], shell: Shell) -> list[Path]:
    """The pages of all commands; those of one person and of everybody from a live company."""
    shell.policy("version: 1\norganization: acme\ngroup_budgets: [{group: platform, limit: $1}]\n")
    with company(shell, seed="demo", role="auditor"):
        assert shell.run("status", "--save=html=status.html").code == 0
        assert shell.run("explain", "ana", "--save=html=explain.html").code == 0
        assert shell.run("plan", "--save=html=refused.html").code == 0
    ours = [path for name, path in pages.items() if name != "company"]  # which is the plan once more, and long
    return [*ours, *(shell.folder / f"{name}.html" for name in ("status", "explain", "refused"))]


def linted(folder: Path, *files: Path) -> set[str]:
    """Return the rules that the pages break, by file."""
    (folder / ".htmlvalidate.json").write_text(json.dumps(RULES), encoding="utf-8")
    command = [str(word) for word in (LINTER, "--config", folder / ".htmlvalidate.json", "--formatter", "json", *files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return {
        f"{Path(file['filePath']).name}:{message['line']}: {message['message']}"
        for file in json.loads(done.stdout)
        for message in file["messages"]
    }


def barriers(browser: Any, file: Path, *, width: int, scheme: str) -> list[str]:
    """Return what keeps somebody from using a page, by axe-core."""
    axe = LINTER.resolve().parents[2] / "axe-core" / "axe.min.js"
    page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True)
    try:
        page.goto(file.as_uri())
        page.add_script_tag(path=axe)
        found = page.evaluate("axe.run()")
        assert found["passes"]
        return [f"{file.name}: {rule['help']}: {rule['nodes'][0]['html']}" for rule in found["violations"]]
    finally:
        page.close()


def test_pages_are_html_that_keeps_nobody_out(browser: Any, every_page: list[Path], tmp_path: Path) -> None:
    assert linted(tmp_path, *every_page) == set()
    for width, scheme in ((360, "dark"), (1600, "light")):
        assert [line for file in every_page for line in barriers(browser, file, width=width, scheme=scheme)] == []


def test_both_see_a_page_that_is_wrong(browser: Any, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.html"
    wrong.write_text(WRONG, encoding="utf-8")
    assert any("Duplicate ID" in line for line in linted(tmp_path, wrong))
    assert any("alternative text" in line for line in barriers(browser, wrong, width=1600, scheme="light"))
