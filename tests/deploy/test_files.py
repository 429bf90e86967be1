"""What the files of deploy/ say of us is true: their command lines are understood, their metrics and versions exist."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

import reconciler
from reconciler.cli.app import reconciler as program
from reconciler.sandbox import Options, Sandbox
from tests.deploy.gitlab import pipeline
from tests.deploy.site import INVALID, Repository

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
HOME_PAGE = "acme/coder-budget-reconciler"


def command_lines() -> Iterator[tuple[str, list[str]]]:
    """Yield the arguments of every reconciler that a file of deploy/ starts."""
    for file in (DEPLOY / "kubernetes" / "base").glob("d*.yaml"):
        job = yaml.safe_load(file.read_text())
        (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
        yield file.name, container["args"]
    for file in (DEPLOY / "systemd").glob("*.env"):
        yield file.name, shlex.split(re.findall(r"^ARGUMENTS=(.*)$", file.read_text(), re.MULTILINE)[0])
    texts = {"crontab": (DEPLOY / "crontab" / "ai-budgets").read_text()}
    for name, job in pipeline().items():
        texts |= {f"gitlab {name}": "\n".join(str(line).replace("\n", " ") for line in job.get("script", []))}
    for name, text in texts.items():
        for line in re.findall(r"(?<![\w/.-])reconciler ((?:validate|plan|apply|drift)[^|&>\n;]*)", text):
            yield name, shlex.split(line)


@pytest.mark.parametrize(("name", "arguments"), list(command_lines()), ids=lambda value: str(value)[:60])
def test_a_command_line_is_understood(name: str, arguments: list[str]) -> None:
    context = program.make_context("reconciler", arguments.copy())
    _, command, left = program.resolve_command(context, arguments)
    assert command is not None
    filled = [re.sub(r"\$\w+", "x", argument) for argument in left]
    assert command.make_context(arguments[0], filled, parent=context)


@pytest.mark.skipif(shutil.which("flock") is None, reason="flock is not installed")
def test_an_hourly_run_leaves_the_log_of_the_run_before_alone_while_that_goes_on(tmp_path: Path) -> None:
    """The log was emptied under the hands of the run that wrote it, and the rest of it mailed."""
    lines = (DEPLOY / "crontab" / "ai-budgets").read_text().splitlines()
    (line,) = (line for line in lines if "--due" in line)
    (tmp_path / "due.log").write_text("so far")
    locked = f"flock .lock sh -c {shlex.quote('flock' + line.partition('flock')[2])}"
    done = subprocess.run(["sh", "-c", locked], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("", "")
    assert (tmp_path / "due.log").read_text() == "so far"


def test_the_units_name_the_part_of_the_package_that_they_need() -> None:
    """They save metrics, and the package without `metrics` ended each run with an error."""
    folder = DEPLOY / "systemd"
    assert all("--save metrics=" in file.read_text() for file in folder.glob("*.env"))
    assert "pip install '.[metrics]'" in (folder / "ai-budgets@.service").read_text()


def test_there_are_command_lines_of_every_kind() -> None:
    assert {arguments[0] for _, arguments in command_lines()} == {"plan", "apply", "drift"}
    assert len(list(command_lines())) >= 10


def test_rules_and_dashboard_use_metrics_that_exist() -> None:
    source = (ROOT / "reconciler" / "render" / "pages" / "metrics.py").read_text()
    known = set(re.findall(r"reconciler_[a-z_]+", source))
    for file in (DEPLOY / "prometheus" / "ai-budgets.rules.yaml", DEPLOY / "grafana" / "ai-budgets.json"):
        used = set(re.findall(r"\breconciler_[a-z_]+", file.read_text()))
        assert used
        assert used <= known, file


def test_what_counts_the_people_concerned_is_not_taken_for_everybody() -> None:
    """Where nothing differs they are nobody: the dashboard said that everybody may spend $0."""
    panels = json.loads((DEPLOY / "grafana" / "ai-budgets.json").read_text())["panels"]
    rules = yaml.safe_load((DEPLOY / "prometheus" / "ai-budgets.rules.yaml").read_text())["groups"][0]["rules"]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]] + [row["expr"] for row in rules]
    partial = [text for text in expressions if re.search("reconciler_(exposure_dollars|people_without_limit)", text)]
    assert len(partial) == 5
    assert all("and ignoring(when) reconciler_exposure_is_total == 1" in text for text in partial)


def test_the_dashboard_tells_none_that_differ_from_no_look() -> None:
    """A run in which nothing differs writes no `reconciler_differences`: the panel was as empty as after a failure."""
    panels = json.loads((DEPLOY / "grafana" / "ai-budgets.json").read_text())["panels"]
    (text,) = (panel["targets"][0]["expr"] for panel in panels if panel["id"] == 1)
    assert text == "sum(reconciler_differences) or 0 * max(reconciler_unreadable_subjects)"


def test_a_node_exporter_may_read_the_file_of_each_job() -> None:
    """On Kubernetes the files had mode 0600, which the user of a node exporter may not read."""
    saving = [arguments for _, arguments in command_lines() if any("metrics=" in word for word in arguments)]
    saving = [arguments for arguments in saving if "junit=ai-budgets/junit.xml" not in arguments]  # GitLab's own report
    assert len(saving) == 4
    for arguments in saving:
        assert arguments[arguments.index("--save-mode") + 1] == "644", arguments
    many = (DEPLOY / "kubernetes" / "many-organizations" / "job.yaml").read_text()
    assert re.findall("metrics=.*", many) == ["metrics=/data/all.prom --save-mode 644"], "one file of all"


@pytest.mark.parametrize(
    "file",
    sorted(path for path in DEPLOY.rglob("*") if path.is_file() and path.suffix != ".pyc"),
    ids=lambda path: path.name,
)
def test_files_name_this_version_and_one_home(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    ours = re.findall(r"coder-budget-reconciler(?:\[[a-z,]+\])?(?:==|:|@[0-9a-f]{40} # v)(\d+\.\d+\.\d+)", text)
    ours += re.findall(r"newTag: (\d\S+)", text)
    assert set(ours) <= {reconciler.__version__}
    homes = set(re.findall(r"[\w-]+/(?:coder-budget-)?reconciler(?=[@:\s\"]|$)(?!:/)", text)) - {
        "bin/reconciler",
        "opt/reconciler",
    }
    assert homes <= {HOME_PAGE}, homes


def test_the_problem_matcher_reads_what_we_print(tmp_path: Path) -> None:
    (matcher,) = json.loads((DEPLOY / "github" / "problem-matcher.json").read_text())["problemMatcher"]
    (pattern,) = matcher["pattern"]
    (tmp_path / "bad.yaml").write_text(INVALID)
    ran = subprocess.run(
        [sys.executable, "-m", "reconciler", "validate", "bad.yaml"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = re.search(pattern["regexp"], ran.stderr, re.MULTILINE)
    assert found
    assert (found[pattern["file"]], found[pattern["line"]]) == ("bad.yaml", "5")


def test_the_workflow_gives_no_job_more_than_it_needs() -> None:
    workflow = yaml.safe_load((DEPLOY / "github" / "ai-budgets.yml").read_text())
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        text = json.dumps(job)
        assert ("CODER_WRITE_TOKEN" in text) == (job.get("environment") == "coder-production"), name
        assert job["concurrency"]["cancel-in-progress"] == (name in ("plan", "fork", "drift"))
        assert text.count('"actions/checkout@') == text.count('"persist-credentials": false') == 1
        assert "contents" in job["permissions"]
        assert job["permissions"].get("contents") == "read"
    groups = [job["concurrency"]["group"] for job in workflow["jobs"].values()]
    assert len(set(groups)) == len(groups), "an apply that waits would be cancelled by another job"


@pytest.mark.skipif(shutil.which("conftest") is None, reason="conftest is not installed; .ci/lint-deploy has it")
def test_conftest_reads_a_real_plan(tmp_path: Path) -> None:
    policy = (
        "version: 1\norganization: acme\nuser_overrides:\n  - {user: dan, group: platform, limit: $3000, reason: R}\n"
    )
    with Sandbox(Options()) as sandbox:
        site = Repository(work_tree=tmp_path / "work", sandbox=sandbox)
        site.begin()
        plans = {name: _plan(site, text) for name, text in (("bad", policy), ("good", policy.replace("R}", "FIN-1}")))}
    codes = {}
    for name, plan in plans.items():
        (tmp_path / f"{name}.json").write_text(plan)
        command = ["conftest", "test", str(tmp_path / f"{name}.json"), "--policy", str(DEPLOY / "conftest")]
        codes[name] = subprocess.run(command, capture_output=True, check=False).returncode
    assert codes == {"bad": 1, "good": 0}


def _plan(site: Repository, policy: str) -> str:
    site.write(policy)
    login = {"CODER_URL": site.sandbox.url, "CODER_SESSION_TOKEN": site.sandbox.tokens["auditor"]}
    ran = subprocess.run(
        [sys.executable, "-m", "reconciler", "plan", "--json"], cwd=site.work_tree,
        env={"PATH": os.environ["PATH"], "HOME": str(site.work_tree), **login},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return ran.stdout


def test_click_is_imported_for_its_errors() -> None:
    """A line with an option that we do not have is an error of click's, not a test that passes."""
    context = program.make_context("reconciler", ["plan"])
    _, command, _ = program.resolve_command(context, ["plan"])
    assert command is not None
    with pytest.raises(click.NoSuchOption):
        command.make_context("plan", ["--no-such-option"], parent=context)


def test_the_list_of_tools_names_the_pinned_versions() -> None:
    page = (ROOT / "docs" / "developers" / "tools.md").read_text(encoding="utf-8")
    lines = [line.split() for line in (ROOT / ".ci" / "tools").read_text(encoding="utf-8").splitlines()]
    versions = [
        version.removeprefix("v")
        for kind, _, version in filter(lambda line: len(line) == 3, lines)
        if kind in ("pypi", "go", "npm")
    ]
    assert versions
    for version in versions:
        short = version.rpartition(".")[0]
        assert any(f"| {text} |" in page for text in (version, short)), version
