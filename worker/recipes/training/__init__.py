"""Recipes of the kind `training`, and what they share."""
