"""Shared by the tests of apply: a sandbox with a folder to run commands in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.sandbox import Options, Sandbox
from tests.apply.site import Site
from tests.chaos.commands import Launcher


@pytest.fixture
def site(tmp_path: Path, launcher: Launcher) -> Iterator[Site]:
    """The demo company on 2.37, and an empty folder beside it."""
    folder = tmp_path / "work"
    folder.mkdir()
    with Sandbox(Options()) as sandbox:
        yield Site(sandbox, folder, launcher)
