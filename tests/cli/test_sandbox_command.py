"""`reconciler sandbox`: ready when it says so, ended by a signal, and a sentence when it cannot begin."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request

import click
import pytest

from reconciler.cli.commands.sandbox import command as sandbox_command
from reconciler.sandbox import Sandbox
from reconciler.sandbox.generations import GENERATIONS
from tests.cli.running import RECONCILER, Shell
from tests.patience import PATIENCE_S


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_when_it_is_ready_and_ends_when_told(shell: Shell, number: signal.Signals) -> None:
    command = [*RECONCILER, "sandbox", "--print-json", "--coder-version", "2.36"]
    with subprocess.Popen(
        command, cwd=shell.folder, env=shell.clean(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        with urllib.request.urlopen(ready["url"] + "/api/v2/buildinfo", timeout=PATIENCE_S) as answer:
            assert json.load(answer)["version"].startswith("v2.36")
        assert {"owner", "user-admin", "member"} <= set(ready["tokens"])
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out, err) == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--seed", "nosuch"], "no seed 'nosuch'"),
        (["--seed", "nosuch.yaml"], "there is no file nosuch.yaml"),
        (["--seed", "broken.yaml"], "The sandbox cannot serve"),
        (["--host", "300.1.1.1"], "The sandbox cannot serve"),
        (["--database", "nowhere/state.db"], "unable to open database file"),
        (["--database", "broken.yaml"], "The sandbox cannot serve"),
        (
            ["--database", "broken.yaml", "--seed", "demo"],
            "Note: broken.yaml keeps the company that is in it; --seed is for a new file, and is not used.",
        ),
        (["--experimental-spend"], "--experimental-spend is about 2.38; add --coder-version 2.38"),
        (["--port", "70000"], "70000 must be from 0 to 65535"),
        (["--coder-version", "1.0"], "'1.0' is not one of"),
        (["--latency", "-1"], "-1.0 must be from 0 to 60"),
    ],
)
def test_what_it_cannot_do_is_a_sentence(shell: Shell, arguments: list[str], says: str) -> None:
    (shell.folder / "broken.yaml").write_text("organizations: [\n" * 100)
    ran = shell.run("sandbox", *arguments)
    assert (ran.code, ran.out) == (1, "")
    assert says in ran.err


@pytest.mark.parametrize(
    ("seed", "says"),
    [
        ("new", "POST /api/v2/users/first makes the first user."),
        ("owner.yaml", "export CODER_SESSION_TOKEN=owner"),
        ("auditor.yaml", "export CODER_SESSION_TOKEN=auditor"),
    ],
)
def test_a_seed_without_a_user_admin_is_served(shell: Shell, seed: str, says: str) -> None:
    """`--seed new`, and the YAML of our own page, ended in a KeyError."""
    for role in ("owner", "auditor"):
        company = {
            "organizations": [{"name": "acme", "default": True, "members": ["ana"]}],
            "users": [{"username": "ana", "roles": [role]}],
            "tokens": {role: "ana"},
        }
        (shell.folder / f"{role}.yaml").write_text(json.dumps(company))
    command = [*RECONCILER, "sandbox", "--seed", seed]
    with subprocess.Popen(
        command, cwd=shell.folder, env=shell.clean(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines: list[str] = []
        while not lines or says not in lines[-1]:
            lines.append(process.stdout.readline())
            assert lines[-1], process.stderr.read()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err) == (0, "")


def test_a_port_that_is_taken(shell: Shell, company: Sandbox) -> None:
    ran = shell.run("sandbox", "--port", company.url.rpartition(":")[2])
    assert (ran.code, ran.out) == (1, "")
    assert "Address already in use" in ran.err


def test_every_generation_can_be_chosen() -> None:
    """The command knows the names by itself: its help must not need the sandbox's libraries."""
    (option,) = (option for option in sandbox_command.params if option.name == "coder_version")
    assert isinstance(option.type, click.Choice)
    assert tuple(option.type.choices) == tuple(GENERATIONS)


@pytest.mark.parametrize("command", ["sandbox", "demo"])
def test_without_its_packages_it_says_what_to_install(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """`demo` said that the sandbox did not start."""
    monkeypatch.setitem(sys.modules, "reconciler.sandbox", None)
    ran = shell.run(command)
    assert (ran.code, ran.out) == (1, "")
    assert "The sandbox needs a package that is not installed" in ran.err
    assert "install the optional part `sandbox`:" in ran.err
