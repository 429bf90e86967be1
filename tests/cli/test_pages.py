"""Formats at the command line: one read feeds all, GitHub's files, several documents as one page, links to lines."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from reconciler.cli.installed import command_to_add
from reconciler.render.formats import FORMATS
from reconciler.sandbox import Sandbox
from tests.cli.running import AT, BLOCKS_BOB, COMPANY, RAISE_PLATFORM, Shell


def on_github(shell: Shell) -> Shell:
    (shell.folder / "out").touch()
    (shell.folder / "summary").touch()
    return shell.set(
        GITHUB_ACTIONS="true",
        GITHUB_REPOSITORY="acme/budgets",
        GITHUB_SERVER_URL="https://github.example",
        GITHUB_SHA="abc123",
        GITHUB_WORKSPACE=str(shell.folder),
        GITHUB_OUTPUT=str(shell.folder / "out"),
        GITHUB_STEP_SUMMARY=str(shell.folder / "summary"),
    )


def test_one_read_feeds_every_format(coder: Shell) -> None:
    coder.policy(RAISE_PLATFORM)
    saves = [argument for name in FORMATS for argument in ("--save", f"{name}=saved.{name}")]
    ran = coder.run("plan", *AT, *saves, "--format", "gitlab")
    assert (ran.code, ran.out) == (0, '{"create": 0, "update": 1, "delete": 0}\n')
    for name in FORMATS:
        file = coder.folder / f"saved.{name}"
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.read_text() or name == "codequality"
    shown = coder.run("show", "saved.json", "--format", "markdown")
    assert shown.out == (coder.folder / "saved.markdown").read_text()


def test_a_step_of_github_gets_outputs_a_summary_and_annotations(coder: Shell) -> None:
    on_github(coder).policy(BLOCKS_BOB)
    ran = coder.run("plan", *AT, "--format", "github")
    assert ran.code == 3
    place = "file=policies/acme.yaml,line=5,col=12"
    assert f"\n::error title=AI budgets%3A BLOCKS_USERS,{place}::BLOCKS_USERS: 1 person would be blocked" in ran.out
    outputs = dict(line.split("=", 1) for line in (coder.folder / "out").read_text().splitlines())
    assert {"has_changes": "true", "updates": "1", "refused": "true", "exit_code": "3"}.items() <= outputs.items()
    summary = (coder.folder / "summary").read_text()
    assert "[`user/bob`](https://github.example/acme/budgets/blob/abc123/policies/acme.yaml#L5)" in summary


def test_outputs_that_cannot_be_written_are_said(coder: Shell) -> None:
    """A later step would find none, and believe that nothing changes."""
    on_github(coder).set(GITHUB_OUTPUT="/dev/full", GITHUB_STEP_SUMMARY=str(coder.folder / "gone" / "summary"))
    coder.policy(RAISE_PLATFORM)
    ran = coder.run("plan", *AT, "--format", "github")
    assert ran.code == 0
    assert "Note: the outputs of this step could not be written: No space left on device.\n" in ran.err
    assert "Note: the summary of this step could not be written: No such file or directory.\n" in ran.err


@pytest.mark.parametrize("option", [("--format", "github"), ("--save", "github=page")])
def test_on_github_an_error_has_annotations_and_a_summary_too(shell: Shell, option: tuple[str, str]) -> None:
    on_github(shell).policy("version: 1\norganization: acme\ngroup_budgets: [{group: x, limit: -1}]\n")
    ran = shell.run("validate", *option)
    assert ran.code == 1
    page = ran.out if option[0] == "--format" else (shell.folder / "page").read_text()
    assert "::error title=AI budgets%3A finding,file=policies/acme.yaml,line=3,col=35::" in page
    assert (shell.folder / "out").read_text() == "exit_code=1\n"
    assert "⛔ error" in (shell.folder / "summary").read_text()


def test_plans_of_several_jobs_are_one_page(coder: Shell) -> None:
    coder.policy(RAISE_PLATFORM)
    coder.policy(BLOCKS_BOB, "policies/bob.yaml")
    coder.run("plan", "policies/acme.yaml", *AT, "-o", "a.plan")
    coder.run("plan", "policies/bob.yaml", *AT, "-o", "b.plan")
    ran = coder.run("show", "a.plan", "b.plan", "--format", "markdown")
    assert ran.code == 0
    assert "2 changes" in ran.out
    assert "`group/acme/platform`" in ran.out
    assert "`user/bob`" in ran.out
    assert json.loads(coder.run("show", "a.plan", "b.plan", "--format", "gitlab").out)["update"] == 2
    assert len(coder.run("show", "a.plan", "b.plan", "--json").document["documents"]) == 2


def test_a_document_that_is_named_twice_counts_once(coder: Shell) -> None:
    coder.policy(RAISE_PLATFORM)
    coder.run("plan", *AT, "-o", "a.plan")
    (coder.folder / "copy.plan").write_bytes((coder.folder / "a.plan").read_bytes())
    once = coder.run("show", "a.plan", "--format", "markdown")
    ran = coder.run("show", "a.plan", "copy.plan", "a.plan", "--format", "markdown")
    assert ran.out == once.out
    assert ran.err == "Note: files with the same content are shown once.\n"


def test_people_who_are_in_two_plans_are_said(coder: Shell) -> None:
    coder.policy(RAISE_PLATFORM)
    coder.run("plan", *AT, "-o", "a.plan")
    coder.policy(RAISE_PLATFORM.replace("$1,000", "$900"))
    coder.run("plan", *AT, "-o", "b.plan")
    for name in ("markdown", "html"):
        ran = coder.run("show", "a.plan", "b.plan", "--format", name)
        assert "10 people are in more than one of these plans, and counted in each." in ran.out


def test_what_is_pasted_from_a_comment_lets_the_plan_through(coder: Shell) -> None:
    """The lines that a refused plan asks for are the lines that the policy takes."""
    coder.policy(BLOCKS_BOB)
    refused = coder.run("plan", *AT, "--format", "markdown").out
    pasted = refused.split("```yaml\n")[1].split("> ```")[0].replace("> ", "")
    coder.policy(BLOCKS_BOB + pasted)
    assert coder.run("plan", *AT).code == 0


@pytest.mark.parametrize("missing", ["jinja2", "prometheus_client"])
def test_an_extra_that_is_not_installed_is_named(coder: Shell, missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name = {"jinja2": "html", "prometheus_client": "metrics"}[missing]
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delitem(sys.modules, f"reconciler.render.pages.{name}", raising=False)
    coder.policy(RAISE_PLATFORM)
    ran = coder.run("plan", *AT, "--format", name)
    assert ran.code == 1
    assert f"format {name} needs the package {missing}" in ran.err
    assert command_to_add(name) in ran.err


def test_a_missing_extra_is_said_before_anything_is_written(coder: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was said after the writes, with the exit code of an error, and the outcome was in no page."""
    monkeypatch.setitem(sys.modules, "jinja2", None)
    monkeypatch.delitem(sys.modules, "reconciler.render.pages.html", raising=False)
    coder.policy(RAISE_PLATFORM)
    ran = coder.run("apply", "--auto-approve", "--save", "html=page.html")
    assert ran.code == 1
    assert command_to_add("html") in ran.err
    assert not (coder.folder / ".reconciler").exists()


def test_below_the_top_of_a_checkout_each_place_is_told_from_there(
    coder: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Annotations named `policies/acme.yaml`, where the links beside them led to `infra/policies/acme.yaml`."""
    policy = on_github(coder).policy(BLOCKS_BOB)
    (coder.folder / "infra" / "a").mkdir(parents=True)
    policy.parent.rename(coder.folder / "infra" / "policies")
    for folder, path in (("infra", "policies"), ("infra/a", "../policies")):
        monkeypatch.chdir(coder.folder / folder)
        saved = [argument for name in ("codequality", "junit") for argument in ("--save", f"{name}={name}")]
        ran = coder.run("plan", str(path), *AT, "--format", "github", *saved)
        assert ran.code == 3
        assert ",file=infra/policies/acme.yaml,line=5," in ran.out
        assert json.loads(Path("codequality").read_text())[0]["location"]["path"] == "infra/policies/acme.yaml"
        assert 'file="infra/policies/acme.yaml" line="5"' in Path("junit").read_text()


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ('[remote "origin"]\n\turl = https://github.example/acme/budgets\n', "policies/acme.yaml"),
        ('[remote "origin"]\n\turl = git@github.example:Acme/budgets.git\n', "policies/acme.yaml"),
        ('[remote "origin"]\n\turl = https://github.example/acme/budgets/\n', "policies/acme.yaml"),
        ('[remote "origin"]\n\turl = https://github.example/acme/old-budgets\n', None),
        ('[remote "origin"]\n\turl = https://github.example/acme/budgets-of-labs.git\n', None),
        (
            '[remote "origin"]\n\turl = https://github.example/acme/all\n[submodule "b"]\n\turl = git@x:acme/budgets\n',
            None,
        ),
        (None, None),
    ],
    ids=["path", "ssh", "slash", "another", "longer", "holder", "submodule"],
)
def test_a_checkout_below_the_workspace_has_links_where_it_is_of_the_same_repository(
    coder: Shell, monkeypatch: pytest.MonkeyPatch, config: str | None, path: str | None
) -> None:
    """With `path:` of actions/checkout each link named a folder that the repository does not have."""
    on_github(coder).policy(RAISE_PLATFORM, "budgets/policies/acme.yaml")
    git = coder.folder / "budgets" / ".git"
    if config is None:
        git.write_text("gitdir: ../.git/modules/budgets\n")
    else:
        git.mkdir()
        (git / "config").write_text(config)
    monkeypatch.chdir(git.parent)
    links = re.findall(r"blob/abc123/([^#]*)#", coder.run("plan", *AT, "--format", "markdown").out)
    assert links == ([path] if path else [])


@pytest.mark.parametrize(("cloned", "links"), [("acme/budgets", ["policies/acme.yaml"]), ("acme/other", [])])
def test_on_gitlab_a_clone_below_the_project_has_links_where_it_is_of_the_project(
    coder: Shell, monkeypatch: pytest.MonkeyPatch, cloned: str, links: list[str]
) -> None:
    coder.set(GITLAB_CI="true", CI_PROJECT_URL="https://gitlab.example/acme/budgets", CI_COMMIT_SHA="abc123")
    coder.set(CI_PROJECT_PATH="acme/budgets", CI_PROJECT_DIR=str(coder.folder))
    coder.policy(RAISE_PLATFORM, "clone/policies/acme.yaml")
    git = coder.folder / "clone" / ".git"
    git.mkdir()
    (git / "config").write_text(f'[remote "origin"]\n\turl = https://ci:token@gitlab.example/{cloned}.git\n')
    monkeypatch.chdir(git.parent)
    assert re.findall(r"-/blob/abc123/([^#]*)#", coder.run("plan", *AT, "--format", "markdown").out) == links


def test_a_place_outside_of_the_checkout_has_no_link(coder: Shell, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    on_github(coder).set(GITHUB_WORKSPACE=str(tmp_path / "elsewhere"))
    coder.policy(RAISE_PLATFORM)
    assert "](http" not in coder.run("plan", *AT, "--format", "markdown").out


def test_guardrails_that_do_not_hold_have_their_line_in_status_too(coder: Shell) -> None:
    policy = coder.policy(RAISE_PLATFORM + "guardrails: {max_limit: $100}\n")
    ran = coder.run("status", "--policies", policy, "--format", "codequality")
    assert ran.code == 0
    (row,) = json.loads(ran.out)
    assert (row["check_name"], row["severity"], row["location"]["lines"]["begin"]) == ("max_limit", "minor", 5)
    moved = coder.policy("# moved down\n" + policy.read_text())
    (again,) = json.loads(coder.run("status", "--policies", moved, "--format", "codequality").out)
    assert again["location"]["lines"]["begin"] == 6
    assert again["fingerprint"] == row["fingerprint"]
    assert (
        "::warning title=AI budgets%3A max_limit" in coder.run("status", "--policies", moved, "--format", "github").out
    )


@pytest.mark.parametrize("option", [("--format", "gitlab"), ("--save", "gitlab=status.json")])
def test_a_format_that_makes_no_sense_says_why(shell: Shell, option: tuple[str, str]) -> None:
    ran = shell.run("status", *option)
    assert ran.code == 1
    assert (
        "gitlab needs changes that may be made, to count, which this result does not have; use one of: text," in ran.err
    )


def test_several_results_in_one_file_are_shown_again(coder: Shell) -> None:
    coder.policy(RAISE_PLATFORM)
    coder.policy(BLOCKS_BOB, "policies/bob.yaml")
    for name in ("acme", "bob"):
        coder.run("plan", f"policies/{name}.yaml", *AT, "-o", f"{name}.plan")
    coder.run("show", "acme.plan", "bob.plan", "--save", "json=both.json")
    for name in FORMATS:
        again = coder.run("show", "both.json", "--format", name)
        first = coder.run("show", "acme.plan", "bob.plan", "--format", name)
        assert again.code == 0
        assert again.out == first.out or name == "metrics", "metrics have the time of the run"
    text = (coder.folder / "both.json").read_text()
    (coder.folder / "edited.json").write_text(text.replace("1000000000", "1000000001"))
    ran = coder.run("show", "edited.json")
    assert ran.code == 1
    assert "document 1 of edited.json was edited by hand or damaged" in ran.err
    (coder.folder / "none.json").write_text('{"format": "reconciler documents", "version": 1, "documents": []}')
    assert "none.json is not a list of documents that this tool wrote" in coder.run("show", "none.json").err


def test_two_plans_of_one_subject_say_that_it_counts_twice(coder: Shell) -> None:
    coder.policy(RAISE_PLATFORM)
    coder.run("plan", *AT, "-o", "a.plan")
    coder.run("plan", *AT, "--only", "group/*", "--at", "2026-11-23T13:00:00Z", "-o", "b.plan")
    for name in ("markdown", "html"):
        page = coder.run("show", "a.plan", "b.plan", "--format", name).out
        assert re.search("1 change and [0-9]+ people are in more than one of these plans, and counted in each.", page)


@pytest.mark.parametrize("name", ["text", "markdown", "html"])
def test_no_page_shows_the_first_of_several_alone(coder: Shell, name: str) -> None:
    coder.policy(RAISE_PLATFORM)
    for user in ("ana", "bob"):
        coder.run("explain", user, "--save", f"json={user}.json")
        coder.run("validate", f"no-{user}", "--save", f"json=no-{user}.json")
    people = coder.run("show", "ana.json", "bob.json", "--format", name).out
    assert "ana" in people
    assert "bob" in people
    errors = coder.run("show", "no-ana.json", "no-bob.json", "--format", name).out
    assert "no-ana" in errors
    assert "no-bob" in errors


def test_a_journal_and_its_outcome_are_one_run(shell: Shell) -> None:
    with Sandbox(COMPANY) as company:
        shell.connect(company).policy(RAISE_PLATFORM)
        shell.run("apply", "--auto-approve", *AT, "--journal", "run.jsonl", "--save", "json=run.json")
    for files in (("run.jsonl", "run.json"), ("run.json", "run.jsonl")):
        ran = shell.run("show", *files, "--json")
        assert ran.document["counts"]["done"] == 1
        assert ran.document["plan"], "the outcome has the plan as well"
        assert "a run that several files record is shown once" in ran.err
