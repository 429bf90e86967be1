"""The policy files of a Git revision, written out for as long as they are read."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from reconciler.cli.children import find_program
from reconciler.cli.repository import Repository, open_repository
from reconciler.errors import ReconcilerError

MAX_BYTES = 64 * 1024 * 1024
SUFFIXES = (".yaml", ".yml")


@contextmanager
def written_out(revision: str, places: Sequence[str]) -> Iterator[dict[str, str]]:
    """Yield copies of the paths as they were at a revision, by path, without those that it did not have.

    Raises ReconcilerError when there is no such revision.
    """
    with tempfile.TemporaryDirectory(prefix="reconciler-base-") as folder:
        copies = {place: _copy(revision, place, Path(folder, str(number))) for number, place in enumerate(places)}
        yield {place: str(copy) for place, copy in copies.items() if copy is not None}


def _copy(revision: str, place: str, target: Path) -> Path | None:
    """Write the policy files that a path had at a revision below `target`; None where it had none."""
    is_folder = os.path.isdir(place)
    folder = place if is_folder else os.path.dirname(place) or os.curdir
    repository = open_repository(folder)
    commit = repository.commit(revision) if repository else ""
    if repository is None and find_program("git", outside=folder) is None:
        raise ReconcilerError(
            f"--base {revision}: neither a file nor a folder, and no Git is installed that knows revisions",
            hint="install Git (slim images come without it), or give a path",
        )
    if repository is None or not commit:
        raise ReconcilerError(
            f"--base {revision}: neither a file nor a folder, nor a Git revision that this clone knows",
            hint="give a path, or a revision such as origin/main; in CI fetch it first (`fetch-depth: 0`)",
        )
    contents = _contents(repository, commit, folder, "" if is_folder else os.path.basename(place))
    for path, content in contents.items():
        copy = target / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(content)
    return target if contents else None


def _contents(repository: Repository, commit: str, folder: str, name: str) -> dict[str, bytes]:
    def wants(path: str) -> bool:
        hidden = any(part.startswith(".") for part in path.split("/"))
        return path == name if name else path.lower().endswith(SUFFIXES) and not hidden

    files = repository.read_tree(commit, repository.place(folder), wants=wants, max_bytes=MAX_BYTES)
    return dict(files.contents)
