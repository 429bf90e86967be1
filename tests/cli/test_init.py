"""`init` writes a starting point from what is live, overwrites nothing, and its plan is empty."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.policy_file.load import load
from reconciler.sandbox import Sandbox
from tests.cli.running import Shell


def written(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize(
    ("ci", "pipeline"),
    [
        ("github", {".github/workflows/ai-budgets.yml"}),
        ("gitlab", {".gitlab-ci.yml", ".gitlab/ai-budgets.yml"}),
        ("none", set()),
    ],
)
def test_a_starting_point_plans_to_nothing(coder: Shell, ci: str, pipeline: set[str]) -> None:
    ran = coder.run("init", "--ci", ci)
    expected = {".gitignore", "policies/acme.yaml", "policies/labs.yaml", "schemas/policy.v1.schema.json", *pipeline}
    assert (ran.code, set(ran.out.splitlines())) == (0, expected)
    assert written(coder.folder) == expected
    assert "No changes. Live budgets match the policy." in coder.run("plan").out


def test_each_group_has_a_comment_with_its_people_and_spend(coder: Shell) -> None:
    assert coder.run("init", "--ci", "none").code == 0
    text = (coder.folder / "policies" / "acme.yaml").read_text()
    assert "  - group: platform  # 12 people, $487.90 spent this month\n" in text
    assert "  # eng has no budget: 16 people, $0.00 spent this month\n" in text


def test_the_guardrails_are_comments_that_can_be_uncommented(coder: Shell) -> None:
    assert coder.run("init", "--ci", "none").code == 0
    file = coder.folder / "policies" / "acme.yaml"
    text = file.read_text()
    assert "#   max_limit: $1,500.00  # the highest limit\n" in text
    file.write_text(text.replace("# guardrails:", "guardrails:").replace("#   ", "  "))
    (policy,) = load([str(file)]).policies
    assert {rule.name for rule in policy.guardrails} == {
        "max_limit", "max_exposure", "require_reason_above", "max_override_days",
    }  # fmt: skip


@pytest.mark.parametrize("taken", [".gitignore", "policies/labs.yaml", "schemas/policy.v1.schema.json"])
def test_nothing_is_overwritten_and_nothing_is_written_beside_it(coder: Shell, taken: str) -> None:
    coder.policy("mine\n", taken)
    ran = coder.run("init")
    assert (ran.code, ran.out) == (1, "")
    assert f"{taken} exists; it is left alone" in ran.err
    assert written(coder.folder) == {taken}
    assert (coder.folder / taken).read_text() == "mine\n"


def test_one_organization_in_a_folder_of_its_own(coder: Shell) -> None:
    ran = coder.run("init", "new/budgets", "--organization", "labs", "--ci", "none")
    assert ran.code == 0
    assert written(coder.folder) == {
        f"new/budgets/{name}" for name in (".gitignore", "policies/labs.yaml", "schemas/policy.v1.schema.json")
    }


def test_a_member_cannot_begin_and_nothing_is_written(shell: Shell, company: Sandbox) -> None:
    ran = shell.connect(company, "member").run("init")
    assert ran.code == 1
    assert written(shell.folder) == set()


def test_the_pipelines_that_are_written_are_the_shipped_ones(coder: Shell) -> None:
    assert coder.run("init").code == 0
    shipped = Path(__file__).parents[2] / "deploy" / "github" / "ai-budgets.yml"
    assert (coder.folder / ".github" / "workflows" / "ai-budgets.yml").read_text() == shipped.read_text()
