"""The door of the workshop: `recipes()`, `find(name)` and `get(name)`, found by walking worker/recipes. Never imports torch."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import worker.recipes
from worker.recipe import Recipe

# Recipes that changed their name: runs of the old one keep their page, and can be run again.
RENAMED = {"pruning.channels": "pruning.l1_channels"}


@cache
def recipes() -> dict[str, Recipe]:
    """Every recipe by name, in the order of the names. A file without a recipe, or a broken one, fails loudly."""
    prefix = worker.recipes.__name__ + "."
    modules = [entry.name for entry in pkgutil.walk_packages(worker.recipes.__path__, prefix) if not entry.ispkg]
    found = [_recipe_of(name) for name in sorted(modules)]
    return {recipe.name: recipe for recipe in found}


def get(name: str) -> Recipe:
    """The recipe of that name; KeyError with the allowed names when there is none."""
    found = find(name)
    if found is None:
        raise KeyError(f"no recipe {name!r}; there are: {', '.join(recipes())}")
    return found


def find(name: str) -> Recipe | None:
    """The recipe that has this name, or once had it."""
    return recipes().get(RENAMED.get(name, name))


def names(recipe: Recipe) -> list[str]:
    """What a recipe is called, and what it was called before."""
    return [recipe.name, *(old for old, new in RENAMED.items() if new == recipe.name)]


def _recipe_of(module: str) -> Recipe:
    found = [value.__recipe__ for value in vars(importlib.import_module(module)).values()
             if hasattr(value, "__recipe__") and value.__module__ == module]
    if len(found) != 1:
        raise ImportError(f"{module} declares {len(found)} recipes; one file is one recipe")
    recipe: Recipe = found[0]
    return recipe
