"""A deterministic simulation of an apply: virtual time, a seeded scheduler, an in-memory Coder behind the ports.

hub.py      one process, no threads: greenlets, and a seed that decides which of them goes on
coder.py    what Coder stores, by a rule and cascades written here again, apart from client, sandbox and core
faults.py   what can go wrong with one request, drawn from the seed
ports.py    the reader and the writer that the operations see
world.py    a random company, its policies, other people who edit
run.py      one world from plan to convergence; laws 1, 2, 3, 5, 6 and 10 hold at every step
"""
