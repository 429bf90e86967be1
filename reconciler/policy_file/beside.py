"""Policies that lie beside a file which was named, and were not read: what only they list, `exact` removes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from reconciler.core.policy import Manage, Policy
from reconciler.errors import Finding
from reconciler.policy_file.files import SUFFIXES
from reconciler.policy_file.opening import STDIN, UnreadableError, read_bytes
from reconciler.words import listed, spoken

_MOST_BYTES = 64 * 1024
_ORGANIZATION = re.compile(rb"""^[ {]*["']?organization["']?[ ]*:[ ]+["']?([^\s"',}#]+)""", re.MULTILINE)


def beside_notes(paths: Sequence[str], policies: Iterable[Policy], read: Iterable[str]) -> Iterator[Finding]:
    """Yield a note for each organization that is managed exactly, and of which another file lies beside one of `paths`.

    `read`: the files that were read. A folder that was named is read whole, so only files that were named count.
    """
    exact = {policy.organization: policy for policy in policies if _is_exact(policy)}
    named = [path for path in paths if path != STDIN and not os.path.isdir(path)]
    if not exact or not named:
        return
    known = {os.path.realpath(path) for path in read}
    found: dict[str, list[str]] = {}
    for folder in sorted({os.path.dirname(path) for path in named}):
        for path in _policies_in(folder):
            if os.path.realpath(path) not in known:
                found.setdefault(_organization_of(path), []).append(spoken(path))
    for organization, files in sorted(found.items()):
        if organization in exact:
            are, were, they = ("is", "was", "it lists") if len(files) == 1 else ("are", "were", "they list")
            of = f"{listed(files)} {are} of {organization!r}, too"
            message = f"{of}, and {were} not named, so `exact` removes what only {they}"
            yield Finding(place=exact[organization].place, message=message, hint="name the folder, to read all")


def _is_exact(policy: Policy) -> bool:
    return Manage.EXACT in (policy.group_budgets_managed, policy.user_overrides_managed)


def _policies_in(folder: str) -> list[str]:
    """Return the visible policy files of a folder, and not those below it."""
    with suppress(OSError):
        names = sorted(os.listdir(folder or os.curdir))
        return [os.path.join(folder, name) for name in names if name[0] != "." and name.lower().endswith(SUFFIXES)]
    return []


def _organization_of(path: str) -> str:
    """Return the organization that a file names; empty where it cannot be read, or names none."""
    with suppress(OSError, UnreadableError):
        if match := _ORGANIZATION.search(read_bytes(path, _MOST_BYTES)):
            return match[1].decode("utf-8", "replace")
    return ""
