"""Shared by the sandbox's tests: a running sandbox and callers that carry a role's token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from reconciler.sandbox import Options, Sandbox
from tests.sandbox_server.callers import Start, World, new_client


@pytest.fixture
def start() -> Iterator[Start]:
    """Return a function that starts a sandbox; all of them are stopped at the end."""
    with ExitStack() as stack:

        def run(options: Options | None = None, **changes: Any) -> World:
            sandbox = stack.enter_context(Sandbox(replace(options or Options(), **changes)))
            client = stack.enter_context(new_client(sandbox.url))
            return World(sandbox, client)

        yield run


@pytest.fixture
def world(start: Callable[..., World]) -> World:
    """Return a fresh sandbox with the demo company, as the newest Coder."""
    return start()
