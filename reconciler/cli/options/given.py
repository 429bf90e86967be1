"""Which options stand on the command line: one that would change nothing there is a mistake, and is said."""

from __future__ import annotations

import click


def is_given(name: str) -> bool:
    """Whether a parameter of the running command stands on its command line; a variable and a default do not count."""
    ctx = click.get_current_context()
    return ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
