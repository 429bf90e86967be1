"""Policy files: YAML text to `Policy` and back. The only room that knows YAML and JSON Schema.

The names below are imported when they are first used: neither library is loaded by `import reconciler.policy_file`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconciler.policy_file.loader import Loaded, load
    from reconciler.policy_file.schema import schema_text
    from reconciler.policy_file.write import dump

__all__ = ["Loaded", "dump", "load", "schema_text"]

_HOME = {"Loaded": "loader", "dump": "write", "load": "loader", "schema_text": "schema"}


def __getattr__(name: str) -> Any:
    """Import a public name from its module when it is first asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
