"""Recipes that say which device runs which part of a network."""
