"""The command line as a whole: which commands there are, and what becomes of an error.

Commands are imported when they are called. Every error of ours ends here, as one clear message and one exit code; only
a bug passes through, with its traceback.
"""

from __future__ import annotations

from importlib import import_module
from typing import cast

import click

from reconciler.cli import exits
from reconciler.cli.screen import report_error
from reconciler.errors import ReconcilerError

COMMANDS = (
    "validate", "plan", "apply", "drift", "show", "revert", "export", "explain", "sandbox", "demo", "schema",
)  # fmt: skip


class LazyGroup(click.Group):
    """Finds `plan` in reconciler/cli/plan.py when it is called, and imports nothing before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return cast(click.Command, import_module(f"reconciler.cli.{cmd_name}").command)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="reconciler", message="reconciler %(version)s")
def reconciler() -> None:
    """Keep AI budgets on Coder as a policy in Git.

    A YAML policy lists group budgets and user overrides. `plan` shows what would change and what that does to people
    and money, `apply` makes it so, `drift` tells what somebody changed by hand.

    The deployment is named by CODER_URL and CODER_SESSION_TOKEN (and CODER_HEADER), else by the Coder CLI's login.

    \b
    Exit codes: 0 done, or nothing to do · 1 error · 2 differences (drift, plan --detailed-exitcode)
                3 refused, nothing written · 4 incomplete, see the journal · 130 interrupted
    """


def run(arguments: list[str]) -> int:
    """Run one command; return its exit code."""
    wants_json = "--json" in arguments
    try:
        result = reconciler.main(args=arguments, prog_name="reconciler", standalone_mode=False)
        return result if isinstance(result, int) else exits.DONE
    except click.ClickException as error:
        usage = error.ctx.get_usage() if isinstance(error, click.UsageError) and error.ctx else ""
        report_error(ReconcilerError(error.format_message(), hint=usage), exits.ERROR, wants_json=wants_json)
        return exits.ERROR
    except ReconcilerError as error:
        code = exits.code_of(error)
        report_error(error, code, wants_json=wants_json)
        return code
    except (KeyboardInterrupt, click.Abort):
        report_error(ReconcilerError("Interrupted; nothing was written."), exits.INTERRUPTED, wants_json=wants_json)
        return exits.INTERRUPTED
    except BrokenPipeError:
        return exits.ERROR
