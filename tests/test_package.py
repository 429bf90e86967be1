"""The wheel as users get it: complete, and working from an empty folder where the source cannot be imported."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import httpx
import pytest

import reconciler
from reconciler.cli.app import COMMANDS
from reconciler.cli.installed import DISTRIBUTION

ROOT = Path(__file__).parent.parent
LIBRARIES = Path(httpx.__file__).parent.parent
WANTED = {
    "reconciler/py.typed",
    "reconciler/cli/help/_all.txt",
    *(f"reconciler/cli/help/{name}.txt" for name in COMMANDS),
    "reconciler/schemas/policy.v1.schema.json",
    "reconciler/schemas/plan.v3.schema.json",
    "reconciler/examples/minimal.yaml",
    "reconciler/examples/company/acme.yaml",
    "reconciler/deploy/github/ai-budgets.yml",
    "reconciler/deploy/gitlab/example.gitlab-ci.yml",
    "reconciler/deploy/gitlab/templates/ai-budgets.yml",
    "reconciler/render/templates/page.html.jinja",
    "reconciler/render/templates/page.css",
    "reconciler/sandbox/schema.sql",
    "reconciler/sandbox/seeds/demo.yaml",
}
LINK = "import sys; sys.path.append({packages!r})\n"

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("build") is None or importlib.util.find_spec("hatchling") is None,
    reason="build and hatchling, which make wheels, are development tools and are not installed",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build it once, with the tools that are here."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def away(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel, and the libraries of this one behind it; the source is not on its path."""
    folder = tmp_path_factory.mktemp("away")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    python = folder / "venv" / "bin" / "python"
    packages = Path(_output(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    # Appended by hand, so that the .pth files in there (editable installs) do not count: they would bring the source
    # back. Not by a sitecustomize: Debian's Python has one of its own, which comes first.
    (packages / "libraries.pth").write_text(LINK.format(packages=str(LIBRARIES)))
    (folder / "empty").mkdir()
    return folder


def _output(*command: object) -> str:
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout


def run(away: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(away / "venv" / "bin" / "python"), "-m", "reconciler", *arguments]
    environment = {"PATH": os.environ["PATH"], "HOME": str(away)}
    return subprocess.run(command, cwd=away / "empty", env=environment, capture_output=True, text=True, check=False)


def test_the_wheel_carries_all_that_is_needed(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert names >= WANTED
    source = {str(file.relative_to(ROOT)) for file in (ROOT / "reconciler").rglob("*.py")}
    assert source <= names
    assert not [name for name in names if name.startswith("tests") or "__pycache__" in name]


def test_the_wheel_says_what_it_needs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        text = archive.read(metadata).decode()
        (entries,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
        commands = archive.read(entries).decode()
        assert {"reconciler = reconciler.cli.entry:main", "coder-budgets = reconciler.cli.entry:main"} <= set(
            commands.splitlines()
        )
    assert f"\nName: {DISTRIBUTION}\n" in text
    assert "\nLicense-File: LICENSE\n" in text
    assert f"\nVersion: {reconciler.__version__}\n" in text
    needed = {
        re.split(r"[^a-z-]", line)[0] for line in re.findall(r"^Requires-Dist: (.*)$", text, re.M) if ";" not in line
    }
    assert needed == {"click", "httpx", "jsonschema", "pyyaml"}
    assert all(importlib.metadata.version(name) for name in needed)


def test_an_older_click_will_do() -> None:
    """`click>=8.2` is promised, and its ParamType is generic in newer releases only."""
    older = "import click; click.ParamType = type('ParamType', (click.ParamType,), {'__class_getitem__': None})"
    code = f"{older}; from reconciler.cli.app import run; run(['plan', '--help'])"
    assert "--at TIME" in _output(sys.executable, "-c", code)


def test_the_source_is_out_of_reach(away: Path) -> None:
    code = "import reconciler; print(reconciler.__file__)"
    found = subprocess.run(
        [str(away / "venv" / "bin" / "python"), "-c", code],
        cwd=away / "empty",
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.startswith(str(away))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--version"], f"reconciler {reconciler.__version__}"),
        (["--help"], "Keep AI budgets on Coder as a policy in Git."),
        (["plan", "--help"], "--detailed-exitcode"),
        (["schema"], "urn:reconciler:schema:policy:v1"),
        (["schema", "plan"], "urn:reconciler:schema:plan:v3"),
    ],
)
def test_it_answers(away: Path, arguments: list[str], says: str) -> None:
    done = run(away, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert says in done.stdout


def test_it_validates(away: Path) -> None:
    shipped = next((away / "venv").rglob("reconciler/examples"))
    good = run(away, "validate", str(shipped / "company"))
    assert (good.returncode, good.stderr) == (0, "")
    (away / "empty" / "bad.yaml").write_text("version: 1\norganization: acme\ngroup_budgets: [{group: x, limit: -1}]\n")
    bad = run(away, "validate", "bad.yaml")
    assert (bad.returncode, bad.stdout) == (1, "")
    assert "bad.yaml:3:" in bad.stderr


def test_it_is_its_own_demo(away: Path) -> None:
    """The sandbox is in the wheel, with its seeds; the demo runs on it."""
    done = run(away, "demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No changes. Live budgets match the policy." in done.stdout
