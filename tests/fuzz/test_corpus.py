"""Every input that a fuzzer once kept, and every example policy, keeps the promises of its target."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

HERE = Path(__file__).parent
INPUTS = [(target, file) for target in TARGETS for file in sorted((HERE / "corpus" / target).iterdir())]
EXAMPLES = sorted(file for file in (HERE.parent / "policies").rglob("*.y*ml") if file.stat().st_size < 100_000)


@pytest.mark.parametrize(("target", "file"), INPUTS, ids=lambda value: getattr(value, "name", value))
def test_an_input_of_the_corpus(target: str, file: Path) -> None:
    TARGETS[target](file.read_bytes())


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_an_example_policy(file: Path) -> None:
    TARGETS["policy"](file.read_bytes())
