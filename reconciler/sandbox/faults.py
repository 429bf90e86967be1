"""The queue of faults: which one hits a request; executing it is the application's business."""

from __future__ import annotations

from dataclasses import fields, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, get_args

from .values import Fault, FaultKind

if TYPE_CHECKING:
    from collections.abc import Mapping


class Faults:
    """Keep faults in the order in which they were queued; a request is hit by at most one."""

    def __init__(self) -> None:
        self._queue: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Queue a fault. *Raises* ValueError for a kind that does not exist."""
        if fault.kind not in get_args(FaultKind):
            raise ValueError(f"unknown fault {fault.kind!r}; one of {', '.join(get_args(FaultKind))}")
        self._queue.append(fault)

    def clear(self) -> None:
        """Forget what is queued."""
        self._queue.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault that hits this request; faults still skipping matches count it as one of them."""
        if not self._queue:
            return None
        for position, fault in enumerate(self._queue):
            if fault.method not in ("*", method) or not fnmatchcase(path, fault.path):
                continue
            if fault.after > 0:
                self._queue[position] = replace(fault, after=fault.after - 1)
                continue
            if fault.times > 1:
                self._queue[position] = replace(fault, times=fault.times - 1)
            else:
                del self._queue[position]
            return fault
        return None


def fault_from(value: Mapping[str, object]) -> Fault:
    """Build a fault from decoded JSON. *Raises* ValueError or TypeError naming what is wrong."""
    known = {field.name for field in fields(Fault)}
    unknown = sorted(set(value) - known)
    if unknown:
        raise ValueError(f"unknown keys {', '.join(unknown)}; a fault has {', '.join(sorted(known))}")
    parameters = value.get("parameters", ())
    if not isinstance(parameters, (list, tuple)):
        raise TypeError("parameters must be a list")
    return Fault(**(dict(value) | {"parameters": tuple(parameters)}))  # type: ignore[arg-type]  # untyped JSON
