"""Recipes of the kind `portfolio`: many variants of one network at once."""
