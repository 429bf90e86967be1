"""A long JSON list, object by object, while it arrives: the list itself is never held. Knows no endpoint.

    [{"id": 1, "members": [{...}, {...}, ...]}, {...}]

The items of one key that is a list itself are handed over one by one, too, and what is made of them stands in their
place; of items that are the same text, as a person is in each of their groups, it is made once. Values are decoded by
the standard library: a run of objects that begin alike in one call or cut where they begin, everything else one small
value at a time. A value that is not whole yet is tried again with twice as much text, so that all of it costs linear
time.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterator
from typing import Any

from reconciler.strict_json import KeyTwice, object_of

_DECODER = json.JSONDecoder(object_pairs_hook=object_of)
_BLANKS = " \t\n\r"
_IN_A_NUMBER = ".eE"
"""What follows a number that was cut: `1.`, `1e`; no whole value is followed by these."""
_BEGINNING = 6
"""Characters by which the next object of a run is known: `{"id":`."""


class NotWhole(ValueError):
    """The text ends in the middle, or is not JSON, or not a list of objects."""


def objects_of(
    chunks: Iterator[bytes], *, key: str | None, make: Callable[[object], object] = lambda value: value
) -> Iterator[dict[str, Any] | object]:
    """Yield the items of a JSON list, null as an empty one; an item's list under `key` holds what `make` returns.

    What is not an object is yielded as it is. `make` may be asked once for several that are the same text. Raises
    NotWhole, KeyTwice, and what `make` raises.
    """
    text, made = _Text(chunks), _Made(make)
    try:
        if text.peek() != "[":
            if text.value() is not None:
                raise NotWhole("not a list")
        elif key is None:
            yield from text.values()
        else:
            yield from text.items(lambda: text.object(key, made) if text.peek() == "{" else text.value())
        if text.peek():
            raise NotWhole("there is text after the list")
    except RecursionError as error:
        raise NotWhole("too deep") from error
    except UnicodeDecodeError as error:
        raise NotWhole("not UTF-8") from error


class _Made(dict[str, object]):
    """What was made of objects, by their text."""

    def __init__(self, make: Callable[[object], object]) -> None:
        super().__init__()
        self.make = make

    def __missing__(self, text: str) -> object:
        """Decode a text that was not seen yet. Raises ValueError where it is not one whole value."""
        value, end = _DECODER.raw_decode(text)
        if end < len(text):
            raise ValueError("there is text after the value")
        made = self[text] = self.make(value)
        return made


class _Text:
    """The part of the text that has arrived and was not used yet."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        self._text, self._at, self._is_all = "", 0, False
        self._searched = 0
        """Where the part of the text ends that holds no run: it is not looked through again for each of its values."""

    def peek(self) -> str:
        """Return the next character that is not blank, without using it; empty at the end."""
        while True:
            while self._at < len(self._text):
                character = self._text[self._at]
                if character not in _BLANKS:
                    return character
                self._at += 1
            if not self._read_more(1):
                return ""

    def value(self) -> Any:
        """Use the next value, and return it."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except KeyTwice:
                raise
            except ValueError as error:
                if not self._read_more(len(self._text) - self._at):
                    raise NotWhole("not JSON") from error
                continue
            is_certain = end < len(self._text) and self._text[end] not in _IN_A_NUMBER
            used = end - self._at
            if is_certain or not self._read_more(len(self._text) - self._at):
                self._at += used
                return value

    def items(self, read: Callable[[], object]) -> Iterator[object]:
        """Use the next list, and yield what `read` makes of each item."""
        self._expect("[")
        if self.peek() == "]":
            self._at += 1
            return
        while True:
            yield read()
            if self._expect(",]") == "]":
                return

    def values(self, made: _Made | None = None) -> Iterator[Any]:
        """Use the next list, and yield its values, or what is made of them."""
        self._expect("[")
        if self.peek() == "]":
            self._at += 1
            return
        beginning = self._text[self._at : self._at + _BEGINNING]
        may_be_run = beginning.startswith("{")
        while True:
            if may_be_run:
                run = self._run(beginning, made)
                may_be_run = run is not None
                yield from run or ()
            yield self.value() if made is None else made.make(self.value())
            if self._expect(",]") == "]":
                return

    def _run(self, beginning: str, made: _Made | None) -> list[Any] | None:
        """Use all objects of a list that stand before the last one to begin so; None where that is not what they are.

        A text that is whole JSON between brackets is what it seems to be: cut inside a text or an inner list, it
        would not be whole. The same goes for each object of a run that is cut wherever one begins.
        """
        if self._at < self._searched:
            return []
        inner_end = self._text.find("}]", self._at)  # of this list, or of one inside its objects
        searched = inner_end if inner_end >= 0 else len(self._text)
        end = self._text.rfind("}," + beginning, self._at, searched) + 1
        if not end:
            self._searched = searched
            return []
        text = self._text[self._at : end]
        try:
            if made is None:
                values: list[Any] = _DECODER.decode(f"[{text}]")
            else:
                first, *others = text[:-1].split("}," + beginning)  # the first may begin otherwise
                values = [made[f"{first}}}"], *(made[f"{beginning}{part}}}"] for part in others)]
        except KeyTwice:
            raise
        except ValueError:
            return None
        self._at = end + 1
        return values

    def object(self, key: str, made: _Made) -> dict[str, Any]:
        """Use the next object, and return it with what is made of the items in the list under `key`."""
        self._expect("{")
        result: dict[str, Any] = {}
        if self.peek() == "}":
            self._at += 1
            return result
        while True:
            if self.peek() != '"':
                raise NotWhole("not JSON")
            name = self.value()
            if name in result:
                raise KeyTwice(name)
            self._expect(":")
            is_list = name == key and self.peek() == "["
            result[name] = list(self.values(made)) if is_list else self.value()
            if self._expect(",}") == "}":
                return result

    def _expect(self, characters: str) -> str:
        character = self.peek()
        if not character or character not in characters:
            raise NotWhole("not JSON")
        self._at += 1
        return character

    def _read_more(self, count: int) -> bool:
        """Append at least that many characters, or the rest; forget what was used. Tell whether any came."""
        parts, length = [self._text[self._at :]], 0
        while length < count and not self._is_all:
            chunk = next(self._chunks, None)
            self._is_all = chunk is None
            parts.append(self._decode(chunk or b"", self._is_all))
            length += len(parts[-1])
        self._text, self._at, self._searched = "".join(parts), 0, 0
        return length > 0
