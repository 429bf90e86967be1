"""A first policy file for people to edit: an exported policy with comments. Everything that is added is a comment."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.core.budget import Absent
from reconciler.core.policy import Policy
from reconciler.money import Micros, format_usd
from reconciler.policy_file.spelling import quoted
from reconciler.policy_file.write import dump
from reconciler.words import count_people

_HEAD = "# yaml-language-server: $schema=../schemas/policy.v1.schema.json"
_GROUP = "  - group: "
SUGGESTED_OVERRIDE_DAYS = 90


def dump_first(
    policy: Policy, *, groups: Mapping[str, str], exposure_micros: Micros, unlimited: int, unknown: int
) -> str:
    """Write a policy with a comment for each group of `groups`, and guardrails, commented out, with today's values.

    `groups` has a comment by group name, for groups without a budget too; `unlimited` people have no limit, and those
    of `unknown` people are not known: neither are in the exposure.
    Law 7: loading the text gives the same policy, apart from places.
    """
    comments = {f"{_GROUP}{quoted(name)}": comment for name, comment in groups.items()}
    without = sorted(set(groups) - {entry.group for entry in policy.group_budgets})
    lines = [_HEAD, f"# What is live in {quoted(policy.organization)} today. `reconciler plan` says: No changes."]
    for line in dump(policy).splitlines():
        lines.append(f"{line}  # {comments[line]}" if line in comments else line)
        if line.startswith("group_budgets:"):
            lines += [f"  # {quoted(name)} has no budget: {groups[name]}" for name in without]
    exposure = _exposure_line(exposure_micros, unlimited=unlimited, unknown=unknown)
    return "\n".join([*lines, *_guardrails(policy, exposure)]) + "\n"


def _exposure_line(exposure_micros: Micros, *, unlimited: int, unknown: int) -> str:
    """A sum in which people are missing whose limits are not known is not today's, so none is suggested."""
    if unknown:
        return f"#   # no max_exposure: the limits of {count_people(unknown)} are not known"
    apart = f"; {count_people(unlimited)} without any limit not counted" if unlimited else ""
    return f"#   max_exposure: {format_usd(exposure_micros)}  # the limits of everybody together{apart}"


def _guardrails(policy: Policy, exposure: str) -> list[str]:
    budgets = [entry.limit for entry in policy.group_budgets if not isinstance(entry.limit, Absent)]
    overrides = [entry.limit for entry in policy.user_overrides if not isinstance(entry.limit, Absent)]
    limits = [*budgets, *overrides]
    if not limits:
        return []
    above = max(budgets or limits)
    higher = sum(limit > above for limit in overrides)
    without_reason = f"; {higher:,} of today's {'does' if higher == 1 else 'do'} not" if higher else ""
    today = "; today's do not" if overrides else ""
    return [
        "# Rules for every plan, with the values of today. Remove the `#` and nothing grows beyond them.",
        "# What breaks one today stays as it is, with a warning.",
        "# guardrails:",
        f"#   max_limit: {format_usd(max(limits))}  # the highest limit",
        exposure,
        f"#   require_reason_above: {format_usd(above)}  # a higher limit must say why{without_reason}",
        f"#   max_override_days: {SUGGESTED_OVERRIDE_DAYS}  # a suggestion: an override must end{today}",
    ]
