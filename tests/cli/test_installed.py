"""The hint for a missing optional part names our package, and the installer that this copy came with."""

from __future__ import annotations

import json
import re
import shlex
import sys
from importlib import metadata
from pathlib import Path

import pytest

from reconciler import __version__
from reconciler.cli import installed

ROOT = Path(__file__).parents[2]
URL = "https://example.com/reconciler-0.1.0.whl"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
PIP = [sys.executable, "-m", "pip", "install"]
OURS = "coder-budget-reconciler[sandbox]"


class Copy:
    """An installed distribution that came from somewhere."""

    def __init__(self, origin: object) -> None:
        self._origin = origin

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return json.dumps(self._origin) if self._origin else None


@pytest.mark.parametrize(
    ("origin", "marker", "expected"),
    [
        (None, "", [*PIP, f"{OURS}=={__version__}"]),
        (None, "pipx_metadata.json", ["pipx", "install", "--force", f"{OURS}=={__version__}"]),
        (None, "uv-receipt.toml", ["uv", "tool", "install", "--force", f"{OURS}=={__version__}"]),
        ({"url": "file:///home/ana/clone", "dir_info": {}}, "", [*PIP, "/home/ana/clone[sandbox]"]),
        (
            {"url": "file:///home/ana/a%20clone", "dir_info": {"editable": True}},
            "",
            [*PIP, "--editable", "/home/ana/a clone[sandbox]"],
        ),
        ({"url": URL, "archive_info": {}}, "", [*PIP, f"{OURS} @ {URL}"]),
        (
            {"url": "https://example.com/r.git", "vcs_info": {"vcs": "git", "commit_id": COMMIT}},
            "pipx_metadata.json",
            ["pipx", "install", "--force", f"{OURS} @ git+https://example.com/r.git@{COMMIT}"],
        ),
    ],
)
def test_the_command_fits_the_installation(
    origin: object, marker: str, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "distribution", lambda name: Copy(origin))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    if marker:
        (tmp_path / marker).touch()
    assert shlex.split(installed.command_to_add("sandbox")) == expected


def test_a_checkout_that_nobody_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    assert shlex.split(installed.command_to_add("sandbox")) == [*PIP, "--editable", f"{ROOT}[sandbox]"]


def test_no_file_installs_a_package_that_is_not_ours() -> None:
    """`reconciler` on the package index is a stranger's, and `pip install -U reconciler` would replace ours."""
    stranger = re.compile(
        r"(?:pip|pipx|uv tool|uv pip)\s+(?:install|run|upgrade)\b[^\n]*?"
        r"[\s'\"]reconciler(?:\[[a-z,]*\])?(?:[=<>~!][^\s]*)?['\"\s`]"
    )
    folders = [ROOT / name for name in ("reconciler", "docs", "deploy", ".github", "schemas")]
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    files += [file for file in ROOT.iterdir() if file.is_file()]
    assert stranger.search("pip install 'reconciler[sandbox]'")
    for file in files:
        if file.suffix not in (".pyc", ".svg", ".png"):
            assert not stranger.search(file.read_text(encoding="utf-8", errors="replace") + "\n"), file
