"""What Git says of a policy: the commit that holds it, and the files of another commit."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.cli.repository import CommittedFiles, Repository, open_repository, revision_of
from reconciler.cli.tree import Tree
from reconciler.errors import ReconcilerError
from tests.cli.test_children import git

MIB = 2**20


@pytest.fixture(params=["sha1", "sha256"])
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A repository with two policies and a file beside them, and a commit that holds them."""
    folder = tmp_path / "work"
    (folder / "policies" / "teams").mkdir(parents=True)
    (folder / "policies" / "a.yaml").write_bytes(b"a: 1\r\n")
    (folder / "policies" / "teams" / "b.yaml").write_text("b: 1\n")
    (folder / "README.md").write_text("read me\n")
    git(folder, "init", "-q", f"--object-format={request.param}")
    commit(folder)
    return folder


def commit(folder: Path) -> str:
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "x", "--allow-empty")
    return git(folder, "rev-parse", "HEAD").strip()


def revision(folder: Path, *names: str) -> str:
    """Return the revision of these files, else of every policy that is there."""
    paths = [folder / name for name in names] or sorted((folder / "policies").rglob("*.yaml"))
    return revision_of({str(path): path.read_bytes() for path in paths})


def repository(folder: Path) -> Repository:
    opened = open_repository(str(folder))
    assert opened is not None
    return opened


def read(folder: Path, place: str, commit: str = "HEAD", *, max_bytes: int = MIB) -> CommittedFiles:
    opened = repository(folder)
    return opened.read_tree(
        opened.commit(commit), place, wants=lambda path: path.endswith(".yaml"), max_bytes=max_bytes
    )


class TestRevision:
    def test_committed(self, folder: Path) -> None:
        held = git(folder, "rev-parse", "HEAD").strip()
        assert revision(folder) == held
        assert revision(folder, "policies/teams/b.yaml") == held

    def test_another_file_than_a_policy_does_not_count(self, folder: Path) -> None:
        (folder / "README.md").write_text("changed\n")
        (folder / "new.txt").touch()
        assert len(revision(folder)) in (40, 64)

    def test_changed_added_removed(self, folder: Path) -> None:
        (folder / "policies" / "a.yaml").write_text("a: 2\n")
        assert revision(folder).endswith("-dirty")
        assert not revision(folder, "policies/teams/b.yaml").endswith("-dirty")
        git(folder, "checkout", "-q", ".")
        (folder / "policies" / "c.yaml").write_text("c: 1\n")
        assert revision(folder).endswith("-dirty")
        git(folder, "add", "policies/c.yaml")
        assert revision(folder).endswith("-dirty")
        (folder / "policies" / "c.yaml").unlink()
        assert not revision(folder).endswith("-dirty")
        (folder / "policies" / "a.yaml").unlink()
        (folder / "policies" / "d.yaml").write_text("d: 1\n")
        commit(folder)
        (folder / "policies" / "d.yaml").unlink()
        (folder / "policies" / "a.yaml").write_text("a: 1\n")
        assert revision(folder).endswith("-dirty")

    def test_a_removed_policy(self, folder: Path) -> None:
        (folder / "policies" / "a.yaml").unlink()
        assert not revision(folder).endswith("-dirty"), "not below the folder of what is left"
        (folder / "policies" / "c.yaml").write_text("c: 1\n")
        (folder / "policies" / "d.yaml").write_text("d: 1\n")
        commit(folder)
        (folder / "policies" / "c.yaml").unlink()
        assert revision(folder).endswith("-dirty")

    def test_links(self, folder: Path, tmp_path: Path) -> None:
        """A policy may be a link, and the repository may be reached by a link."""
        (folder / "shared").mkdir()
        (folder / "shared" / "s.yaml").write_text("s: 1\n")
        (folder / "policies" / "s.yaml").symlink_to("../shared/s.yaml")
        (tmp_path / "way").symlink_to(folder)
        held = commit(folder)
        assert revision(folder) == revision(tmp_path / "way") == held
        (folder / "shared" / "s.yaml").write_text("s: 2\n")
        assert revision(folder) == f"{held}-dirty"

    def test_a_file_of_another_place_is_not_held(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "z.yaml").write_text("z: 1\n")
        names = ("policies/a.yaml", "../z.yaml")
        assert revision_of({str(folder / name): (folder / name).read_bytes() for name in names}).endswith("-dirty")
        (tmp_path / "work2").mkdir()
        (tmp_path / "work2" / "z.yaml").write_text("z: 1\n")
        assert revision(folder, "policies/a.yaml", "../work2/z.yaml").endswith("-dirty")

    def test_nothing_to_say(self, tmp_path: Path, folder: Path) -> None:
        assert revision_of({}) == ""
        (tmp_path / "a.yaml").write_text("a: 1\n")
        assert revision(tmp_path, "a.yaml") == "", "no repository"
        git(tmp_path, "init", "-q")
        assert revision(tmp_path, "a.yaml") == "", "no commit"

    def test_worktrees_and_submodules_have_a_repository_elsewhere(self, folder: Path, tmp_path: Path) -> None:
        git(folder, "worktree", "add", "-q", str(tmp_path / "beside"), "--detach")
        held = git(folder, "rev-parse", "HEAD").strip()
        assert revision(tmp_path / "beside") == held
        whole = tmp_path / "whole"
        whole.mkdir()
        git(whole, "init", "-q", f"--object-format={git(folder, 'rev-parse', '--show-object-format').strip()}")
        git(whole, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(folder), "sub")
        assert revision(whole / "sub") == held


class TestReadTree:
    def test_as_it_was(self, folder: Path) -> None:
        before = git(folder, "rev-parse", "HEAD").strip()
        (folder / "policies" / "a.yaml").write_text("a: 2\n")
        (folder / "policies" / "teams" / "b.yaml").unlink()
        commit(folder)
        old = {"a.yaml": b"a: 1\r\n", "teams/b.yaml": b"b: 1\n"}
        committed = read(folder, "policies", before)
        assert (committed.contents, committed.left_out) == (old, ())
        top = repository(folder).top
        assert committed.places == {path: os.path.join(top, "policies", path) for path in old}
        assert read(folder, "policies", "HEAD~1").contents == old
        assert read(folder, "policies").contents == {"a.yaml": b"a: 2\n"}
        assert read(folder, "", before).contents == {f"policies/{path}": content for path, content in old.items()}
        assert read(folder, "nowhere").contents == {}

    def test_the_working_tree_is_not_looked_at(self, folder: Path) -> None:
        (folder / ".gitattributes").write_text("* text eol=crlf ident export-ignore\n")
        (folder / "policies" / "a.yaml").write_text("changed")
        assert read(folder, "policies").contents["a.yaml"] == b"a: 1\r\n"

    def test_links_inside_are_followed_and_others_are_left_out(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "secret.yaml").write_text("secret: 1\n")
        (folder / "shared").mkdir()
        (folder / "shared" / "s.yaml").write_text("s: 1\n")
        links = {
            "file.yaml": "../shared/s.yaml", "folder": "../shared", "out.yaml": "../../secret.yaml",
            "absolute.yaml": str(tmp_path / "secret.yaml"), "nowhere.yaml": "nosuch.yaml", "loop": ".",
            "self.yaml": "self.yaml",
        }  # fmt: skip
        for name, target in links.items():
            (folder / "policies" / name).symlink_to(target)
        (folder / "way").symlink_to("policies")
        commit(folder)
        for place in ("policies", "way"):
            tree = read(folder, place)
            assert sorted(tree.contents) == ["a.yaml", "file.yaml", "folder/s.yaml", "teams/b.yaml"]
            assert tree.contents["file.yaml"] == b"s: 1\n"
            assert tree.left_out == ("absolute.yaml", "nowhere.yaml", "out.yaml", "self.yaml")

    def test_a_submodule_is_left_out(self, folder: Path) -> None:
        git(folder, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(folder), "policies/sub")
        commit(folder)
        assert read(folder, "policies").left_out == ("sub",)

    def test_a_name_of_any_bytes(self, folder: Path) -> None:
        name = os.fsdecode(b"new\nline \xff\t\"'*.yaml")
        (folder / "policies" / name).write_text("n: 1\n")
        commit(folder)
        assert read(folder, "policies").contents[name] == b"n: 1\n"
        assert not revision(folder, f"policies/{name}").endswith("-dirty")

    def test_a_folder_named_like_an_option_or_a_pattern(self, folder: Path) -> None:
        for name in ("-r", "*", ":(top)"):
            (folder / name).mkdir()
            (folder / name / "x.yaml").write_text("x: 1\n")
            commit(folder)
            assert read(folder, name).contents == {"x.yaml": b"x: 1\n"}

    def test_too_much(self, folder: Path) -> None:
        (folder / "policies" / "large.yaml").write_bytes(b"#" * 3 * MIB)
        commit(folder)
        with pytest.raises(ReconcilerError, match="more than 2 MiB"):
            read(folder, "policies", max_bytes=2 * MIB)
        assert len(read(folder, "policies", max_bytes=4 * MIB).contents) == 3

    def test_what_a_clone_does_not_hold(self, folder: Path, tmp_path: Path) -> None:
        """It was left out when cloning, and is not fetched behind anybody's back."""
        git(folder, "config", "uploadpack.allowFilter", "true")
        (folder / "policies" / "a.yaml").write_text("a: 2\n")
        commit(folder)
        git(tmp_path, "clone", "-q", "--no-local", "--filter=blob:none", f"file://{folder}", "partial")
        assert read(tmp_path / "partial", "policies").contents["a.yaml"] == b"a: 2\n"
        with pytest.raises(ReconcilerError, match="does not hold all of") as caught:
            read(tmp_path / "partial", "policies", "HEAD~1")
        assert "git fetch" in caught.value.hint
        git(tmp_path, "clone", "-q", "--depth=1", f"file://{folder}", "shallow")
        assert repository(tmp_path / "shallow").commit("HEAD~1") == ""

    def test_replaced_objects_are_not_believed(self, folder: Path) -> None:
        held = git(folder, "rev-parse", "HEAD").strip()
        (folder / "policies" / "a.yaml").write_text("a: 2\n")
        git(folder, "replace", held, commit(folder))
        assert read(folder, "policies", held).contents["a.yaml"] == b"a: 1\r\n"


class TestCommits:
    def test_by_any_name(self, folder: Path) -> None:
        held = git(folder, "rev-parse", "HEAD").strip()
        git(folder, "tag", "-am", "t", "v1")
        opened = repository(folder / "policies")
        assert {opened.commit(name) for name in ("HEAD", "main", "v1", held, held[:12], "HEAD^0")} == {held}

    @pytest.mark.parametrize(
        "name", ["", "nosuch", "--all", "-h", "HEAD~99", "HEAD:policies", "a\nb", "a\0b", "HEAD main", "..", "--"]
    )
    def test_what_names_none(self, folder: Path, name: str) -> None:
        assert repository(folder).commit(name) == ""


NAMES = st.sampled_from(["a", "b", "c"])
TARGETS = st.lists(st.sampled_from(["a", "b", "c", "..", ".", ""]), min_size=1, max_size=4).map("/".join).filter(bool)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)


@settings(max_examples=200)
@given(files=st.sets(PATHS, max_size=5), links=st.dictionaries(PATHS, TARGETS, max_size=4), asked=TARGETS)
def test_links_are_followed_as_the_file_system_follows_them(files: set[str], links: dict[str, str], asked: str) -> None:
    """Law: a tree finds what a checkout of it has, if that is inside the checkout."""
    with tempfile.TemporaryDirectory() as folder:
        top = Path(os.path.realpath(folder), "top")
        top.mkdir()
        made_files, made_links = {}, {}
        for path, target in [*((path, None) for path in sorted(files)), *sorted(links.items())]:
            place = top / path
            try:
                if any(parent.is_symlink() for parent in place.parents):
                    continue
                place.parent.mkdir(parents=True, exist_ok=True)
                if target is None:
                    place.touch(exist_ok=False)
                    made_files[path] = path
                else:
                    place.symlink_to(target)
                    made_links[path] = target
            except (FileExistsError, NotADirectoryError):
                continue
        for parent, folders, names in os.walk(top, topdown=False):  # a commit has no empty folders
            if not folders and not names:
                Path(parent).rmdir()
        tree = Tree(files=made_files, links=made_links, foreign=frozenset())
        wanted = os.path.join(top, asked.lstrip("/"))
        path = os.path.realpath(wanted)
        is_inside = path.startswith(f"{top}/") and os.path.isfile(wanted)
        expected = os.path.relpath(path, top) if is_inside else None
        assert tree.file(asked.lstrip("/")) == expected
        assert all(object_id is None or os.path.isfile(top / shown) for shown, object_id in tree.walk(""))
