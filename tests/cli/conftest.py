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
def shared() -> Iterator[Sandbox]:
    """The demo company, at one instant for ever."""
    with Sandbox(COMPANY) as sandbox:
        yield sandbox


@pytest.fixture
def company(shared: Sandbox) -> Iterator[Sandbox]:
    """The company that the tests of a module share: each leaves it as it is, so that they may run in any order."""
    written = "SELECT count(*) FROM audit_logs"
    before = shared.execute(written)
    yield shared
    assert shared.execute(written) == before, "this test writes to the company of others; let it take `own`"


@pytest.fixture
def coder(shell: Shell, company: Sandbox) -> Shell:
    """A shell connected to the company as its budget pipeline."""
    return shell.connect(company)


@pytest.fixture
def own(shell: Shell) -> Iterator[Shell]:
    """The same with a company of its own, for a test that writes."""
    with Sandbox(COMPANY) as sandbox:
        yield shell.connect(sandbox)
