"""What `validate` reports of policy files that are well-formed. Frozen data; it does nothing."""

from __future__ import annotations

from reconciler.core.gate.breach import Breach
from reconciler.core.policy import NotRead, SourceFile
from reconciler.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """Policy files that are well-formed, counted. Files that are not end in an error with findings."""

    exit_code: int
    """The exit code of the command."""
    files: tuple[SourceFile, ...]
    """The policy files that were read."""
    organizations: tuple[str, ...]
    """Names or UUIDs, as the files write them."""
    group_budgets: int
    """How many group budgets they list."""
    user_overrides: int
    """How many user overrides they list."""
    not_read: tuple[NotRead, ...]
    """What looks like a policy and was not read, sorted by path."""
    breaches: tuple[Breach, ...]
    """Guardrails that the policy breaks, those that no server is needed for; without --base all count as standing."""
