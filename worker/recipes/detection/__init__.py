"""Recipes of the kind `detection`."""
