"""What bodies may and may not say. No answer, however odd, gets past as anything but a value or a ServerError."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.coder.answers import NOT_FOUND, is_not_found
from reconciler.coder.bulk import load_group_rows, load_member_rows
from reconciler.coder.exchange import Answer
from reconciler.coder.listing import load_organizations
from reconciler.coder.single import load_group_budget, load_override
from reconciler.coder.wire import load_json, load_object, require_uuid
from reconciler.core.budget import ABSENT, Budget, GroupId, GroupRef, UserId
from reconciler.core.snapshot import Effective, Unlimited
from reconciler.errors import ServerError, UnreachableError
from reconciler.money import MAX_LIMIT, Micros
from tests.coder.helpers import ID_1, ID_2, ID_3, answer

BUDGET_PATH = f"/api/v2/groups/{ID_1}/ai/budget"
SPEND_PATH = f"/api/v2/groups/{ID_1}/members/ai/spend"
BUDGET = {"group_id": ID_1, "spend_limit_micros": 5, "created_at": "2026-08-01T00:00:00Z"}
ROW = {
    "user_id": ID_2,
    "effective_group_id": ID_1,
    "effective_budget": {"spend_limit_micros": 7, "limit_source": "user_override"},
    "group_budget": None,
    "group_spend_micros": 3,
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(ID_1),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["members", "groups", "user_id", "group_id", "id", "name", "spend_limit_micros", "x",
 "effective_group_id",
                         "effective_budget", "group_budget", "limit_source", "group_spend_micros"]),
        inner, max_size=6,
    ),
    max_leaves=12,
)  # fmt: skip


@pytest.mark.parametrize(
    ("body", "content_type", "what"),
    [
        (b"", "application/json", "the answer is empty"),
        (b'{"a": ', "application/json", "not whole or not JSON"),
        (b"<html>", "text/html", "is text/html, not JSON"),
        (b"{}", "text/plain", "is text/plain, not JSON"),
        (b"{}", "", "the answer has no content type"),
        (b"\xff\xfe{}", "application/json", "not whole or not JSON"),
        (b"[" * 100_000, "application/json", "not whole or not JSON"),
        (b"1" * 5_000, "application/json", "not whole or not JSON"),
        (b"[]", "application/json", "answer is a list, not an object"),
        (b"null", "application/json", "answer is null, not an object"),
        (b"{}\x00", "application/json", "not whole or not JSON"),
    ],
)
def test_a_body_that_is_no_object_is_named(body: bytes, content_type: str, what: str) -> None:
    with pytest.raises(ServerError, match=what) as caught:
        load_object(answer(body, path="/api/v2/buildinfo?x=1", content_type=content_type))
    assert caught.value.message.startswith("GET /api/v2/buildinfo: ")
    assert not isinstance(caught.value, UnreachableError)


@pytest.mark.parametrize("body", [b'{"a": 1, "a": 1}', b'{"b": [{"c": {"a": 1, "\\u0061": 2}}]}'])
def test_an_answer_in_which_an_object_names_a_key_twice_is_not_read(body: bytes) -> None:
    for hook in (None, dict):
        with pytest.raises(ServerError, match="contradicts itself: an object in it names a key twice"):
            load_object(answer(body), hook=hook)
    with pytest.raises(UnreachableError):
        load_group_budget(answer(body, method="PUT", path=BUDGET_PATH))
    twice = answer(b'{"message": "Route not found.", "message": "%s"}' % NOT_FOUND.encode(), status=404)
    assert not is_not_found(twice), "who says two things is not Coder"


def test_a_garbled_echo_of_a_write_leaves_it_in_doubt() -> None:
    with pytest.raises(UnreachableError):
        load_group_budget(answer(b"{", method="PUT", path=BUDGET_PATH))


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [
        (
            "spend_limit_micros",
            5.0,
            r"answer.spend_limit_micros is a number with a fraction or exponent, not an integer",
        ),
        ("spend_limit_micros", True, "is a boolean, not an integer"),
        ("spend_limit_micros", "5", "is a text, not an integer"),
        ("spend_limit_micros", None, "is null, not an integer"),
        ("spend_limit_micros", -1, "is negative or too large"),
        ("spend_limit_micros", 2**63, "is negative or too large"),
        ("group_id", "platform", "is a text, not a UUID"),
        ("group_id", f"{ID_1}/../../users", "not a UUID"),
        ("group_id", None, "is null, not a UUID"),
        ("group_id", ID_2, "about another subject"),
    ],
)
def test_a_group_budget_is_read_strictly(field: str, value: object, what: str) -> None:
    with pytest.raises(ServerError, match=what):
        load_group_budget(answer(BUDGET | {field: value}, path=BUDGET_PATH))


def test_a_missing_field_is_named() -> None:
    with pytest.raises(ServerError, match="spend_limit_micros is missing; expected an integer") as error:
        load_group_budget(answer({"group_id": ID_1}, path=BUDGET_PATH))
    assert (error.value.hint or "").startswith("look for a newer release of reconciler, if this Coder was upgraded")


def test_a_limit_above_the_maximum_and_unknown_fields_are_readable() -> None:
    body = BUDGET | {"spend_limit_micros": MAX_LIMIT * 1000, "new_in_2_40": {"deep": [1.5]}}
    assert load_group_budget(answer(body, path=BUDGET_PATH)) == Budget(
        Micros(MAX_LIMIT * 1000), GroupRef(GroupId(ID_1))
    )


def test_an_id_in_upper_case_is_the_same_id() -> None:
    assert load_group_budget(answer(BUDGET | {"group_id": ID_1.upper()}, path=BUDGET_PATH))


def test_an_override_must_be_about_the_user_that_was_asked() -> None:
    body = {"user_id": ID_2, "group_id": ID_1, "spend_limit_micros": 5}
    path = f"/api/v2/users/{ID_2}/ai/budget/override"
    assert load_override(answer(body, path=path)) == Budget(Micros(5), GroupRef(GroupId(ID_1)))
    with pytest.raises(ServerError, match="another subject"):
        load_override(answer(body | {"user_id": ID_3}, path=path))


def test_group_rows_null_is_no_budget_and_zero_is_one() -> None:
    rows = [{"group_id": ID_1, "spend_limit_micros": None}, {"group_id": ID_2, "spend_limit_micros": 0}]
    assert load_group_rows(answer({"groups": rows})) == {
        GroupId(ID_1): ABSENT,
        GroupId(ID_2): Budget(Micros(0), GroupRef(GroupId(ID_2))),
    }


@pytest.mark.parametrize("body", [{"groups": None}, {"groups": []}])
def test_a_null_list_is_an_empty_one(body: object) -> None:
    assert load_group_rows(answer(body)) == {}


@pytest.mark.parametrize(
    "body",
    [{}, {"groups": {}}, {"groups": [None]}, {"groups": [{"group_id": ID_1}]}, {"groups": "x"},
     {"groups": [{"group_id": ID_1, "spend_limit_micros": 1.5}]}],
)  # fmt: skip
def test_group_rows_of_another_shape_are_an_error(body: object) -> None:
    with pytest.raises(ServerError, match="GET /api/v2/x: answer"):
        load_group_rows(answer(body))


def test_a_row_twice_is_one_row_unless_it_contradicts_itself() -> None:
    row = {"group_id": ID_1, "spend_limit_micros": 1}
    assert len(load_group_rows(answer({"groups": [row, row]}))) == 1
    with pytest.raises(ServerError, match="names an id twice"):
        load_group_rows(answer({"groups": [row, row | {"spend_limit_micros": 2}]}))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, Effective(limit_micros=Micros(7), group=GroupRef(GroupId(ID_1)), by_override=True)),
        ({"effective_budget": None}, Effective(limit_micros=Unlimited(), group=GroupRef(GroupId(ID_1)))),
        (
            {"effective_budget": {"spend_limit_micros": 0, "limit_source": "group"}},
            Effective(limit_micros=Micros(0), group=GroupRef(GroupId(ID_1))),
        ),
        ({"effective_budget": {"spend_limit_micros": 7, "limit_source": "department"}}, None),
        ({"effective_group_id": None}, None),
        ({"effective_group_id": None, "effective_budget": None}, None),
    ],
)
def test_member_rows_that_say_the_effective_budget(change: dict[str, object], expected: Effective | None) -> None:
    rows = load_member_rows(answer({"members": [ROW | change]}, path=SPEND_PATH))
    assert rows[UserId(ID_2)].effective(GroupRef) == expected
    assert rows[UserId(ID_2)].spend == 3


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"group_budget": ROW["effective_budget"]},
            Effective(limit_micros=Micros(7), group=GroupRef(GroupId(ID_1)), by_override=True),
        ),
        ({}, Effective(limit_micros=Unlimited(), group=GroupRef(GroupId(ID_1)))),
        ({"effective_group_id": ID_3}, None),
        ({"effective_group_id": None}, None),
    ],
)
def test_member_rows_of_2_36_say_it_only_for_the_group_asked(
    change: dict[str, object], expected: Effective | None
) -> None:
    row = {key: value for key, value in ROW.items() if key != "effective_budget"} | change
    found = load_member_rows(answer({"members": [row]}, path=SPEND_PATH))[UserId(ID_2)]
    assert found.effective(GroupRef) == expected
    assert found.effective_group == change.get("effective_group_id", ID_1)


@pytest.mark.parametrize("missing", ["user_id", "effective_group_id", "group_spend_micros"])
def test_member_rows_need_their_fields(missing: str) -> None:
    row = {key: value for key, value in ROW.items() if key != missing}
    with pytest.raises(ServerError, match=missing):
        load_member_rows(answer({"members": [row]}, path=SPEND_PATH))


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("", "is empty"), (None, "is null, not a name"), (5, "is an integer, not a name"),
        ("two\nlines", "characters that cannot be printed"), ("\x1b[31mred", "characters that cannot be printed"),
    ],
)  # fmt: skip
def test_a_name_that_cannot_be_printed_is_refused(name: object, what: str) -> None:
    with pytest.raises(ServerError, match=rf"\[0\].name .*{what}"):
        load_organizations(answer([{"id": ID_1, "name": name, "is_default": True}]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-08-03T09:30:00Z", datetime(2026, 8, 3, 9, 30, tzinfo=UTC)),
        ("2026-08-03T09:30:00.123456789Z", datetime(2026, 8, 3, 9, 30, 0, 123456, tzinfo=UTC)),
        ("2026-08-03T09:30:00.1+02:00", datetime(2026, 8, 3, 7, 30, 0, 100000, tzinfo=UTC)),
    ],
)
def test_times_are_read_in_utc(text: str, expected: datetime) -> None:
    assert load_object(answer({"at": text})).time("at") == expected


@pytest.mark.parametrize("text", ["2026-08-03", "2026-08-03T09:30:00", "soon", 5, None, "0001-01-01T00:00:00+23:59"])
def test_what_is_no_time_is_refused(text: object) -> None:
    with pytest.raises(ServerError, match="not a time"):
        load_object(answer({"at": text})).time("at")


@pytest.mark.parametrize("text", ["", "x", "../..", f"{ID_1}/x", ID_1.upper(), f"{ID_1}\n"])
def test_only_a_uuid_gets_into_a_path(text: str) -> None:
    with pytest.raises(ValueError, match="is not a UUID"):
        require_uuid(text)


def test_a_decoded_answer_is_not_held_twice() -> None:
    large = answer([1, 2, 3])
    load_json(large)
    assert not large.body


@given(json_values)
def test_any_json_is_a_value_or_a_server_error(value: object) -> None:
    body = json.dumps(value).encode()
    decoders: list[tuple[Callable[[Answer], object], str]] = [
        (load_group_rows, "/api/v2/x"),
        (load_member_rows, SPEND_PATH),
        (load_organizations, "/api/v2/organizations"),
        (load_group_budget, BUDGET_PATH),
        (load_override, f"/api/v2/users/{ID_2}/ai/budget"),
    ]
    for decode, path in decoders:
        try:
            decode(answer(body, path=path))
        except ServerError as error:
            assert error.message.startswith("GET /api/v2/")  # noqa: PT017  any JSON may also be right


@pytest.mark.parametrize("method", ["text", "flag", "texts", "rows", "optional_object", "name"])
def test_a_field_of_another_kind_is_named(method: str) -> None:
    fields = load_object(answer({"x": 1.5}))
    with pytest.raises(ServerError, match=r"answer\.x is .*a number with a fraction"):
        getattr(fields, method)("x")


def test_fields_that_may_be_missing() -> None:
    fields = load_object(answer({"list": ["a\x1b", "b"]}))
    assert (fields.text("x"), fields.flag("x"), fields.texts("x"), fields.optional_object("x")) == ("", False, (), None)
    assert fields.texts("list") == ("a ", "b")
