"""Recipes of the kind `benchmarking`, and what they share."""
