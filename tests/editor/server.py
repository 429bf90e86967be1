"""A small client of the Language Server Protocol: enough to ask yaml-language-server about one policy text."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from reconciler.resources import shipped

COMMAND = "yaml-language-server"
WAIT_S = 60
_CAPABILITIES = {"textDocument": {"hover": {"contentFormat": ["markdown"]}}, "workspace": {"configuration": True}}


class LanguageServer:
    """The server as an editor sees it, with the policy schema for every file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = subprocess.Popen([COMMAND, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._received = threading.Condition()
        self._answers: dict[int, Any] = {}
        self._diagnostics: dict[str, list[Any]] = {}
        self._requests = self._documents = 0
        threading.Thread(target=self._read, daemon=True).start()
        self._ask("initialize", {"processId": None, "rootUri": None, "capabilities": _CAPABILITIES})
        self._send({"method": "initialized", "params": {}})

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def open(self, text: str) -> str:
        """Open a text; return its address when the server has checked it."""
        self._documents += 1
        uri = (self._folder / f"{self._documents}.yaml").as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        with self._received:
            assert self._received.wait_for(lambda: uri in self._diagnostics, WAIT_S)
        return uri

    def errors(self, text: str) -> list[str]:
        """Return what the editor underlines in a text: `LINE: message`, lines counted from 1."""
        return [
            f"{item['range']['start']['line'] + 1}: {item['message']}" for item in self._diagnostics[self.open(text)]
        ]

    def hover(self, text: str, at: str) -> str:
        """Return what is shown over the first occurrence of some characters."""
        uri = self.open(text)
        answer = self._ask("textDocument/hover", {"textDocument": {"uri": uri}, "position": _position(text, at)})
        return str(answer["contents"]["value"])

    def completions(self, text: str) -> dict[str, Any]:
        """Return what is offered at the end of a text, by label."""
        uri, lines = self.open(text), text.split("\n")
        position = {"line": len(lines) - 1, "character": len(lines[-1])}
        answer = self._ask("textDocument/completion", {"textDocument": {"uri": uri}, "position": position})
        return {item["label"]: item for item in answer["items"]}

    def _ask(self, method: str, params: Mapping[str, Any]) -> Any:
        self._requests += 1
        number = self._requests
        self._send({"id": number, "method": method, "params": params})
        with self._received:
            assert self._received.wait_for(lambda: number in self._answers, WAIT_S), method
            return self._answers.pop(number)

    def _send(self, message: Mapping[str, Any]) -> None:
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        pipe = self._process.stdin
        assert pipe is not None
        pipe.write(b"Content-Length: %d\r\n\r\n" % len(data) + data)
        pipe.flush()

    def _read(self) -> None:
        pipe = self._process.stdout
        assert pipe is not None
        while message := _message(pipe):
            if message.get("method") == "workspace/configuration":
                self._send({"id": message["id"], "result": [_settings(item) for item in message["params"]["items"]]})
            elif "method" in message and "id" in message:
                self._send({"id": message["id"], "result": None})
            else:
                self._keep(message)

    def _keep(self, message: Mapping[str, Any]) -> None:
        with self._received:
            if message.get("method") == "textDocument/publishDiagnostics":
                self._diagnostics[message["params"]["uri"]] = message["params"]["diagnostics"]
            elif "id" in message:
                self._answers[message["id"]] = message.get("result")
            self._received.notify_all()


def _settings(item: Mapping[str, Any]) -> Any:
    if item.get("section") != "yaml":
        return None
    schema = shipped("schemas", "policy.v1.schema.json").as_uri()
    return {"validate": True, "hover": True, "completion": True, "schemas": {schema: "*.yaml"}}


def _message(pipe: IO[bytes]) -> dict[str, Any]:
    """Read one message; an empty one when the server has ended."""
    length = 0
    while line := pipe.readline().strip():
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return json.loads(pipe.read(length)) if length else {}


def _position(text: str, at: str) -> dict[str, int]:
    before = text[: text.index(at)]
    return {"line": before.count("\n"), "character": len(before) - before.rfind("\n") - 1}
