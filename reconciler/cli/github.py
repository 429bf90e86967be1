"""The files in which GitHub collects a step's outputs and its summary.

*Source*: GitHub Actions, "Workflow commands": "Setting an output parameter", "Adding a job summary".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.formats.documents import Value
from reconciler.render.formats import Facts
from reconciler.render.pages import github, markdown


def publish_to_github(values: Sequence[Value], facts: Facts, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Append the step's outputs and its summary where GitHub asks for them; return what could not be, a sentence each.

    A runner whose file cannot be written loses the summary, and not the run.
    """
    return tuple(_published(values, facts, environ))


def _published(values: Sequence[Value], facts: Facts, environ: Mapping[str, str]) -> Iterator[str]:
    lines = [f"{name}={value}\n" for name, value in github.outputs(values).items()]
    if path := environ.get("GITHUB_OUTPUT"):
        yield from _append("outputs", path, "".join([*lines, f"exit_code={facts.exit_code}\n"]))
    if path := environ.get("GITHUB_STEP_SUMMARY"):
        page = markdown.render(values, facts, most=markdown.MAX_SUMMARY_CHARACTERS)
        yield from _append("summary", path, page)


def _append(what: str, path: str, text: str) -> Iterator[str]:
    """Add to a file of GitHub's, or say why not."""
    try:
        with open(path, "a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as error:
        yield f"Note: the {what} of this step could not be written: {error.strerror}."
