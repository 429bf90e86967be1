"""`reconciler completion`: print the script that completes commands, options and values in a shell."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from reconciler.cli import exits
from reconciler.cli.entry import COMPLETE
from reconciler.cli.streams import write

SHELLS: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
NAMES = ("reconciler", "coder-budgets")
"""The commands that we install; both are completed."""


@click.command("completion")
@click.argument("shell", type=click.Choice(list(SHELLS)))
def command(shell: str) -> int:
    """Print a script that completes commands, options, hazards, organizations and saved plans.

    \b
    bash:  source <(reconciler completion bash)            in ~/.bashrc
    zsh:   source <(reconciler completion zsh)             in ~/.zshrc
    fish:  reconciler completion fish | source             in config.fish

    Organizations and addresses come from the policies in `policies`; no server
    is asked.
    """
    program = click.Command("reconciler")
    # ShellComplete.source, not the subclass's: that of bash starts bash to ask its version.
    scripts = [ShellComplete.source(SHELLS[shell](program, {}, name, COMPLETE)) for name in NAMES]
    write("\n".join(script.strip("\n") for script in scripts))
    return exits.DONE
