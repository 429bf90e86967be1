"""Every file or folder in tests/policies is a test: drop one in. UPDATE_GOLDEN=1 writes the expected findings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.errors import PolicyError
from reconciler.policy_file.load import load
from reconciler.policy_file.write import dump

EXAMPLES = Path(__file__).parents[1] / "policies"
ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "reconciler" / "examples"
VALID = sorted(path for path in (EXAMPLES / "valid").iterdir())
INVALID = sorted(path for path in (EXAMPLES / "invalid").iterdir() if path.suffix != ".txt")


def rendered(error: PolicyError) -> str:
    """Show findings as a person would see them."""
    lines = []
    for finding in error.findings:
        lines += [f"{finding.place}: {finding.message}", f"    {finding.source_line}", f"    hint: {finding.hint}"]
    return "".join(line.rstrip() + "\n" for line in lines if line.strip() not in ("", "hint:"))


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.name)
def test_valid(path: Path, tmp_path: Path) -> None:
    loaded = load([str(path)])
    assert loaded.policies
    for policy in loaded.policies:
        again = tmp_path / "again.yaml"
        again.write_text(dump(policy), encoding="utf-8")
        assert dump(policy) == dump(load([str(again)]).policies[0])


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.name)
def test_invalid(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    with pytest.raises(PolicyError) as caught:
        load([path.name])
    golden = path.with_suffix(".txt")
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(rendered(caught.value), encoding="utf-8")
    assert golden.read_text(encoding="utf-8") == rendered(caught.value)


def test_there_are_many_invalid_examples_and_no_golden_without_one() -> None:
    assert len(INVALID) >= 60
    goldens = {path.stem for path in (EXAMPLES / "invalid").glob("*.txt")}
    assert goldens == {path.stem for path in INVALID}


def test_our_own_policies_are_valid() -> None:
    together = load([str(SHIPPED)])
    assert [policy.organization for policy in together.policies] == ["acme", "labs"]
    assert load([str(SHIPPED / "company")]).policies
    assert load([str(SHIPPED / "minimal.yaml")]).policies


def test_the_default_path_finds_the_first_policy_of_the_readme_and_nothing_else() -> None:
    """A reader who writes it again, as the README says, changes nothing and lists nothing twice."""
    assert [path.name for path in (ROOT / "policies").iterdir()] == ["first.yaml"]
    first = (ROOT / "policies" / "first.yaml").read_text(encoding="utf-8")
    assert f"```yaml\n{first}```\n" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert load([str(ROOT / "policies")]).policies
