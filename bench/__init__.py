"""Side-by-side measurements; each prints the rows that stand in docs/results.md."""
