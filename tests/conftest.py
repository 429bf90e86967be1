"""What holds for every test: no real home directory, no real deployment, and hypothesis that is the same every time."""

from __future__ import annotations

import gc
import marshal
import os
import sys
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.chaos.commands import Launcher
from tests.cores import cores, stay_on_a_core
from tests.days.dealing import DAYS, chosen_for
from tests.hearing import hear_signals

settings.register_profile(
    "default",
    deadline=None,  # a shared machine is slow now and then, and that is no bug of the code
    derandomize=True,
    database=None,
    # What is drawn depends on the Python, so how much is filtered does, too; that is no fault of the code either.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.register_profile("thorough", settings.get_profile("default"), derandomize=False, max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

_MEANT_FOR_US = ("coder_", "ssl_cert_", "xdg_config_", "http_", "https_", "all_", "no_proxy")
"""How the names of such variables begin, in small letters."""
_BYTES = "bytes"
_COLORS = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS")


def pytest_configure() -> None:
    """Let the commands of tests hear signals, however the suite was started; keep a worker on a core of its own."""
    hear_signals()
    stay_on_a_core()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--day` belongs to `python -m tests.days`, which also moves the clock."""
    parser.addoption("--day", choices=[day.name for day in DAYS], help="run only the tests of this day")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of the day, if one is given."""
    if name := config.getoption("--day"):
        chosen = chosen_for(next(day for day in DAYS if day.name == name), items)
        kept = set(chosen)
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = chosen


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Spare the garbage collector five thousand tests, which stay: it would look through all of them again and again.

    What a test leaves behind is collected as ever. On Python 3.14 hypothesis looks in vain for what holds its source of
    numbers, among objects that are frozen, and warns; its collector looks at little at a time, so nothing is frozen.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        if sys.version_info < (3, 14):
            gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Have a worker more than cores: while a test waits for a process, a timeout or a browser, another test runs."""
    return len(cores()) + 1


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, dict[str, Any] | None, dict[str, Any] | None]:
    """Hand a report to xdist as bytes: of a report in parts, its Python looks at each of a hundred values."""
    data = yield
    return data if data is None else {_BYTES: marshal.dumps(data)}


@pytest.hookimpl(wrapper=True)
def pytest_report_from_serializable(data: dict[str, Any]) -> Generator[None, object, object]:
    """Take the report out of its bytes again."""
    if _BYTES in data:
        data.update(marshal.loads(data.pop(_BYTES)))
    return (yield)


@pytest.fixture(scope="session")
def launcher() -> Iterator[Launcher]:
    """A process that no test changes: each command of the tests of apply and of the fault harness is forked off it."""
    with Launcher() as launcher:
        yield launcher


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Take away what the developer, or a test, left in the environment and could reach the code under test."""
    for name in tuple(os.environ):
        if name.lower().startswith(_MEANT_FOR_US) or name in _COLORS:
            del os.environ[name]


@pytest.fixture(autouse=True, scope="session")
def _nobody_at_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give all tests a home where nobody lives; a test that needs a home of its own sets it by monkeypatch."""
    home = tmp_path_factory.getbasetemp() / "home"
    home.mkdir()
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("HOME", str(home))
        yield
