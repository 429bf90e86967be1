"""Checks of many values in one test: a test of its own for each costs pytest and xdist more than most checks take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

Value = TypeVar("Value")


def check_all(check: Callable[[Value], None], values: Mapping[str, Value]) -> None:
    """Check each value, also after a failure. Raises the errors of all that failed as a group, with their names."""
    failures = []
    for name, value in values.items():
        try:
            check(value)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next values are checked and the group has it
            error.add_note(f"This was {name}.")
            failures.append((name, error))
    if failures:
        names = ", ".join(name for name, _ in failures)
        raise ExceptionGroup(f"of {len(values)}, {len(failures)} failed: {names}", [error for _, error in failures])
