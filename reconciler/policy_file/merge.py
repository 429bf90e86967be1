"""Several files to one Policy per organization. A contradiction is a finding that shows both places."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.core.budget import Absent
from reconciler.core.policy import Manage, Policy, UserOverrideEntry
from reconciler.errors import Finding, Place
from reconciler.money import Micros
from reconciler.policy_file.nodes import At, PolicyText
from reconciler.policy_file.parse import FileContent
from reconciler.words import shortened, spoken

KEEP_ONE = "it is already at {}; keep one of the two"
MAX_SHOWN = 60


class Merger:
    """Merges documents that are given in the order of their paths; collects findings."""

    def __init__(self, texts: Iterable[PolicyText]) -> None:
        self.findings: list[Finding] = []
        self.notes: list[Finding] = []
        self._texts = {text.path: text for text in texts}

    def tiers(self, documents: Sequence[FileContent]) -> dict[str, Micros]:
        """Return the tiers of all files of an organization."""
        first: dict[str, Place] = {}
        tiers: dict[str, Micros] = {}
        for document in documents:
            for name, (micros, place) in document.tiers.items():
                self._once(first, name, place, "tier {!r} is defined twice")
                tiers.setdefault(name, micros)
        return tiers

    def policy(self, documents: Sequence[FileContent]) -> Policy:
        """Return the policy that the files of an organization add up to."""
        group_budgets = tuple(entry for document in documents for entry in document.group_budgets)
        first: dict[str, Place] = {}
        for entry in group_budgets:
            self._once(first, entry.group, entry.place, "group {!r} is listed twice")
        self._note_ending_absences(entry for document in documents for entry in document.user_overrides)
        return Policy(
            organization=documents[0].organization,
            place=documents[0].place,
            group_budgets_managed=self._managed(documents, "group_budgets"),
            user_overrides_managed=self._managed(documents, "user_overrides"),
            group_budgets=group_budgets,
            user_overrides=tuple(entry for document in documents for entry in document.user_overrides),
            guardrails=tuple(rule for document in documents for rule in document.guardrails),
            allow=tuple(consent for document in documents for consent in document.allow),
        )

    def users(self, policies: Sequence[Policy]) -> None:
        """Report users who are listed twice, in one organization or in two: Coder keeps one override a person."""
        first: dict[str, tuple[Place, str]] = {}
        for policy in policies:
            for entry in policy.user_overrides:
                place, organization = first.setdefault(entry.user.lower(), (entry.place, policy.organization))
                if place is entry.place:
                    continue
                if organization == policy.organization:
                    self._report(
                        entry.place,
                        f"user {shortened(entry.user, MAX_SHOWN)!r} is listed twice",
                        KEEP_ONE.format(spoken(str(place))),
                    )
                else:
                    message = f"user {shortened(entry.user, MAX_SHOWN)!r} is listed in two organizations"
                    at = spoken(str(place))
                    hint = f"Coder keeps one override for each person; the entry in {organization!r} is at {at}"
                    self._report(entry.place, message, hint)

    def _managed(self, documents: Sequence[FileContent], kind: str) -> Manage:
        stated = [document.manage[kind] for document in documents if kind in document.manage]
        for manage, place in stated[1:]:
            if manage is not stated[0][0]:
                self._report(
                    place,
                    f"manage.{kind} is {str(manage)!r} here and {str(stated[0][0])!r} in another file",
                    "write the same word in all files of an organization; the other file is "
                    f"{spoken(str(stated[0][1]))}",
                )
        if not stated:
            self._note_empty(documents, kind)
        return stated[0][0] if stated else Manage.LISTED

    def _note_empty(self, documents: Sequence[FileContent], kind: str) -> None:
        """Note a list that may look like "remove all": it means that only with `exact`."""
        message = f"{kind} is empty, and no file states `manage.{kind}`, so nothing is removed"
        hint = f"to remove all others, write `manage: {{{kind}: exact}}`; otherwise remove the empty list"
        self.notes += [
            self._finding(document.empty[kind], message, hint) for document in documents if kind in document.empty
        ]

    def _note_ending_absences(self, entries: Iterable[UserOverrideEntry]) -> None:
        """Note `limit: none` with an end, which looks as if an override were put aside until then."""
        for entry in entries:
            if isinstance(entry.limit, Absent) and entry.expires is not None:
                message = f"user {shortened(entry.user, MAX_SHOWN)!r} has no override after `expires` either"
                hint = "`limit: none` removes it, and nothing puts it back; leave `expires` out"
                self.notes.append(self._finding(entry.place, message, hint))

    def _once(self, first: dict[str, Place], key: str, place: Place, message: str) -> None:
        if first.setdefault(key, place) is not place:
            self._report(place, message.format(shortened(key, MAX_SHOWN)), KEEP_ONE.format(spoken(str(first[key]))))

    def _report(self, place: Place, message: str, hint: str) -> None:
        self.findings.append(self._finding(place, message, hint))

    def _finding(self, place: Place, message: str, hint: str) -> Finding:
        return self._texts[place.file].finding(At(place.line - 1, place.column - 1), message, hint)
