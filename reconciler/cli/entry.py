"""The door: answer `--help`, `COMMAND --help`, `--version` and their other spellings before anything is imported.

Everything else is handed to app.py. Looking something up must cost no more than starting Python, and importing click
alone costs twice that again. The texts are click's own, kept in help/; tests/cli/test_help.py compares them, and writes
them when UPDATE_GOLDEN=1 is set.
"""

from __future__ import annotations

import gc
import os
import sys

_SYSTEM = os.name
COMPLETE = "_RECONCILER_COMPLETE"
"""Set by the shell when it asks click what may come next; then the arguments are not a command to run."""


def main() -> int:
    """Run the command line in `sys.argv`; return the exit code."""
    arguments = _usual(sys.argv[1:])
    if os.environ.get(COMPLETE, "").endswith("_source"):  # click's own way to a script starts bash to ask its version
        arguments = ["completion", os.environ.pop(COMPLETE).removesuffix("_source")]
    is_completing = COMPLETE in os.environ
    text = "" if is_completing else _help(arguments)
    if text:
        return _print(text)
    if arguments == ["--version"] and not is_completing:
        from reconciler import __version__

        return _print(f"reconciler {__version__}\n")
    if _SYSTEM != "posix":
        return _refuse("Error: reconciler does not run on Windows; run it on Linux or macOS, or in WSL.\n")
    try:
        gc.disable()  # a command lives for seconds; looking for cycles, of which it has none, took a tenth of a plan
        from reconciler.cli.app import run

        return run(arguments)
    except KeyboardInterrupt:  # before or after the commands, which answer for themselves
        return 130
    finally:
        gc.freeze()  # Python looks through everything for cycles when it ends, a sixth of a plan of nothing


def _usual(arguments: list[str]) -> list[str]:
    """Return the usual spelling of `help`, `help COMMAND`, `version`, `-V` and Terraform's; any other unchanged."""
    match arguments:
        case ["help" | "-help"]:
            return ["--help"]
        case ["help", command] | [command, "-help"]:
            return [command, "--help"]
        case ["version" | "-V" | "-version"]:
            return ["--version"]
        case _:
            return arguments


def _help(arguments: list[str]) -> str:
    """Return the kept help that is asked for; empty when anything else is."""
    match arguments:
        case [] | ["--help" | "-h"]:
            name = "_all"
        case [command, "--help" | "-h"] if command.isalpha():
            name = command
        case _:
            return ""
    try:
        with open(os.path.join(os.path.dirname(__file__), "help", f"{name}.txt"), encoding="utf-8") as file:
            return file.read()
    except OSError:  # not a command, or none that has its text yet
        return ""


def _refuse(sentence: str) -> int:
    if sys.stderr is not None:
        sys.stderr.write(sentence)
    return 1


def _print(text: str) -> int:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except AttributeError:  # never open
        return 1
    except OSError:  # closed by the reader, or full; Python's own flush at exit must not fail again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0
