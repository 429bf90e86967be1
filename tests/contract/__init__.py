"""Wire examples of Coder's HTTP API: load them, fill in their ids, and compare answers with them.

The JSON files beside this module are data about Coder (README.md explains the format). Nothing here may import the
client or the sandbox: the examples pin both independently.
"""

import json
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias, cast

from tests.contract.matching import JsonValue, check_match, fill_matchers

__all__ = [
    "GENERATIONS",
    "ROLES",
    "Answer",
    "Example",
    "Ids",
    "JsonValue",
    "Request",
    "by_topic",
    "cases",
    "check_answer",
    "check_match",
    "fake_ids",
    "load_examples",
    "placeholders",
    "sample",
    "substitute",
    "world_path",
]

Ids: TypeAlias = Mapping[str, str]
"""What a placeholder stands for: `user:ana`, `group:acme/platform`, `organization:acme`, `token:owner`."""

HERE = Path(__file__).parent
GENERATIONS = ("2026-05-29", "2.34", "2.35", "2.36", "2.37", "2.38")
ROLES = ("owner", "user-admin", "organization-admin", "organization-user-admin", "auditor", "member")

_NAMED = re.compile(r"\{((?:user|group|organization|token):[^{}\"]+)\}")
_COMPUTED = re.compile(r"\{(uuid|uuids|padding):(\d+)\}")
_NAMESPACE = uuid.UUID("5d1c7d0e-6f0b-4a55-9f51-2f1d3a1f7c11")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call; `path` begins with /api/v2 and carries its query, already percent-encoded."""

    method: str
    path: str
    role: str
    """A role, `nobody`, `expired`, or a name that an earlier call saved as `token:NAME`."""
    body: JsonValue = None
    raw_body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    save: Mapping[str, str] = field(default_factory=dict)
    """Placeholder -> top-level key of this call's answer; only in `given`."""

    @property
    def content(self) -> str | None:
        """Return the text to send, placeholders still in it; None when there is no body."""
        if self.raw_body is not None:
            return self.raw_body
        return None if self.body is None else json.dumps(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What Coder answers; `headers` is a subset, `body` a pattern."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = None
    body: JsonValue = "<any>"

    @property
    def is_error(self) -> bool:
        """Tell whether the body must match exactly: nothing beside what is listed."""
        return self.status >= 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One fact: after `given` in `world`, each of `generations` answers `request` with `answer`."""

    name: str
    topic: str
    source: str
    generations: tuple[str, ...]
    request: Request
    answer: Answer
    world: str = "small"
    options: Mapping[str, JsonValue] = field(default_factory=dict)
    given: tuple[Request, ...] = ()
    serve: bool = True
    """False: no sequence of Coder's own calls leads there, so only the client's tests use it."""
    partial: bool = False
    """True: the answer says only a part of what Coder sends, so there is nothing whole for the client to read."""
    note: str = ""


def load_examples() -> list[Example]:
    """Return every example, by file name and then as written. Raises ValueError on a key nobody knows."""
    return [
        _example(path.stem, cast("dict[str, JsonValue]", raw))
        for path in sorted(HERE.glob("*.json"))
        for raw in json.loads(path.read_text(encoding="utf-8"))
    ]


def cases() -> list[tuple[str, Example]]:
    """Return (generation, example) for every generation in which an example holds."""
    return [(generation, example) for example in load_examples() for generation in example.generations]


def by_topic(examples: Iterable[Example]) -> dict[str, dict[str, Example]]:
    """Return the examples of each topic by their names."""
    topics: dict[str, dict[str, Example]] = {}
    for example in examples:
        topics.setdefault(example.topic, {})[example.name] = example
    return topics


def world_path(name: str) -> Path:
    """Return the seed file of a world."""
    return HERE / "worlds" / f"{name}.yaml"


def substitute(value: JsonValue, ids: Ids) -> JsonValue:
    """Return `value` with its placeholders replaced, in keys too. Raises KeyError for one that `ids` lacks."""
    match value:
        case str():
            return _substitute_text(value, ids)
        case list():
            return [substitute(item, ids) for item in value]
        case dict():
            return {_substitute_text(key, ids): substitute(item, ids) for key, item in value.items()}
        case _:
            return value


def sample(pattern: JsonValue, ids: Ids) -> JsonValue:
    """Return a concrete body that `pattern` describes. Law: it always matches `substitute(pattern, ids)`."""
    return fill_matchers(substitute(pattern, ids))


def check_answer(answer: Answer, *, ids: Ids, status: int, headers: Mapping[str, str], body: JsonValue) -> list[str]:
    """Return the differences between `answer` and what came; `body` is text unless it was JSON, "" when empty.

    `headers` are the answer's, their names in any case. Text is compared without trailing line ends.
    """
    received = {name.lower(): value for name, value in headers.items()}
    differences = [] if status == answer.status else [f"status: expected {answer.status}, got {status}"]
    media_type = answer.content_type
    if media_type is None and (isinstance(answer.body, list | dict)):
        media_type = "application/json"
    if media_type is not None and not received.get("content-type", "").startswith(media_type):
        differences.append(f"content type: expected {media_type}, got {received.get('content-type')}")
    for name, expected in answer.headers.items():
        if name.lower() not in received:
            differences.append(f"header {name}: missing")
        else:
            differences += check_match(substitute(expected, ids), received[name.lower()], at=f"header {name}")
    actual = body.rstrip("\r\n") if isinstance(body, str) else body
    return differences + check_match(substitute(answer.body, ids), actual, exact=answer.is_error)


def placeholders(example: Example) -> set[str]:
    """Return the names that ids must have for `example`: `user:ana`, `group:acme/platform`, ..."""
    requests = (*example.given, example.request)
    texts = [text for call in requests for text in (call.path, call.content or "", *call.headers.values())]
    texts += [json.dumps(example.answer.body), *example.answer.headers.values()]
    return {name for text in texts for name in _NAMED.findall(text)}


def fake_ids(example: Example) -> dict[str, str]:
    """Return ids for `example` without a server: stable, different for every name, Everyone = organization."""
    return {name: _fake_id(name) for name in sorted(placeholders(example))}


def _fake_id(name: str) -> str:
    kind, _, rest = name.partition(":")
    if kind == "token":
        return f"{uuid.uuid5(_NAMESPACE, name).hex[:10]}-{uuid.uuid5(_NAMESPACE, name).hex[:22]}"
    if kind == "group" and rest.endswith("/Everyone"):
        name = f"organization:{rest.removesuffix('/Everyone')}"
    return str(uuid.uuid5(_NAMESPACE, name))


def _substitute_text(text: str, ids: Ids) -> str:
    return _COMPUTED.sub(_compute, _NAMED.sub(lambda match: ids[match[1]], text))


def _compute(match: re.Match[str]) -> str:
    kind, count = match[1], int(match[2])
    match kind:
        case "uuid":
            return str(uuid.uuid5(_NAMESPACE, f"nobody's {count}"))
        case "uuids":
            return ",".join(str(uuid.uuid5(_NAMESPACE, f"nobody's {index}")) for index in range(count))
        case _:
            return " " * count


def _example(topic: str, raw: dict[str, JsonValue]) -> Example:
    _require_known(raw, {"request", "answer", "as"} | set(Example.__slots__) - {"topic"})
    role = cast("str", raw.get("as", "owner"))
    return Example(
        name=cast("str", raw["name"]),
        topic=topic,
        source=cast("str", raw["source"]),
        generations=tuple(cast("list[str]", raw["generations"])),
        request=_request(raw["request"], role),
        answer=_answer(raw["answer"]),
        world=cast("str", raw.get("world", "small")),
        options=cast("dict[str, JsonValue]", raw.get("options", {})),
        given=tuple(_request(call, "owner") for call in cast("list[JsonValue]", raw.get("given", []))),
        serve=cast("bool", raw.get("serve", True)),
        partial=cast("bool", raw.get("partial", False)),
        note=cast("str", raw.get("note", "")),
    )


def _request(value: JsonValue, role: str) -> Request:
    raw = cast("dict[str, JsonValue]", value)
    _require_known(raw, {"method", "path", "as", "body", "raw_body", "headers", "save"})
    return Request(
        method=cast("str", raw["method"]),
        path=cast("str", raw["path"]),
        role=cast("str", raw.get("as", role)),
        body=raw.get("body"),
        raw_body=cast("str | None", raw.get("raw_body")),
        headers=cast("dict[str, str]", raw.get("headers", {})),
        save=cast("dict[str, str]", raw.get("save", {})),
    )


def _answer(value: JsonValue) -> Answer:
    raw = cast("dict[str, JsonValue]", value)
    _require_known(raw, {"status", "headers", "content_type", "body"})
    return Answer(
        status=cast("int", raw["status"]),
        headers=cast("dict[str, str]", raw.get("headers", {})),
        content_type=cast("str | None", raw.get("content_type")),
        body=raw.get("body", "<any>"),
    )


def _require_known(raw: Mapping[str, JsonValue], known: set[str]) -> None:
    if unknown := sorted(set(raw) - known):
        raise ValueError(f"{raw.get('name', raw.get('path'))}: unknown keys {unknown}")
