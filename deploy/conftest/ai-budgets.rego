# Your own rules about a plan, for conftest over `reconciler plan --json`:
#   reconciler plan --json > plan.json
#   conftest test plan.json --policy deploy/conftest
# The document's shape is published: `reconciler schema plan`.
package main

import rego.v1

limit_usd := 2000

# No budget may be removed on a Friday, or as you like it: here, never by a pull request that does anything else.
deny contains message if {
	input.format == "reconciler plan"
	some action in input.actions
	action.kind == "delete"
	some other in input.actions
	other.kind != "delete"
	message := sprintf("%s is removed together with other changes; remove it in a change of its own", [action.address])
}

# An override above the limit needs a ticket in its reason.
deny contains message if {
	some action in input.actions
	action.subject.type == "user"
	action.after.type == "budget"
	action.after.limit_micros > limit_usd * 1000000
	not regex.match(`[A-Z]+-[0-9]+`, action.reason)
	message := sprintf("%s: an override above $%d needs a ticket in its reason, such as FIN-42", [action.address, limit_usd])
}

warn contains message if {
	some action in input.actions
	action.subject.type == "user"
	action.after.type == "budget"
	not action.expires
	message := sprintf("%s has no end", [action.address])
}
