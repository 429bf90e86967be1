"""Other spellings that fingers know, the connection's variables, --debug, and where export writes."""

from __future__ import annotations

from pathlib import Path

import pytest

import reconciler
from reconciler.cli.app import COMMANDS
from reconciler.sandbox import Sandbox
from tests.cli.running import AS_IT_IS, RAISE_PLATFORM, Shell

HELP = Path(reconciler.__file__).parent / "cli" / "help"


@pytest.mark.parametrize("arguments", [["version"], ["-V"], ["--version"], ["-version"]])
def test_the_version(shell: Shell, arguments: list[str]) -> None:
    ran = shell.process(*arguments)
    assert (ran.code, ran.out, ran.err) == (0, f"reconciler {reconciler.__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "name"),
    [(["help"], "_all"), (["-help"], "_all"), (["help", "plan"], "plan"), (["plan", "-help"], "plan")],
)
def test_help_is_a_word_too(shell: Shell, arguments: list[str], name: str) -> None:
    ran = shell.process(*arguments)
    assert (ran.code, ran.out) == (0, (HELP / f"{name}.txt").read_text(encoding="utf-8"))


def test_help_of_an_unknown_command(shell: Shell) -> None:
    ran = shell.process("help", "paln")
    assert (ran.code, ran.out) == (1, "")
    assert "did you mean 'plan'?" in ran.err


@pytest.mark.parametrize(
    ("arguments", "option", "value"),
    [
        (["plan", "-o", "--json"], "-o", "--json"),
        (["plan", "-out", "-json"], "-o", "--json"),
        (["plan", "--only", "--exclude=user/*"], "--only", "--exclude=user/*"),
        (["apply", "--journal", "--auto-approve"], "--journal", "--auto-approve"),
        (["drift", "--people", "--only", "user/*"], "--people", "--only"),
        (["show", "--format", "-h"], "--format", "-h"),
    ],
)
def test_an_option_is_no_value_of_another_one(coder: Shell, arguments: list[str], option: str, value: str) -> None:
    """Click took it for one: `-o --json` wrote a file named `--json`."""
    coder.policy(RAISE_PLATFORM)
    ran = coder.run(*arguments)
    assert ran.code == 1
    assert f"Option {option!r} requires an argument; {value!r} is an option itself." in ran.err
    assert f"Usage: reconciler {arguments[0]} " in ran.err
    assert [path.name for path in coder.folder.iterdir()] == ["policies"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["plan", "--save-mode", "644"], "--save-mode is about the files of --save; add --save FORMAT=FILE"),
        (["show", "x", "--metrics-people"], "--metrics-people is about metrics; add --save metrics=FILE"),
        (["plan", "--json", "--effects", "none"], "--effects is about the formats text and github; add --save"),
        (["drift", "--quiet", "--format=csv"], "--quiet is about the format text; use --save FORMAT=FILE"),
        (["plan", "--json", "--format", "csv"], "--json is short for --format json, and --format csv is given too"),
        (["plan", "--at", "2027-01-01", "--forecast"], "--forecast says how this period ends, and --at plans for"),
        (["plan", "--live", "x", "--max-wait", "9"], "asks no server; leave out --max-wait"),
        (["status", "--live=x", "--debug"], "asks no server; leave out --debug"),
    ],
)
def test_an_option_that_would_change_nothing_is_a_mistake(coder: Shell, arguments: list[str], says: str) -> None:
    """It was taken, and nobody was told that it did nothing."""
    coder.policy(RAISE_PLATFORM)
    ran = coder.run(*arguments)
    assert ran.code == 1
    assert says in ran.err
    assert [path.name for path in coder.folder.iterdir()] == ["policies"]


def test_an_option_that_changes_a_file_of_the_run_is_none(coder: Shell) -> None:
    coder.policy(RAISE_PLATFORM)
    saves = [f"--save={name}=plan.{name}" for name in ("text", "metrics")]
    assert coder.run("plan", "--json", "--effects=none", "--metrics-people", "--save-mode=644", *saves).code == 0
    assert coder.run("plan", "--json", "--format", "json").code == 0
    by_group, by_person = (coder.run("plan", "--format=github", f"--effects={name}") for name in ("summary", "people"))
    assert (by_group.code, by_person.code) == (0, 0), "its log is the text"
    assert by_group.out != by_person.out


def test_a_variable_about_the_server_is_a_setting_and_no_mistake(coder: Shell) -> None:
    coder.policy(RAISE_PLATFORM)
    coder.run("snapshot", "-o", "live.json")
    coder.set(RECONCILER_MAX_WAIT="9")
    assert coder.run("plan", "--live", "live.json").code == 0


def test_what_looks_like_an_option_may_be_a_value_where_it_is_said(coder: Shell) -> None:
    coder.policy(RAISE_PLATFORM)
    assert coder.run("plan", "-o", "./--json").code == 0
    assert (coder.folder / "--json").is_file()
    assert "'--only': '--nosuch': an address is user/NAME" in coder.run("plan", "--only", "--nosuch").err
    assert coder.run("drift", "--accept", "--fail-on", "hand").code == 0  # the address may be left out
    assert "--json is a saved plan, not a policy" in coder.run("validate", "--", "--json").err


def test_one_dash_will_do_for_a_long_option(coder: Shell) -> None:
    coder.policy(RAISE_PLATFORM)
    ran = coder.run("plan", "-detailed-exitcode", "-only=group/acme/platform", "-effects", "none")
    assert ran.code == 2
    assert "group/acme/platform" in ran.out
    wrong = coder.run("plan", "-nonsense")
    assert wrong.code == 1


def test_nothing_after_two_dashes_is_an_option(shell: Shell) -> None:
    ran = shell.run("validate", "--", "-json")
    assert "-json" in ran.err
    assert "--json" not in ran.err


@pytest.mark.parametrize(
    ("variable", "option"),
    [
        ("RECONCILER_PARALLELISM", "--parallelism"),
        ("RECONCILER_MAX_REQUESTS", "--max-requests"),
        ("RECONCILER_MAX_WAIT", "--max-wait"),
    ],
)
def test_a_variable_sets_an_option_and_is_named_when_it_is_wrong(coder: Shell, variable: str, option: str) -> None:
    coder.policy(AS_IT_IS)
    wrong = coder.set(**{variable: "many"}).run("plan")
    assert wrong.code == 1
    assert variable in wrong.err


def test_a_variable_sets_the_option_and_the_option_wins(coder: Shell) -> None:
    coder.policy(AS_IT_IS)
    coder.set(RECONCILER_MAX_REQUESTS="1")
    assert "may send 1 request;" in coder.run("plan").err
    assert coder.run("plan", "--max-requests", "1000").code == 0


@pytest.mark.parametrize("way", ["option", "variable"])
def test_debug_shows_each_request_and_no_secret(coder: Shell, company: Sandbox, way: str) -> None:
    coder.policy(AS_IT_IS)
    coder.set(CODER_HEADER="X-Gate=open-sesame")
    if way == "variable":
        coder.set(RECONCILER_LOG="debug")
    ran = coder.run("plan", *(["--debug"] if way == "option" else []))
    lines = [line for line in ran.err.splitlines() if line.endswith(" ms")]
    assert ran.code == 0
    assert f"Read {len(lines)} requests" in ran.out
    assert any(line.startswith("GET /api/v2/buildinfo 200 ") for line in lines)
    assert company.tokens["user-admin"] not in ran.err
    assert "open-sesame" not in ran.err


def test_debug_is_off_by_default(coder: Shell) -> None:
    coder.policy(AS_IT_IS)
    assert " ms" not in coder.run("plan").err


def test_export_writes_a_new_file_and_overwrites_nothing(coder: Shell) -> None:
    ran = coder.run("export", "acme", "-o", "policies/acme.yaml")
    assert (ran.code, ran.out) == (0, "")
    assert (coder.folder / "policies" / "acme.yaml").read_text() == coder.run("export", "acme").out
    again = coder.run("export", "acme", "-o", "policies/acme.yaml")
    assert again.code == 1
    assert "policies/acme.yaml exists; it is left alone" in again.err


def test_export_of_all_organizations_plans_to_nothing(coder: Shell) -> None:
    ran = coder.run("export", "--all", "-o", "policies")
    assert (ran.code, ran.out) == (0, "policies/acme.yaml\npolicies/labs.yaml\n")
    assert "No changes. Live budgets match the policy." in coder.run("plan").out
    again = coder.run("export", "--all", "-o", "policies")
    assert again.code == 1
    assert "exists" in again.err


def test_export_of_all_needs_a_folder(coder: Shell) -> None:
    assert "name a folder" in coder.run("export", "--all").err
    assert "not both" in coder.run("export", "acme", "--all", "-o", "x").err
    (coder.folder / "file").touch()
    assert "is not a folder" in coder.run("export", "--all", "-o", "file").err


def test_every_command_has_its_help() -> None:
    assert {file.stem for file in HELP.iterdir()} == {*COMMANDS, "_all"}
