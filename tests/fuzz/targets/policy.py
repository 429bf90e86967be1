"""Policies: any bytes are read alike by both YAML parsers, and what is read can be written and edited."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import yaml

from reconciler.core.policy import Entry, Policy, UserOverrideEntry
from reconciler.errors import Finding, PolicyError
from reconciler.money import Micros
from reconciler.policy_file import read
from reconciler.policy_file.edit import AddEntry, ChangeEntry, RemoveEntry, edit
from reconciler.policy_file.load import read_texts
from reconciler.policy_file.nodes import PolicyText
from reconciler.policy_file.write import dump
from tests.policy_file.test_round_trip import without_places

LONGEST = 8192
"""Longer inputs find nothing that shorter ones do not, and take longer."""


def policy(data: bytes) -> None:
    """Read a policy: only findings, the same with both YAML parsers, and laws 7 of writing and of editing."""
    if len(data) > LONGEST:
        return
    policies, findings = _load(data)
    with _pure_parser():
        pure_policies, pure_findings = _load(data)
    assert not policies or not pure_policies or policies == pure_policies, "the parsers read different policies"
    assert bool(findings) == bool(pure_findings) or _parsers_differ(data), (findings, pure_findings)
    if findings:
        _check_findings(findings)
        return
    for loaded in policies:
        _check_round_trip(loaded)
    _check_edits(data, policies)


def _load(data: bytes) -> tuple[tuple[Policy, ...], tuple[Finding, ...]]:
    content = read_texts([PolicyText("x.yaml", data)])
    return (() if content.findings else content.policies), content.findings


def _parsers_differ(data: bytes) -> bool:
    """Whether libyaml and PyYAML's own parser disagree about the YAML itself; that is theirs to settle."""
    with _pure_parser():
        pure = _is_yaml(data)
    return pure != _is_yaml(data)


def _is_yaml(data: bytes) -> bool:
    tree = read.read(PolicyText("x.yaml", data))
    return tree.root is not None


@contextmanager
def _pure_parser() -> Any:
    fast, read._Parser = read._Parser, yaml.SafeLoader
    try:
        yield
    finally:
        read._Parser = fast


def _check_findings(findings: Iterable[Finding]) -> None:
    for finding in findings:
        assert finding.place.line >= 1
        assert finding.place.column >= 1
        assert len(finding.message) < 1_000, finding
        assert len(finding.hint) < 1_000, finding
        assert len(finding.source_line) < 200, finding
        str(finding).encode()  # no half characters
    PolicyError(tuple(findings))


def _check_round_trip(loaded: Policy) -> None:
    (again,), findings = _load(dump(loaded).encode())
    assert not findings
    narrowest = {
        rule.name: min(r.value for r in loaded.guardrails if r.name is rule.name) for rule in loaded.guardrails
    }
    assert {rule.name: rule.value for rule in again.guardrails} == narrowest
    assert without_places(replace(again, guardrails=())) == without_places(_without_tiers(loaded))


def _without_tiers(loaded: Policy) -> Policy:
    """What is written has amounts in place of tiers."""
    budgets = tuple(replace(entry, tier="") for entry in loaded.group_budgets)
    overrides = tuple(replace(entry, tier="") for entry in loaded.user_overrides)
    return replace(loaded, guardrails=(), group_budgets=budgets, user_overrides=overrides)


def _check_edits(data: bytes, policies: tuple[Policy, ...]) -> None:
    text = data.decode()
    assert edit(text, []) == text
    for loaded in policies:
        for entry in _entries(loaded):
            raised = edit(text, [ChangeEntry(place=entry.place, values={"limit": Micros(1_234_567_890)})])
            assert _limits(raised) == {**_limits(text), _key(entry): 1_234_567_890}
            removed = edit(text, [RemoveEntry(place=entry.place)])
            assert _limits(removed) == {key: limit for key, limit in _limits(text).items() if key != _key(entry)}
            added = edit(removed, [AddEntry(entry=entry)])
            assert _limits(added) == _limits(text)


def _key(entry: Entry) -> tuple[str, str]:
    return entry.user if isinstance(entry, UserOverrideEntry) else "", entry.group


def _limits(text: str) -> dict[tuple[str, str], Any]:
    policies, findings = _load(text.encode())
    assert not findings, findings
    return {_key(entry): entry.limit for loaded in policies for entry in _entries(loaded)}


def _entries(loaded: Policy) -> tuple[Entry, ...]:
    return (*loaded.group_budgets, *loaded.user_overrides)
