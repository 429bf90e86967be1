"""A JSON document with a name, a version and a checksum, and one clear error for each way to be wrong.

The checksum tells a file that was edited by hand or cut short from one that this tool wrote. It is not a signature: who
can write the file can compute it.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from reconciler import strict_json
from reconciler.errors import FileError
from reconciler.words import quoted

HINT_AGAIN = "copy the file once more from where it was made, or make it again; do not edit it"
JOURNALS = ".reconciler"
"""The folder of journals, below the working directory."""
PLAN, JOURNAL, SEVERAL = "reconciler plan", "reconciler journal", "reconciler documents"
"""What the `format` key of a saved plan, of a journal, and of several documents in one says."""


def dump(name: str, version: int, body: dict[str, Any]) -> str:
    """Write a document; ends in a newline."""
    document = {"format": name, "version": version, **body}
    text = json.dumps({**document, "checksum": _checksum(document)}, indent=2, ensure_ascii=False) + "\n"
    return escaped(text)


def escaped(text: str) -> str:
    """Return the same JSON, with escapes for what a terminal or a CI runner that shows it would obey or hide."""
    return _RAW.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


_RAW = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]|#(?=#(?:[Vv][Ss][Oo])?\\[)")
"""Also paths that are not UTF-8, and the beginning of `##[` and `##vso[`. It stands in texts, never between them."""


def load(text: str, name: str, version: int, *, source: str, oldest: int | None = None) -> tuple[int, dict[str, Any]]:
    """Read a document of this name and return its version and its body. Versions from `oldest` to `version` are read.

    `source` is how messages call it. Raises FileError when it is something else, newer, cut short or edited by hand.
    """
    document = parse_object(text, source=source)
    format_name = document.get("format")
    if format_name != name:
        raise FileError(f"{source} is not a {name}", hint=f"its format is {quoted(format_name)}" if format_name else "")
    found_version = require_version(document, version, source=source, oldest=oldest)
    checksum = document.pop("checksum", None)
    if checksum != _checksum(document):
        raise FileError(
            f"{source} was edited by hand or damaged: its checksum does not fit", hint="make it again; do not edit it"
        )
    return found_version, {key: value for key, value in document.items() if key not in ("format", "version")}


def name_of(text: str) -> str:
    """Return the format that a text says it has; empty for any other text.

    A text that is cut short says it where `format` is its first key, as we write it; a whole one, or a whole first
    line, in any order of its keys, since `jq -S` sorts them.
    """
    match = re.match(r'\s*\{\s*"format"\s*:\s*"([a-z ]+)"', text)
    if match:
        return match[1]
    return (may_be_ours(text) and (_name_in(text) or _name_in(text.lstrip().partition("\n")[0]))) or ""


def may_be_ours(beginning: str) -> bool:
    """Whether a text that begins so may be a document whose keys stand in another order."""
    return re.match(r'\s*\{\s*"', beginning) is not None


def _name_in(text: str) -> str:
    try:
        document = strict_json.parse(text)
    except (ValueError, RecursionError):
        return ""
    name = document.get("format") if isinstance(document, dict) else None
    return name if isinstance(name, str) and name.startswith("reconciler ") else ""


def parse_object(text: str, *, source: str, hint: str = HINT_AGAIN) -> dict[str, Any]:
    """Read one JSON object. Raises FileError with this hint; it tells a text that was cut from one that was changed."""
    try:
        document = strict_json.parse(text)
    except json.JSONDecodeError as error:
        if _is_cut(text, error):
            raise FileError(f"{source} is not complete: it breaks off in the middle", hint=hint) from None
        raise FileError(f"{source} is not JSON: {error.msg}, line {error.lineno}", hint=hint) from None
    except strict_json.KeyTwice as error:
        raise FileError(f"{source} is not JSON that this tool wrote: {error}", hint=hint) from None
    except (RecursionError, ValueError):
        raise FileError(f"{source} is not JSON that this tool wrote", hint=hint) from None
    if not isinstance(document, dict):
        raise FileError(f"{source} is not a JSON object", hint=hint)
    return document


def _is_cut(text: str, error: json.JSONDecodeError) -> bool:
    """Whether a text begins like an object and has not its end."""
    whole = text.rstrip()
    if error.msg == "Extra data":
        return False
    has_end = whole.endswith("}") and error.pos < len(whole) - 1 and not error.msg.startswith("Unterminated string")
    return whole.lstrip().startswith("{") and not has_end


def require_version(document: dict[str, Any], version: int, *, source: str, oldest: int | None = None) -> int:
    """Return a document's version. Raises FileError unless it is `version` or, if given, from `oldest` on."""
    written = document.get("version")
    if isinstance(written, bool) or not isinstance(written, int) or not (oldest or version) <= written <= version:
        is_newer = isinstance(written, int) and not isinstance(written, bool) and written > version
        readable = f"version {version}" if oldest in (None, version) else f"versions {oldest} to {version}"
        raise FileError(
            f"{source} has format version {quoted(written)}, and this reconciler reads {readable}",
            hint="use a newer reconciler" if is_newer else "",
        )
    return written


def _checksum(document: dict[str, Any]) -> str:
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
