"""`init` writes a starting point from what is live, overwrites nothing, and its plan is empty."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.policy_file.load import load
from reconciler.sandbox import Options, Sandbox
from tests.cli.running import RAISE_PLATFORM, Shell


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


def test_what_to_type_next_is_one_folder_where_its_name_has_a_blank(coder: Shell) -> None:
    ran = coder.run("init", "new budgets", "--ci", "none")
    assert "Next: cd 'new budgets' && reconciler plan" in ran.err


def test_what_a_kill_left_is_not_added_to_git(coder: Shell) -> None:
    """`export`, `drift --accept` and `--save` write beside the file that they replace; `git add .` took the rest."""
    assert coder.run("init", "--ci", "none").code == 0
    subprocess.run(["git", "init", "-q"], cwd=coder.folder, check=True)
    killed = KILLED.replace("second", "policies/second")
    assert subprocess.run([sys.executable, "-c", killed], cwd=coder.folder, check=False).returncode < 0
    assert list(coder.folder.rglob(".reconciler-*"))
    (coder.folder / ".reconciler").mkdir(exist_ok=True)
    (coder.folder / ".reconciler" / "journal.jsonl").touch()
    subprocess.run(["git", "add", "."], cwd=coder.folder, check=True)
    added = subprocess.run(["git", "ls-files"], cwd=coder.folder, check=True, capture_output=True, text=True).stdout
    assert ".reconciler" not in added


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


def test_a_server_that_hides_overrides_is_said_and_no_exposure_is_suggested(shell: Shell) -> None:
    """On stock 2.35 nobody's limit is known: `max_exposure: $0.00` was suggested, and overrides seemed not to exist."""
    with Sandbox(Options(coder_version="2.35")) as old:
        ran = shell.connect(old).run("init", "--ci", "none")
    assert "This Coder does not show user overrides, so none are exported." in ran.err
    file = shell.folder / "policies" / "acme.yaml"
    text = file.read_text()
    assert "#   # no max_exposure: the limits of 39 people are not known\n" in text
    assert "#   max_override_days: 90  # a suggestion: an override must end\n" in text
    file.write_text(text.replace("# guardrails:", "guardrails:").replace("#   ", "  "))
    assert "max_exposure" not in {rule.name for rule in load([str(file)]).policies[0].guardrails}


def test_whom_nothing_limits_is_not_in_the_suggested_exposure(coder: Shell, company: Sandbox) -> None:
    company.execute("DELETE FROM group_ai_budgets WHERE group_id IN (SELECT organization_id FROM groups)")
    assert coder.run("init", "--ci", "none").code == 0
    text = (coder.folder / "policies" / "acme.yaml").read_text()
    assert "  # the limits of everybody together; 11 people without any limit not counted\n" in text


@pytest.mark.parametrize("taken", [".gitignore", "policies/labs.yaml", "schemas/policy.v1.schema.json"])
def test_nothing_is_overwritten_and_nothing_is_written_beside_it(coder: Shell, taken: str) -> None:
    coder.policy("mine\n", taken)
    ran = coder.run("init")
    assert (ran.code, ran.out) == (1, "")
    assert f"{taken} exists; it is left alone" in ran.err
    assert written(coder.folder) == {taken}
    assert (coder.folder / taken).read_text() == "mine\n"


@pytest.mark.parametrize(
    ("taken", "folder", "message"),
    [
        (
            "policies/company.yaml",
            ".",
            "policies/company.yaml exists; it is left alone, and plans would read it beside",
        ),
        ("policies/teams/a.yml", ".", "policies/teams/a.yml exists; it is left alone"),
        ("policies/acme.yaml", "policies", "policies/acme.yaml is a policy, so this folder holds policies itself"),
    ],
)
def test_where_policies_are_none_are_begun(coder: Shell, taken: str, folder: str, message: str) -> None:
    """`init` wrote what is live beside them and said that the next plan has no changes; it had each entry twice."""
    coder.policy(RAISE_PLATFORM, taken)
    ran = coder.run("init", folder)
    assert (ran.code, ran.out) == (1, "")
    assert message in ran.err
    assert written(coder.folder) == {taken}


def test_other_yaml_does_not_keep_init_from_beginning(coder: Shell) -> None:
    coder.policy("services: {}\n", "compose.yaml")
    coder.policy("read me\n", "policies/README.md")
    assert coder.run("init").code == 0
    assert "No changes." in coder.run("plan").out


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


SHARED = """\
organizations:
  - name: acme
    default: true
    workspace_sharing: everyone
    members: [olga]
    groups: [{name: platform, members: [ana, bob, mia], budget: 500}, {name: Everyone, budget: 75}]
  - name: labs
    groups: [{name: pilots, members: [ana], budget: 900}]
users:
  - {username: ana}
  - {username: bob}
  - {username: mia}
  - {username: olga, organization_roles: {acme: [organization-admin]}}
overrides: [{user: bob, group: acme/platform, limit: 800}, {user: mia, group: acme/platform, limit: 600}]
tokens: {organization-admin: olga, member: mia}
"""


def uncommented(file: Path) -> None:
    text = file.read_text()
    file.write_text(text.replace("# guardrails:", "guardrails:").replace("\n#   ", "\n  "))


@pytest.mark.parametrize(("version", "role"), [("2.34", "member"), ("2.37", "organization-admin")])
def test_what_is_suggested_holds_in_the_plan_that_comes_next(shell: Shell, version: str, role: str) -> None:
    """People whom an organization that the token may not read limits, and hidden members, were in the suggested sum."""
    (shell.folder / "seed.yaml").write_text(SHARED)
    with Sandbox(Options(seed=str(shell.folder / "seed.yaml"), coder_version=version)) as sandbox:
        assert shell.connect(sandbox, role).run("init", "--ci", "none").code == 0
        file = shell.folder / "policies" / "acme.yaml"
        assert "#   # no max_exposure: the limits of " in file.read_text()
        assert "  - group: platform  # 3 people" in file.read_text()
        uncommented(file)
        ran = shell.run("plan", "policies")
    assert ran.code == 0
    assert "No changes." in ran.out
    assert "max_exposure" not in ran.out


def test_what_todays_overrides_break_is_said_where_it_is_suggested(shell: Shell) -> None:
    (shell.folder / "seed.yaml").write_text(SHARED)
    with Sandbox(Options(seed=str(shell.folder / "seed.yaml"))) as sandbox:
        assert shell.connect(sandbox, "organization-admin").run("init", "--ci", "none").code == 0
        file = shell.folder / "policies" / "acme.yaml"
        assert (
            "#   require_reason_above: $500.00  # a higher limit must say why; 2 of today's do not\n"
            in file.read_text()
        )
        uncommented(file)
        ran = shell.run("plan", "policies")
    assert ran.code == 0
    assert "require_reason_above: 2 entries in 1 file" in ran.out


KILLED = """
import resource, signal
from reconciler.cli.files import write_new_files
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # kills in the middle of a file
write_new_files({"first.yaml": "version: 1", "second.yaml": "# long\\n" * 9999})
"""


def test_who_is_killed_leaves_no_beginning_of_a_policy(tmp_path: Path) -> None:
    """Also what `export` writes: the beginning of an exact policy removes what it does not list."""
    ran = subprocess.run([sys.executable, "-c", KILLED], cwd=tmp_path, check=False, capture_output=True)
    assert ran.returncode < 0, ran.stderr
    assert not list(tmp_path.glob("*.yaml"))
