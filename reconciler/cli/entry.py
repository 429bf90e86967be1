"""The door: answer `--help` and `--version` before anything is imported, else hand over to app.py.

A CI job calls this program a hundred times a day, half of them to look something up: those two answers cost what
starting Python costs. The help text is click's own, kept in help.txt; a test compares the two.
"""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line in `sys.argv`; return the exit code."""
    arguments = sys.argv[1:]
    if arguments in (["--help"], ["-h"], []):
        return _print_file("help.txt")
    if arguments == ["--version"]:
        from reconciler import __version__

        return _print(f"reconciler {__version__}\n")
    try:
        from reconciler.cli.app import run

        return run(arguments)
    except KeyboardInterrupt:  # before or after the commands, which answer for themselves
        return 130


def _print_file(name: str) -> int:
    with open(__file__.replace("entry.py", name), encoding="utf-8") as file:
        return _print(file.read())


def _print(text: str) -> int:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except (OSError, AttributeError):  # closed by the reader, or never open
        return 1
    return 0
