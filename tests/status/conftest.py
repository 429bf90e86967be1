"""The same shell as the command line's tests have."""

from tests.cli.conftest import shell

__all__ = ["shell"]
