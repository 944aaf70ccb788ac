"""The menu says of each way of pruning whether its network is really smaller or only sparse."""

from __future__ import annotations

from worker import menu
from worker.recipe import MAKES


def test_every_way_of_pruning_says_what_it_makes() -> None:
    silent = [recipe.name for recipe in menu.recipes().values() if recipe.kind == "pruning" and not recipe.makes]
    assert not silent
    assert {recipe.makes for recipe in menu.recipes().values()} <= {"", *MAKES}


def test_only_what_takes_whole_channels_calls_itself_smaller() -> None:
    smaller = {recipe.name for recipe in menu.recipes().values() if recipe.makes == "smaller"}
    assert smaller == {"pruning.reconvene", "pruning.l1_channels", "pruning.spai", "portfolio.dnnshifter"}
    assert "whole channels" in menu.get("pruning.spai").makes_words and not menu.get("training.backprop").makes_words
