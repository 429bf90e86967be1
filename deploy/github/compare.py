"""Compare what is about to be applied with what was reviewed. It reads and writes nothing: plans in, addresses out.

GitHub's report.py imports it. GitLab's component is included by other projects, which have none of our files, so it has
these lines in its script; a test holds both together.
"""

from __future__ import annotations

import json
from typing import Any


def compare(fresh: dict[str, Any], reviewed: list[Any]) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Return what is only told, and why the rest is refused: each reason with the addresses that end its sentence.

    What this merge does not ask for is told, and so is what a reviewed plan announced for a later date.
    *Raises* ValueError where a reviewed plan is cut, or was edited.
    """
    try:
        actions = [action for plan in reviewed for action in plan["actions"]]
        shown = {fact(action) for action in actions}
        same = {(action["address"], action["subject"]["id"]) for action in actions}
        announced = [row for plan in reviewed for row in announced_in(plan)]
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError("a reviewed plan is damaged") from error
    unseen = [action for action in fresh["actions"] if fact(action) not in shown]
    asked = [action for action in unseen if action.get("origin", "change") == "change"]
    refused = {item["address"]: item["subject"]["id"] for item in asked if not is_announced(item, announced)}
    known = {address for address, _ in same}
    renamed = sorted(address for address, id_ in refused.items() if address in known and (address, id_) not in same)
    others = sorted(address for address in refused if address not in renamed)
    reasons = (
        ("Since the review another person or group has the name of ", renamed),
        ("The reviewed plan did not show this change of ", others),
    )
    told = sorted(action["address"] for action in unseen if action["address"] not in refused)
    return told, [reason for reason in reasons if reason[1]]


def fact(action: dict[str, Any]) -> tuple[str, str, str]:
    """Return what is compared of an action: address, whose it is, and what is wanted."""
    return action["address"], action["subject"]["id"], json.dumps(action["after"], sort_keys=True)


def announced_in(reviewed: dict[str, Any]) -> list[list[Any]]:
    """Return what a plan says of later dates: kind, person, address, limit and group, start and end of each."""
    notices = (reviewed.get("effects") or {}).get("notices") or []
    keys = ("kind", "user_id", "address", "wanted", "at", "until")
    return [[row.get(key) for key in keys] for row in notices]


def is_announced(action: dict[str, Any], announced: list[list[Any]]) -> bool:
    """Whether the reviewed plan said that this starts later: its day came meanwhile.

    Person, limit, group, start and end are compared; of who was `awaited` only the name was known.
    """
    facts = [action["address"], action["after"], action.get("starts"), action.get("expires")]
    kinds = ("starts-later", action["subject"]["id"]), ("awaited", None)
    return action.get("starts") is not None and any([*kind, *facts] in announced for kind in kinds)
