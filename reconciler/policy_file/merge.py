"""Several files to one Policy per organization. What contradicts itself is a finding that shows both places."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.core.policy import Manage, Policy
from reconciler.errors import Finding, Place
from reconciler.money import Micros
from reconciler.policy_file.nodes import PolicyText
from reconciler.policy_file.parse import Document

KEEP_ONE = "the first is at {}; keep one of them"


class Merger:
    """Merges documents that are given in the order of their paths; collects findings."""

    def __init__(self, texts: Iterable[PolicyText]) -> None:
        self.findings: list[Finding] = []
        self._texts = {text.path: text for text in texts}

    def tiers(self, documents: Sequence[Document]) -> dict[str, Micros]:
        """Return the tiers of one organization: those of all its files."""
        first: dict[str, Place] = {}
        found: dict[str, Micros] = {}
        for document in documents:
            for name, (micros, place) in document.tiers.items():
                self._once(first, name, place, "tier {!r} is defined twice")
                found.setdefault(name, micros)
        return found

    def policy(self, documents: Sequence[Document]) -> Policy:
        """Return all that the files say of one organization."""
        group_budgets = tuple(entry for document in documents for entry in document.group_budgets)
        first: dict[str, Place] = {}
        for entry in group_budgets:
            self._once(first, entry.group, entry.place, "group {!r} is listed twice")
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
        """Find users who are listed twice, in one organization or in two: a person has one override in all of Coder."""
        first: dict[str, tuple[Place, str]] = {}
        for policy in policies:
            for entry in policy.user_overrides:
                place, organization = first.setdefault(entry.user.lower(), (entry.place, policy.organization))
                if place is entry.place:
                    continue
                if organization == policy.organization:
                    self._report(entry.place, f"user {entry.user!r} is listed twice", KEEP_ONE.format(place))
                else:
                    message = f"user {entry.user!r} is listed in two organizations"
                    hint = f"a person has one override; the one for {organization!r} is at {place}"
                    self._report(entry.place, message, hint)

    def _managed(self, documents: Sequence[Document], kind: str) -> Manage:
        stated = [document.manage[kind] for document in documents if kind in document.manage]
        for manage, place in stated[1:]:
            if manage is not stated[0][0]:
                self._report(
                    place,
                    f"manage.{kind} is {str(manage)!r} here and {str(stated[0][0])!r} in another file",
                    f"the other is at {stated[0][1]}; the files of one organization must agree",
                )
        return stated[0][0] if stated else Manage.EXACT

    def _once(self, first: dict[str, Place], key: str, place: Place, message: str) -> None:
        if first.setdefault(key, place) is not place:
            self._report(place, message.format(key), KEEP_ONE.format(first[key]))

    def _report(self, place: Place, message: str, hint: str) -> None:
        line = self._texts[place.file].line(place.line - 1)
        self.findings.append(Finding(place=place, message=message, hint=hint, source_line=line))
