"""The OpenAPI description as the tests use it: its operations, and whether an answer is one of those described."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import yaml
from jsonschema import Draft202012Validator, FormatChecker

FILE = Path(__file__).with_name("openapi.yaml")


@dataclass(frozen=True, slots=True)
class Operation:
    """Be one method of one path."""

    method: str
    path: str
    path_parameters: tuple[str, ...]
    query_parameters: tuple[str, ...]
    body: str | None

    @property
    def key(self) -> tuple[str, str]:
        return self.method, self.path


@cache
def document() -> Any:
    """Return the description."""
    return yaml.load(FILE.read_bytes(), yaml.CSafeLoader)


def operations() -> list[Operation]:
    """Return everything described, in its order."""
    found = []
    for path, methods in document()["paths"].items():
        for method, body in methods.items():
            parameters = [_resolved(parameter) for parameter in body.get("parameters", ())]
            named = {
                place: tuple(parameter["name"] for parameter in parameters if parameter["in"] == place)
                for place in ("path", "query")
            }
            request = body.get("requestBody")
            schema = request["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2] if request else None
            found.append(Operation(method.upper(), path, named["path"], named["query"], schema))
    return found


def schema(name: str) -> Any:
    """Return a schema of the components."""
    return document()["components"]["schemas"][name]


def differences(operation: Operation, response: httpx.Response) -> list[str]:
    """Return in what an answer is not as described; empty when it is."""
    described = document()["paths"][operation.path][operation.method.lower()]["responses"]
    if str(response.status_code) not in described:
        return [f"{response.status_code} is not described"]
    content = _resolved(described[str(response.status_code)]).get("content")
    if content is None:
        return [f"a body that is not described: {response.text!r}"] if response.content else []
    ((media_type, body),) = content.items()
    if not response.headers.get("content-type", "").startswith(media_type):
        return [f"content type {response.headers.get('content-type')!r} instead of {media_type!r}"]
    if media_type != "application/json":
        return []
    wanted = body["schema"]["$ref"].rpartition("/")[2]
    return [
        f"{error.json_path}: {error.message}" for error in _validator(wanted).iter_errors(json.loads(response.text))
    ]


@cache
def _validator(name: str) -> Draft202012Validator:
    root = {"$ref": f"#/components/schemas/{name}", "components": document()["components"]}
    return Draft202012Validator(root, format_checker=FormatChecker(["uuid"]))


def _resolved(body: Any) -> Any:
    if "$ref" not in body:
        return body
    _, kind, name = body["$ref"].rsplit("/", 2)
    return document()["components"][kind][name]
