"""One Policy to YAML text that reads back as the same policy (law 7). Amounts are written in place of tiers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.core.policy import Guardrail, GuardrailName, Policy
from reconciler.policy_file.shapes import CONSENT, ENTRIES, GUARDRAILS, Shape
from reconciler.policy_file.spelling import quoted
from reconciler.policy_file.values import VERSION


def dump(policy: Policy) -> str:
    """Write the policy of one organization as a file of its own, entries in the order they have.

    Of several guardrails with one name (from several files) the narrowest is written: all hold, so it means the same.
    Law 7: loading the text gives the same policy, apart from places.
    """
    return "\n".join(_lines(policy)) + "\n"


def _lines(policy: Policy) -> Iterator[str]:
    yield f"version: {VERSION}"
    yield f"organization: {quoted(policy.organization)}"
    yield "manage:"
    yield f"  group_budgets: {policy.group_budgets_managed}"
    yield f"  user_overrides: {policy.user_overrides_managed}"
    for key, shape in ENTRIES.items():
        yield from _list(key, shape, getattr(policy, key))
    if policy.guardrails:
        yield "guardrails:"
        yield from _guardrails(policy.guardrails)
    if policy.allow:
        yield from _list("allow", CONSENT, policy.allow)


def _list(key: str, shape: Shape, entries: Iterable[object]) -> Iterator[str]:
    lines = [line for entry in entries for line in entry_lines(shape, entry)]
    yield f"{key}:" if lines else f"{key}: []"
    yield from lines


def entry_lines(shape: Shape, entry: object) -> list[str]:
    """Write one item of a list: a line for each of its keys, the first after a dash."""
    return [f"  {' ' if i else '-'} {key}: {value}" for i, (key, value) in enumerate(shape.write(entry))]


def _guardrails(guardrails: Iterable[Guardrail]) -> Iterator[str]:
    narrowest: dict[GuardrailName, int] = {}
    for guardrail in guardrails:
        narrowest[guardrail.name] = min(guardrail.value, narrowest.get(guardrail.name, guardrail.value))
    for name, value in narrowest.items():
        yield f"  {name}: {GUARDRAILS.kinds[name].write(value)}"
