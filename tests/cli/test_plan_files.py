"""Saved plans and `show`: written whole, private and only over plans; read whole or refused in a sentence."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import resource
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli import files
from reconciler.formats.plan import dump_plan, load_plan
from reconciler.sandbox import Sandbox
from tests.cli.running import AT, BLOCKS_BOB, RAISE_PLATFORM, Shell


@pytest.fixture
def saved(coder: Shell) -> Path:
    """A saved plan with one update."""
    coder.policy(RAISE_PLATFORM)
    assert coder.run("plan", "-o", "saved.plan", *AT).code == 0
    return coder.folder / "saved.plan"


def test_a_saved_plan_is_private_and_shown_as_it_was_planned(coder: Shell, saved: Path) -> None:
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    planned = re.sub(r"Read \d+ requests in \d+\.\d s\. ", "", coder.run("plan", *AT).out)
    assert planned == coder.run("show", saved).out
    assert saved.read_text() == coder.run("show", saved, "--json").out == coder.run("plan", "--json", *AT).out


def test_show_asks_no_server(shell: Shell, company: Sandbox) -> None:
    shell.connect(company).policy(RAISE_PLATFORM)
    assert shell.run("plan", "-o", "saved.plan", *AT).code == 0
    company.forget_requests()
    shell.set(CODER_URL="http://127.0.0.1:1")
    assert shell.run("show", "saved.plan").code == 0
    assert company.requests == ()


@pytest.mark.parametrize(
    ("command", "advice"),
    [("plan", "plan a part at a time, with `--only`"), ("snapshot", "use a token that reads fewer")],
)
def test_what_would_be_too_large_to_be_read_again_is_not_written(
    coder: Shell, command: str, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    coder.policy(RAISE_PLATFORM)
    monkeypatch.setattr(files, "MAX_BYTES", 2**10)
    result = coder.run(command, "-o", "kept.json")
    assert (result.code, "kept.json would be larger than" in result.err, advice in result.err) == (1, True, True)
    assert not (coder.folder / "kept.json").exists()


def test_a_refused_plan_is_saved_and_shown_with_its_refusal(coder: Shell) -> None:
    coder.policy(BLOCKS_BOB)
    planned = coder.run("plan", "-o", "saved.plan", *AT)
    shown = coder.run("show", "saved.plan")
    assert (planned.code, shown.code) == (3, 0)
    assert "--allow BLOCKS_USERS=1" in shown.out


def test_saving_again_replaces_the_plan_and_nothing_stays_behind(coder: Shell, saved: Path) -> None:
    before = saved.read_text()
    assert coder.run("plan", "-o", saved, "--at", "2026-12-24").code == 0
    assert before != saved.read_text()
    assert {"policies", "saved.plan"} == set(os.listdir(coder.folder))


def test_a_saved_plan_replaces_nothing_but_a_plan(coder: Shell, company: Sandbox) -> None:
    policy = coder.policy(RAISE_PLATFORM)
    os.mkfifo(coder.folder / "pipe")
    company.forget_requests()
    refused: dict[str | Path, str] = {
        policy: "exists and is not a reconciler plan; it is left alone",
        coder.folder / "pipe": "is not a file",
        coder.folder / "policies": "is not a file",
        "": "'' is not a file",
    }
    for target, says in refused.items():
        ran = coder.run("plan", "-o", target, *AT)
        assert (ran.code, ran.out) == (1, "")
        assert says in ran.err
    assert policy.read_text() == RAISE_PLATFORM
    assert stat.S_ISFIFO((coder.folder / "pipe").stat().st_mode)


def test_an_empty_file_and_a_link_are_written_to(coder: Shell) -> None:
    coder.policy(RAISE_PLATFORM)
    (coder.folder / "empty").touch()
    (coder.folder / "link").symlink_to(coder.folder / "empty")
    assert coder.run("plan", "-o", "link", *AT).code == 0
    assert (coder.folder / "link").is_symlink()
    assert coder.run("show", "empty").code == 0


@pytest.mark.parametrize(
    ("mode", "owner", "folder_owner", "expected"),
    [
        (0o1777, 1001, 0, True),
        (0o1777, 1000, 0, False),  # our own
        (0o1777, 0, 0, False),  # of whom the folder belongs to
        (0o1755, 1001, 0, False),  # nobody else may write here
        (0o0777, 1001, 0, False),  # everybody may remove everything here
    ],
)
def test_which_links_are_traps(mode: int, owner: int, folder_owner: int, expected: bool) -> None:
    link = os.stat_result((stat.S_IFLNK | 0o777, 1, 1, 1, owner, owner, 4, 0, 0, 0))
    folder = os.stat_result((stat.S_IFDIR | mode, 1, 1, 1, folder_owner, 0, 4, 0, 0, 0))
    assert files.is_trap(link, folder, user=1000) is expected


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a link away; the table above covers the rule")
@pytest.mark.parametrize("option", [["-o", "{}"], ["--save", "json={}"]])
def test_a_link_that_somebody_else_laid_out_is_left_alone(coder: Shell, option: list[str]) -> None:
    """In /tmp: else anybody there could have us replace any file of ours."""
    coder.policy(RAISE_PLATFORM)
    shared, mine = coder.folder / "shared", coder.folder / "mine"
    shared.mkdir()
    shared.chmod(0o1777)
    mine.write_text("precious")
    trap = shared / "saved.plan"
    trap.symlink_to(mine)
    os.lchown(trap, 4321, 4321)
    (coder.folder / "mine-to-trap").symlink_to(trap)
    for name in (trap, coder.folder / "mine-to-trap"):
        ran = coder.run("plan", *(word.format(name) for word in option), *AT)
        assert (ran.code, ran.out) == (1, "")
        assert "is a link that another user made" in ran.err
    assert mine.read_text() == "precious"


def test_a_link_that_appears_while_a_file_is_written_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, target = tmp_path / "mine", tmp_path / "saved.plan"
    mine.write_text("precious")
    realpath = os.path.realpath

    def plant(path: str) -> str:
        if not target.is_symlink():
            target.symlink_to(mine)
        return realpath(path)

    monkeypatch.setattr(os.path, "realpath", plant)
    files.write_private(str(target), "a plan")
    assert (mine.read_text(), target.read_text(), target.is_symlink()) == ("precious", "a plan", False)


@pytest.mark.parametrize("target", ["nowhere/saved.plan", "policies/acme.yaml/saved.plan", "a" * 300])
def test_a_target_that_cannot_be_written(coder: Shell, target: str) -> None:
    coder.policy(RAISE_PLATFORM)
    ran = coder.run("plan", "-o", target, *AT)
    assert (ran.code, ran.out) == (1, "")
    assert f"{target} cannot be written: " in ran.err


def test_a_path_that_is_not_utf_8_comes_back(coder: Shell) -> None:
    name = os.fsdecode(b"caf\xe9.yaml")
    coder.policy(RAISE_PLATFORM, name)
    assert coder.run("plan", name, "-o", "saved.plan", *AT).code == 0
    text = (coder.folder / "saved.plan").read_text(encoding="utf-8")
    plan = load_plan(text, source="saved.plan")
    assert name == plan.sources[0].path
    assert text == dump_plan(plan)
    assert coder.run("show", "saved.plan").code == 0


def _edited(text: str) -> str:
    assert "1000000000" in text
    return text.replace("1000000000", "9000000000")


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda text: "", "is neither a saved result nor a journal"),
        (lambda text: RAISE_PLATFORM, "is neither a saved result nor a journal"),
        (lambda text: text[: len(text) // 2], "is not complete: it breaks off in the middle"),
        (lambda text: text[:-3], "copy the file once more from where it was made, or make it again"),
        (lambda text: text.replace('"version": 3', '"version": 4'), "has format version 4, and this reconciler reads"),
        (lambda text: text.replace('"version": 3', '"version": "3"'), "has format version '3'"),
        (lambda text: text.replace('"version": 3', '"version": true'), "has format version True"),
        (_edited, "was edited by hand or damaged: its checksum does not fit"),
        (lambda text: text + text, "is not JSON"),
        (lambda text: text.replace("{", "[", 1), "is neither"),
        (lambda text: '{\n  "format": "reconciler plan",' + "[" * 100_000, "is not complete"),
    ],
)  # fmt: skip
def test_what_is_no_plan_is_refused_in_a_sentence(
    coder: Shell, saved: Path, damage: Callable[[str], str], says: str
) -> None:
    saved.write_text(damage(saved.read_text()))
    ran = coder.run("show", saved)
    assert (ran.code, ran.out) == (1, "")
    assert says in ran.err
    assert len(ran.err) < 500
    assert coder.run("show", saved, "--json").document["exit_code"] == 1


def test_a_number_that_nobody_wrote_is_refused_though_the_checksum_fits(coder: Shell, saved: Path) -> None:
    """Who edits a plan can compute its checksum; then the types, and what is written twice, still have to fit."""
    from reconciler.formats.document import dump

    edits: dict[Callable[[Any], object], str] = {
        lambda body: body["actions"][0]["after"].update(limit_micros=1.5): "must be a whole number, not 1.5",
        lambda body: body["actions"][0].update(kind="delete"): "kind is 'delete', but the other fields say 'update'",
        lambda body: body.update(digest="0" * 64): "digest is ",
        lambda body: body.update(actions=None): "actions must be an array, not None",
        lambda body: body["actions"][0].update(extra=1): "actions[0].extra is not a known key",
        lambda body: body["actions"][0].pop("cause"): "actions[0].cause is missing",
    }
    for edit, says in edits.items():
        body = json.loads(saved.read_text())
        edit(body)
        document = {key: body[key] for key in body if key not in ("format", "version", "checksum")}
        (coder.folder / "edited.plan").write_text(dump("reconciler plan", 2, document))
        ran = coder.run("show", "edited.plan")
        assert (ran.code, ran.out) == (1, "")
        assert "is not a plan that this tool wrote" in ran.err
        assert says in ran.err


def test_show_of_what_is_no_file(shell: Shell) -> None:
    (shell.folder / "binary").write_bytes(bytes(range(256)) * 10)
    for name, says in {
        "nowhere": "nowhere cannot be read: No such file or directory",
        ".": ". is not a file",
        "binary": "binary is not UTF-8 text",
        "/dev/zero": "/dev/zero is not a file",
    }.items():
        ran = shell.run("show", name)
        assert (ran.code, ran.out) == (1, "")
        assert says in ran.err, ran.err


def test_a_saved_plan_among_policies_is_named(coder: Shell, saved: Path) -> None:
    for command in ("validate", "plan", "drift", "apply"):
        ran = coder.run(command, saved, "policies")
        assert (ran.code, ran.out) == (1, "")
        assert "saved.plan is a saved plan, not a policy" in ran.err


def test_another_of_our_documents_is_named_where_it_does_not_fit(coder: Shell, saved: Path) -> None:
    """Read as a policy, a drift was told to write `version: 1`, and a journal was "not YAML"."""
    coder.run("drift", "--save", "json=drift.json")
    (coder.folder / "run.jsonl").write_text('{"format": "reconciler journal", "version": 2, "type": "started"}\n{}\n')
    for command in ("validate", "plan", "apply"):
        assert "drift.json is a saved result (drift), not a policy" in coder.run(command, "drift.json").err
        ran = coder.run(command, "run.jsonl")
        assert ran.err == (
            "Error: run.jsonl is a journal, not a policy.\n"
            "  `reconciler show run.jsonl` prints it; `reconciler revert run.jsonl` takes it back\n"
        )
    ran = coder.run("revert", saved)
    assert (ran.code, "saved.plan is a saved plan, not a journal" in ran.err) == (1, True)


@pytest.mark.parametrize(
    "command", [("plan", "-o"), ("snapshot", "-o"), ("export", "acme", "-o"), ("apply", "--auto-approve", "--journal")]
)
def test_a_dash_is_never_a_file_to_write(coder: Shell, command: tuple[str, ...]) -> None:
    """A plan went into a file called `-`, and that file was then taken for standard input."""
    coder.policy(RAISE_PLATFORM)
    before = set(os.listdir(coder.folder))
    ran = coder.run(*command, "-")
    assert ran.code == 1
    assert "'-' is not a file" in ran.err
    assert set(os.listdir(coder.folder)) == before


def test_the_commands_that_are_advised_run_as_they_are_printed(coder: Shell) -> None:
    """Of a file or folder with a blank in its name, they named two others."""
    coder.policy(RAISE_PLATFORM)
    (coder.folder / "policies").rename(coder.folder / "our policies")
    assert coder.run("plan", "our policies", "-o", "our plan").code == 0
    advice = coder.run("validate", "our plan").err
    for said in ("show 'our plan'", "apply 'our plan'"):
        assert f"`reconciler {said}`" in advice
    policy = next((coder.folder / "our policies").iterdir())
    policy.write_text(f"{policy.read_text()}tiers: [1]\n")
    assert "run `reconciler validate 'our policies'`" in coder.run("doctor", "our policies").out


def test_a_dash_is_standard_input_beside_a_file_of_that_name(
    coder: Shell, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (coder.folder / "-").write_text(saved.read_text())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(RAISE_PLATFORM.encode())))
    assert coder.run("validate", "-").out.startswith("Valid: 1 file")
    assert "./- is a saved plan, not a policy" in coder.run("validate", "./-").err


def test_terraforms_out_is_our_o(coder: Shell) -> None:
    """Click read `-out=x.plan` as `-o ut=x.plan`."""
    coder.policy(RAISE_PLATFORM)
    assert coder.run("plan", "-out=a.plan").code == 0
    assert coder.run("plan", "-out", "b.plan").code == 0
    assert {"policies", "a.plan", "b.plan"} == set(os.listdir(coder.folder))


def test_a_document_with_its_keys_in_another_order_is_the_same_document(own: Shell) -> None:
    """As `jq -S` and PowerShell write it; a plan was told to write `version: 1`, and `show` did not know it."""
    own.policy(RAISE_PLATFORM)
    assert own.run("plan", "-o", "saved.plan").code == 0
    plan = json.loads((own.folder / "saved.plan").read_text())
    (own.folder / "sorted.plan").write_text(json.dumps(plan, sort_keys=True, indent=1), encoding="utf-8-sig")
    assert own.run("show", "sorted.plan").out == own.run("show", "saved.plan").out
    assert "sorted.plan is a saved plan, not a policy" in own.run("validate", "sorted.plan").err
    assert "sorted.plan is a saved plan, not a journal" in own.run("revert", "sorted.plan").err
    ran = own.run("apply", "sorted.plan", "--auto-approve", "--journal", "run.jsonl")
    assert "Apply complete" in ran.out
    lines = (own.folder / "run.jsonl").read_text().splitlines()
    text = "".join(json.dumps(json.loads(line), sort_keys=True) + "\n" for line in lines)
    (own.folder / "sorted.jsonl").write_text(text, encoding="utf-8-sig")
    assert "sorted.jsonl is a journal, not a policy" in own.run("plan", "sorted.jsonl").err
    assert "Apply complete" in own.run("show", "sorted.jsonl").out
    refused = own.run("plan", "-o", "sorted.jsonl")
    assert "sorted.jsonl exists and is not a reconciler plan; it is left alone" in refused.err
    assert own.run("plan", "-o", "sorted.plan").code == 0


def test_a_saved_plan_is_applied_whole(coder: Shell, saved: Path) -> None:
    for option in (["--only", "group/*"], ["--exclude", "user/*"], ["--at", "2026-12-24"]):
        ran = coder.run("apply", saved, "--auto-approve", *option)
        assert (ran.code, ran.out) == (1, "")
        assert "is a saved plan; `apply` carries it out unchanged" in ran.err


def test_a_full_disk_leaves_no_beginning_of_a_policy(coder: Shell) -> None:
    """`export` left what fitted on the disk: under `exact` a policy that removes the rest, and `$1,5` of `$1,500`."""
    whole = coder.run("export", "acme").out
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    for arguments in (("acme", "-o", "acme.yaml"), ("--all", "-o", "all")):
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) - 100, before[1]))
        try:
            ran = coder.run("export", *arguments)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert ran.code == 1
        assert "acme.yaml cannot be written: File too large; nothing was written" in ran.err
        assert list(coder.folder.rglob("*.yaml")) == []
    assert coder.run("export", "--all", "-o", "all").code == 0
    assert (coder.folder / "all" / "acme.yaml").read_text() == whole


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP])
def test_a_file_system_without_permissions_takes_every_file(
    own: Shell, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A Windows folder in WSL, or a mounted share, has none to give; all ended with "Operation not permitted"."""

    def refuse(path: object, mode: int) -> None:
        raise OSError(number, os.strerror(number))

    own.policy(RAISE_PLATFORM)
    monkeypatch.setattr(os, "fchmod", refuse)
    monkeypatch.setattr(os, "chmod", refuse)
    for arguments in (
        ("plan", "-o", "saved.plan", "--save", "json=plan.json"),
        ("export", "acme", "-o", "acme.yaml"),
        ("snapshot", "-o", "live.json"),
        ("init", "begun"),
        ("drift", "--accept", "*"),
        ("plan", "--detailed-exitcode"),
    ):
        assert own.run(*arguments).code == 0, arguments
    own.policy(RAISE_PLATFORM)
    assert own.run("apply", "--auto-approve", "--journal", "new/.reconciler/run.jsonl").code == 0
    assert (own.folder / "new" / ".reconciler" / "run.jsonl").exists()


def test_a_plan_without_blanks_is_the_same_plan(coder: Shell, saved: Path) -> None:
    """`jq -c .` writes it so."""
    compact = coder.folder / "compact.plan"
    compact.write_text(json.dumps(json.loads(saved.read_text()), separators=(",", ":")))
    assert coder.run("show", compact).out == coder.run("show", saved).out
