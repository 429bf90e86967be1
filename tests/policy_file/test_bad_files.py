"""Nothing that can lie on a disk raises anything but PolicyError, hangs, or takes long."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.errors import Finding, Place, PolicyError
from reconciler.policy_file import files, opening, read
from reconciler.policy_file.load import load

HEAD = "version: 1\norganization: acme\n"
GOOD = HEAD + "group_budgets:\n  - group: a\n    limit: $5\n    reason: 'x'\n"


def findings_of(*paths: object) -> tuple[Finding, ...]:
    with pytest.raises(PolicyError) as caught:
        load([str(path) for path in paths])
    return caught.value.findings


def only_finding(*paths: object) -> Finding:
    (finding,) = findings_of(*paths)
    return finding


def write(folder: Path, content: str | bytes, name: str = "policy.yaml") -> Path:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def test_missing_file(tmp_path: Path) -> None:
    assert only_finding(tmp_path / "nope.yaml").message == "there is no such file"


def test_folder_without_policies(tmp_path: Path) -> None:
    assert only_finding(tmp_path).message == files.EMPTY
    (tmp_path / ".hidden.yaml").write_text(GOOD)
    assert [Path(finding.place.file).name for finding in findings_of(tmp_path)] == [".hidden.yaml", tmp_path.name][::-1]


def test_unreadable_file_and_folder(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    write(tmp_path, GOOD).chmod(0)
    assert only_finding(tmp_path).message == "the file cannot be read: Permission denied"
    tmp_path.chmod(0)
    try:
        assert only_finding(tmp_path).message == "the folder cannot be read: Permission denied"
    finally:
        tmp_path.chmod(0o700)


def test_folder_that_cannot_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    assert only_finding(tmp_path).message == "the folder cannot be read: Permission denied"


def test_fifo_and_device(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.yaml")
    for path in (tmp_path / "fifo.yaml", "/dev/zero"):
        assert only_finding(path).message == "this is a socket, a pipe or a device, and not a file"


def test_loop_of_links(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").symlink_to(tmp_path / "b.yaml")
    (tmp_path / "b.yaml").symlink_to(tmp_path / "a.yaml")
    assert only_finding(tmp_path / "a.yaml").message == "the file cannot be read: Too many levels of symbolic links"
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "up").symlink_to(inner)
    write(inner, GOOD)
    assert len(load([str(inner)]).sources) == 1


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    file = write(tmp_path, GOOD)
    (tmp_path / "link.yaml").symlink_to(file)
    assert len(load([str(tmp_path), str(file)]).sources) == 1


def test_a_huge_file_is_refused_by_its_size(tmp_path: Path) -> None:
    file = write(tmp_path, HEAD)
    os.truncate(file, 100_000_000)
    started = time.process_time()
    assert only_finding(file).message == "the file is larger than 32 MiB"
    assert time.process_time() - started < 1


def test_a_file_that_grows_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path, GOOD)
    monkeypatch.setattr(opening, "MAX_BYTES", file.stat().st_size)
    assert load([str(file)])
    monkeypatch.setattr(os, "fstat", lambda _: os.stat_result((0o100600, *[0] * 9)))
    monkeypatch.setattr(opening, "MAX_BYTES", 10)
    assert only_finding(file).message.startswith("the file is larger than")


@pytest.mark.parametrize(
    "content",
    [
        "[" * 1_000_000,
        "{a: " * 200_000,
        "- " * 200_000,
        "a: &a x\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(2_000)),
        HEAD + "group_budgets: [" + "*a, " * 2_000 + "]",
        HEAD + "tiers:\n" + "".join(f"  t{n}: x\n" for n in range(500)),
        HEAD + "x" * 1_000_000 + ": y\n",
        HEAD + "group_budgets:\n  - group: a\n    limit: " + "x" * 1_000_000,
        HEAD + "group_budgets:\n  - group: a\n    limit: " + "9" * 1_000_000,
        HEAD + "group_budgets:\n  - group: " + "1:" * 200_000 + "\n    limit: $5",
        HEAD + "group_budgets:\n  - group: '" + " " * 1_000_000 + "'\n    limit: $5",
        "\x85" * 100_000,
    ],
    ids=lambda content: content[-12:].strip(),
)
def test_bombs_are_refused_soon(tmp_path: Path, content: str) -> None:
    file = write(tmp_path, content)
    started = time.process_time()
    findings = findings_of(file)
    assert time.process_time() - started < 10
    assert all(len(finding.message) < 1_000 for finding in findings)


pieces = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.text("a:-[]{}&*!|>'\"%@`#,?<\n\t 0$", max_size=60).map(str.encode),
)


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(pieces, max_size=3), st.integers(0, len(GOOD)), st.booleans())
def test_fuzzed_bytes_raise_nothing_but_policy_errors(
    tmp_path: Path, junk: list[bytes], at: int, is_alone: bool
) -> None:
    content = b"".join(junk) if is_alone else GOOD[:at].encode() + b"".join(junk) + GOOD[at:].encode()
    file = write(tmp_path, content)
    findings: tuple[Finding, ...] = (Finding(place=Place("", 1, 1), message="none"),)
    try:
        load([str(file)])
    except PolicyError as error:
        findings = error.findings
    assert findings
    assert len({*findings}) == len(findings)


def test_without_libyaml_the_findings_are_found_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "_Parser", yaml.SafeLoader)
    assert load([str(write(tmp_path, GOOD))])
    bad = write(tmp_path, HEAD + "tiers: {low: yes}\n# \x07")
    assert "YAML does not allow this character" in only_finding(bad).message
    assert "tabs" in only_finding(write(tmp_path, HEAD + "group_budgets:\n\t- group: a\n")).hint


def test_the_garbage_collector_is_left_as_it_was(tmp_path: Path) -> None:
    file = write(tmp_path, GOOD)
    gc.enable()  # a test before this one may have run a command in this process, which goes on without it
    load([str(file)])
    assert gc.isenabled()
    gc.disable()
    try:
        load([str(file)])
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_libraries_are_imported_only_when_needed(tmp_path: Path) -> None:
    file = write(tmp_path, GOOD)
    program = (
        "import sys, reconciler.policy_file; assert not {'yaml', 'jsonschema'} & {*sys.modules};"
        f"from reconciler.policy_file.load import load; load([{str(file)!r}]); assert 'jsonschema' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
