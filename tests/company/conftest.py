"""What tests of a company share: the shell of the tests of the command line, and a Coder whose clock is stopped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import time_machine

from reconciler.sandbox import Options, Sandbox
from tests.cli.conftest import shell
from tests.cli.running import NOW

__all__ = ["shell"]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(Options(now=NOW)) as sandbox, time_machine.travel(NOW, tick=False):
        yield sandbox
