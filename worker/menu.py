"""The door of the workshop: `recipes()` and `get(name)`, found by walking worker/recipes. Never imports torch."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import worker.recipes
from worker.recipe import Recipe


@cache
def recipes() -> dict[str, Recipe]:
    """Every recipe by name, in the order of the names. A file without a recipe, or a broken one, fails loudly."""
    prefix = worker.recipes.__name__ + "."
    modules = [entry.name for entry in pkgutil.walk_packages(worker.recipes.__path__, prefix) if not entry.ispkg]
    found = [_recipe_of(name) for name in sorted(modules)]
    return {recipe.name: recipe for recipe in found}


def get(name: str) -> Recipe:
    """The recipe of that name; KeyError with the allowed names when there is none."""
    try:
        return recipes()[name]
    except KeyError:
        raise KeyError(f"no recipe {name!r}; there are: {', '.join(recipes())}") from None


def _recipe_of(module: str) -> Recipe:
    found = [value.__recipe__ for value in vars(importlib.import_module(module)).values()
             if hasattr(value, "__recipe__") and value.__module__ == module]
    if len(found) != 1:
        raise ImportError(f"{module} declares {len(found)} recipes; one file is one recipe")
    recipe: Recipe = found[0]
    return recipe
