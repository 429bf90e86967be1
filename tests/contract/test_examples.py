"""The examples themselves: complete, unambiguous, about the worlds they name; and the pattern language's laws."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import cast

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.contract import (
    GENERATIONS,
    HERE,
    ROLES,
    Answer,
    Example,
    JsonValue,
    by_topic,
    cases,
    check_answer,
    check_match,
    fake_ids,
    load_examples,
    placeholders,
    sample,
    substitute,
    world_path,
)
from tests.together import check_all

EXAMPLES = load_examples()
SECTIONS = re.compile(r"(1|2\.[1-4]|3\.[1-7]|4|5|6|7|8|9|12\.[1-6]|13\.[1-5])")
OPTIONS = {"licensed", "unlicensed", "switched_off", "licence_warnings", "experiments", "rate_limit"}
SYSTEM_USER = "user:prebuilds"

every_example = pytest.mark.parametrize("examples", by_topic(EXAMPLES).values(), ids=by_topic(EXAMPLES))


@cache
def world(name: str) -> dict[str, list[dict[str, JsonValue]]]:
    return cast("dict[str, list[dict[str, JsonValue]]]", yaml.safe_load(world_path(name).read_text(encoding="utf-8")))


@cache
def names_in(name: str) -> frozenset[str]:
    """Return the placeholders that a world gives a meaning to."""
    known = {SYSTEM_USER, "token:expired"}
    known |= {f"user:{user['username']}" for user in world(name)["users"]}
    known |= {f"token:{role}" for role in world(name)["tokens"]}
    for organization in world(name)["organizations"]:
        groups = cast("list[dict[str, str]]", organization.get("groups", []))
        known |= {f"group:{organization['name']}/{group['name']}" for group in groups}
        known |= {f"organization:{organization['name']}", f"group:{organization['name']}/Everyone"}
    return frozenset(known)


def test_there_are_enough_and_every_name_is_unique() -> None:
    assert len(EXAMPLES) >= 120
    assert [name for name, count in Counter(example.name for example in EXAMPLES).items() if count > 1] == []


@pytest.mark.parametrize("generation", GENERATIONS)
def test_every_generation_is_covered(generation: str) -> None:
    assert sum(1 for holds, _ in cases() if holds == generation) >= 100


@every_example
def test_an_example_is_well_formed(examples: Mapping[str, Example]) -> None:
    check_all(check_form, examples)


def check_form(example: Example) -> None:
    assert SECTIONS.fullmatch(example.source), example.source
    assert example.generations
    assert set(example.generations) <= set(GENERATIONS)
    assert set(example.options) <= OPTIONS
    for call in (*example.given, example.request):
        assert call.method in {"GET", "PUT", "POST", "PATCH", "DELETE"}
        assert call.path.startswith(("/api/v2/", "/api/experimental/"))
        assert " " not in call.path
        assert call.body is None or call.raw_body is None
    assert not example.request.save


@every_example
def test_placeholders_and_roles_exist_in_the_world(examples: Mapping[str, Example]) -> None:
    check_all(check_names, examples)


def check_names(example: Example) -> None:
    saved = {name for call in example.given for name in call.save}
    known = names_in(example.world) | saved
    assert placeholders(example) <= known
    for call in (*example.given, example.request):
        assert call.role in {*ROLES, "nobody", "expired"} or f"token:{call.role}" in saved
        assert call.role in {"nobody", "expired"} or f"token:{call.role}" in known


@every_example
def test_old_override_path_names_its_experiment(examples: Mapping[str, Example]) -> None:
    check_all(check_experiment, examples)


def check_experiment(example: Example) -> None:
    uses_old = re.fullmatch(r"/api/v2/users/[^/]+/ai/budget", example.request.path)
    if uses_old and "2.35" in example.generations:
        assert {"experiments", "licensed", "unlicensed"} & set(example.options)


@every_example
def test_a_sample_answer_matches_its_own_pattern(examples: Mapping[str, Example]) -> None:
    check_all(check_sample, examples)


def check_sample(example: Example) -> None:
    ids = fake_ids(example)
    answer = example.answer
    body = sample(answer.body, ids)
    headers = {name: str(sample(value, ids)) for name, value in answer.headers.items()}
    headers.setdefault("content-type", answer.content_type or "application/json; charset=utf-8")
    assert check_answer(answer, ids=ids, status=answer.status, headers=headers, body=body) == []


@every_example
def test_error_answers_have_coders_shape(examples: Mapping[str, Example]) -> None:
    check_all(check_error_body, examples)


def check_error_body(example: Example) -> None:
    body = example.answer.body
    if not example.answer.is_error or isinstance(body, str):
        return
    assert isinstance(body, dict)
    assert set(body) <= {"message", "detail", "validations"}
    assert "message" in body


def test_no_two_examples_ask_the_same_and_disagree() -> None:
    seen: dict[str, Example] = {}
    for generation, example in cases():
        if example.serve:
            asked = (generation, example.world, example.options, example.given, example.request)
            first = seen.setdefault(repr(asked), example)
            assert first.answer.status == example.answer.status, (first.name, example.name)


def test_a_file_with_an_unknown_key_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    raw = {"name": "x", "source": "1", "generations": [], "request": {}, "answer": {}, "anwser": {}}
    (tmp_path / "topic.json").write_text(json.dumps([raw]), encoding="utf-8")
    monkeypatch.setattr("tests.contract.HERE", tmp_path)
    with pytest.raises(ValueError, match=r"x: unknown keys \['anwser'\]"):
        load_examples()


# --- the pattern language -----------------------------------------------------------------------------------------

MATCHERS = ["<uuid>", "<time>", "<string>", "<int>", "<any>", "v<digits>.<string>", "a<any>b"]
words = st.text(alphabet="ab<>é ", max_size=4)
leaves = st.none() | st.booleans() | st.integers(-9, 9) | words | st.sampled_from(MATCHERS)


def _grow(inner: "st.SearchStrategy[JsonValue]") -> "st.SearchStrategy[JsonValue]":
    lists = st.lists(inner, max_size=3)
    keys = st.sampled_from(["a", "b", "c"])
    return cast(
        "st.SearchStrategy[JsonValue]",
        lists
        | st.dictionaries(keys, inner | st.just("<absent>"), max_size=3)
        | st.builds(lambda items: {"$contains": items}, lists)
        | st.builds(lambda items: {"$set": items}, lists)
        | st.builds(lambda items: {"$anyOf": items}, st.lists(inner, min_size=1, max_size=2))
        | st.builds(lambda item: {"$exact": item}, inner)
        | st.builds(lambda item, size: {"$each": item, "$length": size}, inner, st.integers(0, 2))
        | st.builds(lambda item: {"$each": item}, inner),
    )


patterns: "st.SearchStrategy[JsonValue]" = st.recursive(
    cast("st.SearchStrategy[JsonValue]", leaves), _grow, max_leaves=8
)


@given(patterns, st.booleans())
def test_law_a_sample_matches_its_pattern(pattern: JsonValue, exact: bool) -> None:
    assert check_match(pattern, sample(pattern, {}), exact=exact) == []


@given(patterns)
def test_law_a_sample_is_plain_json_without_matchers(pattern: JsonValue) -> None:
    text = json.dumps(sample(pattern, {}))
    assert not [matcher for matcher in MATCHERS[:5] if matcher in text]
    assert "$" not in text


@pytest.mark.parametrize(
    ("pattern", "actual"),
    [
        ("<uuid>", "not-a-uuid"),
        ("<uuid>", None),
        ("<time>", "2026-08-03"),
        ("<time>", 5),
        ("<int>", True),
        ("<int>", "5"),
        ("<int>", 5.0),
        ("<string>", None),
        ("v<digits>", "v"),
        ("a.c", "abc"),
        (1, True),
        (0, None),
        (1, 1.0),
        (None, 0),
        ({"a": 1}, {}),
        ({"a": 1}, [1]),
        ({"a": "<absent>"}, {"a": None}),
        ({"a": {"b": 1}}, {"a": {"b": 2}}),
        ([1, 2], [2, 1]),
        ([1], [1, 2]),
        ([1], {"0": 1}),
        ({"$contains": [1, 1]}, [1, 2]),
        ({"$contains": [1]}, None),
        ({"$set": [1]}, [1, 2]),
        ({"$each": "<int>"}, [1, "2"]),
        ({"$length": 2}, [1]),
        ({"$exact": {"a": {"b": 1}}}, {"a": {"b": 1, "c": 2}}),
        ({"$anyOf": [1, 2]}, 3),
    ],
)
def test_what_does_not_match(pattern: JsonValue, actual: JsonValue) -> None:
    assert check_match(pattern, actual)


@pytest.mark.parametrize(
    ("pattern", "actual"),
    [
        ("<time>", "2026-08-03T09:30:00Z"),
        ("<time>", "2026-08-03T09:30:00.123456789+02:00"),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": "<any>"}, {}),
        ({"a": "<any>"}, {"a": [None]}),
        ({"$contains": ["<int>", 1]}, [1, "x", 2]),
        ({"$set": ["<any>", 1]}, [1, 2]),
        ({"$each": {"a": 1}}, []),
        ("id,name\n<any>", "id,name\n1,x\n2,y"),
    ],
)
def test_what_matches(pattern: JsonValue, actual: JsonValue) -> None:
    assert check_match(pattern, actual) == []


def test_a_difference_names_its_place() -> None:
    pattern: JsonValue = {"members": [{"user_id": "<uuid>"}]}
    assert check_match(pattern, {"members": [{"user_id": 5}]}) == ["$.members[0].user_id: expected '<uuid>', got 5"]


def test_an_unknown_matcher_is_an_error() -> None:
    with pytest.raises(ValueError, match="unknown matcher"):
        check_match({"$some": []}, [])


def test_error_bodies_match_exactly_and_success_bodies_do_not() -> None:
    body: JsonValue = {"message": "m", "detail": "d"}
    headers = {"Content-Type": "application/json; charset=utf-8"}
    refused, served = (Answer(status=status, body={"message": "m"}) for status in (400, 200))
    assert check_answer(refused, ids={}, status=400, headers=headers, body=body) == ["$.detail: unexpected"]
    assert check_answer(served, ids={}, status=200, headers=headers, body=body) == []


def test_an_answer_is_compared_in_status_headers_and_media_type() -> None:
    answer = Answer(status=200, headers={"Retry-After": "<digits>", "X-Absent": "1"}, body={})
    differences = check_answer(
        answer, ids={}, status=500, headers={"retry-after": "soon", "content-type": "text/plain"}, body={}
    )
    assert differences == [
        "status: expected 200, got 500",
        "content type: expected application/json, got text/plain",
        "header Retry-After: expected '<digits>', got 'soon'",
        "header X-Absent: missing",
    ]


def test_text_is_compared_without_its_last_line_end() -> None:
    answer = Answer(status=428, content_type="text/plain", body="no")
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    assert check_answer(answer, ids={}, status=428, headers=headers, body="no\n") == []


def test_placeholders_are_filled_in_anywhere() -> None:
    ids = {"user:ana": "1", "group:acme/platform": "2"}
    value: JsonValue = {"{user:ana}": ["/x/{group:acme/platform}?y={user:ana}", "{other}", 5, None]}
    assert substitute(value, ids) == {"1": ["/x/2?y=1", "{other}", 5, None]}
    with pytest.raises(KeyError):
        substitute("{user:bob}", ids)


def test_computed_placeholders() -> None:
    many = cast("str", substitute("{uuids:101}", {})).split(",")
    assert len(set(many)) == 101
    assert many[7] == substitute("{uuid:7}", {})
    assert substitute("[{padding:3}]", {}) == "[   ]"


def test_everyone_has_its_organizations_id_even_when_faked() -> None:
    request = EXAMPLES[0].request
    example = Example(
        name="x",
        topic="x",
        source="4",
        generations=("2.37",),
        request=request,
        answer=Answer(status=200, body=["{group:acme/Everyone}", "{organization:acme}", "{token:owner}"]),
    )
    ids = fake_ids(example)
    assert ids["group:acme/Everyone"] == ids["organization:acme"]
    assert ids == fake_ids(example)


def test_readme_names_every_matcher_and_worlds_readme_every_world() -> None:
    readme = (HERE / "README.md").read_text(encoding="utf-8")
    for matcher in ("$contains", "$set", "$exact", "$each", "$length", "$anyOf", "<absent>", "<digits>"):
        assert matcher in readme
    worlds = (HERE / "worlds" / "README.md").read_text(encoding="utf-8")
    assert [path.stem for path in (HERE / "worlds").glob("*.yaml") if f"`{path.stem}`" not in worlds] == []


def test_of_many_checks_in_one_test_each_failure_is_named() -> None:
    def check(value: int) -> None:
        assert 6 % value == 0

    check_all(check, {"two": 2, "three": 3})
    with pytest.raises(ExceptionGroup, match="of 4, 2 failed: zero, four") as failed:
        check_all(check, {"zero": 0, "three": 3, "four": 4, "six": 6})
    assert [type(error) for error in failed.value.exceptions] == [ZeroDivisionError, AssertionError]
    assert [error.__notes__ for error in failed.value.exceptions] == [["This was zero."], ["This was four."]]
