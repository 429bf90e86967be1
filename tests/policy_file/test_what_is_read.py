"""Which files a path leads to; what looks like a policy and is not read is unknown, not absent."""

from __future__ import annotations

import errno
import io
import os
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.core.policy import Manage
from reconciler.errors import PolicyError
from reconciler.policy_file import files, opening, read
from reconciler.policy_file.load import Loaded, load

HEAD = "version: 1\norganization: acme\n"


def write(path: Path, group: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{HEAD}group_budgets: [{{group: {group}, limit: $5}}]\n")
    return path


def groups(loaded: Loaded) -> list[str]:
    return sorted(entry.group for policy in loaded.policies for entry in policy.group_budgets)


def missed(loaded: Loaded, folder: Path) -> dict[str, str]:
    return {os.path.relpath(item.path, folder): item.reason for item in loaded.not_read}


def test_a_linked_folder_is_walked(tmp_path: Path) -> None:
    """The layout of a Kubernetes ConfigMap with `path: teams/people.yaml`: links to a hidden folder."""
    write(tmp_path / "..2026_11_25" / "teams" / "people.yaml", "people")
    (tmp_path / "..data").symlink_to("..2026_11_25")
    (tmp_path / "teams").symlink_to("..data/teams")
    write(tmp_path / "head.yaml", "head")
    loaded = load([str(tmp_path)])
    assert groups(loaded) == ["head", "people"]
    assert loaded.not_read == ()


def test_each_real_file_is_read_once_and_loops_end(tmp_path: Path) -> None:
    write(tmp_path / "a" / "one.yaml", "one")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "a" / "again.yaml").symlink_to("one.yaml")
    for paths in (["."], ["a", "b"], ["b", "."], ["a/one.yaml", ".", "b/again.yaml"]):
        loaded = load([str(tmp_path / path) for path in paths])
        assert groups(loaded) == ["one"]
        assert loaded.not_read == ()


def test_many_links_between_folders_are_not_many_walks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of 20 folders links twice to the next: a million ways lead to the last."""
    for number in range(20):
        (tmp_path / f"f{number}").mkdir()
        for name in ("x", "y"):
            (tmp_path / f"f{number}" / name).symlink_to(tmp_path / f"f{number + 1}")
    write(tmp_path / "f20" / "end.yaml", "end")
    walks = []
    scandir = os.scandir

    def counted(path: str) -> Iterator[os.DirEntry[str]]:
        walks.append(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", counted)
    assert groups(load([str(tmp_path / "f0")])) == ["end"]
    assert len(walks) < 50


def test_capitals_of_the_ending_do_not_matter(tmp_path: Path) -> None:
    write(tmp_path / "people.YAML", "a")
    write(tmp_path / "teams.Yml", "b")
    assert groups(load([str(tmp_path)])) == ["a", "b"]


def test_a_policy_to_whose_name_an_editor_added_txt_is_said(tmp_path: Path) -> None:
    """Under `exact` its budgets were removed, without a word of the file."""
    write(tmp_path / "seen.yaml", "seen")
    write(tmp_path / "people.yaml.txt", "a")
    write(tmp_path / "teams.yml.TXT", "b")
    write(tmp_path / "notes.txt", "c")
    (tmp_path / "example.yaml.txt").write_text("what an entry looks like\n")
    loaded = load([str(tmp_path)])
    assert groups(loaded) == ["seen"]
    assert sorted(missed(loaded, tmp_path)) == ["people.yaml.txt", "teams.yml.TXT"]
    assert "does not end in .yaml or .yml" in loaded.not_read[0].reason


def test_hidden_policies_are_said(tmp_path: Path) -> None:
    write(tmp_path / "seen.yaml", "seen")
    write(tmp_path / ".people.yaml", "a")
    write(tmp_path / ".old" / "deep" / "people.yml", "b")
    write(tmp_path / ".git" / "people.yaml", "c")
    (tmp_path / ".pre-commit-config.yaml").write_text("repos: []\n")
    (tmp_path / ".broken.yaml").symlink_to("nowhere")
    (tmp_path / ".link.yaml").symlink_to("seen.yaml")
    os.mkfifo(tmp_path / ".fifo.yaml")
    loaded = load([str(tmp_path)])
    assert groups(loaded) == ["seen"]
    assert sorted(missed(loaded, tmp_path)) == [".old/deep/people.yml", ".people.yaml"]
    assert "begins with a dot" in loaded.not_read[0].reason


def test_a_hidden_folder_that_is_named_is_read(tmp_path: Path) -> None:
    write(tmp_path / ".policies" / "a.yaml", "a")
    assert load([str(tmp_path / ".policies")]).not_read == ()


def test_a_huge_hidden_folder_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "seen.yaml", "seen")
    write(tmp_path / ".cache" / "a" / "b.yaml", "b")
    write(tmp_path / ".cache" / "c.yaml", "c")
    monkeypatch.setattr(files, "MAX_HIDDEN", 2)
    assert [*missed(load([str(tmp_path)]), tmp_path)] == [".cache/c.yaml"]


def test_what_cannot_be_read_below_a_folder_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "seen.yaml", "seen")
    write(tmp_path / "locked" / "a.yaml", "a")
    write(tmp_path / "secret.yaml", "b")
    (tmp_path / "gone.yaml").symlink_to("nowhere")
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    os.mkfifo(tmp_path / "pipe.yaml")
    monkeypatch.chdir(tmp_path)  # the whole path can be too long for a socket
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.yaml")
    scandir, open_file = os.scandir, os.open

    def refusing(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(path: str, *arguments: int) -> Any:
            if "locked" in path or "secret" in path:
                raise PermissionError(13, "Permission denied")
            return call(path, *arguments)

        return wrapper

    monkeypatch.setattr(os, "scandir", refusing(scandir))
    monkeypatch.setattr(os, "open", refusing(open_file))
    loaded = load([str(tmp_path)])
    assert groups(loaded) == ["seen"]
    special = "this is a socket, a pipe or a device, and not a file; "
    special += "move it out of the policy folder; a policy from a pipe is read by `-`, standard input"
    assert missed(loaded, tmp_path) == {
        "gone.yaml": "the link leads to no file; mend it, or remove it",
        "locked": "the folder cannot be read: Permission denied",
        "loop.yaml": "the file cannot be read: Too many levels of symbolic links",
        "pipe.yaml": special,
        "secret.yaml": "the file cannot be read: Permission denied",
        "socket.yaml": special,
    }
    with pytest.raises(PolicyError, match="1 problem"):  # named, it is an error
        load([str(tmp_path), str(tmp_path / "secret.yaml")])


class _Unkind:
    """An entry of a file server that tells no kinds with its names, and whose answer to the first question is lost."""

    def __init__(self, entry: os.DirEntry[str]) -> None:
        self._entry, self._asked = entry, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._entry, name)

    def is_dir(self) -> bool:
        asked, self._asked = self._asked, True
        if asked:
            return self._entry.is_dir()
        raise OSError(errno.ESTALE, "Stale file handle")


@pytest.mark.parametrize("is_link", [False, True])
def test_a_folder_of_which_a_file_server_does_not_tell_that_it_is_one_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_link: bool
) -> None:
    """It was passed over in silence, so that `exact` removed what it lists."""
    write(tmp_path / "policies" / "seen.yaml", "seen")
    write(tmp_path / "policies" / "README.md", "no folder")
    write(tmp_path / ("elsewhere" if is_link else "policies/people") / "a.yaml", "a")
    if is_link:
        (tmp_path / "policies" / "people").symlink_to("../elsewhere")
    scandir = os.scandir

    class Listed(list[_Unkind]):
        def __enter__(self) -> Listed:
            return self

        def __exit__(self, *_: object) -> None:
            """Nothing is open."""

        close = __exit__

    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", lambda path: Listed(map(_Unkind, scandir(path))))
        loaded = load([str(tmp_path / "policies")])
    assert groups(loaded) == ["seen"]
    assert missed(loaded, tmp_path) == {"policies/people": "the folder cannot be read: Stale file handle"}


def test_an_empty_folder_given_by_name_is_said(tmp_path: Path) -> None:
    write(tmp_path / "seen" / "a.yaml", "a")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "README.md").write_text("none yet")
    loaded = load([str(tmp_path / "empty"), str(tmp_path / "seen")])
    assert missed(loaded, tmp_path) == {"empty": files.EMPTY}
    assert load([str(tmp_path)]).not_read == ()  # found on the way, an empty folder means nothing


def test_what_may_have_held_policies_is_said(tmp_path: Path) -> None:
    """A link to a folder that is not there, and a submodule that is not checked out: Git keeps no empty folder."""
    write(tmp_path / "seen" / "a.yaml", "a")
    (tmp_path / "people").symlink_to("../elsewhere/people")
    (tmp_path / "team.d").symlink_to("../elsewhere/team.d")
    (tmp_path / "acme.com").symlink_to("nowhere")
    (tmp_path / "round").symlink_to("round")
    (tmp_path / "NOTES.md").symlink_to("nowhere")
    (tmp_path / "seen" / "submodule").mkdir()
    assert missed(load([str(tmp_path)]), tmp_path) == {
        "acme.com": files.NOWHERE,
        "people": files.NOWHERE,
        "round": files.NOWHERE,
        "seen/submodule": files.NOTHING_THERE,
        "team.d": files.NOWHERE,
    }


def test_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = HEAD + "group_budgets:\n  - group: a\n    limit: -5\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.replace("-5", "$5").encode())))
    beside = write(tmp_path / "b.yaml", "b")
    loaded = load(["-", str(beside), "-"])
    assert groups(loaded) == ["a", "b"]
    assert [source.path for source in loaded.sources] == ["<stdin>", str(beside)]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    with pytest.raises(PolicyError) as caught:
        load(["-"])
    assert [str(finding.place) for finding in caught.value.findings] == ["<stdin>:5:12"]
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(PolicyError) as caught:
        load(["-"])
    assert caught.value.findings[0].message == "standard input is closed"


def test_standard_input_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "MAX_BYTES", 10)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(HEAD.encode())))
    with pytest.raises(PolicyError) as caught:
        load(["-"])
    assert caught.value.findings[0].message.startswith("the file is larger than")


def test_what_no_file_declares_exact_is_listed(tmp_path: Path) -> None:
    (policy,) = load([str(write(tmp_path / "fragment.yaml", "a"))]).policies
    assert (policy.group_budgets_managed, policy.user_overrides_managed) == (Manage.LISTED, Manage.LISTED)
    (tmp_path / "whole.yaml").write_text(HEAD + "manage: {group_budgets: exact}\n")
    (policy,) = load([str(tmp_path)]).policies
    assert (policy.group_budgets_managed, policy.user_overrides_managed) == (Manage.EXACT, Manage.LISTED)


def test_an_empty_list_that_removes_nothing_is_noted(tmp_path: Path) -> None:
    """Who relied on `manage` omitted meaning `exact` is told so where it can be seen: an empty list."""
    file = write(tmp_path / "a.yaml", "a")
    (tmp_path / "b.yaml").write_text(HEAD + "user_overrides: []\ngroup_budgets: []\n")
    notes = load([str(tmp_path)]).notes
    assert [(Path(note.place.file).name, note.place.line) for note in notes] == [("b.yaml", 4), ("b.yaml", 3)]
    assert (
        notes[0].message == "group_budgets is empty, and no file states `manage.group_budgets`, so nothing is removed"
    )
    file.write_text(HEAD + "manage: {group_budgets: exact, user_overrides: listed}\n")
    assert load([str(tmp_path)]).notes == ()


def test_an_absence_with_an_end_is_noted(tmp_path: Path) -> None:
    """It looks as if the override were put aside until then, and would come back."""
    file = tmp_path / "a.yaml"
    file.write_text(f"{HEAD}user_overrides:\n  - {{user: ana, group: eng, limit: none, expires: 2030-01-01}}\n")
    (note,) = load([str(file)]).notes
    assert note.message == "user 'ana' has no override after `expires` either"
    assert note.hint == "`limit: none` removes it, and nothing puts it back; leave `expires` out"
    file.write_text(file.read_text().replace("none", "$5"))
    assert load([str(file)]).notes == ()


def test_both_parsers_read_halves_of_characters_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policies = Path(__file__).parents[1] / "policies"
    reasons = []
    for parser in (read._Parser, yaml.SafeLoader):
        monkeypatch.setattr(read, "_Parser", parser)
        (policy,) = load([str(policies / "valid" / "json-surrogates.yaml")]).policies
        reasons.append([entry.reason for entry in policy.group_budgets])
        with pytest.raises(PolicyError) as caught:
            load([str(policies / "invalid" / "half-character.yaml")])
        reasons.append([str(finding) for finding in caught.value.findings])
    assert reasons[:2] == reasons[2:]
    assert reasons[0] == ["launch \U0001f680 ü", "a backslash: \\ud83d"]


def test_a_long_line_is_not_shown_whole(tmp_path: Path) -> None:
    file = tmp_path / "long.yaml"
    long = "{group: a, limit: $5}, " * 20_000
    file.write_text(f"{HEAD}group_budgets: [{long}{{group: b, limit: -1}}, {long}]\n")
    with pytest.raises(PolicyError) as caught:
        load([str(file)])
    wrong = next(finding for finding in caught.value.findings if "-1" in finding.message)
    assert len(wrong.source_line) < 200
    assert "{group: b, limit: -1}" in wrong.source_line
    assert all(len(finding.source_line) < 200 for finding in caught.value.findings)


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("|\n      two\n      lines\n", "two lines"),
        (">-\n      folded\n      text\n", "folded text"),
        ('"a\\n\\n  b\\t c "\n', "a b c"),
        ("two  spaces\n", "two  spaces"),
    ],
)
def test_a_reason_of_several_lines_is_one_line_of_a_plan(tmp_path: Path, written: str, read_as: str) -> None:
    (tmp_path / "a.yaml").write_text(f"{HEAD}group_budgets:\n  - group: a\n    limit: $5\n    reason: {written}")
    (policy,) = load([str(tmp_path)]).policies
    assert [entry.reason for entry in policy.group_budgets] == [read_as]


SECRET = "Ab3dEfGh1j-AbCdEfGhIjKlMnOpQrStUv"
VALID = "version: 1\norganization: acme\ngroup_budgets: [{group: platform, limit: $5}]\n"


@pytest.mark.parametrize(
    "content",
    [
        SECRET,
        f"github.com:\n  oauth_token: {SECRET}\n",
        f"aws = {SECRET}\n{SECRET}: [",
        f'"{SECRET}',
        f"{SECRET}: 1\n{SECRET}: 2\n",
        f"version: {SECRET}\norganization: acme\n",
        f"version: 1\norganization: acme\nuser_overrides: [{{user: bob, group: x, limit: {SECRET}}}]\n",
    ],
)
@pytest.mark.parametrize("kind", ["file", "folder", "top"])
def test_nothing_of_a_file_outside_is_shown_that_a_link_leads_to(tmp_path: Path, kind: str, content: str) -> None:
    """Who opens a pull request may lay a link to the login of the Coder CLI, and its token came into the comment."""
    outside, policies = tmp_path / "home" / ".config", tmp_path / "work" / "policies"
    outside.mkdir(parents=True)
    policies.parent.mkdir()
    (outside / "hosts.yml").write_text(content)
    if kind == "top":
        policies.symlink_to(outside)
    else:
        policies.mkdir()
        (policies / "a.yml").symlink_to(outside / "hosts.yml" if kind == "file" else outside)
    with pytest.raises(PolicyError) as caught:
        load([f"{policies}/"])
    for finding in caught.value.findings:
        assert "nothing of it is shown" in finding.message
        assert f"`reconciler validate {outside.resolve() / 'hosts.yml'}`" in finding.hint
    assert SECRET not in repr((caught.value, caught.value.findings, caught.value.entries()))


@pytest.mark.parametrize("secret", [".env", ".git/config", ".aws/a.yaml", "token"])
@pytest.mark.parametrize("named", [".", "budgets.yaml", "policies/../budgets.yaml"])
def test_nothing_is_shown_of_what_a_link_within_the_folder_leads_to_unless_it_is_a_policy_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, secret: str
) -> None:
    """Policies may lie at the top of a clone, beside Git's own files and those that CI lays there."""
    monkeypatch.chdir(tmp_path)
    for folder in (".git", ".aws", "policies"):
        Path(folder).mkdir()
    Path(secret).write_text(f"TOKEN={SECRET}\n")
    Path("budgets.yaml").symlink_to(secret)
    with pytest.raises(PolicyError) as caught:
        load([named])
    assert SECRET not in repr((caught.value, caught.value.findings))
    Path("budgets.yaml").unlink()
    Path("budgets.yaml").write_text("organisation: labs\n")
    with pytest.raises(PolicyError) as caught:
        load([named])
    assert any("organisation" in finding.source_line for finding in caught.value.findings)


def test_a_checkout_beside_the_link_to_it_is_explained(tmp_path: Path) -> None:
    """As git-sync makes it, behind a dot. No commit brings a `.git`, so another folder behind a dot shows nothing."""
    checkout = tmp_path / ".worktrees" / "abc"
    checkout.mkdir(parents=True)
    (checkout / "acme.yaml").write_text("organisation: acme\n")
    (tmp_path / "current").symlink_to(".worktrees/abc")
    for has_git in (False, True):
        if has_git:
            (checkout / ".git").write_text("gitdir: ../../.git/worktrees/abc\n")
        with pytest.raises(PolicyError) as caught:
            load([str(tmp_path / "current")])
        assert any("organisation" in finding.source_line for finding in caught.value.findings) is has_git
        assert any("nothing of it is shown" in finding.message for finding in caught.value.findings) is not has_git


@pytest.mark.parametrize("content", [b"a: \xff", b"a: \0", b"\xff\xfea"])
def test_of_a_file_outside_that_is_no_text_no_byte_is_shown(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "key").write_bytes(content)
    (tmp_path / "policies" / "a.yaml").symlink_to(tmp_path / "key")
    with pytest.raises(PolicyError) as caught:
        load([str(tmp_path / "policies")])
    assert ["nothing of it is shown" in finding.message for finding in caught.value.findings] == [True]


def test_a_link_out_of_the_folder_is_read_and_one_within_it_is_explained(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "acme.yaml").write_text(VALID)
    policies = tmp_path / "policies"
    (policies / "..data").mkdir(parents=True)
    (policies / "acme.yaml").symlink_to(tmp_path / "shared" / "acme.yaml")
    assert [policy.organization for policy in load([str(policies)]).policies] == ["acme"]
    (policies / "..data" / "labs.yaml").write_text("organisation: labs\n")
    (policies / "labs.yaml").symlink_to("..data/labs.yaml")  # as Kubernetes mounts a ConfigMap
    with pytest.raises(PolicyError) as caught:
        load([str(policies)])
    assert any("organisation" in finding.source_line for finding in caught.value.findings)
