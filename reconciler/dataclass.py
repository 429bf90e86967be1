"""Python's `dataclass`, with less to compile for each class: what all values share is written once, here.

Python writes __eq__, __hash__, __repr__, __setattr__ and __delattr__ of every frozen dataclass as source text and
compiles them, each time a program starts: 0.7 ms a class, a quarter of the start of `plan`, which has over a hundred.
Only __init__ differs from class to class, so only __init__ is left to Python.

`frozen=True` is a promise that mypy holds: it takes this for Python's own decorator, and refuses an assignment to a
field. At run time nothing checks it again, which makes values three times as quick to make.
tests/unit/test_dataclass.py looks for the assignments that mypy cannot see.
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(*, frozen=False, eq=True, order=False, **options):
        """Take the arguments of `dataclasses.dataclass`; `frozen` makes values hashable."""

        def decorate(cls):
            if eq:
                cls.__eq__ = _equal
                cls.__hash__ = _hash if frozen else None
            if order:
                cls.__lt__, cls.__le__, cls.__gt__, cls.__ge__ = _less, _less_or_equal, _greater, _greater_or_equal
            if "__repr__" not in vars(cls):
                cls.__repr__ = _repr
            return dataclasses.dataclass(repr=False, eq=False, **options)(cls)

        return decorate


_Compare = Callable[[Any, Any], Any]

_keys: dict[type, Callable[[Any], Any]] = {}


def _key_of(cls: Any) -> Callable[[Any], Any]:
    """Return what makes the values of a class comparable: it reads the fields that are compared."""
    key = _keys.get(cls)
    if key is None:
        names = [field.name for field in dataclasses.fields(cls) if field.compare]
        key = _keys[cls] = operator.attrgetter(*names) if names else lambda _value: ()
    return key


def _comparison(compare: _Compare) -> _Compare:
    def method(self: Any, other: Any) -> Any:
        cls = self.__class__
        if other.__class__ is not cls:
            return NotImplemented
        key = _keys.get(cls) or _key_of(cls)
        return compare(key(self), key(other))

    return method


_equal = _comparison(operator.eq)
_less, _less_or_equal = _comparison(operator.lt), _comparison(operator.le)
_greater, _greater_or_equal = _comparison(operator.gt), _comparison(operator.ge)


def _hash(self: Any) -> int:
    cls = self.__class__
    return hash((_keys.get(cls) or _key_of(cls))(self))


def _repr(self: Any) -> str:
    fields = (f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr)
    return f"{self.__class__.__qualname__}({', '.join(fields)})"
