"""What people used to Terraform type that has another name here, or nothing to do: a table.

Read only when a command or an option was not understood. docs/how-to/terraform.md shows the table.
"""

from __future__ import annotations

from collections.abc import Mapping

_NO_STATE = "leave it out: there is no state, so there is nothing to keep, to lock or to unlock"
_NO_IMPORT = (
    "`reconciler drift --accept ADDRESS` writes what is live into the policy, and `reconciler export` all of it"
)
_EVERY_PLAN_READS = "`reconciler drift` tells what was changed by hand; each plan reads what is live"
_NOTHING_IS_MADE_ANEW = "change the limit in the policy: a limit has nothing to be made anew"
_NO_DESTROY = (
    "write `limit: none` for what is to have no budget; that is no limit at all, and `$0` is what stops people's spend"
)
_NO_VARIABLES = "write amounts that several entries share under `tiers:` in the policy"

COMMANDS: Mapping[str, str] = {
    "destroy": _NO_DESTROY,
    "fmt": "lay the policy out as you like: nothing rewrites it; `reconciler validate` checks what it says",
    "force-unlock": _NO_STATE,
    "import": _NO_IMPORT,
    "login": "log in with `coder login`, or set CODER_URL and CODER_SESSION_TOKEN",
    "output": "`reconciler plan --json` and `reconciler status --json` print results for programs",
    "refresh": _EVERY_PLAN_READS,
    "state": "`reconciler export` prints what is live, and `reconciler explain USER` one person's limit",
    "taint": _NOTHING_IS_MADE_ANEW,
    "untaint": _NOTHING_IS_MADE_ANEW,
    "workspace": "set CODER_URL for another Coder, and name another folder of policies: `reconciler plan FOLDER`",
}
OPTIONS: Mapping[str, str] = {
    "backend": _NO_STATE,
    "backend-config": _NO_STATE,
    "chdir": "name the folder of policies behind the command: `reconciler plan FOLDER`",
    "compact-warnings": "leave it out; `reconciler plan --effects none` prints less about people",
    "destroy": _NO_DESTROY,
    "generate-config-out": _NO_IMPORT,
    "input": "leave it out: without a terminal, or where CI is set, nothing asks",
    "lock": _NO_STATE,
    "lock-timeout": _NO_STATE,
    "migrate-state": _NO_STATE,
    "no-color": "set NO_COLOR, which every command obeys",
    "reconfigure": _NO_STATE,
    "refresh": _EVERY_PLAN_READS,
    "refresh-only": _EVERY_PLAN_READS,
    "replace": _NOTHING_IS_MADE_ANEW,
    "state": _NO_STATE,
    "target": "`reconciler plan --only ADDRESS`, such as `--only 'group/acme/*'`; `apply` and `drift` take it, too",
    "upgrade": "leave it out: there are no providers and no modules, so there is nothing to upgrade",
    "var": _NO_VARIABLES,
    "var-file": _NO_VARIABLES,
}
