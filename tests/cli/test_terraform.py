"""What people used to Terraform type, and this tool has not: the error says what to type instead."""

from __future__ import annotations

import re

import click
import pytest

from reconciler.cli import terraform
from reconciler.cli.app import COMMANDS, reconciler
from tests.cli.running import Shell


def command(name: str) -> click.Command:
    found = reconciler.get_command(click.Context(reconciler), name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", terraform.COMMANDS)
def test_a_command_of_terraform_says_what_to_type_here(shell: Shell, name: str) -> None:
    ran = shell.run(name, "x")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"Error: There is no command '{name}'.\n  {terraform.COMMANDS[name]}\n  Usage: ")


@pytest.mark.parametrize("typed", ["-target=user/ana", "-target user/ana", "--target user/ana", "-refresh-only"])
def test_an_option_of_terraform_says_what_to_type_here(shell: Shell, typed: str) -> None:
    """`plan -target=user/ana` said "No such option '-t'."."""
    ran = shell.run("plan", *typed.split())
    name = typed.split()[0].partition("=")[0]
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(
        f"Error: There is no option '{name}'.\n  {terraform.OPTIONS[name.lstrip('-')]}\n  Usage: "
    )


def test_an_option_before_the_command_says_what_to_type_here(shell: Shell) -> None:
    assert f"'-chdir'.\n  {terraform.OPTIONS['chdir']}\n  Usage: " in shell.run("-chdir=infra", "plan").err


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("-auto-aprove", "There is no option '-auto-aprove'; did you mean '--auto-approve'?"),
        ("-auto", "There is no option '-auto'; did you mean '--auto-approve'?"),
        ("-zzz=1", "There is no option '-zzz'."),
        ("-z", "There is no option '-z'."),
    ],
)
def test_a_misspelt_option_with_one_dash_is_named_as_it_was_typed(shell: Shell, typed: str, says: str) -> None:
    assert shell.run("apply", typed).err.startswith(f"Error: {says}\n  Usage: ")


@pytest.mark.parametrize("known", ["--save", "--format"])
def test_an_option_that_there_is_is_not_named_for_its_misspelt_beginning(shell: Shell, known: str) -> None:
    """`plan --save json=x --sav html=y` said "There is no option '--save'; did you mean '--save'?"."""
    cut = known[:-1]
    ran = shell.run("plan", known, "json", cut, "json")
    assert ran.code == 1
    assert f"There is no option '{cut}'; did you mean '{known}'?" in ran.err
    assert f"'{known}'." not in ran.err
    assert f"option '{known}'" not in ran.err


@pytest.mark.parametrize("name", COMMANDS)
def test_what_every_command_of_terraform_takes_is_answered_with_what_every_command_here_takes(
    shell: Shell, name: str
) -> None:
    """`init -no-color` said to write `--color never`, which only commands with a report take."""
    options = {option for parameter in command(name).params for option in parameter.opts}
    assert set(re.findall(r"`(--[a-z-]+)", shell.run(name, "-no-color").err)) <= {*options, "--help"}


def test_the_table_has_nothing_that_this_tool_has_and_advises_nothing_that_it_has_not() -> None:
    assert not set(terraform.COMMANDS) & set(COMMANDS)
    options_of = {name: {o for parameter in command(name).params for o in parameter.opts} for name in COMMANDS}
    ours = set().union(*options_of.values())
    assert not {f"--{name}" for name in terraform.OPTIONS} & ours
    for sentence in [*terraform.COMMANDS.values(), *terraform.OPTIONS.values()]:
        for name, words in re.findall(r"`reconciler (\w+)([^`]*)`", sentence):
            options = set(re.findall(r"--[a-z-]+", words))
            assert options <= {option for parameter in command(name).params for option in parameter.opts}
        told = {option for words in re.findall(r"`reconciler ([^`]*)`", sentence) for option in words.split()}
        for option in set(re.findall(r"`(--[a-z-]+)", sentence)) - told:
            assert all(option in options for options in options_of.values()), "it is said to every command"
