"""The price list of models: which of them it calls free."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.coder import prices
from tests.coder.helpers import answer, sandbox_and_reader
from tests.wire import send

FREE = {"input_price": 0, "output_price": 0, "cache_read_price": None, "cache_write_price": None}


@pytest.mark.parametrize(
    ("rows", "is_free"),
    [
        ([FREE], True),
        ([FREE | {"cache_read_price": 0, "cache_write_price": 0}], True),
        ([FREE | {"cache_read_price": 5}], False),
        ([FREE | {"output_price": 7}], False),
        ([FREE | {"output_price": None}], False),
        ([FREE, FREE], True),
        ([FREE, FREE | {"input_price": 1}], False),
        ([FREE | {"input_price": 1}, FREE], False),
        ([{"input_price_micros": 0, "output_price_micros": 0}], False),
    ],
)
def test_which_models_the_price_list_calls_free(rows: list[dict[str, Any]], *, is_free: bool) -> None:
    body = [{"provider": f"p{number}", "model": "qwen"} | row for number, row in enumerate(rows)]
    assert prices.load_free_models(answer(body)) == (frozenset({"qwen"}) if is_free else frozenset())


@pytest.mark.parametrize("version", ["2.37", "2.38"])
def test_a_model_that_was_declared_free_is_read_as_free(version: str) -> None:
    with sandbox_and_reader(version, role="owner") as (sandbox, reader):
        assert reader.free_models() == frozenset()
        send(
            "POST",
            sandbox.url + "/api/experimental/ai/model-prices",
            json={"prices": [{"provider": "openai", "model": "qwen"} | FREE]},
            headers={"Coder-Session-Token": sandbox.tokens["owner"]},
        )
        assert reader.free_models() == {"qwen"}
