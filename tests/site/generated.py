"""The parts of the reference that are made from the code; each stands in a page between two comments.

A part is one function here and one row of `PARTS`. `UPDATE_GOLDEN=1` writes them into the pages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from reconciler.cli import entry, exits, terraform
from reconciler.cli.app import COMMANDS
from reconciler.cli.commands.plan import command as plan
from reconciler.cli.sections import ConnectionOption
from reconciler.core.action import Origin
from reconciler.core.gate.hazards import HAZARDS
from reconciler.core.policy import GuardrailName, Hazard
from reconciler.formats.documents import DOCUMENTS
from reconciler.policy_file import shapes
from reconciler.render.formats import FORMATS, Format, formats_of
from reconciler.render.pages import csv
from reconciler.resources import schema_text
from tests.documents.schemas import attribute_docs

HELP = Path(entry.__file__).parent / "help"
_PART = re.compile(r"(<!-- generated: (\w+) -->\n\n)(.*?)(<!-- /generated -->)", re.DOTALL)


def parts_of(text: str) -> list[tuple[str, str]]:
    """Return the names of a page's generated parts, with what the page has there."""
    return [(name, body) for _, name, body, _ in _PART.findall(text)]


def generate(text: str) -> str:
    """Return a page with its generated parts made anew."""
    return _PART.sub(lambda match: f"{match[1]}{PARTS[match[2]]()}\n{match[4]}", text)


def _commands() -> str:
    return "\n".join(_command(name) for name in COMMANDS)


def _command(name: str) -> str:
    text = (HELP / f"{name}.txt").read_text(encoding="utf-8")
    return f"## {name}\n\n```console\n$ reconciler {name} --help\n{text}```\n"


def _policy_keys() -> str:
    schema = json.loads(schema_text("policy"))
    shown = (
        shapes.DOCUMENT,
        shapes.MANAGE,
        shapes.GROUP_BUDGET,
        shapes.USER_OVERRIDE,
        shapes.GUARDRAILS,
        shapes.CONSENT,
    )
    return "\n".join(_shape(shape, schema) for shape in shown)


def _shape(shape: shapes.Shape, schema: Mapping[str, Any]) -> str:
    body = schema["$defs"][shape.name] if shape.name else schema
    title = {
        "": "The file",
        "group_budget": "An item of `group_budgets`",
        "user_override": "An item of `user_overrides`",
    }
    title |= {"consent": "An item of `allow`", "manage": "`manage`", "guardrails": "`guardrails`"}
    rows = (
        (
            f"`{key}`",
            "yes" if key in shape.required else "",
            schema["$defs"][kind.definition]["title"],
            about(body, key),
        )
        for key, kind in shape.kinds.items()
    )
    return f"### {title[shape.name]}\n\n" + table(("key", "needed", "value", "what it means"), rows)


def about(body: Mapping[str, Any], key: str) -> str:
    """Return what a schema says of a key, in one line."""
    return " ".join(body["properties"][key].get("description", "").split())


def _hazards() -> str:
    return "\n".join(_sentences(row.hazard, Hazard) for row in HAZARDS.values())


def _guardrails() -> str:
    return "\n".join(_sentences(name, GuardrailName) for name in GuardrailName)


def _sentences(member: Enum, cls: type[Enum]) -> str:
    """Return what, why and what to do, from the docstring below a member of an enumeration."""
    text = " ".join(attribute_docs(cls)[member.name].split())
    what, why, remedy = re.split(r" (?:Why|What to do): ", text)
    return f"## {member.value}\n\n{what}\n\n- **Why**: {why}\n- **What to do**: {remedy}\n"


def _origins() -> str:
    meanings = attribute_docs(Origin)
    return table(("origin", "why live differs"), ((f"`{origin.value}`", meanings[origin.name]) for origin in Origin))


def _documents() -> str:
    rows = (
        (f"`{row.name}`", " ".join(row.about.split()), ", ".join(f"`{name}`" for name in formats_of(row.name)))
        for row in DOCUMENTS.values()
    )
    return table(("document", "what it is", "formats"), rows)


def _formats() -> str:
    rows = (
        (f"`{row.name}`", row.needs, ", ".join(sorted(f"`{name}`" for name in row.documents)))
        for row in FORMATS.values()
        if row.needs != Format(name="", documents=row.documents).needs
    )
    return table(("format", "needs", "results that have it"), rows)


def _csv_columns() -> str:
    parts = (
        ("a plan or a drift", csv.PERSON),
        ("a status", csv.STATUS),
        ("an apply, a revert or a journal", csv.RESULT),
        ("an error", csv.FINDING),
    )
    return "\n".join(
        f"### CSV of {name}\n\n"
        + table(("column", "what it is"), ((f"`{column}`", about) for column, about in columns.items()))
        for name, columns in parts
    )


def _document_keys() -> str:
    return "\n".join(_keys(name) for name in DOCUMENTS)


def _keys(name: str) -> str:
    schema = json.loads(schema_text(name))
    rows = ((f"`{key}`", about(schema, key)) for key in schema["properties"])
    return f"### {name}\n\n" + table(("key", "what it is"), rows)


def _exits() -> str:
    return table(("exit", "meaning"), ((str(code), meaning) for code, meaning in exits.EXITS.items()))


def _environment() -> str:
    options = [option for option in plan.params if isinstance(option, ConnectionOption) and option.envvar]
    return table(
        ("variable", "the option", "what it does"),
        ((f"`{option.envvar}`", f"`{option.opts[0]}`", option.help or "") for option in options),
    )


def _terraform() -> str:
    rows = [(f"`{name}`", instead) for name, instead in terraform.COMMANDS.items()]
    rows += [(f"`-{name}`", instead) for name, instead in terraform.OPTIONS.items()]
    return table(("you type", "here"), rows)


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a Markdown table; bars within cells are escaped."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


PARTS: Mapping[str, Callable[[], str]] = {
    "commands": _commands,
    "policy_keys": _policy_keys,
    "hazards": _hazards,
    "guardrails": _guardrails,
    "origins": _origins,
    "documents": _documents,
    "formats": _formats,
    "csv_columns": _csv_columns,
    "document_keys": _document_keys,
    "exits": _exits,
    "environment": _environment,
    "terraform": _terraform,
}
