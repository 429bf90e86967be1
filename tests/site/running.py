"""Run the blocks of a page as its reader does: in one shell, in an empty folder, beside a sandbox.

What a block is, is said by its language:

    console            commands after `$ `, each with the output that the page shows: stdout, then stderr
    sh                 commands that end with 0, and whose output does not matter
    yaml               `# path.yaml` in its first line: a file that the reader writes
                       `# in path`: lines of a file of this repository

Other languages are not allowed, except `text`, which shows what nobody types and no command prints.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.cli.commands.demo import WRITTEN
from reconciler.sandbox import Options, Sandbox
from tests.patience import PATIENCE_S
from tests.readme.blocks import moved, moved_back, settled
from tests.site.pages import ROOT
from tests.warm import warm_folder

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)\n", re.MULTILINE)
_LINE = re.compile(r"^((?:.*\\\n)*.*)\n", re.MULTILINE)
_END = "\x1e"
_SHELL = """
__code=0
__run() { # the text of a command; prints stdout, stderr and a mark, and keeps the command's exit code for `echo $?`
  (exit "$__code")
  eval "$1" > "$HOME/../out" 2> "$HOME/../err" < /dev/null
  __code=$?
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fenced block of a page."""

    language: str
    text: str

    @property
    def written(self) -> str:
        """The path of the file that the block is; empty if it is none."""
        named = re.match(r"# ([\w./-]+\.\w+)\n", self.text)
        return named[1] if named and self.language == "yaml" else ""

    @property
    def source(self) -> str:
        """The path of the file of this repository whose lines the block shows; empty if there is none."""
        named = re.match(r"# in (\S+)\n", self.text)
        return named[1] if named and self.language == "yaml" else ""

    @property
    def commands(self) -> list[str]:
        if self.language == "console":
            return _COMMAND.findall(self.text)
        lines = _LINE.findall(self.text) if self.language == "sh" else []
        return [line for line in lines if line.strip() and not line.startswith("#")]

    @property
    def outputs(self) -> list[str]:
        """What the page shows below each command."""
        return _COMMAND.split(self.text)[2::2] if self.language == "console" else []

    @property
    def problem(self) -> str:
        """What is wrong with a block that is not run; empty if nothing is."""
        if self.language not in ("console", "sh", "yaml", "text"):
            return f"nobody runs a block of {self.language or 'no language'}"
        if self.source:
            shown = textwrap.dedent(self.text.partition("\n")[2])
            return "" if shown in _dedented(ROOT / self.source) else f"{self.source} has other lines"
        if self.language == "yaml" and not self.written:
            return "a yaml block begins with `# path.yaml` or `# in path`"
        return ""


def blocks_of(text: str) -> list[Block]:
    """Return a page's blocks, in order."""
    return [Block(language=language, text=body) for language, body in _BLOCK.findall(text)]


def with_outputs(text: str, outputs: Sequence[str]) -> str:
    """Return a page with these outputs below the commands of its console blocks."""
    left = iter(outputs)

    def refill(match: re.Match[str]) -> str:
        block = Block(language=match[1], text=match[2])
        if block.language != "console":
            return match[0]
        return "```console\n" + "".join(f"$ {command}\n{next(left)}" for command in block.commands) + "```"

    return _BLOCK.sub(refill, text)


def shown_outputs(text: str) -> list[str]:
    """Return the outputs that a page shows, as they are compared."""
    return [settled(output) for block in blocks_of(text) for output in block.outputs]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What became of a command."""

    line: str
    code: int
    output: str
    is_shown: bool
    """Whether the page shows the output."""


def run_page(text: str, *, folder: Path, options: Options) -> list[Ran]:
    """Write the files of a page and run its commands, in the order in which they stand."""
    blocks = blocks_of(text)
    with Sandbox(options) as sandbox:
        environment = {
            "PATH": f"{warm_folder()}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(folder / "home"),
            "CODER_URL": sandbox.url,
            "CODER_SESSION_TOKEN": sandbox.tokens["user-admin"],
            **{f"{role.replace('-', '_').upper()}_TOKEN": token for role, token in sandbox.tokens.items()},
            **{
                f"GIT_{who}_{what}": "ana@acme.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
            },
        }
        (folder / "home").mkdir()
        (folder / "work").mkdir()
        answer = subprocess.run(
            ["bash", "--noprofile", "--norc", "-s"], input=_script(blocks), cwd=folder / "work", env=environment,
            capture_output=True, text=True, timeout=PATIENCE_S, check=True,
        )  # fmt: skip
    return list(_read(blocks, answer.stdout))


def _script(blocks: Sequence[Block]) -> str:
    parts = [_SHELL]
    for block in blocks:
        if block.written:
            target = f'"{block.written}"'
            parts.append(f"mkdir -p $(dirname {target}); cat > {target} << 'EOF-OF-BLOCK'\n")
            parts.append(f"{moved(block.text, since=WRITTEN)}EOF-OF-BLOCK\n")
        for command in block.commands:
            parts.append(
                f"IFS= read -r -d '' __text << 'EOF-OF-COMMAND'\n{moved(command, since=WRITTEN)}\nEOF-OF-COMMAND\n"
            )
            parts.append('__run "$__text"; cat "$HOME/../out" "$HOME/../err"; ')
            parts.append(f"printf '{_END}%s{_END}' \"$__code\"\n")
    return "".join(parts)


def _read(blocks: Sequence[Block], printed: str) -> Iterator[Ran]:
    pieces = printed.split(_END)
    commands = [(block, command) for block in blocks for command in block.commands]
    assert len(pieces) == 2 * len(commands) + 1, "the shell ended before the page did"
    for (block, command), output, code in zip(commands, pieces[:-1:2], pieces[1::2], strict=True):
        text = moved_back(settled(output), since=WRITTEN)
        yield Ran(line=command, code=int(code), output=text, is_shown=block.language == "console")


def _dedented(file: Path) -> str:
    """Return a file's text with every line's indentation less that of the excerpt; any depth is looked at."""
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(lines) + "".join(
        "".join(line[depth:] if line[:depth].isspace() else "\0" for line in lines) for depth in range(2, 13, 2)
    )
