"""Exit codes and streams, as scripts and pipelines rely on them (whole processes where the process is the point)."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from reconciler.cli import entry, files
from reconciler.cli.app import COMMANDS
from reconciler.cli.exits import EXITS
from reconciler.coder import pool
from reconciler.render.formats import FORMATS
from reconciler.sandbox import Fault, Sandbox
from tests.cli.running import AS_IT_IS, AT, BLOCKS_BOB, COMPANY, RAISE_PLATFORM, RECONCILER, Shell
from tests.patience import HELD_S, PATIENCE_S, wait_until

BROKEN = "version: 1\norganization: acme\ngroup_budgets:\n  - group: platform\n    limit: -5\n"


@pytest.mark.parametrize(
    ("policy", "arguments", "code"),
    [
        (AS_IT_IS, ["plan", "--detailed-exitcode"], 0),
        (AS_IT_IS, ["drift"], 0),
        (AS_IT_IS, ["validate"], 0),
        (AS_IT_IS, ["apply"], 0),
        (RAISE_PLATFORM, ["plan"], 0),
        (RAISE_PLATFORM, ["plan", "--detailed-exitcode"], 2),
        (RAISE_PLATFORM, ["drift"], 2),
        (RAISE_PLATFORM, ["apply"], 1),
        (RAISE_PLATFORM, ["apply", "--auto-approve", "--expect-digest", "0123456789ab"], 3),
        (BLOCKS_BOB, ["plan"], 3),
        (BLOCKS_BOB, ["plan", "--detailed-exitcode"], 3),
        (BLOCKS_BOB, ["plan", "--allow", "BLOCKS_USERS=1"], 0),
        (BLOCKS_BOB, ["drift"], 2),
        (BLOCKS_BOB, ["apply", "--auto-approve"], 3),
        (BROKEN, ["validate"], 1),
        (BROKEN, ["plan"], 1),
        (BROKEN, ["drift"], 1),
        (BROKEN, ["apply", "--auto-approve"], 1),
    ],
)
def test_the_exit_code_never_depends_on_the_output(coder: Shell, policy: str, arguments: list[str], code: int) -> None:
    coder.policy(policy)
    arguments = [*arguments, *(AT if arguments[0] != "validate" else ())]
    text, data = coder.run(*arguments), coder.run(*arguments, "--json")
    assert (code, code) == (text.code, data.code)
    assert isinstance(data.document, dict)
    assert "Traceback" not in text.err + data.err


@pytest.mark.parametrize("name", [name for name, row in FORMATS.items() if not row.has_problems])
def test_of_a_format_that_holds_no_problems_stderr_says_why_a_run_fails(coder: Shell, name: str) -> None:
    """`plan --format csv` ended with 3, or with 1, and not a word."""
    coder.policy(BLOCKS_BOB + "  - {user: nobody, group: platform, limit: $200}\n")
    refused = coder.run("plan", *AT, "--format", name)
    assert refused.code == 3
    assert "BLOCKS_USERS: 1 person would be blocked now (bob).\n  if that is meant" in refused.err
    assert "policies/acme.yaml:6:12: user/nobody cannot be applied: user 'nobody' is unknown.\n  " in refused.err
    allowed = coder.run("plan", *AT, "--format", name, "--allow", "BLOCKS_USERS=1")
    assert (allowed.code, allowed.err.count("Error: ")) == (1, 1)
    coder.policy(RAISE_PLATFORM)
    assert coder.run("plan", *AT, "--format", name).err == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nosuch"], "There is no command 'nosuch'."),
        (["pln"], "There is no command 'pln'; did you mean 'plan'?"),
        (["--nosuch"], "There is no option"),
        (["plan", "--nosuch"], "There is no option"),
        (["plan", "--detailed"], "There is no option"),
        (["plan", "--parallelism", "0"], "'0' must be auto, or a whole number from 1 to 128"),
        (["plan", "--parallelism", "many"], "'many' must be auto, or a whole number from 1 to 128"),
        (["plan", "--allow", "BLOCKS_USERS"], "--allow"),
        (["plan", "-o"], "Option '-o' requires an argument."),
        (["show"], "Missing argument 'FILE...'."),
        (["completion"], "Missing argument '{bash|zsh|fish}'. Choose from: bash, zsh, fish."),
        (["--debug", "plan"], "write options after the command: `reconciler plan --debug`"),
        (["plan", "--format", "pdf"], "'pdf' is not one of 'text', 'json'"),
        (["explain", "ana", "--save", "junit=x"], "junit needs entries that pass or fail, which this result does not"),
        (["plan", "--save", "pdf=x"], "'pdf=x' must be FORMAT=FILE"),
        (["plan", "--save", "json"], "'json' must be FORMAT=FILE"),
        (["plan", "--save-mode", "rw"], "'rw' must be three octal digits"),
        (["schema", "nosuch"], "'nosuch' is not one of 'policy', 'journal', 'plan'"),
        (["plan", "--color", "sometimes"], "'sometimes' is not one of"),
    ],
)
def test_wrong_usage_is_1_and_never_2(shell: Shell, arguments: list[str], says: str) -> None:
    text, data = shell.run(*arguments), shell.run(*arguments, "--json")
    assert (text.code, text.out, data.code) == (1, "", 1)
    assert says in text.err
    assert ("Usage: reconciler" in text.err) == (arguments != ["plan", "-o"])  # where click knows the command
    assert " --help` says more" in text.err
    if arguments != ["plan", "-o"]:  # there, --json is the file's name
        assert data.document["exit_code"] == 1
        assert data.document["format"] == "reconciler error"


@pytest.mark.parametrize(
    "time",
    ["soon", "2026-02-30", "2026-01-01T00:00:00", "20260101", "2026-W01-1", "1999-12-31", "0001-01-01T00:00:00+14:00",
     "9999-12-31T23:59:59-14:00", "", "2026-11-23T12:00:00Z\n", "２026-01-01"],
)  # fmt: skip
def test_a_time_is_a_date_or_has_a_zone(shell: Shell, time: str) -> None:
    ran = shell.run("plan", "--at", time)
    assert (ran.code, ran.out) == (1, "")
    assert "--at" in ran.err


def test_results_go_to_stdout_and_the_rest_to_stderr(coder: Shell) -> None:
    coder.policy(RAISE_PLATFORM)
    ran = coder.warm("plan", *AT)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith("Plan: 0 to create, 1 to update, 0 to delete.\n")
    failed = coder.warm("plan", "nowhere")
    assert (failed.code, failed.out) == (1, "")
    assert failed.err.startswith("nowhere:1:1: there is no such file\n")


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_nothing_to_do_ends_without_an_empty_line(coder: Shell, command: str) -> None:
    coder.policy(AS_IT_IS)
    ran = coder.run(command, *AT)
    assert ran.out.endswith("No changes. Live budgets match the policy.\n")


def test_without_a_terminal_nothing_is_asked(company: Sandbox, coder: Shell) -> None:
    coder.policy(RAISE_PLATFORM)
    company.forget_requests()
    ran = coder.warm("apply", *AT)
    assert ran.code == 1
    assert "Plan: 0 to create, 1 to update, 0 to delete." in ran.out
    assert "pass --auto-approve" in ran.err
    assert {"GET", "POST"} >= {request.method for request in company.requests}
    assert not (coder.folder / ".reconciler").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_json_is_one_document_on_every_error(shell: Shell, command: str) -> None:
    ran = shell.run(command, "--json", "--nosuch")
    assert ran.code == 1
    assert {"format", "version", "exit_code", "message", "hint", "details", "findings", "checksum"} == set(ran.document)


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "utf-16"])
def test_what_a_program_reads_is_utf_8_whatever_the_locale(coder: Shell, encoding: str) -> None:
    """Under another locale JSON was no JSON, and an export no policy."""
    coder.policy(
        RAISE_PLATFORM.replace("$1,000", "$1,000\n    reason: für René \u2192 \U0001f4b6"), name="policies/für.yaml"
    )
    coder.set(PYTHONIOENCODING=encoding)
    for arguments, code in (
        (["plan", "--json", *AT], 0),
        (["validate", "nöwhere", "--json"], 1),
        (["export", "acme"], 0),
    ):
        process = [*RECONCILER, *arguments]
        done = subprocess.run(process, cwd=coder.folder, env=coder.clean(), capture_output=True, check=False)
        assert done.returncode == code, done.stderr
        text = done.stdout.decode("utf-8")
        assert "\\x" not in text
        if "--json" in arguments:
            json.loads(text)
            assert ("für René \u2192 \U0001f4b6" if code == 0 else "nöwhere") in text


def test_windows_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(entry, "_SYSTEM", "nt")
    for arguments, code in (["validate"], 1), (["--version"], 0), (["plan", "--help"], 0):
        monkeypatch.setattr(sys, "argv", ["reconciler", *arguments])
        assert entry.main() == code
        shown = capsys.readouterr()
        assert bool(shown.out) == (code == 0)
        assert shown.err.count("does not run on Windows; run it on Linux or macOS, or in WSL.\n") == code


def test_json_carries_every_finding(shell: Shell) -> None:
    shell.policy(BROKEN)
    document = shell.run("validate", "--json").document
    assert [(one["place"]["file"], one["place"]["line"]) for one in document["findings"]] == [("policies/acme.yaml", 5)]


def test_a_terminal_gets_the_first_hundred_findings_and_json_all(shell: Shell) -> None:
    entries = "".join(f"  - {{group: g{number}, limit: 1e3}}\n" for number in range(103))
    shell.policy(f"version: 1\norganization: acme\ngroup_budgets:\n{entries}")
    ran = shell.run("validate", "--json")
    assert len(ran.document["findings"]) == 103
    assert ran.err.count("write the digits out") == 100
    *_, hint, more, error = ran.err.splitlines()
    assert (hint, more) == (
        "    write the digits out (1000, not 1e3)", "and 3 more problems; `--format json` lists all of them"
    )  # fmt: skip
    assert error == "Error: The policy has 103 problems."
    shell.policy(f"version: 1\norganization: acme\ngroup_budgets:\n{entries}".replace("1e3", "$3", 3))
    assert "more problem" not in shell.run("validate").err


def test_each_file_is_read_once_for_the_lines_of_what_is_found_in_it(
    coder: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """People who are listed twice, by two of their names, are found where no file is at hand."""
    names = ("bob", "ana", "carol", "dan")
    entries = "".join(
        f"  - {{user: {user}{at}, group: platform, limit: $300}}\n" for user in names for at in ("", "@acme.example")
    )
    coder.policy(f"version: 1\norganization: acme\nuser_overrides:\n{entries}")
    read: list[str] = []
    whole = files.read_text

    def counting(path: str) -> str:
        read.append(path)
        return whole(path)

    monkeypatch.setattr(files, "read_text", counting)
    ran = coder.run("plan", *AT)
    assert ran.err.count("  | - {user: ") == ran.err.count("is listed twice") == len(names)
    assert len(read) == 1


def test_json_says_why_it_was_refused(coder: Shell) -> None:
    coder.policy(BLOCKS_BOB)
    document = coder.run("apply", "--auto-approve", "--json", *AT).document
    assert document["exit_code"] == 3
    assert any("BLOCKS_USERS" in detail for detail in document["refusal"]["details"])


def test_a_closed_stderr_changes_nothing(shell: Shell) -> None:
    ran = shell.process("validate", "nowhere", "--json", stderr=None, preexec_fn=lambda: os.close(2))
    assert ran.code == 1
    assert ran.document["findings"][0]["message"] == "there is no such file"


@pytest.mark.parametrize(
    "arguments", [["plan", *AT], ["plan", "--json", *AT], ["schema"], ["--help"], ["--version"], ["plan", "--help"]]
)
def test_a_stdout_that_takes_nothing_is_an_error_and_no_traceback(coder: Shell, arguments: list[str]) -> None:
    coder.policy(RAISE_PLATFORM)
    with open("/dev/full", "w") as full:
        ran = coder.process(*arguments, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    closed = coder.process(*arguments, stdout=None, capture_output=False, stderr=subprocess.PIPE, **CLOSE_STDOUT)
    assert (ran.code, closed.code) == (1, 1)
    for err in (ran.err, closed.err):
        assert "Traceback" not in err
        assert "Exception ignored" not in err
    if "--help" not in arguments and "--version" not in arguments:
        assert "stdout cannot be written: No space left on device" in ran.err
        assert "stdout is closed" in closed.err


CLOSE_STDOUT = {"preexec_fn": lambda: os.close(1)}


@pytest.mark.parametrize("arguments", [["plan"], ["plan", "--json"], ["apply", "--auto-approve"]])
def test_a_folder_that_was_removed_is_named(coder: Shell, arguments: list[str]) -> None:
    gone = coder.folder / "gone"
    gone.mkdir()

    def enter_and_remove() -> None:
        os.chdir(gone)
        gone.rmdir()

    ran = coder.process(*arguments, preexec_fn=enter_and_remove)
    assert ran.code == 1
    assert "Traceback" not in ran.err
    assert "The folder in which this command runs was removed" in ran.err


def test_a_result_is_printed_though_the_folder_was_removed_meanwhile(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.policy(RAISE_PLATFORM)

    def fail() -> str:
        raise FileNotFoundError(2, "No such file or directory")

    with Sandbox(COMPANY) as sandbox:
        shell.connect(sandbox)
        policies = str(shell.folder / "policies")
        with monkeypatch.context() as patched:
            patched.setattr("reconciler.cli.checkout.os.getcwd", fail)
            ran = shell.run("apply", "--auto-approve", "--effects", "none", policies, *AT)
    assert ran.code == 0, ran.err
    assert "Apply complete" in ran.out


@pytest.mark.parametrize(
    "arguments", [["plan", "--json"], ["status", "--json"], ["drift", "--json", "--fail-on", "hand"]]
)
def test_reads_where_the_system_starts_no_more_threads_are_only_slower(
    shell: Shell, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.policy(RAISE_PLATFORM)

    def refuse(thread: object) -> None:
        raise RuntimeError("can't start new thread")

    with Sandbox(COMPANY) as sandbox:
        shell.connect(sandbox)
        with monkeypatch.context() as patched:
            patched.setattr(pool, "_waiting", [])
            patched.setattr("threading.Thread.start", refuse)
            ran = shell.run(*arguments, *([] if "status" in arguments else AT))
    assert ran.code == 0, ran.err
    assert ran.document["format"].startswith("reconciler ")


def test_an_apply_where_the_system_starts_no_more_threads_writes_all(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.policy(RAISE_PLATFORM + "  - group: design\n    limit: $210\n")
    started: list[object] = []

    def refuse_after_one(thread: threading.Thread) -> None:
        if started:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    for name in ("none", "one"):
        with Sandbox(COMPANY) as sandbox, monkeypatch.context() as patched:
            shell.connect(sandbox)
            start = threading.Thread.start
            started[:] = [None] if name == "none" else []
            patched.setattr(pool, "_waiting", [])
            patched.setattr("threading.Thread.start", refuse_after_one)
            ran = shell.run("apply", "--auto-approve", "--journal", f"{name}.jsonl", *AT)
        assert ran.code == 0, ran.err
        assert "Apply complete: 0 created, 2 updated, 0 deleted." in ran.out


def test_memory_that_does_not_suffice_is_told_in_a_sentence(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("reconciler.cli.app.reconciler.main", refuse)
    ran = shell.run("validate")
    assert (ran.code, ran.err) == (1, "Error: There is not enough memory.\n  allow this command more of it\n")


def test_a_broken_pipe_is_quiet(shell: Shell) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ran = shell.process("schema", capture_output=False, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (ran.code, ran.err) == (1, "")


def test_names_that_the_terminal_cannot_show_are_escaped(shell: Shell) -> None:
    shell.environment["PYTHONIOENCODING"] = "ascii"
    shell.policy(RAISE_PLATFORM.replace("platform", "für-alle"))
    with Sandbox(COMPANY) as sandbox:
        sandbox.execute("UPDATE groups SET name = 'für-alle' WHERE name = 'platform'")
        ran = shell.connect(sandbox).process("plan", *AT)
    assert ran.code == 0, ran.err
    assert "group/acme/f\\xfcr-alle" in ran.out


def test_a_name_that_is_no_text_is_escaped_in_json(shell: Shell) -> None:
    name = os.fsdecode(b"caf\xe9-\xc3\xa9.yaml")
    (shell.folder / name).write_text(AS_IT_IS)
    ran = shell.process("validate", name, "--json")
    assert "caf\\udce9-é.yaml" in ran.out
    assert ran.document["files"][0]["path"] == name


def test_what_a_policy_says_cannot_write_over_the_terminal(shell: Shell) -> None:
    shell.policy('version: 1\norganization: acme\n"\\e]0;owned\\a": 1\n# \x85\n')
    ran = shell.run("validate")
    assert ran.code == 1
    assert all(character.isprintable() or character == "\n" for character in ran.err)


@pytest.mark.parametrize("number", [signal.SIGINT])
def test_interrupted_while_reading(shell: Shell, number: signal.Signals) -> None:
    shell.policy(RAISE_PLATFORM)
    with Sandbox(COMPANY) as sandbox:
        sandbox.fault(Fault("delay", path="*/groups*", seconds=HELD_S, times=100))
        shell.connect(sandbox)
        with subprocess.Popen(
            [*RECONCILER, "plan", "--json", *AT], cwd=shell.folder, env=shell.clean(), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as process:  # fmt: skip
            wait_until(lambda: any("/groups" in request.path for request in sandbox.requests))
            process.send_signal(number)
            out, err = process.communicate(timeout=PATIENCE_S)  # the answers in flight never come
    assert process.returncode == 130
    assert json.loads(out)["exit_code"] == 130
    assert "Interrupted; nothing was written." in err
    assert "Traceback" not in err


def test_python_does_not_look_for_cycles_when_a_command_ends() -> None:
    """It would look through all of a plan, for nothing: 30 ms, a sixth of a plan of nothing."""
    program = "import atexit, gc, sys; from reconciler.cli.entry import main\n"
    program += "atexit.register(lambda: print(gc.isenabled(), gc.get_freeze_count() > 10_000))\n"
    arguments = ["plan", "no-such-file.yaml"]
    result = subprocess.run(
        [sys.executable, "-c", f"{program}sys.exit(main())", *arguments], capture_output=True, text=True
    )
    assert (result.returncode, result.stdout) == (1, "False True\n")


def test_no_command_makes_a_folder_called_tilde(coder: Shell) -> None:
    """A shell leaves `--journal=~/run.jsonl` alone, and whoever removes the folder `~` by its name loses a home."""
    coder.policy(RAISE_PLATFORM)
    for command in (
        ["apply", "--auto-approve", "--journal=~/run.jsonl", *AT],
        ["export", "--all", "--output=~/budgets"],
        ["init", "~/budgets"],
    ):
        ran = coder.run(*command)
        assert ran.code == 1, command
        assert "would go to a new folder called ~; nothing was written" in ran.err, command
        assert "write ~ at the beginning of a word" in ran.err
    assert not (coder.folder / "~").exists()


def test_the_readme_and_the_help_have_the_table_of_exits() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    table = readme.split("| exit | meaning |\n|---|---|\n")[1].split("\n\n")[0]
    assert table.splitlines() == [f"| {code} | {meaning} |" for code, meaning in EXITS.items()]
    text = (Path(__file__).parents[2] / "reconciler/cli/help/_all.txt").read_text(encoding="utf-8")
    listed = text.split("Exit codes:\n")[1].split("\n\n")[0]
    assert {int(code) for code in re.findall(r"(?:^|  )(\d+)  ?\w", listed, re.M)} == set(EXITS)


def test_one_run_saves_its_result_in_several_formats(coder: Shell) -> None:
    coder.policy(RAISE_PLATFORM)
    ran = coder.run("plan", *AT, "--save", "json=plan.json", "--save", "text=plan.txt", "--save-mode", "640")
    assert ran.code == 0
    assert ran.out.startswith("Coder 2.37")
    assert (coder.folder / "plan.json").stat().st_mode & 0o777 == 0o640
    assert json.loads((coder.folder / "plan.json").read_text())["format"] == "reconciler plan"
    assert (coder.folder / "plan.txt").read_text() == ran.out
    assert coder.run("show", "plan.json", "--json").out == (coder.folder / "plan.json").read_text()


def test_a_refusal_and_an_error_are_saved_too(coder: Shell) -> None:
    coder.policy(BLOCKS_BOB)
    assert coder.run("apply", "--auto-approve", *AT, "--save", "json=it.json").code == 3
    assert json.loads((coder.folder / "it.json").read_text())["exit_code"] == 3
    assert (coder.folder / "it.json").stat().st_mode & 0o777 == 0o600
    assert coder.run("plan", *AT, "--save", "json=plan.json").code == 3
    assert json.loads((coder.folder / "plan.json").read_text())["verdict"]["is_refused"]
    assert coder.run("plan", "nowhere", "--save", "json=plan.json").code == 1
    assert json.loads((coder.folder / "plan.json").read_text())["findings"]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("policies/acme.yaml", "exists and may be a policy"),
        ("nowhere/x", "there is no folder"),
        ("no where/x", "make it: mkdir -p '"),
        ("/dev/null", "is not a file"),
        ("policies", "is not a file"),
        ("-", "'-' is not a file"),
        ("pipe", "is not a file"),
        ("link.yaml", "exists and may be a policy"),
    ],
)
def test_a_result_is_not_saved_over_a_policy(coder: Shell, path: str, says: str) -> None:
    policy = coder.policy(AS_IT_IS)
    os.mkfifo(coder.folder / "pipe")
    (coder.folder / "link.yaml").symlink_to(policy)
    ran = coder.run("plan", *AT, "--save", f"text={path}")
    assert (ran.code, ran.out) == (1, "")
    assert says in ran.err
    assert policy.read_text() == AS_IT_IS


def test_each_result_has_a_file_of_its_own(own: Shell) -> None:
    """The last one would replace the others, and a journal with them."""
    own.policy(RAISE_PLATFORM)
    (own.folder / "link").symlink_to("x.html")
    for name in ("x.html", "./x.html", "link"):
        ran = own.run("plan", *AT, "--save", "html=x.html", "--save", f"text={name}")
        assert (ran.code, ran.out) == (1, "")
        assert "html and text would be saved in one file" in ran.err
    ran = own.run("plan", *AT, "-o", "x.plan", "--save", "html=x.plan")
    assert "Error: -o and --save html would be one file, x.plan." in ran.err
    ran = own.run("apply", *AT, "--auto-approve", "--journal", "run.jsonl", "--save", "json=run.jsonl")
    assert "Error: --journal and --save json would be one file, run.jsonl." in ran.err
    assert own.run("apply", *AT, "--auto-approve", "--journal", "done.jsonl").code == 0
    journal = (own.folder / "done.jsonl").read_bytes()
    ran = own.run("plan", *AT, "--save", "json=done.jsonl")
    assert "done.jsonl is a journal, which `revert` needs; it is left alone" in ran.err
    assert (own.folder / "done.jsonl").read_bytes() == journal


@pytest.mark.parametrize("how", [(), ("--json",)])
def test_what_was_written_is_told_even_if_a_file_cannot_be_saved(
    own: Shell, how: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is there when the run begins, and gone when it ends."""
    own.policy(RAISE_PLATFORM)
    (own.folder / "out").mkdir()

    def gone(*_: object, **__: object) -> None:
        (own.folder / "out").rmdir()

    monkeypatch.setattr("reconciler.cli.applying.require_new", gone)
    ran = own.run("apply", *AT, "--auto-approve", "--save", "html=out/page.html", *how)
    assert ran.code == 0
    assert "Error: out/page.html cannot be written: No such file or directory." in ran.err
    if how:
        assert ran.document["is_complete"]
    else:
        assert ran.out.endswith("Apply complete: 0 created, 1 updated, 0 deleted.\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["plan", "--max-wait", "abc"], "'abc' is not a whole number."),
        (["plan", "--replay-days", "1.5"], "'1.5' is not a whole number."),
        (["sandbox", "--latency", "real"], "'real' is not a number."),
        (["plan", "--max-requests", "0"], "0 must be at least 1."),
        (["plan", "--replay-days", "32"], "32 must be from 1 to 31."),
        (["sandbox", "--latency", "61"], "61.0 must be from 0 to 60."),
    ],
)
def test_what_is_no_number_is_told_in_words(shell: Shell, arguments: list[str], said: str) -> None:
    ran = shell.run(*arguments)
    assert ran.code == 1
    assert said in ran.err


@pytest.mark.parametrize("kinds", ["hand,bogus", "bogus", "hand,bogus,due"])
def test_a_kind_of_difference_that_there_is_not_is_told_with_those_there_are(shell: Shell, kinds: str) -> None:
    ran = shell.run("drift", "--fail-on", kinds)
    assert ran.code == 1
    assert "Invalid value for '--fail-on': 'bogus' must be hand, due, orphan, pending or unknown." in ran.err


def test_a_file_that_is_too_large_for_a_plan_is_not_read(shell: Shell) -> None:
    with (shell.folder / "big.json").open("wb") as file:
        file.truncate(10**9)  # it takes no room on the disk
    ran = shell.run("show", "big.json")
    assert ran.code == 1
    assert "big.json is larger than 256 MiB, the limit for plans and journals." in ran.err
