"""The way from paths to policies: files, nodes, entries, merged per organization; all findings of all files at once."""

from __future__ import annotations

import gc
import hashlib
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from reconciler.core.policy import NotRead, Policy, SourceFile, listed_entry
from reconciler.dataclass import dataclass
from reconciler.errors import Finding, ListedEntry, Place, PolicyError
from reconciler.policy_file.beside import beside_notes
from reconciler.policy_file.files import Files, read_files
from reconciler.policy_file.merge import Merger
from reconciler.policy_file.nodes import Node, PolicyText
from reconciler.policy_file.opening import STDIN, STDIN_NAME
from reconciler.policy_file.parse import FileContent, Parser
from reconciler.policy_file.read import read
from reconciler.policy_file.shapes import Shape
from reconciler.policy_file.values import LimitReader, Wrong

_BEGINS_KEY = re.compile(r"[^\s#-]")
"""A line that begins so is not part of an entry, which is indented or begins with a dash."""
_SAVED = re.compile(rb'\s*\{\s*"format": "reconciler ([a-z]+)"')
"""How what `-o`, `--save` and `--json` write begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The policies of some files, the files they were read from, and what was not read."""

    policies: tuple[Policy, ...]
    """One per organization, sorted by its name."""
    sources: tuple[SourceFile, ...]
    """Sorted by path."""
    not_read: tuple[NotRead, ...] = ()
    """Sorted by path. While there are any, nothing may be removed only because no file lists it."""
    notes: tuple[Finding, ...] = ()
    """What is valid and probably not meant."""


def load(paths: Sequence[str]) -> Loaded:
    """Read policies from files, from folders at any depth, and from standard input (`-`).

    Raises PolicyError with every finding of every file.
    Law 4: neither the order of the paths nor the order in a folder changes the result.
    """
    with collector_paused():
        files = read_files(paths)
        content = read_texts(files.texts)
    findings = (*files.findings, *content.findings)
    if findings:
        raise PolicyError(tuple(dict.fromkeys(findings)), entries=content.entries)
    sources = _sources(files)
    return Loaded(
        policies=content.policies,
        sources=sources,
        not_read=tuple(files.not_read),
        notes=(*content.notes, *beside_notes(paths, content.policies, (source.path for source in sources))),
    )


def is_as_read(loaded: Loaded, paths: Sequence[str]) -> bool:
    """Whether files and folders hold what was read from them. Standard input was read once, and is not asked again."""
    files = read_files([path for path in paths if path != STDIN])
    sources = tuple(source for source in loaded.sources if source.path != STDIN_NAME)
    return _sources(files) == sources and tuple(files.not_read) == loaded.not_read


def _sources(files: Files) -> tuple[SourceFile, ...]:
    return tuple(SourceFile(path=text.path, sha256=hashlib.sha256(text.data).hexdigest()) for text in files.texts)


def load_texts(texts: Mapping[str, str]) -> tuple[Policy, ...]:
    """Read policies from the texts of files, by path. Raises PolicyError."""
    content = read_texts([PolicyText(path, texts[path].encode()) for path in sorted(texts)])
    if content.findings:
        raise PolicyError(tuple(dict.fromkeys(content.findings)), entries=content.entries)
    return content.policies


def listed_in(policies: Iterable[Policy]) -> tuple[ListedEntry, ...]:
    """Return the entries of policies for reports, by the addresses that they write."""
    return tuple(listed_entry(address, entry) for policy in policies for address, entry in policy.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What some texts say, right or wrong: if there are findings, the policies must not be used."""

    policies: tuple[Policy, ...]
    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    wrong: tuple[ListedEntry, ...]
    """Entries with findings; no policy has them."""
    texts: Mapping[str, PolicyText]
    """By path."""

    def entries(self) -> tuple[ListedEntry, ...]:
        """Return every entry, right or wrong, in the order of its place."""
        entries = sorted((*listed_in(self.policies), *self.wrong), key=lambda entry: entry.place)
        places = [entry.place for entry in entries]
        claimed = {finding for entry in self.wrong for finding in entry.findings}
        for finding in self.findings:
            i = bisect_right(places, finding.place) - 1
            if finding not in claimed and i >= 0 and self._is_in(entries[i].place, finding.place):
                entries[i] = replace(entries[i], findings=(*entries[i].findings, finding))
        return tuple(entries)

    def _is_in(self, entry: Place, finding: Place) -> bool:
        """Whether a finding lies in the entry that is the last to begin before it: no key of the file comes between."""
        text = self.texts.get(finding.file)
        if text is None or entry.file != finding.file:
            return False
        return not any(_BEGINS_KEY.match(text.line(number)) for number in range(entry.line, finding.line))


def read_texts(texts: Sequence[PolicyText]) -> Content:
    """Read the policies of texts that are sorted by path."""
    findings: list[Finding] = []
    parsers = [parser for text in texts if (parser := _parser(text, findings))]
    merger = Merger(texts)
    by_organization: dict[str, list[Parser]] = {}
    for parser in parsers:
        # A file without a readable organization stands alone; its path cannot be mistaken for a name.
        key = parser.document.organization or f"\n{parser.document.text.path}"
        by_organization.setdefault(key, []).append(parser)
    policies = []
    for key in sorted(by_organization):
        documents: list[FileContent] = [parser.document for parser in by_organization[key]]
        limits = LimitReader(merger.tiers(documents))
        for parser in by_organization[key]:
            parser.read_entries(limits)
        policies.append(merger.policy(documents))
    merger.users(policies)
    for parser in parsers:
        findings += parser.findings
    findings += merger.findings
    return Content(
        policies=tuple(policies),
        findings=tuple(findings),
        notes=tuple(merger.notes),
        wrong=tuple(entry for parser in parsers for entry in parser.document.wrong),
        texts={text.path: text for text in texts},
    )


def _parser(text: PolicyText, findings: list[Finding]) -> Parser | None:
    if saved := _SAVED.match(text.data):
        message = f"this is what reconciler saved of a run ({saved[1].decode()}), and not a policy"
        finding = Finding(place=Place(text.path, 1, 1), message=message, hint="move it out of the policy folder")
        findings.append(text.may_show(finding))
        return None
    parser = Parser(text, _explain)
    tree = read(text, open_list=parser.open_list)
    findings += tree.findings
    if tree.root is None:
        return None
    parser.head(tree.root)
    return parser


def _explain(text: PolicyText, shape: Shape, node: Node, wrong: dict[str, Wrong]) -> list[Finding]:
    from reconciler.policy_file.check import explain  # jsonschema takes 60 ms to import; only bad policies pay

    return explain(text, shape, node, wrong)


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the garbage collector from walking the growing tree again and again; nodes have no cycles."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
