"""The desired state as the policy files say it: names not yet looked up, amounts already exact.

One `Policy` is everything that the files say of one organization. It knows nothing of YAML and nothing of what
is live.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

from reconciler.core.budget import Absent
from reconciler.dataclass import dataclass
from reconciler.errors import ListedEntry, Place
from reconciler.money import Micros


class Manage(StrEnum):
    """What a policy owns: everything of its kind in the organization, or only what it lists."""

    EXACT = "exact"
    LISTED = "listed"


class Hazard(StrEnum):
    """A named danger of a plan; it needs consent."""

    REMOVES_LIMIT = "REMOVES_LIMIT"
    """Somebody becomes unlimited. Counts people.

    Why: Coder reads a missing budget as no limit at all, so one deleted line can cost any amount.
    What to do: give the person or one of their groups a budget; or consent, if no limit is meant.
    """
    BLOCKS_USERS = "BLOCKS_USERS"
    """Somebody's spend so far is at or over their new limit, $0 included. Counts people.

    Why: their next request is refused, in the middle of their work, until the month ends or the limit is raised.
    What to do: choose a limit above what they spent, which the plan names; or consent, if they are to stop now.
    """
    UNSEEN_PEOPLE = "UNSEEN_PEOPLE"
    """Members of a group whose budget changes and whom this token may not read: what it does to them is not known.

    Why: nobody can say whether one of them would be blocked, or become unlimited.
    What to do: plan with the token of an Auditor or a User Admin, who may read every member; or consent.
    """
    MASS_CHANGE = "MASS_CHANGE"
    """Deletes over 30 % of what is managed and at least 3, or the policy is empty and live is not. Counts deletes.

    Why: a folder that was moved, or a name that was changed, looks like the wish to delete everything.
    What to do: check that every policy file was read; or consent, if the deletes are meant.
    """
    UNREAD_POLICY = "UNREAD_POLICY"
    """Limits are set or raised while what looks like a policy was not read. Counts limits; `--allow` alone consents.

    Why: what was not read may hold guardrails, and nobody knows what they say.
    What to do: mend or remove what the plan says was not read; or consent for one run, if it holds no guardrails.
    """

    @property
    def is_for_policies(self) -> bool:
        """Whether `allow:` may name it; to the others `--allow` alone consents: a policy must not vouch for itself."""
        return self is not Hazard.UNREAD_POLICY


_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def is_uuid(name: str) -> bool:
    """Whether a name is a UUID, in capitals or not."""
    return _UUID.fullmatch(name) is not None


def plain_id(name: str) -> str:
    """Return a UUID in small letters, as Coder writes it, and any other name unchanged."""
    return name.lower() if is_uuid(name) else name


def is_in_addresses(name: str) -> bool:
    """Whether a name is one that addresses show: a group's name or a username, not a UUID or an e-mail address."""
    return "@" not in name and not is_uuid(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupBudgetEntry:
    """`group` is a name in the policy's organization, or a UUID."""

    group: str
    limit: Micros | Absent
    reason: str = ""
    """Empty when none is given."""
    tier: str = ""
    """The tier that `limit` names; empty where it is an amount or `none`."""
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class UserOverrideEntry:
    """`user` is a username, an e-mail address or a UUID; `group` a name in the policy's organization, or a UUID."""

    user: str
    group: str
    limit: Micros | Absent
    reason: str = ""
    tier: str = ""
    """As for a group budget."""
    starts: datetime | None = None
    """Before it the entry lists its user and wants nothing: the live override is left as it is. UTC."""
    expires: datetime | None = None
    """From it on the entry counts as `limit: none`. UTC."""
    place: Place


Entry = GroupBudgetEntry | UserOverrideEntry


def written_address(entry: Entry, organization: str) -> str:
    """Return the address of an entry's subject as the entry says it: `group/acme/platform`, `user/ana@example.com`."""
    return f"user/{entry.user}" if isinstance(entry, UserOverrideEntry) else f"group/{organization}/{entry.group}"


class GuardrailName(StrEnum):
    """The keys of `guardrails`."""

    MAX_LIMIT = "max_limit"
    """No entry has a higher limit.

    Why: one digit too many is stopped before anybody spends it.
    What to do: lower the limit, or have the owner of the guardrails raise max_limit.
    """
    MAX_EXPOSURE = "max_exposure"
    """What all people of the organization may spend in a month adds up to no more.

    Why: many small raises are one large raise. It needs to read everybody's limit, so only plans can check it.
    What to do: lower other limits in the same change, or have the owner of the guardrails raise max_exposure.
    """
    REQUIRE_REASON_ABOVE = "require_reason_above"
    """An entry with a higher limit has a `reason`.

    Why: a person who reads the policy in a year finds out what the money is for.
    What to do: add `reason:` to the entry.
    """
    MAX_OVERRIDE_DAYS = "max_override_days"
    """An override above $0 ends, at most this number of days after it starts; one that holds already, after today.

    Why: an override for two weeks that nobody ends is a raise for ever. Who extends one asks for a review again. One
    of $0 only blocks, and may stay.
    What to do: add `expires:` to the entry, or choose an earlier day.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Guardrail:
    """One rule from one file. All of them hold: a second file can only narrow, never loosen."""

    name: GuardrailName
    value: int
    """Micros for the amounts, days for `max_override_days`."""
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """Consent to a hazard, reviewed with the policy: for at most `up_to` people (MASS_CHANGE: deletes)."""

    hazard: Hazard
    up_to: int
    reason: str
    expires: datetime | None = None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Everything that the given files say of one organization; entries in the order of their places."""

    organization: str
    """Name or UUID."""
    place: Place
    """Where `organization` is written, in the first of its files."""
    group_budgets_managed: Manage
    user_overrides_managed: Manage
    group_budgets: tuple[GroupBudgetEntry, ...]
    user_overrides: tuple[UserOverrideEntry, ...]
    guardrails: tuple[Guardrail, ...]
    allow: tuple[Consent, ...]

    @property
    def entries(self) -> Iterator[tuple[str, Entry]]:
        """Yield all entries with the addresses that they write: group budgets, then overrides."""
        yield from ((written_address(entry, self.organization), entry) for entry in self.group_budgets)
        yield from ((written_address(entry, self.organization), entry) for entry in self.user_overrides)


def listed_entry(address: str, entry: Entry) -> ListedEntry:
    """Return an entry as reports list it."""
    starts = entry.starts if isinstance(entry, UserOverrideEntry) else None
    return ListedEntry(address=address, place=entry.place, starts=starts)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class NotRead:
    """A file that looks like a policy, or a folder, that was not read: what it lists is unknown, not absent."""

    path: str
    """As the search came to it."""
    reason: str
    """Why it was not read, as a clause without a full stop."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class SourceFile:
    """A policy file that went into a plan, for the record."""

    path: str
    """As it was given."""
    sha256: str
    """Of its bytes, 64 hex characters."""
