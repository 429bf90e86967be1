"""Every document that a command prints with `--json`, as a table: its frozen core value, its version, its schema.

A row is a document: the value is encoded by its own type hints (codec.py), and schemas/NAME.vVERSION.schema.json
describes exactly that. tests/documents walks this table. Saved plans and journals are read back by commands that
write, so their rooms are plan.py and journal.py; all other documents are read back to be shown and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from reconciler.dataclass import dataclass
from reconciler.errors import Failure, FileError
from reconciler.formats import codec, document
from reconciler.formats.upgrade import upgraded

if TYPE_CHECKING:  # each command loads the value that it makes, and no other
    from reconciler.core.gate.validation import Validation
    from reconciler.core.people.explanation import Explanation
    from reconciler.core.plan.drift import Drift
    from reconciler.core.plan.plan import Plan
    from reconciler.core.plan.report import OutcomeReport
    from reconciler.core.plan.status import Status
    from reconciler.core.recording import Recording

    Value = Plan | Drift | OutcomeReport | Explanation | Status | Recording | Validation | Failure
else:
    Value = object


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document: `type` is what it is made of; `title` is what its `format` key says."""

    name: str
    version: int
    oldest: int
    """The oldest version that is read, too (upgrade.py)."""
    made_of: str
    """Module and class of its value: `reconciler.core.plan.plan:Plan`; loaded when it is read."""
    about: str
    """Which command prints it, and what it says; published in its schema."""

    @property
    def title(self) -> str:
        return f"reconciler {self.name}"

    @property
    def type(self) -> Any:
        """The class of its value."""
        module, _, name = self.made_of.partition(":")
        return getattr(import_module(module), name)


DOCUMENTS: Mapping[str, Document] = {
    row.name: row
    for row in (
        Document(
            name="plan",
            version=3,
            oldest=1,
            made_of="reconciler.core.plan.plan:Plan",
            about="What `plan -o FILE` saves and `plan --json` prints: actions on AI budgets of one Coder "
            "deployment, in the order in which they run, and facts about them. `apply FILE` carries out "
            "exactly this or nothing.",
        ),
        Document(
            name="drift",
            version=3,
            oldest=2,
            made_of="reconciler.core.plan.drift:Drift",
            about="What `drift --json` prints: the plan that would repair what differs, and who changed it last.",
        ),
        Document(
            name="outcome",
            version=3,
            oldest=2,
            made_of="reconciler.core.plan.report:OutcomeReport",
            about="What `apply --json`, `revert --json` and `show JOURNAL --json` print: what really happened, from "
            "the journal's events and never from the plan; or why nothing was written (`refusal`).",
        ),
        Document(
            name="explanation",
            version=2,
            oldest=2,
            made_of="reconciler.core.people.explanation:Explanation",
            about="What `explain USER --json` prints: why one person's limit is what it is.",
        ),
        Document(
            name="status",
            version=1,
            oldest=1,
            made_of="reconciler.core.plan.status:Status",
            about="What `status --json` prints: limits, spend and pace of everybody, by group and one by one; "
            "overrides, guardrails that do not hold, and what keeps budgets from binding.",
        ),
        Document(
            name="snapshot",
            version=1,
            oldest=1,
            made_of="reconciler.core.recording:Recording",
            about="What `snapshot` writes: everything that a plan, a status or an explanation reads of one deployment, "
            "for `--live FILE`. It holds names and e-mail addresses of people unless it is redacted.",
        ),
        Document(
            name="validation",
            version=2,
            oldest=2,
            made_of="reconciler.core.gate.validation:Validation",
            about="What `validate --json` prints when every policy file is well-formed; otherwise it prints an "
            "error document.",
        ),
        Document(
            name="error",
            version=2,
            oldest=2,
            made_of="reconciler.errors:Failure",
            about="What every command prints with --json when it ends in an error or a refusal; `apply` and `revert` "
            "print an outcome with `refusal` once their plan was made.",
        ),
    )
}


def document_of(value: Value) -> Document:
    """Return the row of a value's document."""
    made_of = f"{type(value).__module__}:{type(value).__qualname__}"
    return next(row for row in DOCUMENTS.values() if row.made_of == made_of)


def dump(value: Value) -> str:
    """Write a value as its document. The same value gives the same bytes (law 4)."""
    row = document_of(value)
    return document.dump(row.title, row.version, codec.encode(value))


def load(text: str, *, source: str) -> Value:
    """Read any document of the table back. Raises FileError when the text is not an unchanged document of ours."""
    title = document.name_of(text)
    if title == document.PLAN:
        return _load_plan(text, source=source)
    row = next((row for row in DOCUMENTS.values() if row.title == title), None)
    if row is None:
        hint = "show what a command saved with `-o`, `--save json=FILE` or `--json`, or a journal"
        raise FileError(f"{source} is neither a saved result nor a journal", hint=hint)
    version, body = document.load(text, row.title, row.version, source=source, oldest=row.oldest)
    try:
        value: Value = codec.decode(row.type, upgraded(row.name, version, body))
    except ValueError as error:
        raise FileError(f"{source} is not a {row.title} that this tool wrote: {error}", hint="make it again") from None
    return value


def load_several(text: str, *, source: str) -> tuple[Value, ...]:
    """Read what `--json` prints: one document, or the list of several. Raises FileError as `load` does."""
    if document.name_of(text) != document.SEVERAL:
        return (load(text, source=source),)
    rows = document.parse_object(text, source=source).get("documents")
    if not isinstance(rows, list) or not rows:
        raise FileError(f"{source} is not a list of documents that this tool wrote", hint="make it again")
    return tuple(load(json.dumps(row), source=f"document {i} of {source}") for i, row in enumerate(rows, start=1))


def _load_plan(text: str, *, source: str) -> Plan:
    from reconciler.formats.plan import load_plan  # reads both versions; nothing else needs it

    return load_plan(text, source=source)
