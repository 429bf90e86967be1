"""The shell of the tests of the command line."""

from __future__ import annotations

from tests.cli.conftest import shell

__all__ = ["shell"]
