"""What limits a person: the rule by which Coder chooses among the budgets that reach them. It reads nothing itself.

The rule (coder-api.md 2.3; Coder's selection rule `highest`, the only one it has):

    1  an override, in both directions: it wins even where it is lower than every group budget, and their
       spend is booked on the group that the override names
    2  else the highest budget among the person's groups, in *all* organizations that they are in, Everyone included;
       of equal ones that of the organization they joined first, then the lowest group id; before 2.36 (where the
       server has no bulk reads) the first by the group's name, then the lowest group id. The server's database sorts
       the names: nearly every one as a dictionary does, which `alphabetical` follows, and one without a locale by
       code point, capital letters first. Nothing tells which, so there the group may be another; the limit is the same
    3  else nothing limits them; spend is booked on Everyone of the default organization if they are in it,
       else on Everyone of the organization they joined first

A budget is per member: two people in one group with $100 can spend $200. A budget of $0 is a budget.

Not knowing. The rule takes a maximum, so one group that could not be read can change the result, and so can a group
whose members are partly hidden: anybody of the organization may be one of them. Both count as a *doubt* of so many
micros, and a doubt matters only where it could win: nobody with $500 is in doubt about a hidden group of $20. An
override that is known ends every doubt; one that is not known is the greatest of all.

The whole world is done in one pass over the members of the groups that have a budget, highest first; the work is
linear in memberships, and all people whom one group limits share one `Effective`.

Law 8 (model): these limits equal those that the server reports.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.core.budget import ABSENT, Absent, Budget, GroupId, Reading, Unknown, UserId
from reconciler.core.directory import Directory, Group
from reconciler.core.snapshot import UNLIMITED, Effective, Offers, Unlimited
from reconciler.dataclass import dataclass
from reconciler.words import spoken

NOT_READ = Unknown("it was not read")
HIDDEN = Unknown("this server does not show overrides")

_ANY_AMOUNT = 1 << 63
"""More than Coder can store: an unread budget may be any amount."""

_NOWHERE = Unknown("they are in no organization that can be read")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Doubt:
    """Something that would win if it is at least so much, and that nobody knows."""

    limit_micros: int
    reason: str


def alphabetical(name: str) -> tuple[str, str, str]:
    """Return what sorts names as PostgreSQL's usual locales do: by letters and digits alone, small letters first.

    Seen with en_US.UTF-8 of glibc 2.36, where `eng` is before `Everyone`, and `a-b` between `aa` and `ac`. Hyphens
    count last, after capital letters.
    """
    letters = "".join(filter(str.isalnum, name))
    return letters.casefold(), letters.swapcase(), name


def unread_override(offers: Offers) -> Reading:
    """Return what is known of an override that was not read: that it may exist, or that none can."""
    if offers.overrides_hidden:
        return HIDDEN
    return NOT_READ if offers.overrides else ABSENT


class EffectiveLimits:
    """The effective limit of everybody, in one state of the world; it is built once and then only asked."""

    __slots__ = (
        "_best",
        "_default_homes",
        "_directory",
        "_doubts",
        "_homes",
        "_limited",
        "_otherwise",
        "_overrides",
        "_ties_by_name",
        "_unread",
    )

    def __init__(
        self,
        directory: Directory,
        group_budgets: Mapping[GroupId, Reading],
        overrides: Mapping[UserId, Reading],
        *,
        otherwise: Reading = NOT_READ,
        ties_by_name: bool = False,
    ) -> None:
        """Apply the rule. `otherwise` stands for overrides not in the mapping (ABSENT where none can exist).

        `ties_by_name`: the older rule for ties.
        """
        self._directory = directory
        self._overrides = overrides
        self._otherwise = otherwise
        self._best: dict[UserId, Effective] = {}
        self._doubts: dict[UserId, _Doubt] = {}
        self._default_homes: tuple[Effective, ...] = ()
        self._homes: dict[UserId, Effective | Unknown] = {}
        self._limited: dict[GroupId, frozenset[UserId]] = {}
        self._ties_by_name = ties_by_name
        self._unread = tuple(group_id for group_id in directory.groups if group_id not in group_budgets)
        self._choose_homes()
        self._choose_best(group_budgets)
        self._doubt_unread(group_budgets)
        self._doubt_hidden(group_budgets)

    def of(self, user_id: UserId) -> Effective | Unknown:
        """Return what limits a person, or why that is not known."""
        own = self._overrides.get(user_id, self._otherwise)
        if isinstance(own, Absent):
            return self.fallback(user_id)
        if isinstance(own, Budget):
            return Effective(limit_micros=own.limit_micros, group=own.group, by_override=True)
        return Unknown(f"their override is not known: {own.reason}")

    def overridden(self) -> frozenset[UserId]:
        """Return whom an override limits, as far as overrides were read."""
        return frozenset(user_id for user_id, reading in self._overrides.items() if isinstance(reading, Budget))

    def fallback(self, user_id: UserId) -> Effective | Unknown:
        """Return what limits a person by their groups alone: what an override hides, and what follows its end."""
        best = self._best.get(user_id)
        if user_id in self._doubts:
            doubt = self._doubts[user_id]
            if best is None or _amount(best) <= doubt.limit_micros:
                return Unknown(doubt.reason)
        return best if best is not None else self._home(user_id)

    def has_group_budget(self, user_id: UserId) -> bool:
        """Whether a budget of their groups is known: then they are not unlimited, even if the rest is not known."""
        return user_id in self._best

    def is_fallback_read(self, user_id: UserId) -> bool:
        """Whether the budgets of all their groups were asked for."""
        return not any(user_id in self._members(group_id) for group_id in self._unread)

    def _home(self, user_id: UserId) -> Effective | Unknown:
        """Return where spend of an unlimited person is booked."""
        for home in self._default_homes:
            if user_id in self._members(home.group.id):
                return home
        return self._homes.get(user_id, _NOWHERE)

    def _choose_homes(self) -> None:
        """The default organization comes first, then the one joined first; nearly everybody is in the default one."""
        everyone = [group for group in self._directory.groups.values() if group.is_everyone]
        organizations = self._directory.organizations.values()
        default = {organization.id for organization in organizations if organization.is_default}
        self._default_homes = tuple(
            Effective(limit_micros=UNLIMITED, group=group.ref) for group in everyone if group.organization_id in default
        )
        at_default = [self._members(home.group.id) for home in self._default_homes]
        for group in sorted(everyone, key=lambda group: str(group.id)):
            home = Effective(limit_micros=UNLIMITED, group=group.ref)
            for user_id in self._members(group.id).difference(*at_default):
                known = self._homes.setdefault(user_id, home)
                if not self._ties_by_name:
                    self._homes[user_id] = self._first_joined(user_id, known, home)

    def _choose_best(self, group_budgets: Mapping[GroupId, Reading]) -> None:
        budgets = [
            Effective(limit_micros=reading.limit_micros, group=self._directory.groups[group_id].ref)
            for group_id, reading in group_budgets.items()
            if isinstance(reading, Budget) and group_id in self._directory.groups
        ]
        best = self._best
        for candidate in sorted(budgets, key=self._rank):
            for user_id in self._members(candidate.group.id):
                winner = best.setdefault(user_id, candidate)
                if winner is not candidate and winner.limit_micros == candidate.limit_micros and not self._ties_by_name:
                    self._break_tie(user_id, winner, candidate)

    def _rank(self, budget: Effective) -> tuple[int, tuple[str, str, str], str]:
        name = self._directory.groups[budget.group.id].name if self._ties_by_name else ""
        return -_amount(budget), alphabetical(name), str(budget.group.id)

    def _break_tie(self, user_id: UserId, winner: Effective, candidate: Effective) -> None:
        chosen = self._first_joined(user_id, winner, candidate)
        if isinstance(chosen, Unknown):
            self._add_doubt(user_id, _Doubt(limit_micros=_amount(winner), reason=chosen.reason))
        else:
            self._best[user_id] = chosen

    def _first_joined(self, user_id: UserId, winner: Effective | Unknown, candidate: Effective) -> Effective | Unknown:
        """Choose between equals; `candidate` has the higher group id, so `winner` stays where nothing else decides."""
        if isinstance(winner, Unknown):
            return winner
        groups, joined = self._directory.groups, self._directory.joined
        winner_home = groups[winner.group.id].organization_id
        candidate_home = groups[candidate.group.id].organization_id
        if winner_home == candidate_home:
            return winner
        if (user_id, winner_home) not in joined or (user_id, candidate_home) not in joined:
            return Unknown("it is not known which of their organizations they joined first")
        return candidate if joined[user_id, candidate_home] < joined[user_id, winner_home] else winner

    def _doubt_unread(self, group_budgets: Mapping[GroupId, Reading]) -> None:
        for group in self._directory.groups.values():
            reading = group_budgets.get(group.id, NOT_READ)
            if isinstance(reading, Unknown):
                doubt = _Doubt(
                    limit_micros=_ANY_AMOUNT,
                    reason=f"the budget of {spoken(group.address)} is not known: {reading.reason}",
                )
                for user_id in self._members(group.id):
                    self._add_doubt(user_id, doubt)

    def _doubt_hidden(self, group_budgets: Mapping[GroupId, Reading]) -> None:
        """A person who is not seen in a group that hides members may be a hidden member of it."""
        for group_id in self._directory.hidden_members:
            group = self._directory.groups.get(group_id)
            reading = group_budgets.get(group_id, NOT_READ)
            if group is None or isinstance(reading, Absent):
                continue
            amount = reading.limit_micros if isinstance(reading, Budget) else _ANY_AMOUNT
            doubt = _Doubt(
                limit_micros=amount, reason=f"members of {spoken(group.address)} are hidden; they may be one of them"
            )
            for user_id in self._possible_members(group):
                self._add_doubt(user_id, doubt)

    def _possible_members(self, group: Group) -> Iterator[UserId]:
        everyone = GroupId(group.organization_id)
        hides_all = everyone in self._directory.hidden_members
        pool = self._directory.users.keys() if hides_all else self._members(everyone)
        seen = self._members(group.id)
        return (user_id for user_id in pool if user_id not in seen)

    def _add_doubt(self, user_id: UserId, doubt: _Doubt) -> None:
        """Keep the highest; of equals the first by its text, not by the order of the groups (law 4)."""
        known = self._doubts.setdefault(user_id, doubt)
        if (known.limit_micros, doubt.reason) < (doubt.limit_micros, known.reason):
            self._doubts[user_id] = doubt

    def _members(self, group_id: GroupId) -> frozenset[UserId]:
        if group_id not in self._limited:
            self._limited[group_id] = self._directory.limited_by(group_id)
        return self._limited[group_id]


def _amount(effective: Effective) -> int:
    return _ANY_AMOUNT if isinstance(effective.limit_micros, Unlimited) else effective.limit_micros
