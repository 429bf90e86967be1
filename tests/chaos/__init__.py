"""The fault harness: the real command against the sandbox, random policies, faults at random points, then the truth.

    python -m tests.chaos                    300 runs
    python -m tests.chaos --runs 10000       the deep profile (`make chaos`), on all cores
    python -m tests.chaos --pairs            300 runs of two at once
    python -m tests.chaos --seed 4711        the run of one seed again, told step by step

One run: a random company and policies for it; one to three commands (`apply`, a saved plan, `revert`, two at once),
disturbed by answers of every bad kind, lost requests, a token that expires, other people's writes, signals, `kill -9`,
a full disk, a closed stdout; then the faults end and one clean `apply` must do. What must be true is in evidence.py and
replay.py. A kind of run without any fault (`--order`) is for law 5 alone. The kind `--pairs` looks at two at once,
each with a token of its own: an `apply` beside another, a `revert`, `drift --accept` or an administrator (pairs.py).

What a seed decides: company, policies, commands, faults and where they strike. What it cannot decide is how the threads
of one command take turns; about half of the runs have a single one and repeat exactly.

A command that is sent a signal, that crashes, or that runs beside another command is a process of its own, with its own
signals, files and exit; so is one on a full disk. It is forked from a process that has imported reconciler before
(launcher.py), which spares 0.25 s of imports and is the same code from `entry.main()` on; there the client's waits are
cut to a millisecond. The other commands run one after the other in one such child. One command in fifty is
`python -m reconciler`, started as users do.
"""
