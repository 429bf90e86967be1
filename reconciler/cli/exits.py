"""The exit codes. They never depend on the output format."""

from __future__ import annotations

from reconciler.errors import ReconcilerError, RefusedError

DONE = 0
"""Done, or nothing to do."""
ERROR = 1
"""An error, wrong usage included: click's own 2 would read as drift."""
DIFFERENCES = 2
"""`plan --detailed-exitcode`, and `drift` always."""
REFUSED = 3
"""Nothing was written: a hazard without consent, a broken guardrail, a stale plan."""
INCOMPLETE = 4
"""Some writes were made, some were not; the journal says which."""
INTERRUPTED = 130
"""The write in flight was finished and journalled first."""


def code_of(error: ReconcilerError) -> int:
    """Return the exit code for an error that ended a command."""
    return REFUSED if isinstance(error, RefusedError) else ERROR
