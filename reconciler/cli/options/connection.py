"""The options about how to speak to Coder."""

from __future__ import annotations

import functools
import os
from typing import Any

import click

from reconciler.cli.options import Command
from reconciler.cli.sections import ConnectionOption
from reconciler.cli.server import ServerOptions


class Parallelism(click.IntRange):
    """A number, or `auto`, which becomes None."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "auto":
            return None
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} must be auto, or a whole number from {self.min} to {self.max}", param, ctx)


def server(function: Command) -> Command:
    """--parallelism, --max-requests, --max-wait and --debug; the command gets a `server` that can be opened."""

    @click.option(
        "--parallelism", type=Parallelism(1, 128), default="auto", show_default=True, metavar="auto|N",
        cls=ConnectionOption, envvar="RECONCILER_PARALLELISM", show_envvar=True,
        help="Reads in flight at once, found out from the answers; writes use at most half of them.",
    )  # fmt: skip
    @click.option(
        "--max-requests", type=click.IntRange(min=1), metavar="N",
        cls=ConnectionOption, envvar="RECONCILER_MAX_REQUESTS", show_envvar=True,
        help="Stop before it starts a read, or the first write, that would need more requests than this.",
    )  # fmt: skip
    @click.option(
        "--max-wait", type=click.IntRange(min=0), default=300, show_default=True, metavar="SECONDS",
        cls=ConnectionOption, envvar="RECONCILER_MAX_WAIT", show_envvar=True,
        help="Longest wait for Coder in total (rate limits, restarts).",
    )  # fmt: skip
    @click.option(
        "--debug", is_flag=True, cls=ConnectionOption,
        help="Show each request on stderr: method, path, status, time. Also by RECONCILER_LOG=debug.",
    )  # fmt: skip
    @functools.wraps(function)
    def wrapper(
        *args: Any, parallelism: int | None, max_requests: int | None, max_wait: int, debug: bool, **kwargs: Any
    ) -> Any:
        options = ServerOptions(
            parallelism=parallelism,
            max_requests=max_requests,
            max_wait_s=max_wait,
            shows_requests=debug or os.environ.get("RECONCILER_LOG", "").lower() == "debug",
        )
        return function(*args, server=options, **kwargs)

    return wrapper
