"""Shared by the tests of the command line: a company that nobody writes to, and a shell beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.coder import retry
from reconciler.sandbox import Sandbox
from tests.cli.running import COMPANY, Shell


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """An empty working directory, and no Coder in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(retry, "FIRST_WAIT_S", 0.0)
    return Shell(tmp_path, monkeypatch, capsys)


@pytest.fixture(scope="module")
def company() -> Iterator[Sandbox]:
    """The demo company, at one instant for ever; tests of a module share it and leave it as it is."""
    with Sandbox(COMPANY) as sandbox:
        yield sandbox


@pytest.fixture
def coder(shell: Shell, company: Sandbox) -> Shell:
    """A shell connected to the company as its budget pipeline."""
    return shell.connect(company)
