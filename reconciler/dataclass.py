"""Python's `dataclass`, with less to compile for each class: what all values share is written once, here.

Python writes __init__, __eq__, __hash__, __repr__, __setattr__ and __delattr__ of every frozen dataclass as source text
and compiles them, each time a program starts: 0.7 ms a class, a quarter of the start of `plan`, which has over a
hundred. Only __init__ differs from class to class; it is written when the first value of a class is made, because most
commands make values of a third of the classes that they load.

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
            cls.__doc__ = cls.__doc__ or cls.__name__  # else Python looks for a signature, and is long about it
            made = dataclasses.dataclass(init=False, repr=False, eq=False, **options)(cls)
            made.__init__ = _init_at_first_use(made)
            return made

        return decorate


def _init_at_first_use(cls: Any) -> Callable[..., None]:
    def __init__(self: Any, *values: Any, **named: Any) -> None:
        cls.__init__ = _init_of(cls)
        cls.__init__(self, *values, **named)

    return __init__


def _init_of(cls: Any) -> Any:
    """Write the __init__ of a class as Python's `dataclass` does: a default is shared, what a factory makes is not."""
    positional, named, body = ["self"], ["*"], []
    scope: dict[str, Any] = {}
    for field in dataclasses.fields(cls):
        name, parameter, value = field.name, field.name, field.name
        if field.default_factory is not dataclasses.MISSING:
            scope[f"_make_{name}"] = field.default_factory
            scope["_nothing"] = dataclasses.MISSING
            parameter, value = f"{name}=_nothing", f"_make_{name}() if {name} is _nothing else {name}"
        elif field.default is not dataclasses.MISSING:
            scope[f"_default_{name}"] = field.default
            parameter = f"{name}=_default_{name}"
        (named if field.kw_only else positional).append(parameter)
        body.append(f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    parameters = ", ".join(positional + (named if len(named) > 1 else []))
    lines = [f"def __init__({parameters}):", *(body or ["pass"])]
    exec("\n    ".join(lines), scope)  # noqa: S102  # names of fields, as Python's own `dataclass` does it
    scope["__init__"].__qualname__ = f"{cls.__qualname__}.__init__"
    return scope["__init__"]


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
