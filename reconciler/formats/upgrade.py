"""Older documents as today's, so that what was saved before can still be shown, compared, applied and reverted.

A document is read if what it does not say has a value that claims nothing; without one it is refused, to be made again.
`Drift.moves_not_known` has none: 0 would say that nobody else's limit changed.

Version 3 of plans, and of drifts and outcomes, which hold one, says of an entry that starts later what it wants then.

Version 2 differs from version 1 in this: a budget holds its group by id and name, where version 1 had a map of names
beside the data; a place is file, line and column, where it was one text; amounts are called `*_micros`. Everything here
works on plain JSON values; whether the result is a document is decided by the codec, as for today's version.
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


def upgraded(name: str, version: int, body: Json) -> Json:
    """Return the body of a document as that of today's version. Raises ValueError when it is not of its version."""
    match name, version:
        case "plan", 1:
            return _upgrade(1, lambda plan: _plan_from_v2(_plan_from_v1(plan)), body)
        case "plan", 2:
            return _upgrade(2, _plan_from_v2, body)
        case "outcome", 2:
            return _upgrade(2, _outcome_from_v2, body)
        case "drift", 2:
            return _upgrade(2, _drift_from_v2, body)
        case "explanation", 2:
            return {"has_policies": False, "set_by": None, "ties_by_name": False} | body  # at first it did not say
        case "snapshot", 1:
            return _upgrade(1, _snapshot, body)
        case _:
            return body


def event_from_v1(body: Json) -> Json:
    """Return an event of a journal of version 2. Raises ValueError when it is not one of version 1."""
    match body.get("type"):
        case "started":
            return _upgrade(1, _started, body)
        case "ended":
            return _upgrade(1, _ended, body)
        case _:
            return body


def _upgrade(version: int, rule: Callable[[Json], Json], body: Json) -> Json:
    try:
        return rule(body)
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ValueError(f"it is not of version {version}: {type(error).__name__} at {error}") from None


def _plan_from_v2(body: Json) -> Json:
    """Version 2 told what starts later in a sentence alone."""
    notices = [notice | {"wanted": None, "until": None, "user_id": None} for notice in body["effects"]["notices"]]
    return body | {"effects": body["effects"] | {"notices": notices}}


def _outcome_from_v2(body: Json) -> Json:
    plan: Json | None = body["plan"]
    return body | {"plan": _plan_from_v2(plan) if plan else None}


def _drift_from_v2(body: Json) -> Json:
    """Version 2 did not say whether every organization was read.

    At first it did not say of how many people it is not known, nor what a subject was called when it was changed.
    """
    has_moves, last = body["moves_since"] is not None, body["last_changes"]
    changes = [row | {"change": {"name": ""} | row["change"]} for row in last["changes"]]
    plan, acceptances = _plan_from_v2(body["plan"]), [row | {"is_refused": False} for row in body["acceptances"]]
    known: Json = {} if has_moves else {"moves_not_known": 0}
    new: Json = {"moves_read_all": not has_moves, "plan": plan, "acceptances": acceptances}
    return known | body | new | {"last_changes": last | {"changes": changes}}


def _snapshot(body: Json) -> Json:
    """At first it did not say where there may be more groups: there may be anywhere."""
    everywhere = sorted(organization["id"] for organization in body["organizations"])
    return {"hides_groups": everywhere, "unpriced_requests": None} | body


def _plan_from_v1(body: Json) -> Json:
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
