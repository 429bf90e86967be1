"""What `plan`, `drift` and `apply` share: from paths and options to a plan, and what reading cost."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from functools import cache

from reconciler.cli import files
from reconciler.cli.streams import tell
from reconciler.core.gate.verdict import Grant
from reconciler.core.grant_records import GrantRecord
from reconciler.core.moment import Moment
from reconciler.core.policy import Policy
from reconciler.core.scope import EVERYTHING, Scope
from reconciler.errors import FileError, Finding, PolicyError
from reconciler.formats import document
from reconciler.operations.plan import Planned, PlanRequest, make_plan
from reconciler.operations.ports import Reader
from reconciler.policy_file.load import Loaded
from reconciler.render.text import harmless
from reconciler.words import count, excerpt


def plan_of(
    loaded: Loaded,
    reader: Reader,
    *,
    moment: Moment,
    scope: Scope,
    grants: tuple[Grant, ...] = (),
    base: tuple[Policy, ...] | None = None,
    asks_log: bool = False,
    only_due: bool = False,
) -> Planned:
    """Make a plan of loaded policies."""
    request = replace(
        request_of(loaded, moment=moment, scope=scope, grants=grants),
        base=base,
        asks_log=asks_log,
        journaled=files.journaled() if asks_log else frozenset(),
        only_due=only_due,
    )
    try:
        planned = make_plan(request, reader)
    except PolicyError as error:
        raise PolicyError(tuple(_with_source_lines(error.findings))) from None
    for option, glob in planned.unmatched:
        tell(f"Note: {option} {harmless(repr(glob))} matches nothing that the policy manages.")
    return planned


def request_of(
    loaded: Loaded, *, moment: Moment, scope: Scope = EVERYTHING, grants: tuple[Grant, ...] = ()
) -> PlanRequest:
    """Return what a plan of loaded policies is made of."""
    return PlanRequest(
        policies=loaded.policies,
        sources=loaded.sources,
        moment=moment,
        scope=scope,
        grants=grants,
        not_read=loaded.not_read,
        journals=_grants_in_journals,
    )


def _grants_in_journals(names: Collection[str], deployment_id: str) -> tuple[GrantRecord, ...]:
    from reconciler.operations.journals import grants_in_journals

    return grants_in_journals([document.JOURNALS], names, deployment_id)


def _with_source_lines(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Names are looked up where no file is at hand; show the lines that the reader knows. Each file is read once."""
    read = cache(lambda path: files.read_text(path).splitlines())
    for finding in findings:
        try:
            line = read(finding.place.file)[finding.place.line - 1]
        except (FileError, IndexError):
            yield finding
        else:
            yield replace(finding, source_line=excerpt(line, finding.place.column - 1))


def cost_text(reader: Reader, *, since: float) -> str:
    """Return what the reads until now cost, as `Read 27 requests in 0.9 s.`; `since` is of `time.monotonic`."""
    return f"Read {count(reader.requests, 'request')} in {time.monotonic() - since:.1f} s."
