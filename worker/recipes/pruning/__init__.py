"""Recipes of the kind `pruning`, and what they share."""
