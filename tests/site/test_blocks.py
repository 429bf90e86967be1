"""The pages cannot lie: every block is run, or compared with the file it comes from; outputs are what the pages show.

`UPDATE_GOLDEN=1` writes what really happened into the pages.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from reconciler.sandbox import Options
from tests.readme.blocks import within_a_day
from tests.site.pages import DOCS, user_pages
from tests.site.running import Ran, blocks_of, run_page, shown_outputs, with_outputs

SANDBOXES: Mapping[str, Options] = {}
"""Of pages that are not about the demo company."""
TOOLS = ("curl", "jq")
"""What pages call beside reconciler, and what not every machine has."""
HELP = DOCS / "reference" / "commands.md"
"""Its blocks are generated from the kept help, which tests/cli/test_help.py compares with click's own."""
pytestmark = pytest.mark.every_day  # what a page shows must not depend on the day of the month
PAGES = [page for page in user_pages() if page != HELP and blocks_of(page.read_text(encoding="utf-8"))]


def _name(page: Path) -> str:
    return str(page.relative_to(DOCS))


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_commands_print_what_the_page_shows(page: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    text = page.read_text(encoding="utf-8")
    missing = [tool for tool in TOOLS if f"{tool} " in text and shutil.which(tool) is None]
    if missing and not os.environ.get("CI"):
        pytest.skip(f"{' and '.join(missing)} is not installed; .ci/run has it")
    options = SANDBOXES.get(_name(page), Options(seed="demo"))
    ran = within_a_day(lambda: run_page(text, folder=tmp_path_factory.mktemp("reader"), options=options))
    failed = [command for command in ran if _has_failed(command)]
    assert not failed
    outputs = [command.output for command in ran if command.is_shown]
    if os.environ.get("UPDATE_GOLDEN"):
        page.write_text(with_outputs(text, outputs), encoding="utf-8")
        return
    assert shown_outputs(text) == outputs


def _has_failed(command: Ran) -> bool:
    return "Traceback" in command.output or (command.code != 0 and not command.is_shown)


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_block_is_run_or_comes_from_a_file(page: Path) -> None:
    problems = [block.problem for block in blocks_of(page.read_text(encoding="utf-8")) if block.problem]
    assert not problems


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        ("```python\nprint()\n```\n", "nobody runs a block of python"),
        ("```\nx\n```\n", "nobody runs a block of no language"),
        ("```yaml\nversion: 1\n```\n", "a yaml block begins with `# path.yaml` or `# in path`"),
        ("```yaml\n# in action.yml\ninputs: {}\n```\n", "action.yml has other lines"),
        ("```yaml\n# in action.yml\nusing: composite\n```\n", ""),
    ],
)
def test_a_block_that_nobody_runs_is_found(page: str, problem: str) -> None:
    assert [block.problem for block in blocks_of(page)] == [problem]


def test_what_commands_do_stays_for_the_commands_below(tmp_path: Path) -> None:
    prepared = "```sh\nexport WORD=kept\nmkdir here \\\n  && cd here\n```\n\n"
    page = f"{prepared}```console\n$ echo $WORD; pwd | xargs basename\n$ false\n$ echo $?\n```\n"
    ran = run_page(page, folder=tmp_path, options=Options(seed="empty"))
    assert [command.code for command in ran] == [0, 0, 0, 1, 0]
    assert [command.output for command in ran if command.is_shown] == ["kept\nhere\n", "", "1\n"]
    assert with_outputs(page, ["a\n", "", "b\n"]).endswith("a\n$ false\n$ echo $?\nb\n```\n")
