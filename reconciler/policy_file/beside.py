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
_KINDS = frozenset({b"group_budgets", b"user_overrides"})
_ORGANIZATION = re.compile(rb"""^[ {]*["']?organization["']?[ ]*:[ ]+["']?([^\s"',}#]+)""", re.MULTILINE)
_LISTS = re.compile(
    rb"""^[ {]*["']?(group_budgets|user_overrides)["']?[ ]*:(?![ ]*["']?(?:exact|listed)\b)""", re.MULTILINE
)
"""The beginning of a list of entries; the same key below `manage` has one of two words."""


def beside_notes(paths: Sequence[str], policies: Iterable[Policy], read: Iterable[str]) -> Iterator[Finding]:
    """Yield a note for each organization that is managed exactly, and of which another file lies beside one of `paths`.

    `read`: the files that were read. A folder that was named is read whole, so only files that were named count.
    """
    exact = {policy.organization: policy for policy in policies if _exact_kinds(policy)}
    named = [path for path in paths if path != STDIN and not os.path.isdir(path)]
    if not exact or not named:
        return
    known = {os.path.realpath(path) for path in read}
    found: dict[str, list[str]] = {}
    for folder in sorted({os.path.dirname(path) for path in named}):
        for path in _policies_in(folder):
            if os.path.realpath(path) not in known:
                organization, kinds = _glance(path)
                if organization in exact and kinds & _exact_kinds(exact[organization]):
                    found.setdefault(organization, []).append(spoken(path))
    for organization, files in sorted(found.items()):
        are, were, they = ("is", "was", "it lists") if len(files) == 1 else ("are", "were", "they list")
        of = f"{listed(files)} {are} of {organization!r}, too"
        message = f"{of}, and {were} not named, so `exact` removes what only {they}"
        yield Finding(place=exact[organization].place, message=message, hint="name the folder, to read all")


def _exact_kinds(policy: Policy) -> set[bytes]:
    """Return the kinds that a policy manages exactly, as its keys are written."""
    managed = ((b"group_budgets", policy.group_budgets_managed), (b"user_overrides", policy.user_overrides_managed))
    return {kind for kind, manage in managed if manage is Manage.EXACT}


def _policies_in(folder: str) -> list[str]:
    """Return the visible policy files of a folder, and not those below it."""
    with suppress(OSError):
        names = sorted(os.listdir(folder or os.curdir))
        return [os.path.join(folder, name) for name in names if name[0] != "." and name.lower().endswith(SUFFIXES)]
    return []


def _glance(path: str) -> tuple[str, frozenset[bytes]]:
    """Return the organization that a file names, and the kinds it may list; empty where it cannot be read.

    Of a long file only the beginning is read, so that it may list both kinds.
    """
    with suppress(OSError, UnreadableError):
        data = read_bytes(path, _MOST_BYTES)
        if match := _ORGANIZATION.search(data):
            kinds = _KINDS if len(data) == _MOST_BYTES else frozenset(_LISTS.findall(data))
            return match[1].decode("utf-8", "replace"), kinds
    return "", frozenset()
