"""A scripted year in the life of a company: leavers, joiners, renames, group syncs, grants, hand edits and merges.

The product runs as its pipelines would: `apply --due` every hour, `drift` every day, a pull request and an apply every
week, against the sandbox with a moving clock. What the company did is known, so what each command said can be checked.
"""
