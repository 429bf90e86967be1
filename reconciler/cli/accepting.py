"""`drift --accept`: choose differences, and write what is live into the policy files."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from fnmatch import fnmatchcase

from reconciler.cli import files
from reconciler.core.action import Action
from reconciler.core.directory import Directory
from reconciler.core.plan.acceptance import Acceptance, Taking
from reconciler.core.plan.drift import Drift, DriftKind, kind_of
from reconciler.errors import FileError, ReconcilerError
from reconciler.policy_file.accept import Proposed, accept, propose, propose_for_orphans
from reconciler.policy_file.load import Loaded
from reconciler.words import listed

_BEGINNINGS = ("user/", "group/", "*")
_BY_HAND = (DriftKind.HAND, DriftKind.UNKNOWN)
"""What `--accept` alone means. A date that came, and what reconciler itself set, are not to be undone by it."""


def split(values: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Tell addresses from paths: in `drift --accept policies` the option takes what was meant as a PATH."""
    paths = tuple(value for value in values if value and not value.startswith(_BEGINNINGS))
    return tuple("" if value in paths else value for value in values), paths


def take(
    drift: Drift, loaded: Loaded, directory: Directory, *, impossible: Sequence[Action], addresses: Sequence[str]
) -> Drift:
    """Add to a drift how each difference can be accepted, and write the files for those with an address that is asked.

    `impossible` is what the entries of people who are not in their group ask for. An address may be a glob; an empty
    one stands for everything changed by hand, or of which nothing shows why it differs. Raises ReconcilerError when
    an address is not among the differences, or a file cannot be edited; then no file is written.
    """
    withheld = () if drift.plan.not_read else drift.plan.withheld  # what was not read may list them already
    differing = dict.fromkeys((*drift.differences, *withheld))
    proposed = [
        *propose(tuple(differing), loaded.policies, directory),
        *propose_for_orphans(drift.plan.orphans, impossible, loaded.policies, directory),
    ]
    chosen = _chosen(drift, proposed, addresses)
    possible = [item for item in chosen if item.acceptance.taking is not Taking.IMPOSSIBLE]
    if possible:
        _write(possible, loaded)
    return replace(drift, acceptances=tuple(_marked(item, chosen) for item in proposed))


def not_taken(drift: Drift, addresses: Sequence[str]) -> Iterator[str]:
    """Yield what was asked for and named nothing, and why; nothing where nothing differs."""
    if drift.is_clean:
        return
    accepted = [row.address for row in drift.acceptances]
    for address in filter(None, dict.fromkeys(addresses)):
        if not any(fnmatchcase(row, address) for row in accepted):
            yield f"--accept {address!r} wrote nothing: no difference has such an address"
    if not all(addresses) and not any(row.is_taken or row.is_refused for row in drift.acceptances):
        yield "--accept wrote nothing: nothing that differs was changed by hand; name what to take: --accept ADDRESS"


def _marked(item: Proposed, chosen: Sequence[Proposed]) -> Acceptance:
    """Return an acceptance with what became of it."""
    is_impossible = item.acceptance.taking is Taking.IMPOSSIBLE
    return replace(
        item.acceptance, is_taken=item in chosen and not is_impossible, is_refused=item in chosen and is_impossible
    )


def _chosen(drift: Drift, proposed: Sequence[Proposed], addresses: Sequence[str]) -> list[Proposed]:
    """Return what the addresses or globs name; an empty address names everything changed by hand."""
    if addresses and not drift.plan.is_for_now:
        raise ReconcilerError("--accept takes what is live now; it cannot be combined with --at", hint="leave out --at")
    by_hand = {action.address for action in drift.differences if kind_of(action) in _BY_HAND}
    matches = {
        address: [
            item
            for item in proposed
            if (fnmatchcase(item.acceptance.address, address) if address else item.acceptance.address in by_hand)
        ]
        for address in addresses
    }
    unmatched = [
        address for address, items in matches.items() if address and not items and not set(address) & set("*?[")
    ]
    if unmatched:
        differing = [item.acceptance.address for item in proposed]
        hint = f"these differ: {listed(differing)}" if differing else "nothing differs"
        raise ReconcilerError(f"--accept {unmatched[0]!r} is not among the differences; nothing was written", hint=hint)
    return [item for item in proposed if any(item in items for items in matches.values())]


def _write(chosen: Sequence[Proposed], loaded: Loaded) -> None:
    before = {source.path: _read_again(source.path, source.sha256) for source in loaded.sources}
    changed = accept(chosen, {path: text for path, (text, _) in before.items()})
    try:
        files.write_all_private({path: (text, stat.S_IMODE(before[path][1].st_mode)) for path, text in changed.items()})
    finally:
        for path in changed:
            _, facts = before[path]
            for owner, group in ((-1, facts.st_gid), (facts.st_uid, -1)):
                with suppress(OSError):  # root alone may give a file away; others to a group of theirs
                    os.chown(path, owner, group)


def _read_again(path: str, sha256: str) -> tuple[str, os.stat_result]:
    """Return the text of a policy file, as it was when it was loaded, and its owner and permissions."""
    try:
        with open(path, "rb") as file:
            data, facts = file.read(), os.fstat(file.fileno())
    except OSError as error:
        hint = "name policy files and folders; --accept cannot change standard input"
        raise FileError(f"{path} cannot be read again: {error.strerror}; nothing was written", hint=hint) from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise FileError(f"{path} was changed while `drift` ran; nothing was written", hint="run it again")
    return data.decode(), facts
