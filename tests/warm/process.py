"""What a process does that commands are forked off, and what a forked command does at its beginning and its end."""

from __future__ import annotations

import dataclasses
import gc
import importlib
import os
import pkgutil
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import httpx

import reconciler
from reconciler.cli import entry
from reconciler.formats import codec


def warm_up(*, with_sandbox: bool) -> None:
    """Import what commands import late, and keep the collector from what children share: it would copy the memory."""
    for module in pkgutil.walk_packages(reconciler.__path__, "reconciler."):
        is_of_the_sandbox = module.name.startswith("reconciler.sandbox")
        if module.name != "reconciler.__main__" and (with_sandbox or not is_of_the_sandbox):
            importlib.import_module(module.name)
    _read_hints()
    httpx.Client(trust_env=False).close()
    # Of a connection to a name, of who runs this, and of the scripts of pipelines.
    for name in ("encodings.ascii", "encodings.idna", "pwd", "urllib.request", "zipfile"):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


def _read_hints() -> None:
    """Let the codec read the types of documents, which it does once a process."""
    named = (vars(module) for name, module in sys.modules.items() if name.startswith("reconciler.core."))
    for value in [value for names in named for value in names.values()]:
        if isinstance(value, type) and dataclasses.is_dataclass(value):
            with suppress(NameError):  # it is never written: its types are imported for mypy alone
                codec._hints(value)


def run_command() -> int:
    """Run the command of `sys.argv`; return its exit code as Python would end with it."""
    return _run(entry.main)


def run_again() -> int:
    """Run the command or the script of `sys.argv` in a process that goes on, and leave it as it was."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    path, names, main = [*sys.path], {*sys.modules}, sys.modules["__main__"]
    code = run_script() if sys.argv[0].endswith("/python3") else run_command()
    folders = {*sys.path} - {*path}
    for name in {*sys.modules} - names:  # what a script found beside it, another may have there by the same name
        if os.path.dirname(getattr(sys.modules[name], "__file__", None) or "") in folders:
            del sys.modules[name]
    sys.path[:], sys.modules["__main__"] = path, main
    for number, handler in handlers.items():
        signal.signal(number, handler)
    gc.collect()
    return code


def run_script() -> int:
    """Run the script of `sys.argv`, as `python3 [-I|-Es] SCRIPT ARGUMENT...` does; return its exit code."""
    is_isolated = sys.argv[1] == "-I"
    sys.argv = sys.argv[2:] if sys.argv[1].startswith("-") else sys.argv[1:]
    path = Path(sys.argv[0]).absolute()
    if not is_isolated:
        sys.path.insert(0, str(path.parent))
    module = sys.modules["__main__"] = ModuleType("__main__")
    module.__file__ = str(path)
    return _run(lambda: exec(compile(path.read_bytes(), path, "exec"), vars(module)))


def _run(work: Callable[[], int | None]) -> int:
    code: object = 1
    try:
        code = work()
    except SystemExit as end:
        code = end.code
        if not (code is None or isinstance(code, int)):
            print(code, file=sys.stderr)
    except BaseException:  # noqa: BLE001  # as Python does at its end
        traceback.print_exc()
    return _say_goodbye(code if isinstance(code, int) else int(code is not None))


def _say_goodbye(code: int) -> int:
    """Flush as Python does at exit, where a flush that fails makes the exit code 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            code = 120
    return code


def open_as(path: str, flags: int, target: int) -> None:
    """Open a file as this file descriptor."""
    number = os.open(path, flags, 0o600)
    os.dup2(number, target)
    os.close(number)
