"""Who had which name when an override was written: from the journals in a folder, newest first. It only reads.

A journal is believed about names only where a run wrote to the same deployment. A file that is not a journal, or is
broken, is passed over: it is evidence, and evidence may be missing.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress

from reconciler.core.budget import Budget
from reconciler.core.directory import User
from reconciler.core.grant_records import GrantRecord
from reconciler.core.plan.outcome import Outcome, Result, replay
from reconciler.errors import FileError
from reconciler.formats.journal import load_events
from reconciler.words import spoken

MOST_FILES = 2_000
MOST_BYTES = 64 << 20
_ADDRESS = re.compile(r'"user/[^"]*"')
_WRITTEN = (Result.DONE, Result.ALREADY, Result.IN_DOUBT)


def grants_in_journals(folders: Iterable[str], names: Collection[str], deployment_id: str) -> tuple[GrantRecord, ...]:
    """Return what the journals of these folders gave to people of these names; sorted."""
    wanted = {name.lower() for name in names}
    addresses = {f'"user/{name}"' for name in wanted}
    records: set[GrantRecord] = set()
    for path in _newest_first(folders):
        text = _text(path)
        if not addresses.isdisjoint(_ADDRESS.findall(text.lower())):
            with suppress(FileError, ValueError):
                records.update(_grants(replay(load_events(text, source=path)), wanted, deployment_id, path))
    return tuple(sorted(records, key=lambda record: (record.username, record.user_id, record.source)))


def _newest_first(folders: Iterable[str]) -> list[str]:
    """Return the journals of the folders; their names begin with the time of their runs."""
    paths = []
    for folder in folders:
        with suppress(OSError):
            paths += [os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".jsonl")]
    return sorted(paths, key=os.path.basename, reverse=True)[:MOST_FILES]


def _text(path: str) -> str:
    """Return the text of a regular file of a sensible size; empty for anything else."""
    with suppress(OSError, ValueError):
        facts = os.lstat(path)
        if stat.S_ISREG(facts.st_mode) and facts.st_size <= MOST_BYTES:
            with open(path, encoding="utf-8") as file:
                return file.read()
    return ""


def _grants(outcome: Outcome, names: Collection[str], deployment_id: str, path: str) -> Iterator[GrantRecord]:
    if outcome.started.deployment.id != deployment_id:
        return
    for row in outcome.results:
        subject, after = row.action.subject, row.action.after
        if not isinstance(subject, User) or not isinstance(after, Budget) or row.result not in _WRITTEN:
            continue
        if subject.username.lower() in names:
            yield GrantRecord(
                username=subject.username,
                user_id=subject.id,
                limit_micros=after.limit_micros,
                group_name=after.group.name,
                group_id=after.group.id,
                source=f"the journal {spoken(path)}",
            )
