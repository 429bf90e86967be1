"""Bytes to nodes. Finds what YAML allows and a policy does not, with its place. Knows nothing of what a policy says.

Built from the parser's events, not by one of PyYAML's loaders: they lose positions and duplicate keys, and turn `1:30`
into 90. A recursive composer would also overflow the stack on deep nesting; this one is a loop with its own stack.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from reconciler.errors import Finding
from reconciler.policy_file import lookalikes
from reconciler.policy_file.nodes import START, At, Broken, Mapping, Mark, Node, PolicyText, Scalar, Sequence, mark_of
from reconciler.words import shortened

WRITE_OUT = "write the value out; amounts can be named in `tiers`"
KEY_NOT_TEXT = "this key is a list or a mapping, not a text"
QUOTE = "put a value that begins with { or [ in quotes"
MAX_SHOWN = 60
MAX_DEPTH = 16
"""Version 1 nests three deep; the rest is room for a clear message."""

_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where PyYAML was built with it, else the same in Python, slower. Used for its events only."""
_HALF_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
"""JSON writes a character above U+FFFF as two escapes, half each. libyaml refuses them, PyYAML keeps the halves."""
_HALF = re.compile("[\ud800-\udfff]")


def parser_of(data: bytes) -> Any:
    """Return the parser for these bytes: libyaml's, unless they have an escape that only PyYAML's own accepts."""
    return yaml.SafeLoader if _HALF_ESCAPE.search(data) else _Parser


class NodeTree(NamedTuple):
    """The nodes of one file, and the findings about it. `root` is None when the file could not be read to its end."""

    root: Node | None
    findings: tuple[Finding, ...]


class _Stop(Exception):
    """Carries the finding that ends the reading of a file."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding


Taker = Callable[[Mapping], bool]
OpenList = Callable[[Node, str], Taker | None]


def keep_all(_root: Node, _key: str) -> Taker | None:
    """Take no entries, so that the whole file becomes a tree."""
    return None


def read(text: PolicyText, *, open_list: OpenList = keep_all) -> NodeTree:
    """Build the nodes of a file; its text must be UTF-8, one document, without anchors, aliases, tags.

    `open_list` is called for each list of the topmost mapping, with the part of that mapping that was read, and with
    the list's key. It may return a taker. The taker is called with every mapping of the list once that mapping is
    complete; a mapping for which it returns True is left out of the tree.
    """
    builder = _Builder(text, open_list)
    try:
        _require_text(text)
        root = builder.build()
    except _Stop as stop:
        return NodeTree(None, (*builder.findings, stop.finding))
    return NodeTree(root, tuple(builder.findings))


def _require_text(text: PolicyText) -> None:
    data = text.data
    if not data.removeprefix(b"\xef\xbb\xbf").strip():
        raise _Stop(text.finding(START, "the file is empty", "begin with `version: 1` and `organization: NAME`"))
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data[:4]:
        message = "the file is UTF-16 or UTF-32"
        raise _Stop(text.may_show(Finding(place=text.place(START), message=message, hint="save it as UTF-8")))
    at = data.find(b"\0")
    if at >= 0:
        message = "the file is binary: it contains a NUL byte"
        finding = Finding(place=text.place(_at(data, at)), message=message, hint="save it as plain text")
        raise _Stop(text.may_show(finding))
    try:
        data.decode()
    except UnicodeDecodeError as error:
        message = f"the file is not UTF-8: byte 0x{data[error.start]:02x} here"
        place = text.place(_at(data, error.start))
        raise _Stop(text.may_show(Finding(place=place, message=message, hint="save it as UTF-8"))) from None
    at = lookalikes.conflict(data)
    if at >= 0:
        hint = "choose a side, and remove the lines that begin with <<<<<<<, ======= and >>>>>>>"
        raise _Stop(text.finding(_at(data, at), "an unresolved merge conflict begins here", hint))


def _at(data: bytes, offset: int) -> At:
    before = data[:offset].decode(errors="replace")
    line_start = before.rfind("\n") + 1
    return At(before.count("\n"), len(before) - line_start)


class _Builder:
    """Makes nodes of events; findings that do not stop the reading are collected."""

    def __init__(self, text: PolicyText, open_list: OpenList) -> None:
        self.findings: list[Finding] = []
        self._open_list = open_list
        self._text = text

    def build(self) -> Node:
        try:
            root = self._document()
        except yaml.reader.ReaderError as error:
            raise _Stop(self._not_printable(error)) from None
        except yaml.MarkedYAMLError as error:
            raise _Stop(self._not_yaml(error)) from None
        if root is None or (type(root) is Scalar and not root.value and not root.style):
            raise _Stop(self._text.finding(START, "the file is empty", "begin with `version: 1`"))
        return root

    def _document(self) -> Node | None:
        """Turn events into nodes. `out` is the open list or mapping; `key` is the key whose value comes next.

        This loop is half of the time of loading; measure (make bench, T5) before making it nicer.
        """
        get_event = self._events()
        out: Any = []
        top, stack = out, []
        in_mapping, key, key_mark, take = False, None, None, None
        while True:
            event = get_event()
            kind = type(event)
            if kind is Scalar:
                node: Any = event
                if event.anchor is not None or event.tag is not None:
                    node = self._unwanted(event)
                if not in_mapping:
                    out.append(node)
                elif key is None:
                    key, key_mark = event.value, event.start_mark
                    if key in out:
                        self._duplicate(key, key_mark, out[key][0])
                else:
                    out[key] = (key_mark, node)
                    key = None
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                node = Mapping({}, event.start_mark) if kind is MappingStartEvent else Sequence([], event.start_mark)
                if event.anchor is not None or event.tag is not None:
                    self._unwanted(event)
                if not in_mapping:
                    out.append(node)
                elif key is None:
                    raise _Stop(self._text.finding(event.start_mark, KEY_NOT_TEXT, QUOTE))
                else:
                    out[key] = (key_mark, node)
                stack.append((out, in_mapping))
                if len(stack) == 2:
                    take = self._taker(node, top[0], key)
                elif len(stack) > MAX_DEPTH:
                    raise _Stop(self._text.finding(event.start_mark, f"nested deeper than {MAX_DEPTH} levels"))
                out, in_mapping, key = node[0], kind is MappingStartEvent, None
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                out, in_mapping = stack.pop()
                key = None
                if take is not None and len(stack) == 2 and kind is MappingEndEvent and take(out[-1]):
                    out.pop()
            elif kind is AliasEvent:
                self._alias(event, out, key, key_mark)
                key = None
            elif kind is StreamEndEvent:
                return cast("Node", top[0]) if top else None
            elif kind is DocumentStartEvent and top:
                raise _Stop(self._second_document(event))

    def _events(self) -> Callable[[], Any]:
        """Return what yields the parser's events."""
        parser = parser_of(self._text.data)
        loader = parser(self._text.data)
        get_event = cast("Callable[[], Any]", loader.get_event)
        if parser is not yaml.SafeLoader:
            return get_event

        def careful() -> Any:
            try:
                event = get_event()
            except (ValueError, OverflowError):  # "\\U00110000", and versions in %YAML of 5,000 digits
                problem = "an escape or a directive holds a number that is too large"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=loader.get_mark()) from None
            if type(event) is Scalar and _HALF.search(event.value):
                self._join_halves(event)
            return event

        return careful

    def _join_halves(self, scalar: Scalar) -> None:
        try:
            scalar.value = scalar.value.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self._report(mark_of(scalar), "a text contains half of a character", "write both escapes, or the character")
            scalar.value = _HALF.sub("\ufffd", scalar.value)

    def _taker(self, node: Node, root: Node, key: str | None) -> Taker | None:
        return self._open_list(root, key) if type(node) is Sequence and key is not None else None

    def _unwanted(self, event: Any) -> Broken:
        if event.anchor is not None:
            message, hint = f"anchor &{shortened(event.anchor, MAX_SHOWN)} is not allowed", WRITE_OUT
        else:
            message = f"tag {shortened(event.tag, MAX_SHOWN)} is not allowed"
            hint = "remove it; put a text in quotes"
        self._report(event.start_mark, message, hint)
        return Broken(event.start_mark)

    def _alias(self, event: Any, out: Any, key: str | None, key_mark: Mark | None) -> None:
        """Refuse an alias: it may stand for itself, and a reviewer does not see what it stands for."""
        self._report(event.start_mark, f"alias *{shortened(event.anchor, MAX_SHOWN)} is not allowed", WRITE_OUT)
        if type(out) is list:
            out.append(Broken(event.start_mark))
        elif key is None:
            raise _Stop(self._text.finding(event.start_mark, "this key is an alias, not a text", "write it out"))
        else:
            out[key] = (key_mark, Broken(event.start_mark))

    def _duplicate(self, key: str, mark: Mark, first: Mark) -> None:
        hint = f"it is already in line {first.line + 1}; keep one of the two"
        self._report(mark, f"key {shortened(key, MAX_SHOWN)!r} is written twice", hint)

    def _report(self, mark: Mark, message: str, hint: str) -> None:
        self.findings.append(self._text.finding(mark, message, hint))

    def _second_document(self, event: Any) -> Finding:
        return self._text.finding(event.start_mark, "a second document begins here", "move it to a file of its own")

    def _not_printable(self, error: Any) -> Finding:
        at = _at(self._text.data, error.position)
        message = f"YAML does not allow this character: {error.reason}"
        hint = "remove it; if the file is binary, save it as plain text"
        return self._text.may_show(Finding(place=self._text.place(at), message=message, hint=hint))

    def _not_yaml(self, error: yaml.MarkedYAMLError) -> Finding:
        if error.problem == "found unexpected end of stream" and error.context_mark:
            hint = "end the text with the same quote"
            return self._text.finding(error.context_mark, "the quote that begins here is not closed", hint)
        mark = error.problem_mark or error.context_mark or START
        line = self._text.line(mark.line)
        problem = ", ".join(part for part in (error.context, error.problem) if part)
        indent = line[: len(line) - len(line.lstrip())]
        if hint := self._odd_space({(error.context_mark or mark).line, mark.line - 1, mark.line}):
            pass
        elif "\t" in indent or line[mark.column : mark.column + 1] == "\t":
            hint = "indent with spaces; YAML does not allow tabs"
        elif "mapping values" in str(error.problem):
            hint = "put a value that contains `: ` in quotes"
        else:
            hint = "check the indentation and the quotes of this line and the one before it"
        return self._text.finding(mark, f"this is not YAML: {problem}", hint)

    def _odd_space(self, numbers: set[int]) -> str:
        hints = (lookalikes.space_hint(self._text.line(n), f"line {n + 1}") for n in sorted(numbers) if n >= 0)
        return next(filter(None, hints), "")
