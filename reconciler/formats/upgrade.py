"""Plans and journals of version 1 as version 2, so that what was saved before can still be shown and reverted.

Version 2 differs in this: a budget holds its group by id and name, where version 1 had a map of names beside the data;
a place is file, line and column, where it was one text; amounts are called `*_micros`. Everything here works on plain
JSON values; whether the result is a plan is decided by the codec, as for version 2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from reconciler.words import quoted

Json = dict[str, Any]

_PLACE = re.compile(r"(.*):([1-9]\d{0,8}):([1-9]\d{0,8})", re.DOTALL)
_NEW_IN_PLANS: Json = {"orphans": [], "held_back": [], "unresolved": [], "has_base": False}
_NEW_IN_PLANS |= {"covers": "policy", "left_alone": [], "snapshot_at": None, "forecast": None, "replay": None}
_NEW_IN_EFFECTS: Json = {"ends": [], "unseen": [], "nearing": []}
_NEW_IN_STARTED: Json = {"left_out": [], "held_back": []}
_SPEND = {"spend_before": "spend_before_micros", "spend_after": "spend_after_micros"}


def plan_from_v1(body: Json) -> Json:
    """Return the body of a plan of version 2. Raises ValueError when it is not a plan of version 1."""
    return _upgrade(_plan, body)


def event_from_v1(body: Json) -> Json:
    """Return an event of a journal of version 2. Raises ValueError when it is not one of version 1."""
    match body.get("type"):
        case "started":
            return _upgrade(_started, body)
        case "ended":
            return _upgrade(_ended, body)
        case _:
            return body


def _upgrade(rule: Callable[[Json], Json], body: Json) -> Json:
    try:
        return rule(body)
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ValueError(f"it is not of version 1: {type(error).__name__} at {error}") from None


def _plan(body: Json) -> Json:
    groups = _Groups(body)
    body = {key: value for key, value in body.items() if key != "group_names"}
    effects = {key: value for key, value in body["effects"].items() if key != "group_addresses"}
    effects["people"] = [_person(person, groups) for person in effects["people"]]
    effects["disagreements"] = [
        row | {side: groups.effective(row[side]) for side in ("ours", "reported")} for row in effects["disagreements"]
    ]
    effects["notices"] = [
        notice | {"place": _place(notice["place"]), "is_standing": False} for notice in effects["notices"]
    ]
    effects |= {"groups": [], "limits": []}  # version 1 did not break the exposure down
    effects["unclear"] = [person | _owner(person) for person in effects["unclear"]]
    verdict = body["verdict"] | {
        "breaches": [_breach(breach) for breach in body["verdict"]["breaches"]],
        "dangers": [danger | {"unnamed": 0} | _owner(danger) for danger in body["verdict"]["dangers"]],
        "grants": [_grant(grant) for grant in body["verdict"]["grants"]],
    }
    lists = {key: [_action(action, groups) for action in body[key]] for key in ("actions", "withheld")}
    return body | lists | {"effects": effects | _NEW_IN_EFFECTS, "verdict": verdict, "not_read": []} | _NEW_IN_PLANS


def _started(body: Json) -> Json:
    groups = _Groups(body)
    body = {key: value for key, value in body.items() if key != "group_names"}
    return body | {"actions": [_action(action, groups) for action in body["actions"]]} | _NEW_IN_STARTED


def _ended(body: Json) -> Json:
    """Version 1 did not count what was not verified: it had a sentence for each object, or one for all."""
    return body | {"not_verified": len(body["differences"])}


class _Groups:
    """Gives back to each group the names that version 1 kept in maps, and in the subjects of actions."""

    def __init__(self, body: Json) -> None:
        self._names: dict[str, tuple[str, str]] = {id_: ("", name) for id_, name in body["group_names"].items()}
        addresses: Mapping[str, str] = body.get("effects", {}).get("group_addresses", {})
        self._names |= {id_: _split(address) for id_, address in addresses.items()}
        for action in body["actions"]:
            subject = action["subject"]
            if subject["type"] == "group":
                self._names[subject["id"]] = subject["organization"], subject["name"]

    def state(self, state: Json) -> Json:
        if state["type"] != "budget":
            return state
        return {"type": "budget", "limit_micros": state["limit_micros"], "group": self._ref(state["group_id"])}

    def effective(self, limit: Json) -> Json:
        known = {"limit": "limit_micros"}
        renamed = {known.get(key, key): value for key, value in limit.items() if key != "group_id"}
        return renamed | {"group": self._ref(limit["group_id"])}

    def _ref(self, group_id: str) -> Json:
        organization, name = self._names.get(group_id, ("", ""))
        return {"id": group_id, "organization": organization, "name": name}


def _split(address: str) -> tuple[str, str]:
    """Split `group/acme/platform`; a name may hold a slash, an organization may not."""
    _, organization, name = address.split("/", 2)
    return organization, name


def _action(action: Json, groups: _Groups) -> Json:
    states = {side: groups.state(action[side]) for side in ("before", "after")}
    new = {"tier": "", "starts": None, "origin": "unknown"}
    return action | states | new | {"place": _place(action["place"]) if action["place"] else None}


def _person(person: Json, groups: _Groups) -> Json:
    limits = {side: groups.effective(person[side]) for side in ("before", "after")}
    return {_SPEND.get(key, key): value for key, value in (person | limits | _owner(person)).items()}


def _owner(row: Json) -> Json:
    """Version 1 wrote an empty text for an organization that is not known."""
    return {"organization": row["organization"] or None}


def _grant(grant: Json) -> Json:
    """Version 1 wrote an empty text for the organization of `--allow`."""
    if grant["organization"]:
        return grant | {"type": "policy-grant"}
    return {"type": "flag-grant", **{key: grant[key] for key in ("hazard", "up_to", "source")}}


def _breach(breach: Json) -> Json:
    """Version 1 wrote both places into the message: `PLACE: sentence (PLACE of the guardrail)`."""
    message = breach["message"].removeprefix(f"{breach['place']}: ")
    sentence, _, last = message.removesuffix(")").rpartition(" (")
    has_guardrail = message.endswith(")") and _PLACE.fullmatch(last) is not None
    return breach | {
        "address": None,
        "is_standing": False,
        "place": _place(breach["place"]),
        "message": sentence if has_guardrail else message,
        "guardrail_place": _place(last if has_guardrail else breach["place"]),
    }


def _place(text: str) -> Json:
    match = _PLACE.fullmatch(text)
    if match is None:
        raise ValueError(f"{quoted(text)} is not a place (file:line:column)")
    return {"file": match[1], "line": int(match[2]), "column": int(match[3])}
