"""The files in which GitHub collects a step's outputs and its summary.

*Source*: GitHub Actions, "Workflow commands": "Setting an output parameter", "Adding a job summary".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from reconciler.formats.documents import Value
from reconciler.render.formats import Facts
from reconciler.render.pages import github, markdown


def publish_to_github(values: Sequence[Value], facts: Facts, environ: Mapping[str, str]) -> None:
    """Append the step's outputs and its summary where GitHub asks for them; do nothing elsewhere."""
    lines = [f"{name}={value}\n" for name, value in github.outputs(values).items()]
    _append(environ.get("GITHUB_OUTPUT", ""), "".join([*lines, f"exit_code={facts.exit_code}\n"]))
    if environ.get("GITHUB_STEP_SUMMARY"):
        page = markdown.render(values, facts, most=markdown.MAX_SUMMARY_CHARACTERS)
        _append(environ["GITHUB_STEP_SUMMARY"], page)


def _append(path: str, text: str) -> None:
    """Add to a file of GitHub's. A runner whose file is not there loses the summary, and not the run."""
    if path:
        with suppress(OSError), open(path, "a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
