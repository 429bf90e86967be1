"""Policies and documents that hypothesis draws; a small alphabet of names, so that they meet."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from reconciler.core.budget import ABSENT
from reconciler.core.policy import (
    Consent,
    GroupBudgetEntry,
    Guardrail,
    GuardrailName,
    Hazard,
    Manage,
    Policy,
    UserOverrideEntry,
)
from reconciler.errors import Place
from reconciler.money import MAX_LIMIT, Micros
from reconciler.policy_file import shapes, values
from reconciler.policy_file.nodes import Scalar

HERE = Place("", 1, 1)


def scalar_of(text: str, style: str) -> Scalar:
    """Make a scalar as the parser makes it."""
    return Scalar(None, None, (True, False), text, style=style)


def _is_name(text: str) -> bool:
    try:
        return values.name(scalar_of(text, '"')) == text
    except values.Wrong:
        return False


def _is_reason(text: str) -> bool:
    try:
        return values.reason(scalar_of(text, '"')) == text
    except values.Wrong:
        return False


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
hard = st.sampled_from(
    ["yes", "no", "null", "~", "007", "1e3", "a: b", "a #b", "- a", "'", '"', "{a}", "*a", "&a", "!a", "%"]
)
names = st.one_of(st.sampled_from(["ana", "bob", "platform", "Everyone"]), hard, texts).filter(_is_name)
reasons = st.one_of(st.just(""), hard, texts.filter(_is_reason))
micros = st.integers(0, MAX_LIMIT).map(Micros)
limits = st.one_of(micros, st.just(ABSENT))
moments = st.datetimes(datetime(2000, 1, 2), datetime(2999, 12, 30), timezones=st.just(UTC))


@st.composite
def overrides(draw: st.DrawFn) -> UserOverrideEntry:
    """Draw an override whose period is not empty."""
    starts, expires = sorted(draw(st.tuples(moments, moments)))
    return UserOverrideEntry(
        user=draw(names),
        group=draw(names),
        limit=draw(limits),
        reason=draw(reasons),
        starts=draw(st.sampled_from([None, starts])),
        expires=draw(st.sampled_from([None, expires])) if starts < expires else None,
        place=HERE,
    )


entries: dict[str, st.SearchStrategy[Any]] = {
    "group_budgets": st.builds(GroupBudgetEntry, group=names, limit=limits, reason=reasons, place=st.just(HERE)),
    "user_overrides": overrides(),
}
"""What each list may hold, by its key."""


def _guardrail(name: GuardrailName) -> st.SearchStrategy[Guardrail]:
    numbers = st.integers(1, 1000) if name is GuardrailName.MAX_OVERRIDE_DAYS else st.integers(0, MAX_LIMIT)
    return numbers.map(lambda value: Guardrail(name=name, value=value, place=HERE))


policies = st.builds(
    Policy,
    organization=names,
    place=st.just(HERE),
    group_budgets_managed=st.sampled_from(Manage),
    user_overrides_managed=st.sampled_from(Manage),
    group_budgets=st.lists(entries["group_budgets"], max_size=5, unique_by=lambda entry: entry.group).map(tuple),
    user_overrides=st.lists(entries["user_overrides"], max_size=5, unique_by=lambda entry: entry.user.lower()).map(
        tuple
    ),
    guardrails=st.lists(st.sampled_from(GuardrailName), unique=True)
    .flatmap(lambda drawn: st.tuples(*map(_guardrail, drawn)))
    .map(tuple),
    allow=st.lists(
        st.builds(
            Consent,
            hazard=st.sampled_from([hazard for hazard in Hazard if hazard.is_for_policies]),
            up_to=st.integers(1, 9),
            reason=texts.filter(_is_reason),
            expires=st.one_of(st.none(), moments),
            place=st.just(HERE),
        ),
        max_size=2,
    ).map(tuple),
)

SCALARS = (
    "$200 200 200.50 $1,250.00 1,250_USD none $0 0 0.1234567 0.123456 1e3 0x10 1_000 017 1:30 .inf .nan -5 +5 5. .5 "
    "$1,000,000 $1,000,000.01 1000000.000001 1000000 9999999999999999999999 $1,00 yes no true null ~ on Off y standard "
    "Standard none None exact listed EXACT BLOCKS_USERS MASS_CHANGE blocks_users acme ana ana@example.com 1 2 1.0 01 "
    "1000001 2026-11-01 2026-13-01 2026-02-28 2026-11-01T09:00:00Z 2026-11-01T09:00:00 2026-11-01t09:00:00z "
    "2026-11-01T09:00:00.123456+01:00 2026-11-01T09:00:00.1234567Z 2026-11-01T24:00:00Z 9999-01-01 1999-01-01 a_b"
).replace("_USD", " USD")
scalars: st.SearchStrategy[Any] = st.tuples(
    st.one_of(st.sampled_from([*SCALARS.split(" "), "1,250 USD", "", " ", "a\n", "200\n", "1.5 USD"]), texts),
    st.sampled_from(["", "", "", '"']),
)
"""A text and how it is quoted."""


def _mapping(keys: list[str], contents: st.SearchStrategy[Any] = scalars) -> st.SearchStrategy[Any]:
    known = st.dictionaries(st.sampled_from(keys), contents, min_size=max(0, len(keys) - 3))
    return st.one_of(known, known, st.dictionaries(st.sampled_from([*keys, "x"]), contents), scalars)


_documents = st.fixed_dictionaries(
    {"version": st.sampled_from([("1", ""), ("1", ""), ("1", '"'), ("2", "")]), "organization": scalars},
    optional={
        "manage": _mapping([*shapes.MANAGE.kinds]),
        "tiers": st.dictionaries(scalars.map(lambda pair: pair[0]), scalars, max_size=3),
        "group_budgets": st.lists(_mapping([*shapes.GROUP_BUDGET.kinds]), max_size=2),
        "user_overrides": st.lists(_mapping([*shapes.USER_OVERRIDE.kinds]), max_size=2),
        "guardrails": _mapping([*map(str, GuardrailName)]),
        "allow": st.lists(_mapping([*shapes.CONSENT.kinds]), max_size=2),
        "x": scalars,
    },
)
_entries = st.fixed_dictionaries({}, optional={"group_budgets": scalars, "tiers": scalars, "allow": scalars})
documents = st.builds(
    lambda document, other: {**document, **other}, _documents, st.one_of(st.just({}), st.just({}), _entries)
)
"""Documents that are nearly right, as nested dictionaries and lists of (text, style)."""
