"""Bodies are read as Go reads them, laxities included."""

from __future__ import annotations

import pytest

from tests.sandbox_server.callers import World

INVALID = "Request body must be valid JSON."
STRUCT = "Go struct field UpsertGroupAIBudgetRequest.spend_limit_micros of type int64"


@pytest.fixture
def url(world: World) -> str:
    return f"/groups/{world.group('acme/eng')}/ai/budget"


@pytest.mark.parametrize(
    ("body", "limit"),
    [
        (b"{}", 0),
        (b"null", 0),
        (b" \n null", 0),
        (b'{"spend_limit_micro": 5}', 0),
        (b'{"spend_limit_micros": null}', 0),
        (b'{"spend_limit_micros": 5}', 5),
        (b'{"Spend_Limit_MICROS": 5}', 5),
        (b'{"\xc5\xbfpend_limit_micros": 5}', 5),
        (b'{"spend_limit_micros": 5, "spend_limit_micros": 6}', 6),
        (b'{"SPEND_LIMIT_MICROS": 5, "spend_limit_micros": 6}', 6),
        (b'{"spend_limit_micros": 5, "more": [1.5, {"a": 1e3}]}', 5),
        (b'{"spend_limit_micros": 5} and more', 5),
        (b'{"spend_limit_micros": -0}', 0),
        (b'{"spend_limit_micros": 1000000000000}', 10**12),
        (b'{"spend_limit_micros": 5, "x": "\xff"}', 5),
    ],
)
def test_accepted(world: World, url: str, body: bytes, limit: int) -> None:
    response = world.call("PUT", url, content=body)
    assert (response.status_code, response.json()["spend_limit_micros"]) == (200, limit)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "EOF"),
        (b" ", "EOF"),
        (b"{", "unexpected EOF"),
        (b'{"spend_limit_micros": "5', "unexpected EOF"),
        (b"[]", "json: cannot unmarshal array into Go value of type codersdk.UpsertGroupAIBudgetRequest"),
        (b"7", "json: cannot unmarshal number into Go value of type codersdk.UpsertGroupAIBudgetRequest"),
        (b"true", "json: cannot unmarshal bool into Go value of type codersdk.UpsertGroupAIBudgetRequest"),
        (b'{"spend_limit_micros": 1.0}', f"json: cannot unmarshal number 1.0 into {STRUCT}"),
        (b'{"spend_limit_micros": 1e3}', f"json: cannot unmarshal number 1e3 into {STRUCT}"),
        (b'{"spend_limit_micros": %d}' % 2**63, f"json: cannot unmarshal number {2**63} into {STRUCT}"),
        (b'{"spend_limit_micros": "5"}', f"json: cannot unmarshal string into {STRUCT}"),
        (b'{"spend_limit_micros": {}}', f"json: cannot unmarshal object into {STRUCT}"),
        (b'{"spend_limit_micros": [5]}', f"json: cannot unmarshal array into {STRUCT}"),
        (b'{"spend_limit_micros": false}', f"json: cannot unmarshal bool into {STRUCT}"),
        (b'{"spend_limit_micros": NaN}', "invalid character 'N' looking for beginning of value"),
        (b'{"spend_limit_micros": +5}', "invalid character '+' looking for beginning of value"),
        (b"{'spend_limit_micros': 5}", "invalid character '\\'' looking for beginning of object key string"),
        (b"[" * 20_000, "exceeded max depth"),
    ],
)  # fmt: skip
def test_refused(world: World, url: str, body: bytes, detail: str) -> None:
    response = world.call("PUT", url, content=body)
    assert (response.status_code, response.json()) == (400, {"message": INVALID, "detail": detail})
    assert world.get(url).status_code == 404


@pytest.mark.parametrize("limit", [-1, -(2**63)])
def test_negative_limits_fail_the_validation(world: World, url: str, limit: int) -> None:
    detail = f'Validation failed for tag "gte" with value: "{limit}"'
    assert world.put(url, {"spend_limit_micros": limit}).json() == {
        "message": "Validation failed.",
        "validations": [{"field": "spend_limit_micros", "detail": detail}],
    }


def test_all_validations_are_told_at_once_and_before_the_maximum(world: World) -> None:
    answer = world.put("/users/bob/ai/budget/override", {"spend_limit_micros": -1}).json()
    assert [fault["field"] for fault in answer["validations"]] == ["group_id", "spend_limit_micros"]
    answer = world.put("/users/bob/ai/budget/override", {"spend_limit_micros": 10**13}).json()
    assert [fault["field"] for fault in answer["validations"]] == ["group_id"]


@pytest.mark.parametrize("form", ["{}", "urn:uuid:{}", "{{{}}}"])
def test_ids_are_read_in_every_form_that_go_reads(world: World, form: str) -> None:
    group = world.group("acme/platform")
    for text in (form.format(group), form.format(group.upper())):
        body = {"group_id": text, "spend_limit_micros": 5}
        assert world.put("/users/bob/ai/budget/override", body).json()["group_id"] == group
    assert world.put("/users/bob/ai/budget/override", {"group_id": "platform"}).json()["message"] == INVALID


def test_a_surrogate_that_stands_alone_is_replaced(world: World) -> None:
    body = b'{"name": "lonely", "display_name": "a\\ud800b"}'
    answer = world.call("POST", "/organizations/acme/groups", content=body)
    assert (answer.status_code, answer.json()["display_name"]) == (201, "a\ufffdb")
