"""From the paths of the command line to the bytes of policy files. Whatever cannot be read is one finding.

Nothing here waits: a FIFO or a device is refused before it is opened. A folder is searched for *.yaml and *.yml at any
depth; hidden files and folders are skipped, and folders that are links are not entered, so a loop of links ends.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence

from reconciler.errors import Finding, Place
from reconciler.policy_file.nodes import PolicyText

MAX_BYTES = 32 * 1024 * 1024
"""100,000 entries with every key take 16 MiB."""
SUFFIXES = (".yaml", ".yml")


def read_files(paths: Sequence[str]) -> tuple[list[PolicyText], list[Finding]]:
    """Read all files, sorted by path, each once even when it is named twice."""
    findings: list[Finding] = []
    files: dict[str, str] = {}
    for path in sorted({os.fspath(path) for path in paths}):
        try:
            found = _search(path) if os.path.isdir(path) else [path]
        except OSError as error:
            findings.append(_finding(path, f"the folder cannot be read: {error.strerror}"))
            continue
        if not found:
            findings.append(_finding(path, "the folder holds no policy", "add a file that ends in .yaml or .yml"))
        for file in found:
            files.setdefault(os.path.realpath(file), file)
    texts: list[PolicyText] = []
    for file in sorted(files.values()):
        one = _read(file)
        if isinstance(one, Finding):
            findings.append(one)
        else:
            texts.append(one)
    return texts, findings


def _search(folder: str) -> list[str]:
    return [file for file in _walk(folder) if file.endswith(SUFFIXES)]


def _walk(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(entry.path)
            elif not entry.is_dir():
                yield entry.path


def _read(path: str) -> PolicyText | Finding:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return _finding(path, "this is not a regular file", "name a policy file or a folder of them")
            if status.st_size > MAX_BYTES:
                return _too_large(path)
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return _finding(path, "there is no such file", "check the path")
    except OSError as error:
        return _finding(path, f"the file cannot be read: {error.strerror}")
    return PolicyText(path, data) if len(data) <= MAX_BYTES else _too_large(path)


def _too_large(path: str) -> Finding:
    return _finding(path, f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB", "split it into several files")


def _finding(path: str, message: str, hint: str = "") -> Finding:
    return Finding(place=Place(path, 1, 1), message=message, hint=hint)
