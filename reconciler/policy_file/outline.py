"""Where the entries of a policy file are in its text, counted in characters. For `edit`; reading needs no offsets.

The parser is the one that read the file, because libyaml and PyYAML's own do not accept quite the same YAML. The end
mark of a block is the next token; so an item ends where its last value does.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from reconciler.dataclass import dataclass
from reconciler.policy_file.read import parser_of
from reconciler.policy_file.shapes import ENTRIES


class Span(NamedTuple):
    """A key or a value; line and column count from 0."""

    start: int
    end: int
    line: int
    column: int


class Pair(NamedTuple):
    key: Span
    value: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An entry. `dash` is where the dash before it is; between brackets, the entry itself."""

    start: int
    end: int
    column: int
    dash: int
    is_flow: bool
    pairs: dict[str, Pair]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A list of entries, and where its key ends."""

    start: int
    end: int
    key_end: int
    is_flow: bool
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """The lists of entries of a file, by key. `end` is where a further key can be written."""

    column: int
    end: int
    is_flow: bool
    sections: dict[str, Section]


class _Node(NamedTuple):
    """A node with its children: keys and values of a mapping in turn."""

    event: Any
    end: int
    children: list[_Node]


def outline(text: str) -> Outline:
    """Find the entries of a policy file; its text must load without findings, and must not begin with a mark."""
    parse: Any = yaml.parse
    scan: Any = yaml.scan
    parser = parser_of(text.encode())
    events = list(parse(text, Loader=parser))
    tokens = scan(text, Loader=parser)
    dashes = [token.start_mark.index for token in tokens if isinstance(token, yaml.BlockEntryToken)]
    root = _node(iter(events[2:]))
    is_flow = bool(root.event.flow_style)
    sections = {}
    for key, value in _pairs(root):
        if key.event.value in ENTRIES:
            sections[key.event.value] = Section(
                start=value.event.start_mark.index,
                end=value.end,
                key_end=key.end,
                is_flow=bool(value.event.flow_style),
                items=tuple(_item(node, dashes) for node in value.children),
            )
    document_end: Any = next(event for event in events if isinstance(event, yaml.DocumentEndEvent))
    end = document_end.start_mark.index if document_end.explicit else len(text)
    end = root.children[-1].end if is_flow else end
    return Outline(column=root.event.start_mark.column, end=end, is_flow=is_flow, sections=sections)


def _node(events: Iterator[Any]) -> _Node:
    """Build the next node; a policy nests three deep."""
    event = next(events)
    children: list[_Node] = []
    if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
        while True:
            child = _node(events)
            if isinstance(child.event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                break
            children.append(child)
        return _Node(event, child.end if event.flow_style else children[-1].end, children)
    return _Node(event, event.end_mark.index, children)


def _pairs(node: _Node) -> Iterator[tuple[_Node, _Node]]:
    children = iter(node.children)
    return zip(children, children, strict=True)


def _item(node: _Node, dashes: list[int]) -> Item:
    start = node.event.start_mark
    before = bisect_left(dashes, start.index)
    return Item(
        start=start.index,
        end=node.end,
        column=start.column,
        dash=dashes[before - 1] if before else start.index,
        is_flow=bool(node.event.flow_style),
        pairs={key.event.value: Pair(_span(key), _span(value)) for key, value in _pairs(node)},
    )


def _span(node: _Node) -> Span:
    mark = node.event.start_mark
    return Span(mark.index, node.end, mark.line, mark.column)
