"""A policy that lives in a company: what leavers, links, ends and guardrails look like, command by command."""
