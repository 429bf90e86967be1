"""reconciler: AI budgets on Coder as a policy in Git."""

__version__ = "0.1.0"
