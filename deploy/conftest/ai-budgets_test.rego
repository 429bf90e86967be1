package main

import rego.v1

user(limit, reason) := {
	"address": "user/ana",
	"kind": "create",
	"subject": {"type": "user"},
	"after": {"type": "budget", "limit_micros": limit},
	"reason": reason,
	"expires": "2027-01-01T00:00:00Z",
}

removal := {"address": "group/acme/old", "kind": "delete", "subject": {"type": "group"}, "after": {"type": "absent"}, "reason": ""}

plan(actions) := {"format": "reconciler plan", "actions": actions}

test_a_high_override_needs_a_ticket if {
	count(deny) == 1 with input as plan([user(2500000000, "sprint")])
	count(deny) == 0 with input as plan([user(2500000000, "sprint, FIN-42")])
	count(deny) == 0 with input as plan([user(2000000000, "sprint")])
}

test_a_removal_stands_alone if {
	count(deny) == 0 with input as plan([removal])
	count(deny) == 1 with input as plan([removal, user(1, "")])
}

test_an_override_without_an_end_is_a_warning if {
	count(warn) == 1 with input as plan([object.remove(user(1, ""), ["expires"])])
	count(warn) == 0 with input as plan([user(1, "")])
}
