"""The spend export of organizations: CSV, read row by row while it arrives, so that its size costs no memory.

One request says what everybody in an organization booked on each of its groups in a window of at most 31 days. A
success is complete: the server gives it only to those who may read every member, so who is not in it booked nothing.
An export that is cut short, or whose rows are not what they should be, counts for nothing: there is no half result.

Source: coder-api section 3.5. Cells that a spreadsheet would take for a formula have an apostrophe in front.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any

from reconciler.coder import paths
from reconciler.coder.answers import error_of, read_error_body, shown
from reconciler.coder.exchange import Answer, Request, Stream, list_request
from reconciler.coder.transport import Transport
from reconciler.coder.wire import MAX_INT64, is_uuid
from reconciler.core.budget import GroupId, OrganizationId, UserId
from reconciler.core.spend import Export, Unpriced, Window, merge_booked
from reconciler.money import Micros

_SUM = ("user_id", "group_id", "cost_micros")
_MODEL = ("model", "provider_name")
_TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
_FORMULA = ("'=", "'+", "'-", "'@", "'\t", "'\r")
_LONGEST_COUNT = len(str(MAX_INT64))
MAX_RECORD = 1 << 20
"""Characters; a longer record was not written by Coder."""
_MAX_PIECE = 1 << 18
"""Bytes that are made to rows at once: what one read unpacks to can be a thousand times as long."""

_REFUSALS = frozenset({403, 404})
_Cells = Callable[[list[str]], tuple[Any, ...]]


class ExportTable:
    """The sums of one export, built while its bytes arrive."""

    def __init__(self) -> None:
        self.booked: dict[GroupId, dict[UserId, Micros]] = {}
        self.unpriced: dict[tuple[str, str], tuple[set[UserId], int]] = {}
        self.problem = ""
        """What is wrong with it; empty while nothing is."""
        self._decode = codecs.getincrementaldecoder("utf-8")()
        self._rest = ""
        self._width = 0
        self._sum_of: _Cells
        self._model_of: _Cells
        self._tokens_of: _Cells

    def feed(self, data: bytes) -> None:
        """Add the rows that end within these bytes. Never raises: `problem` says what was wrong."""
        if self.problem:
            return
        try:
            self._rest += self._decode.decode(data)
        except UnicodeDecodeError:
            self.problem = "the answer is not UTF-8"
            return
        end = self._rest.rfind("\n") + 1
        whole = self._rest[:end]
        if whole.count('"') % 2 == 0:  # else the last line break stands within a quoted cell
            self._rest = self._rest[end:]
            self._read(whole)
        if len(self._rest) > MAX_RECORD:
            self.problem = "a cell has no end"

    def close(self) -> None:
        """Say that all bytes have arrived."""
        if not self.problem and (self._rest or not self._width):
            self.problem = "the answer is cut short"

    def _read(self, text: str) -> None:
        lines = text.split("\n")[:-1]
        if '"' not in text and "\r" not in text:
            rows = [line.split(",") for line in lines]  # the same, and half the time
        else:
            try:
                rows = list(csv.reader(lines, strict=True))
            except csv.Error as error:
                self.problem = f"the answer is not CSV: {error}"
                return
        if rows and not self._width:
            self._read_header(rows.pop(0))
        if rows and not self.problem:
            self._add(rows)

    def _read_header(self, row: list[str]) -> None:
        places = {name: index for index, name in enumerate(row)}
        missing = [name for name in (*_SUM, *_MODEL, *_TOKENS) if name not in places]
        if missing:
            self.problem = f"the export has no column {missing[0]}"
            return
        self._width = len(row)
        self._sum_of, self._model_of, self._tokens_of = (
            itemgetter(*(places[name] for name in names)) for names in (_SUM, _MODEL, _TOKENS)
        )

    def _add(self, rows: list[list[str]]) -> None:
        """Add the spend of rows, or say in `problem` what is wrong with one of them."""
        if {*map(len, rows)} != {self._width}:
            self.problem = "a row of the export has a different number of cells than its header"
            return
        booked = self.booked
        for row, (user_id, group_id, cost) in zip(rows, map(self._sum_of, rows), strict=True):
            people = booked.get(group_id)
            if people is None:
                if not is_uuid(group_id):
                    self.problem = "a group_id of the export is not a UUID"
                    return
                people = booked[group_id] = {}
            so_far = people.get(user_id)
            if so_far is None and not is_uuid(user_id):
                self.problem = "a user_id of the export is not a UUID"
                return
            if not _is_count(cost):
                self.problem = "a cost_micros of the export is not a whole number of 0 or more"
                return
            people[user_id] = Micros(int(cost) + (so_far or 0))
            if cost == "0":
                self._note_unpriced(row, user_id)

    def _note_unpriced(self, row: list[str], person: UserId) -> None:
        counts = self._tokens_of(row)
        if not all(map(_is_count, counts)):
            self.problem = "a number of tokens in the export is not a whole number of 0 or more"
            return
        tokens = sum(map(int, counts))
        if tokens:
            model, provider = map(_plain, self._model_of(row))
            users, sum_so_far = self.unpriced.get((model, provider), (set(), 0))
            users.add(person)
            self.unpriced[model, provider] = users, sum_so_far + tokens


def read_table(answer: Answer, pieces: Iterator[bytes]) -> ExportTable:
    """Read an export while it arrives; what is wrong with it is its `problem`."""
    table = ExportTable()
    for piece in pieces:
        for start in range(0, len(piece), _MAX_PIECE):
            table.feed(piece[start : start + _MAX_PIECE])
    table.close()
    return table


_CSV = Stream(content_type="text/csv", read=read_table)


def read_tables(
    transport: Transport, questions: Sequence[tuple[OrganizationId, Window]]
) -> Mapping[tuple[OrganizationId, Window], ExportTable | str]:
    """Read exports, each of an organization and a window.

    What the server refuses, or answers otherwise than with a whole export, is a text that says why there is none.
    """
    requests = [_request(*asked) for asked in questions]
    tables = transport.send_each(requests, load_export, lambda _request, error: error.message)
    return dict(zip(questions, tables, strict=True))


def read_ahead(
    transport: Transport, questions: Sequence[tuple[OrganizationId, Window]]
) -> Mapping[tuple[OrganizationId, Window], ExportTable | str]:
    """Ask once, without waiting; return the exports that came, and why others are refused. The rest is left out."""

    def load(answer: Answer) -> ExportTable | str | None:
        if answer.status in _REFUSALS:
            return load_export(answer)
        table = load_export(answer) if answer.status == 200 else None
        return table if isinstance(table, ExportTable) else None

    requests = [replace(_request(*asked), is_extra=True) for asked in questions]
    tables = zip(questions, transport.send_each(requests, load, lambda _request, _error: None), strict=True)
    return {asked: table for asked, table in tables if table is not None}


def _request(organization: OrganizationId, window: Window) -> Request:
    return list_request(paths.spend_export(organization, window.start, window.end), stream=_CSV)


def join(window: Window, tables: Mapping[OrganizationId, ExportTable | str]) -> Export:
    """Make one export of those that organizations gave for a window; who gave none is `left_out`."""
    read = [table for table in tables.values() if isinstance(table, ExportTable)]
    return Export(
        window=window,
        booked=read[0].booked if len(read) == 1 else merge_booked(table.booked for table in read),
        unpriced=_unpriced(read),
        left_out={organization: table for organization, table in tables.items() if isinstance(table, str)},
    )


def load_export(answer: Answer) -> ExportTable | str:
    """Return what an export says, or why there is none: refused, failed, or not what an export should be.

    Raises DeniedError for a token that is not accepted; nothing else would work with it.
    """
    if answer.status == 401:
        raise error_of(answer)
    if answer.status != 200:
        return shown(answer, read_error_body(answer).message) or f"status {answer.status}"
    table = answer.value
    if answer.content_type != "text/csv" or not isinstance(table, ExportTable):
        return f"the answer is {shown(answer, answer.content_type) or 'of no type'}, not CSV"
    if table.problem:
        return table.problem
    table.unpriced = {
        (shown(answer, model), shown(answer, provider)): used for (model, provider), used in table.unpriced.items()
    }
    return table


def _unpriced(tables: Sequence[ExportTable]) -> tuple[Unpriced, ...]:
    people: dict[tuple[str, str], set[UserId]] = {}
    tokens: dict[tuple[str, str], int] = {}
    for table in tables:
        for key, (users, count) in table.unpriced.items():
            people.setdefault(key, set()).update(users)
            tokens[key] = tokens.get(key, 0) + count
    rows = [
        Unpriced(model=model, provider=provider, people=len(users), tokens=tokens[model, provider])
        for (model, provider), users in people.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.tokens, row.model, row.provider)))


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_COUNT


def _plain(cell: str) -> str:
    """Return a cell without the apostrophe that a spreadsheet needs."""
    return cell[1:] if cell.startswith(_FORMULA) else cell
