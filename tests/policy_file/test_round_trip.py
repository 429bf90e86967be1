"""Laws 4 and 7 for policy files: what is written reads back the same, and no order of files changes what is read."""

from __future__ import annotations

import random
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.policy import Guardrail, GuardrailName, Policy
from reconciler.errors import Place
from reconciler.money import MAX_LIMIT, Micros, format_usd, parse_usd
from reconciler.policy_file.load import load
from reconciler.policy_file.write import dump
from tests.policy_file.policies import HERE, policies


def without_places(value: Any) -> Any:
    """Return the same value as if all of it stood at one place."""
    if isinstance(value, Place):
        return HERE
    if isinstance(value, tuple):
        return tuple(without_places(item) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: without_places(getattr(value, field.name)) for field in fields(value)})
    return value


@given(st.integers(0, MAX_LIMIT))
def test_law_7_money(micros: int) -> None:
    assert micros == parse_usd(format_usd(micros))
    assert micros == parse_usd(format_usd(micros).removeprefix("$"))


@settings(max_examples=200)
@given(policies)
def test_law_7_policy(tmp_path_factory: pytest.TempPathFactory, policy: Policy) -> None:
    file = tmp_path_factory.mktemp("policy") / "policy.yaml"
    file.write_text(dump(policy), encoding="utf-8")
    assert (policy,) == without_places(load([str(file)]).policies)


@settings(max_examples=50)
@given(st.lists(policies, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_law_4_order_of_paths(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[Policy], order: random.Random
) -> None:
    folder = tmp_path_factory.mktemp("policies")
    paths = []
    for number, policy in enumerate(drawn):
        file = folder / f"{number}.yaml"
        renamed = replace(policy, organization=f"organization {number}", user_overrides=())
        file.write_text(dump(renamed), encoding="utf-8")
        paths.append(str(file))
    loaded = load(paths)
    order.shuffle(paths)
    assert loaded == load(paths) == load([str(folder)]) == load([*paths, str(folder)])


def test_of_two_guardrails_the_narrower_is_written(tmp_path: Path) -> None:
    rules = tuple(Guardrail(name=GuardrailName.MAX_LIMIT, value=Micros(value), place=HERE) for value in (7, 5, 6))
    file = tmp_path / "policy.yaml"
    file.write_text(dump(replace(_minimal(), guardrails=rules)), encoding="utf-8")
    assert (rules[1],) == without_places(load([str(file)]).policies[0].guardrails)


def _minimal() -> Policy:
    from reconciler.core.policy import Manage

    return Policy(
        organization="acme",
        place=HERE,
        group_budgets_managed=Manage.EXACT,
        user_overrides_managed=Manage.EXACT,
        group_budgets=(),
        user_overrides=(),
        guardrails=(),
        allow=(),
    )
