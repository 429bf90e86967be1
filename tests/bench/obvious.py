"""The program that one writes first: CSafeLoader, jsonschema on everything, one shared AsyncClient. Run as a script.

It reads the same policy and sends the same requests as a plan, decodes every answer and compares; it checks no names,
places no errors, computes no effects. Arguments: the policy, and a JSON file with what to send.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import yaml

SCHEMA = Path(__file__).parents[2] / "schemas" / "policy.v1.schema.json"


async def read_all(requests: list[dict[str, Any]]) -> list[Any]:
    headers = {"Coder-Session-Token": os.environ["CODER_SESSION_TOKEN"]}
    async with httpx.AsyncClient(base_url=os.environ["CODER_URL"], headers=headers, timeout=None) as client:
        answers = await asyncio.gather(*(client.request(one["method"], one["path"]) for one in requests))
    return [answer.json() for answer in answers]


def main() -> None:
    """Read, check, compare."""
    policy = yaml.load(Path(sys.argv[1]).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    errors = list(jsonschema.Draft202012Validator(schema).iter_errors(policy))
    desired = {one["user"]: float(str(one["limit"]).strip("$").replace(",", "")) for one in policy["user_overrides"]}
    answers = asyncio.run(read_all(json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))))
    rows = [row for answer in answers if isinstance(answer, dict) for row in answer.get("members") or ()]
    live = {
        row["user_id"]: row["effective_budget"]["spend_limit_micros"] / 1e6 for row in rows if row["effective_budget"]
    }
    people = {one["id"]: one["username"] for answer in answers if isinstance(answer, list) for group in answer
              for one in group.get("members") or ()}  # fmt: skip
    changes = [user for user, limit in live.items() if desired.get(people.get(user, "")) != limit]
    sys.stdout.write(f"{len(errors)} errors, {len(changes)} changes\n")


if __name__ == "__main__":
    main()
