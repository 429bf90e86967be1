"""The picture in the README: a real plan of the example company, drawn from the terminal's own colours.

`python -m tests.readme.picture` draws it anew; a test compares its words with what `plan` prints today.
"""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from reconciler.cli.commands.demo import WRITTEN, copy_examples
from reconciler.sandbox import Options, Sandbox
from tests.patience import PATIENCE_S
from tests.readme.blocks import README, moved_back, settled, within_a_day

PICTURE = README.parent / "docs" / "pictures" / "plan.svg"
COMMAND = "reconciler plan"


def colored_plan() -> str:
    """Return what the command prints to a terminal, with what moves by itself put still."""
    return within_a_day(_colored_plan)


def _colored_plan() -> str:
    with tempfile.TemporaryDirectory() as folder, Sandbox(Options(seed="demo")) as sandbox:
        copy_examples(Path(folder, "policies"))
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": folder,
            "CODER_URL": sandbox.url,
            "CODER_SESSION_TOKEN": sandbox.tokens["user-admin"],
        }
        answer = subprocess.run(
            [sys.executable, "-m", *COMMAND.split(), "--no-forecast", "--color", "always"],  # it depends on the day
            cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=True,
        )  # fmt: skip
    return moved_back(settled(answer.stdout), since=WRITTEN)


def words(svg: str) -> str:
    """Return the text of a picture, without its layout."""
    return _squeezed("".join(html.unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg)))


def plain(text: str) -> str:
    """Return text without colours and layout, as `words` does."""
    return _squeezed(re.sub(r"\x1b\[[0-9;]*m", "", text))


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def draw() -> None:
    """Write the picture."""
    from rich.console import Console
    from rich.text import Text

    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=140, file=nowhere, color_system="truecolor")
        console.print(Text(f"$ {COMMAND}", style="bold"))
        console.print(Text.from_ansi(colored_plan().rstrip("\n")), soft_wrap=True)
        PICTURE.write_text(console.export_svg(title=COMMAND, unique_id="plan"), encoding="utf-8")


if __name__ == "__main__":
    draw()
