"""One Policy to YAML text that reads back as the same policy (law 7). Writes no tiers: a Policy holds amounts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time

from reconciler.core.budget import Absent
from reconciler.core.policy import Consent, GroupBudgetEntry, Guardrail, GuardrailName, Policy, UserOverrideEntry
from reconciler.money import Micros, format_usd
from reconciler.policy_file.values import NO_LIMIT, VERSION, is_text

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.@-]*(?: [A-Za-z0-9_.@-]+)*")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}

Pairs = list[tuple[str, str]]


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
    yield from _list("group_budgets", [_group_budget(entry) for entry in policy.group_budgets])
    yield from _list("user_overrides", [_user_override(entry) for entry in policy.user_overrides])
    if policy.guardrails:
        yield "guardrails:"
        yield from (f"  {key}: {value}" for key, value in _guardrails(policy.guardrails))
    if policy.allow:
        yield from _list("allow", [_consent(consent) for consent in policy.allow])


def _list(key: str, entries: list[Pairs]) -> Iterator[str]:
    if not entries:
        yield f"{key}: []"
        return
    yield f"{key}:"
    for entry in entries:
        dash = "-"
        for name, value in entry:
            yield f"  {dash} {name}: {value}"
            dash = " "


def _group_budget(entry: GroupBudgetEntry) -> Pairs:
    return [("group", quoted(entry.group)), ("limit", _limit(entry.limit)), *_reason(entry.reason)]


def _user_override(entry: UserOverrideEntry) -> Pairs:
    return [
        ("user", quoted(entry.user)),
        ("group", quoted(entry.group)),
        ("limit", _limit(entry.limit)),
        *_reason(entry.reason),
        *_moment("starts", entry.starts),
        *_moment("expires", entry.expires),
    ]


def _consent(consent: Consent) -> Pairs:
    return [
        ("hazard", str(consent.hazard)),
        ("up_to", str(consent.up_to)),
        *_reason(consent.reason),
        *_moment("expires", consent.expires),
    ]


def _guardrails(guardrails: tuple[Guardrail, ...]) -> Pairs:
    narrowest: dict[GuardrailName, int] = {}
    for rule in guardrails:
        narrowest[rule.name] = min(rule.value, narrowest.get(rule.name, rule.value))
    return [
        (name, str(value) if name is GuardrailName.MAX_OVERRIDE_DAYS else format_usd(value))
        for name, value in narrowest.items()
    ]


def _limit(limit: Micros | Absent) -> str:
    return NO_LIMIT if isinstance(limit, Absent) else format_usd(limit)


def _reason(reason: str) -> Pairs:
    return [("reason", quoted(reason))] if reason else []


def _moment(key: str, moment: datetime | None) -> Pairs:
    if moment is None:
        return []
    utc = moment.astimezone(UTC)
    if utc.time() == time():
        return [(key, utc.date().isoformat())]
    return [(key, utc.isoformat().replace("+00:00", "Z"))]


def quoted(text: str) -> str:
    """Write a text so that every YAML reader reads it as this text: plain where that is safe, else in quotes."""
    if _PLAIN.fullmatch(text) and is_text(text):
        return text
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"
