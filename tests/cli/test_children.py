"""What a child of ours gets to see, and what a hostile folder gets to run: nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli import children, entry
from reconciler.cli.app import COMMANDS
from reconciler.sandbox import Sandbox
from tests.cli.running import AT, COMPANY, RAISE_PLATFORM, Shell
from tests.patience import wait_until

CANARY = "canary-4711"
CANARIES = (
    "CODER_URL_OLD", "CODER_SESSION_TOKEN_2", "GIT_DIR", "GIT_CONFIG_PARAMETERS", "GIT_EXTERNAL_DIFF",
    "GIT_SSH_COMMAND", "GIT_ASKPASS", "GIT_EXEC_PATH", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "SSH_ASKPASS",
    "SSH_AUTH_SOCK", "PAGER", "EDITOR", "LESSOPEN", "LD_PRELOAD_CANARY", "LD_AUDIT", "DYLD_INSERT_LIBRARIES",
    "BASH_ENV", "PYTHONSTARTUP", "PYTHONINSPECT_CANARY", "PERL5OPT", "HTTPS_PROXY_CANARY", "ANYTHING_ELSE",
)  # fmt: skip


STARTERS = ("system", "fork", "forkpty", "posix_spawn", "posix_spawnp", "execv", "execve")
"""What Python's `os` starts processes by; all its other ways come down to these, or to Popen."""


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Records how this process starts others: how, the program, its arguments, folder and environment.

    Not by an audit hook: it can never be taken away, and two threads that begin to be measured while there is one fail.
    """
    recorded: list[tuple[Any, ...]] = []
    begin = subprocess.Popen.__init__

    def popen(self: subprocess.Popen[Any], args: Any, *rest: Any, **options: Any) -> None:
        recorded.append(
            ("subprocess.Popen", options.get("executable"), args, options.get("cwd"), options.get("env")),
        )
        begin(self, args, *rest, **options)

    def recording(name: str) -> Callable[..., Any]:
        start = getattr(os, name)

        def call(*arguments: Any) -> Any:
            recorded.append((f"os.{name}", *arguments))
            return start(*arguments)

        return call

    monkeypatch.setattr(subprocess.Popen, "__init__", popen)
    for name in STARTERS:
        monkeypatch.setattr(os, name, recording(name))
    return recorded


@pytest.fixture
def mine() -> Iterator[Sandbox]:
    with Sandbox(COMPANY) as sandbox:
        yield sandbox


def git(folder: Path, *arguments: str) -> str:
    """Run Git as the owner of the folder does, without any settings but those of the test."""
    environment = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "GIT_CONFIG_GLOBAL": "/dev/null"}
    identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def plant_embedded_repository(folder: Path, command: str) -> None:
    """What anybody can commit below policies/: a repository whose configuration names a command."""
    policies = folder / "policies"
    for name in ("objects", "refs", "hooks"):
        (policies / name).mkdir()
        (policies / name / ".keep").touch()
    (policies / "HEAD").write_text("ref: refs/heads/main\n")
    (policies / "config").write_text(
        f'[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = .\n\tfsmonitor = "{command}"\n'
        f'\tpager = "{command}"\n\tsshCommand = "{command}"\n[diff]\n\texternal = "{command}"\n'
        f'[alias]\n\trev-parse = "!{command}"\n'
    )


def plant_settings(folder: Path, command: str) -> None:
    """What an archive of a checkout can bring: the settings of the repository itself."""
    for key in ("core.fsmonitor", "core.pager", "diff.external", "filter.x.clean", "filter.x.smudge", "alias.ls-tree"):
        git(folder, "config", key, command if not key.startswith("alias") else f"!{command}")
    git(folder, "config", "core.hooksPath", str(folder / "hooks"))
    (folder / ".gitattributes").write_text("* filter=x diff=x\n")
    for hook in ("post-index-change", "reference-transaction", "fsmonitor-watchman"):
        program(folder / "hooks" / hook, command)


def plant_promised_objects(folder: Path, command: str) -> None:
    """A clone that promises to fetch what it does not hold, by a command."""
    for key, value in {
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.url": f"ext::sh -c {command}% %S",
        "remote.origin.promisor": "true",
        "protocol.ext.allow": "always",
    }.items():
        git(folder, "config", key, value)
    for path in (folder / ".git" / "objects").rglob("*"):
        if path.is_file():
            path.unlink()


def plant_pointer(folder: Path, command: str) -> None:
    """A `.git` file in the policy folder that points to a hostile repository beside it."""
    plant_embedded_repository(folder, command)
    hidden = folder / "policies" / ".hidden"
    hidden.mkdir()
    for name in ("objects", "refs", "HEAD", "config"):
        shutil.move(folder / "policies" / name, hidden / name)
    (folder / "policies" / ".git").write_text("gitdir: .hidden\n")


@pytest.mark.parametrize(
    "plant",
    [plant_embedded_repository, plant_settings, plant_promised_objects, plant_pointer],
    ids=lambda plant: plant.__name__,
)
def test_a_hostile_folder_runs_nothing(
    plant: Callable[[Path, str], None], shell: Shell, mine: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """An embedded repository was run by `apply`, and read CODER_SESSION_TOKEN."""
    shell.connect(mine).policy(RAISE_PLATFORM)
    git(shell.folder, "init", "-q")
    git(shell.folder, "add", ".")
    git(shell.folder, "commit", "-qm", "x")
    stolen = tmp_path_factory.mktemp("away") / "stolen"
    thief = program(stolen.parent / "thief", f"env >> {stolen}; exit 1")
    plant(shell.folder, str(thief))
    ran = shell.run("apply", "--auto-approve", *AT)
    assert ran.code == 0, ran.err
    assert "Apply complete" in ran.out
    assert not stolen.exists()


def test_a_base_whose_tree_leads_out_of_it_writes_nothing_there(
    shell: Shell, mine: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Git's own tools make no tree with `..` in it, and a hostile clone can hold it all the same."""
    shell.connect(mine).policy(RAISE_PLATFORM)

    def git(*arguments: str, data: bytes = b"") -> str:
        command = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com", *arguments]
        return subprocess.run(command, cwd=shell.folder, input=data, capture_output=True, check=True).stdout.decode()

    def tree(*entries: tuple[bytes, str]) -> str:
        data = b"".join(name + b"\0" + bytes.fromhex(object_id.strip()) for name, object_id in entries)
        return git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", data=data)

    git("init", "-q")
    blob = git("hash-object", "-w", "--stdin", data=RAISE_PLATFORM.encode())
    outside = tree((b"40000 ..", tree((b"40000 ..", tree((b"100644 outside.yaml", blob))))))
    names = (b"100644 /outside.yaml", b"100644 a/../../../outside.yaml")
    policies = tree((b"40000 ..", outside), *((name, blob) for name in names), (b"100644 acme.yaml", blob))
    commit = git("commit-tree", "-m", "x", tree((b"40000 policies", policies)).strip()).strip()
    temporary = tmp_path_factory.mktemp("a") / "b" / "c"
    temporary.mkdir(parents=True)
    shell.monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    ran = shell.run("plan", "--base", commit, *AT)
    assert ran.code == 0, ran.err
    assert not list(temporary.parent.parent.rglob("outside*"))
    assert not list(shell.folder.rglob("outside*"))


def test_a_base_that_has_nothing_there_is_told(shell: Shell, mine: Sandbox) -> None:
    """Of a folder that had another name before, all that was pending passed for made by this change, in silence."""
    shell.connect(mine).policy(RAISE_PLATFORM)
    git(shell.folder, "init", "-q")
    git(shell.folder, "add", "policies")
    git(shell.folder, "commit", "-qm", "x")
    git(shell.folder, "mv", "policies", "ai budgets")
    told = "Note: --base HEAD has no policy files at 'ai budgets', so all of it counts as this change."
    ran = shell.run("plan", "ai budgets", "--base", "HEAD", *AT)
    assert (ran.code, "not by this change" in ran.out, told in ran.err) == (0, False, True)
    git(shell.folder, "commit", "-qm", "y")
    ran = shell.run("plan", "ai budgets", "--base", "HEAD", *AT)
    assert (ran.code, "not by this change" in ran.out, "Note: --base" in ran.err) == (0, True, False)


@pytest.mark.parametrize("paths", [("policies", "./policies"), ("policies/acme.yaml", "policies")])
def test_a_base_is_read_once_however_often_its_files_are_named(
    shell: Shell, mine: Sandbox, paths: tuple[str, ...]
) -> None:
    """It listed each group twice, and the policy before counted as invalid."""
    shell.connect(mine).policy(RAISE_PLATFORM)
    git(shell.folder, "init", "-q")
    git(shell.folder, "add", "policies")
    git(shell.folder, "commit", "-qm", "x")
    ran = shell.run("plan", *paths, "--base", "HEAD", *AT)
    assert (ran.code, "not by this change" in ran.out, ran.err.count("Note: --base")) == (0, True, 0), ran.err


@pytest.mark.parametrize(
    ("link", "target"),
    [("self", "."), ("up", ".."), ("b.yaml", "acme.yaml"), (".old.yaml", "../other.txt"), ("gone.yaml", "../nowhere")],
)
def test_a_link_that_adds_no_policy_changes_nothing_of_a_base(
    shell: Shell, mine: Sandbox, link: str, target: str
) -> None:
    """A link to its own folder was said not to be held, and a second name of a file made the base invalid."""
    folder = shell.connect(mine).policy(RAISE_PLATFORM).parent
    (folder / link).symlink_to(target)
    (folder.parent / "other.txt").write_text("not a policy")
    git(shell.folder, "init", "-q")
    git(shell.folder, "add", "policies")
    git(shell.folder, "commit", "-qm", "x")
    ran = shell.run("plan", "--base", "HEAD", "--allow", "UNREAD_POLICY=1", *AT)
    assert (ran.code in (0, 1), "not by this change" in ran.out, "Note: --base" in ran.err) == (True, True, False), ran


def test_what_a_base_does_not_hold_is_told(shell: Shell, mine: Sandbox, tmp_path: Path) -> None:
    """Policies in a submodule, or behind a link out of the repository, counted as made by this change, in silence."""
    shell.connect(mine).policy(RAISE_PLATFORM)
    shutil.move(shell.folder / "policies" / "acme.yaml", tmp_path / "acme.yaml")
    git(shell.folder, "init", "-q")
    (shell.folder / "policies" / "acme.yaml").symlink_to(tmp_path / "acme.yaml")
    (shell.folder / "policies" / "README").symlink_to(tmp_path / "acme.yaml")
    git(shell.folder, "add", "policies")
    git(shell.folder, "commit", "-qm", "x")
    ran = shell.run("plan", "--base", "HEAD", *AT)
    told = (
        "Note: --base HEAD does not hold policies/acme.yaml, so what is there counts as this change.\n  a submodule, or"
    )
    assert (ran.code, "not by this change" in ran.out, told in ran.err) == (0, False, True), ran.err
    assert "has no policy files" not in ran.err
    (shell.folder / "policies" / "acme.yaml").unlink()
    (shell.folder / "policies" / "README").unlink()
    (tmp_path / "team").mkdir()
    shutil.move(tmp_path / "acme.yaml", tmp_path / "team" / "acme.yaml")
    (shell.folder / "policies" / "team").symlink_to(tmp_path / "team")
    git(shell.folder, "add", "policies")
    git(shell.folder, "commit", "-qm", "y")
    assert "Note: --base HEAD does not hold policies/team, so" in shell.run("plan", "--base", "HEAD", *AT).err


def test_a_base_without_git_says_that_git_is_missing(shell: Shell, mine: Sandbox, tmp_path: Path) -> None:
    """Slim images have no Git; "a revision that this clone knows" sent people looking for commits."""
    shell.connect(mine).policy(RAISE_PLATFORM)
    git(shell.folder, "init", "-q")
    ran = shell.set(PATH=str(tmp_path)).run("plan", "--base", "HEAD^1", *AT)
    assert ran.code == 1
    assert "no Git is installed" in ran.err
    assert "install Git (slim images come without it), or give a path" in ran.err


@pytest.mark.parametrize("entry", [".", "", "bin", "{folder}", "{folder}/bin", "{folder}/policies/../bin", "{link}"])
def test_git_is_not_taken_from_the_folder_of_the_policy(
    entry: str, shell: Shell, mine: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shell.connect(mine).policy(RAISE_PLATFORM)
    git(shell.folder, "init", "-q")
    stolen = tmp_path_factory.mktemp("away") / "stolen"
    for place in (shell.folder, shell.folder / "bin"):
        program(place / "git", f"env > {stolen}")
    link = stolen.parent / "link"
    link.symlink_to(shell.folder / "bin")
    shell.set(PATH=f"{entry.format(folder=shell.folder, link=link)}:{os.environ['PATH']}")
    assert shell.run("apply", "--auto-approve", *AT).code == 0
    assert not stolen.exists()


def test_what_git_sees(shell: Shell, mine: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A stand-in for Git writes down its environment, its arguments, what it can read and whether it has a terminal."""
    away = tmp_path_factory.mktemp("away")
    seen = away / "seen"
    spy = f"{{ env; echo ARGUMENTS=$*; cat; (: < /dev/tty) 2>&- && echo HAS-A-TTY; }} >> {seen}; echo {'0' * 40}"
    program(away / "bin" / "git", spy)
    shell.connect(mine).policy(RAISE_PLATFORM)
    (shell.folder / ".git").mkdir()
    shell.set(PATH=f"{away}/bin:{os.environ['PATH']}", **dict.fromkeys(CANARIES, CANARY), CODER_HEADER=f"X-A={CANARY}")
    assert shell.run("apply", "--auto-approve", *AT).code == 0
    text = seen.read_text()
    assert "rev-parse" in text
    assert "safe.bareRepository=explicit" in text
    assert "HAS-A-TTY" not in text
    assert CANARY not in text
    assert mine.tokens["user-admin"] not in text
    names = {line.partition("=")[0] for line in text.splitlines() if "=" in line} - {
        "ARGUMENTS",
        "PWD",
        "_",
        "SHLVL",
        "OLDPWD",
    }
    assert names <= {
        *children.PASSED, "PATH", "HOME", "XDG_CONFIG_HOME", "SUDO_UID", "GIT_CEILING_DIRECTORIES",
        "GIT_ALLOW_PROTOCOL", "GIT_NO_LAZY_FETCH", "GIT_TERMINAL_PROMPT",
    }  # fmt: skip


ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "apply": ("--auto-approve", *AT),
    "show": ("journal.jsonl",),
    "revert": ("journal.jsonl", "--auto-approve"),
    "schema": ("plan",),
    "explain": ("ana",),
    "sandbox": ("--seed", "nosuch"),
    "completion": ("bash",),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_gives_a_child_more_than_the_allow_list_or_lets_it_import_from_the_folder(
    command: str, shell: Shell, mine: Sandbox, starts: list[tuple[Any, ...]]
) -> None:
    """Whatever starts a process, a library too: each start goes by in the recorder with its environment.

    `python -m`, by which the demo starts its commands, begins with the working directory: a `json.py` there was run.
    """
    shell.connect(mine).policy(RAISE_PLATFORM)
    git(shell.folder, "init", "-q")
    assert shell.run("apply", "--auto-approve", "--journal", "journal.jsonl", *AT).code == 0
    shell.policy(RAISE_PLATFORM.replace("$1,000", "$2,000"))
    plant_embedded_repository(shell.folder, "env >> stolen")
    for name in ("json", "click", "reconciler", "sitecustomize"):
        (shell.folder / f"{name}.py").write_text("open('stolen', 'w'); raise SystemExit(9)")
    starts.clear()
    shell.set(**dict.fromkeys(CANARIES, CANARY), CODER_HEADER=f"X-A={CANARY}")
    code = shell.run(command, *ARGUMENTS.get(command, ())).code
    assert code == 0 or command != "demo"
    assert {event for event, *_ in starts} <= {"subprocess.Popen"}
    for _, _, arguments, _, environment in starts:
        assert CANARY not in str(arguments)
        assert environment is not None
        assert CANARY not in str(environment)
        assert mine.tokens["owner"] not in str(environment)
        if command != "demo":  # which gives its own commands the token of its own sandbox
            assert not any(name.startswith("CODER_") for name in environment)
    assert not (shell.folder / "stolen").exists()
    assert bool(starts) == (command in ("apply", "demo")), "tell this test what starts children"


def test_completion_starts_no_shell(
    shell: Shell, starts: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """click starts bash to learn its version; and before that, every completion was answered with the help."""
    monkeypatch.setattr(sys, "argv", ["reconciler"])
    for instruction, text in ("bash_source", "complete -o nosort -F"), ("bash_complete", "plain,plan\n"):
        shell.set(_RECONCILER_COMPLETE=instruction, COMP_WORDS="reconciler pl", COMP_CWORD="1")
        shell.capsys.readouterr()
        with suppress(SystemExit):
            assert entry.main() == 0
        assert text in shell.capsys.readouterr().out
    assert starts == []


def refuse(code: int, sentence: str) -> str:
    return f"echo '{sentence}' >&2; exit {code}"


@pytest.mark.parametrize(
    "sentence",
    [
        "fatal: detected dubious ownership in repository at",
        "fatal: unsafe repository (/x is owned by someone else)",
    ],
)
def test_git_that_refuses_to_look_is_said_once(
    sentence: str, shell: Shell, mine: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> None:
    away = tmp_path_factory.mktemp("away")
    program(away / "git", refuse(128, sentence))
    shell.connect(mine).policy(RAISE_PLATFORM)
    (shell.folder / ".git").mkdir()
    shell.set(PATH=f"{away}:{os.environ['PATH']}")
    ran = shell.run("apply", "--auto-approve", *AT)
    assert ran.code == 0
    assert ran.err.count("belongs to another user") == 1
    assert f"git config --global --add safe.directory {shell.folder}" in ran.err
    assert shell.run("plan", *AT).err == ""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away; the stand-in above covers the rest")
def test_a_folder_that_belongs_to_another_user(shell: Shell, mine: Sandbox) -> None:
    shell.connect(mine).policy(RAISE_PLATFORM)
    git(shell.folder, "init", "-q")
    for path in (shell.folder, *shell.folder.rglob("*")):
        os.chown(path, 12_345, 12_345)
    assert shell.run("apply", "--auto-approve", *AT).err.count("belongs to another user") == 1


class TestLimits:
    def ask(self, text: str, *, limit_s: float = 60, **more: Any) -> children.Completed:
        return children.ask(["/bin/sh", "-c", text], folder="/", environment={}, limit_s=limit_s, **more)

    def test_an_answer(self) -> None:
        answer = self.ask("cat; echo complaint >&2; exit 3", questions=b"question")
        assert answer == children.Completed(code=3, output=b"question", error="complaint\n")

    def test_more_questions_and_answers_than_pipes_hold(self) -> None:
        questions = b"0123456789abcdef" * 2**17
        assert self.ask("cat", questions=questions).output == questions
        assert self.ask("exit 3", questions=questions).code == 3
        with pytest.raises(children.ChildError, match="more than 1 s"):
            self.ask("sleep 1000", questions=questions, limit_s=1)

    def test_a_child_that_takes_too_long_is_ended_with_what_it_started(self, tmp_path: Path) -> None:
        """The second one holds the pipes open, although the first has ended."""
        for tail in ("sleep 1000", "exit 0"):
            with pytest.raises(children.ChildError, match="more than 1 s"):
                self.ask(f"sleep 1000 & echo $! > {tmp_path}/pid; {tail}", limit_s=1)
            wait_for_the_end_of(int((tmp_path / "pid").read_text()))

    def test_a_child_that_says_too_much(self) -> None:
        with pytest.raises(children.ChildError, match="more than 2 MiB"):
            self.ask("cat /dev/zero", max_bytes=2 * 2**20)

    def test_where_no_thread_can_be_started_to_ask_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(thread: object) -> None:
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr("threading.Thread.start", refuse)
        with pytest.raises(children.ChildError, match=r"^/bin/sh cannot be asked: the system starts no more threads$"):
            self.ask("cat", questions=b"?")

    def test_what_cannot_be_started(self) -> None:
        with pytest.raises(children.ChildError, match="cannot be started"):
            children.ask(["/nowhere/git"], folder="/", environment={}, limit_s=1)

    def test_a_demo_whose_command_hangs_ends(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "executable", "/bin/sleep")
        monkeypatch.setattr(children, "_import_path", str)
        assert children.run_reconciler(folder="/", variables={}, limit_s=0.1) != 0


def wait_for_the_end_of(pid: int) -> None:
    """Wait until a process is gone, or waits to be collected by whoever adopted it."""

    def has_ended() -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            return True

    wait_until(has_ended)


def test_a_path_of_relative_entries_finds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", ":.:bin:..")
    assert children.search_path(outside="/nowhere") == ""
    assert children.find_program("git", outside="/nowhere") is None
