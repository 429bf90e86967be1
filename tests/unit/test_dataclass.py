"""Our `dataclass` makes values that behave as those of Python's own, and nothing assigns to a frozen field."""

from __future__ import annotations

import ast
import dataclasses
import operator
import pickle
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from reconciler import dataclass as ours
from reconciler.core.policy import NotRead as Missed

ROOT = Path(__file__).parents[2] / "reconciler"
MUTABLE = {
    "context", "document", "error", "files", "limit", "line", "passage", "scalar", "self", "self.document", "series",
    "table",
}  # fmt: skip
"""What attributes are assigned to: objects that live to change, none of them a frozen value."""

SETTERS = {"setattr", "delattr", "__setattr__", "__delattr__"}

Decorate = Callable[..., Callable[[type], type]]


def _classes(decorate: Decorate) -> list[type]:
    class Amount:
        group: str
        micros: int = 0
        seen: str = dataclasses.field(default="", compare=False)
        secret: str = dataclasses.field(default="", repr=False)

    class Nothing:
        pass

    class Single:
        name: str

    amount = decorate(frozen=True, slots=True, kw_only=True, order=True)(Amount)
    nothing = decorate(frozen=True, slots=True)(Nothing)
    return [amount, nothing, decorate(frozen=True, slots=True)(Single)]


def _values(decorate: Decorate) -> list[Any]:
    amount, nothing, single = _classes(decorate)
    return [
        amount(group="a"),
        amount(group="a", seen="today"),
        amount(group="a", secret="x"),
        amount(group="b"),
        amount(group="a", micros=1),
        nothing(),
        single("a"),
        single("b"),
    ]


def _outcome(compare: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    try:
        return compare(left, right)
    except TypeError:
        return TypeError


@pytest.mark.parametrize("compare", [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge])
def test_values_compare_as_those_of_python_do(compare: Callable[[Any, Any], Any]) -> None:
    mine, pythons = _values(ours.dataclass), _values(dataclasses.dataclass)
    for left, right in product(range(len(mine)), repeat=2):
        assert _outcome(compare, mine[left], mine[right]) == _outcome(compare, pythons[left], pythons[right])


def test_equal_values_have_one_hash() -> None:
    mine, pythons = _values(ours.dataclass), _values(dataclasses.dataclass)
    assert len(set(mine)) == len(set(pythons))
    assert all(hash(left) == hash(right) for left, right in product(mine, repeat=2) if left == right)


def test_a_value_is_shown_as_python_shows_it() -> None:
    shown = [repr(value).replace("_classes.<locals>.", "") for value in _values(ours.dataclass)]
    assert shown == [repr(value).replace("_classes.<locals>.", "") for value in _values(dataclasses.dataclass)]
    assert "secret" not in shown[2]


def test_a_value_that_changes_cannot_be_a_key() -> None:
    @ours.dataclass(slots=True)
    class Draft:
        name: str

    @ours.dataclass(slots=True, eq=False)
    class Task:
        name: str

    with pytest.raises(TypeError, match="unhashable"):
        hash(Draft("a"))
    assert Draft("a") == Draft("a")
    assert Task("a") != Task("a")


def _made(decorate: Decorate, *values: Any, **named: Any) -> Any:
    class Draft:
        name: str
        lines: list[str] = dataclasses.field(default_factory=list)
        width: int = dataclasses.field(default=80, kw_only=True)
        length: int = dataclasses.field(default_factory=lambda: 7, kw_only=True)

        def __post_init__(self) -> None:
            self.lines = [*self.lines, self.name]

    try:
        draft = decorate(slots=True)(Draft)(*values, **named)
    except TypeError as error:
        return str(error)
    return dataclasses.astuple(draft)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        (("a",), {}),
        (("a", ["b"]), {"width": 1, "length": 2}),
        ((), {"name": "a", "lines": ["b"]}),
        ((), {}),
        (("a", ["b"], 1), {}),
        (("a",), {"name": "b"}),
        (("a",), {"heigth": 1}),
    ],
)
def test_values_are_made_and_refused_as_those_of_python_are(values: tuple[Any, ...], named: dict[str, Any]) -> None:
    assert _made(ours.dataclass, *values, **named) == _made(dataclasses.dataclass, *values, **named)


def test_a_class_writes_its_init_once_and_what_inherits_it_uses_it() -> None:
    @ours.dataclass(slots=True)
    class Draft:
        names: list[str] = dataclasses.field(default_factory=list)

    class Letter(Draft):
        pass

    first = Letter()
    init = Draft.__init__
    assert Letter().names is not first.names
    assert Draft.__init__ is init
    assert "__init__" not in vars(Letter)


def test_values_can_be_copied_and_have_no_room_for_more() -> None:
    place = Missed(path="a.yaml", reason="hidden")
    assert pickle.loads(pickle.dumps(place)) == place
    assert dataclasses.replace(place, reason="empty").reason == "empty"
    assert not hasattr(place, "__dict__")
    assert dataclasses.is_dataclass(place)


def test_nothing_assigns_to_a_frozen_field() -> None:
    """mypy sees it wherever it knows the type; this looks at every assignment, whatever the type."""
    assigned = {place: target for path in _modules() for place, target in _assignments(path)}
    assert {place: target for place, target in assigned.items() if target not in MUTABLE} == {}
    assert set(assigned.values()) == MUTABLE


def test_a_frozen_class_does_not_assign_to_itself() -> None:
    for path in _modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and any("frozen=True" in ast.unparse(d) for d in node.decorator_list):
                assert [target for target in _targets(node) if target.startswith("self")] == [], (path, node.name)


def _modules() -> list[Path]:
    return [path for path in sorted(ROOT.rglob("*.py")) if "sandbox" not in path.parts and path.name != "dataclass.py"]


def _assignments(path: Path) -> Iterator[tuple[str, str]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for number, target in enumerate(_targets(tree)):
        yield f"{path.relative_to(ROOT)} {number}", target


def _targets(tree: ast.AST) -> Iterator[str]:
    """Yield what has an attribute set or deleted, by a statement or by a function that does the same."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, (ast.Store, ast.Del)):
            yield ast.unparse(node.value)
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in (
            "setattr",
            "delattr",
            "__setattr__",
        ):
            yield ast.unparse(node)
