"""The commands that take a network and give one: prune, export, diff."""
