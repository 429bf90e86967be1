"""The house as docs/developers/architecture.md draws it: arrows, rooms of libraries, sizes, docstrings."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "reconciler"
MODULES = sorted(PACKAGE.rglob("*.py"))
FUNCTION_LINES, MODULE_LINES = 60, 400

ROOMS = {
    "httpx": {"coder"},
    "yaml": {"policy_file", "sandbox"},
    "jsonschema": {"policy_file"},
    "click": {"cli"},
    "httptools": {"sandbox"},
    "jinja2": {"render"},
    "prometheus_client": {"render"},
    "sqlite3": {"sandbox", "cli"},  # cli names its errors
}
NOT_IN_CORE = {
    "asyncio", "getpass", "io", "locale", "logging", "os", "pathlib", "random", "secrets", "shutil", "socket",
    "subprocess", "sys", "tempfile", "threading", "time", "urllib",
}  # fmt: skip


@cache
def tree_of(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"))


@cache
def nodes_of(module: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree_of(module)))


def room_of(module: Path) -> str:
    parts = module.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else ""


@cache
def imports_of(module: Path) -> frozenset[str]:
    """Return the first part of whatever is imported anywhere in a module, lazily or not."""
    return frozenset(_imports(module))


def _imports(module: Path) -> Iterator[str]:
    for node in nodes_of(module):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def test_the_import_contracts_hold() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    if not command.exists() and shutil.which("lint-imports") is None:
        pytest.skip("import-linter is a development tool and is not installed")
    done = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("library", ROOMS)
def test_a_library_is_used_in_its_rooms_only(library: str) -> None:
    users = {room_of(module) for module in MODULES if library in imports_of(module)}
    assert users <= ROOMS[library]


def test_only_the_command_line_reads_the_environment() -> None:
    for module in MODULES:
        text = module.read_text(encoding="utf-8")
        reads = "os.environ" in text or "getenv" in text
        assert not reads or room_of(module) == "cli", module


IMPORTS_THAT_START_PROCESSES = {"multiprocessing", "pexpect", "platform", "pty", "subprocess", "webbrowser"}
STARTS_PROCESSES = re.compile(
    r"os\.(fork|forkpty|popen|system|startfile|posix_spawnp?|(spawn|exec)[lv]p?e?)"
    r"|click\.(edit|launch|echo_via_pager)|.*\b(ProcessPoolExecutor|create_subprocess_\w+|_posixsubprocess)"
)


def test_one_room_starts_processes() -> None:
    """Everything there is given an allow-list of the environment: a token once reached what Git was told to run."""
    for module in MODULES:
        starts = IMPORTS_THAT_START_PROCESSES & imports_of(module)
        for node in nodes_of(module):
            names = [_dotted(node)]
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            starts |= {name for name in names if STARTS_PROCESSES.fullmatch(name)}
        assert not starts or module == PACKAGE / "cli" / "children.py", (module, starts)


def _dotted(node: ast.AST) -> str:
    match node:
        case ast.Attribute(value, attr):
            return f"{_dotted(value)}.{attr}"
        case ast.Name(name):
            return name
        case _:
            return ""


def test_core_does_no_input_and_output_and_has_no_clock() -> None:
    pure = [module for module in MODULES if room_of(module) in ("core", "render") or module.stem in ("money", "errors")]
    assert len(pure) > 20
    for module in pure:
        assert not NOT_IN_CORE & imports_of(module), module
        for node in nodes_of(module):
            if isinstance(node, ast.Call):
                assert _called(node) not in {"open", "print", "input", "now", "utcnow", "today"}, (module, node.lineno)


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Name(name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def test_nothing_but_the_command_line_prints() -> None:
    for module in MODULES:
        for node in nodes_of(module):
            assert not (isinstance(node, ast.Call) and _called(node) == "print"), (module, node.lineno)


NAMES = re.compile(r"(\w+\.)*(address|username)|(organization|group|.*organizations\[.*\])\.name")
"""What a sentence calls somebody or something that others have named."""


def test_sentences_quote_the_names_that_others_have_chosen() -> None:
    """A name of several words reads as words of ours where no quotation marks are around it: `spoken`, or `!r`."""
    bare = [
        f"{module.relative_to(ROOT)}:{node.lineno}: {{{ast.unparse(value.value)}}}"
        for module in MODULES
        if room_of(module) != "sandbox"
        for node in nodes_of(module)
        if isinstance(node, ast.JoinedStr) and _is_sentence("".join(_texts(node)))
        for value in node.values
        if isinstance(value, ast.FormattedValue)
        and value.conversion == -1
        and NAMES.fullmatch(ast.unparse(value.value))
    ]
    assert bare == []


def _is_sentence(text: str) -> bool:
    """Words, but no row whose columns say which of them is the name."""
    return " " in text.strip() and not text.startswith("  ")


def _texts(node: ast.JoinedStr) -> Iterator[str]:
    return (str(part.value) for part in node.values if isinstance(part, ast.Constant))


def test_no_commands_that_look_can_write() -> None:
    """A writer is opened by what apply and revert share, and nowhere else."""
    openers = {module.name for module in MODULES if room_of(module) == "cli" and ".writer(" in module.read_text()}
    assert openers == {"applying.py"}


AVOIDED = re.compile(r"\b(whoever|whatever|all that|shall)\b", re.IGNORECASE)
"""Words of contracts; `everything that`, `any` and the noun itself are easier to read."""


def test_no_sentence_has_to_be_translated() -> None:
    sentences = [
        *(path for folder in ("reconciler", "docs") for path in (ROOT / folder).rglob("*")),
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    ]
    history = ROOT / "docs" / "developers"
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sentences
        if path.suffix in (".py", ".txt", ".md", ".yaml", ".j2", ".html") and history not in path.parents
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if AVOIDED.search(line)
    ]
    assert not found, "\n".join(found)


def test_every_module_says_what_it_is() -> None:
    for module in MODULES:
        if module.read_text(encoding="utf-8").strip():
            assert len(ast.get_docstring(tree_of(module)) or "") > 15, module


REFERENCE = re.compile(r"(?<![\w.*/])(?:docs/[\w/-]+\.md|[a-z_]+\.py)\b")


def test_a_room_or_page_that_the_code_names_is_there() -> None:
    """Rooms are rebuilt, and a comment that leads to an old name leads nowhere."""
    rooms = {module.name for module in (*MODULES, *(ROOT / "tests").rglob("*.py"))}
    named = [(module.relative_to(ROOT), name) for module in MODULES for name in REFERENCE.findall(module.read_text())]
    assert len(named) > 50
    assert [(where, name) for where, name in named if name not in rooms and not (ROOT / name).exists()] == []


def test_the_map_of_the_house_shows_each_room_of_the_core_and_none_that_is_gone() -> None:
    text = (ROOT / "docs" / "developers" / "architecture.md").read_text(encoding="utf-8")
    drawn = set(re.findall(r"(?<![\w/])[a-z_]+\.py\b", text))
    assert drawn - {module.name for module in MODULES} == set()
    core = {module.name for module in MODULES if room_of(module) == "core" and module.name != "__init__.py"}
    assert core - drawn == set()


def test_nothing_has_grown_too_long() -> None:
    for module in MODULES:
        assert len(module.read_text(encoding="utf-8").splitlines()) <= MODULE_LINES, module
        for node in nodes_of(module):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                assert lines <= FUNCTION_LINES, f"{module.name}: {node.name} has {lines} lines"


def test_the_top_level_is_as_drawn() -> None:
    """Nothing else without need: what a newcomer sees first should fit one glance."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode != 0:
        pytest.skip("this is no Git checkout")
    top = {line.partition("/")[0] for line in tracked.stdout.splitlines()}
    assert top <= {
        ".ci", ".github", ".gitignore", ".pre-commit-hooks.yaml", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE",
        "Makefile", "README.md", "SECURITY.md", "action.yml", "deploy", "docs", "policies", "pyproject.toml",
        "reconciler", "schemas", "tests",
    }  # fmt: skip
